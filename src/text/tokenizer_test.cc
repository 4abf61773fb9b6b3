// Tests of what a folder says about its tokenizer, and of the rows that texts become.
#include "siglip/transformers/tokenizer.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "expect_error.h"
#include "scratch_folder.h"
#include "source_folders.h"
#include "text/siglip_tokenizer.h"

namespace siglip {
namespace {

namespace fs = std::filesystem;
using Row = std::vector<int64_t>;

const fs::path kGoldenTexts = kGolden / "text";

/// A folder with files of the golden tokenizers and others of the test's own.
class TokenizerFolder {
 public:
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
  }
  void Copy(const fs::path& file, const std::string& name) { fs::copy(file, folder_ / name); }
  void AddSiglip() { Copy(kGoldenTexts / "sentencepiece/spiece.model", "spiece.model"); }
  void AddSiglip2() { Copy(kGoldenTexts / "gemma/tokenizer.json", "tokenizer.json"); }

  std::unique_ptr<Tokenizer> Load(const TokenizerOptions& options = {}) const {
    return Tokenizer::FromPretrained(folder_.path(), options);
  }
  Row Tokenize(const std::string& text, const TokenizerOptions& options = {}) const {
    const auto tokenizer = Load(options);
    Row row(static_cast<size_t>(tokenizer->max_length()));
    tokenizer->Tokenize(text, row);
    return row;
  }
  void ExpectRefused(ErrorCode code, const std::vector<std::string>& parts) const {
    ExpectError(code, parts, [&] { Load(); });
  }

 private:
  ScratchFolder folder_;
};

TEST(Tokenizer, FollowsTheFilesThatAreThere) {
  TokenizerFolder folder;
  folder.ExpectRefused(ErrorCode::kNotFound, {"no tokenizer", "spiece.model", "tokenizer.json"});
  folder.AddSiglip2();
  EXPECT_EQ(folder.Load()->name(), "Siglip2Tokenizer");
  folder.AddSiglip();
  EXPECT_EQ(folder.Load()->name(), "SiglipTokenizer");
}

TEST(Tokenizer, FollowsItsClassWhereBothAreThere) {
  TokenizerFolder folder;
  folder.AddSiglip();
  folder.AddSiglip2();
  for (const char* name : {"GemmaTokenizer", "GemmaTokenizerFast", "Siglip2Tokenizer"}) {
    folder.Write("tokenizer_config.json", std::string(R"({"tokenizer_class": ")") + name + "\"}");
    EXPECT_EQ(folder.Load()->name(), "Siglip2Tokenizer");
  }
  folder.Write("tokenizer_config.json", R"({"tokenizer_class": "SiglipTokenizer"})");
  EXPECT_EQ(folder.Load()->name(), "SiglipTokenizer");
  folder.Write("tokenizer_config.json", R"({"tokenizer_class": "BertTokenizer"})");
  folder.ExpectRefused(ErrorCode::kUnsupported, {"tokenizer_class", "BertTokenizer"});
}

TEST(Tokenizer, TheFileOfItsClassMustBeThere) {
  TokenizerFolder folder;
  folder.AddSiglip2();
  folder.Write("tokenizer_config.json", R"({"tokenizer_class": "SiglipTokenizer"})");
  folder.ExpectRefused(ErrorCode::kNotFound, {"spiece.model"});
}

TEST(Tokenizer, LengthComesFromTheModelThenFromTheTokenizer) {
  TokenizerFolder folder;
  folder.AddSiglip2();
  const auto length = [&] { return folder.Load()->max_length(); };
  EXPECT_EQ(length(), 64);
  folder.Write("tokenizer_config.json", R"({"model_max_length": 1000000000000000019884624838656})");
  EXPECT_EQ(length(), 64) << "no limit at all";
  folder.Write("tokenizer_config.json", R"({"model_max_length": 24})");
  EXPECT_EQ(length(), 24);
  folder.Write("config.json", R"({"model_type": "siglip"})");
  EXPECT_EQ(length(), 64) << "the default of the model counts more";
  folder.Write("open_clip_config.json", R"({"model_cfg": {"text_cfg": {"context_length": 48}}})");
  EXPECT_EQ(length(), 48);
  folder.Write("config.json", R"({"architecture": "vit"})");
  EXPECT_EQ(length(), 48);
  folder.Write("config.json", R"({"text_config": {"max_position_embeddings": 16}})");
  EXPECT_EQ(length(), 16);
  folder.Write("config.json", R"({"text_config": {}})");
  EXPECT_EQ(length(), 64) << "the default of the model's configuration";
  EXPECT_EQ(folder.Load({.max_length = 7})->max_length(), 7);
}

TEST(Tokenizer, LengthsOutOfRangeAreRefused) {
  TokenizerFolder folder;
  folder.AddSiglip2();
  for (const int64_t length : {int64_t{-1}, kMaxTokensPerText + 1, INT64_MAX}) {
    ExpectError(ErrorCode::kInvalidArgument, {"1 to 65536"},
                [&] { folder.Load({.max_length = length}); });
  }
  for (const char* length : {"0", "-5", "65537", "1.5", "\"64\"", "[]"}) {
    folder.Write("config.json",
                 std::string(R"({"text_config": {"max_position_embeddings": )") + length + "}}");
    folder.ExpectRefused(ErrorCode::kMalformedFile,
                         {"config.json", "text_config.max_position_embeddings"});
  }
  folder.Write("config.json", R"({"text_config": 3})");
  folder.ExpectRefused(ErrorCode::kMalformedFile, {"'text_config': expected an object"});
}

TEST(Tokenizer, RowsAreCutWithTheEndKeptOrPadded) {
  TokenizerFolder siglip;
  siglip.AddSiglip();
  EXPECT_EQ(siglip.Tokenize("a photo", {.max_length = 7}), (Row{23, 151, 56, 42, 183, 1, 1}));
  EXPECT_EQ(siglip.Tokenize("a photo", {.max_length = 6}), (Row{23, 151, 56, 42, 183, 1}));
  EXPECT_EQ(siglip.Tokenize("a photo", {.max_length = 3}), (Row{23, 151, 1}));
  EXPECT_EQ(siglip.Tokenize("a photo", {.max_length = 1}), (Row{1}));
  TokenizerFolder siglip2;
  siglip2.AddSiglip2();
  EXPECT_EQ(siglip2.Tokenize("a", {.max_length = 4}), (Row{299, 1, 0, 0}));
  EXPECT_EQ(siglip2.Tokenize("a photo", {.max_length = 3}), (Row{444, 314, 1}));
  EXPECT_EQ(siglip2.Tokenize("a photo", {.max_length = 1}), (Row{1}));
}

TEST(Tokenizer, ReturnsHowManyIdsStandBeforeThePadding) {
  TokenizerFolder folder;
  folder.AddSiglip();
  const auto tokenizer = folder.Load({.max_length = 7});
  Row row(7);
  EXPECT_EQ(tokenizer->Tokenize("", row), 1U);
  EXPECT_EQ(tokenizer->Tokenize("a photo", row), 6U);
  EXPECT_EQ(tokenizer->Tokenize("a photo of a cat", row), 7U);
  EXPECT_EQ(tokenizer->Tokenize("a </s>", row), 2U) << "the end is not put behind an end";
  row.resize(5);
  ExpectError(ErrorCode::kMismatch, {"room for 5", "expected 7"},
              [&] { tokenizer->Tokenize("", row); });
}

TEST(Tokenizer, BatchesAreRowsOfIds) {
  TokenizerFolder folder;
  folder.AddSiglip2();
  const auto tokenizer = folder.Load({.max_length = 5});
  const std::vector<std::string> texts = {"a photo of a cat", "", "A"};
  const Tensor ids = (*tokenizer)(texts);
  EXPECT_EQ(ids.dtype(), DType::kI64);
  EXPECT_EQ(ids.shape(), (Shape{3, 5}));
  const auto values = ids.values<int64_t>();
  EXPECT_EQ(Row(values.begin(), values.end()),
            (Row{444, 314, 891, 459, 1, 1, 0, 0, 0, 0, 299, 1, 0, 0, 0}));
  ExpectError(ErrorCode::kInvalidArgument, {"no texts"}, [&] { (*tokenizer)({}); });
}

TEST(Tokenizer, AnyBytesAreAText) {
  for (const bool second : {false, true}) {
    TokenizerFolder folder;
    second ? folder.AddSiglip2() : folder.AddSiglip();
    const auto tokenizer = folder.Load({.max_length = 512});
    const auto row_of = [&](std::string_view text) {
      Row row(512);
      tokenizer->Tokenize(text, row);
      return row;
    };
    EXPECT_EQ(row_of("a\x80z"), row_of("a\uFFFDz"));
    EXPECT_EQ(row_of("\xED\xA0\x80"), row_of("\uFFFD\uFFFD\uFFFD"));
    std::string all;
    for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
    EXPECT_NO_THROW(row_of(all));
    EXPECT_NE(row_of(std::string_view("a\0b", 3)), row_of("a")) << "a zero byte ends no text";
  }
}

TEST(Tokenizer, LongTextsAreTexts) {
  for (const bool second : {false, true}) {
    TokenizerFolder folder;
    second ? folder.AddSiglip2() : folder.AddSiglip();
    const auto tokenizer = folder.Load();
    Row row(64);
    for (const std::string piece :
         {"x", " ", "a photo ", "\u2581", "</s>", "<pad>", "猫", "Σ'", "\n"}) {
      std::string text;
      while (text.size() < (size_t{1} << 19)) text += piece;
      EXPECT_NO_THROW(tokenizer->Tokenize(text, row)) << piece;
    }
    ExpectError(ErrorCode::kLimitExceeded, {"2097153 bytes"},
                [&] { tokenizer->Tokenize(std::string(kMaxTextBytes + 1, 'x'), row); });
  }
}

TEST(Tokenizer, IsSafeFromSeveralThreads) {
  for (const bool second : {false, true}) {
    TokenizerFolder folder;
    second ? folder.AddSiglip2() : folder.AddSiglip();
    const auto tokenizer = folder.Load();
    std::vector<Row> rows(4, Row(64));
    std::vector<std::thread> threads;
    for (Row& row : rows) {
      threads.emplace_back([&] {
        for (int i = 0; i < 200; ++i) tokenizer->Tokenize("two dogs on a beach", row);
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const Row& row : rows) EXPECT_EQ(row, rows[0]);
  }
}

TEST(Tokenizer, NamesItsPieces) {
  TokenizerFolder folder;
  folder.AddSiglip();
  const auto siglip = folder.Load();
  EXPECT_EQ(siglip->vocab_size(), 1000);
  EXPECT_EQ(siglip->Piece(23), "\u2581a");
  EXPECT_EQ(siglip->Piece(siglip->pad_id()), "</s>");
  TokenizerFolder other;
  other.AddSiglip2();
  const auto siglip2 = other.Load();
  EXPECT_EQ(siglip2->vocab_size(), 1500);
  EXPECT_EQ(siglip2->Piece(444), "a\u2581");
  EXPECT_EQ(siglip2->Piece(siglip2->pad_id()), "<pad>");
  for (const auto* tokenizer : {siglip.get(), siglip2.get()}) {
    for (const int64_t id : {int64_t{-1}, tokenizer->vocab_size(), INT64_MAX}) {
      ExpectError(ErrorCode::kInvalidArgument, {std::to_string(id)}, [&] { tokenizer->Piece(id); });
    }
  }
}

TEST(SiglipTokenizer, CanonicalTextIsWhatTheReferenceMakes) {
  EXPECT_EQ(CanonicalText("  Hello,\t WORLD!\n", true), "hello world");
  EXPECT_EQ(CanonicalText("  Hello,\t WORLD!\n", false), "Hello WORLD");
  EXPECT_EQ(CanonicalText("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", true), "");
  EXPECT_EQ(CanonicalText("a - b", true), "a b");  // the spaces around what is deleted are one
  EXPECT_EQ(CanonicalText("\u00A0a\u3000\u2028\x1C"
                          "b\u200B",
                          true),
            "a b\u200B");
  EXPECT_EQ(CanonicalText("«ΟΔΟΣ» — İ", true), "«οδος» — i\u0307");
  EXPECT_EQ(CanonicalText("ΑΣ.Α", true), "ασα");  // lower case comes first
}

TEST(SiglipTokenizer, ObeysItsConfiguration) {
  TokenizerFolder folder;
  folder.AddSiglip();
  const Row lower = folder.Tokenize("cat");
  EXPECT_EQ(folder.Tokenize("CAT"), lower);
  folder.Write("tokenizer_config.json", R"({"do_lower_case": false})");
  EXPECT_EQ(folder.Tokenize("cat"), lower);
  EXPECT_NE(folder.Tokenize("CAT"), lower);
  folder.Write("tokenizer_config.json",
               R"({"pad_token": {"content": "<unk>", "special": true}, "eos_token": "</s>"})");
  EXPECT_EQ(folder.Tokenize("a", {.max_length = 4}), (Row{23, 1, 2, 2}));
  EXPECT_EQ(folder.Tokenize("a </s>", {.max_length = 4}), (Row{23, 1, 2, 2}));
  EXPECT_EQ(folder.Tokenize("a</s></s>", {.max_length = 3}), (Row{23, 1, 2}));
}

TEST(SiglipTokenizer, FindsAddedTokensBeforeAnythingElse) {
  TokenizerFolder folder;
  folder.AddSiglip();
  folder.Write("tokenizer_config.json",
               R"({"added_tokens_decoder": {"1000": {"content": "<New!>", "lstrip": true},
                   "1": {"content": "</s>", "special": true}}})");
  const auto tokenizer = folder.Load({.max_length = 6});
  EXPECT_EQ(tokenizer->vocab_size(), 1001);
  EXPECT_EQ(tokenizer->Piece(1000), "<New!>");
  EXPECT_EQ(folder.Tokenize("<New!>a", {.max_length = 5})[0], 1000);
  EXPECT_NE(folder.Tokenize("<new!>", {.max_length = 5})[0], 1000);
}

// Expected: transformers. This model leaves a space where others drop it.
TEST(SiglipTokenizer, TheSpaceBeforeTheTextIsDroppedBeforeAToken) {
  TokenizerFolder folder;
  folder.Copy(fs::path(SIGLIP_SOURCE_DIR) / "tests/data/sentencepiece/keeps_spaces.model",
              "spiece.model");
  const TokenizerOptions four{.max_length = 4};
  EXPECT_EQ(folder.Tokenize("</s>a", four), (Row{1, 53, 1, 1}));
  EXPECT_EQ(folder.Tokenize("a</s>a", four), (Row{7, 1, 53, 1}));
  EXPECT_EQ(folder.Tokenize("", four), (Row{57, 1, 1, 1}));
}

TEST(SiglipTokenizer, RefusesTokensThatDoNotFit) {
  TokenizerFolder folder;
  folder.AddSiglip();
  const auto expect = [&](ErrorCode code, const char* config, const std::string& part) {
    folder.Write("tokenizer_config.json", config);
    folder.ExpectRefused(code, {part});
  };
  expect(ErrorCode::kMismatch, R"({"eos_token": "<none>"})", "<none>");
  expect(ErrorCode::kMismatch, R"({"additional_special_tokens": ["<image>"]})", "<image>");
  expect(ErrorCode::kMalformedFile, R"({"eos_token": 1})", "'eos_token'");
  expect(ErrorCode::kMalformedFile, R"({"eos_token": {"content": 7}})", "'eos_token.content'");
  expect(ErrorCode::kMalformedFile, R"({"do_lower_case": "yes"})", "'do_lower_case'");
  expect(ErrorCode::kMalformedFile, R"({"additional_special_tokens": 3})",
         "additional_special_tokens");
  for (const char* id : {"-1", "x", "1.0", "", "99999999999999999999", "4294967296"}) {
    expect(
        ErrorCode::kMalformedFile,
        (std::string(R"({"added_tokens_decoder": {")") + id + R"(": {"content": "<x>"}}})").c_str(),
        "added_tokens_decoder");
  }
  expect(ErrorCode::kMalformedFile, R"({"added_tokens_decoder": {"5": {"content": "</s>"}}})",
         "belongs to another");
  expect(ErrorCode::kMalformedFile,
         R"({"added_tokens_decoder": {"1000": {"content": "<x>"}, "1001": {"content": "<x>"}}})",
         "belongs to another");
  expect(ErrorCode::kUnsupported,
         R"({"added_tokens_decoder": {"1000": {"content": "<x>", "single_word": true}}})",
         "single_word");
  expect(ErrorCode::kMalformedFile, "[]", "tokenizer_config.json");
  expect(ErrorCode::kMalformedFile, "{", "tokenizer_config.json");
}

TEST(Siglip2Tokenizer, LowersCaseWhateverAnOldFileSays) {
  TokenizerFolder folder;
  folder.AddSiglip2();
  const Row lower = folder.Tokenize("a cat");
  EXPECT_EQ(folder.Tokenize("A CAT", {.keep_file_case = true}), lower) << "the file says so";
  std::ifstream file(kGoldenTexts / "gemma/tokenizer.json");
  std::string old((std::istreambuf_iterator<char>(file)), {});
  const std::string step = "\"type\": \"Lowercase\"";
  ASSERT_NE(old.find(step), std::string::npos);
  old.replace(old.find(step), step.size(),
              R"("type": "Replace", "pattern": {"String": "#"}, "content": "#")");
  folder.Write("tokenizer.json", old);
  EXPECT_EQ(folder.Tokenize("A CAT"), lower);
  EXPECT_NE(folder.Tokenize("A CAT", {.keep_file_case = true}), lower);
}

TEST(Siglip2Tokenizer, FlagsOfTheConfigurationCountMoreThanTheTemplate) {
  TokenizerFolder folder;
  folder.AddSiglip2();
  const TokenizerOptions four{.max_length = 4};
  folder.Write("tokenizer_config.json", R"({"add_bos_token": true, "add_eos_token": true})");
  EXPECT_EQ(folder.Tokenize("a", four), (Row{2, 299, 1, 0}));
  folder.Write("tokenizer_config.json", R"({"add_bos_token": true})");
  EXPECT_EQ(folder.Tokenize("a", four), (Row{2, 299, 0, 0}));
  folder.Write("tokenizer_config.json", R"({"add_eos_token": true, "eos_token": "<mask>",
                                            "pad_token": {"content": "<unk>"}})");
  EXPECT_EQ(folder.Tokenize("a", four), (Row{299, 4, 3, 3}));
  folder.Write("tokenizer_config.json", R"({"pad_token": "<none>"})");
  folder.ExpectRefused(ErrorCode::kMismatch, {"tokenizer.json", "<none>"});
  folder.Write("tokenizer_config.json", R"({"add_bos_token": true, "add_eos_token": true})");
  ExpectError(ErrorCode::kInvalidArgument, {"expected 2 to"},
              [&] { folder.Load({.max_length = 1}); });
}

TEST(Siglip2Tokenizer, EndsTextsWhereTheFileSaysNothing) {
  TokenizerFolder folder;
  folder.Write("tokenizer.json",
               R"({"model": {"vocab": {"<pad>": 0, "<eos>": 1, "a": 2}, "merges": []}})");
  EXPECT_EQ(folder.Tokenize("aA", {.max_length = 4}), (Row{2, 2, 1, 0}));
}

TEST(Siglip2Tokenizer, WordsEndBehindThePatternOfTheFile) {
  TokenizerFolder folder;
  folder.Write("tokenizer.json", R"({
    "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious"},
    "model": {"vocab": {"<pad>": 0, "<eos>": 1, "a": 2, " ": 3, "a ": 4, " a": 5, "  ": 6},
              "merges": ["  a"]}})");
  folder.ExpectRefused(ErrorCode::kMalformedFile, {"model.merges[0]"});
  folder.Write("tokenizer.json", R"({
    "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious"},
    "model": {"vocab": {"<pad>": 0, "<eos>": 1, "a": 2, " ": 3, "a ": 4, " a": 5, "  ": 6},
              "merges": [[" ", " "], [" ", "a"], ["a", " "]]}})");
  EXPECT_EQ(folder.Tokenize(" a  a", {.max_length = 6}), (Row{3, 4, 3, 2, 1, 0}));
}

TEST(Siglip2Tokenizer, FindsNormalizedTokensInWhatIsNormalized) {
  TokenizerFolder folder;
  const auto write = [&](const char* tokens) {
    folder.Write("tokenizer.json",
                 std::string(R"({"added_tokens": [)") + tokens +
                     R"(], "model": {"vocab": {"<pad>": 0, "<eos>": 1, "a": 2}, "merges": []}})");
  };
  write(R"({"id": 3, "content": "CAT", "normalized": true},
           {"id": 4, "content": "DOG", "normalized": false})");
  EXPECT_EQ(folder.Tokenize("cataCatDOGdog", {.max_length = 6}), (Row{3, 2, 3, 4, 1, 0}));
  EXPECT_EQ(folder.Load()->Piece(3), "CAT");
  write(R"({"id": 3, "content": "CAT", "normalized": true},
           {"id": 4, "content": "cat", "normalized": true})");
  folder.ExpectRefused(ErrorCode::kMalformedFile, {"added_tokens", "the same"});
}

TEST(Siglip2Tokenizer, TextsThatNormalizingBlowsUpAreRefused) {
  TokenizerFolder folder;
  const std::string step = R"({"type": "Replace", "pattern": {"String": "a"}, "content": ")" +
                           std::string(256, 'a') + "\"}";
  folder.Write("tokenizer.json", R"({"normalizer": {"type": "Sequence", "normalizers": [)" + step +
                                     "," + step + "," + step + "," + step + R"(]},
    "model": {"vocab": {"<pad>": 0, "<eos>": 1}, "merges": []}})");
  ExpectError(ErrorCode::kLimitExceeded, {"normalised"}, [&] { folder.Tokenize("a"); });
  EXPECT_EQ(folder.Tokenize("b", {.max_length = 2}), (Row{1, 0}));
}

}  // namespace
}  // namespace siglip
