// What can be done with a checkpoint besides loading it: look into it, convert it, pack it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "siglip/export.hpp"
#include "siglip/runtime.hpp"
#include "siglip/tensor.hpp"
#include "siglip/transformers/configuration.hpp"
#include "siglip/transformers/resolution.hpp"
#include "siglip/write_options.hpp"

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
SIGLIP_EXPORT ModelParts FindParts(const std::filesystem::path& folder);

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

  int64_t in(Precision precision) const {
    return precision == Precision::kFloat32 ? f32 : precision == Precision::kBFloat16 ? bf16 : int8;
  }
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
  /// Parts that are there but cannot be used, each with the reason. What a folder lacks altogether
  /// is not among that.
  std::vector<std::string> unusable;
};

/// Throws the same errors as VisionModel::Open, without reading the weights; for a text tower alone
/// those of SiglipTextModel. What is wrong with other parts, and what would keep an Embedder from
/// using towers that load (preprocessing, a tokenizer or another tower that does not fit), is said
/// in the result: pictures can be embedded without them.
SIGLIP_EXPORT ModelInfo InspectModel(const std::filesystem::path& folder);

/// 2 * MAC of one picture of `tokens` patches: 3 P^2 T D generalised to num_channels, plus
/// L (4 T D^2 + 2 T^2 D + 2 T D F), plus the head's 2 T D^2 + 2 D^2 + 2 T D + 2 D F.
SIGLIP_EXPORT double FlopPerPicture(const SiglipVisionTowerConfig& config, int64_t tokens,
                                    bool with_head);

/// Configurations of the public checkpoints, e.g. "base-patch16-224".
SIGLIP_EXPORT std::vector<std::string> PresetNames();
/// Throws Error(kInvalidArgument) listing the names.
SIGLIP_EXPORT SiglipVisionConfig PresetConfig(const std::string& name);
/// The same for NaFlex, e.g. "siglip2-base-patch16-naflex".
SIGLIP_EXPORT std::vector<std::string> Siglip2PresetNames();
SIGLIP_EXPORT Siglip2VisionConfig Siglip2PresetConfig(const std::string& name);
/// The preprocessor_config.json that goes with a preset of either kind.
SIGLIP_EXPORT std::string PresetPreprocessorJson(const std::string& name);

/// Writes the towers of any checkpoint this library loads, with logit scale and bias when both
/// towers are there, as a folder of transformers: config.json and model.safetensors with F32
/// values, copies of the files for preprocessing and tokenizers. `preprocessor_json`, unless it is
/// empty, takes the place of the former, as preprocessor_config.json. The folder is made if need
/// be; all files appear together, whole or not at all. Holds one tensor in memory at a time. The
/// result says what was written. Throws as loading a model does, Error(kMismatch) for both towers
/// without logit scale and bias, Error(kInvalidArgument) for a packed checkpoint, Error(kIo).
SIGLIP_EXPORT ModelParts ConvertToTransformers(const std::filesystem::path& checkpoint,
                                               const std::filesystem::path& folder,
                                               const WriteOptions& options = {},
                                               const std::string& preprocessor_json = {});

/// Writes the weights of `checkpoint` (any that FromPretrained loads) to
/// `folder`/packed.safetensors, in `precision` and laid out for the instruction set of `runtime`,
/// and beside them config.json and what preprocessing and tokenizers need. Both towers are packed
/// where both are there; classifiers and projectors are left out. FromPretrained of the folder then
/// maps the file instead of converting weights; results have the same bits as those of the
/// checkpoint itself in that precision. The folder is made if need be; all files appear together,
/// whole or not at all. Throws Error as FromPretrained and AtomicFile do, and
/// Error(kInvalidArgument) for a packed checkpoint.
SIGLIP_EXPORT void PackCheckpoint(const std::filesystem::path& checkpoint,
                                  const std::filesystem::path& folder, PrecisionChoice precision,
                                  std::shared_ptr<const Runtime> runtime = nullptr,
                                  const WriteOptions& options = {});

/// How such a file is laid out in `precision` for the instruction set of `runtime`: "32x1"
/// (AVX-512), "16x2" (neon_mmla, in bf16 and int8) or "16x1", columns of a panel and words of each
/// side by side. Runtimes whose layout is the same take each other's files.
SIGLIP_EXPORT std::string PackedLayout(const Runtime& runtime, Precision precision);

}  // namespace siglip
