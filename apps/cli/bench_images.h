// The rates that `siglip bench --images` measures: from picture files to embeddings.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "siglip/runtime.h"

namespace siglip::cli {

/// Pictures per second of each stage alone, and of the engine, where the stages overlap.
struct ImageRates {
  int threads = 0;
  int64_t pictures = 0;  ///< Those that could be decoded.
  int64_t failed = 0;
  double decode = 0;
  double preprocess = 0;
  double engine = 0;
};

/// The pictures in `folder` and below. Throws Error(kNotFound) when there are none.
std::vector<std::string> FindImages(const std::string& folder);

/// Each stage runs over all `paths` with as many threads as `runtime` asks for. Throws
/// Error(kNotFound) when no picture can be decoded.
ImageRates MeasureImageRates(const std::filesystem::path& model,
                             const std::vector<std::string>& paths, const RuntimeOptions& runtime);

}  // namespace siglip::cli
