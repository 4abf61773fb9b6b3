// The way of one picture to its embedding, in two stages.
#pragma once

#include <atomic>
#include <span>
#include <string>

#include "engine/image_tower.h"
#include "engine/picture_pipeline.h"
#include "engine/stage_totals.h"
#include "model/vision_forward.h"
#include "siglip/embedder.hpp"

namespace siglip {

class PictureEmbedder {
 public:
  /// All but `options` must outlive this object. `name` is what errors call the model. Throws
  /// Error(kUnsupported) for a pooled output of a model without a pooling head.
  PictureEmbedder(const ImageTower& tower, const DecodeOptions& decode, const EmbedOptions& options,
                  const std::string& name, StageTotals& seconds);

  /// [D], or [N, D] of tokens.
  const Shape& shape() const { return shape_; }

  // Both may be called by several threads. Whatever goes wrong with a picture is its error; when
  // the model is at fault, they throw what EmbedTestPicture throws.

  void Prepare(PictureInFlight& picture) const;
  /// The group together by `forward`, or one by one on all threads of the tower's runtime where it
  /// is null, with the same bits.
  void Compute(std::span<PictureInFlight> group, VisionForward* forward);

  /// See Embedder::EmbedTestPicture.
  Tensor EmbedTestPicture();

 private:
  void ComputeTogether(std::span<PictureInFlight> group, VisionForward& forward) const;
  Tensor ComputeOnAllThreads(const PreparedPicture& picture) const;
  void Finish(const PreparedPicture& picture, Tensor& embedding) const;

  const ImageTower& tower_;
  const DecodeOptions& decode_;
  const EmbedOptions options_;
  const std::string& name_;
  StageTotals& seconds_;
  const Shape shape_;
  std::atomic<bool> model_is_sound_ = false;  // its test picture has an embedding
};

}  // namespace siglip
