// Siglip2VisionEmbeddings: patches and resized positions.
#include "model/linear.h"
#include "model/position_table.h"
#include "model/workspace.h"
#include "siglip/siglip2_vision_model.h"

namespace siglip {

Siglip2VisionEmbeddings::Siglip2VisionEmbeddings(const LayerSource& source,
                                                 const Siglip2VisionConfig& config) {
  const LayerSource patch = source / "patch_embedding";
  const int64_t hidden = config.hidden_size;
  const int64_t inputs = config.patch_values();
  patch_embedding_ = std::make_unique<const Linear>(
      patch, OperandType::kFloat32, hidden, inputs, [&]() -> LinearValues {
        return {source.weights.Read({patch.scope + ".weight", {hidden, inputs}}),
                source.weights.Read({patch.scope + ".bias", {hidden}})};
      });
  const TensorSpec positions = {source.scope + ".position_embedding.weight",
                                {config.num_patches, hidden}};
  position_embedding_ = std::make_unique<const PositionTable>(source.weights.Read(positions),
                                                              config.positions_per_side(), hidden);
  source.weights.Keep(positions.name,
                      {DType::kF32, positions.shape, std::as_bytes(position_embedding_->values())});
}

Siglip2VisionEmbeddings::~Siglip2VisionEmbeddings() = default;

int64_t Siglip2VisionEmbeddings::weight_bytes() const {
  return patch_embedding_->bytes() + position_embedding_->bytes();
}

std::shared_ptr<const MatrixBuffer> Siglip2VisionEmbeddings::PositionEmbedding(
    int64_t rows, int64_t columns) const {
  return position_embedding_->For(rows, columns);
}

void Siglip2VisionEmbeddings::Forward(const Matrix& pixel_values, const Matrix& position_embedding,
                                      Workspace& workspace) const {
  // patch_embeds = self.patch_embedding(pixel_values)
  // embeddings = patch_embeds + resized_positional_embeddings
  patch_embedding_->ForwardResidual(workspace.Own(pixel_values), workspace.Own(position_embedding),
                                    workspace.Own(workspace.hidden_states), nullptr);
}

}  // namespace siglip
