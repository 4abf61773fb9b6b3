// SiglipTextEmbeddings, SiglipTextTransformer and SiglipTextModel.
#include "model/siglip_text.h"

#include <algorithm>
#include <utility>

#include "configuration/architecture.h"
#include "configuration/siglip_config.h"
#include "configuration/text_tensors.h"
#include "kernels/compute_runtime.h"
#include "model/matrix_rows.h"
#include "model/output_tensors.h"
#include "model/packed_linear.h"
#include "model/sequence_schedule.h"
#include "model/token_ids.h"

namespace siglip {
namespace {

/// As many sequences of the same length as there are texts.
std::vector<int64_t> Lengths(int64_t texts, int64_t tokens) {
  return std::vector<int64_t>(static_cast<size_t>(texts), tokens);
}

/// Calls visit(row) for the rows of the sequence that are this thread's.
template <class Visit>
void ForOwnRows(const Sequence& sequence, const Workspace& workspace, const Visit& visit) {
  const int64_t end = std::min(workspace.end, sequence.end);
  for (int64_t row = std::max(workspace.begin, sequence.begin); row < end; ++row) visit(row);
}

}  // namespace

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

Tensor SiglipTextEmbeddings::operator()(const TensorView& input_ids) const {
  const TokenIds texts = CheckInputIds(config_, input_ids);
  Tensor out(DType::kF32, {texts.texts, texts.tokens, config_.hidden_size});
  const auto embed = [&](std::span<const int64_t> group, Workspace& workspace) {
    for (size_t i = 0; i < group.size(); ++i) {
      const Sequence& sequence = workspace.sequences[i];
      Forward(texts.text(group[i]), sequence, workspace);
      const Matrix result =
          DenseRows(out.floats().data(), group[i], texts.tokens, config_.hidden_size);
      ForOwnRows(sequence, workspace, [&](int64_t row) {
        std::copy_n(workspace.hidden_states.row(row), result.columns,
                    result.row(row - sequence.begin));
      });
    }
  };
  ForEachGroup(context_, Lengths(texts.texts, texts.tokens), embed);
  return out;
}

void SiglipTextEmbeddings::Forward(const int64_t* input_ids, const Sequence& sequence,
                                   Workspace& workspace) const {
  const auto hidden = static_cast<size_t>(config_.hidden_size);
  ForOwnRows(sequence, workspace, [&](int64_t row) {
    const int64_t token = row - sequence.begin;
    // inputs_embeds = self.token_embedding(input_ids)
    const std::span<float> values(workspace.hidden_states.row(row), hidden);
    token_embedding_->ReadRow(input_ids[token], values);
    // embeddings = inputs_embeds + self.position_embedding(position_ids)
    const float* position =
        std::as_const(position_embedding_).floats().data() + static_cast<size_t>(token) * hidden;
    for (size_t d = 0; d < hidden; ++d) values[d] += position[d];
  });
}

SiglipTextTransformer::SiglipTextTransformer(const LayerSource& source,
                                             const SiglipTextConfig& config)
    : context_(source.context),
      config_(config),
      embeddings_(source / "embeddings", config),
      encoder_(source / "encoder"),
      final_layer_norm_(source / "final_layer_norm", config_.hidden_size),
      head_(source / "head", config_.embedding_size(), config_.hidden_size) {}

TextOutput SiglipTextTransformer::operator()(const TensorView& input_ids,
                                             const TextForwardOptions& options,
                                             TextOutput output) const {
  const TokenIds texts = CheckInputIds(config_, input_ids);
  const int64_t batch = texts.texts;
  const int64_t tokens = texts.tokens;
  const int64_t hidden = config_.hidden_size;

  const Shape states = {batch, tokens, hidden};
  const auto layers = static_cast<size_t>(config_.num_hidden_layers);
  MakeRoomFor(output.pooler_output, "pooler_output", {batch, config_.embedding_size()});
  if (options.output_last_hidden_state) {
    if (!output.last_hidden_state) output.last_hidden_state.emplace();
    MakeRoomFor(*output.last_hidden_state, "last_hidden_state", states);
  } else {
    output.last_hidden_state.reset();
  }
  MakeRoomFor(output.hidden_states, "hidden_states", options.output_hidden_states ? layers + 1 : 0,
              states);
  MakeRoomFor(output.attentions, "attentions", options.output_attentions ? layers : 0,
              {batch, config_.num_attention_heads, tokens, tokens});

  const std::vector<int64_t> first_equal = FirstEqualTexts(texts);
  std::vector<TextTask> distinct;
  for (int64_t text = 0; text < batch; ++text) {
    if (first_equal[static_cast<size_t>(text)] != text) continue;
    TextTask& task = distinct.emplace_back();
    task.input_ids = texts.text(text);
    if (output.last_hidden_state) {
      task.last_hidden_state = PlaceOf(*output.last_hidden_state, text);
    }
    task.pooler_output = PlaceOf(output.pooler_output, text);
    for (Tensor& states : output.hidden_states) task.hidden_states.push_back(PlaceOf(states, text));
    for (Tensor& maps : output.attentions) {
      task.attentions.push_back({PlaceOf(maps, text), tokens * tokens, tokens});
    }
  }
  const auto forward = [&](std::span<const int64_t> group, Workspace& workspace) {
    std::vector<TextTask> of_group;
    for (const int64_t i : group) of_group.push_back(distinct[static_cast<size_t>(i)]);
    Forward(of_group, workspace);
  };
  ForEachGroup(context_, Lengths(std::ssize(distinct), tokens), forward);

  const auto repeat = [&](Tensor& tensor) {
    for (int64_t text = 0; text < batch; ++text) {
      const int64_t first = first_equal[static_cast<size_t>(text)];
      if (first == text) continue;
      std::copy_n(PlaceOf(tensor, first), tensor.size() / batch, PlaceOf(tensor, text));
    }
  };
  repeat(output.pooler_output);
  if (output.last_hidden_state) repeat(*output.last_hidden_state);
  for (Tensor& tensor : output.hidden_states) repeat(tensor);
  for (Tensor& tensor : output.attentions) repeat(tensor);
  return output;
}

void SiglipTextTransformer::Forward(std::span<const TextTask> texts, Workspace& workspace) const {
  workspace.only_last_tokens = true;
  for (size_t i = 0; i < texts.size(); ++i) {
    const TextTask& text = texts[i];
    Sequence& sequence = workspace.sequences[i];
    sequence.hidden_states = text.hidden_states;
    sequence.attentions = text.attentions;
    workspace.only_last_tokens &=
        text.last_hidden_state == nullptr && text.hidden_states.empty() && text.attentions.empty();
    // hidden_states = self.embeddings(input_ids=input_ids, position_ids=position_ids)    [T, D]
    embeddings_.Forward(text.input_ids, sequence, workspace);
  }
  // encoder_outputs = self.encoder(inputs_embeds=hidden_states)                          [T, D]
  encoder_.Forward(workspace);
  // last_hidden_state = self.final_layer_norm(last_hidden_state)                         [T, D]
  for (size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].last_hidden_state == nullptr) continue;
    const Sequence& sequence = workspace.sequences[i];
    const Matrix out =
        DenseRows(texts[i].last_hidden_state, 0, sequence.tokens(), config_.hidden_size);
    ForOwnRows(sequence, workspace, [&](int64_t row) {
      const int64_t token = row - sequence.begin;
      final_layer_norm_.Forward(workspace.hidden_states.Rows(row, row + 1),
                                out.Rows(token, token + 1));
    });
  }
  Pool(texts, workspace);
}

void SiglipTextTransformer::Pool(std::span<const TextTask> texts, Workspace& workspace) const {
  // pooled_output = self.head(last_hidden_state[:, -1, :])                               [P]
  std::vector<float*> outputs;  // of the texts whose last row is this thread's
  const OperandBuffer normalized = workspace.Own(workspace.normalized);
  for (size_t i = 0; i < texts.size(); ++i) {
    int64_t last = workspace.sequences[i].end - 1;
    if (workspace.only_last_tokens && texts.size() > 1)
      last = workspace.begin + std::ssize(outputs);
    if (last < workspace.begin || last >= workspace.end) continue;
    const int64_t row = std::ssize(outputs);
    final_layer_norm_.Forward(workspace.hidden_states.Rows(last, last + 1),
                              normalized.Rows(row, row + 1), workspace.operand_scratch);
    outputs.push_back(texts[i].pooler_output);
  }
  if (outputs.empty()) return;
  const int64_t count = std::ssize(outputs);
  const MatrixBuffer pooled(count, config_.embedding_size());
  head_.Forward(normalized.Rows(0, count).operand(), pooled.matrix());
  for (int64_t row = 0; row < count; ++row) {
    std::copy_n(pooled.matrix().row(row), config_.embedding_size(),
                outputs[static_cast<size_t>(row)]);
  }
}

SiglipTextModel LoadTextModel(const Checkpoint& checkpoint, std::shared_ptr<const Runtime> runtime,
                              PrecisionChoice precision) {
  const SiglipTextConfig config = LoadTextConfig(checkpoint);
  const auto weights = OpenWeights(checkpoint, TextTensors(config));
  if (!runtime) runtime = Runtime::Create();
  const Kernels& kernels = ComputeRuntime::From(*runtime).kernels();
  const LayerContext context = {config, std::move(runtime),
                                ResolvePrecision(checkpoint, precision, kernels)};
  return SiglipTextModel(std::make_shared<const SiglipTextModel::State>(SiglipTextModel::State{
      SiglipTextTransformer(LayerSource{*weights, "text_model", context}, config)}));
}

SiglipTextModel SiglipTextModel::FromPretrained(const std::filesystem::path& folder,
                                                std::shared_ptr<const Runtime> runtime,
                                                PrecisionChoice precision) {
  return LoadTextModel(Checkpoint::Open(folder), std::move(runtime), precision);
}

TextOutput SiglipTextModel::operator()(const TensorView& input_ids,
                                       const TextForwardOptions& options, TextOutput into) const {
  return state_->text_model(input_ids, options, std::move(into));
}

const SiglipTextConfig& SiglipTextModel::config() const { return state_->text_model.config(); }

const std::shared_ptr<const Runtime>& SiglipTextModel::runtime() const {
  return state_->text_model.context().runtime;
}

Precision SiglipTextModel::precision() const { return state_->text_model.context().precision; }

int64_t SiglipTextModel::weight_bytes() const {
  return TextArchitecture(config()).weight_bytes().in(precision());
}

int64_t SiglipTextModel::passes(int64_t texts) const {
  return CountPasses(state_->text_model.context(), texts, config().max_position_embeddings);
}

}  // namespace siglip
