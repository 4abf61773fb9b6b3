// What there is to say about a checkpoint folder: the work of siglip inspect.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "siglip/checkpoint.hpp"
#include "siglip/image.hpp"
#include "siglip/transformers/image_processor.hpp"

namespace siglip::cli {

struct Preprocessing {
  PixelConfig pixels;
  std::string size;  // what becomes of a picture's size, in words
  std::string json;
  PreprocessMode mode;
};

struct Findings {
  std::filesystem::path folder;
  ModelInfo model;
  std::optional<Preprocessing> preprocessing;
  std::string no_preprocessing;  // why there is none
  std::map<std::string, int64_t> tensors_by_dtype;
  int64_t unused_tensors = 0;
};

/// Throws Error as InspectModel does.
Findings Examine(const std::filesystem::path& folder);

/// On several lines.
std::string ToJson(const Findings& findings);

}  // namespace siglip::cli
