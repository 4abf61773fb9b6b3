// Tests of reading tokenizer.json: what is understood, and what is refused with a reason.
#include "text/tokenizer_json.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "expect_error.h"

namespace siglip {
namespace {

const std::filesystem::path kGemma =
    std::filesystem::path(SIGLIP_SOURCE_DIR) / "tests/golden/text/gemma/tokenizer.json";

/// A small file with everything in it.
Json SmallFile() {
  return ParseJson(R"({
    "version": "1.0", "truncation": null, "padding": null,
    "added_tokens": [
      {"id": 0, "content": "<pad>", "special": true, "normalized": false, "single_word": false,
       "lstrip": false, "rstrip": false},
      {"id": 5, "content": "new", "special": false, "normalized": true, "single_word": true,
       "lstrip": true, "rstrip": true}],
    "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "_"},
    "pre_tokenizer": {"type": "Split", "pattern": {"String": " "},
                      "behavior": "MergedWithPrevious", "invert": false},
    "post_processor": {"type": "TemplateProcessing",
      "single": [{"SpecialToken": {"id": "B", "type_id": 0}}, {"Sequence": {"id": "A"}},
                 {"SpecialToken": {"id": "E", "type_id": 0}}],
      "special_tokens": {"B": {"id": "B", "ids": [1, 2], "tokens": ["x", "y"]},
                         "E": {"id": "E", "ids": [3], "tokens": ["z"]}}},
    "decoder": {"type": "anything"},
    "model": {"type": "BPE", "dropout": null, "unk_token": "<pad>", "fuse_unk": true,
              "byte_fallback": true, "ignore_merges": true, "continuing_subword_prefix": "",
              "vocab": {"<pad>": 0, "a": 1, "b": 2, "ab": 3, "_": 4},
              "merges": [["a", "b"], "a b"]}})",
                   "small.json");
}

TEST(TokenizerJson, ReadsEveryPart) {
  const TokenizerJson file = ParseTokenizerJson(SmallFile(), "x");
  const auto& model = std::get<BpeParameters>(file.model);
  EXPECT_EQ(model.vocab.size(), 5U);
  ASSERT_EQ(model.merges.size(), 2U);
  EXPECT_EQ(model.merges[0], model.merges[1]);
  EXPECT_EQ(model.unk_token, "<pad>");
  EXPECT_TRUE(model.fuse_unk && model.byte_fallback && model.ignore_merges);
  ASSERT_EQ(file.added_tokens.size(), 2U);
  EXPECT_FALSE(file.added_tokens[0].normalized);
  const AddedToken& token = file.added_tokens[1];
  EXPECT_EQ(token.id, 5);
  EXPECT_TRUE(token.normalized && token.single_word && token.lstrip && token.rstrip);
  EXPECT_EQ(file.normalizer("A b"), "A_b");
  EXPECT_EQ(file.pre_tokenizer("a b", true), (std::vector<std::string>{"a ", "b"}));
  EXPECT_TRUE(file.has_template);
  EXPECT_EQ(file.before, (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(file.after, (std::vector<int32_t>{3}));
}

TEST(TokenizerJson, PartsMayBeAbsent) {
  for (const char* part :
       {"version", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder"}) {
    Json without = SmallFile();
    without.erase(part);
    EXPECT_NO_THROW(ParseTokenizerJson(without, "x")) << part;
    without[part] = nullptr;
    EXPECT_NO_THROW(ParseTokenizerJson(without, "x")) << part;
  }
  EXPECT_NO_THROW(
      ParseTokenizerJson(ParseJson(R"({"model": {"vocab": {}, "merges": []}})", ""), ""));
}

TEST(TokenizerJson, NormalizersFollowEachOther) {
  Json json = SmallFile();
  json["normalizer"] = ParseJson(
      R"({"type": "Sequence", "normalizers": [{"type": "Lowercase"},
          {"type": "Replace", "pattern": {"String": "a"}, "content": "BB"}]})",
      "x");
  const Normalizer normalizer = ParseTokenizerJson(json, "x").normalizer;
  EXPECT_TRUE(normalizer.lowers_case());
  EXPECT_EQ(normalizer("CAΣ"), "cBBσ");
}

/// Changes one field of the small file, named by a JSON pointer, and expects its refusal.
void ExpectRefused(const char* pointer, const char* value, ErrorCode code,
                   const std::vector<std::string>& parts) {
  Json json = SmallFile();
  json[Json::json_pointer(pointer)] = ParseJson(value, "test");
  SCOPED_TRACE(std::string(pointer) + " = " + value);
  ExpectError(code, parts, [&] { ParseTokenizerJson(json, "bad.json"); });
}

TEST(TokenizerJson, RefusesByNameWhatItDoesNotDo) {
  const auto expect = [](const char* pointer, const char* value, const char* field) {
    ExpectRefused(pointer, value, ErrorCode::kUnsupported, {"bad.json", field});
  };
  expect("/version", R"("2.0")", "'version': expected \"1.0\", found \"2.0\"");
  expect("/model/type", R"("WordPiece")",
         "'model.type': expected \"BPE\" or \"Unigram\", found \"WordPiece\"");
  expect("/model/dropout", "0.1", "'model.dropout'");
  expect("/model/continuing_subword_prefix", R"("##")", "'model.continuing_subword_prefix'");
  expect("/model/end_of_word_suffix", R"("</w>")", "'model.end_of_word_suffix'");
  expect("/normalizer/type", R"("NFKC")", "'normalizer.type'");
  expect("/normalizer/pattern", R"({"Regex": "\\s"})", "'normalizer.pattern'");
  expect("/normalizer", R"({"type": "Sequence", "normalizers": [{"type": "NFD"}]})",
         "'normalizer.normalizers[0].type'");
  expect("/normalizer", R"({"type": "Sequence", "normalizers": [1, 2, 3, 4, 5, 6, 7, 8, 9]})",
         "at most 8 steps");
  expect("/pre_tokenizer/type", R"("ByteLevel")", "'pre_tokenizer.type'");
  expect("/pre_tokenizer/behavior", R"("Isolated")", "'pre_tokenizer.behavior'");
  expect("/pre_tokenizer/invert", "true", "'pre_tokenizer.invert'");
  expect("/pre_tokenizer/pattern", R"({"Regex": " "})", "'pre_tokenizer.pattern'");
  expect("/post_processor/type", R"("BertProcessing")", "'post_processor.type'");
  expect("/post_processor/single/0", R"({"Sequence": {"id": "A"}})", "only once");
}

TEST(TokenizerJson, RefusesWhatBreaksTheFormat) {
  const auto expect = [](const char* pointer, const char* value, const char* field) {
    ExpectRefused(pointer, value, ErrorCode::kMalformedFile, {"bad.json", field});
  };
  expect("", "[]", "'(whole file)': expected an object");
  expect("/model", "7", "'model': expected an object");
  expect("/model", "null", "'model': expected an object, found null");
  expect("/model/type", R"("Unigram")", "'model.vocab': expected an array");
  expect("/model/vocab", "[]", "'model.vocab'");
  expect("/model/vocab", "null", "'model.vocab'");
  expect("/model/vocab/a", "-1", "'model.vocab'");
  expect("/model/vocab/a", "1099511627776", "'model.vocab'");
  expect("/model/vocab/a", "1e300", "'model.vocab'");
  expect("/model/vocab/a", R"("1")", "'model.vocab'");
  expect("/model/vocab/a", "null", "'model.vocab'");
  expect("/model/merges", "{}", "'model.merges'");
  expect("/model/merges/1", R"("ab")", "'model.merges[1]'");
  expect("/model/merges/1", R"("a b c")", "'model.merges[1]'");
  expect("/model/merges/1", R"(["a"])", "'model.merges[1]'");
  expect("/model/merges/1", R"(["a", 1])", "'model.merges[1]'");
  expect("/model/merges/1", "{}", "'model.merges[1]'");
  expect("/model/unk_token", "3", "'model.unk_token'");
  expect("/model/fuse_unk", "1", "'model.fuse_unk'");
  expect("/added_tokens", "{}", "'added_tokens'");
  expect("/added_tokens/0", "7", "'added_tokens[0]'");
  expect("/added_tokens/0/id", "1", "'added_tokens[0].id': expected 0, found 1");
  expect("/added_tokens/1/id", "7", "'added_tokens[1].id': expected 5, found 7");
  expect("/added_tokens/1/id", "-5", "'added_tokens[1].id'");
  expect("/added_tokens/1/id", "4294967296", "'added_tokens[1].id'");
  expect("/added_tokens/1/id", "null", "'added_tokens[1].id'");
  expect("/added_tokens/1/content", R"("")", "'added_tokens[1].content'");
  expect("/added_tokens/1/content", R"("<pad>")", "there twice");
  expect("/added_tokens/1/content", "null", "'added_tokens[1].content'");
  expect("/added_tokens/1/lstrip", "1", "'added_tokens[1].lstrip'");
  expect("/normalizer", "3", "'normalizer'");
  expect("/normalizer/type", "null", "'normalizer.type'");
  expect("/normalizer/pattern", R"({"String": ""})", "'normalizer.pattern'");
  expect("/normalizer/pattern", R"(" ")", "'normalizer.pattern'");
  expect("/normalizer/content", "null", "'normalizer.content'");
  expect("/pre_tokenizer/behavior", "1", "'pre_tokenizer.behavior'");
  expect("/post_processor/single", "7", "'post_processor.single'");
  expect("/post_processor/single", "[]", "expected sequence \"A\"");
  expect("/post_processor/single/1", R"({"Sequence": {"id": "B"}})", "expected sequence \"A\"");
  expect("/post_processor/single/0", R"({"SpecialToken": {"id": "?"}})",
         "'post_processor.special_tokens.?'");
  expect("/post_processor/special_tokens/E/ids", "[-1]", "special_tokens.E.ids");
  expect("/post_processor/special_tokens/E/ids", "7", "special_tokens.E.ids");
}

TEST(TokenizerJson, LimitsWhatTokensAndPatternsTake) {
  const std::string long_text = "\"" + std::string(kMaxAddedTokenBytes + 1, 'x') + "\"";
  for (const char* pointer : {"/added_tokens/1/content", "/normalizer/content",
                              "/normalizer/pattern/String", "/pre_tokenizer/pattern/String"}) {
    ExpectRefused(pointer, long_text.c_str(), ErrorCode::kMalformedFile, {"256"});
  }
  Json json = SmallFile();
  for (int i = 0; i < 65; ++i) json["post_processor"]["special_tokens"]["E"]["ids"].push_back(1);
  ExpectError(ErrorCode::kUnsupported, {"at most 64"}, [&] { ParseTokenizerJson(json, "x"); });
}

/// A small file with a unigram model.
Json UnigramFile() {
  return ParseJson(R"({
    "normalizer": {"type": "Sequence", "normalizers": [
      {"type": "Strip", "strip_left": true, "strip_right": true},
      {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "_"},
      {"type": "Prepend", "prepend": "p"}]},
    "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
      {"type": "WhitespaceSplit"},
      {"type": "Metaspace", "replacement": "_", "prepend_scheme": "first", "split": true}]},
    "model": {"type": "Unigram", "unk_id": 2, "byte_fallback": true,
              "vocab": [["<pad>", 0], ["</s>", 0.0], ["<unk>", 0], ["_a", -1.5]]}})",
                   "unigram.json");
}

TEST(TokenizerJson, ReadsUnigramModels) {
  const TokenizerJson file = ParseTokenizerJson(UnigramFile(), "x");
  const auto& model = std::get<UnigramParameters>(file.model);
  ASSERT_EQ(model.vocab.size(), 4U);
  EXPECT_EQ(model.vocab[3], (std::pair<std::string, double>("_a", -1.5)));
  EXPECT_EQ(model.unk_id, 2);
  EXPECT_TRUE(model.byte_fallback);
  EXPECT_EQ(file.normalizer("  a   b "), "pa_b");
  using Words = std::vector<std::string>;
  EXPECT_EQ(file.pre_tokenizer("a b_c", true), (Words{"_a", "b", "_c"}));
  EXPECT_EQ(file.pre_tokenizer("a", false), (Words{"a"}));
  EXPECT_EQ(file.pre_tokenizer(" a", true), (Words{"a"})) << "the text begins with a space";
  // T5 has its own steps, whatever stands there.
  Json other = UnigramFile();
  other["pre_tokenizer"] = {{"type", "ByteLevel"}};
  other["normalizer"] = {{"type", "NFKC"}};
  const TokenizerJson t5 = ParseT5TokenizerJson(other, "x");
  EXPECT_EQ(t5.normalizer(" A "), " A ");
  EXPECT_EQ(t5.pre_tokenizer(" a  b", true), (Words{"\u2581a", "\u2581b"}));
  EXPECT_FALSE(std::get<UnigramParameters>(t5.model).byte_fallback);
}

TEST(TokenizerJson, RefusesUnigramModelsThatBreakTheFormat) {
  const auto expect = [](const char* pointer, const char* value, const char* field) {
    Json json = UnigramFile();
    json[Json::json_pointer(pointer)] = ParseJson(value, "test");
    SCOPED_TRACE(std::string(pointer) + " = " + value);
    ExpectError(ErrorCode::kMalformedFile, {"bad.json", field},
                [&] { ParseTokenizerJson(json, "bad.json"); });
  };
  expect("/model/vocab", "{}", "'model.vocab': expected an array");
  expect("/model/vocab/3", R"(["_a"])", "'model.vocab[3]'");
  expect("/model/vocab/3", R"([1, "_a"])", "'model.vocab[3]'");
  expect("/model/unk_id", "null", "'model.unk_id'");
  expect("/model/unk_id", "-1", "'model.unk_id'");
  expect("/normalizer/normalizers/0", R"({"type": "Precompiled", "precompiled_charsmap": "?"})",
         "base 64");
  expect("/normalizer/normalizers/0", R"({"type": "Precompiled", "precompiled_charsmap": "AAA"})",
         "base 64");
  expect("/normalizer/normalizers/0", R"({"type": "Precompiled", "precompiled_charsmap": "AAAA"})",
         "character map is cut short");
  expect("/pre_tokenizer/pretokenizers/1/replacement", R"("__")", "one character");
  expect("/pre_tokenizer/pretokenizers/1/prepend_scheme", R"("last")", "prepend_scheme");
  Json bpe = SmallFile();
  ExpectError(ErrorCode::kUnsupported, {"'model.type'", "T5Tokenizer"},
              [&] { ParseT5TokenizerJson(bpe, "bad.json"); });
}

// Every value of a real file replaced by values of other types: an Error or a result, never more.
TEST(TokenizerJson, SurvivesEveryValueBeingAnother) {
  Json file = ParseJsonFile(kGemma);
  // Few tokens are as good as many.
  Json& model = file["model"];
  const Json vocab = {{"a", 0}, {"b", 1}, {"ab", 2}};
  model["vocab"] = vocab;
  model["merges"] = Json::array({Json::array({"a", "b"})});
  file["added_tokens"] = Json::array({{{"id", 3}, {"content", "<x>"}, {"special", true}}});
  const Json flat = file.flatten();
  for (const auto& [pointer, value] : flat.items()) {
    for (const char* other : {"null", "true", "-1", "1e308", "\"\"", "\"x\"", "[]", "{}", "[[]]"}) {
      Json changed = file;
      changed[Json::json_pointer(pointer)] = ParseJson(other, "test");
      try {
        ParseTokenizerJson(changed, "x");
      } catch (const Error& error) {
        EXPECT_FALSE(error.message().empty());
      }
    }
  }
}

}  // namespace
}  // namespace siglip
