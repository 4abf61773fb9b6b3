// Siglip2VisionTransformer and Siglip2VisionModel.
#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/file_system.h"
#include "configuration/new_config.h"
#include "configuration/random_weights.h"
#include "configuration/save_checkpoint.h"
#include "configuration/siglip_config.h"
#include "configuration/vision_fields.h"
#include "configuration/vision_tensors.h"
#include "model/linear.h"
#include "model/packed_linear.h"
#include "model/patch_grid.h"
#include "model/picture_schedule.h"
#include "model/position_table.h"
#include "model/siglip2_picture.h"
#include "model/vision_output.h"
#include "siglip/error.h"
#include "siglip/siglip2_vision_model.h"
#include "weights/checkpoint.h"

namespace siglip {
namespace {

/// Attentions of a batch as the kernels write them: those of each picture [heads, N, N] by itself.
class PictureAttentions {
 public:
  PictureAttentions(const SiglipEncoderConfig& config, const std::vector<PatchGrid>& grids,
                    bool wanted)
      : layers_(wanted ? config.num_hidden_layers : 0), heads_(config.num_attention_heads) {
    for (const PatchGrid& grid : grids) {
      tokens_.push_back(grid.tokens());
      layer_floats_.push_back(static_cast<size_t>(heads_ * grid.tokens() * grid.tokens()));
      values_.emplace_back(static_cast<size_t>(layers_) * layer_floats_.back());
    }
  }

  /// One per layer.
  std::vector<float*> PlacesOf(int64_t picture) {
    const auto i = static_cast<size_t>(picture);
    std::vector<float*> places;
    for (int64_t layer = 0; layer < layers_; ++layer) {
      places.push_back(values_[i].data() + static_cast<size_t>(layer) * layer_floats_[i]);
    }
    return places;
  }

  /// Into tensors [B, heads, n, n], whose zeros remain where there is padding.
  void CopyTo(std::vector<Tensor>& attentions) {
    for (size_t layer = 0; layer < attentions.size(); ++layer) {
      const int64_t n = attentions[layer].dim(3);
      float* out = attentions[layer].floats().data();
      for (size_t picture = 0; picture < values_.size(); ++picture) {
        const float* from = values_[picture].data() + layer * layer_floats_[picture];
        for (int64_t head = 0; head < heads_; ++head, out += n * n) {
          for (int64_t row = 0; row < tokens_[picture]; ++row, from += tokens_[picture]) {
            std::copy_n(from, tokens_[picture], out + row * n);
          }
        }
      }
    }
  }

 private:
  const int64_t layers_;
  const int64_t heads_;
  std::vector<int64_t> tokens_;
  std::vector<size_t> layer_floats_;
  std::vector<std::vector<float>> values_;  // per picture [layers, heads, N, N]
};

}  // namespace

Siglip2VisionTransformer::Siglip2VisionTransformer(const LayerSource& source,
                                                   const Siglip2VisionConfig& config)
    : context_(source.context),
      config_(config),
      embeddings_(source / "embeddings", config),
      trunk_(source, config.vision_use_head.value_or(true)) {}

Siglip2VisionTransformer::~Siglip2VisionTransformer() = default;

int64_t Siglip2VisionTransformer::weight_bytes() const {
  return embeddings_.weight_bytes() + trunk_.weight_bytes();
}

VisionOutput Siglip2VisionTransformer::operator()(const Siglip2Inputs& inputs,
                                                  const Siglip2ForwardOptions& options) const {
  const std::vector<PatchGrid> grids = CheckSiglip2Inputs(config_, inputs);
  const int64_t hidden = config_.hidden_size;
  VisionOutput output = NewVisionOutput(config_,
                                        {.batch = inputs.pixel_values.dim(0),
                                         .tokens = inputs.pixel_values.dim(1),
                                         .has_head = head() != nullptr},
                                        {.output_hidden_states = options.output_hidden_states,
                                         .output_attentions = options.output_attentions});
  PictureAttentions attentions(config_, grids, options.output_attentions);
  std::vector<std::shared_ptr<const MatrixBuffer>> positions;
  std::vector<int64_t> tokens;
  for (const PatchGrid& grid : grids) {
    positions.push_back(embeddings_.PositionEmbedding(grid.rows, grid.columns));
    tokens.push_back(grid.tokens());
  }
  Tensor pixel_values = inputs.pixel_values;  // shares its values
  const auto forward = [&](int64_t picture, Workspace& workspace) {
    const auto i = static_cast<size_t>(picture);
    workspace.hidden_states_out = PlacesOf(output.hidden_states, picture);
    workspace.attentions_out = attentions.PlacesOf(picture);
    Forward(DenseRows(PlaceOf(pixel_values, picture), 0, tokens[i], config_.patch_values()),
            positions[i]->matrix(), workspace,
            DenseRows(PlaceOf(output.last_hidden_state, picture), 0, tokens[i], hidden),
            output.pooler_output ? PlaceOf(*output.pooler_output, picture) : nullptr);
  };
  ForEachPictureBySize(context_, tokens, forward);
  attentions.CopyTo(output.attentions);
  return output;
}

void Siglip2VisionTransformer::Forward(const Matrix& pixel_values, const Matrix& position_embedding,
                                       Workspace& workspace, const Matrix& last_hidden_state,
                                       float* pooler_output) const {
  // hidden_states = self.embeddings(pixel_values, spatial_shapes)             [N, D]
  embeddings_.Forward(pixel_values, position_embedding, workspace);
  // last_hidden_state, pooler_output: of the N tokens that the masks let through
  trunk_.Forward(workspace, last_hidden_state, pooler_output);
}

bool Siglip2VisionModel::IsFor(const std::filesystem::path& folder) {
  return HasVariableResolution(Checkpoint::Open(folder));
}

Siglip2VisionModel Siglip2VisionModel::FromPretrained(const std::filesystem::path& folder,
                                                      std::shared_ptr<const Runtime> runtime,
                                                      PrecisionChoice precision) {
  const Checkpoint checkpoint = Checkpoint::Open(folder);
  const Siglip2VisionConfig config = LoadSiglip2VisionConfig(checkpoint);
  if (!runtime) runtime = Runtime::Create();
  const Precision resolved =
      ResolvePrecision(checkpoint, precision, ComputeRuntime::From(*runtime).kernels());
  return {OpenWeights(checkpoint, VisionTensors(config)), config, std::move(runtime), resolved};
}

Siglip2VisionModel::Siglip2VisionModel(const Siglip2VisionConfig& config, uint64_t seed,
                                       std::shared_ptr<const Runtime> runtime,
                                       PrecisionChoice precision) {
  const Siglip2VisionConfig complete = WithHeadDecided(config);
  if (!runtime) runtime = Runtime::Create();
  const Precision resolved = ResolvePrecision(precision, ComputeRuntime::From(*runtime).kernels());
  *this = Siglip2VisionModel(RandomVisionWeights(complete, seed), complete, std::move(runtime),
                             resolved);
}

Siglip2VisionModel::Siglip2VisionModel(std::shared_ptr<const WeightSource> weights,
                                       const Siglip2VisionConfig& config,
                                       std::shared_ptr<const Runtime> runtime, Precision precision)
    : weights_(std::move(weights)) {
  const LayerContext context = {config, std::move(runtime), precision};
  vision_model_ = std::make_unique<const Siglip2VisionTransformer>(
      LayerSource{*weights_, "vision_model", context}, config);
}

Siglip2VisionModel::Siglip2VisionModel(Siglip2VisionModel&&) noexcept = default;
Siglip2VisionModel& Siglip2VisionModel::operator=(Siglip2VisionModel&&) noexcept = default;
Siglip2VisionModel::~Siglip2VisionModel() = default;

VisionOutput Siglip2VisionModel::operator()(const Siglip2Inputs& inputs,
                                            const Siglip2ForwardOptions& options) const {
  return (*vision_model_)(inputs, options);
}

void Siglip2VisionModel::SaveRandom(const Siglip2VisionConfig& config, uint64_t seed,
                                    const std::filesystem::path& folder,
                                    const WriteOptions& options,
                                    const std::string& preprocessor_json) {
  const Siglip2VisionConfig complete = WithHeadDecided(config);
  SaveVisionCheckpoint(*RandomVisionWeights(complete, seed), complete, folder, options,
                       preprocessor_json);
}

void Siglip2VisionModel::SavePretrained(const std::filesystem::path& folder) const {
  SaveVisionCheckpoint(*weights_, config(), folder);
}

const Siglip2VisionConfig& Siglip2VisionModel::config() const { return vision_model_->config(); }

const std::shared_ptr<const Runtime>& Siglip2VisionModel::runtime() const {
  return vision_model_->context().runtime;
}

Precision Siglip2VisionModel::precision() const { return vision_model_->context().precision; }

int64_t Siglip2VisionModel::weight_bytes() const { return vision_model_->weight_bytes(); }

Siglip2PictureForward::Siglip2PictureForward(const Siglip2VisionModel& model)
    : transformer_(model.vision_model()), workspace_(transformer_.context(), 1) {}

void Siglip2PictureForward::Run(const float* pixel_values, const PatchGrid& grid,
                                float* last_hidden_state, float* pooler_output) {
  const Siglip2VisionConfig& config = transformer_.config();
  if (pooler_output != nullptr && transformer_.head() == nullptr) {
    throw NoPoolingHead("model");
  }
  const int64_t tokens = grid.tokens();
  Workspace& workspace = workspace_.For(tokens).member(0);
  if (last_hidden_state_.matrix().rows != tokens) {
    last_hidden_state_ = MatrixBuffer(tokens, config.hidden_size);
  }
  const auto positions = transformer_.embeddings().PositionEmbedding(grid.rows, grid.columns);
  const Matrix pixels =
      DenseRows(const_cast<float*>(pixel_values), 0, tokens, config.patch_values());
  transformer_.Forward(pixels, positions->matrix(), workspace, last_hidden_state_.matrix(),
                       pooler_output);
  if (last_hidden_state == nullptr) return;
  CopyRows(last_hidden_state_.matrix(),
           DenseRows(last_hidden_state, 0, tokens, config.hidden_size));
}

}  // namespace siglip
