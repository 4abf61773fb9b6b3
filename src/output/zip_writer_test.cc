// Archives as another piece of code reads them, also those beyond 4 GiB.
#include "output/zip_writer.h"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "base/atomic_file.h"
#include "base/mapped_file.h"
#include "output/crc32.h"
#include "scratch_folder.h"
#include "weights/zip_archive.h"

namespace siglip {
namespace {

/// The header in the file, which other programs may read instead of the directory.
std::string Header(std::span<const std::byte> file, const ZipMember& member) {
  const size_t size = ZipHeader({member.name, member.bytes}).size();
  return {reinterpret_cast<const char*>(file.data()) + member.begin - size, size};
}

std::string Unpacked(std::span<const std::byte> file, const ZipMember& member) {
  std::string text(member.bytes, '\0');
  ZipStream(file, member, "member").Read(std::as_writable_bytes(std::span(text)));
  return text;  // Read has compared the check sum
}

TEST(ZipWriter, WhatWasWrittenCanBeRead) {
  const ScratchFolder folder;
  AtomicFile output(folder / "a.zip");
  ZipWriter zip(output);
  zip.Begin("one.npy", 9);
  zip.Write("some");
  zip.Write(" text");
  zip.Begin("empty", 0);
  zip.Begin("two", 2 * sizeof(float));
  const std::array<float, 2> values = {1, -2};
  zip.Write(std::as_bytes(std::span<const float>(values)));
  zip.Finish();
  output.Commit();
  const MappedFile file = MappedFile::Open(folder / "a.zip");
  const std::vector<ZipMember> members = ParseZipDirectory(file.bytes(), "a.zip");
  ASSERT_EQ(members.size(), 3U);
  EXPECT_EQ(members[0].name, "one.npy");
  for (const ZipMember& member : members) {
    EXPECT_EQ(Header(file.bytes(), member),
              ZipHeader({member.name, member.bytes, 0, member.crc32}));
  }
  EXPECT_EQ(Unpacked(file.bytes(), members[0]), "some text");
  EXPECT_EQ(members[1].name, "empty");
  EXPECT_EQ(members[1].bytes, 0U);
  EXPECT_EQ(Unpacked(file.bytes(), members[2]),
            std::string(reinterpret_cast<const char*>(values.data()), sizeof(values)));
}

TEST(ZipWriter, AnEmptyArchive) {
  const std::string bytes = ZipDirectory({}, 0);
  EXPECT_TRUE(ParseZipDirectory(std::as_bytes(std::span(bytes)), "a.zip").empty());
}

// A file with a hole in place of the bytes of a large member.
TEST(ZipWriter, SizesAndPlacesBeyond32Bits) {
  constexpr uint64_t kLimit = uint64_t{1} << 32;
  for (const uint64_t size : {kLimit - 100, kLimit - 2, kLimit - 1, kLimit, 3 * kLimit}) {
    ZipEntry large = {"large", size, 0, 0};
    ZipEntry small = {"small", 5, ZipHeader(large).size() + size, Crc32("bytes")};
    const std::string end_of_small = ZipHeader(small) + "bytes";
    const uint64_t directory = small.offset + end_of_small.size();
    const ScratchFolder folder;
    {
      std::ofstream file(folder / "a.zip", std::ios::binary);
      file << ZipHeader(large);
      file.seekp(static_cast<int64_t>(small.offset));
      file << end_of_small << ZipDirectory(std::array{large, small}, directory);
    }
    const MappedFile file = MappedFile::Open(folder / "a.zip");
    const std::vector<ZipMember> members = ParseZipDirectory(file.bytes(), "a.zip");
    ASSERT_EQ(members.size(), 2U) << size;
    EXPECT_EQ(members[0].bytes, size);
    EXPECT_EQ(members[0].begin, ZipHeader(large).size());
    EXPECT_EQ(Unpacked(file.bytes(), members[1]), "bytes");
  }
}

}  // namespace
}  // namespace siglip
