// Pictures to patches. Source: transformers models/siglip2/image_processing_siglip2.py
// (get_image_size_for_max_num_patches, convert_image_to_patches, pad_along_first_dim).
#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "image/pixel_values.h"
#include "image/processor_config.h"
#include "image/resize.h"
#include "image/siglip2_processor_config.h"
#include "siglip/error.h"
#include "siglip/siglip2_image_processor.h"

namespace siglip {
namespace {

std::string InWords(int64_t height, int64_t width) {
  return std::to_string(height) + " x " + std::to_string(width);
}

/// Patches along a side of `size` pixels at this scale.
int64_t PatchesAt(double scale, int64_t size, int64_t patch_size) {
  const double scaled = static_cast<double>(size) * scale;
  return std::max<int64_t>(
      1, static_cast<int64_t>(std::ceil(scaled / static_cast<double>(patch_size))));
}

/// Bytes of a picture to values, patch after patch: within a row of a patch both have the order
/// column, channel.
void ToPatches(const Image& image, int64_t patch_size, const PixelValueTables& tables, float* out) {
  const int64_t run = 3 * patch_size;
  for (int64_t top = 0; top < image.height; top += patch_size) {
    for (int64_t left = 0; left < image.width; left += patch_size) {
      for (int64_t y = top; y < top + patch_size; ++y) {
        const uint8_t* in = image.rgb.data() + (y * image.width + left) * 3;
        for (int64_t i = 0; i < run; i += 3, in += 3, out += 3) {
          out[0] = tables[0][in[0]];
          out[1] = tables[1][in[1]];
          out[2] = tables[2][in[2]];
        }
      }
    }
  }
}

}  // namespace

bool Siglip2ImageProcessor::IsFor(const std::filesystem::path& folder) {
  return AsksForSiglip2Processor(folder);
}

Siglip2ImageProcessor::Siglip2ImageProcessor(const Siglip2ImageProcessorConfig& config,
                                             PreprocessMode mode)
    : config_(config), mode_(mode) {
  CheckSiglip2Config(config, ErrorCode::kInvalidArgument, "image processor");
  if (config.do_resize) CheckResampleSupported(config.resample, mode);
}

Siglip2ImageProcessor Siglip2ImageProcessor::FromPretrained(const std::filesystem::path& folder,
                                                            PreprocessMode mode) {
  const std::optional<ProcessorFields> fields = FindProcessorFields(folder);
  if (!fields) {
    throw Error(ErrorCode::kNotFound,
                folder.string() + ": no file says how pictures are preprocessed",
                "expected preprocessor_config.json or processor_config.json");
  }
  return {Siglip2ConfigFromJson(fields->json, fields->name), mode};
}

std::array<int64_t, 2> Siglip2ImageProcessor::SpatialShape(int64_t height, int64_t width) const {
  CheckSides("input", height, width);
  const int64_t patch = config_.patch_size;
  if (!config_.do_resize) {
    const bool fits = height % patch == 0 && width % patch == 0 &&
                      height / patch * (width / patch) <= config_.max_num_patches;
    if (fits) return {height / patch, width / patch};
    throw Error(ErrorCode::kMismatch,
                "image processor: without resizing, expected whole patches of " +
                    InWords(patch, patch) + " pixels, " + std::to_string(config_.max_num_patches) +
                    " at most, found a picture of " + InWords(height, width) + " pixels");
  }
  constexpr double kPrecision = 1e-5;
  double smallest = kPrecision / 10;
  double largest = 100.0;
  while (largest - smallest >= kPrecision) {
    const double scale = (smallest + largest) / 2;
    const int64_t patches = PatchesAt(scale, height, patch) * PatchesAt(scale, width, patch);
    (patches <= config_.max_num_patches ? smallest : largest) = scale;
  }
  const std::array<int64_t, 2> shape = {PatchesAt(smallest, height, patch),
                                        PatchesAt(smallest, width, patch)};
  CheckOutputSize(shape[0] * patch, shape[1] * patch);
  return shape;
}

void Siglip2ImageProcessor::Preprocess(const Image& image, std::span<float> out) const {
  CheckImage(image);
  const auto [rows, columns] = SpatialShape(image.height, image.width);
  if (out.size() != static_cast<size_t>(rows * columns * patch_values())) {
    throw Error(ErrorCode::kMismatch, "image processor: room for " + std::to_string(out.size()) +
                                          " values, expected " + InWords(rows, columns) +
                                          " patches of " + std::to_string(patch_values()));
  }
  const PixelValueTables tables = MakePixelValueTables(config_, mode_);
  const int64_t height = rows * config_.patch_size;
  const int64_t width = columns * config_.patch_size;
  if (height == image.height && width == image.width) {
    ToPatches(image, config_.patch_size, tables, out.data());
    return;
  }
  ToPatches(Resize(image, height, width, config_.resample, mode_), config_.patch_size, tables,
            out.data());
}

Siglip2Inputs Siglip2ImageProcessor::operator()(std::span<const Image> images) const {
  if (images.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "image processor: no pictures given");
  }
  const auto batch = static_cast<int64_t>(images.size());
  const auto most = static_cast<size_t>(config_.max_num_patches);
  const auto values = static_cast<size_t>(patch_values());
  Siglip2Inputs inputs = {Tensor(DType::kF32, {batch, config_.max_num_patches, patch_values()}),
                          Tensor(DType::kI32, {batch, config_.max_num_patches}),
                          Tensor(DType::kI64, {batch, 2})};
  auto* mask = reinterpret_cast<int32_t*>(inputs.pixel_attention_mask.bytes().data());
  auto* shapes = reinterpret_cast<int64_t*>(inputs.spatial_shapes.bytes().data());
  for (size_t i = 0; i < images.size(); ++i) {
    const auto [rows, columns] = SpatialShape(images[i].height, images[i].width);
    const auto patches = static_cast<size_t>(rows * columns);
    Preprocess(images[i],
               inputs.pixel_values.floats().subspan(i * most * values, patches * values));
    std::fill_n(mask + i * most, patches, 1);
    shapes[2 * i] = rows;
    shapes[2 * i + 1] = columns;
  }
  return inputs;
}

}  // namespace siglip
