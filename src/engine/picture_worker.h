// One thread's way from a picture to its embedding, with the buffers it uses again and again.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "engine/image_tower.h"
#include "model/vision_forward.h"
#include "siglip/engine.h"

namespace siglip {

class PictureWorker {
 public:
  /// All must outlive this object. `name` is what errors call the model. `all_threads` is asked
  /// before each computation of EmbedFile whether it may run on all threads of the model's runtime
  /// instead of the calling one, with the same bits as result.
  PictureWorker(const ImageTower& tower, const EngineOptions& options, const std::string& name,
                std::function<bool()> all_threads);

  /// Decodes and embeds; whatever goes wrong with this picture is the result's error. Leaves index
  /// and path empty. Throws what EmbedTestPicture throws when the model is at fault.
  EmbedResult EmbedFile(const std::string& path);

  /// What EmbedFile has spent so far.
  const StageSeconds& seconds() const { return seconds_; }

  /// Throws Error for a picture that the processor or the model refuses.
  Tensor Embed(const Image& image);

  /// See Engine::EmbedTestPicture.
  Tensor EmbedTestPicture();

 private:
  /// To picture_. Nothing of the picture is left in memory while the model computes.
  void Preprocess(const std::string& path);
  /// From picture_.
  Tensor Compute();

  const ImageTower& tower_;
  const EngineOptions& options_;
  const std::string& name_;
  const std::function<bool()> all_threads_;
  PreparedPicture picture_;
  std::optional<VisionForward> forward_;  // made when first needed: it holds a workspace
  StageSeconds seconds_;
  bool model_is_sound_ = false;  // its test picture has an embedding
};

/// [D], or [N, D] with `tokens`.
Shape EmbeddingShape(const ImageTower& tower, bool tokens);

}  // namespace siglip
