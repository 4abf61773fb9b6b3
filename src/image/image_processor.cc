#include "siglip/transformers/image_processor.hpp"

#include <string>
#include <utility>

#include "image/encoded_image.h"
#include "image/opened_picture.h"
#include "image/picture_plan.h"
#include "image/preprocess.h"
#include "image/resize.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

void CheckSize(const ImageSize& output, int64_t image_size) {
  if (image_size == 0 || (output.height == image_size && output.width == image_size)) return;
  const std::string side = std::to_string(image_size);
  throw Error(ErrorCode::kMismatch,
              "preprocessed to " + std::to_string(output.width) + "x" +
                  std::to_string(output.height) + ", the model takes " + side + "x" + side,
              "its preprocessing does not make every picture that size");
}

void MakeRoom(const Shape& shape, PreparedPicture& picture) {
  if (picture.pixel_values.shape() != shape) picture.pixel_values = Tensor(DType::kF32, shape);
}

void MakeRoom(const SiglipImageProcessor& /*processor*/, const ImageSize& output,
              int64_t image_size, PreparedPicture& picture) {
  CheckSize(output, image_size);
  MakeRoom({1, 3, output.height, output.width}, picture);
  picture.rows = picture.columns = 0;
}

void MakeRoom(const Siglip2ImageProcessor& processor, const ImageSize& output,
              int64_t /*image_size*/, PreparedPicture& picture) {
  picture.rows = output.height / processor.config().patch_size;
  picture.columns = output.width / processor.config().patch_size;
  MakeRoom({1, picture.tokens(), processor.patch_values()}, picture);
}

/// Of a picture in one of the forms that Preprocess takes.
void PrepareWith(const auto& processor, auto& image, PreparedPicture& picture, int64_t image_size,
                 PictureGreys* greys) {
  const PicturePlan plan = PlanPicture(processor, image.size());
  MakeRoom(processor, plan.output, image_size, picture);
  Preprocess(processor, plan, image, picture.pixel_values.floats(), greys);
}

Siglip2ImageProcessor LoadNaflex(const std::filesystem::path& folder,
                                 std::optional<PreprocessMode> mode, int64_t max_num_patches,
                                 std::string_view instruction_set) {
  const auto stored = Siglip2ImageProcessor::FromPretrained(folder, mode, instruction_set);
  if (max_num_patches == 0) return stored;
  Siglip2ImageProcessorConfig config = stored.config();
  config.max_num_patches = max_num_patches;
  return {config, stored.mode(), instruction_set};
}

}  // namespace

ImageProcessor ImageProcessor::FromPretrained(const std::filesystem::path& folder,
                                              Resolution resolution,
                                              std::optional<PreprocessMode> mode,
                                              int64_t max_num_patches,
                                              std::string_view instruction_set) {
  if (resolution == Resolution::kNaflex)
    return LoadNaflex(folder, mode, max_num_patches, instruction_set);
  if (max_num_patches != 0) {
    throw Error(ErrorCode::kInvalidArgument,
                folder.string() + ": --max-num-patches is for models of " +
                    "variable resolution (NaFlex); the pictures of this one have one size");
  }
  return SiglipImageProcessor::FromPretrained(folder, mode, instruction_set);
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
  CheckImage(image);
  const ImageView view(image);
  std::visit(
      [&](const auto& processor) { PrepareWith(processor, view, picture, image_size, nullptr); },
      processor_);
}

void ImageProcessor::Prepare(OpenedPicture& image, PreparedPicture& picture, int64_t image_size,
                             PictureGreys* greys) const {
  try {
    std::visit(
        [&](const auto& processor) { PrepareWith(processor, image, picture, image_size, greys); },
        processor_);
  } catch (const Error& error) {  // of which those of decoding say the name
    if (error.message().starts_with(image.name() + ": ")) throw;
    throw Error(error.code(), image.name() + ": " + error.message(), error.hint());
  }
}

void ImageProcessor::Prepare(const Picture& source, const DecodeOptions& options,
                             PreparedPicture& picture, int64_t image_size) const {
  OpenedPicture image(source, options);
  Prepare(image, picture, image_size, nullptr);
}

}  // namespace siglip
