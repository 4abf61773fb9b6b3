// The functions between the two products of an MLP.
#pragma once

namespace siglip {

enum class Activation { kGeluTanh, kGeluErf, kQuickGelu, kRelu, kSilu };

}  // namespace siglip
