// Pictures to pixel_values. Sources: transformers image_processing_backends.py (TorchvisionBackend,
// PilBackend) and image_transforms.py (get_resize_output_image_size).
#include <algorithm>
#include <string>

#include "base/file_system.h"
#include "base/model_folder.h"
#include "image/picture_file.h"
#include "image/pixel_values.h"
#include "image/preprocess_encoded.h"
#include "image/processor_config.h"
#include "image/resize.h"
#include "siglip/error.h"
#include "siglip/image_processor.h"

namespace siglip {
namespace {

/// Interleaved bytes to planes of floats.
void Normalize(const Image& image, const ImageProcessorConfig& config, PreprocessMode mode,
               std::span<float> out) {
  const PixelValueTables tables = MakePixelValueTables(config, mode);
  const size_t pixels = image.rgb.size() / 3;
  const uint8_t* in = image.rgb.data();
  float* red = out.data();
  float* green = red + pixels;
  float* blue = green + pixels;
  for (size_t i = 0; i < pixels; ++i, in += 3) {
    red[i] = tables[0][in[0]];
    green[i] = tables[1][in[1]];
    blue[i] = tables[2][in[2]];
  }
}

}  // namespace

SiglipImageProcessor::SiglipImageProcessor(const ImageProcessorConfig& config, PreprocessMode mode)
    : config_(config), mode_(mode) {
  CheckConfig(config, ErrorCode::kInvalidArgument, "image processor");
  if (config.do_resize) CheckResampleSupported(config.resample, mode);
}

SiglipImageProcessor SiglipImageProcessor::FromPretrained(const std::filesystem::path& folder,
                                                          PreprocessMode mode) {
  if (const auto fields = FindProcessorFields(folder)) {
    return {ImageProcessorConfigFromJson(fields->json, fields->name), mode};
  }
  const auto exists = [&](const char* file) { return FileExists(folder / file); };
  const auto path = [&](const char* file) { return (folder / file).string(); };
  if (exists("open_clip_config.json")) {
    const Json file = ParseJsonFile(folder / "open_clip_config.json");
    return {ConfigFromOpenClip(file, path("open_clip_config.json")), mode};
  }
  if (exists("config.json")) {
    const Json file = ParseJsonFile(folder / "config.json");
    if (file.is_object() && file.contains("pretrained_cfg")) {
      return {ConfigFromTimm(file["pretrained_cfg"], path("config.json")), mode};
    }
  }
  throw DiagnoseFolder(
      folder,
      Error(ErrorCode::kNotFound, folder.string() + ": no file says how pictures are preprocessed",
            "expected preprocessor_config.json, processor_config.json, "
            "open_clip_config.json, or a config.json of timm"));
}

std::array<int64_t, 2> SiglipImageProcessor::OutputSize(int64_t height, int64_t width) const {
  CheckSides("input", height, width);
  std::array<int64_t, 2> size = {config_.height, config_.width};
  if (!config_.do_resize) {
    size = {height, width};
  } else if (config_.shortest_edge > 0) {
    const int64_t shorter = std::min(height, width);
    const int64_t longer = std::max(height, width);
    // Python's int(edge * longer / shorter): the quotient is rounded to double before it is cut.
    const auto new_longer = static_cast<int64_t>(
        static_cast<double>(config_.shortest_edge * longer) / static_cast<double>(shorter));
    size = width <= height ? std::array{new_longer, config_.shortest_edge}
                           : std::array{config_.shortest_edge, new_longer};
  }
  CheckOutputSize(size[0], size[1]);
  return size;
}

void SiglipImageProcessor::Preprocess(const Image& image, std::span<float> out) const {
  CheckImage(image);
  const auto [height, width] = OutputSize(image.height, image.width);
  if (out.size() != static_cast<size_t>(3 * height * width)) {
    throw Error(ErrorCode::kMismatch, "image processor: room for " + std::to_string(out.size()) +
                                          " values, expected 3 x " + std::to_string(height) +
                                          " x " + std::to_string(width));
  }
  if (height == image.height && width == image.width) {
    Normalize(image, config_, mode_, out);
    return;
  }
  Normalize(Resize(image, height, width, config_.resample, mode_), config_, mode_, out);
}

void PreprocessEncoded(const SiglipImageProcessor& processor, EncodedImage& image,
                       std::span<float> out) {
  const auto [height, width] = processor.OutputSize(image.size().height, image.size().width);
  // What has the output size already is only rescaled and normalised.
  processor.Preprocess(image.Resized({.height = height,
                                      .width = width,
                                      .resample = processor.config().resample,
                                      .mode = processor.mode()}),
                       out);
}

Tensor SiglipImageProcessor::PreprocessFile(const std::filesystem::path& path,
                                            const DecodeOptions& options) const {
  const PictureFile file(path, options.limits);
  const std::string name = path.string();
  EncodedImage image(file.bytes(), options, name);
  const auto [height, width] = OutputSize(image.size().height, image.size().width);
  Tensor pixel_values(DType::kF32, {3, height, width});
  PreprocessEncoded(*this, image, pixel_values.floats());
  return pixel_values;
}

Tensor SiglipImageProcessor::operator()(std::span<const Image> images) const {
  if (images.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "image processor: no pictures given");
  }
  const std::array<int64_t, 2> size = OutputSize(images[0].height, images[0].width);
  for (const Image& image : images) {
    CheckImage(image);
    if (OutputSize(image.height, image.width) == size) continue;
    throw Error(ErrorCode::kMismatch,
                "image processor: the pictures of a batch come to different sizes",
                "give height and width as the size, or process them one by one");
  }
  Tensor pixel_values(DType::kF32, {static_cast<int64_t>(images.size()), 3, size[0], size[1]});
  const size_t values = static_cast<size_t>(3 * size[0] * size[1]);
  for (size_t i = 0; i < images.size(); ++i) {
    Preprocess(images[i], pixel_values.floats().subspan(i * values, values));
  }
  return pixel_values;
}

}  // namespace siglip
