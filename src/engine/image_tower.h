// An image tower with its preprocessing: from pictures to tokens and pooled outputs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "configuration/vision_tower_plan.h"
#include "image/opened_picture.h"
#include "model/vision_forward.h"
#include "siglip/embedder.hpp"
#include "siglip/image.hpp"
#include "siglip/transformers/image_processor.hpp"
#include "siglip/transformers/vision_model.hpp"

namespace siglip {

/// Immutable; safe to use from several threads.
class ImageTower {
 public:
  /// Throws Error(kMismatch) when the model takes other pictures than preprocessing makes. `name`
  /// is what errors call the model.
  ImageTower(VisionModel model, ImageProcessor processor, const std::string& name);
  /// Model and preprocessing of a checkpoint folder, of whichever kind it is. The small part is
  /// read first: an unusable folder is refused before the weights are.
  static ImageTower Load(const std::filesystem::path& folder, const EmbedderOptions& options);

  const VisionModel& model() const { return model_; }
  const ImageProcessor& processor() const { return processor_; }

  /// Tokens of every picture; where these differ, the most that one can have.
  int64_t most_tokens() const;
  /// Pixels a side of a square picture that needs no resizing.
  int64_t native_side() const;

  /// Replaces what `picture` holds, in the same memory where that fits. Throws Error for a picture
  /// that preprocessing or model refuses.
  void Preprocess(const Image& image, PreparedPicture& picture) const;
  /// Of a picture that is yet to be decoded. `greys` are PictureDetails', unless null.
  void Preprocess(OpenedPicture& image, PreparedPicture& picture, PictureGreys* greys) const;

  /// One picture on all threads of the runtime, with the bits that VisionForward gives.
  VisionOutput Run(const PreparedPicture& picture) const;

 private:
  void CountPatches(PreparedPicture& picture) const;

  VisionModel model_;
  ImageProcessor processor_;
};

/// A prepared picture for VisionForward.
ReadyPicture Ready(const PreparedPicture& picture, float* last_hidden_state, float* pooler_output);

/// Throws Error(kMismatch) when a model of this configuration takes other pictures than
/// preprocessing makes.
void CheckFits(const AnyVisionConfig& config, const ImageProcessor& processor,
               const std::string& name);

}  // namespace siglip
