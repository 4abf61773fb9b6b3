// Pictures to pixel_values. Sources: transformers image_processing_backends.py (TorchvisionBackend,
// PilBackend).
#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "image/encoded_image.h"
#include "image/opened_picture.h"
#include "image/picture_plan.h"
#include "image/pixel_values.h"
#include "image/preprocess.h"
#include "image/processor_config.h"
#include "image/processor_fields.h"
#include "image/resize.h"
#include "siglip/error.hpp"
#include "siglip/transformers/image_processor.hpp"

namespace siglip {
namespace {

/// Writes the planes of floats that a plan makes of what is kept of the resized picture.
class PlaneWriter {
 public:
  PlaneWriter(const ImageProcessorConfig& config, PreprocessMode mode, const PicturePlan& plan)
      : tables_(MakePixelValueTables(config, mode)), fill_(config.fill_color), plan_(plan) {}

  void Write(const ImageView& image, std::span<float> out) const {
    const auto& [width, height] = plan_.output;
    for (int64_t y = 0; y < height; ++y) {
      const int64_t row = y - plan_.top;
      const bool inside = row >= 0 && row < image.height;
      const uint8_t* in = inside ? image.row(row) : nullptr;
      for (size_t channel = 0; channel < 3; ++channel) {
        float* values = out.data() + (static_cast<int64_t>(channel) * height + y) * width;
        WriteRow(in == nullptr ? nullptr : in + channel, in == nullptr ? 0 : image.width, channel,
                 y < plan_.canvas.height ? plan_.canvas.width : 0, values);
      }
    }
  }

 private:
  /// `count` pixels from `in` on within a border of `canvas` pixels, then zeros.
  void WriteRow(const uint8_t* in, int64_t count, size_t channel, int64_t canvas,
                float* out) const {
    const PixelValueTables::value_type& table = tables_[channel];
    const int64_t begin = count == 0 ? 0 : plan_.left;
    std::fill_n(out, begin, table[fill_[channel]]);
    for (int64_t x = 0; x < count; ++x) out[begin + x] = table[in[3 * x]];
    std::fill(out + begin + count, out + canvas, table[fill_[channel]]);
    std::fill(out + canvas, out + plan_.output.width, 0.0F);
  }

  const PixelValueTables tables_;
  const std::array<uint8_t, 3> fill_;
  const PicturePlan& plan_;
};

void CheckRoom(const PicturePlan& plan, std::span<float> out) {
  const auto& [width, height] = plan.output;
  if (out.size() == static_cast<size_t>(3 * height * width)) return;
  throw Error(ErrorCode::kMismatch, "image processor: room for " + std::to_string(out.size()) +
                                        " values, expected 3 x " + std::to_string(height) + " x " +
                                        std::to_string(width));
}

}  // namespace

SiglipImageProcessor::SiglipImageProcessor(const ImageProcessorConfig& config, PreprocessMode mode,
                                           std::string_view instruction_set)
    : config_(config), mode_(mode), resize_kernels_(&ChooseResizeKernels(instruction_set)) {
  CheckConfig(config, ErrorCode::kInvalidArgument, "image processor");
  if (config.do_resize) CheckResampleSupported(config.resample, mode);
}

SiglipImageProcessor SiglipImageProcessor::FromPretrained(const std::filesystem::path& folder,
                                                          std::optional<PreprocessMode> mode,
                                                          std::string_view instruction_set) {
  const ProcessorFields fields = RequireProcessorFields(folder);
  return {ImageProcessorConfigFromJson(fields.json, fields.name), mode.value_or(fields.mode),
          instruction_set};
}

std::array<int64_t, 2> SiglipImageProcessor::OutputSize(int64_t height, int64_t width) const {
  const ImageSize size = PlanPicture(*this, {.width = width, .height = height}).output;
  return {size.height, size.width};
}

std::optional<std::array<int64_t, 2>> SiglipImageProcessor::FixedOutputSize() const {
  if (config_.do_pad && config_.pad_height != 0) return {{config_.pad_height, config_.pad_width}};
  if (config_.do_center_crop) return {{config_.crop_height, config_.crop_width}};
  const bool keeps_ratio =
      config_.shortest_edge != 0 || config_.max_height != 0 || config_.min_height != 0;
  if (!config_.do_resize || keeps_ratio) return std::nullopt;
  return {{config_.height, config_.width}};
}

void WritePixelValues(const SiglipImageProcessor& processor, const PicturePlan& plan,
                      const ImageView& resized, std::span<float> out) {
  PlaneWriter(processor.config(), processor.mode(), plan).Write(resized, out);
}

void SiglipImageProcessor::Preprocess(const Image& image, std::span<float> out) const {
  CheckImage(image);
  const PicturePlan plan = PlanPicture(*this, ImageView(image).size());
  CheckRoom(plan, out);
  siglip::Preprocess(*this, plan, image, out);
}

Tensor SiglipImageProcessor::PreprocessFile(const std::filesystem::path& path,
                                            const DecodeOptions& options) const {
  const Picture picture = Picture::File(path);
  OpenedPicture image(picture, options);
  const PicturePlan plan = PlanPicture(*this, image.size());
  Tensor pixel_values(DType::kF32, {3, plan.output.height, plan.output.width});
  siglip::Preprocess(*this, plan, image, pixel_values.floats());
  return pixel_values;
}

Tensor SiglipImageProcessor::operator()(std::span<const Image> images) const {
  if (images.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "image processor: no pictures given");
  }
  std::vector<PicturePlan> plans;
  for (const Image& image : images) {
    CheckImage(image);
    plans.push_back(PlanPicture(*this, ImageView(image).size()));
    if (plans.back().output == plans[0].output) continue;
    throw Error(ErrorCode::kMismatch,
                "image processor: the pictures of a batch come to different sizes",
                "give height and width as the size, or process them one by one");
  }
  const auto& [width, height] = plans[0].output;
  Tensor pixel_values(DType::kF32, {std::ssize(images), 3, height, width});
  const auto values = static_cast<size_t>(3 * height * width);
  for (size_t i = 0; i < images.size(); ++i) {
    siglip::Preprocess(*this, plans[i], images[i],
                       pixel_values.floats().subspan(i * values, values));
  }
  return pixel_values;
}

const ResizeKernels& ResizeKernelsOf(const SiglipImageProcessor& processor) {
  return *processor.resize_kernels_;
}

}  // namespace siglip
