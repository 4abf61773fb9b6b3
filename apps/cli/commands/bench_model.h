// What `siglip bench` measures: a loaded tower and inputs to run it on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "siglip/runtime.hpp"
#include "siglip/transformers/image_processor.hpp"
#include "siglip/transformers/vision_model.hpp"

namespace siglip::cli {

/// Which model.
struct BenchModelSource {
  std::string model;   ///< Folder or name.
  std::string preset;  ///< Random weights of this architecture instead.
  PrecisionChoice precision;
  int64_t max_num_patches = 0;  ///< Of variable resolution; 0: what preprocessing says.
  bool texts = false;           ///< The text tower instead of the image tower.

  const std::string& name() const { return preset.empty() ? model : preset; }
};

struct BenchModel {
  Precision precision = Precision::kFloat32;
  double flop = 0;  ///< Operations that one picture or text takes.
  /// A forward pass of as many of them: pictures of random pixels, as large as the model takes
  /// them, or texts of random tokens.
  std::function<std::function<void()>(int64_t count)> new_batch;
  /// Of the weights that a batch of as many of them reads, all once in a pass, what falls to each.
  std::function<double(int64_t count)> weight_bytes_each;
  std::optional<VisionModel> vision_model;  ///< Of the image tower.
};

BenchModel LoadBenchModel(const BenchModelSource& source,
                          const std::shared_ptr<const Runtime>& runtime);

/// Pictures of random pixels: of the model's size or, of variable resolution, squares of this many
/// patches a side.
VisionInputs RandomPictures(const VisionModel& model, int64_t pictures, int64_t patches_per_side);

/// The preprocessing that goes with an image tower.
ImageProcessor LoadBenchProcessor(const BenchModelSource& source, const VisionModel& model);

}  // namespace siglip::cli
