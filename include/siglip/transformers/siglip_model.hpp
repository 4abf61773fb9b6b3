// The whole of SigLIP: both towers and how their embeddings are compared.
//
//   auto model = siglip::SiglipModel::FromPretrained("google-siglip-base-patch16-224");
//   auto output = model(input_ids, pixel_values);   // output.probabilities [pictures, texts]
//
// Classes, names and order of steps are those of transformers' modeling_siglip.py. Every class is
// immutable after construction, cheap to copy and safe to call from several threads.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "siglip/export.hpp"
#include "siglip/runtime.hpp"
#include "siglip/tensor.hpp"
#include "siglip/transformers/text_model.hpp"
#include "siglip/transformers/vision_model.hpp"

namespace siglip {

/// Every row of the last axis divided by its L2 norm, without epsilon, as the reference does.
SIGLIP_EXPORT Tensor NormalizeRows(const TensorView& rows);

/// Sigmoid, not softmax: each pair of picture and text is judged on its own.
SIGLIP_EXPORT Tensor Sigmoid(const TensorView& logits);

/// What SigLIP is trained to make small: the mean over rows of -sum_j logsigmoid((2 I - 1) logits),
/// for pictures and texts that belong together pair by pair. Throws Error(kMismatch) unless
/// `logits` is [n, n].
SIGLIP_EXPORT float SiglipLoss(const TensorView& logits);

/// From similarities to logits: exp(logit_scale) * similarity + logit_bias.
class SIGLIP_EXPORT SiglipLogits {
 public:
  /// Reads `logit_scale` and `logit_bias` of a checkpoint folder. Throws Error(kMalformedFile) when
  /// one of them, or the exponential of the scale, is NaN or infinite: every logit would be.
  static SiglipLogits FromPretrained(const std::filesystem::path& folder);
  SiglipLogits(float logit_scale, float logit_bias)
      : logit_scale_(logit_scale), logit_bias_(logit_bias) {}

  /// Normalised embeddings left [m, D], right [n, D] -> [m, n].
  Tensor operator()(const TensorView& left, const TensorView& right) const;
  /// For one pair with this cosine.
  float operator()(double cosine) const;

  float logit_scale() const { return logit_scale_; }  ///< A logarithm.
  float logit_bias() const { return logit_bias_; }

 private:
  float logit_scale_;
  float logit_bias_;
};

/// All F32. Names are those of transformers' SiglipOutput.
struct SiglipOutput {
  Tensor logits_per_image;    ///< [pictures, texts]
  Tensor logits_per_text;     ///< [texts, pictures]
  Tensor probabilities;       ///< [pictures, texts]: the sigmoid of logits_per_image.
  Tensor text_embeds;         ///< [texts, D], normalised.
  Tensor image_embeds;        ///< [pictures, D], normalised.
  std::optional<float> loss;  ///< Where there are as many texts as pictures.
  TextOutput text_model_output;
  VisionOutput vision_model_output;
};

struct SiglipForwardOptions {
  VisionForwardOptions vision;
  TextForwardOptions text;
};

/// Both towers, the image tower of either resolution.
class SIGLIP_EXPORT ImageTextModel {
 public:
  /// Loads both towers of a checkpoint folder, whichever kind it is of; see VisionModel and
  /// SiglipTextModel.
  static ImageTextModel Open(const std::filesystem::path& folder,
                             std::shared_ptr<const Runtime> runtime = nullptr,
                             PrecisionChoice precision = {});
  /// Of towers loaded otherwise. Throws Error(kMismatch) when their embeddings differ in width, or
  /// when the image tower has no pooling head.
  ImageTextModel(VisionModel vision_model, SiglipTextModel text_model, SiglipLogits logits);

  SiglipOutput operator()(const TensorView& input_ids, const VisionInputsView& pictures,
                          const SiglipForwardOptions& options = {}) const;

  /// -> [pictures, D], not normalised.
  Tensor GetImageFeatures(const VisionInputsView& pictures) const;
  /// input_ids -> [texts, D], not normalised.
  Tensor GetTextFeatures(const TensorView& input_ids) const;

  const VisionModel& vision_model() const { return vision_model_; }
  const SiglipTextModel& text_model() const { return text_model_; }
  const SiglipLogits& logits() const { return logits_; }

 private:
  VisionModel vision_model_;
  SiglipTextModel text_model_;
  SiglipLogits logits_;
};

/// transformers' class of this name: fixed resolution.
class SIGLIP_EXPORT SiglipModel : public ImageTextModel {
 public:
  using ImageTextModel::ImageTextModel;
  /// As ImageTextModel::Open; throws Error(kUnsupported) for a NaFlex checkpoint.
  static SiglipModel FromPretrained(const std::filesystem::path& folder,
                                    std::shared_ptr<const Runtime> runtime = nullptr,
                                    PrecisionChoice precision = {});
};

/// transformers' class of this name: NaFlex. The text tower is SigLIP's.
class SIGLIP_EXPORT Siglip2Model : public ImageTextModel {
 public:
  using ImageTextModel::ImageTextModel;
  /// As ImageTextModel::Open; throws Error(kUnsupported) for a checkpoint of fixed resolution.
  static Siglip2Model FromPretrained(const std::filesystem::path& folder,
                                     std::shared_ptr<const Runtime> runtime = nullptr,
                                     PrecisionChoice precision = {});
};

}  // namespace siglip
