// Arrays of .npz files: headers, types, orders, and files that lie.
#include "weights/npz_reader.h"

#include <gtest/gtest.h>

#include <numeric>

#include "expect_error.h"
#include "file_bytes.h"
#include "zip_builder.h"

namespace siglip {
namespace {

std::string Numbers(int count) {
  std::vector<float> values(static_cast<size_t>(count));
  std::iota(values.begin(), values.end(), 0.0F);
  return FloatBytes(values);
}

std::string OneArray(const std::string& npy, bool deflate = false) {
  return MakeZip({{.name = "a.npy", .data = npy, .deflate = deflate}});
}

std::vector<float> ReadAll(const std::string& file, size_t index = 0) {
  const NpzReader reader(AsBytes(file), "a.npz");
  std::vector<float> values(
      static_cast<size_t>(ElementCount(reader.arrays().at(index).header.shape)));
  reader.Read(index, 0, values);
  return values;
}

TEST(NpzReader, ShapesAndNames) {
  const auto shape_of = [](const std::string& shape, int count) {
    const std::string file = OneArray(MakeNpy(NpyDictionary("<f4", shape), Numbers(count)));
    const NpzReader reader(AsBytes(file), "a.npz");
    EXPECT_EQ(reader.arrays()[0].name, "a");
    EXPECT_EQ(reader.arrays()[0].dtype, DType::kF32);
    return reader.arrays()[0].header.shape;
  };
  EXPECT_EQ(shape_of("()", 1), Shape{});
  EXPECT_EQ(shape_of("(3,)", 3), Shape{3});
  EXPECT_EQ(shape_of("(3)", 3), Shape{3});
  EXPECT_EQ(shape_of("(2, 3)", 6), (Shape{2, 3}));
  EXPECT_EQ(shape_of("(2,0,3)", 0), (Shape{2, 0, 3}));
}

TEST(NpzReader, Types) {
  const auto read = [](const std::string& dtype, const std::string& data) {
    return ReadAll(OneArray(MakeNpy(NpyDictionary(dtype, "(2,)"), data)));
  };
  const std::vector<float> expected = {1.5F, -2.0F};
  EXPECT_EQ(read("<f4", LittleEndianBytes(1.5F) + LittleEndianBytes(-2.0F)), expected);
  EXPECT_EQ(read("<f8", LittleEndianBytes(1.5) + LittleEndianBytes(-2.0)), expected);
  EXPECT_EQ(read("<f2", std::string("\x00\x3e\x00\xc0", 4)), expected);
  EXPECT_EQ(read("|V2", std::string("\xc0\x3f\x00\xc0", 4)), expected);
}

TEST(NpzReader, OtherTypesAreListedButHaveNoValues) {
  const std::string file =
      MakeZip({{.name = "big.npy", .data = MakeNpy(NpyDictionary(">f4", "(1,)"), "abcd")},
               {.name = "step.npy", .data = MakeNpy(NpyDictionary("<i8", "()"), "abcdefgh")},
               {.name = "o.npy", .data = MakeNpy(NpyDictionary("|O", "(7,)"), "a pickle")}});
  const NpzReader reader(AsBytes(file), "a.npz");
  EXPECT_EQ(reader.arrays()[0].dtype, std::nullopt);
  EXPECT_EQ(reader.arrays()[1].dtype, DType::kI64);
  EXPECT_EQ(reader.arrays()[2].dtype, std::nullopt);
}

TEST(NpzReader, HeadersOfEveryVersion) {
  const std::string dictionary = NpyDictionary("<f4", "(2,)");
  for (const char version : {'\x02', '\x03'}) {
    const std::string npy = std::string("\x93NUMPY") + version + std::string(1, '\0') +
                            LittleEndianBytes(static_cast<uint32_t>(dictionary.size())) +
                            dictionary + Numbers(2);
    EXPECT_EQ(ReadAll(OneArray(npy)), (std::vector<float>{0, 1}));
  }
}

TEST(NpzReader, FortranOrderIsTurned) {
  // Column-major [2, 3, 2]: element (i, j, k) has number i + 2 (j + 3 k).
  for (const bool deflate : {false, true}) {
    const std::string file =
        OneArray(MakeNpy(NpyDictionary("<f4", "(2, 3, 2)", true), Numbers(12)), deflate);
    EXPECT_EQ(ReadAll(file), (std::vector<float>{0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11}));
    std::vector<float> part(4);
    NpzReader(AsBytes(file), "a.npz").Read(0, 5, part);
    EXPECT_EQ(part, (std::vector<float>{10, 1, 7, 3}));
  }
  EXPECT_EQ(ReadAll(OneArray(MakeNpy(NpyDictionary("<f4", "(1, 3)", true), Numbers(3)))),
            (std::vector<float>{0, 1, 2}));
}

TEST(NpzReader, PartsInAnyOrder) {
  for (const bool deflate : {false, true}) {
    const std::string file =
        OneArray(MakeNpy(NpyDictionary("<f4", "(100000,)"), Numbers(100'000)), deflate);
    const NpzReader reader(AsBytes(file), "a.npz");
    for (const int64_t first : {0, 50'000, 99'990, 3, 3, 70'000}) {
      std::vector<float> values(10);
      reader.Read(0, first, values);
      for (int64_t i = 0; i < 10; ++i) {
        ASSERT_EQ(values[static_cast<size_t>(i)], static_cast<float>(first + i)) << first;
      }
    }
  }
}

struct BadNpz {
  std::string what;
  std::string file;
  ErrorCode code;
  std::vector<std::string> parts;
};

TEST(NpzReader, BrokenAndLyingHeaders) {
  const ErrorCode bad = ErrorCode::kMalformedFile;
  const ErrorCode unsupported = ErrorCode::kUnsupported;
  const auto dictionary = [](const std::string& text) { return OneArray(MakeNpy(text, "abcd")); };
  const std::string good = NpyDictionary("<f4", "(1,)");
  const std::vector<BadNpz> cases = {
      {"another member", MakeZip({{.name = "a.txt", .data = "x"}}), bad, {"a.txt", ".npy"}},
      {"an empty member", OneArray(""), bad, {"0 bytes"}},
      {"no magic", OneArray("PICKLED_DATA"), bad, {"no .npy file"}},
      {"version 9",
       OneArray(std::string("\x93NUMPY\x09\x00\x00\x00", 10)),
       unsupported,
       {"version 9"}},
      {"a header longer than the file",
       OneArray(std::string("\x93NUMPY\x01\x00\xff\x7f", 10) + "{"),
       bad,
       {"at least"}},
      {"a header of 4 GB",
       OneArray(std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff", 12)),
       bad,
       {"4294967295", "allowed"}},
      {"no dictionary", dictionary("[]"), bad, {"expected '{'"}},
      {"an empty dictionary", dictionary("{}"), bad, {"descr"}},
      {"no shape", dictionary("{'descr': '<f4', 'fortran_order': False}"), bad, {"shape"}},
      {"a key twice", dictionary("{'descr': '<f4', 'descr': '<f4'}"), bad, {"twice"}},
      {"an unknown key", dictionary("{'size': 1}"), bad, {"'size'"}},
      {"a string without end", dictionary("{'descr: 1}"), bad, {"without end"}},
      {"a number as a key", dictionary("{1: 2}"), bad, {"expected a string"}},
      {"no colon", dictionary("{'descr' '<f4'}"), bad, {"expected ':'"}},
      {"text behind", dictionary(good + "x"), bad, {"after the dictionary"}},
      {"records", dictionary("{'descr': [('x', '<f4')]}"), unsupported, {"records"}},
      {"order 1", dictionary("{'fortran_order': 1}"), bad, {"True or False"}},
      {"a negative extent", dictionary(NpyDictionary("<f4", "(-1,)")), bad, {"extent"}},
      {"no number", dictionary(NpyDictionary("<f4", "(x,)")), bad, {"extent"}},
      {"a huge number",
       dictionary(NpyDictionary("<f4", "(99999999999999999999,)")),
       bad,
       {"extent"}},
      {"a shape without end", dictionary("{'shape': (1, 2"), bad, {"expected ')'"}},
      {"an overflow",
       dictionary(NpyDictionary("<f4", "(4294967296, 4294967296)")),
       bad,
       {"impossible shape"}},
      {"an overflow by the element",
       dictionary(NpyDictionary("<f4", "(4611686018427387904,)")),
       bad,
       {"impossible shape"}},
      {"too few elements", dictionary(NpyDictionary("<f4", "(2,)")), bad, {"needs 8 bytes"}},
      {"too many elements", dictionary(NpyDictionary("<f2", "(1,)")), bad, {"needs 2 bytes"}},
      {"65 extents",
       dictionary(NpyDictionary("<f4",
                                [] {
                                  std::string shape = "(";
                                  for (int i = 0; i < 65; ++i) shape += "1, ";
                                  return shape + ")";
                                }())),
       bad,
       {"64 extents"}},
  };
  for (const BadNpz& npz : cases) {
    SCOPED_TRACE(npz.what);
    std::vector<std::string> parts = npz.parts;
    parts.push_back("a.npz");
    ExpectError(npz.code, parts, [&] { NpzReader(AsBytes(npz.file), "a.npz"); });
  }
}

TEST(NpzReader, DamagedElements) {
  const std::string file = MakeZip({{.name = "a.npy",
                                     .data = MakeNpy(NpyDictionary("<f4", "(9,)"), Numbers(9)),
                                     .crc_error = 1}});
  ExpectError(ErrorCode::kMalformedFile, {"a.npz", "'a.npy'", "checksum"}, [&] { ReadAll(file); });
}

}  // namespace
}  // namespace siglip
