// SiglipVisionTrunk, SiglipVisionTransformer and SiglipVisionModel.
#include <string>

#include "configuration/new_config.h"
#include "configuration/random_weights.h"
#include "configuration/save_checkpoint.h"
#include "configuration/siglip_config.h"
#include "configuration/vision_tensors.h"
#include "model/linear.h"
#include "model/packed_linear.h"
#include "model/pixel_grid.h"
#include "model/single_picture.h"
#include "model/vision_output.h"
#include "model/workspace.h"
#include "siglip/error.h"
#include "siglip/vision_model.h"
#include "weights/checkpoint.h"

namespace siglip {

SiglipVisionTrunk::SiglipVisionTrunk(const LayerSource& source, bool use_head)
    : encoder_(source / "encoder"),
      post_layernorm_(std::make_unique<const LayerNorm>(source / "post_layernorm",
                                                        source.context.config.hidden_size)) {
  if (use_head) {
    head_ = std::make_unique<const SiglipMultiheadAttentionPoolingHead>(source / "head");
  }
}

SiglipVisionTrunk::~SiglipVisionTrunk() = default;

int64_t SiglipVisionTrunk::weight_bytes() const {
  return encoder_.weight_bytes() + post_layernorm_->bytes() + (head_ ? head_->weight_bytes() : 0);
}

void SiglipVisionTrunk::Forward(Workspace& workspace, const Matrix& last_hidden_state,
                                float* pooler_output) const {
  // last_hidden_state = self.encoder(inputs_embeds=hidden_states)             [N, D]
  encoder_.Forward(workspace);
  // last_hidden_state = self.post_layernorm(last_hidden_state)                [N, D]
  post_layernorm_->Forward(workspace.Own(workspace.hidden_states),
                           workspace.Own(last_hidden_state));
  // pooler_output = self.head(last_hidden_state) if self.use_head else None   [D]
  if (pooler_output == nullptr) return;
  workspace.barrier->Wait();  // the head looks at all rows
  if (workspace.rank == 0) head_->Forward(last_hidden_state, pooler_output);
}

SiglipVisionTransformer::SiglipVisionTransformer(const LayerSource& source,
                                                 const SiglipVisionConfig& config)
    : context_(source.context),
      config_(config),
      embeddings_(source / "embeddings", config),
      trunk_(source, config.vision_use_head.value_or(true)) {}

SiglipVisionTransformer::~SiglipVisionTransformer() = default;

int64_t SiglipVisionTransformer::weight_bytes() const {
  return embeddings_.weight_bytes() + trunk_.weight_bytes();
}

VisionOutput SiglipVisionTransformer::operator()(const Tensor& pixel_values,
                                                 const VisionForwardOptions& options) const {
  const PixelGrid grid = CheckPixelValues(config_, pixel_values, options.interpolate_pos_encoding);
  const MatrixBuffer positions = PositionMatrix(embeddings_, config_, grid);
  const int64_t tokens = grid.tokens();
  const int64_t hidden = config_.hidden_size;
  VisionOutput output = NewVisionOutput(config_, {grid.batch, tokens, head() != nullptr}, options);
  const auto forward = [&](int64_t picture, Workspace& workspace) {
    workspace.hidden_states_out = PlacesOf(output.hidden_states, picture);
    workspace.attentions_out = PlacesOf(output.attentions, picture);
    Forward(pixel_values.floats().data() + picture * grid.picture_size(), grid.height, grid.width,
            positions.matrix(), workspace,
            DenseRows(PlaceOf(output.last_hidden_state, picture), 0, tokens, hidden),
            output.pooler_output ? PlaceOf(*output.pooler_output, picture) : nullptr);
  };
  ForEachPicture(context_, grid.batch, tokens, forward, config_.patch_values());
  return output;
}

void SiglipVisionTransformer::Forward(const float* pixel_values, int64_t height, int64_t width,
                                      const Matrix& position_embedding, Workspace& workspace,
                                      const Matrix& last_hidden_state, float* pooler_output) const {
  // hidden_states = self.embeddings(pixel_values)                             [N, D]
  embeddings_.Forward(pixel_values, height, width, position_embedding, workspace);
  trunk_.Forward(workspace, last_hidden_state, pooler_output);
}

SiglipVisionModel SiglipVisionModel::FromPretrained(const std::filesystem::path& folder,
                                                    std::shared_ptr<const Runtime> runtime,
                                                    PrecisionChoice precision) {
  const Checkpoint checkpoint = Checkpoint::Open(folder);
  const SiglipVisionConfig config = LoadVisionConfig(checkpoint);
  if (!runtime) runtime = Runtime::Create();
  const Precision resolved =
      ResolvePrecision(checkpoint, precision, ComputeRuntime::From(*runtime).kernels());
  return {OpenWeights(checkpoint, VisionTensors(config)), config, std::move(runtime), resolved};
}

SiglipVisionModel::SiglipVisionModel(const SiglipVisionConfig& config, uint64_t seed,
                                     std::shared_ptr<const Runtime> runtime,
                                     PrecisionChoice precision) {
  const SiglipVisionConfig complete = WithHeadDecided(config);
  if (!runtime) runtime = Runtime::Create();
  const Precision resolved = ResolvePrecision(precision, ComputeRuntime::From(*runtime).kernels());
  *this = SiglipVisionModel(RandomVisionWeights(complete, seed), complete, std::move(runtime),
                            resolved);
}

SiglipVisionModel::SiglipVisionModel(std::shared_ptr<const WeightSource> weights,
                                     const SiglipVisionConfig& config,
                                     std::shared_ptr<const Runtime> runtime, Precision precision)
    : weights_(std::move(weights)) {
  const LayerContext context = {config, std::move(runtime), precision};
  vision_model_ = std::make_unique<const SiglipVisionTransformer>(
      LayerSource{*weights_, "vision_model", context}, config);
}

SiglipVisionModel::SiglipVisionModel(SiglipVisionModel&&) noexcept = default;
SiglipVisionModel& SiglipVisionModel::operator=(SiglipVisionModel&&) noexcept = default;
SiglipVisionModel::~SiglipVisionModel() = default;

VisionOutput SiglipVisionModel::operator()(const Tensor& pixel_values,
                                           const VisionForwardOptions& options) const {
  return (*vision_model_)(pixel_values, options);
}

void SiglipVisionModel::SaveRandom(const SiglipVisionConfig& config, uint64_t seed,
                                   const std::filesystem::path& folder, const WriteOptions& options,
                                   const std::string& preprocessor_json) {
  const SiglipVisionConfig complete = WithHeadDecided(config);
  SaveVisionCheckpoint(*RandomVisionWeights(complete, seed), complete, folder, options,
                       preprocessor_json);
}

void SiglipVisionModel::SavePretrained(const std::filesystem::path& folder) const {
  SaveVisionCheckpoint(*weights_, config(), folder);
}

const SiglipVisionConfig& SiglipVisionModel::config() const { return vision_model_->config(); }

const std::shared_ptr<const Runtime>& SiglipVisionModel::runtime() const {
  return vision_model_->context().runtime;
}

Precision SiglipVisionModel::precision() const { return vision_model_->context().precision; }

int64_t SiglipVisionModel::weight_bytes() const { return vision_model_->weight_bytes(); }

SinglePictureForward::SinglePictureForward(const SiglipVisionModel& model)
    : transformer_(model.vision_model()),
      last_hidden_state_(model.config().num_patches(), model.config().hidden_size),
      workspace_(model.vision_model().context(), model.config().num_patches(), 1,
                 model.config().patch_values()) {
  PixelGrid grid;
  grid.rows = model.config().patches_per_side();
  grid.columns = grid.rows;
  position_embedding_ = PositionMatrix(transformer_.embeddings(), model.config(), grid);
}

void SinglePictureForward::Run(const float* pixel_values, float* last_hidden_state,
                               float* pooler_output) {
  const SiglipVisionConfig& config = transformer_.config();
  if (pooler_output != nullptr && transformer_.head() == nullptr) {
    throw NoPoolingHead("model");
  }
  transformer_.Forward(pixel_values, config.image_size, config.image_size,
                       position_embedding_.matrix(), workspace_.member(0),
                       last_hidden_state_.matrix(), pooler_output);
  if (last_hidden_state == nullptr) return;
  CopyRows(last_hidden_state_.matrix(),
           DenseRows(last_hidden_state, 0, tokens(), config.hidden_size));
}

}  // namespace siglip
