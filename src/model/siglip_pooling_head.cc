// See siglip_pooling_head.h.
#include "model/siglip_pooling_head.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "kernels/compute_runtime.h"
#include "model/forward_layer.h"
#include "model/matrix_rows.h"

namespace siglip {
namespace {

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

SiglipMultiheadAttentionPoolingHead::SiglipMultiheadAttentionPoolingHead(const LayerSource& source)
    : context_(source.context),
      activation_(ParseActivation(context_.config.hidden_act)),
      probe_scores_(source / "probe_scores", OperandType::kFloat32,
                    context_.config.num_attention_heads, context_.config.hidden_size,
                    [&] { return FoldProbe(source); }),
      v_proj_(source / "attention" / "v_proj", context_.config.hidden_size,
              context_.config.hidden_size),
      out_proj_(source / "attention" / "out_proj", context_.config.hidden_size,
                context_.config.hidden_size),
      layernorm_(source / "layernorm", context_.config.hidden_size),
      fc1_(source / "mlp" / "fc1", context_.config.intermediate_size, context_.config.hidden_size),
      fc2_(source / "mlp" / "fc2", context_.config.hidden_size, context_.config.intermediate_size) {
}

Tensor SiglipMultiheadAttentionPoolingHead::operator()(const TensorView& last_hidden_state) const {
  CheckHiddenStates(context_.config, last_hidden_state);
  Tensor pooled(DType::kF32, {last_hidden_state.dim(0), context_.config.hidden_size});
  const float* const from = last_hidden_state.floats().data();
  const int64_t tokens = last_hidden_state.dim(1);
  ComputeRuntime::From(*context_.runtime)
      .pool()
      .ForEach(last_hidden_state.dim(0), [&](int64_t picture) {
        Forward(DenseRows(from, picture, tokens, context_.config.hidden_size),
                pooled.floats().data() + picture * context_.config.hidden_size);
      });
  return pooled;
}

void SiglipMultiheadAttentionPoolingHead::Forward(const ConstMatrix& last_hidden_state,
                                                  float* pooled) const {
  const Kernels& kernels = ComputeRuntime::From(*context_.runtime).kernels();
  const int64_t heads = context_.config.num_attention_heads;
  const int64_t hidden = context_.config.hidden_size;
  const auto head_dim = static_cast<size_t>(context_.config.head_dim());
  const auto tokens = static_cast<size_t>(last_hidden_state.rows);

  FloatBuffer scratch_buffer(std::max(v_proj_.ScratchFloats(heads), MatrixStride(hidden)));
  float* const scratch = scratch_buffer.data();
  // hidden_state = self.attention(probe, hidden_state, hidden_state)[0]
  const MatrixBuffer scores(last_hidden_state.rows, heads);
  probe_scores_.Forward(last_hidden_state, scores.matrix(), nullptr);
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
  v_proj_.Forward(tokens_pooled.matrix(), values.matrix(), scratch);
  const MatrixBuffer attention_output(1, hidden);
  for (int64_t head = 0; head < heads; ++head) {
    const size_t column = static_cast<size_t>(head) * head_dim;
    std::copy_n(values.matrix().row(head) + column, head_dim,
                attention_output.matrix().data + column);
  }
  const MatrixBuffer hidden_state(1, hidden);
  out_proj_.Forward(attention_output.matrix(), hidden_state.matrix(), scratch);

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
  layernorm_.Forward(hidden_state.matrix(), normalized, scratch);
  fc2_.ForwardResidual(fc1_.ForwardActivation(normalized.operand(), activation_, intermediate),
                       hidden_state.matrix(), hidden_state.matrix());
  std::copy_n(hidden_state.matrix().data, hidden, pooled);
}

}  // namespace siglip
