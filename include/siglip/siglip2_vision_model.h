// The image tower of SigLIP 2 NaFlex: pictures of any size and shape, as patches -> embeddings.
//
//   auto processor = siglip::Siglip2ImageProcessor::FromPretrained(folder);
//   auto model = siglip::Siglip2VisionModel::FromPretrained(folder);
//   auto output = model(processor(images));   // output.pooler_output [B, D]
//
// Classes, names and order of steps are those of transformers' modeling_siglip2.py, whose encoder
// and pooling head are SigLIP's own. Padding is not computed: every picture costs what its own
// patches cost, and has the same bits alone and beside pictures of other shapes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "siglip/atomic_file.h"
#include "siglip/runtime.h"
#include "siglip/siglip2_inputs.h"
#include "siglip/siglip2_vision_config.h"
#include "siglip/tensor.h"
#include "siglip/vision_model.h"

namespace siglip {

class MatrixBuffer;
class PositionTable;

/// A Linear over the values of a patch, plus a position embedding resized to the picture's grid.
class Siglip2VisionEmbeddings {
 public:
  Siglip2VisionEmbeddings(const LayerSource& source, const Siglip2VisionConfig& config);
  ~Siglip2VisionEmbeddings();

  /// One position vector per patch, [rows * columns, D]: the learned table resized bilinearly with
  /// antialiasing (torch, align_corners=False). Kept for the next picture of this shape.
  std::shared_ptr<const MatrixBuffer> PositionEmbedding(int64_t rows, int64_t columns) const;

  /// One picture, patches [N, patch_values] -> workspace.hidden_states [N, D], rows of this thread.
  void Forward(const Matrix& pixel_values, const Matrix& position_embedding,
               Workspace& workspace) const;

  int64_t weight_bytes() const;

 private:
  std::unique_ptr<const Linear> patch_embedding_;
  std::unique_ptr<const PositionTable> position_embedding_;
};

struct Siglip2ForwardOptions {
  bool output_hidden_states = false;
  bool output_attentions = false;
};

/// embeddings -> trunk.
class Siglip2VisionTransformer {
 public:
  Siglip2VisionTransformer(const LayerSource& source, const Siglip2VisionConfig& config);
  ~Siglip2VisionTransformer();

  VisionOutput operator()(const Siglip2Inputs& inputs,
                          const Siglip2ForwardOptions& options = {}) const;

  /// One picture, patches [N, patch_values], on the threads sharing the workspace:
  /// last_hidden_state [N, D] and, where `pooler_output` is not null, that [D]. Complete when all
  /// threads have returned.
  void Forward(const Matrix& pixel_values, const Matrix& position_embedding, Workspace& workspace,
               const Matrix& last_hidden_state, float* pooler_output) const;

  int64_t weight_bytes() const;

  const LayerContext& context() const { return context_; }
  const Siglip2VisionConfig& config() const { return config_; }
  const Siglip2VisionEmbeddings& embeddings() const { return embeddings_; }
  const SiglipEncoder& encoder() const { return trunk_.encoder(); }
  const SiglipMultiheadAttentionPoolingHead* head() const { return trunk_.head(); }

 private:
  LayerContext context_;
  Siglip2VisionConfig config_;
  Siglip2VisionEmbeddings embeddings_;
  SiglipVisionTrunk trunk_;
};

/// The image tower as users call it.
class Siglip2VisionModel {
 public:
  /// Whether a checkpoint is of NaFlex (model_type siglip2), as its configuration says or, where
  /// that is in the weights themselves, these. Reads headers only. Throws Error when it cannot be
  /// opened.
  static bool IsFor(const std::filesystem::path& folder);

  /// Loads the image tower of a NaFlex checkpoint folder. Throws as
  /// SiglipVisionModel::FromPretrained does.
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

  Siglip2VisionModel(Siglip2VisionModel&&) noexcept;
  Siglip2VisionModel& operator=(Siglip2VisionModel&&) noexcept;
  ~Siglip2VisionModel();

  /// Outputs as transformers pads them, with zeros: last_hidden_state [B, max_num_patches, D],
  /// pooler_output [B, D]. The number of rows is that of the inputs, whatever the checkpoint says.
  /// The mask may be left out (an empty tensor); where it is given it must agree with the shapes.
  /// A picture's outputs have the same bits in any batch, at any position, with any number of
  /// threads. Throws Error(kMismatch) for inputs that do not fit the model or each other.
  VisionOutput operator()(const Siglip2Inputs& inputs,
                          const Siglip2ForwardOptions& options = {}) const;

  /// Writes config.json and model.safetensors (F32, Hugging Face names) that FromPretrained and
  /// transformers load. The folder is made if need be; existing files of these names are replaced.
  void SavePretrained(const std::filesystem::path& folder) const;

  const Siglip2VisionConfig& config() const;
  const Siglip2VisionTransformer& vision_model() const { return *vision_model_; }
  const std::shared_ptr<const Runtime>& runtime() const;
  Precision precision() const;
  /// Bytes of the weights as they are held for computing.
  int64_t weight_bytes() const;

 private:
  Siglip2VisionModel(std::shared_ptr<const WeightSource> weights, const Siglip2VisionConfig& config,
                     std::shared_ptr<const Runtime> runtime, Precision precision);

  std::shared_ptr<const WeightSource> weights_;
  std::unique_ptr<const Siglip2VisionTransformer> vision_model_;
};

}  // namespace siglip
