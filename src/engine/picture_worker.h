// One thread's way from a picture to its embedding, with the buffers it uses again and again.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "model/single_picture.h"
#include "siglip/engine.h"

namespace siglip {

class PictureWorker {
 public:
  /// All must outlive this object. `all_threads` is asked before each computation of EmbedFile
  /// whether it may run on all threads of the model's runtime instead of the calling one, with the
  /// same bits as result.
  PictureWorker(const SiglipVisionModel& model, const SiglipImageProcessor& processor,
                const EngineOptions& options, std::function<bool()> all_threads);

  /// Decodes and embeds; whatever goes wrong is the result's error. Leaves index and path empty.
  EmbedResult EmbedFile(const std::string& path);

  /// What EmbedFile has spent so far.
  const StageSeconds& seconds() const { return seconds_; }

  /// Throws Error for a picture that the processor or the model refuses.
  Tensor Embed(const Image& image);

 private:
  /// Throws Error(kMismatch) when preprocessing gives such a picture another size than the model's.
  void CheckSize(const ImageSize& picture) const;
  /// To pixel_values_. Nothing of the picture is left in memory while the model computes.
  void Preprocess(const std::string& path);
  /// From pixel_values_.
  Tensor Compute();

  const SiglipVisionModel& model_;
  const SiglipImageProcessor& processor_;
  const EngineOptions& options_;
  const std::function<bool()> all_threads_;
  Tensor pixel_values_;                          // [1, 3, image_size, image_size]
  std::optional<SinglePictureForward> forward_;  // made when first needed: it holds a workspace
  StageSeconds seconds_;
};

/// [D], or [N, D] with `tokens`.
Shape EmbeddingShape(const SiglipVisionConfig& config, bool tokens);

}  // namespace siglip
