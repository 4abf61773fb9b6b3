// What a checkpoint folder holds and what it costs to run, without loading it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "siglip/resolution.h"
#include "siglip/siglip2_vision_config.h"
#include "siglip/tensor.h"
#include "siglip/text_config.h"
#include "siglip/vision_config.h"

namespace siglip {

/// Which parts of a model a checkpoint folder has tensors of.
struct ModelParts {
  bool image_tower = false;
  bool text_tower = false;
  bool logits = false;                   ///< logit_scale and logit_bias.
  bool classifier = false;               ///< Of SiglipForImageClassification.
  bool projector = false;                ///< Of PaliGemma or Gemma 3.
  std::optional<Resolution> resolution;  ///< Of the image tower, where there is one.

  /// Both towers and what compares their embeddings: a SiglipModel.
  bool whole() const { return image_tower && text_tower && logits; }
};

/// Reads headers only. Throws Error when the folder is no checkpoint.
ModelParts FindParts(const std::filesystem::path& folder);

struct TensorInfo {
  std::string name;   ///< As in the file.
  std::string dtype;  ///< As in the file: "F32", "BF16", ...; may be one that cannot be read.
  Shape shape;
  std::string file;  ///< Its name within the folder.
  /// Name in transformers' layout, several with ", " between them for a fused tensor; empty when
  /// no part of the model that is known here reads it.
  std::string used_as;
};

/// A tower held in each precision. Lower ones apply to the weights of matrix products; layer norms,
/// biases, position embedding and probe stay F32, and int8 adds a scale and a column sum per
/// output. The table of token embeddings stays in its file and does not count.
struct WeightBytes {
  int64_t f32 = 0;
  int64_t bf16 = 0;
  int64_t int8 = 0;
};

struct TextTowerInfo {
  SiglipTextConfig config;
  int64_t parameters = 0;
  double gflop_per_text = 0;  ///< Of max_position_embeddings tokens, counted as for pictures.
  WeightBytes weight_bytes;
};

struct ModelInfo {
  /// Naming scheme: "Hugging Face", "timm", "open_clip", ..., or "packed in int8" and the like.
  std::string scheme;
  std::string model_type;  ///< As in config.json; empty when it has none.
  SiglipVisionTowerConfig config;
  /// All of its fields, as the tower alone would have them. Empty for a text tower alone; what is
  /// said of the image tower has no meaning then.
  std::string config_json;
  int64_t image_size = 0;  ///< Pixels a side of a picture; 0: variable (SigLIP 2 NaFlex).
  bool has_head = false;
  std::vector<TensorInfo> tensors;
  int64_t file_bytes = 0;
  int64_t vision_parameters = 0;
  /// With variable resolution those of a picture of as many patches as the position embedding.
  int64_t tokens_per_picture = 0;
  double gflop_per_picture = 0;  ///< Two per multiply-add, pooling head included, nothing folded.
  WeightBytes weight_bytes;      ///< Of the image tower.
  ModelParts parts;
  std::optional<TextTowerInfo> text;
  std::vector<std::string> labels;  ///< Of the classifier.
  Shape projected;                  ///< [image tokens, width] of the projector; empty without.
  /// Parts besides the image tower that have tensors but cannot be used, each with the reason.
  std::vector<std::string> unusable;
};

/// Throws the same errors as FromPretrained of SiglipVisionModel or, for NaFlex checkpoints, of
/// Siglip2VisionModel, without reading the weights; for a text tower alone those of
/// SiglipTextModel. What is wrong with other parts is said in the result: pictures can be embedded
/// without them.
ModelInfo InspectModel(const std::filesystem::path& folder);

/// 2 * MAC of one picture of `tokens` patches: 3 P^2 T D generalised to num_channels, plus
/// L (4 T D^2 + 2 T^2 D + 2 T D F), plus the head's 2 T D^2 + 2 D^2 + 2 T D + 2 D F.
double FlopPerPicture(const SiglipVisionTowerConfig& config, int64_t tokens, bool with_head);

/// Configurations of the public checkpoints, e.g. "base-patch16-224".
std::vector<std::string> PresetNames();
/// Throws Error(kInvalidArgument) listing the names.
SiglipVisionConfig PresetConfig(const std::string& name);
/// The same for NaFlex, e.g. "siglip2-base-patch16-naflex".
std::vector<std::string> Siglip2PresetNames();
Siglip2VisionConfig Siglip2PresetConfig(const std::string& name);
/// The preprocessor_config.json that goes with a preset of either kind.
std::string PresetPreprocessorJson(const std::string& name);

}  // namespace siglip
