// The tokenizers against what transformers, tokenizers and open_clip computed.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "scratch_folder.h"
#include "siglip/transformers/tokenizer.hpp"
#include "source_folders.h"

namespace siglip {
namespace {

const std::filesystem::path kGoldenTexts = kGolden / "text";

void ExpectEveryRow(const std::string& folder, const std::string& key) {
  const auto tokenizer = Tokenizer::FromPretrained(kGoldenTexts / folder, {.max_length = 64});
  std::ifstream file(kGoldenTexts / "expected.json");
  const auto rows = nlohmann::json::parse(file).at("rows");
  ASSERT_GE(rows.size(), 25U);
  std::vector<int64_t> found(64);
  for (const auto& row : rows) {
    const auto text = row.at("text").get<std::string>();
    tokenizer->Tokenize(text, found);
    EXPECT_EQ(found, row.at(key).get<std::vector<int64_t>>()) << text;
  }
}

TEST(GoldenText, Siglip) { ExpectEveryRow("sentencepiece", "siglip_hf"); }

TEST(GoldenText, Siglip2) { ExpectEveryRow("gemma", "siglip2"); }

const std::filesystem::path kOpenClip = kGolden / "open_clip";

/// Files of tests/golden/open_clip and of tests/golden in a folder whose texts are cleaned so.
void ExpectOpenClipRows(const std::string& key, const std::string& clean,
                        const std::vector<std::filesystem::path>& files) {
  const ScratchFolder folder;
  for (const auto& file : files) {
    std::filesystem::copy(kOpenClip / file, folder / file.filename().string());
  }
  std::ifstream config_file(folder / "open_clip_config.json");
  auto config = nlohmann::json::parse(config_file);
  config_file.close();
  auto& text_config = config["model_cfg"]["text_cfg"];
  text_config["context_length"] = 64;
  text_config["tokenizer_kwargs"] = {{"clean", clean}};
  if (clean == "whitespace") text_config.erase("tokenizer_kwargs");  // the default
  std::ofstream(folder / "open_clip_config.json") << config;

  const auto tokenizer = Tokenizer::FromPretrained(folder.path());
  std::ifstream file(kOpenClip / "expected.json");
  const auto rows = nlohmann::json::parse(file).at("rows");
  ASSERT_GE(rows.size(), 200U);
  std::vector<int64_t> found(64);
  for (const auto& row : rows) {
    auto expected = row.at(key).get<std::vector<int64_t>>();
    expected.resize(64, tokenizer->pad_id());
    tokenizer->Tokenize(row.at("text").get<std::string>(), found);
    EXPECT_EQ(found, expected) << row.at("text");
  }
}

const std::vector<std::filesystem::path> kOpenClipSiglip = {
    "siglip/open_clip_config.json", "siglip/tokenizer_config.json", "siglip/tokenizer.json"};
const std::vector<std::filesystem::path> kOpenClipSiglip2 = {"siglip2/open_clip_config.json",
                                                             "siglip2/tokenizer_config.json",
                                                             "../text/gemma/tokenizer.json"};

TEST(GoldenOpenClipText, SiglipIsT5) {
  ExpectOpenClipRows("siglip", "canonicalize", kOpenClipSiglip);
}

TEST(GoldenOpenClipText, SiglipInLowerCase) {
  ExpectOpenClipRows("siglip_lower", "lower", kOpenClipSiglip);
}

TEST(GoldenOpenClipText, Siglip2IsCanonicalized) {
  ExpectOpenClipRows("siglip2", "canonicalize", kOpenClipSiglip2);
}

TEST(GoldenOpenClipText, Siglip2WithWhiteSpaceAlone) {
  ExpectOpenClipRows("siglip2_whitespace", "whitespace", kOpenClipSiglip2);
}

TEST(GoldenOpenClipText, WithoutAClassAsTheFileSays) {
  ExpectOpenClipRows(
      "file", "whitespace",
      {"siglip/open_clip_config.json", "file/special_tokens_map.json", "file/tokenizer.json"});
}

TEST(GoldenOpenClipText, T5TakesOnlyTheCharacterMapOfTheFile) {
  ExpectOpenClipRows(
      "t5", "whitespace",
      {"siglip/open_clip_config.json", "siglip/tokenizer_config.json", "file/tokenizer.json"});
}

}  // namespace
}  // namespace siglip
