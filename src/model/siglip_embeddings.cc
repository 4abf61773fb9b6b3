// SiglipVisionEmbeddings: patches and positions.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "model/linear.h"
#include "model/pixel_grid.h"
#include "model/workspace.h"
#include "siglip/error.h"
#include "siglip/vision_model.h"

namespace siglip {
namespace {

struct CubicTaps {
  std::array<int64_t, 4> index;
  std::array<float, 4> weight;
};

/// torch's upsample_bicubic2d with align_corners=False and no antialias: the four samples around
/// (i + 0.5) * in / out - 0.5, clamped to the table, with the cubic convolution of a = -0.75.
CubicTaps CubicTapsAt(int64_t i, int64_t in, int64_t out) {
  constexpr float kA = -0.75F;
  const float scale = static_cast<float>(in) / static_cast<float>(out);
  const float position = scale * (static_cast<float>(i) + 0.5F) - 0.5F;
  const float base = std::floor(position);
  const float t = position - base;
  const auto near = [](float x) { return ((kA + 2) * x - (kA + 3)) * x * x + 1; };
  const auto far = [](float x) { return ((kA * x - 5 * kA) * x + 8 * kA) * x - 4 * kA; };
  CubicTaps taps = {};
  taps.weight = {far(t + 1), near(t), near(1 - t), far(2 - t)};
  for (int64_t tap = 0; tap < 4; ++tap) {
    taps.index[static_cast<size_t>(tap)] =
        std::clamp<int64_t>(static_cast<int64_t>(base) - 1 + tap, 0, in - 1);
  }
  return taps;
}

}  // namespace

SiglipVisionEmbeddings::SiglipVisionEmbeddings(const LayerSource& source,
                                               const SiglipVisionConfig& config)
    : context_(source.context), config_(config) {
  const LayerSource patch = source / "patch_embedding";
  const int64_t hidden = config.hidden_size;
  const int64_t side = config.patch_size;
  patch_embedding_ = std::make_unique<const Linear>(
      patch, OperandType::kFloat32, hidden, config.patch_values(), [&]() -> LinearValues {
        return {source.weights.Read(
                    {patch.scope + ".weight", {hidden, config.num_channels, side, side}}),
                source.weights.Read({patch.scope + ".bias", {hidden}})};
      });
  const Shape shape = {config.num_patches(), hidden};
  position_embedding_ =
      Tensor(shape, source.weights.Read({source.scope + ".position_embedding.weight", shape}));
  source.weights.Keep(source.scope + ".position_embedding.weight", position_embedding_.view());
}

SiglipVisionEmbeddings::~SiglipVisionEmbeddings() = default;

int64_t SiglipVisionEmbeddings::weight_bytes() const {
  return patch_embedding_->bytes() + static_cast<int64_t>(position_embedding_.bytes().size());
}

Tensor SiglipVisionEmbeddings::PositionEmbedding(int64_t rows, int64_t columns) const {
  const int64_t side = config_.patches_per_side();
  if (rows == side && columns == side) return position_embedding_;
  if (rows < 1 || columns < 1) {
    throw Error(ErrorCode::kInvalidArgument, "position embedding: expected at least 1x1 patches");
  }
  const auto hidden = static_cast<size_t>(config_.hidden_size);
  Tensor resized(DType::kF32, {rows * columns, config_.hidden_size});
  const float* table = position_embedding_.floats().data();
  float* out = resized.floats().data();
  for (int64_t y = 0; y < rows; ++y) {
    const CubicTaps vertical = CubicTapsAt(y, side, rows);
    for (int64_t x = 0; x < columns; ++x, out += hidden) {
      const CubicTaps horizontal = CubicTapsAt(x, side, columns);
      for (size_t i = 0; i < 4; ++i) {
        for (size_t j = 0; j < 4; ++j) {
          const float weight = vertical.weight[i] * horizontal.weight[j];
          const float* from =
              table + static_cast<size_t>(vertical.index[i] * side + horizontal.index[j]) * hidden;
          for (size_t d = 0; d < hidden; ++d) out[d] += weight * from[d];
        }
      }
    }
  }
  return resized;
}

Tensor SiglipVisionEmbeddings::operator()(const Tensor& pixel_values,
                                          bool interpolate_pos_encoding) const {
  const PixelGrid grid = CheckPixelValues(config_, pixel_values, interpolate_pos_encoding);
  const MatrixBuffer positions = PositionMatrix(*this, config_, grid);
  Tensor out(DType::kF32, {grid.batch, grid.tokens(), config_.hidden_size});
  const auto embed = [&](int64_t picture, Workspace& workspace) {
    Forward(pixel_values.floats().data() + picture * grid.picture_size(), grid.height, grid.width,
            positions.matrix(), workspace);
    const Matrix result =
        DenseRows(out.floats().data(), picture, grid.tokens(), config_.hidden_size);
    CopyRows(workspace.Own(workspace.hidden_states), workspace.Own(result));
  };
  ForEachPicture(context_, grid.batch, grid.tokens(), embed, config_.patch_values());
  return out;
}

void SiglipVisionEmbeddings::Forward(const float* pixel_values, int64_t height, int64_t width,
                                     const Matrix& position_embedding, Workspace& workspace) const {
  const int64_t side = config_.patch_size;
  const int64_t columns = width / side;
  for (int64_t begin = workspace.begin; begin < workspace.end;) {
    const int64_t end = std::min(workspace.end, begin + workspace.patches.rows);
    // patch_embeds = self.patch_embedding(pixel_values).flatten(2).transpose(1, 2): each patch
    // becomes a row (channel, y, x), and the convolution a product with the flattened kernel.
    const Matrix patches = workspace.patches.Rows(0, end - begin);
    for (int64_t patch = begin; patch < end; ++patch) {
      const int64_t top = patch / columns * side;
      const int64_t left = patch % columns * side;
      float* out = patches.row(patch - begin);
      for (int64_t channel = 0; channel < config_.num_channels; ++channel) {
        for (int64_t y = 0; y < side; ++y, out += side) {
          std::memcpy(out, pixel_values + (channel * height + top + y) * width + left,
                      static_cast<size_t>(side) * sizeof(float));
        }
      }
    }
    // embeddings = patch_embeds + self.position_embedding(self.position_ids)
    patch_embedding_->ForwardResidual(patches, position_embedding.Rows(begin, end),
                                      workspace.hidden_states.Rows(begin, end), nullptr);
    begin = end;
  }
}

}  // namespace siglip
