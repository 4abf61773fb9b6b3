// Headers that break the rules of the format, one by one.
#include "weights/safetensors_header.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "expect_error.h"
#include "weights/quoted.h"

namespace siglip {
namespace {

std::string LittleEndian(uint64_t value) {
  std::string bytes(8, '\0');
  for (int i = 0; i < 8; ++i) bytes[static_cast<size_t>(i)] = static_cast<char>(value >> (8 * i));
  return bytes;
}

/// A whole file: length, JSON, `data_bytes` zeros.
std::string File(const std::string& json, size_t data_bytes) {
  return LittleEndian(json.size()) + json + std::string(data_bytes, '\0');
}

std::string Repeat(const std::string& text, int times) {
  std::string repeated;
  for (int i = 0; i < times; ++i) repeated += text;
  return repeated;
}

SafetensorsHeader ParseHeader(const std::string& file) {
  return ParseSafetensorsHeader(std::as_bytes(std::span(file)), "bad.safetensors");
}

/// {"a": {...}} with these three fields.
std::string OneTensor(const std::string& dtype, const std::string& shape,
                      const std::string& offsets) {
  return R"({"a":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets +
         "}}";
}

const char kTwoFloats[] = R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})";

struct MalformedCase {
  std::string what;
  std::string file;
  ErrorCode code;
  std::vector<std::string> parts;  // beside the file's name
};

void PrintTo(const MalformedCase& malformed, std::ostream* out) { *out << malformed.what; }

std::vector<MalformedCase> TruncatedAndLying() {
  const ErrorCode bad = ErrorCode::kMalformedFile;
  const std::string good = File(OneTensor("\"F32\"", "[2]", "[0,8]"), 8);
  return {
      {"no bytes at all", "", bad, {"at least 8 bytes"}},
      {"a length cut short", good.substr(0, 7), bad, {"at least 8 bytes", "found 7"}},
      {"a length and no header", good.substr(0, 8), bad, {"header of", "cut short"}},
      {"a header cut short", good.substr(0, 30), bad, {"header of", "cut short"}},
      {"data cut short by one byte", good.substr(0, good.size() - 1), bad, {"'a'", "cut short"}},
      {"no data", good.substr(0, good.size() - 8), bad, {"'a'", "cut short"}},
      {"a byte too many", good + "x", bad, {"'a'", "9 bytes"}},
      {"length zero", LittleEndian(0) + "{}", bad, {"begin with '{'"}},
      {"length one too large", LittleEndian(3) + "{}", bad, {"header of 3 bytes"}},
      {"length 100,000,001", LittleEndian(100'000'001) + "{}", bad, {"100000001", "100000000"}},
      {"length 2^64 - 1", LittleEndian(~uint64_t{0}) + "{}", bad, {"18446744073709551615"}},
      {"length 2^63",
       LittleEndian(uint64_t{1} << 63) + "{}",
       bad,
       {"expected a safetensors file", "header of"}},
      {"big-endian length", std::string("\0\0\0\0\0\0\0\x02{}", 10), bad, {"header of"}},
      {"an empty header beside data", File("{}", 4), bad, {"4 bytes of data"}},
  };
}

std::vector<MalformedCase> BadJson() {
  const ErrorCode bad = ErrorCode::kMalformedFile;
  const std::string deep(2000, '[');
  return {
      {"blank before the brace", File(" {}", 0), bad, {"begin with '{'"}},
      {"a list", File("[]", 0), bad, {"begin with '{'"}},
      {"not JSON", File("{nonsense}", 0), bad, {"JSON"}},
      {"JSON cut short", File(R"({"a":{"dtype":)", 0), bad, {"JSON"}},
      {"two objects", File("{}{}", 0), bad, {"JSON"}},
      {"invalid UTF-8", File("{\"\xff\xfe\":1}", 0), bad, {"JSON"}},
      {"zero bytes after it", File(std::string("{}\0\0", 4), 0), bad, {"JSON"}},
      {"deep nesting", File(R"({"a":)" + deep, 0), bad, {"nested"}},
      {"deep nesting in a field unknown to us",
       File(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":)" + deep, 8),
       bad,
       {"nested"}},
      {"the same name twice",
       File(std::string(R"({"a":)") + kTwoFloats + R"(,"a":)" + kTwoFloats + "}", 8),
       bad,
       {"duplicate", "a"}},
      {"the same field twice",
       File(R"({"a":{"dtype":"F32","dtype":"I32","shape":[2],"data_offsets":[0,8]}})", 8),
       bad,
       {"duplicate", "dtype"}},
      {"metadata twice", File(R"({"__metadata__":{},"__metadata__":{}})", 0), bad, {"duplicate"}},
      {"metadata no object", File(R"({"__metadata__":[]})", 0), bad, {"__metadata__"}},
      {"metadata holding a number",
       File(R"({"__metadata__":{"k":1}})", 0),
       bad,
       {"__metadata__", "'k'"}},
      {"metadata holding null", File(R"({"__metadata__":{"k":null}})", 0), bad, {"'k'"}},
      {"a tensor that is a number", File(R"({"a":5})", 0), bad, {"'a'", "object"}},
      {"a tensor that is null", File(R"({"a":null})", 0), bad, {"'a'", "object"}},
  };
}

std::vector<MalformedCase> BadFields() {
  const ErrorCode bad = ErrorCode::kMalformedFile;
  const auto shape = [](const std::string& text) {
    return File(OneTensor("\"F32\"", text, "[0,8]"), 8);
  };
  const auto offsets = [](const std::string& text) {
    return File(OneTensor("\"F32\"", "[2]", text), 8);
  };
  const auto dtype = [](const std::string& text) {
    return File(OneTensor(text, "[2]", "[0,8]"), 8);
  };
  return {
      {"no dtype", File(R"({"a":{"shape":[2],"data_offsets":[0,8]}})", 8), bad, {"'a'", "dtype"}},
      {"no shape", File(R"({"a":{"dtype":"F32","data_offsets":[0,8]}})", 8), bad, {"'a'", "shape"}},
      {"no offsets", File(R"({"a":{"dtype":"F32","shape":[2]}})", 8), bad, {"'a'", "data_offsets"}},
      {"dtype a number", dtype("32"), bad, {"'a'", "dtype"}},
      {"dtype null", dtype("null"), bad, {"'a'", "dtype"}},
      {"dtype unknown", dtype("\"F33\""), ErrorCode::kUnsupported, {"'a'", "F33"}},
      {"dtype in small letters", dtype("\"f32\""), ErrorCode::kUnsupported, {"'a'", "f32"}},
      {"dtype of another size", dtype("\"F64\""), bad, {"'a'", "16 bytes"}},
      {"shape a number", shape("2"), bad, {"'a'", "shape"}},
      {"shape an object", shape("{}"), bad, {"'a'", "shape"}},
      {"shape of 65 extents", shape("[1" + Repeat(",1", 64) + "]"), bad, {"'a'", "65"}},
      {"negative extent", shape("[-2]"), bad, {"'a'", "shape", "-2"}},
      {"negative extents of a positive product", shape("[-1,-2]"), bad, {"'a'", "shape"}},
      {"extent with a fraction", shape("[2.5]"), bad, {"'a'", "2.5"}},
      {"extent written as float", shape("[2.0]"), bad, {"'a'", "2.0"}},
      {"extent with an exponent", shape("[2e0]"), bad, {"'a'", "shape"}},
      {"extent as text", shape("[\"2\"]"), bad, {"'a'", "shape"}},
      {"extent null", shape("[null]"), bad, {"'a'", "shape"}},
      {"extent NaN", shape("[NaN]"), bad, {"JSON"}},
      {"extent true", shape("[true]"), bad, {"'a'", "shape"}},
      {"extent 2^63", shape("[9223372036854775808]"), bad, {"'a'", "9223372036854775808"}},
      {"extent beyond 64 bits", shape("[99999999999999999999999]"), bad, {"'a'", "shape"}},
      {"product overflowing to 2",
       shape("[9223372036854775807,9223372036854775807,2]"),
       bad,
       {"'a'", "impossible"}},
      {"product overflowing to 0",
       shape("[4294967296,4294967296,4294967296]"),
       bad,
       {"'a'", "impossible"}},
      {"overflow before a zero",
       shape("[9223372036854775807,9223372036854775807,0]"),
       bad,
       {"'a'", "impossible"}},
      {"bits overflowing", shape("[1152921504606846976]"), bad, {"'a'", "impossible"}},
      {"more elements than bytes", shape("[3]"), bad, {"'a'", "12 bytes", "hold 8"}},
      {"fewer elements than bytes", shape("[1]"), bad, {"'a'", "4 bytes", "hold 8"}},
      {"a scalar of eight bytes", shape("[]"), bad, {"'a'", "4 bytes"}},
      {"a zero extent with bytes", shape("[0]"), bad, {"'a'", "0 bytes"}},
      {"half a byte", File(OneTensor("\"F4\"", "[3]", "[0,2]"), 2), bad, {"'a'", "impossible"}},
      {"offsets a number", offsets("8"), bad, {"'a'", "data_offsets"}},
      {"one offset", offsets("[8]"), bad, {"'a'", "data_offsets"}},
      {"three offsets", offsets("[0,8,8]"), bad, {"'a'", "data_offsets"}},
      {"negative offset", offsets("[-8,0]"), bad, {"'a'", "data_offsets", "-8"}},
      {"minus zero", offsets("[-0,8]"), bad, {"'a'", "data_offsets"}},
      {"offset with a fraction", offsets("[0,8.5]"), bad, {"'a'", "8.5"}},
      {"offset as text", offsets("[\"0\",\"8\"]"), bad, {"'a'", "data_offsets"}},
      {"offset NaN", offsets("[0,NaN]"), bad, {"JSON"}},
      {"offset infinite", offsets("[0,1e999]"), bad, {}},
      {"end before begin", offsets("[8,0]"), bad, {"'a'", "begin after end"}},
      {"end beyond the file", offsets("[0,9]"), bad, {"'a'", "hold 9"}},
      {"offsets near 2^63",
       offsets("[9223372036854775799,9223372036854775807]"),
       bad,
       {"'a'", "hole"}},
      {"offsets near 2^64",
       offsets("[18446744073709551608,18446744073709551615]"),
       bad,
       {"'a'", "data_offsets"}},
      {"a hole at the beginning",
       File(OneTensor("\"F32\"", "[2]", "[8,16]"), 16),
       bad,
       {"'a'", "hole"}},
  };
}

std::vector<MalformedCase> BadLayouts() {
  const ErrorCode bad = ErrorCode::kMalformedFile;
  const auto two = [](const std::string& first, const std::string& second) {
    return R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + first +
           R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + second + "}}";
  };
  return {
      {"an overlap", File(two("[0,4]", "[2,6]"), 6), bad, {"'b'", "overlap"}},
      {"the same bytes twice", File(two("[0,4]", "[0,4]"), 4), bad, {"'b'", "overlap"}},
      {"a hole in the middle", File(two("[0,4]", "[6,10]"), 10), bad, {"'b'", "hole"}},
      {"a hole at the end", File(two("[0,4]", "[4,8]"), 10), bad, {"'b'", "10 bytes"}},
      {"the second cut off", File(two("[0,4]", "[4,8]"), 6), bad, {"'b'", "cut short"}},
      {"an empty tensor inside another",
       File(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
            R"("b":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}})",
            4),
       bad,
       {"'b'", "overlap"}},
  };
}

class MalformedHeader : public testing::TestWithParam<MalformedCase> {};

TEST_P(MalformedHeader, IsRefused) {
  const MalformedCase& malformed = GetParam();
  std::vector<std::string> parts = malformed.parts;
  parts.push_back("bad.safetensors: ");
  ExpectError(malformed.code, parts, [&] { ParseHeader(malformed.file); });
}

INSTANTIATE_TEST_SUITE_P(TruncatedAndLying, MalformedHeader,
                         testing::ValuesIn(TruncatedAndLying()));
INSTANTIATE_TEST_SUITE_P(BadJson, MalformedHeader, testing::ValuesIn(BadJson()));
INSTANTIATE_TEST_SUITE_P(BadFields, MalformedHeader, testing::ValuesIn(BadFields()));
INSTANTIATE_TEST_SUITE_P(BadLayouts, MalformedHeader, testing::ValuesIn(BadLayouts()));

TEST(SafetensorsHeader, EveryPrefixOfAFileIsRefused) {
  const std::string file =
      File(R"({"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8);
  EXPECT_EQ(ParseHeader(file).entries.size(), 1U);
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_THROW(ParseHeader(file.substr(0, size)), Error) << size;
  }
}

TEST(SafetensorsHeader, OrdersTensorsByTheirData) {
  const SafetensorsHeader header =
      ParseHeader(File(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[8,9]},)"
                       R"("b":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}})",
                       9));
  ASSERT_EQ(header.entries.size(), 2U);
  EXPECT_EQ(header.entries[0].name, "b");
  EXPECT_EQ(header.entries[1].name, "a");
  EXPECT_EQ(header.entries[1].begin, 8U);
}

TEST(SafetensorsHeader, AcceptsWhatTheFormatAllows) {
  EXPECT_TRUE(ParseHeader(File("{}", 0)).entries.empty());
  EXPECT_TRUE(ParseHeader(File("{}      ", 0)).entries.empty());  // padding
  EXPECT_EQ(ParseHeader(File(R"({"__metadata__":{"format":"pt"}})", 0)).metadata.at("format"),
            "pt");
  EXPECT_TRUE(ParseHeader(File(OneTensor("\"F32\"", "[]", "[0,4]"), 4)).entries[0].shape.empty());
  EXPECT_EQ(ParseHeader(File(OneTensor("\"F32\"", "[0,7]", "[0,0]"), 0)).entries.size(), 1U);
  // Dtypes that this library does not read do not keep a file from opening.
  EXPECT_EQ(ParseHeader(File(OneTensor("\"F8_E4M3\"", "[3]", "[0,3]"), 3)).entries[0].dtype,
            "F8_E4M3");
  EXPECT_EQ(ParseHeader(File(OneTensor("\"U16\"", "[3]", "[0,6]"), 6)).entries[0].dtype, "U16");
  EXPECT_EQ(ParseHeader(File(OneTensor("\"F4\"", "[4]", "[0,2]"), 2)).entries[0].dtype, "F4");
  // Empty tensors may lie between, before and after others.
  EXPECT_EQ(ParseHeader(File(R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)"
                             R"("b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                             R"("c":{"dtype":"U8","shape":[0],"data_offsets":[4,4]}})",
                             4))
                .entries.size(),
            3U);
}

TEST(SafetensorsHeader, BuildAlignsDataAndRoundTrips) {
  std::vector<SafetensorsEntry> entries = {
      {"b \"quoted\" \u00e9", "F32", {2, 3}}, {"a", "BF16", {}}, {"empty", "I64", {0}}};
  for (size_t padding = 0; padding < 8; ++padding) {
    const std::map<std::string, std::string> metadata = {{"k", std::string(padding, 'x')}};
    const std::string header = BuildSafetensorsHeader(entries, metadata, "x");
    EXPECT_EQ(header.size() % 8, 0U);
    const SafetensorsHeader parsed = ParseHeader(header + std::string(26, '\0'));
    EXPECT_EQ(parsed.metadata, metadata);
    ASSERT_EQ(parsed.entries.size(), 3U);
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(parsed.entries[i].name, entries[i].name);
      EXPECT_EQ(parsed.entries[i].dtype, entries[i].dtype);
      EXPECT_EQ(parsed.entries[i].shape, entries[i].shape);
      EXPECT_EQ(parsed.entries[i].begin, entries[i].begin);
      EXPECT_EQ(parsed.entries[i].end, entries[i].end);
    }
  }
}

TEST(SafetensorsHeader, BuildRefusesWhatCannotBeWritten) {
  const auto build = [](std::vector<SafetensorsEntry> entries) {
    return [entries]() mutable { BuildSafetensorsHeader(entries, {}, "out.safetensors"); };
  };
  const ErrorCode code = ErrorCode::kInvalidArgument;
  ExpectError(code, {"out.safetensors", "'a'", "taken"},
              build({{"a", "F32", {}}, {"a", "F32", {}}}));
  ExpectError(code, {"__metadata__", "taken"}, build({{"__metadata__", "F32", {}}}));
  ExpectError(code, {"'a'", "[-1]"}, build({{"a", "F32", {-1}}}));
  ExpectError(code, {"'a'", "dtype"}, build({{"a", "F8_E4M3", {1}}}));
  std::vector<SafetensorsEntry> huge;
  for (int i = 0; i < 9; ++i) huge.push_back({"t" + std::to_string(i), "U8", {INT64_MAX / 8}});
  ExpectError(code, {"'t8'", "2^63"}, build(huge));
  ExpectError(code, {"UTF-8"}, build({{"\xff", "F32", {1}}}));
}

TEST(SafetensorsHeader, QuotedIsShortAndPrintable) {
  EXPECT_EQ(Quoted("a.b"), "'a.b'");
  EXPECT_EQ(Quoted("a\nb"), "'a\\nb'");
  EXPECT_EQ(Quoted("\x1b[31m"), "'\\u001b[31m'");
  EXPECT_EQ(Quoted("\xff"), "'\\ufffd'");
  EXPECT_LT(Quoted(std::string(100'000, 'x')).size(), 200U);
}

}  // namespace
}  // namespace siglip
