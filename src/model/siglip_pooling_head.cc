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
        const PoolingTask task = {DenseRows(from, picture, tokens, context_.config.hidden_size),
                                  pooled.floats().data() + picture * context_.config.hidden_size};
        Forward({&task, 1});
      });
  return pooled;
}

void SiglipMultiheadAttentionPoolingHead::Forward(std::span<const PoolingTask> pictures) const {
  const Kernels& kernels = ComputeRuntime::From(*context_.runtime).kernels();
  const int64_t heads = context_.config.num_attention_heads;
  const int64_t hidden = context_.config.hidden_size;
  const auto head_dim = static_cast<size_t>(context_.config.head_dim());
  const int64_t count = std::ssize(pictures);

  FloatBuffer scratch_buffer(std::max(v_proj_.ScratchFloats(count * heads), MatrixStride(hidden)));
  float* const scratch = scratch_buffer.data();
  // hidden_state = self.attention(probe, hidden_state, hidden_state)[0]
  const MatrixBuffer tokens_pooled(count * heads, hidden);
  for (int64_t picture = 0; picture < count; ++picture) {
    PoolTokens(pictures[static_cast<size_t>(picture)].last_hidden_state,
               tokens_pooled.matrix().Rows(picture * heads, (picture + 1) * heads));
  }
  // Of each picture's, row h is used in the columns of head h.
  const MatrixBuffer values(count * heads, hidden);
  v_proj_.Forward(tokens_pooled.matrix(), values.matrix(), scratch);
  const MatrixBuffer attention_output(count, hidden);
  for (int64_t row = 0; row < count * heads; ++row) {
    const size_t column = static_cast<size_t>(row % heads) * head_dim;
    std::copy_n(values.matrix().row(row) + column, head_dim,
                attention_output.matrix().row(row / heads) + column);
  }
  const MatrixBuffer hidden_state(count, hidden);
  out_proj_.Forward(attention_output.matrix(), hidden_state.matrix(), scratch);

  // hidden_state = residual + self.mlp(self.layernorm(hidden_state))
  const OperandType type = InputTypeOf(kernels, context_.precision);
  Arena arena;
  OperandBuffer normalized;
  ActivationBuffer intermediate;
  const auto assign = [&] {
    normalized = NewOperandBuffer(arena, type, count, hidden);
    intermediate = NewActivationBuffer(arena, type, count, context_.config.intermediate_size);
  };
  assign();  // measures
  arena.Allocate();
  assign();
  layernorm_.Forward(hidden_state.matrix(), normalized, scratch);
  fc2_.ForwardResidual(fc1_.ForwardActivation(normalized.operand(), activation_, intermediate),
                       hidden_state.matrix(), hidden_state.matrix());
  for (int64_t picture = 0; picture < count; ++picture) {
    std::copy_n(hidden_state.matrix().row(picture), hidden,
                pictures[static_cast<size_t>(picture)].pooler_output);
  }
}

/// The mean of the tokens [N, D], weighted by the softmax of their scores: a row per head [heads,
/// D], added to zeros.
void SiglipMultiheadAttentionPoolingHead::PoolTokens(const ConstMatrix& last_hidden_state,
                                                     const Matrix& pooled) const {
  const Kernels& kernels = ComputeRuntime::From(*context_.runtime).kernels();
  const auto tokens = static_cast<size_t>(last_hidden_state.rows);
  const MatrixBuffer scores(last_hidden_state.rows, pooled.rows);
  probe_scores_.Forward(last_hidden_state, scores.matrix(), nullptr);
  std::vector<float> weights(tokens);
  for (int64_t head = 0; head < pooled.rows; ++head) {
    for (size_t t = 0; t < tokens; ++t) {
      weights[t] = scores.matrix().row(static_cast<int64_t>(t))[head];
    }
    float sum = 0;
    kernels.softmax_exponentials(1, tokens, 1.0F, weights.data(), tokens, &sum);
    for (size_t t = 0; t < tokens; ++t) {
      kernels.add_scaled(static_cast<size_t>(pooled.columns), weights[t] / sum,
                         last_hidden_state.row(static_cast<int64_t>(t)), pooled.row(head));
    }
  }
}

}  // namespace siglip
