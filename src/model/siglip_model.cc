// SiglipModel, and how embeddings of pictures and texts are compared.
#include "siglip/transformers/siglip_model.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>

#include "configuration/logit_parameters.h"
#include "configuration/siglip_config.h"
#include "model/siglip_text.h"
#include "model/towers_fit.h"
#include "model/vision_forward.h"
#include "model/vision_model_state.h"
#include "siglip/error.hpp"
#include "weights/checkpoint.h"

namespace siglip {
namespace {

/// log(1 / (1 + exp(-x))) without overflow.
double LogSigmoid(double x) { return std::min(x, 0.0) - std::log1p(std::exp(-std::abs(x))); }

double Dot(const float* left, const float* right, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; ++i) sum += static_cast<double>(left[i]) * right[i];
  return sum;
}

SiglipLogits LoadLogits(const Checkpoint& checkpoint) {
  const LogitParameters parameters = ReadLogitParameters(checkpoint);
  return {parameters.scale, parameters.bias};
}

Tensor Transpose(const TensorView& matrix) {
  Tensor transposed(DType::kF32, {matrix.dim(1), matrix.dim(0)});
  const auto rows = static_cast<size_t>(matrix.dim(0));
  const auto columns = static_cast<size_t>(matrix.dim(1));
  const std::span<const float> from = matrix.floats();
  const std::span<float> to = transposed.floats();
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < columns; ++j) to[j * rows + i] = from[i * columns + j];
  }
  return transposed;
}

}  // namespace

Tensor NormalizeRows(const TensorView& rows) {
  Tensor normalized(DType::kF32, rows.shape());
  if (rows.empty()) return normalized;
  const auto columns = static_cast<size_t>(rows.dim(-1));
  const std::span<const float> from = rows.floats();
  const std::span<float> to = normalized.floats();
  for (size_t begin = 0; begin < from.size(); begin += columns) {
    const float* row = from.data() + begin;
    // embeds = embeds / embeds.norm(p=2, dim=-1, keepdim=True)
    const auto norm = static_cast<float>(std::sqrt(Dot(row, row, columns)));
    for (size_t i = 0; i < columns; ++i) to[begin + i] = row[i] / norm;
  }
  return normalized;
}

Tensor Sigmoid(const TensorView& logits) {
  Tensor probabilities(DType::kF32, logits.shape());
  const std::span<float> out = probabilities.floats();
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<float>(std::exp(LogSigmoid(logits.floats()[i])));
  }
  return probabilities;
}

float SiglipLoss(const TensorView& logits) {
  if (logits.shape().size() != 2 || logits.dim(0) != logits.dim(1) || logits.empty()) {
    throw Error(ErrorCode::kMismatch,
                "loss: expected logits [n, n], found " + ToString(logits.shape()),
                "the loss is of pairs of a picture and a text");
  }
  const auto n = static_cast<size_t>(logits.dim(0));
  const std::span<const float> values = logits.floats();
  // loglik = logsigmoid((2 * eye - 1) * logits); loss = -loglik.sum(dim=-1).mean()
  double sum = 0;
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j)
      sum += LogSigmoid(i == j ? values[i * n + j] : -values[i * n + j]);
  }
  return static_cast<float>(-sum / static_cast<double>(n));
}

SiglipLogits SiglipLogits::FromPretrained(const std::filesystem::path& folder) {
  return LoadLogits(Checkpoint::Open(folder));
}

float SiglipLogits::operator()(double cosine) const {
  // logits = similarity * logit_scale.exp() + logit_bias
  return static_cast<float>(cosine * std::exp(static_cast<double>(logit_scale_)) + logit_bias_);
}

Tensor SiglipLogits::operator()(const TensorView& left, const TensorView& right) const {
  if (left.shape().size() != 2 || right.shape().size() != 2 || left.dim(1) != right.dim(1)) {
    throw Error(ErrorCode::kMismatch, "logits: expected embeddings [m, D] and [n, D], found " +
                                          ToString(left.shape()) + " and " +
                                          ToString(right.shape()));
  }
  Tensor logits(DType::kF32, {left.dim(0), right.dim(0)});
  const auto width = static_cast<size_t>(left.dim(1));
  float* out = logits.floats().data();
  for (int64_t i = 0; i < left.dim(0); ++i) {
    const float* row = left.floats().data() + static_cast<size_t>(i) * width;
    for (int64_t j = 0; j < right.dim(0); ++j, ++out) {
      *out = (*this)(Dot(row, right.floats().data() + static_cast<size_t>(j) * width, width));
    }
  }
  return logits;
}

void CheckTowersFit(const SiglipVisionTowerConfig& vision, const SiglipTextConfig& text,
                    const std::string& name) {
  if (!vision.vision_use_head.value_or(true)) throw NoPoolingHead(name);
  const int64_t image_size = vision.hidden_size;
  const int64_t text_size = text.embedding_size();
  if (image_size != text_size) {
    throw Error(ErrorCode::kMismatch,
                name + ": embeddings of pictures have " + std::to_string(image_size) +
                    " values (vision_config.hidden_size), those of texts " +
                    std::to_string(text_size) + " (text_config.projection_size)");
  }
}

ImageTextModel::ImageTextModel(VisionModel vision_model, SiglipTextModel text_model,
                               SiglipLogits logits)
    : vision_model_(std::move(vision_model)), text_model_(std::move(text_model)), logits_(logits) {
  CheckTowersFit(vision_model_.config(), text_model_.config());
}

namespace {

template <class Model>
Model Load(const Checkpoint& checkpoint, std::shared_ptr<const Runtime> runtime,
           PrecisionChoice precision) {
  if (!runtime) runtime = Runtime::Create();
  // The small part first: a folder that lacks it is refused before the towers are read.
  const SiglipLogits logits = LoadLogits(checkpoint);
  return Model(LoadVisionModel(checkpoint, runtime, precision),
               LoadTextModel(checkpoint, runtime, precision), logits);
}

}  // namespace

ImageTextModel ImageTextModel::Open(const std::filesystem::path& folder,
                                    std::shared_ptr<const Runtime> runtime,
                                    PrecisionChoice precision) {
  return Load<ImageTextModel>(Checkpoint::Open(folder), std::move(runtime), precision);
}

SiglipModel SiglipModel::FromPretrained(const std::filesystem::path& folder,
                                        std::shared_ptr<const Runtime> runtime,
                                        PrecisionChoice precision) {
  const Checkpoint checkpoint = Checkpoint::Open(folder);
  LoadVisionConfig(checkpoint);  // refuses NaFlex
  return Load<SiglipModel>(checkpoint, std::move(runtime), precision);
}

Siglip2Model Siglip2Model::FromPretrained(const std::filesystem::path& folder,
                                          std::shared_ptr<const Runtime> runtime,
                                          PrecisionChoice precision) {
  const Checkpoint checkpoint = Checkpoint::Open(folder);
  LoadSiglip2VisionConfig(checkpoint);  // refuses fixed resolution
  return Load<Siglip2Model>(checkpoint, std::move(runtime), precision);
}

Tensor ImageTextModel::GetImageFeatures(const VisionInputsView& pictures) const {
  return *vision_model_(pictures).pooler_output;
}

Tensor ImageTextModel::GetTextFeatures(const TensorView& input_ids) const {
  TextForwardOptions options;
  options.output_last_hidden_state = false;
  return text_model_(input_ids, options).pooler_output;
}

SiglipOutput ImageTextModel::operator()(const TensorView& input_ids,
                                        const VisionInputsView& pictures,
                                        const SiglipForwardOptions& options) const {
  SiglipOutput output;
  output.vision_model_output = vision_model_(pictures, options.vision);
  output.text_model_output = text_model_(input_ids, options.text);
  // image_embeds = image_embeds / image_embeds.norm(p=2, dim=-1, keepdim=True)
  output.image_embeds = NormalizeRows(*output.vision_model_output.pooler_output);
  // text_embeds = text_embeds / text_embeds.norm(p=2, dim=-1, keepdim=True)
  output.text_embeds = NormalizeRows(output.text_model_output.pooler_output);
  // logits_per_text = text_embeds @ image_embeds.t() * logit_scale.exp() + logit_bias
  output.logits_per_text = logits_(output.text_embeds, output.image_embeds);
  output.logits_per_image = Transpose(output.logits_per_text);
  output.probabilities = Sigmoid(output.logits_per_image);
  const int64_t texts = output.logits_per_text.dim(0);
  if (texts > 0 && texts == output.logits_per_text.dim(1)) {
    output.loss = SiglipLoss(output.logits_per_text);
  }
  return output;
}

}  // namespace siglip
