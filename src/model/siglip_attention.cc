// See siglip_attention.h.
#include "model/siglip_attention.h"

#include <algorithm>
#include <iterator>

#include "kernels/attention.h"
#include "kernels/compute_runtime.h"
#include "model/forward_layer.h"

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

}  // namespace

SiglipAttention::SiglipAttention(const LayerSource& source)
    : context_(source.context),
      qkv_proj_(source / "qkv_proj", WeightTypeOf(context_.precision),
                3 * context_.config.hidden_size, context_.config.hidden_size,
                [&] { return FuseProjections(source); }),
      out_proj_(source / "out_proj", context_.config.hidden_size, context_.config.hidden_size) {}

Tensor SiglipAttention::operator()(const TensorView& hidden_states) const {
  return ForwardLayer(context_, hidden_states, LayerInput::kNormalized,
                      [this](Workspace& workspace) { Forward(workspace); });
}

void SiglipAttention::Forward(Workspace& workspace) const {
  // queries, keys, values = self.q_proj(x), self.k_proj(x), self.v_proj(x)
  qkv_proj_.Forward(workspace.Own(workspace.normalized).operand(), workspace.Own(workspace.qkv));
  for (const Sequence& sequence : workspace.sequences) Attend(sequence, workspace);
  const bool is_last = workspace.layer + 1 == context_.config.num_hidden_layers;
  if (is_last && workspace.only_last_tokens) workspace.KeepLastTokens();
  // hidden_states = residual + self.out_proj(attn_output)
  const Matrix hidden_states = workspace.Own(workspace.hidden_states);
  out_proj_.ForwardResidual(workspace.Own(workspace.attention_output), hidden_states, hidden_states,
                            workspace.operand_scratch);
}

void SiglipAttention::Attend(const Sequence& sequence, Workspace& workspace) const {
  const Kernels& kernels = ComputeRuntime::From(*context_.runtime).kernels();
  const int64_t tokens = sequence.tokens();
  const AttentionShape shape = {tokens, context_.config.num_attention_heads,
                                context_.config.head_dim(), workspace.qkv.type};
  const AttentionPanels& panels = workspace.panels[workspace.next_panels];
  workspace.next_panels = 1 - workspace.next_panels;
  const Operand qkv = workspace.qkv.Rows(sequence.begin, sequence.end).operand();
  // This thread's tokens of the sequence.
  int64_t begin = std::clamp<int64_t>(workspace.begin - sequence.begin, 0, tokens);
  const int64_t end = std::clamp<int64_t>(workspace.end - sequence.begin, 0, tokens);
  PackKeysAndValues(kernels, shape, qkv, begin, end, panels);
  workspace.barrier->Wait();  // keys and values of all rows are needed from here on
  const bool is_last = workspace.layer + 1 == context_.config.num_hidden_layers;
  if (is_last && workspace.only_last_tokens) begin = std::clamp(tokens - 1, begin, end);
  const auto layer = static_cast<size_t>(workspace.layer);
  const AttentionMaps maps =
      layer < sequence.attentions.size() ? sequence.attentions[layer] : AttentionMaps{};
  // attn_weights = softmax(queries @ keys.T * scale); attn_output = attn_weights @ values
  Attention(kernels, shape, qkv, panels, begin, end,
            workspace.attention_output.Rows(sequence.begin, sequence.end), maps,
            workspace.attention_scratch);
}

}  // namespace siglip
