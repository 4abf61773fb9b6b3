// Layers called on their own, outside of a tower.
#pragma once

#include <functional>

#include "model/layer_source.h"
#include "model/workspace.h"
#include "siglip/tensor.hpp"

namespace siglip {

/// Throws Error(kMismatch) unless F32 [B, N, hidden_size] with N >= 1.
void CheckHiddenStates(const SiglipEncoderConfig& config, const TensorView& hidden_states);

/// Every sequence of `in` [B, N, D] is put into `hidden_states`, or into `normalized` with
/// `hidden_states` zero; the result is `hidden_states` after `forward`.
enum class LayerInput { kHiddenStates, kNormalized };
Tensor ForwardLayer(const LayerContext& context, const TensorView& in, LayerInput input,
                    const std::function<void(Workspace&)>& forward);

}  // namespace siglip
