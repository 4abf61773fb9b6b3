// Pictures to patches. Source: transformers models/siglip2/image_processing_siglip2.py
// (convert_image_to_patches, pad_along_first_dim).
#include <algorithm>
#include <iterator>
#include <optional>
#include <string>

#include "image/encoded_image.h"
#include "image/opened_picture.h"
#include "image/picture_plan.h"
#include "image/pixel_values.h"
#include "image/preprocess.h"
#include "image/processor_fields.h"
#include "image/resize.h"
#include "image/siglip2_processor_config.h"
#include "siglip/error.hpp"
#include "siglip/transformers/image_processor.hpp"

namespace siglip {
namespace {

std::array<int64_t, 2> ShapeOf(const PicturePlan& plan, int64_t patch_size) {
  return {plan.output.height / patch_size, plan.output.width / patch_size};
}

void CheckRoom(const Siglip2ImageProcessor& processor, const PicturePlan& plan,
               std::span<float> out) {
  const auto [rows, columns] = ShapeOf(plan, processor.config().patch_size);
  if (out.size() == static_cast<size_t>(rows * columns * processor.patch_values())) return;
  throw Error(ErrorCode::kMismatch, "image processor: room for " + std::to_string(out.size()) +
                                        " values, expected " + std::to_string(rows) + " x " +
                                        std::to_string(columns) + " patches of " +
                                        std::to_string(processor.patch_values()));
}

}  // namespace

bool Siglip2ImageProcessor::IsFor(const std::filesystem::path& folder) {
  return AsksForSiglip2Processor(folder);
}

Siglip2ImageProcessor::Siglip2ImageProcessor(const Siglip2ImageProcessorConfig& config,
                                             PreprocessMode mode, std::string_view instruction_set)
    : config_(config), mode_(mode), resize_kernels_(&ChooseResizeKernels(instruction_set)) {
  CheckSiglip2Config(config, ErrorCode::kInvalidArgument, "image processor");
  if (config.do_resize) CheckResampleSupported(config.resample, mode);
}

Siglip2ImageProcessor Siglip2ImageProcessor::FromPretrained(const std::filesystem::path& folder,
                                                            std::optional<PreprocessMode> mode,
                                                            std::string_view instruction_set) {
  const ProcessorFields fields = RequireProcessorFields(folder);
  return {Siglip2ConfigFromJson(fields.json, fields.name), mode.value_or(fields.mode),
          instruction_set};
}

std::array<int64_t, 2> Siglip2ImageProcessor::SpatialShape(int64_t height, int64_t width) const {
  return ShapeOf(PlanPicture(*this, {.width = width, .height = height}), config_.patch_size);
}

// Patch after patch: within a row of a patch, bytes and values have the order column, channel.
void WritePixelValues(const Siglip2ImageProcessor& processor, const PicturePlan& /*plan*/,
                      const ImageView& resized, std::span<float> patches) {
  const int64_t patch_size = processor.config().patch_size;
  const PixelValueTables tables = MakePixelValueTables(processor.config(), processor.mode());
  const int64_t run = 3 * patch_size;
  float* out = patches.data();
  for (int64_t top = 0; top < resized.height; top += patch_size) {
    for (int64_t left = 0; left < resized.width; left += patch_size) {
      for (int64_t y = top; y < top + patch_size; ++y) {
        const uint8_t* in = resized.row(y) + 3 * left;
        for (int64_t i = 0; i < run; i += 3, in += 3, out += 3) {
          out[0] = tables[0][in[0]];
          out[1] = tables[1][in[1]];
          out[2] = tables[2][in[2]];
        }
      }
    }
  }
}

void Siglip2ImageProcessor::Preprocess(const Image& image, std::span<float> out) const {
  CheckImage(image);
  const PicturePlan plan = PlanPicture(*this, ImageView(image).size());
  CheckRoom(*this, plan, out);
  siglip::Preprocess(*this, plan, image, out);
}

VisionInputs Siglip2ImageProcessor::NewInputs(int64_t pictures) const {
  return {Tensor(DType::kF32, {pictures, config_.max_num_patches, patch_values()}),
          Tensor(DType::kI32, {pictures, config_.max_num_patches}),
          Tensor(DType::kI64, {pictures, 2})};
}

std::span<float> Siglip2ImageProcessor::AddShape(const std::array<int64_t, 2>& shape, size_t index,
                                                 VisionInputs& inputs) const {
  const auto [rows, columns] = shape;
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
  const Picture picture = Picture::File(path);
  OpenedPicture image(picture, options);
  VisionInputs inputs = NewInputs(1);
  const PicturePlan plan = PlanPicture(*this, image.size());
  const auto out = AddShape(ShapeOf(plan, config_.patch_size), 0, inputs);
  siglip::Preprocess(*this, plan, image, out);
  return inputs;
}

VisionInputs Siglip2ImageProcessor::operator()(std::span<const Image> images) const {
  if (images.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "image processor: no pictures given");
  }
  VisionInputs inputs = NewInputs(std::ssize(images));
  for (size_t i = 0; i < images.size(); ++i) {
    CheckImage(images[i]);
    const PicturePlan plan = PlanPicture(*this, ImageView(images[i]).size());
    const auto out = AddShape(ShapeOf(plan, config_.patch_size), i, inputs);
    siglip::Preprocess(*this, plan, images[i], out);
  }
  return inputs;
}

const ResizeKernels& ResizeKernelsOf(const Siglip2ImageProcessor& processor) {
  return *processor.resize_kernels_;
}

}  // namespace siglip
