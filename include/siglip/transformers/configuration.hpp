// The configurations of both towers: fields, names and defaults of transformers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "siglip/export.hpp"

namespace siglip {

/// The fields that SiglipVisionConfig and SiglipTextConfig share (transformers'
/// configuration_siglip.py), with their defaults.
struct SiglipEncoderConfig {
  int64_t hidden_size = 768;
  int64_t intermediate_size = 3072;
  int64_t num_hidden_layers = 12;
  int64_t num_attention_heads = 12;
  double layer_norm_eps = 1e-6;
  double attention_dropout = 0.0;  ///< Kept for the file; without effect in inference.
  std::string hidden_act = "gelu_pytorch_tanh";

  int64_t head_dim() const { return hidden_size / num_attention_heads; }
};

/// What image towers of fixed and of variable resolution have in common.
struct SiglipVisionTowerConfig : SiglipEncoderConfig {
  int64_t num_channels = 3;
  int64_t patch_size = 16;  ///< Pixels a side of a patch.
  /// Whether there is a pooling head. Absent: decided by whether the checkpoint holds one.
  std::optional<bool> vision_use_head;
  /// Keys of the JSON this library does not know, with their values as JSON text.
  std::map<std::string, std::string> unknown;

  /// Values that the patch embedding reads for one token.
  int64_t patch_values() const { return num_channels * patch_size * patch_size; }
};

/// Fields and defaults of transformers' configuration_siglip.py (SiglipVisionConfig).
struct SIGLIP_EXPORT SiglipVisionConfig : SiglipVisionTowerConfig {
  int64_t image_size = 224;  ///< Pixels a side of the square input.
  std::optional<int64_t> num_image_tokens;

  /// floor(image_size / patch_size): the convolution is "valid".
  int64_t patches_per_side() const { return image_size / patch_size; }
  int64_t num_patches() const { return patches_per_side() * patches_per_side(); }

  /// Throws Error(kInvalidArgument) naming the field, its value and what is allowed: positive
  /// sizes, hidden_size divisible by num_attention_heads, patch_size <= image_size, a known
  /// hidden_act, finite positive layer_norm_eps, sizes whose products do not overflow.
  void Validate() const;

  /// From a JSON object holding these fields (the whole config.json of a vision-only checkpoint, or
  /// its "vision_config"). Fields left out take their defaults; unknown ones are kept in `unknown`.
  /// The result is validated. `name` is what errors call the source.
  static SiglipVisionConfig FromJson(std::string_view json, const std::string& name);
  /// A config.json for a vision-only checkpoint, as transformers writes it.
  std::string ToJson() const;
};

/// Fields and defaults of transformers' configuration_siglip2.py (Siglip2VisionConfig).
struct SIGLIP_EXPORT Siglip2VisionConfig : SiglipVisionTowerConfig {
  /// Entries of the square table of position embeddings, which is resized for every picture. It
  /// does not limit a picture's patches.
  int64_t num_patches = 256;

  /// Entries a side of the table.
  int64_t positions_per_side() const;

  /// Throws Error(kInvalidArgument) naming the field, its value and what is allowed: what
  /// SiglipVisionConfig::Validate asks for, and a square number of patches.
  void Validate() const;

  /// Whether a config.json is that of a NaFlex checkpoint: model_type siglip2, or a model whose
  /// "vision_config" is a siglip2_vision_model.
  static bool IsFor(std::string_view json, const std::string& name);
  /// From a JSON object holding these fields, or the config.json of a model with a "vision_config"
  /// that does. Fields left out take their defaults; unknown ones are kept in `unknown`. The result
  /// is validated. `name` is what errors call the source.
  static Siglip2VisionConfig FromJson(std::string_view json, const std::string& name);
  /// A config.json for a vision-only checkpoint, as transformers writes it.
  std::string ToJson() const;
};

/// Fields and defaults of transformers' configuration_siglip.py (SiglipTextConfig).
struct SIGLIP_EXPORT SiglipTextConfig : SiglipEncoderConfig {
  int64_t vocab_size = 32000;
  int64_t max_position_embeddings = 64;  ///< Most tokens of a text.
  /// Width of the text embedding. Absent: hidden_size.
  std::optional<int64_t> projection_size;
  // Kept for the file; what pads and ends a text is the tokenizer's business.
  std::optional<int64_t> pad_token_id = 1;
  std::optional<int64_t> bos_token_id = 49406;
  std::optional<int64_t> eos_token_id = 49407;
  /// Keys of the JSON this library does not know, with their values as JSON text.
  std::map<std::string, std::string> unknown;

  /// Width of the text embedding.
  int64_t embedding_size() const { return projection_size.value_or(hidden_size); }

  /// Throws Error(kInvalidArgument) naming the field, its value and what is allowed.
  void Validate() const;

  /// From a JSON object holding these fields (the whole config.json of a text-only checkpoint, or
  /// its "text_config"). Fields left out take their defaults; unknown ones are kept in `unknown`.
  /// The result is validated. `name` is what errors call the source.
  static SiglipTextConfig FromJson(std::string_view json, const std::string& name);
  /// A config.json for a text-only checkpoint, as transformers writes it.
  std::string ToJson() const;
};

}  // namespace siglip
