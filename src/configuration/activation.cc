#include "configuration/activation.h"

#include <string>

#include "configuration/encoder_fields.h"
#include "weights/quoted.h"

namespace siglip {
namespace {

struct NamedActivation {
  std::string_view name;
  Activation activation;
};

constexpr NamedActivation kActivations[] = {
    {"gelu_pytorch_tanh", Activation::kGeluTanh},
    {"gelu_new", Activation::kGeluTanh},   // the same formula, written differently
    {"gelu_fast", Activation::kGeluTanh},  // and again
    {"gelu", Activation::kGeluErf},
    {"quick_gelu", Activation::kQuickGelu},
    {"relu", Activation::kRelu},
    {"silu", Activation::kSilu},
    {"swish", Activation::kSilu},
};

}  // namespace

Activation ParseActivation(std::string_view hidden_act) {
  std::string known;
  for (const auto& [name, activation] : kActivations) {
    if (name == hidden_act) return activation;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  throw InvalidField("hidden_act", Quoted(hidden_act), "one of " + known);
}

}  // namespace siglip
