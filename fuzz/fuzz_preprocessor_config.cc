// The files that say how pictures are preprocessed: reading one either throws siglip::Error or
// gives a configuration that works, and that survives being written and read again.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "image/processor_config.h"
#include "image/processor_fields.h"
#include "siglip/transformers/image_processor.hpp"

namespace siglip {
namespace {

void Use(const ImageProcessorConfig& config) {
  const Image image{.width = 3, .height = 2, .rgb = std::vector<uint8_t>(18, 200)};
  const SiglipImageProcessor processor(config, PreprocessMode::kPillow13);
  const auto [height, width] = processor.OutputSize(image.height, image.width);
  if (height < 1 || width < 1) std::abort();
  if (height * width <= 4096) {
    std::vector<float> values(static_cast<size_t>(3 * height * width));
    processor.Preprocess(image, values);
    for (const float value : values) {
      if (!std::isfinite(value)) std::abort();
    }
  }
  const std::string written = config.ToJson();
  if (ImageProcessorConfig::FromJson(written, "again").ToJson() != written) std::abort();
}

void Use(const Siglip2ImageProcessorConfig& config) {
  const Image image{.width = 3, .height = 2, .rgb = std::vector<uint8_t>(18, 200)};
  const Siglip2ImageProcessor processor(config, PreprocessMode::kPillow13);
  const auto [rows, columns] = processor.SpatialShape(image.height, image.width);
  if (rows < 1 || columns < 1 || rows * columns > config.max_num_patches) std::abort();
  const int64_t values = rows * columns * processor.patch_values();
  if (values <= 3 * 4096) {
    std::vector<float> patches(static_cast<size_t>(values));
    processor.Preprocess(image, patches);
    for (const float value : patches) {
      if (!std::isfinite(value)) std::abort();
    }
  }
  const std::string written = config.ToJson();
  if (Siglip2ImageProcessorConfig::FromJson(written, "again").ToJson() != written) std::abort();
}

template <typename Reader>
void Try(const Reader& reader) {
  try {
    Use(reader());
  } catch (const Error&) {
  }
}

void Run(std::string_view text) {
  Try([&] { return ImageProcessorConfig::FromJson(text, "fuzz"); });
  Try([&] { return Siglip2ImageProcessorConfig::FromJson(text, "fuzz"); });
  const auto read = [](const Json& fields) { return ImageProcessorConfigFromJson(fields, "fuzz"); };
  Try([&] { return read(FieldsFromOpenClip(ParseJson(text, "fuzz"), "fuzz")); });
  Try([&] { return read(FieldsFromTimm(ParseJson(text, "fuzz"), "fuzz")); });
}

}  // namespace
}  // namespace siglip

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  siglip::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
