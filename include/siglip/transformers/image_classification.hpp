// SigLIP with a classifier for a fixed set of labels, as transformers fine-tunes it.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "siglip/export.hpp"
#include "siglip/runtime.hpp"
#include "siglip/tensor.hpp"
#include "siglip/transformers/vision_model.hpp"

namespace siglip {

struct ImageClassificationOutput {
  Tensor logits;  ///< F32 [B, labels]
  VisionOutput vision_model_output;
};

/// An image tower of either resolution whose tokens are averaged (not pooled by its head; of NaFlex
/// every picture's own) and classified by one Linear. Immutable, cheap to copy and safe to call
/// from several threads.
class SIGLIP_EXPORT ImageClassificationModel {
 public:
  /// Loads image tower and `classifier` of a checkpoint folder, whichever kind it is of; the labels
  /// are those of `id2label` in config.json, which must be as many as the classifier has outputs.
  static ImageClassificationModel Open(const std::filesystem::path& folder,
                                       std::shared_ptr<const Runtime> runtime = nullptr,
                                       PrecisionChoice precision = {});

  ImageClassificationOutput operator()(const VisionInputsView& pictures,
                                       const VisionForwardOptions& options = {}) const;

  /// By index of the logit.
  const std::vector<std::string>& labels() const;
  const VisionModel& vision_model() const;

  /// Of this library's own use.
  struct SIGLIP_HIDDEN State;
  explicit ImageClassificationModel(std::shared_ptr<const State> state);

 private:
  std::shared_ptr<const State> state_;
};

/// transformers' class of this name: fixed resolution.
class SIGLIP_EXPORT SiglipForImageClassification : public ImageClassificationModel {
 public:
  using ImageClassificationModel::ImageClassificationModel;
  /// As ImageClassificationModel::Open; throws Error(kUnsupported) for a NaFlex checkpoint.
  static SiglipForImageClassification FromPretrained(
      const std::filesystem::path& folder, std::shared_ptr<const Runtime> runtime = nullptr,
      PrecisionChoice precision = {});
};

/// transformers' class of this name: NaFlex.
class SIGLIP_EXPORT Siglip2ForImageClassification : public ImageClassificationModel {
 public:
  using ImageClassificationModel::ImageClassificationModel;
  /// As ImageClassificationModel::Open; throws Error(kUnsupported) for a checkpoint of fixed
  /// resolution.
  static Siglip2ForImageClassification FromPretrained(
      const std::filesystem::path& folder, std::shared_ptr<const Runtime> runtime = nullptr,
      PrecisionChoice precision = {});
};

}  // namespace siglip
