// See siglip_encoder.h.
#include "model/siglip_encoder.h"

#include <algorithm>
#include <string>

#include "kernels/compute_runtime.h"
#include "model/forward_layer.h"
#include "model/matrix_rows.h"

namespace siglip {

SiglipMLP::SiglipMLP(const LayerSource& source)
    : context_(source.context),
      activation_(ParseActivation(context_.config.hidden_act)),
      fc1_(source / "fc1", context_.config.intermediate_size, context_.config.hidden_size),
      fc2_(source / "fc2", context_.config.hidden_size, context_.config.intermediate_size) {}

Tensor SiglipMLP::operator()(const TensorView& hidden_states) const {
  return ForwardLayer(context_, hidden_states, LayerInput::kNormalized,
                      [this](Workspace& workspace) { Forward(workspace); });
}

void SiglipMLP::Forward(Workspace& workspace) const {
  for (int64_t begin = workspace.begin; begin < workspace.end;) {
    const int64_t end = std::min(workspace.end, begin + workspace.intermediate.operand.rows);
    const Matrix hidden_states = workspace.hidden_states.Rows(begin, end);
    // hidden_states = self.activation_fn(self.fc1(hidden_states))
    const Operand intermediate = fc1_.ForwardActivation(
        workspace.normalized.Rows(begin, end).operand(), activation_, workspace.intermediate);
    // hidden_states = residual + self.fc2(hidden_states)
    fc2_.ForwardResidual(intermediate, hidden_states, hidden_states);
    begin = end;
  }
}

SiglipEncoderLayer::SiglipEncoderLayer(const LayerSource& source)
    : context_(source.context),
      layer_norm1_(source / "layer_norm1", context_.config.hidden_size),
      self_attn_(source / "self_attn"),
      layer_norm2_(source / "layer_norm2", context_.config.hidden_size),
      mlp_(source / "mlp") {}

Tensor SiglipEncoderLayer::operator()(const TensorView& hidden_states) const {
  return ForwardLayer(context_, hidden_states, LayerInput::kHiddenStates,
                      [this](Workspace& workspace) { Forward(workspace); });
}

void SiglipEncoderLayer::Forward(Workspace& workspace) const {
  const auto normalize = [&](const LayerNorm& layer_norm) {
    layer_norm.Forward(workspace.Own(workspace.hidden_states), workspace.Own(workspace.normalized),
                       workspace.operand_scratch);
  };
  // residual = hidden_states
  // hidden_states = self.layer_norm1(hidden_states)
  normalize(layer_norm1_);
  // hidden_states = residual + self.self_attn(hidden_states)
  self_attn_.Forward(workspace);
  // residual = hidden_states
  // hidden_states = self.layer_norm2(hidden_states)
  normalize(layer_norm2_);
  // hidden_states = residual + self.mlp(hidden_states)
  mlp_.Forward(workspace);
}

SiglipEncoder::SiglipEncoder(const LayerSource& source) : context_(source.context) {
  // Layers are independent: reading and packing them side by side shortens the start.
  layers_.resize(static_cast<size_t>(context_.config.num_hidden_layers));
  ComputeRuntime::From(*context_.runtime)
      .pool()
      .ForEach(context_.config.num_hidden_layers, [&](int64_t index) {
        layers_[static_cast<size_t>(index)] =
            std::make_unique<const SiglipEncoderLayer>(source / "layers" / std::to_string(index));
      });
}

Tensor SiglipEncoder::operator()(const TensorView& inputs_embeds) const {
  return ForwardLayer(context_, inputs_embeds, LayerInput::kHiddenStates,
                      [this](Workspace& workspace) { Forward(workspace); });
}

void SiglipEncoder::Forward(Workspace& workspace) const {
  const Matrix& hidden_states = workspace.hidden_states;
  const auto keep = [&](size_t index) {
    for (const Sequence& sequence : workspace.sequences) {
      if (index >= sequence.hidden_states.size()) continue;
      const Matrix out =
          DenseRows(sequence.hidden_states[index], 0, sequence.tokens(), hidden_states.columns);
      const int64_t begin = std::max(workspace.begin, sequence.begin);
      const int64_t end = std::min(workspace.end, sequence.end);
      if (begin >= end) continue;
      CopyRows(hidden_states.Rows(begin, end),
               out.Rows(begin - sequence.begin, end - sequence.begin));
    }
  };
  workspace.layer = 0;
  // for encoder_layer in self.layers: hidden_states = encoder_layer(hidden_states)
  for (const auto& layer : layers_) {
    keep(static_cast<size_t>(workspace.layer));
    layer->Forward(workspace);
    ++workspace.layer;
  }
  keep(static_cast<size_t>(workspace.layer));
}

}  // namespace siglip
