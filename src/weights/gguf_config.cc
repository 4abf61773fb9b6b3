// See gguf_config.h.
#include "weights/gguf_config.h"

#include <array>
#include <charconv>
#include <utility>

#include "siglip/error.hpp"
#include "weights/quoted.h"

namespace siglip {
namespace {

constexpr std::array<std::pair<const char*, const char*>, 6> kSizeFields = {{
    {"image_size", "clip.vision.image_size"},
    {"patch_size", "clip.vision.patch_size"},
    {"hidden_size", "clip.vision.embedding_length"},
    {"intermediate_size", "clip.vision.feed_forward_length"},
    {"num_hidden_layers", "clip.vision.block_count"},
    {"num_attention_heads", "clip.vision.attention.head_count"},
}};
constexpr char kEpsilon[] = "clip.vision.attention.layer_norm_epsilon";

const Json& MetadataField(const Json& metadata, const char* key, const std::string& name) {
  const auto found = metadata.find(key);
  if (found != metadata.end()) return *found;
  throw Error(ErrorCode::kMalformedFile, name + ": metadata '" + key + "' is missing");
}

bool Flag(const Json& metadata, const char* key, const std::string& name) {
  const auto found = metadata.find(key);
  return found != metadata.end() && JsonBool(*found, key, name);
}

/// The number that was written before it became a float: 1e-6, not 9.999999974752427e-7.
double ShortestDecimal(float value) {
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  double decimal = value;
  std::from_chars(text.data(), end, decimal);
  return decimal;
}

/// What clip.cpp runs: its GELU is the tanh approximation, and without a flag the quick one.
std::string Activation(const Json& metadata, const std::string& name) {
  const bool gelu = Flag(metadata, "clip.use_gelu", name);
  const bool silu = Flag(metadata, "clip.use_silu", name);
  if (gelu && silu) {
    throw Error(ErrorCode::kMalformedFile,
                name + ": metadata 'clip.use_gelu' and 'clip.use_silu' are both true");
  }
  if (gelu) return "gelu_pytorch_tanh";
  return silu ? "silu" : "quick_gelu";
}

}  // namespace

Json GgufVisionConfig(const Json& metadata, const std::string& name) {
  constexpr char kArchitecture[] = "general.architecture";
  const std::string architecture =
      JsonString(MetadataField(metadata, kArchitecture, name), kArchitecture, name);
  if (architecture != "clip" || !Flag(metadata, "clip.has_vision_encoder", name)) {
    throw Error(ErrorCode::kUnsupported,
                name + ": expected a file with an image tower (architecture 'clip'), found " +
                    Quoted(architecture),
                "llama.cpp writes it as mmproj-*.gguf, apart from the language model");
  }
  Json config = {{"model_type", "siglip_vision_model"},
                 {"hidden_act", Activation(metadata, name)},
                 {"vision_use_head", false}};
  for (const auto& [field, key] : kSizeFields) {
    config[field] = JsonInteger(MetadataField(metadata, key, name), key, name);
  }
  config["layer_norm_eps"] = ShortestDecimal(
      static_cast<float>(JsonNumber(MetadataField(metadata, kEpsilon, name), kEpsilon, name)));
  if (config["hidden_size"] == config["intermediate_size"]) {
    // ffn_up and ffn_down are told apart by their shapes, since older files have them swapped.
    throw Error(ErrorCode::kUnsupported,
                name + ": an MLP as wide as the tower: cannot tell its two layers apart");
  }
  return config;
}

}  // namespace siglip
