// SiglipTextEmbeddings, SiglipTextTransformer and SiglipTextModel.
#include <algorithm>
#include <utility>

#include "configuration/siglip_config.h"
#include "configuration/text_tensors.h"
#include "model/linear.h"
#include "model/packed_linear.h"
#include "model/token_ids.h"
#include "model/workspace.h"
#include "siglip/text_model.h"
#include "weights/checkpoint.h"

namespace siglip {

SiglipTextEmbeddings::SiglipTextEmbeddings(const LayerSource& source,
                                           const SiglipTextConfig& config)
    : context_(source.context),
      config_(config),
      token_embedding_(source.weights.OpenRows(
          {source.scope + ".token_embedding.weight", {config.vocab_size, config.hidden_size}})) {
  const Shape shape = {config.max_position_embeddings, config.hidden_size};
  position_embedding_ =
      Tensor(shape, source.weights.Read({source.scope + ".position_embedding.weight", shape}));
  source.weights.Keep(source.scope + ".position_embedding.weight", position_embedding_.view());
}

SiglipTextEmbeddings::~SiglipTextEmbeddings() = default;

int64_t SiglipTextEmbeddings::weight_bytes() const {
  return token_embedding_->bytes() + static_cast<int64_t>(position_embedding_.bytes().size());
}

Tensor SiglipTextEmbeddings::operator()(const Tensor& input_ids) const {
  const TokenIds texts = CheckInputIds(config_, input_ids);
  Tensor out(DType::kF32, {texts.texts, texts.tokens, config_.hidden_size});
  const auto embed = [&](int64_t text, Workspace& workspace) {
    Forward(texts.text(text), workspace);
    const Matrix result = DenseRows(out.floats().data(), text, texts.tokens, config_.hidden_size);
    CopyRows(workspace.Own(workspace.hidden_states), workspace.Own(result));
  };
  ForEachPicture(context_, texts.texts, texts.tokens, embed);
  return out;
}

void SiglipTextEmbeddings::Forward(const int64_t* input_ids, Workspace& workspace) const {
  const auto hidden = static_cast<size_t>(config_.hidden_size);
  const std::span<const float> positions = position_embedding_.floats();
  for (int64_t token = workspace.begin; token < workspace.end; ++token) {
    // inputs_embeds = self.token_embedding(input_ids)
    const std::span<float> row(workspace.hidden_states.row(token), hidden);
    token_embedding_->ReadRow(input_ids[token], row);
    // embeddings = inputs_embeds + self.position_embedding(position_ids)
    const std::span<const float> position =
        positions.subspan(static_cast<size_t>(token) * hidden, hidden);
    for (size_t d = 0; d < hidden; ++d) row[d] += position[d];
  }
}

SiglipTextTransformer::SiglipTextTransformer(const LayerSource& source,
                                             const SiglipTextConfig& config)
    : context_(source.context),
      config_(config),
      embeddings_(source / "embeddings", config),
      encoder_(source / "encoder"),
      final_layer_norm_(
          std::make_unique<const LayerNorm>(source / "final_layer_norm", config_.hidden_size)),
      head_(std::make_unique<const Linear>(source / "head", config_.embedding_size(),
                                           config_.hidden_size)) {}

SiglipTextTransformer::~SiglipTextTransformer() = default;

int64_t SiglipTextTransformer::weight_bytes() const {
  return embeddings_.weight_bytes() + encoder_.weight_bytes() + final_layer_norm_->bytes() +
         head_->bytes();
}

namespace {

/// The part of a batched tensor that belongs to one text.
std::span<float> PartOf(Tensor& tensor, int64_t text) {
  const auto size = static_cast<size_t>(tensor.size() / tensor.dim(0));
  return tensor.floats().subspan(static_cast<size_t>(text) * size, size);
}

}  // namespace

TextOutput SiglipTextTransformer::operator()(const Tensor& input_ids,
                                             const TextForwardOptions& options) const {
  const TokenIds texts = CheckInputIds(config_, input_ids);
  const int64_t batch = texts.texts;
  const int64_t tokens = texts.tokens;
  const int64_t hidden = config_.hidden_size;

  TextOutput output;
  output.pooler_output = Tensor(DType::kF32, {batch, config_.embedding_size()});
  if (options.output_last_hidden_state) {
    output.last_hidden_state.emplace(DType::kF32, Shape{batch, tokens, hidden});
  }
  if (options.output_hidden_states) {
    for (int64_t layer = 0; layer <= config_.num_hidden_layers; ++layer) {
      output.hidden_states.emplace_back(DType::kF32, Shape{batch, tokens, hidden});
    }
  }
  if (options.output_attentions) {
    const Shape shape = {batch, config_.num_attention_heads, tokens, tokens};
    for (int64_t layer = 0; layer < config_.num_hidden_layers; ++layer) {
      output.attentions.emplace_back(DType::kF32, shape);
    }
  }

  const std::vector<int64_t> first_equal = FirstEqualTexts(texts);
  std::vector<int64_t> distinct;
  for (int64_t text = 0; text < batch; ++text) {
    if (first_equal[static_cast<size_t>(text)] == text) distinct.push_back(text);
  }
  const auto forward = [&](int64_t index, Workspace& workspace) {
    const int64_t text = distinct[static_cast<size_t>(index)];
    workspace.hidden_states_out.clear();
    for (Tensor& tensor : output.hidden_states) {
      workspace.hidden_states_out.push_back(PartOf(tensor, text).data());
    }
    workspace.attentions_out.clear();
    for (Tensor& tensor : output.attentions) {
      workspace.attentions_out.push_back(PartOf(tensor, text).data());
    }
    Matrix last_hidden_state;
    if (output.last_hidden_state) {
      last_hidden_state =
          DenseRows(PartOf(*output.last_hidden_state, text).data(), 0, tokens, hidden);
    }
    Forward(texts.text(text), workspace, output.last_hidden_state ? &last_hidden_state : nullptr,
            PartOf(output.pooler_output, text).data());
  };
  ForEachPicture(context_, static_cast<int64_t>(distinct.size()), tokens, forward);

  const auto repeat = [&](Tensor& tensor) {
    for (int64_t text = 0; text < batch; ++text) {
      const int64_t first = first_equal[static_cast<size_t>(text)];
      if (first != text) std::ranges::copy(PartOf(tensor, first), PartOf(tensor, text).begin());
    }
  };
  repeat(output.pooler_output);
  if (output.last_hidden_state) repeat(*output.last_hidden_state);
  for (Tensor& tensor : output.hidden_states) repeat(tensor);
  for (Tensor& tensor : output.attentions) repeat(tensor);
  return output;
}

void SiglipTextTransformer::Forward(const int64_t* input_ids, Workspace& workspace,
                                    const Matrix* last_hidden_state, float* pooler_output) const {
  // hidden_states = self.embeddings(input_ids=input_ids, position_ids=position_ids)      [T, D]
  embeddings_.Forward(input_ids, workspace);
  // encoder_outputs = self.encoder(inputs_embeds=hidden_states)                          [T, D]
  const bool is_only_pooled = last_hidden_state == nullptr && workspace.hidden_states_out.empty() &&
                              workspace.attentions_out.empty();
  workspace.first_wanted = is_only_pooled ? workspace.hidden_states.rows - 1 : 0;
  encoder_.Forward(workspace);
  // last_hidden_state = self.final_layer_norm(last_hidden_state)                         [T, D]
  const Matrix& hidden_states = workspace.hidden_states;
  if (last_hidden_state != nullptr) {
    final_layer_norm_->Forward(workspace.Own(hidden_states), workspace.Own(*last_hidden_state));
  }
  // pooled_output = self.head(last_hidden_state[:, -1, :])                               [P]
  const int64_t last = hidden_states.rows - 1;
  if (workspace.end <= last) return;  // the row of another thread
  const OperandBuffer normalized = workspace.normalized.Rows(last, last + 1);
  final_layer_norm_->Forward(hidden_states.Rows(last, last + 1), normalized,
                             workspace.operand_scratch);
  const MatrixBuffer pooled(1, config_.embedding_size());
  head_->Forward(normalized.operand(), pooled.matrix());
  std::copy_n(pooled.matrix().data, config_.embedding_size(), pooler_output);
}

SiglipTextModel SiglipTextModel::FromPretrained(const std::filesystem::path& folder,
                                                std::shared_ptr<const Runtime> runtime,
                                                PrecisionChoice precision) {
  const Checkpoint checkpoint = Checkpoint::Open(folder);
  const SiglipTextConfig config = LoadTextConfig(checkpoint);
  const auto weights = OpenWeights(checkpoint, TextTensors(config));
  if (!runtime) runtime = Runtime::Create();
  const Kernels& kernels = ComputeRuntime::From(*runtime).kernels();
  const LayerContext context = {config, std::move(runtime),
                                ResolvePrecision(checkpoint, precision, kernels)};
  return SiglipTextModel(std::make_unique<const SiglipTextTransformer>(
      LayerSource{*weights, "text_model", context}, config));
}

SiglipTextModel::SiglipTextModel(std::unique_ptr<const SiglipTextTransformer> text_model)
    : text_model_(std::move(text_model)) {}

SiglipTextModel::SiglipTextModel(SiglipTextModel&&) noexcept = default;
SiglipTextModel& SiglipTextModel::operator=(SiglipTextModel&&) noexcept = default;
SiglipTextModel::~SiglipTextModel() = default;

TextOutput SiglipTextModel::operator()(const Tensor& input_ids,
                                       const TextForwardOptions& options) const {
  return (*text_model_)(input_ids, options);
}

const SiglipTextConfig& SiglipTextModel::config() const { return text_model_->config(); }

const std::shared_ptr<const Runtime>& SiglipTextModel::runtime() const {
  return text_model_->context().runtime;
}

Precision SiglipTextModel::precision() const { return text_model_->context().precision; }

int64_t SiglipTextModel::weight_bytes() const { return text_model_->weight_bytes(); }

}  // namespace siglip
