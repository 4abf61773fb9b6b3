#include "configuration/logit_parameters.h"

#include <array>
#include <charconv>
#include <cmath>
#include <string>

#include "siglip/error.hpp"

namespace siglip {
namespace {

/// "nan", "inf", "1e+30"
std::string Shortest(float value) {
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

}  // namespace

LogitParameters ReadLogitParameters(const Checkpoint& checkpoint) {
  const auto weights = OpenWeights(checkpoint, {{"logit_scale", {1}}, {"logit_bias", {1}}});
  const auto read = [&](const std::string& name) { return weights->Read({name, {1}}).front(); };
  const float scale = read("logit_scale");
  const float bias = read("logit_bias");
  const auto require = [&](bool usable, const std::string& name, float found, const char* what) {
    if (usable) return;
    throw Error(ErrorCode::kMalformedFile,
                checkpoint.path().string() + ": tensor '" + name + "' is " + Shortest(found) +
                    what + ": pictures and texts cannot be compared",
                "the weights are damaged, or training went wrong");
  };
  require(std::isfinite(scale), "logit_scale", scale, "");
  require(std::isfinite(bias), "logit_bias", bias, "");
  require(std::isfinite(std::exp(scale)), "logit_scale", scale, ", its exponential infinite");
  return {scale, bias};
}

}  // namespace siglip
