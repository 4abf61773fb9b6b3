// The image tower: pictures -> embeddings.
//
//   auto model = siglip::SiglipVisionModel::FromPretrained("google-siglip-base-patch16-224");
//   auto output = model(pixel_values);   // output.last_hidden_state [B, N, D], pooler_output [B,
//   D]
//
// Classes and names are those of transformers' modeling_siglip.py. Every class is immutable after
// construction, cheap to copy (copies share the weights) and safe to call from several threads.
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
#include "siglip/transformers/vision_inputs.hpp"
#include "siglip/write_options.hpp"

namespace siglip {

struct VisionForwardOptions {
  /// Of fixed resolution: accept pictures of other sizes than image_size, the position embedding is
  /// resized to fit. NaFlex models do so always, and refuse the option.
  bool interpolate_pos_encoding = false;
  bool output_hidden_states = false;
  bool output_attentions = false;
};

/// All F32. Names are those of transformers' BaseModelOutputWithPooling. NaFlex pictures with fewer
/// patches than the inputs have room for are padded with zeros, as transformers pads them.
struct VisionOutput {
  Tensor last_hidden_state;             ///< [B, N, D], after post_layernorm.
  std::optional<Tensor> pooler_output;  ///< [B, D]; absent without a pooling head.
  std::vector<Tensor> hidden_states;  ///< layers + 1 of [B, N, D], the last before post_layernorm.
  std::vector<Tensor> attentions;     ///< One [B, heads, N, N] per layer; rows sum to one.
};

/// An image tower of either resolution.
class SIGLIP_EXPORT VisionModel {
 public:
  /// Loads the image tower of a checkpoint folder, whichever kind it is of, in any layout this
  /// library reads (see docs). Reads only what the tower needs. Throws Error naming up to ten
  /// tensors when any is missing, unexpected or has another shape than config.json asks for.
  static VisionModel Open(const std::filesystem::path& folder,
                          std::shared_ptr<const Runtime> runtime = nullptr,
                          PrecisionChoice precision = {});

  /// A picture's outputs have the same bits in any batch, at any position, with any number of
  /// threads, and cost what its own patches cost. Throws Error(kMismatch) for inputs that do not
  /// fit the model or each other. Of fixed resolution: F32 [B, num_channels, H, W], normalised as
  /// the processor does, of image_size unless interpolate_pos_encoding. Of NaFlex: F32 [B, n,
  /// patch_values], whatever n, with spatial_shapes; the mask may be left out (an empty tensor),
  /// where it is given it must agree with the shapes.
  ///
  /// Outputs go into the tensors of `into` that are not empty, such as those over memory of the
  /// caller; throws Error(kMismatch) where one has another dtype or shape than the output.
  VisionOutput operator()(const VisionInputsView& inputs, const VisionForwardOptions& options = {},
                          VisionOutput into = {}) const;

  /// Writes config.json and model.safetensors (F32, Hugging Face names) that FromPretrained and
  /// transformers load. The folder is made if need be; existing files of these names are replaced.
  void SavePretrained(const std::filesystem::path& folder) const;

  Resolution resolution() const;
  const SiglipVisionTowerConfig& config() const;
  /// All of its fields: the config.json of the tower alone, as transformers writes it.
  std::string config_json() const;
  /// Pixels a side of the pictures; 0 where they have any size.
  int64_t image_size() const;
  bool has_head() const;  ///< Whether there is a pooler_output.
  const std::shared_ptr<const Runtime>& runtime() const;
  Precision precision() const;
  /// Bytes of the weights in its precision, see WeightBytes.
  int64_t weight_bytes() const;
  /// How many passes over the weights a batch of as many pictures takes, each of `tokens` patches:
  /// fewer than there are pictures where several share one.
  int64_t passes(int64_t pictures, int64_t tokens) const;

  /// Of this library's own use.
  struct SIGLIP_HIDDEN State;
  explicit VisionModel(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  const State& state() const { return *state_; }

 private:
  std::shared_ptr<const State> state_;
};

/// transformers' class of this name: fixed resolution.
class SIGLIP_EXPORT SiglipVisionModel : public VisionModel {
 public:
  /// As VisionModel::Open; throws Error(kUnsupported) for a NaFlex checkpoint.
  static SiglipVisionModel FromPretrained(const std::filesystem::path& folder,
                                          std::shared_ptr<const Runtime> runtime = nullptr,
                                          PrecisionChoice precision = {});

  /// Random weights of transformers' `_init_weights` distributions; the same seed gives the same
  /// weights on every machine.
  SiglipVisionModel(const SiglipVisionConfig& config, uint64_t seed,
                    std::shared_ptr<const Runtime> runtime = nullptr,
                    PrecisionChoice precision = {});

  /// What saving a model made from `config` and `seed` writes, without making it: one tensor is
  /// held at a time. Beside it preprocessor_config.json, unless `preprocessor_json` is empty.
  static void SaveRandom(const SiglipVisionConfig& config, uint64_t seed,
                         const std::filesystem::path& folder, const WriteOptions& options = {},
                         const std::string& preprocessor_json = {});

  const SiglipVisionConfig& config() const;

 private:
  using VisionModel::VisionModel;
};

/// transformers' class of this name: NaFlex. Most SigLIP 2 checkpoints have fixed resolution and
/// are SiglipVisionModel's.
class SIGLIP_EXPORT Siglip2VisionModel : public VisionModel {
 public:
  /// As VisionModel::Open; throws Error(kUnsupported) for a checkpoint of fixed resolution.
  static Siglip2VisionModel FromPretrained(const std::filesystem::path& folder,
                                           std::shared_ptr<const Runtime> runtime = nullptr,
                                           PrecisionChoice precision = {});

  /// Random weights as transformers initialises them, the same for the same seed on every machine.
  Siglip2VisionModel(const Siglip2VisionConfig& config, uint64_t seed,
                     std::shared_ptr<const Runtime> runtime = nullptr,
                     PrecisionChoice precision = {});
  /// The checkpoint of such a model, written tensor by tensor: it need not fit into memory.
  static void SaveRandom(const Siglip2VisionConfig& config, uint64_t seed,
                         const std::filesystem::path& folder, const WriteOptions& options = {},
                         const std::string& preprocessor_json = {});

  const Siglip2VisionConfig& config() const;

 private:
  using VisionModel::VisionModel;
};

}  // namespace siglip
