// SigLIP with a classifier for a fixed set of labels, as transformers fine-tunes it.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "siglip/runtime.h"
#include "siglip/tensor.h"
#include "siglip/vision_model.h"

namespace siglip {

struct ImageClassificationOutput {
  Tensor logits;  ///< F32 [B, labels]
  VisionOutput vision_model_output;
};

/// transformers' class of this name: the image tower's tokens are averaged (not pooled by its head)
/// and classified by one Linear. Immutable and safe to call from several threads.
class SiglipForImageClassification {
 public:
  /// Loads image tower and `classifier` of a checkpoint folder; the labels are those of `id2label`
  /// in config.json, which must be as many as the classifier has outputs.
  static SiglipForImageClassification FromPretrained(
      const std::filesystem::path& folder, std::shared_ptr<const Runtime> runtime = nullptr,
      std::optional<Precision> precision = std::nullopt);

  SiglipForImageClassification(SiglipForImageClassification&&) noexcept;
  SiglipForImageClassification& operator=(SiglipForImageClassification&&) noexcept;
  ~SiglipForImageClassification();

  ImageClassificationOutput operator()(const Tensor& pixel_values,
                                       const VisionForwardOptions& options = {}) const;

  /// By index of the logit.
  const std::vector<std::string>& labels() const { return labels_; }
  const SiglipVisionModel& vision_model() const { return vision_model_; }

 private:
  SiglipForImageClassification(SiglipVisionModel vision_model,
                               std::unique_ptr<const Linear> classifier,
                               std::vector<std::string> labels);

  SiglipVisionModel vision_model_;
  std::unique_ptr<const Linear> classifier_;
  std::vector<std::string> labels_;
};

}  // namespace siglip
