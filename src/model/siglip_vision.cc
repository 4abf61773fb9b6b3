// SiglipVisionTransformer and SiglipVisionModel.
#include <string>

#include "model/linear.h"
#include "model/packed_linear.h"
#include "model/pixel_grid.h"
#include "model/random_weights.h"
#include "model/save_checkpoint.h"
#include "model/siglip_config.h"
#include "model/single_picture.h"
#include "model/vision_tensors.h"
#include "model/workspace.h"
#include "siglip/error.h"
#include "siglip/vision_model.h"
#include "weights/checkpoint.h"

namespace siglip {

SiglipVisionTransformer::SiglipVisionTransformer(const LayerSource& source,
                                                 const SiglipVisionConfig& config)
    : context_(source.context),
      config_(config),
      embeddings_(source / "embeddings", config),
      encoder_(source / "encoder"),
      post_layernorm_(
          std::make_unique<const LayerNorm>(source / "post_layernorm", config_.hidden_size)) {
  if (config_.vision_use_head.value_or(true)) {
    head_ = std::make_unique<const SiglipMultiheadAttentionPoolingHead>(source / "head");
  }
}

SiglipVisionTransformer::~SiglipVisionTransformer() = default;

int64_t SiglipVisionTransformer::weight_bytes() const {
  return embeddings_.weight_bytes() + encoder_.weight_bytes() + post_layernorm_->bytes() +
         (head_ ? head_->weight_bytes() : 0);
}

VisionOutput SiglipVisionTransformer::operator()(const Tensor& pixel_values,
                                                 const VisionForwardOptions& options) const {
  const PixelGrid grid = CheckPixelValues(config_, pixel_values, options.interpolate_pos_encoding);
  const MatrixBuffer positions = PositionMatrix(embeddings_, config_, grid);
  const int64_t tokens = grid.tokens();
  const int64_t hidden = config_.hidden_size;
  const int64_t heads = config_.num_attention_heads;

  VisionOutput output;
  output.last_hidden_state = Tensor(DType::kF32, {grid.batch, tokens, hidden});
  if (head_) output.pooler_output = Tensor(DType::kF32, {grid.batch, hidden});
  if (options.output_hidden_states) {
    for (int64_t layer = 0; layer <= config_.num_hidden_layers; ++layer) {
      output.hidden_states.emplace_back(DType::kF32, Shape{grid.batch, tokens, hidden});
    }
  }
  if (options.output_attentions) {
    for (int64_t layer = 0; layer < config_.num_hidden_layers; ++layer) {
      output.attentions.emplace_back(DType::kF32, Shape{grid.batch, heads, tokens, tokens});
    }
  }

  const auto forward = [&](int64_t picture, Workspace& workspace) {
    const auto place = [picture](Tensor& tensor) {
      return tensor.floats().data() + picture * (tensor.size() / tensor.dim(0));
    };
    workspace.hidden_states_out.clear();
    for (Tensor& tensor : output.hidden_states) {
      workspace.hidden_states_out.push_back(place(tensor));
    }
    workspace.attentions_out.clear();
    for (Tensor& tensor : output.attentions) workspace.attentions_out.push_back(place(tensor));
    Forward(pixel_values.floats().data() + picture * grid.picture_size(), grid.height, grid.width,
            positions.matrix(), workspace,
            DenseRows(place(output.last_hidden_state), 0, tokens, hidden),
            head_ ? place(*output.pooler_output) : nullptr);
  };
  ForEachPicture(context_, grid.batch, tokens, forward, config_.patch_values());
  return output;
}

void SiglipVisionTransformer::Forward(const float* pixel_values, int64_t height, int64_t width,
                                      const Matrix& position_embedding, Workspace& workspace,
                                      const Matrix& last_hidden_state, float* pooler_output) const {
  // hidden_states = self.embeddings(pixel_values)                             [N, D]
  embeddings_.Forward(pixel_values, height, width, position_embedding, workspace);
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

SiglipVisionModel SiglipVisionModel::FromPretrained(const std::filesystem::path& folder,
                                                    std::shared_ptr<const Runtime> runtime,
                                                    std::optional<Precision> precision) {
  const Checkpoint checkpoint = Checkpoint::Open(folder);
  const SiglipVisionConfig config = LoadVisionConfig(checkpoint);
  if (!runtime) runtime = Runtime::Create();
  const Precision resolved =
      ResolvePrecision(checkpoint, precision, ComputeRuntime::From(*runtime).kernels());
  return {OpenWeights(checkpoint, VisionTensors(config)), config, std::move(runtime), resolved};
}

namespace {

/// A new model has a pooling head unless it is told otherwise.
SiglipVisionConfig NewConfig(const SiglipVisionConfig& config) {
  config.Validate();
  SiglipVisionConfig complete = config;
  complete.vision_use_head = config.vision_use_head.value_or(true);
  return complete;
}

}  // namespace

SiglipVisionModel::SiglipVisionModel(const SiglipVisionConfig& config, uint64_t seed,
                                     std::shared_ptr<const Runtime> runtime,
                                     std::optional<Precision> precision) {
  const SiglipVisionConfig complete = NewConfig(config);
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
                                   const std::filesystem::path& folder) {
  const SiglipVisionConfig complete = NewConfig(config);
  SaveVisionCheckpoint(*RandomVisionWeights(complete, seed), complete, folder);
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
    throw Error(ErrorCode::kUnsupported, "this model has no pooling head, hence no pooler_output",
                "ask for last_hidden_state instead");
  }
  transformer_.Forward(pixel_values, config.image_size, config.image_size,
                       position_embedding_.matrix(), workspace_.member(0),
                       last_hidden_state_.matrix(), pooler_output);
  if (last_hidden_state == nullptr) return;
  CopyRows(last_hidden_state_.matrix(),
           DenseRows(last_hidden_state, 0, tokens(), config.hidden_size));
}

}  // namespace siglip
