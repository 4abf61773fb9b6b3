// SiglipAttention and SiglipMultiheadAttentionPoolingHead.
#include <algorithm>
#include <cmath>
#include <iterator>

#include "kernels/attention.h"
#include "model/linear.h"
#include "model/workspace.h"
#include "siglip/vision_model.h"

namespace siglip {
namespace {

/// q_proj, k_proj and v_proj as one Linear [3 D, D].
LinearValues FuseProjections(const LayerSource& source) {
  const int64_t hidden = source.context.config.hidden_size;
  LinearValues fused;
  fused.weight.reserve(static_cast<size_t>(3 * hidden * hidden));
  for (const char* name : {".q_proj", ".k_proj", ".v_proj"}) {
    const std::string scope = source.scope + name;
    std::ranges::copy(source.weights.Read({scope + ".weight", {hidden, hidden}}),
                      std::back_inserter(fused.weight));
    std::ranges::copy(source.weights.Read({scope + ".bias", {hidden}}),
                      std::back_inserter(fused.bias));
  }
  return fused;
}

/// The Linear [heads, D] that scores a token against the probe: with q = Wq probe + bq, head h has
/// q_h . (Wk_h x + bk_h) * head_dim^-0.5 = (Wk_h^T q_h * head_dim^-0.5) . x + a constant, and a
/// softmax over tokens does not see the constant.
LinearValues FoldProbe(const LayerSource& source) {
  const auto hidden = static_cast<size_t>(source.context.config.hidden_size);
  const auto head_dim = static_cast<size_t>(source.context.config.head_dim());
  const int64_t size = source.context.config.hidden_size;
  const auto heads = static_cast<size_t>(source.context.config.num_attention_heads);
  const std::vector<float> probe = source.weights.Read({source.scope + ".probe", {1, 1, size}});
  const std::string scope = source.scope + ".attention";
  const std::vector<float> query_weight =
      source.weights.Read({scope + ".q_proj.weight", {size, size}});
  std::vector<float> query = source.weights.Read({scope + ".q_proj.bias", {size}});
  for (size_t j = 0; j < hidden; ++j) {
    double sum = query[j];
    for (size_t k = 0; k < hidden; ++k) {
      sum += static_cast<double>(query_weight[j * hidden + k]) * probe[k];
    }
    query[j] = static_cast<float>(sum);
  }
  const std::vector<float> key_weight =
      source.weights.Read({scope + ".k_proj.weight", {size, size}});
  std::vector<double> folded(heads * hidden);
  const double scale = 1.0 / std::sqrt(static_cast<double>(head_dim));
  for (size_t j = 0; j < hidden; ++j) {
    double* out = folded.data() + j / head_dim * hidden;
    for (size_t k = 0; k < hidden; ++k) {
      out[k] += scale * query[j] * static_cast<double>(key_weight[j * hidden + k]);
    }
  }
  return {std::vector<float>(folded.begin(), folded.end()), std::vector<float>(heads)};
}

}  // namespace

SiglipAttention::SiglipAttention(const LayerSource& source)
    : context_(source.context),
      qkv_proj_(std::make_unique<const Linear>(
          source / "qkv_proj", WeightTypeOf(context_.precision), 3 * context_.config.hidden_size,
          context_.config.hidden_size, [&] { return FuseProjections(source); })),
      out_proj_(std::make_unique<const Linear>(source / "out_proj", context_.config.hidden_size,
                                               context_.config.hidden_size)) {}

SiglipAttention::~SiglipAttention() = default;

int64_t SiglipAttention::weight_bytes() const { return qkv_proj_->bytes() + out_proj_->bytes(); }

Tensor SiglipAttention::operator()(const Tensor& hidden_states) const {
  return ForwardLayer(context_, hidden_states, LayerInput::kNormalized,
                      [this](Workspace& workspace) { Forward(workspace); });
}

void SiglipAttention::Forward(Workspace& workspace) const {
  const Kernels& kernels = ComputeRuntime::From(*context_.runtime).kernels();
  const AttentionShape shape = {workspace.qkv.rows, context_.config.num_attention_heads,
                                context_.config.head_dim(), workspace.qkv.type};
  const auto layer = static_cast<size_t>(workspace.layer);
  const AttentionPanels& panels = workspace.panels[workspace.next_panels];
  workspace.next_panels = 1 - workspace.next_panels;
  float* attentions =
      layer < workspace.attentions_out.size() ? workspace.attentions_out[layer] : nullptr;
  // queries, keys, values = self.q_proj(x), self.k_proj(x), self.v_proj(x)
  qkv_proj_->Forward(workspace.Own(workspace.normalized).operand(), workspace.Own(workspace.qkv));
  const Operand qkv = workspace.qkv.operand();
  PackKeysAndValues(kernels, shape, qkv, workspace.begin, workspace.end, panels);
  workspace.barrier->Wait();  // keys and values of all rows are needed from here on
  if (workspace.layer + 1 == context_.config.num_hidden_layers) {
    workspace.begin = std::clamp(workspace.first_wanted, workspace.begin, workspace.end);
  }
  // attn_weights = softmax(queries @ keys.T * scale); attn_output = attn_weights @ values
  Attention(kernels, shape, qkv, panels, workspace.begin, workspace.end, workspace.attention_output,
            attentions, workspace.attention_scratch);
  // hidden_states = residual + self.out_proj(attn_output)
  const Matrix hidden_states = workspace.Own(workspace.hidden_states);
  out_proj_->ForwardResidual(workspace.Own(workspace.attention_output), hidden_states,
                             hidden_states, workspace.operand_scratch);
}

SiglipMultiheadAttentionPoolingHead::SiglipMultiheadAttentionPoolingHead(const LayerSource& source)
    : context_(source.context),
      probe_scores_(std::make_unique<const Linear>(
          source / "probe_scores", OperandType::kFloat32, context_.config.num_attention_heads,
          context_.config.hidden_size, [&] { return FoldProbe(source); })) {
  const int64_t hidden = context_.config.hidden_size;
  const LayerSource attention = source / "attention";
  v_proj_ = std::make_unique<const Linear>(attention / "v_proj", hidden, hidden);
  out_proj_ = std::make_unique<const Linear>(attention / "out_proj", hidden, hidden);
  layernorm_ = std::make_unique<const LayerNorm>(source / "layernorm", hidden);
  fc1_ = std::make_unique<const Linear>(source / "mlp" / "fc1", context_.config.intermediate_size,
                                        hidden);
  fc2_ = std::make_unique<const Linear>(source / "mlp" / "fc2", hidden,
                                        context_.config.intermediate_size);
}

SiglipMultiheadAttentionPoolingHead::~SiglipMultiheadAttentionPoolingHead() = default;

int64_t SiglipMultiheadAttentionPoolingHead::weight_bytes() const {
  return probe_scores_->bytes() + v_proj_->bytes() + out_proj_->bytes() + layernorm_->bytes() +
         fc1_->bytes() + fc2_->bytes();
}

Tensor SiglipMultiheadAttentionPoolingHead::operator()(const Tensor& last_hidden_state) const {
  CheckHiddenStates(context_.config, last_hidden_state);
  Tensor pooled(DType::kF32, {last_hidden_state.dim(0), context_.config.hidden_size});
  auto* from = const_cast<float*>(last_hidden_state.floats().data());
  const int64_t tokens = last_hidden_state.dim(1);
  ComputeRuntime::From(*context_.runtime)
      .pool()
      .ForEach(last_hidden_state.dim(0), [&](int64_t picture) {
        Forward(DenseRows(from, picture, tokens, context_.config.hidden_size),
                pooled.floats().data() + picture * context_.config.hidden_size);
      });
  return pooled;
}

void SiglipMultiheadAttentionPoolingHead::Forward(const Matrix& last_hidden_state,
                                                  float* pooled) const {
  const Kernels& kernels = ComputeRuntime::From(*context_.runtime).kernels();
  const int64_t heads = context_.config.num_attention_heads;
  const int64_t hidden = context_.config.hidden_size;
  const auto head_dim = static_cast<size_t>(context_.config.head_dim());
  const auto tokens = static_cast<size_t>(last_hidden_state.rows);

  FloatBuffer scratch_buffer(std::max(v_proj_->ScratchFloats(heads), MatrixStride(hidden)));
  float* const scratch = scratch_buffer.data();
  // hidden_state = self.attention(probe, hidden_state, hidden_state)[0]
  const MatrixBuffer scores(last_hidden_state.rows, heads);
  probe_scores_->Forward(last_hidden_state, scores.matrix(), nullptr);
  const MatrixBuffer tokens_pooled(heads, hidden);  // softmax-weighted mean of tokens, per head
  std::vector<float> weights(tokens);
  for (int64_t head = 0; head < heads; ++head) {
    for (size_t t = 0; t < tokens; ++t) {
      weights[t] = scores.matrix().row(static_cast<int64_t>(t))[head];
    }
    float sum = 0;
    kernels.softmax_exponentials(1, tokens, 1.0F, weights.data(), tokens, &sum);
    float* mean = tokens_pooled.matrix().row(head);
    for (size_t t = 0; t < tokens; ++t) {
      kernels.add_scaled(static_cast<size_t>(hidden), weights[t] / sum,
                         last_hidden_state.row(static_cast<int64_t>(t)), mean);
    }
  }
  const MatrixBuffer values(heads, hidden);  // of which row h is used in the columns of head h
  v_proj_->Forward(tokens_pooled.matrix(), values.matrix(), scratch);
  const MatrixBuffer attention_output(1, hidden);
  for (int64_t head = 0; head < heads; ++head) {
    const size_t column = static_cast<size_t>(head) * head_dim;
    std::copy_n(values.matrix().row(head) + column, head_dim,
                attention_output.matrix().data + column);
  }
  const MatrixBuffer hidden_state(1, hidden);
  out_proj_->Forward(attention_output.matrix(), hidden_state.matrix(), scratch);

  // hidden_state = residual + self.mlp(self.layernorm(hidden_state))
  const OperandType type = InputTypeOf(kernels, context_.precision);
  Arena arena;
  OperandBuffer normalized;
  ActivationBuffer intermediate;
  const auto assign = [&] {
    normalized = NewOperandBuffer(arena, type, 1, hidden);
    intermediate = NewActivationBuffer(arena, type, 1, context_.config.intermediate_size);
  };
  assign();  // measures
  arena.Allocate();
  assign();
  layernorm_->Forward(hidden_state.matrix(), normalized, scratch);
  fc2_->ForwardResidual(
      fc1_->ForwardActivation(normalized.operand(), ParseActivation(context_.config.hidden_act),
                              intermediate),
      hidden_state.matrix(), hidden_state.matrix());
  std::copy_n(hidden_state.matrix().data, hidden, pooled);
}

}  // namespace siglip
