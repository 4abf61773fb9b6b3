// GGUF files: what is read, types, and files that lie.
#include "weights/gguf_header.h"

#include <gtest/gtest.h>

#include <limits>

#include "expect_error.h"
#include "file_bytes.h"
#include "gguf_builder.h"

namespace siglip {
namespace {

constexpr uint32_t kF16 = 1;
constexpr uint32_t kQ4 = 2;
constexpr uint32_t kQ8 = 8;
constexpr uint32_t kBF16 = 30;

GgufHeader ParseGguf(const std::string& file) { return ParseGgufHeader(AsBytes(file), "a.gguf"); }

std::vector<float> Read(const std::string& file, size_t index, int64_t first, size_t count) {
  std::vector<float> values(count);
  ReadGgufTensor(AsBytes(file), ParseGguf(file).tensors.at(index), first, values);
  return values;
}

/// A list of metadata: the type's number of its elements, then they.
std::string List(uint32_t type, uint64_t count, const std::string& elements) {
  return LittleEndianBytes(type) + LittleEndianBytes(count) + elements;
}

TEST(GgufHeader, MetadataOfEveryType) {
  std::string vocabulary;
  for (int i = 0; i < 65; ++i) vocabulary += GgufText("word");
  const GgufHeader header = ParseGguf(MakeGguf(
      {GgufEntry("u8", 0, "\xff"), GgufEntry("i8", 1, "\xff"),
       GgufEntry("u16", 2, LittleEndianBytes(uint16_t{65535})),
       GgufEntry("i16", 3, LittleEndianBytes(int16_t{-2})), GgufEntry("u32", uint32_t{896}),
       GgufEntry("i32", 5, LittleEndianBytes(int32_t{-3})), GgufEntry("f32", 0.5F),
       GgufEntry("yes", true), GgufEntry("text", std::string("clip")),
       GgufEntry("u64", 10, LittleEndianBytes(std::numeric_limits<uint64_t>::max())),
       GgufEntry("i64", 11, LittleEndianBytes(int64_t{-4})),
       GgufEntry("f64", 12, LittleEndianBytes(1e-6)),
       GgufEntry("list", 9, List(6, 2, LittleEndianBytes(0.5F) + LittleEndianBytes(0.25F))),
       GgufEntry("words", 9, List(8, 65, vocabulary))},
      {}));
  EXPECT_EQ(header.metadata, (Json{{"u8", 255},
                                   {"i8", -1},
                                   {"u16", 65535},
                                   {"i16", -2},
                                   {"u32", 896},
                                   {"i32", -3},
                                   {"f32", 0.5},
                                   {"yes", true},
                                   {"text", "clip"},
                                   {"u64", std::numeric_limits<uint64_t>::max()},
                                   {"i64", -4},
                                   {"f64", 1e-6},
                                   {"list", {0.5, 0.25}},
                                   {"words", nullptr}}));
}

TEST(GgufHeader, TensorsAndTheirTypes) {
  // Two blocks of Q8_0: scales 0.5 and 2, quanta -128, 1, 2, ... and 127, 126, ...
  std::string blocks = std::string("\x00\x38", 2);
  for (int i = 0; i < 32; ++i) blocks += static_cast<char>(i == 0 ? -128 : i);
  blocks += std::string("\x00\x40", 2);
  for (int i = 0; i < 32; ++i) blocks += static_cast<char>(127 - i);
  const std::string file =
      MakeGguf({}, {{"f32", {3, 2}, 0, FloatBytes(std::vector<float>{1, 2, 3, 4, 5, 6})},
                    {"f16", {2}, kF16, std::string("\x00\x3e\x00\xc0", 4)},
                    {"bf16", {2}, kBF16, std::string("\xc0\x3f\x00\xc0", 4)},
                    {"q8", {32, 2}, kQ8, blocks},
                    {"q4", {32}, kQ4, std::string(18, 'x')},
                    {"scalar", {}, 0, FloatBytes(std::vector<float>{7})}});
  const GgufHeader header = ParseGguf(file);
  ASSERT_EQ(header.tensors.size(), 6U);
  EXPECT_EQ(header.tensors[0].shape, (Shape{2, 3}));
  EXPECT_STREQ(header.tensors[3].type->name, "Q8_0");
  EXPECT_TRUE(IsReadable(*header.tensors[3].type));
  EXPECT_FALSE(IsReadable(*header.tensors[4].type));
  EXPECT_EQ(Read(file, 0, 0, 6), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(Read(file, 0, 4, 2), (std::vector<float>{5, 6}));
  EXPECT_EQ(Read(file, 1, 0, 2), (std::vector<float>{1.5F, -2}));
  EXPECT_EQ(Read(file, 2, 0, 2), (std::vector<float>{1.5F, -2}));
  EXPECT_EQ(Read(file, 3, 0, 3), (std::vector<float>{-64, 0.5F, 1}));
  EXPECT_EQ(Read(file, 3, 31, 3), (std::vector<float>{15.5F, 254, 252}));
  EXPECT_EQ(Read(file, 5, 0, 1), (std::vector<float>{7}));
  ExpectError(ErrorCode::kUnsupported, {"'q4'", "Q4_0"}, [&] { Read(file, 4, 0, 1); });
}

TEST(GgufHeader, Alignment) {
  const std::string data = FloatBytes(std::vector<float>{1});
  const std::string file = MakeGguf({GgufEntry("general.alignment", uint32_t{256})},
                                    {{"a", {1}, 0, data}, {"b", {1}, 0, data}}, 256);
  EXPECT_EQ(ParseGguf(file).tensors[0].begin % 256, 0U);
  EXPECT_EQ(Read(file, 1, 0, 1), (std::vector<float>{1}));
}

struct BadGguf {
  std::string what;
  std::string file;
  ErrorCode code;
  std::vector<std::string> parts;
};

TEST(GgufHeader, BrokenAndLyingFiles) {
  const ErrorCode bad = ErrorCode::kMalformedFile;
  const ErrorCode unsupported = ErrorCode::kUnsupported;
  const std::string data = FloatBytes(std::vector<float>(8, 1.0F));
  const std::string good = MakeGguf({GgufEntry("k", uint32_t{1})}, {{"t", {8}, 0, data}});
  const auto with = [&](size_t position, const std::string& bytes) {
    std::string file = good;
    return file.replace(position, bytes.size(), bytes);
  };
  const auto tensor = [&](TestTensor changed) {
    changed.name = "t";
    changed.data = data;
    return MakeGguf({}, {changed});
  };
  const uint64_t huge = std::numeric_limits<uint64_t>::max();
  const auto entry = [](const std::string& bytes) { return MakeGguf({bytes}, {}); };
  const std::vector<BadGguf> cases = {
      {"nothing", "", bad, {"cut short"}},
      {"no GGUF", with(0, "GGML"), bad, {"no GGUF file"}},
      {"version 1", with(4, "\x01"), unsupported, {"found 1"}},
      {"version 4", with(4, "\x04"), unsupported, {"found 4"}},
      {"big-endian", with(4, std::string("\0\0\0\3", 4)), unsupported, {"big-endian"}},
      {"2^64 tensors", with(8, LittleEndianBytes(huge)), bad, {std::to_string(huge), "tensors"}},
      {"2^64 entries", with(16, LittleEndianBytes(huge)), bad, {std::to_string(huge), "entries"}},
      {"a key of 2^64 bytes", with(24, LittleEndianBytes(huge)), bad, {"allowed"}},
      {"an unknown type", entry(GgufEntry("k", 13, "")), bad, {"'k'", "type 13"}},
      {"a list of lists",
       entry(GgufEntry("k", 9, List(9, 1, "1234567890123"))),
       bad,
       {"'k'", "type 9"}},
      {"a list of 2^64", entry(GgufEntry("k", 9, List(4, huge, ""))), bad, {"'k'", "list"}},
      {"a text of 2^64 bytes",
       entry(GgufEntry("k", 8, LittleEndianBytes(huge))),
       bad,
       {"'k'", "allowed"}},
      {"a key twice",
       MakeGguf({GgufEntry("k", uint32_t{1}), GgufEntry("k", uint32_t{1})}, {}),
       bad,
       {"'k'", "twice"}},
      {"alignment 3", entry(GgufEntry("general.alignment", uint32_t{3})), bad, {"power of two"}},
      {"alignment 0", entry(GgufEntry("general.alignment", uint32_t{0})), bad, {"power of two"}},
      {"alignment 2^31",
       entry(GgufEntry("general.alignment", uint32_t{1} << 31)),
       bad,
       {"power of two"}},
      {"alignment a text",
       entry(GgufEntry("general.alignment", std::string("32"))),
       bad,
       {"power of two"}},
      {"five extents", tensor({.extents = {8, 1, 1, 1, 1}}), bad, {"'t'", "5 extents"}},
      {"a negative extent", tensor({.extents = {huge}}), bad, {"'t'", "impossible"}},
      {"an overflow",
       tensor({.extents = {uint64_t{1} << 40, uint64_t{1} << 40}}),
       bad,
       {"'t'", "impossible"}},
      {"an overflow of bytes",
       tensor({.extents = {uint64_t{1} << 62}}),
       bad,
       {"'t'", "impossible"}},
      {"an unknown tensor type",
       tensor({.extents = {8}, .type = 4}),
       unsupported,
       {"'t'", "type 4"}},
      {"a row that is no whole block",
       tensor({.extents = {8}, .type = kQ8}),
       bad,
       {"'t'", "multiple of 32"}},
      {"data beyond the file", tensor({.extents = {9}}), bad, {"'t'", "cut short"}},
      {"an offset beyond the file",
       tensor({.extents = {8}, .offset = 1 << 20}),
       bad,
       {"'t'", "cut short"}},
      {"an offset that overflows",
       tensor({.extents = {8}, .offset = std::numeric_limits<int64_t>::max() - 31}),
       bad,
       {"'t'", "cut short"}},
      {"an offset between multiples",
       tensor({.extents = {4}, .offset = 4}),
       bad,
       {"'t'", "no multiple of 32"}},
      {"two tensors in one place",
       MakeGguf({}, {{"t", {8}, 0, data}, {"u", {8}, 0, "", 0}}),
       bad,
       {"'t'", "'u'", "overlap"}},
  };
  for (const BadGguf& gguf : cases) {
    SCOPED_TRACE(gguf.what);
    std::vector<std::string> parts = gguf.parts;
    parts.push_back("a.gguf");
    ExpectError(gguf.code, parts, [&] { ParseGguf(gguf.file); });
  }
}

TEST(GgufHeader, EveryFileCutShortIsRefused) {
  const std::string good =
      MakeGguf({GgufEntry("k", uint32_t{1}), GgufEntry("text", std::string("abc"))},
               {{"t", {8}, 0, FloatBytes(std::vector<float>(8, 1.0F))}});
  for (size_t bytes = 0; bytes < good.size(); ++bytes) {
    const std::string cut = good.substr(0, bytes);
    ExpectError(ErrorCode::kMalformedFile, {"a.gguf"}, [&] { ParseGguf(cut); });
  }
  EXPECT_NO_THROW(ParseGguf(good));
}

}  // namespace
}  // namespace siglip
