// Zip archives: what unpacks, and what is refused before anything is unpacked.
#include "weights/zip_archive.h"

#include <gtest/gtest.h>

#include "expect_error.h"
#include "file_bytes.h"
#include "zip_builder.h"

namespace siglip {
namespace {

std::string Unpack(const std::string& file, const ZipMember& member, size_t piece = 7) {
  ZipStream stream(AsBytes(file), member, "a.zip");
  std::string text(member.bytes, '\0');
  auto rest = std::as_writable_bytes(std::span(text));
  while (!rest.empty()) {
    const auto next = rest.first(std::min(piece, rest.size()));
    stream.Read(next);
    rest = rest.subspan(next.size());
  }
  EXPECT_TRUE(stream.is_at_end());
  return text;
}

std::string Pattern(size_t bytes) {
  std::string text;
  for (size_t i = 0; i < bytes; ++i) text += static_cast<char>('a' + i * i % 23);
  return text;
}

std::vector<ZipMember> ParseZip(const std::string& file) {
  return ParseZipDirectory(AsBytes(file), "a.zip");
}

TEST(ZipArchive, StoredAndDeflatedMembers) {
  const std::string long_text = Pattern(100'000);
  for (const bool zip64 : {false, true}) {
    for (const std::string& comment : {std::string(), Pattern(65535)}) {
      const std::string file = MakeZip({{.name = "one", .data = "some text"},
                                        {.name = "two", .data = long_text, .deflate = true},
                                        {.name = "wide", .data = long_text, .zip64 = true},
                                        {.name = "empty"}},
                                       zip64, comment);
      const std::vector<ZipMember> members = ParseZip(file);
      ASSERT_EQ(members.size(), 4U);
      EXPECT_EQ(members[0].name, "one");
      EXPECT_FALSE(members[0].is_deflated);
      EXPECT_TRUE(members[1].is_deflated);
      EXPECT_LT(members[1].stored_bytes, members[1].bytes);
      EXPECT_EQ(Unpack(file, members[0]), "some text");
      EXPECT_EQ(Unpack(file, members[1]), long_text);
      EXPECT_EQ(Unpack(file, members[1], 1 << 20), long_text);
      EXPECT_EQ(Unpack(file, members[2]), long_text);
      EXPECT_EQ(Unpack(file, members[3]), "");
    }
  }
  EXPECT_TRUE(ParseZip(MakeZip({})).empty());
}

TEST(ZipArchive, SkippedBytesCount) {
  const std::string text = Pattern(200'000);
  const std::string file = MakeZip({{.name = "a", .data = text, .deflate = true}});
  ZipStream stream(AsBytes(file), ParseZip(file)[0], "a.zip");
  stream.Skip(150'000);
  EXPECT_EQ(stream.position(), 150'000U);
  std::string found(10, '\0');
  stream.Read(std::as_writable_bytes(std::span(found)));
  EXPECT_EQ(found, text.substr(150'000, 10));
  stream.Skip(text.size() - 150'010);
  EXPECT_TRUE(stream.is_at_end());
  ExpectError(ErrorCode::kMalformedFile, {"a.zip", "200000 bytes"}, [&] { stream.Skip(1); });
}

struct BadZip {
  std::string what;
  std::string file;
  ErrorCode code;
  std::vector<std::string> parts;
};

TEST(ZipArchive, BrokenAndLyingDirectories) {
  const ErrorCode bad = ErrorCode::kMalformedFile;
  const ErrorCode unsupported = ErrorCode::kUnsupported;
  const std::string text = Pattern(1000);
  const auto one = [&](TestMember member) {
    member.name = "m";
    member.data = text;
    return MakeZip({member});
  };
  const std::string good = one({});
  const auto replaced = [&](const std::string& from, const std::string& to, size_t skip) {
    std::string file = good;
    return file.replace(file.rfind(from) + skip, to.size(), to);
  };
  const std::string end = "PK\x05\x06";
  const std::string entry = "PK\x01\x02";
  const std::vector<BadZip> cases = {
      {"nothing", "", bad, {"end record"}},
      {"only the end's signature", end, bad, {"end record"}},
      {"no zip", std::string(100, 'x'), bad, {"end record"}},
      {"cut short", good.substr(0, good.size() - 1), bad, {"end record", "cut short"}},
      {"front missing", good.substr(100), bad, {"outside the file"}},
      {"several disks", replaced(end, "\x01", 4), unsupported, {"several parts"}},
      {"more members than the directory has room for",
       replaced(end, "\x09", 10),
       bad,
       {"9 members"}},
      {"a second member that is not there", replaced(end, "\x02", 10), bad, {"2 members"}},
      {"a directory longer than the file",
       replaced(end, "\xff\xff", 12),
       bad,
       {"outside the file"}},
      {"a directory beyond the file",
       replaced(end, "\xff\xff\xff\x7f", 16),
       bad,
       {"outside the file"}},
      {"a damaged directory", replaced(entry, "XX", 0), bad, {"directory is damaged"}},
      {"an encrypted member", one({.flags = 1}), unsupported, {"'m'", "encrypted"}},
      {"bzip2", one({.method = 12}), unsupported, {"'m'", "method 12"}},
      {"a header elsewhere", one({.local_header = 3}), bad, {"'m'", "not where"}},
      {"a header outside", one({.local_header = 1 << 30}), bad, {"'m'", "cut short"}},
      {"another name in the header", one({.local_name = "n"}), bad, {"'m'", "another name"}},
      {"data beyond the file",
       one({.bytes = 1 << 20, .stored_bytes = 1 << 20}),
       bad,
       {"'m'", "outside the file"}},
      {"a stored member of two sizes", one({.bytes = 1001}), bad, {"'m'", "1001", "1000"}},
      {"a bomb", one({.deflate = true, .bytes = 0x7fffffff}), bad, {"'m'", "claims 2147483647"}},
      {"a bomb of 64 bits",
       one({.deflate = true, .zip64 = true, .bytes = int64_t{1} << 62}),
       bad,
       {"'m'", "claims"}},
      {"two members in one place",
       MakeZip({{.name = "m", .data = text}, {.name = "m", .data = text, .local_header = 0}}),
       bad,
       {"'m'", "overlap"}},
      {"a zip64 locator to nowhere",
       [&] {
         std::string file = MakeZip({{.name = "m", .data = text}}, true);
         return file.replace(file.rfind("PK\x06\x07") + 8, 8, std::string(7, '\x7f') + '\x7f');
       }(),
       bad,
       {"a.zip"}},
      {"a zip64 locator to something else",
       [&] {
         std::string file = MakeZip({{.name = "m", .data = text}}, true);
         return file.replace(file.rfind("PK\x06\x07") + 8, 8, std::string(8, '\0'));
       }(),
       bad,
       {"zip64"}},
  };
  for (const BadZip& zip : cases) {
    SCOPED_TRACE(zip.what);
    std::vector<std::string> parts = zip.parts;
    parts.push_back("a.zip");
    ExpectError(zip.code, parts, [&] { ParseZip(zip.file); });
  }
}

TEST(ZipArchive, DamagedMembers) {
  const std::string text = Pattern(5000);
  const auto fails = [&](const std::string& file, const std::string& part) {
    const ZipMember member = ParseZip(file).at(0);
    ExpectError(ErrorCode::kMalformedFile, {"a.zip", part}, [&] { Unpack(file, member); });
  };
  fails(MakeZip({{.name = "m", .data = text, .crc_error = 1}}), "checksum");
  fails(MakeZip({{.name = "m", .data = text, .deflate = true, .crc_error = 1}}), "checksum");
  fails(MakeZip({{.name = "m", .data = text, .method = 8, .bytes = 9000}}), "damaged");
  fails(MakeZip({{.name = "m", .data = text, .deflate = true, .bytes = 5001}}), "damaged");
  fails(MakeZip({{.name = "m", .data = text, .deflate = true, .stored_bytes = 20}}), "");
  std::string changed = MakeZip({{.name = "m", .data = text}});
  changed[200] = static_cast<char>(changed[200] ^ 1);
  fails(changed, "checksum");
}

}  // namespace
}  // namespace siglip
