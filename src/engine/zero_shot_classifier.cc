#include "siglip/zero_shot_classifier.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "siglip/error.hpp"

namespace siglip {
namespace {

constexpr std::string_view kPlace = "{}";

/// The text of a label, with the label in every place for it.
std::string Fill(const std::string& text, const std::string& label) {
  std::string filled;
  size_t begin = 0;
  for (size_t place = text.find(kPlace); place != std::string::npos;
       place = text.find(kPlace, begin)) {
    filled += text.substr(begin, place - begin) + label;
    begin = place + kPlace.size();
  }
  return filled + text.substr(begin);
}

void Check(const std::vector<std::string>& labels, const std::vector<std::string>& templates) {
  if (labels.empty()) throw Error(ErrorCode::kInvalidArgument, "labels: expected at least one");
  if (templates.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "templates: expected at least one");
  }
  for (const std::string& text : templates) {
    if (text.find(kPlace) == std::string::npos) {
      throw Error(ErrorCode::kInvalidArgument,
                  "template '" + text + "': expected {} in the place of the label");
    }
  }
}

/// One embedding for each label [labels, D]: the mean over its texts, normalised.
Tensor MeanOfTexts(size_t labels, const Tensor& text_embeds) {
  if (labels == 0) throw Error(ErrorCode::kInvalidArgument, "labels: expected at least one");
  const auto texts = text_embeds.shape().size() == 2 ? static_cast<size_t>(text_embeds.dim(0)) : 0;
  if (texts == 0 || texts % labels != 0) {
    throw Error(ErrorCode::kMismatch, "expected embeddings of the texts of " +
                                          std::to_string(labels) + " labels, found " +
                                          ToString(text_embeds.shape()));
  }
  Tensor embeds = NormalizeRows(text_embeds);
  if (texts == labels) return embeds;
  Tensor sums(DType::kF32, {static_cast<int64_t>(labels), embeds.dim(1)});
  const auto width = static_cast<size_t>(embeds.dim(1));
  const size_t templates = texts / labels;
  for (size_t text = 0; text < texts; ++text) {
    const std::span<float> sum = sums.floats().subspan(text / templates * width, width);
    for (size_t i = 0; i < width; ++i) sum[i] += embeds.floats()[text * width + i];
  }
  return NormalizeRows(sums);
}

/// For a model that has a text tower, whose absence says more.
SiglipLogits LoadLogits(const Embedder& embedder) {
  embedder.text_model();
  return embedder.logits();
}

}  // namespace

ZeroShotClassifier::ZeroShotClassifier(const Embedder& embedder, std::vector<std::string> labels,
                                       const std::vector<std::string>& templates)
    : labels_((Check(labels, templates), std::move(labels))),
      logits_(LoadLogits(embedder)),
      label_embeds_(MeanOfTexts(labels_.size(), embedder.EmbedTexts(TextsOf(labels_, templates)))) {
}

ZeroShotClassifier::ZeroShotClassifier(const SiglipLogits& logits, std::vector<std::string> labels,
                                       const Tensor& text_embeds)
    : labels_(std::move(labels)),
      logits_(logits),
      label_embeds_(MeanOfTexts(labels_.size(), text_embeds)) {}

std::vector<std::string> ZeroShotClassifier::TextsOf(const std::vector<std::string>& labels,
                                                     const std::vector<std::string>& templates) {
  Check(labels, templates);
  std::vector<std::string> texts;
  for (const std::string& label : labels) {
    for (const std::string& text : templates) texts.push_back(Fill(text, label));
  }
  return texts;
}

std::vector<LabelScore> ZeroShotClassifier::operator()(const Tensor& image_embed) const {
  if (image_embed.shape() != Shape{label_embeds_.dim(1)}) {
    throw Error(ErrorCode::kMismatch, "expected the embedding of a picture [" +
                                          std::to_string(label_embeds_.dim(1)) + "], found " +
                                          ToString(image_embed.shape()));
  }
  Tensor row(DType::kF32, {1, image_embed.dim(0)});
  std::ranges::copy(image_embed.floats(), row.floats().begin());
  const Tensor logits = logits_(NormalizeRows(row), label_embeds_);
  const Tensor probabilities = Sigmoid(logits);
  std::vector<LabelScore> scores(labels_.size());
  for (size_t i = 0; i < scores.size(); ++i) {
    scores[i] = {i, logits.floats()[i], probabilities.floats()[i]};
  }
  // By logit, which tells labels apart where their probabilities round to the same float.
  std::ranges::stable_sort(scores, std::ranges::greater(), &LabelScore::logit);
  return scores;
}

}  // namespace siglip
