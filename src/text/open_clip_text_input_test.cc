// Tests of what open_clip's configuration says about texts, and of when it counts.
#include "text/open_clip_text_input.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "expect_error.h"
#include "scratch_folder.h"
#include "siglip/transformers/tokenizer.hpp"
#include "source_folders.h"

namespace siglip {
namespace {

namespace fs = std::filesystem;
using Row = std::vector<int64_t>;

OpenClipTextInput Parse(const std::string& text_config) {
  return ParseOpenClipTextInput(
      ParseJson("{\"model_cfg\": {\"text_cfg\": " + text_config + "}}", "x"), "oc.json");
}

TEST(OpenClipTextInput, ReadsLengthAndCleaning) {
  EXPECT_EQ(Parse("{}").context_length, 77);
  EXPECT_EQ(Parse("{}").cleaning, TextCleaning::kWhitespace);
  const OpenClipTextInput input = Parse(
      R"({"context_length": 16, "hf_tokenizer_name": "x", "tokenizer_mode": null,
          "tokenizer_kwargs": {"clean": "canonicalize", "strip_sep_token": false}})");
  EXPECT_EQ(input.context_length, 16);
  EXPECT_EQ(input.cleaning, TextCleaning::kCanonicalize);
  EXPECT_EQ(Parse(R"({"tokenizer_kwargs": {"clean": "lower"}})").cleaning, TextCleaning::kLower);
  EXPECT_EQ(Parse(R"({"tokenizer_kwargs": {}})").cleaning, TextCleaning::kWhitespace);
}

TEST(OpenClipTextInput, RefusesByNameWhatMakesOtherIds) {
  const auto expect = [](const std::string& text_config, const std::string& part) {
    ExpectError(ErrorCode::kUnsupported, {"oc.json", "'model_cfg.text_cfg." + part},
                [&] { Parse(text_config); });
  };
  expect(R"({"tokenizer_kwargs": {"clean": "basic"}})",
         "tokenizer_kwargs.clean': expected \"canonicalize\", \"lower\" or \"whitespace\", found "
         "\"basic\"");
  expect(R"({"tokenizer_kwargs": {"clean": null}})", "tokenizer_kwargs.clean'");
  expect(R"({"tokenizer_kwargs": {"strip_sep_token": true}})", "tokenizer_kwargs.strip_sep_token'");
  expect(R"({"tokenizer_kwargs": {"language": "de"}})", "tokenizer_kwargs.language'");
  expect(R"({"tokenizer_kwargs": {"padding_side": "left"}})", "tokenizer_kwargs.padding_side'");
  expect(R"({"tokenizer_kwargs": {"add_bos_token": true}})", "tokenizer_kwargs.add_bos_token'");
  expect(R"({"tokenizer_mode": "clips"})", "tokenizer_mode'");
  expect(R"({"hf_tokenizer_name": ""})", "hf_tokenizer_name'");
  ExpectError(ErrorCode::kMalformedFile, {"'model_cfg.text_cfg.context_length'", "found 0"},
              [&] { Parse(R"({"context_length": 0})"); });
  ExpectError(ErrorCode::kMalformedFile, {"'model_cfg.text_cfg.tokenizer_kwargs'"},
              [&] { Parse(R"({"tokenizer_kwargs": 3})"); });
}

/// A folder of open_clip's SigLIP with files of the test's own.
class OpenClipFolder {
 public:
  explicit OpenClipFolder(const std::string& clean = "canonicalize") {
    fs::copy(kGolden / "open_clip/siglip/tokenizer.json", folder_ / "tokenizer.json");
    fs::copy(kGolden / "open_clip/siglip/tokenizer_config.json", folder_ / "tokenizer_config.json");
    Write("open_clip_config.json",
          R"({"model_cfg": {"text_cfg": {"context_length": 12, "hf_tokenizer_name": "x",
              "tokenizer_kwargs": {"clean": ")" +
              clean + "\"}}}}");
  }
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  /// One tensor of one number.
  void WriteWeights(const std::string& file, const std::string& tensor) {
    const std::string header =
        "{\"" + tensor + "\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
    std::string bytes(8, '\0');
    bytes[0] = static_cast<char>(header.size());
    Write(file, bytes + header + std::string(4, '\0'));
  }
  const fs::path& path() const { return folder_.path(); }
  std::unique_ptr<Tokenizer> Load() const { return Tokenizer::FromPretrained(path()); }
  Row Tokenize(const std::string& text) const {
    const auto tokenizer = Load();
    Row row(static_cast<size_t>(tokenizer->max_length()));
    tokenizer->Tokenize(text, row);
    return row;
  }

 private:
  ScratchFolder folder_;
};

// Expected ids below: open_clip 3.3.0 with transformers 5.24.0.
TEST(OpenClipTexts, AreCleanedFirst) {
  const OpenClipFolder folder;
  EXPECT_EQ(folder.Load()->name(), "T5Tokenizer");
  EXPECT_EQ(folder.Load()->cleaning(), TextCleaning::kCanonicalize);
  EXPECT_EQ(folder.Tokenize("A_photo, of a cat!"),
            (Row{3, 8, 4, 3, 107, 95, 106, 103, 1, 1, 1, 1}));
  const OpenClipFolder lower("lower");
  EXPECT_EQ(lower.Tokenize("A cat!"), (Row{3, 107, 95, 106, 103, 2, 1, 1, 1, 1, 1, 1}));
  const OpenClipFolder white_space("whitespace");
  EXPECT_EQ(white_space.Tokenize("A  cat"), (Row{107, 2, 107, 95, 106, 103, 1, 1, 1, 1, 1, 1}));
}

TEST(OpenClipTexts, TheConfigurationOfTheWeightsCounts) {
  OpenClipFolder folder;
  const auto cleaning = [&] { return folder.Load()->cleaning(); };
  folder.Write("config.json", R"({"architecture": "vit_base_patch16_siglip_224"})");
  EXPECT_EQ(cleaning(), TextCleaning::kCanonicalize) << "timm has no texts";
  folder.Write("config.json",
               R"({"model_type": "siglip", "text_config": {"max_position_embeddings": 10}})");
  EXPECT_EQ(cleaning(), TextCleaning::kNone) << "without weights transformers' counts";
  EXPECT_EQ(folder.Load()->max_length(), 10);
  folder.WriteWeights("open_clip_model.safetensors", "text.ln_final.weight");
  EXPECT_EQ(cleaning(), TextCleaning::kCanonicalize);
  EXPECT_EQ(folder.Load()->max_length(), 12);
  folder.WriteWeights("model.safetensors", "text_model.final_layer_norm.weight");
  EXPECT_EQ(cleaning(), TextCleaning::kNone);
  folder.Write("config.json", R"({"model_cfg": {"text_cfg": {"context_length": 5}}})");
  EXPECT_EQ(folder.Load()->max_length(), 5) << "as in a packed folder";
  EXPECT_EQ(cleaning(), TextCleaning::kWhitespace);
}

TEST(OpenClipTexts, AreEndedAndPaddedAsTheFilesSay) {
  OpenClipFolder folder;
  const auto row_with = [&](const std::string& config) {
    folder.Write("tokenizer_config.json", config);
    return folder.Tokenize("a cat");
  };
  const std::string tail = R"(, "eos_token": "</s>", "unk_token": "<unk>", "extra_ids": 0)";
  EXPECT_EQ(row_with(R"({"tokenizer_class": "T5TokenizerFast")" + tail + "}"),
            (Row{3, 107, 95, 106, 103, 1, 0, 0, 0, 0, 0, 0}))
      << "T5 pads with <pad>";
  EXPECT_EQ(row_with(R"({"tokenizer_class": "T5Tokenizer", "pad_token": "</s>",
                         "padding_side": "left", "add_eos_token": false)" +
                     tail + "}"),
            (Row{1, 1, 1, 1, 1, 1, 3, 107, 95, 106, 103, 1}))
      << "the flag is not looked at";
  EXPECT_EQ(
      row_with(R"({"tokenizer_class": "TokenizersBackend", "pad_token": "<unk>")" + tail + "}"),
      (Row{3, 107, 95, 106, 103, 1, 2, 2, 2, 2, 2, 2}));
  folder.Write("special_tokens_map.json", R"({"pad_token": {"content": "<pad>"}})");
  EXPECT_EQ(row_with(R"({"pad_token": "<unk>"})"), (Row{3, 107, 95, 106, 103, 1, 0, 0, 0, 0, 0, 0}))
      << "the older file counts";
  EXPECT_EQ(row_with(R"({"pad_token": "<unk>", "added_tokens_decoder": {}})"),
            (Row{3, 107, 95, 106, 103, 1, 2, 2, 2, 2, 2, 2}))
      << "unless tokenizer_config.json lists the tokens";
  const auto refused = [&](const std::string& config, ErrorCode code, const std::string& part) {
    folder.Write("tokenizer_config.json", config);
    ExpectError(code, {"tokenizer", part}, [&] { folder.Load(); });
  };
  refused(R"({"tokenizer_class": "GemmaTokenizer"})", ErrorCode::kUnsupported, "'model.type'");
  refused(R"({"truncation_side": "left"})", ErrorCode::kUnsupported, "'truncation_side'");
  refused(R"({"split_special_tokens": true})", ErrorCode::kUnsupported, "'split_special_tokens'");
  refused(R"({"padding_side": "top"})", ErrorCode::kMalformedFile, "'padding_side'");
  refused(R"({"extra_ids": 1000000})", ErrorCode::kMalformedFile, "'extra_ids'");
  refused(R"({"added_tokens_decoder": {"7": {"content": "<pad>"}}})", ErrorCode::kMalformedFile,
          "expected the id 0, found 7");
  refused(R"({"added_tokens_decoder": {"3": {"content": "<new>"}}})", ErrorCode::kMalformedFile,
          "expected the id 109, found 3");
}

TEST(OpenClipTexts, TokensThatT5AddsAreFoundAndMakeTheModelNoLarger) {
  OpenClipFolder folder("whitespace");
  folder.Write("tokenizer_config.json", R"({"tokenizer_class": "T5Tokenizer"})");
  EXPECT_EQ(folder.Load()->vocab_size(), 109);
  EXPECT_EQ(folder.Tokenize("a<extra_id_5>a"), (Row{3, 114, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(folder.Load()->Piece(114), "<extra_id_5>");
}

}  // namespace
}  // namespace siglip
