// SiglipVisionEmbeddings: patches and positions.
#include <algorithm>
#include <cstring>

#include "model/matrix_rows.h"
#include "model/siglip_vision.h"

namespace siglip {
namespace {

/// The kernel of the convolution, or the weight of the Linear.
Linear ReadPatchEmbedding(const LayerSource& source, const VisionTowerPlan& plan) {
  const SiglipVisionTowerConfig& config = plan.config;
  const int64_t hidden = config.hidden_size;
  const int64_t side = config.patch_size;
  const Shape shape = plan.resolution == Resolution::kFixed
                          ? Shape{hidden, config.num_channels, side, side}
                          : Shape{hidden, config.patch_values()};
  return {source, OperandType::kFloat32, hidden, config.patch_values(), [&]() -> LinearValues {
            return {source.weights.Read({source.scope + ".weight", shape}),
                    source.weights.Read({source.scope + ".bias", {hidden}})};
          }};
}

TensorSpec Positions(const LayerSource& source, const VisionTowerPlan& plan) {
  const int64_t side = plan.positions_per_side;
  return {source.scope + ".weight", {side * side, plan.config.hidden_size}};
}

}  // namespace

SiglipVisionEmbeddings::SiglipVisionEmbeddings(const LayerSource& source,
                                               const VisionTowerPlan& plan)
    : config_(plan.config),
      patch_embedding_(ReadPatchEmbedding(source / "patch_embedding", plan)),
      position_embedding_(
          source.weights.Read(Positions(source / "position_embedding", plan)),
          plan.positions_per_side, config_.hidden_size,
          plan.resolution == Resolution::kFixed ? InterpolateBicubic : InterpolateBilinear) {
  const TensorSpec positions = Positions(source / "position_embedding", plan);
  source.weights.Keep(positions.name,
                      {DType::kF32, positions.shape, std::as_bytes(position_embedding_.values())});
}

void SiglipVisionEmbeddings::Forward(const PicturePixels& picture, const Matrix& position_embedding,
                                     const Sequence& sequence, Workspace& workspace) const {
  const int64_t last = std::min(workspace.end, sequence.end);
  const bool are_planes = picture.height > 0;
  for (int64_t row = std::max(workspace.begin, sequence.begin); row < last;) {
    const int64_t end = are_planes ? std::min(last, row + workspace.patches.rows) : last;
    const int64_t first = row - sequence.begin;
    // patch_embeds = self.patch_embedding(pixel_values)
    const ConstMatrix patches =
        are_planes ? CutPatches(picture, first, end - sequence.begin, workspace.patches)
                   : DenseRows(picture.values, 0, picture.grid.tokens(), config_.patch_values())
                         .Rows(first, end - sequence.begin);
    // embeddings = patch_embeds + self.position_embedding(self.position_ids)
    patch_embedding_.ForwardResidual(patches, position_embedding.Rows(first, end - sequence.begin),
                                     workspace.hidden_states.Rows(row, end), nullptr);
    row = end;
  }
}

/// Patches [begin, end) of the picture. Each becomes a row (channel, y, x), which makes the
/// convolution, .flatten(2).transpose(1, 2), a product with the flattened kernel.
Matrix SiglipVisionEmbeddings::CutPatches(const PicturePixels& picture, int64_t begin, int64_t end,
                                          const Matrix& patches) const {
  const int64_t side = config_.patch_size;
  for (int64_t patch = begin; patch < end; ++patch) {
    const int64_t top = patch / picture.grid.columns * side;
    const int64_t left = patch % picture.grid.columns * side;
    float* out = patches.row(patch - begin);
    for (int64_t channel = 0; channel < config_.num_channels; ++channel) {
      for (int64_t y = 0; y < side; ++y, out += side) {
        const int64_t row = channel * picture.height + top + y;
        std::memcpy(out, picture.values + row * picture.width + left,
                    static_cast<size_t>(side) * sizeof(float));
      }
    }
  }
  return patches.Rows(0, end - begin);
}

}  // namespace siglip
