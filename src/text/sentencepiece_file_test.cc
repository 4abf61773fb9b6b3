// Tests of the guard in front of sentencepiece: models that are whole work, others are refused
// before the library sees them.
#include "text/sentencepiece_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "expect_error.h"
#include "text/character_map.h"
#include "text/sentencepiece_model.h"

namespace siglip {
namespace {

const std::filesystem::path kSource = SIGLIP_SOURCE_DIR;

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

/// A model with a small character map: ä (of two characters) becomes b, é e, A a, B bb, and a
/// smiley ":)".
std::string SmallModel() { return ReadFile(kSource / "tests/data/sentencepiece/rules.model"); }

SentencePieceModel Load(const std::string& file) {
  return SentencePieceModel(std::as_bytes(std::span<const char>(file)), "x.model");
}

void ExpectRefused(ErrorCode code, const std::vector<std::string>& parts, const std::string& file) {
  ExpectError(code, parts, [&] { Load(file); });
}

// Writing protocol buffers, as far as these tests need it.

std::string Varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7F) | 0x80);
  return bytes + static_cast<char>(value);
}

std::string Number(uint32_t field, uint64_t value) { return Varint(field << 3) + Varint(value); }

std::string Bytes(uint32_t field, const std::string& bytes) {
  return Varint(field << 3 | 2) + Varint(bytes.size()) + bytes;
}

std::string Float(uint32_t field, float value) {
  std::string bytes(sizeof(value), '\0');
  std::memcpy(bytes.data(), &value, sizeof(value));
  return Varint(field << 3 | 5) + bytes;
}

constexpr int kNormal = 1;
constexpr int kUnknown = 2;
constexpr int kUserDefined = 4;
constexpr int kTypeOfByte = 6;

std::string Piece(const std::string& text, int type = kNormal, float score = -1) {
  return Bytes(1, Bytes(1, text) + Float(2, score) + Number(3, static_cast<uint64_t>(type)));
}

/// The least that works: an unknown piece and "a".
std::string LeastModel() { return Piece("<unk>", kUnknown) + Piece("a"); }

TEST(SentencePieceFile, WholeModelsWork) {
  const SentencePieceModel golden =
      Load(ReadFile(kSource / "tests/golden/text/sentencepiece/spiece.model"));
  EXPECT_EQ(golden.size(), 1000);
  const SentencePieceModel least = Load(LeastModel());
  EXPECT_EQ(least.size(), 2);
  EXPECT_EQ(least.Find("a"), 1);
  EXPECT_EQ(least.Find("b"), std::nullopt);
  EXPECT_EQ(least.Find(""), std::nullopt);
  EXPECT_EQ(least.Piece(1), "a");
  EXPECT_EQ(least.Encode("aab猫a"), (std::vector<int>{0, 1, 1, 0, 1}));
}

TEST(SentencePieceFile, CharacterMapsAreObeyed) {
  const SentencePieceModel model = Load(SmallModel());
  EXPECT_EQ(model.Encode("a\u0308"), model.Encode("b"));
  EXPECT_EQ(model.Encode("café"), model.Encode("cafe"));
  EXPECT_NE(model.Encode("cafè"), model.Encode("cafe"));
}

TEST(SentencePieceFile, PiecesAddedByTheGuardStayHidden) {
  const SentencePieceModel model = Load(LeastModel());
  EXPECT_EQ(model.Find("<0x41>"), std::nullopt);
  for (const int id : model.Encode("<0x41>A猫\x01")) EXPECT_LT(id, 2);
  // A model that falls back to bytes itself keeps doing so.
  std::string bytes = LeastModel();
  for (int byte = 0; byte < 256; ++byte) {
    char text[8];
    std::snprintf(text, sizeof(text), "<0x%02X>", static_cast<unsigned>(byte));
    bytes += Piece(text, kTypeOfByte);
  }
  bytes += Bytes(2, Number(35, 1));
  EXPECT_EQ(Load(bytes).size(), 258);
  EXPECT_EQ(Load(bytes).Encode("aé").back(), 2 + 0xA9);
}

TEST(SentencePieceFile, RefusesWhatIsNoModel) {
  const ErrorCode code = ErrorCode::kMalformedFile;
  ExpectRefused(code, {"x.model", "no pieces"}, "");
  ExpectRefused(code, {"x.model", "not a sentencepiece model"}, "{\"model\": 1}");
  ExpectRefused(code, {"not a sentencepiece model"}, std::string(100, '\0'));
  ExpectRefused(code, {"not a sentencepiece model"}, std::string(100, '\xFF'));
  ExpectRefused(code, {"no pieces"}, Bytes(2, Number(3, 1)));
  ExpectRefused(code, {"not a sentencepiece model"}, LeastModel() + "\x0B");  // a group
  ExpectRefused(code, {"not a sentencepiece model"},
                LeastModel() + Varint(10) + Varint(UINT64_MAX));
  ExpectRefused(code, {"not a sentencepiece model"},
                Bytes(1,
                      "\x0A\x05"
                      "ab"));
}

TEST(SentencePieceFile, RefusesEveryModelThatIsCutShort) {
  const std::string whole = SmallModel();
  for (size_t size = 0; size < whole.size(); ++size) {
    try {
      Load(whole.substr(0, size)).Encode("a photo");  // cut between two fields it may be whole
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kMalformedFile) << error.what();
    }
  }
}

TEST(SentencePieceFile, SurvivesEveryChangedByte) {
  const std::string whole = SmallModel();
  for (size_t i = 0; i < whole.size(); ++i) {
    for (const int change : {0x01, 0x80, 0xFF}) {
      std::string file = whole;
      file[i] = static_cast<char>(static_cast<uint8_t>(file[i]) ^ change);
      try {
        Load(file).Encode("A photo aaé\u3000\U0001F600 \u2581 two");
      } catch (const Error& error) {
        EXPECT_NE(error.code(), ErrorCode::kInternal) << error.what();
      }
    }
  }
}

TEST(SentencePieceFile, RefusesPiecesThatTheLibraryCouldNotBear) {
  const auto expect = [](const std::string& piece, const std::string& part) {
    ExpectRefused(ErrorCode::kMalformedFile, {"x.model", part}, LeastModel() + piece);
  };
  expect(Piece(""), "piece 2: it is empty");
  expect(Piece(std::string("b\0c", 3)), "zero byte");
  expect(Piece(std::string(513, 'b')), "longer than 512 bytes");
  expect(Piece(std::string(65, 'b'), kUserDefined), "longer than 64 bytes");
  expect(Piece("\xFF"), "UTF-8");
  expect(Piece("b", kNormal, std::numeric_limits<float>::quiet_NaN()), "finite");
  expect(Piece("b", kNormal, -std::numeric_limits<float>::infinity()), "finite");
  expect(Piece("a"), "already defined");
  expect(Piece("<0x41>", kTypeOfByte), "defined");
  ExpectRefused(ErrorCode::kMalformedFile, {"unk is not defined"}, Piece("a"));
}

TEST(SentencePieceFile, RefusesOtherKindsOfModels) {
  for (const uint64_t type : {uint64_t{0}, uint64_t{2}, uint64_t{3}, uint64_t{4}, UINT64_MAX}) {
    ExpectRefused(ErrorCode::kUnsupported, {"unigram", std::to_string(type)},
                  LeastModel() + Bytes(2, Number(3, type)));
  }
}

TEST(SentencePieceFile, SelfTestsAreLeftOutSinceTheyPrint) {
  const std::string failing = Bytes(4, Bytes(1, Bytes(1, "a") + Bytes(2, "no such pieces")));
  testing::internal::CaptureStderr();
  EXPECT_NO_THROW(Load(LeastModel() + failing));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(SentencePieceFile, RefusesFilesBeyondItsLimit) {
  ExpectRefused(ErrorCode::kLimitExceeded, {"67108865 bytes"},
                std::string((size_t{64} << 20) + 1, 'x'));
}

// A double array is built by hand: one unit per line of bits, see DoubleArrayUnit.

uint32_t Inner(uint32_t label, uint32_t offset, bool has_leaf) {
  return label | (has_leaf ? 0x100U : 0U) | offset << 10;
}

uint32_t Leaf(uint32_t value) { return value | 0x80000000U; }

/// A map of "a" or, of some length, of "a", "aa", "aaa" and so on.
class Map {
 public:
  explicit Map(uint32_t longest_key = 1) : units_(256 * (longest_key + 2)) {
    // Units of no key have a label that never fits their place.
    for (uint32_t i = 0; i < units_.size(); ++i) units_[i] = (i & 0xFF) ^ 1;
    units_[0] = Inner(0, 256, false);
    // The children of every key have 256 units of their own, the first of which is its value.
    for (uint32_t length = 1; length <= longest_key; ++length) {
      const uint32_t position = 256 * length + 'a';
      const uint32_t children = 256 * (length + 1);
      units_[position] = Inner('a', position ^ children, true);
      units_[children] = Leaf(0);
    }
  }

  uint32_t& operator[](size_t unit) { return units_[unit]; }

  std::string Bytes(const std::string& replacements = std::string("b\0", 2)) const {
    const auto size = static_cast<uint32_t>(units_.size() * sizeof(uint32_t));
    std::string bytes(sizeof(size), '\0');
    std::memcpy(bytes.data(), &size, sizeof(size));
    bytes.append(reinterpret_cast<const char*>(units_.data()), size);
    return bytes + replacements;
  }

 private:
  std::vector<uint32_t> units_;
};

void ExpectMapRefused(const std::string& map, const std::string& part) {
  ExpectError(ErrorCode::kMalformedFile, {"x: the character map", part},
              [&] { CheckCharacterMap(map, "x"); });
}

TEST(CharacterMap, ThatIsWholeIsAccepted) {
  EXPECT_NO_THROW(CheckCharacterMap("", "x"));
  EXPECT_NO_THROW(CheckCharacterMap(Map().Bytes(), "x"));
}

TEST(CharacterMap, MustNotLeaveItsBounds) {
  Map far;
  far[0] = Inner(0, 1024, false);
  ExpectMapRefused(far.Bytes(), "leaves its bounds");
  Map deep;
  deep[256 + 'a'] = Inner('a', 1024, false);
  ExpectMapRefused(deep.Bytes(), "leaves its bounds");
}

TEST(CharacterMap, MustNotHaveMoreMatchesThanTheLibraryHasRoomFor) {
  EXPECT_NO_THROW(CheckCharacterMap(Map(32).Bytes(), "x"));
  ExpectMapRefused(Map(33).Bytes(), "has too many matches");
}

TEST(CharacterMap, MustNotReturnToWhereItWas) {
  Map map;
  map[256 + 'a'] = Inner('a', 'a', false);  // "a" leads to itself, over and over
  ExpectMapRefused(map.Bytes(), "has a cycle");
}

TEST(CharacterMap, MustNameReplacementsThatEnd) {
  ExpectMapRefused(Map().Bytes("bc"), "without end");
  Map map;
  map[512] = Leaf(2);
  ExpectMapRefused(map.Bytes(), "names no replacement");
  map[512] = Leaf(1);
  EXPECT_NO_THROW(CheckCharacterMap(map.Bytes(), "x"));
}

TEST(CharacterMap, MustNotBeCutShort) {
  const std::string whole = Map().Bytes();
  for (const size_t size : {1U, 3U, 4U, 5U, 100U, 3075U, 3076U}) {
    ExpectMapRefused(whole.substr(0, size), "is cut short");
  }
  ExpectMapRefused(std::string("\0\0\0\0\0", 5), "is cut short");
  ExpectMapRefused(std::string("\xFF\xFF\xFF\xFF\0", 5), "is cut short");
}

TEST(CharacterMap, HasALimit) {
  ExpectError(ErrorCode::kLimitExceeded, {"8 MiB"},
              [] { CheckCharacterMap(std::string((size_t{8} << 20) + 1, '\0'), "x"); });
}

}  // namespace
}  // namespace siglip
