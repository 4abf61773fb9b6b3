// SigLIP with a classifier for a fixed set of labels, as transformers fine-tunes it.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "siglip/runtime.h"
#include "siglip/siglip2_vision_model.h"
#include "siglip/tensor.h"
#include "siglip/vision_model.h"

namespace siglip {

/// Defined in src/model.
class TokenClassifier;

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
      PrecisionChoice precision = {});

  SiglipForImageClassification(SiglipForImageClassification&&) noexcept;
  SiglipForImageClassification& operator=(SiglipForImageClassification&&) noexcept;
  ~SiglipForImageClassification();

  ImageClassificationOutput operator()(const Tensor& pixel_values,
                                       const VisionForwardOptions& options = {}) const;

  /// By index of the logit.
  const std::vector<std::string>& labels() const;
  const SiglipVisionModel& vision_model() const { return vision_model_; }

 private:
  SiglipForImageClassification(SiglipVisionModel vision_model,
                               std::unique_ptr<const TokenClassifier> classifier);

  SiglipVisionModel vision_model_;
  std::unique_ptr<const TokenClassifier> classifier_;
};

/// The same of a NaFlex checkpoint: every picture's own tokens are averaged.
class Siglip2ForImageClassification {
 public:
  /// As SiglipForImageClassification::FromPretrained.
  static Siglip2ForImageClassification FromPretrained(
      const std::filesystem::path& folder, std::shared_ptr<const Runtime> runtime = nullptr,
      PrecisionChoice precision = {});

  Siglip2ForImageClassification(Siglip2ForImageClassification&&) noexcept;
  Siglip2ForImageClassification& operator=(Siglip2ForImageClassification&&) noexcept;
  ~Siglip2ForImageClassification();

  ImageClassificationOutput operator()(const Siglip2Inputs& inputs,
                                       const Siglip2ForwardOptions& options = {}) const;

  /// By index of the logit.
  const std::vector<std::string>& labels() const;
  const Siglip2VisionModel& vision_model() const { return vision_model_; }

 private:
  Siglip2ForImageClassification(Siglip2VisionModel vision_model,
                                std::unique_ptr<const TokenClassifier> classifier);

  Siglip2VisionModel vision_model_;
  std::unique_ptr<const TokenClassifier> classifier_;
};

}  // namespace siglip
