// What image towers of fixed and of variable resolution have in common.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "image/encoded_image.h"
#include "image/preprocess_encoded.h"
#include "image/preprocessing_text.h"
#include "siglip/image_tower.h"

namespace siglip {

template <class Model, class Processor>
class TowerOf : public ImageTower {
 public:
  TowerOf(Model model, Processor processor)
      : model_(std::move(model)), processor_(std::move(processor)) {}

  const SiglipVisionTowerConfig& config() const final { return model_.config(); }
  const std::shared_ptr<const Runtime>& runtime() const final { return model_.runtime(); }
  Precision precision() const final { return model_.precision(); }
  bool has_head() const final { return model_.vision_model().head() != nullptr; }
  bool resizes() const final { return processor_.config().do_resize; }
  PreprocessMode preprocess_mode() const final { return processor_.mode(); }
  std::string preprocessing_text() const final { return PreprocessingText(processor_.config()); }

  void Preprocess(const Image& image, PreparedPicture& picture) const final {
    Prepare({.width = image.width, .height = image.height}, picture);
    processor_.Preprocess(image, picture.pixel_values.floats());
  }
  void Preprocess(EncodedImage& image, PreparedPicture& picture) const final {
    Prepare(image.size(), picture);
    PreprocessEncoded(processor_, image, picture.pixel_values.floats());
  }

 protected:
  const Model& model() const { return model_; }
  const Processor& processor() const { return processor_; }

 private:
  /// Makes room in `picture` for one of this size. Throws Error if the model cannot take it.
  virtual void Prepare(const ImageSize& size, PreparedPicture& picture) const = 0;

  Model model_;
  Processor processor_;
};

}  // namespace siglip
