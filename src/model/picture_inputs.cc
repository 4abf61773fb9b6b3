// See picture_inputs.h.
#include "model/picture_inputs.h"

#include <span>
#include <string>
#include <utility>

#include "siglip/error.hpp"

namespace siglip {
namespace {

std::string Found(const TensorView& tensor) {
  return std::string(ToString(tensor.dtype())) + " " + ToString(tensor.shape());
}

template <class Integer>
std::vector<int64_t> Widened(const TensorView& tensor) {
  const std::span<const Integer> values = tensor.values<Integer>();
  return {values.begin(), values.end()};
}

/// All values of a tensor of integers.
std::vector<int64_t> Integers(const TensorView& tensor, const std::string& name,
                              const Shape& shape) {
  if (tensor.shape() == shape) {
    switch (tensor.dtype()) {
      case DType::kI64: return Widened<int64_t>(tensor);
      case DType::kI32: return Widened<int32_t>(tensor);
      case DType::kI16: return Widened<int16_t>(tensor);
      case DType::kI8: return Widened<int8_t>(tensor);
      case DType::kU8: return Widened<uint8_t>(tensor);
      case DType::kBool: return Widened<bool>(tensor);
      default: break;
    }
  }
  throw Error(ErrorCode::kMismatch,
              name + ": expected integers " + ToString(shape) + ", found " + Found(tensor));
}

std::string InWords(const PatchGrid& grid) {
  return std::to_string(grid.rows) + " x " + std::to_string(grid.columns);
}

void CheckGrid(const PatchGrid& grid, int64_t picture, int64_t most) {
  // The first two bound the product.
  if (grid.rows >= 1 && grid.columns >= 1 && grid.rows <= most && grid.columns <= most &&
      grid.tokens() <= most) {
    return;
  }
  throw Error(ErrorCode::kMismatch, "spatial_shapes: picture " + std::to_string(picture) +
                                        ": expected at least 1 x 1 patches and at most " +
                                        std::to_string(most) +
                                        " altogether, as pixel_values has, found " + InWords(grid));
}

void CheckMask(std::span<const int64_t> mask, const PatchGrid& grid, int64_t picture) {
  for (size_t i = 0; i < mask.size(); ++i) {
    const int64_t expected = static_cast<int64_t>(i) < grid.tokens() ? 1 : 0;
    if (mask[i] == expected) continue;
    throw Error(ErrorCode::kMismatch, "pixel_attention_mask: picture " + std::to_string(picture) +
                                          ": expected 1 for each of the first " +
                                          std::to_string(grid.tokens()) +
                                          " patches, which spatial_shapes gives it (" +
                                          InWords(grid) + "), and 0 behind them, found " +
                                          std::to_string(mask[i]) + " at " + std::to_string(i));
  }
}

/// A tensor that was left out is the default one.
bool IsGiven(const TensorView& tensor) { return tensor.shape() != TensorView().shape(); }

/// Where the values of one picture of the batch begin.
const float* ValuesOf(const TensorView& pixels, int64_t picture) {
  return pixels.floats().data() + picture * (pixels.size() / pixels.dim(0));
}

PictureBatch CheckPlanes(const VisionTowerPlan& plan, const VisionInputsView& inputs,
                         bool interpolate_pos_encoding) {
  const TensorView& pixels = inputs.pixel_values;
  const SiglipVisionTowerConfig& config = plan.config;
  const std::string size = std::to_string(plan.image_size);
  const std::string channels = std::to_string(config.num_channels);
  for (const auto& [name, tensor] :
       {std::pair("spatial_shapes", &inputs.spatial_shapes),
        std::pair("pixel_attention_mask", &inputs.pixel_attention_mask)}) {
    if (!IsGiven(*tensor)) continue;
    throw Error(ErrorCode::kMismatch,
                std::string(name) +
                    ": the pictures of this model have one size, which has no use "
                    "for it",
                "it is for models of variable resolution (NaFlex)");
  }
  if (pixels.dtype() != DType::kF32 || pixels.shape().size() != 4 ||
      pixels.dim(1) != config.num_channels) {
    throw Error(ErrorCode::kMismatch, "pixel_values: expected F32 [batch, " + channels +
                                          ", height, width], found " + Found(pixels));
  }
  const int64_t height = pixels.dim(2);
  const int64_t width = pixels.dim(3);
  if (!interpolate_pos_encoding && (height != plan.image_size || width != plan.image_size)) {
    throw Error(ErrorCode::kMismatch,
                "pixel_values: expected [batch, " + channels + ", " + size + ", " + size +
                    "], found " + ToString(pixels.shape()),
                "resize the pictures, or ask for --interpolate-pos-encoding");
  }
  const PatchGrid grid = {height / config.patch_size, width / config.patch_size};
  if (grid.rows < 1 || grid.columns < 1) {
    throw Error(ErrorCode::kMismatch, "pixel_values: expected at least one patch of " +
                                          std::to_string(config.patch_size) +
                                          " pixels each way, found " + ToString(pixels.shape()));
  }
  PictureBatch pictures = {{}, grid.tokens()};
  for (int64_t picture = 0; picture < pixels.dim(0); ++picture) {
    pictures.pictures.push_back(
        {.values = ValuesOf(pixels, picture), .grid = grid, .height = height, .width = width});
  }
  return pictures;
}

PictureBatch CheckPatches(const SiglipVisionTowerConfig& config, const VisionInputsView& inputs) {
  const TensorView& pixels = inputs.pixel_values;
  if (pixels.dtype() != DType::kF32 || pixels.shape().size() != 3 ||
      pixels.dim(2) != config.patch_values() || pixels.dim(1) < 1) {
    throw Error(ErrorCode::kMismatch, "pixel_values: expected F32 [batch, patches, " +
                                          std::to_string(config.patch_values()) + "], found " +
                                          Found(pixels));
  }
  const int64_t batch = pixels.dim(0);
  const int64_t most = pixels.dim(1);
  const std::vector<int64_t> shapes = Integers(inputs.spatial_shapes, "spatial_shapes", {batch, 2});
  const bool has_mask = IsGiven(inputs.pixel_attention_mask);
  std::vector<int64_t> mask;
  if (has_mask) {
    mask = Integers(inputs.pixel_attention_mask, "pixel_attention_mask", {batch, most});
  }
  PictureBatch pictures = {{}, most};
  for (int64_t picture = 0; picture < batch; ++picture) {
    const auto i = static_cast<size_t>(picture);
    const PatchGrid grid = {shapes[2 * i], shapes[2 * i + 1]};
    CheckGrid(grid, picture, most);
    if (has_mask) {
      const auto length = static_cast<size_t>(most);
      CheckMask(std::span(mask).subspan(i * length, length), grid, picture);
    }
    pictures.pictures.push_back({.values = ValuesOf(pixels, picture), .grid = grid});
  }
  return pictures;
}

}  // namespace

PictureBatch CheckInputs(const VisionTowerPlan& plan, const VisionInputsView& inputs,
                         bool interpolate_pos_encoding) {
  if (plan.resolution == Resolution::kFixed) {
    return CheckPlanes(plan, inputs, interpolate_pos_encoding);
  }
  if (interpolate_pos_encoding) {
    throw Error(ErrorCode::kInvalidArgument,
                "interpolate_pos_encoding is for models of fixed resolution; this one takes "
                "pictures of any size");
  }
  return CheckPatches(plan.config, inputs);
}

}  // namespace siglip
