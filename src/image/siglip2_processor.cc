// Pictures to patches. Source: transformers models/siglip2/image_processing_siglip2.py
// (get_image_size_for_max_num_patches, convert_image_to_patches, pad_along_first_dim).
#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <string>

#include "image/encoded_image.h"
#include "image/picture_file.h"
#include "image/pixel_values.h"
#include "image/preprocess_encoded.h"
#include "image/processor_fields.h"
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

/// The size that preprocessing gives a picture. Throws Error(kMismatch) unless `out` has room for
/// exactly its values.
ImageSize RoomFor(const Siglip2ImageProcessor& processor, const ImageSize& image,
                  std::span<float> out) {
  const auto [rows, columns] = processor.SpatialShape(image.height, image.width);
  if (out.size() != static_cast<size_t>(rows * columns * processor.patch_values())) {
    throw Error(ErrorCode::kMismatch, "image processor: room for " + std::to_string(out.size()) +
                                          " values, expected " + InWords(rows, columns) +
                                          " patches of " +
                                          std::to_string(processor.patch_values()));
  }
  const int64_t patch_size = processor.config().patch_size;
  return {.width = columns * patch_size, .height = rows * patch_size};
}

/// Bytes of a picture of whole patches to values, patch after patch: within a row of a patch both
/// have the order column, channel.
void ToPatches(const Siglip2ImageProcessor& processor, const Image& image,
               std::span<float> patches) {
  const int64_t patch_size = processor.config().patch_size;
  const PixelValueTables tables = MakePixelValueTables(processor.config(), processor.mode());
  const int64_t run = 3 * patch_size;
  float* out = patches.data();
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
                                                            std::optional<PreprocessMode> mode) {
  const ProcessorFields fields = RequireProcessorFields(folder);
  return {Siglip2ConfigFromJson(fields.json, fields.name), mode.value_or(fields.mode)};
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
  const ImageSize size = RoomFor(*this, {.width = image.width, .height = image.height}, out);
  if (size.height == image.height && size.width == image.width) {
    ToPatches(*this, image, out);
  } else {
    ToPatches(*this, Resize(image, size.height, size.width, config_.resample, mode_), out);
  }
}

void PreprocessEncoded(const Siglip2ImageProcessor& processor, EncodedImage& image,
                       std::span<float> out) {
  const ImageSize size = RoomFor(processor, image.size(), out);
  ToPatches(processor,
            image.Resized({.height = size.height,
                           .width = size.width,
                           .resample = processor.config().resample,
                           .mode = processor.mode()}),
            out);
}

VisionInputs Siglip2ImageProcessor::NewInputs(int64_t pictures) const {
  return {Tensor(DType::kF32, {pictures, config_.max_num_patches, patch_values()}),
          Tensor(DType::kI32, {pictures, config_.max_num_patches}),
          Tensor(DType::kI64, {pictures, 2})};
}

std::span<float> Siglip2ImageProcessor::AddShape(const ImageSize& image, size_t index,
                                                 VisionInputs& inputs) const {
  const auto [rows, columns] = SpatialShape(image.height, image.width);
  const auto patches = static_cast<size_t>(rows * columns);
  const auto most = static_cast<size_t>(config_.max_num_patches);
  const auto values = static_cast<size_t>(patch_values());
  const auto mask = inputs.pixel_attention_mask.values<int32_t>();
  const auto shapes = inputs.spatial_shapes.values<int64_t>();
  std::ranges::fill(mask.subspan(index * most, patches), 1);
  shapes[2 * index] = rows;
  shapes[2 * index + 1] = columns;
  return inputs.pixel_values.floats().subspan(index * most * values, patches * values);
}

VisionInputs Siglip2ImageProcessor::PreprocessFile(const std::filesystem::path& path,
                                                    const DecodeOptions& options) const {
  const PictureFile file(path, options.limits);
  const std::string name = path.string();
  EncodedImage image(file.bytes(), options, name);
  VisionInputs inputs = NewInputs(1);
  PreprocessEncoded(*this, image, AddShape(image.size(), 0, inputs));
  return inputs;
}

VisionInputs Siglip2ImageProcessor::operator()(std::span<const Image> images) const {
  if (images.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "image processor: no pictures given");
  }
  VisionInputs inputs = NewInputs(std::ssize(images));
  for (size_t i = 0; i < images.size(); ++i) {
    const ImageSize size = {.width = images[i].width, .height = images[i].height};
    Preprocess(images[i], AddShape(size, i, inputs));
  }
  return inputs;
}

}  // namespace siglip
