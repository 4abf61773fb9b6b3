// The tokenizers against what transformers and tokenizers computed.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "siglip/tokenizer.h"

namespace siglip {
namespace {

const std::filesystem::path kGolden =
    std::filesystem::path(SIGLIP_SOURCE_DIR) / "tests/golden/text";

void ExpectEveryRow(const std::string& folder, const std::string& key) {
  const auto tokenizer = Tokenizer::FromPretrained(kGolden / folder, {.max_length = 64});
  std::ifstream file(kGolden / "expected.json");
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

}  // namespace
}  // namespace siglip
