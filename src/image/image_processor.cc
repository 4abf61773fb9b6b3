#include "siglip/image_processor.h"

#include <string>
#include <utility>

#include "image/encoded_image.h"
#include "image/preprocess_encoded.h"
#include "siglip/error.h"

namespace siglip {
namespace {

ImageSize SizeOf(const Image& image) { return {.width = image.width, .height = image.height}; }
ImageSize SizeOf(const EncodedImage& image) { return image.size(); }

void CheckSize(int64_t height, int64_t width, int64_t image_size) {
  if (image_size == 0 || (height == image_size && width == image_size)) return;
  const std::string side = std::to_string(image_size);
  throw Error(ErrorCode::kMismatch,
              "preprocessed to " + std::to_string(width) + "x" + std::to_string(height) +
                  ", the model takes " + side + "x" + side,
              "its preprocessing does not make every picture that size");
}

void MakeRoom(const Shape& shape, PreparedPicture& picture) {
  if (picture.pixel_values.shape() != shape) picture.pixel_values = Tensor(DType::kF32, shape);
}

void MakeRoom(const SiglipImageProcessor& processor, const ImageSize& size, int64_t image_size,
              PreparedPicture& picture) {
  const auto [height, width] = processor.OutputSize(size.height, size.width);
  CheckSize(height, width, image_size);
  MakeRoom({1, 3, height, width}, picture);
  picture.rows = picture.columns = 0;
}

void MakeRoom(const Siglip2ImageProcessor& processor, const ImageSize& size, int64_t /*image_size*/,
              PreparedPicture& picture) {
  const auto [rows, columns] = processor.SpatialShape(size.height, size.width);
  MakeRoom({1, rows * columns, processor.patch_values()}, picture);
  picture.rows = rows;
  picture.columns = columns;
}

Siglip2ImageProcessor LoadNaflex(const std::filesystem::path& folder,
                                 std::optional<PreprocessMode> mode, int64_t max_num_patches) {
  const auto stored = Siglip2ImageProcessor::FromPretrained(folder, mode);
  if (max_num_patches == 0) return stored;
  Siglip2ImageProcessorConfig config = stored.config();
  config.max_num_patches = max_num_patches;
  return {config, stored.mode()};
}

}  // namespace

ImageProcessor ImageProcessor::FromPretrained(const std::filesystem::path& folder,
                                              Resolution resolution,
                                              std::optional<PreprocessMode> mode,
                                              int64_t max_num_patches) {
  if (resolution == Resolution::kNaflex) return LoadNaflex(folder, mode, max_num_patches);
  if (max_num_patches != 0) {
    throw Error(ErrorCode::kInvalidArgument,
                folder.string() + ": --max-num-patches is for models of " +
                    "variable resolution (NaFlex); the pictures of this one have one size");
  }
  return SiglipImageProcessor::FromPretrained(folder, mode);
}

ImageProcessor::ImageProcessor(SiglipImageProcessor processor) : processor_(std::move(processor)) {}

ImageProcessor::ImageProcessor(Siglip2ImageProcessor processor)
    : processor_(std::move(processor)) {}

Resolution ImageProcessor::resolution() const {
  return fixed() != nullptr ? Resolution::kFixed : Resolution::kNaflex;
}

PreprocessMode ImageProcessor::mode() const {
  return std::visit([](const auto& processor) { return processor.mode(); }, processor_);
}

bool ImageProcessor::resizes() const {
  return std::visit([](const auto& processor) { return processor.config().do_resize; }, processor_);
}

std::optional<std::array<int64_t, 2>> ImageProcessor::FixedOutputSize() const {
  return fixed() != nullptr ? fixed()->FixedOutputSize() : std::nullopt;
}

int64_t ImageProcessor::patch_size() const {
  return naflex() != nullptr ? naflex()->config().patch_size : 0;
}

int64_t ImageProcessor::max_num_patches() const {
  return naflex() != nullptr ? naflex()->config().max_num_patches : 0;
}

void ImageProcessor::Prepare(const Image& image, PreparedPicture& picture,
                             int64_t image_size) const {
  std::visit(
      [&](const auto& processor) {
        MakeRoom(processor, SizeOf(image), image_size, picture);
        processor.Preprocess(image, picture.pixel_values.floats());
      },
      processor_);
}

void ImageProcessor::Prepare(EncodedImage& image, PreparedPicture& picture,
                             int64_t image_size) const {
  std::visit(
      [&](const auto& processor) {
        MakeRoom(processor, SizeOf(image), image_size, picture);
        PreprocessEncoded(processor, image, picture.pixel_values.floats());
      },
      processor_);
}

}  // namespace siglip
