// What `siglip bench --images` measures: from picture files to embeddings.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "siglip/embedder.hpp"

namespace siglip::cli {

/// Medians over the repeats.
struct ImageRates {
  int threads = 0;
  int64_t pictures = 0;  ///< Of the folder, that could be embedded.
  int64_t failed = 0;
  double pictures_per_second = 0;        ///< From files to embeddings.
  double model_pictures_per_second = 0;  ///< From pixels that are ready.
  double share_of_model_rate = 0;        ///< The one by the other, of the same repeat.
  StageSeconds per_picture;              ///< Of one thread.
};

/// The pictures in `folder` and below. Throws Error(kNotFound) when there are none.
std::vector<std::string> FindImages(const std::string& folder);

/// Embeds all `paths` once unmeasured; then in every repeat, right after measuring the model alone,
/// again and again until two seconds have passed. `show_repeat` is told which repeat begins.
/// Throws Error(kNotFound) when no picture can be embedded.
ImageRates MeasureImageRates(const Embedder& embedder, const std::vector<std::string>& paths,
                             int repeats, const std::function<void(int)>& show_repeat);

}  // namespace siglip::cli
