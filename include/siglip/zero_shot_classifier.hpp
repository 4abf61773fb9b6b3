// Labels in words instead of a trained classifier: pictures are compared with a text per label.
#pragma once

#include <string>
#include <vector>

#include "siglip/embedder.hpp"
#include "siglip/export.hpp"
#include "siglip/tensor.hpp"
#include "siglip/transformers/siglip_model.hpp"

namespace siglip {

struct LabelScore {
  size_t label = 0;  ///< Its index.
  float logit = 0;
  float probability = 0;  ///< The sigmoid of the logit: labels are judged one by one, so those of a
                          ///< picture need not add up to one.
};

/// Immutable and safe to use from several threads.
class SIGLIP_EXPORT ZeroShotClassifier {
 public:
  /// What transformers' zero-shot pipeline makes of a label.
  static constexpr const char* kTemplate = "This is a photo of {}.";

  /// Every template with every label in place of its "{}" is embedded by `embedder`; of several
  /// templates the normalised embeddings are averaged. Throws Error(kInvalidArgument) without
  /// labels or templates or for a template without "{}", and what Embedder::EmbedTexts throws.
  ZeroShotClassifier(const Embedder& embedder, std::vector<std::string> labels,
                     const std::vector<std::string>& templates = {kTemplate});
  /// For callers who embed the texts themselves: `text_embeds` [labels * templates, D] are those of
  /// TextsOf(labels, templates), normalised or not. Throws Error(kInvalidArgument) without labels,
  /// kMismatch for another shape.
  ZeroShotClassifier(const SiglipLogits& logits, std::vector<std::string> labels,
                     const Tensor& text_embeds);

  /// The texts that are embedded: for each label one of every template. Throws
  /// Error(kInvalidArgument) as the constructor does.
  static std::vector<std::string> TextsOf(const std::vector<std::string>& labels,
                                          const std::vector<std::string>& templates = {kTemplate});

  const std::vector<std::string>& labels() const { return labels_; }
  /// [labels, D], normalised.
  const Tensor& label_embeds() const { return label_embeds_; }

  /// The embedding of a picture [D] -> a score for each label, the most probable first and equal
  /// ones in the order of the labels. It need not be normalised. Throws Error(kMismatch) for
  /// another shape.
  std::vector<LabelScore> operator()(const Tensor& image_embed) const;

 private:
  std::vector<std::string> labels_;
  SiglipLogits logits_;
  Tensor label_embeds_;
};

}  // namespace siglip
