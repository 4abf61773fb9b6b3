// See repository_listing.h.
#include "hub/repository_listing.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/json.h"
#include "hub/hub_name.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

constexpr std::array<std::string_view, 2> kConfigurations = {"config.json",
                                                             "open_clip_config.json"};
// What a model may have besides: each is taken if it is there.
constexpr std::array<std::string_view, 8> kExtras = {
    "preprocessor_config.json", "processor_config.json", "tokenizer_config.json",
    "special_tokens_map.json",  "added_tokens.json",     "spiece.model",
    "tokenizer.model",          "tokenizer.json"};
constexpr std::string_view kSingleFile = "model.safetensors";
constexpr std::string_view kIndexFile = "model.safetensors.index.json";
constexpr std::string_view kOpenClipFile = "open_clip_model.safetensors";

using Names = std::set<std::string, std::less<>>;

/// "model-00001-of-00002.safetensors"
bool IsShard(std::string_view name) {
  constexpr std::string_view kPattern = "model-#####-of-#####.safetensors";
  return std::ranges::equal(name, kPattern, [](char character, char expected) {
    return expected == '#' ? character >= '0' && character <= '9' : character == expected;
  });
}

/// One form only, in the order in which checkpoints are looked for when a folder is loaded.
std::vector<std::string> Weights(const Names& names) {
  if (names.contains(kSingleFile)) return {std::string(kSingleFile)};
  if (names.contains(kIndexFile)) {
    std::vector<std::string> files = {std::string(kIndexFile)};
    std::ranges::copy_if(names, std::back_inserter(files), IsShard);
    if (files.size() > 1) return files;
  }
  if (names.contains(kOpenClipFile)) return {std::string(kOpenClipFile)};
  return {};
}

}  // namespace

RepositoryListing ParseListing(std::string_view json, const std::string& name) {
  const Json answer = ParseJson(json, name);
  if (!answer.is_object() || !answer.contains("sha") || !answer.contains("siblings") ||
      !answer["siblings"].is_array()) {
    throw Error(ErrorCode::kMalformedFile,
                name + ": expected an object with 'sha' and the array 'siblings'",
                "HF_ENDPOINT must name a Hugging Face hub");
  }
  RepositoryListing listing;
  listing.commit = JsonString(answer["sha"], "sha", name);
  if (!IsCommitHash(listing.commit)) {
    throw Error(ErrorCode::kMalformedFile, name + ": field 'sha': expected a commit hash of 40 " +
                                               "hexadecimal digits, found '" +
                                               listing.commit.substr(0, 60) + "'");
  }
  for (const Json& sibling : answer["siblings"]) {
    if (!sibling.is_object() || !sibling.contains("rfilename")) {
      throw Error(ErrorCode::kMalformedFile,
                  name + ": field 'siblings': expected objects with 'rfilename'");
    }
    listing.files.push_back(JsonString(sibling["rfilename"], "rfilename", name));
  }
  return listing;
}

std::vector<std::string> NeededFiles(const std::vector<std::string>& files,
                                     const std::string& name) {
  const Names names(files.begin(), files.end());
  std::vector<std::string> needed;
  const auto take = [&](std::string_view file) {
    if (names.contains(file)) needed.emplace_back(file);
  };
  std::ranges::for_each(kConfigurations, take);
  if (needed.empty()) {
    throw Error(ErrorCode::kUnsupported,
                name + ": has neither config.json nor open_clip_config.json");
  }
  std::ranges::for_each(kExtras, take);
  const std::vector<std::string> weights = Weights(names);
  if (weights.empty()) {
    throw Error(ErrorCode::kUnsupported, name + ": has no weights in safetensors: expected " +
                                             std::string(kSingleFile) + ", its shards or " +
                                             std::string(kOpenClipFile));
  }
  needed.insert(needed.end(), weights.begin(), weights.end());
  return needed;
}

}  // namespace siglip
