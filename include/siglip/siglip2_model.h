// The whole of SigLIP 2 NaFlex: both towers and how their embeddings are compared.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "siglip/model.h"
#include "siglip/siglip2_vision_model.h"

namespace siglip {

struct Siglip2ModelOptions {
  Siglip2ForwardOptions vision;
  TextForwardOptions text;
};

/// SiglipModel with pictures of any size and shape. The text tower is SigLIP's. Immutable after
/// construction and safe to call from several threads.
class Siglip2Model {
 public:
  /// Loads both towers of a NaFlex checkpoint folder; see Siglip2VisionModel and SiglipTextModel.
  static Siglip2Model FromPretrained(const std::filesystem::path& folder,
                                     std::shared_ptr<const Runtime> runtime = nullptr,
                                     PrecisionChoice precision = {});
  /// Of towers loaded otherwise. Throws Error(kMismatch) when their embeddings differ in width, or
  /// when the image tower has no pooling head.
  Siglip2Model(Siglip2VisionModel vision_model, SiglipTextModel text_model, SiglipLogits logits);

  SiglipOutput operator()(const Tensor& input_ids, const Siglip2Inputs& pictures,
                          const Siglip2ModelOptions& options = {}) const;

  const Siglip2VisionModel& vision_model() const { return vision_model_; }
  const SiglipTextModel& text_model() const { return text_model_; }
  const SiglipLogits& logits() const { return logits_; }

 private:
  Siglip2VisionModel vision_model_;
  SiglipTextModel text_model_;
  SiglipLogits logits_;
};

}  // namespace siglip
