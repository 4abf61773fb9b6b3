// The names of activations in configurations.
#pragma once

#include <string_view>

#include "tensor/activation.h"

namespace siglip {

/// What hidden_act, a name of transformers' ACT2FN, stands for. Throws Error(kInvalidArgument)
/// listing the names that are known.
Activation ParseActivation(std::string_view hidden_act);

}  // namespace siglip
