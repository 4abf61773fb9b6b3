// See preprocessing_text.h.
#include "image/preprocessing_text.h"

#include <utility>

#include "base/json.h"

namespace siglip {
namespace {

/// `fields` as ToJson writes them.
std::string WithoutIdleFields(Json fields, const PixelConfig& config) {
  fields.erase("do_convert_rgb");  // pictures are RGB already
  if (!config.do_resize) {
    fields.erase("resample");
    fields.erase("size");
  }
  if (!config.do_rescale) fields.erase("rescale_factor");
  if (!config.do_normalize) {
    fields.erase("image_mean");
    fields.erase("image_std");
  }
  return JsonText(fields, -1, true);
}

}  // namespace

std::string PreprocessingText(const ImageProcessorConfig& config) {
  return WithoutIdleFields(ParseJson(config.ToJson(), "image processor"), config);
}

std::string PreprocessingText(const Siglip2ImageProcessorConfig& config) {
  Json fields = ParseJson(config.ToJson(), "image processor");
  fields.erase("max_num_patches");
  return WithoutIdleFields(std::move(fields), config);
}

}  // namespace siglip
