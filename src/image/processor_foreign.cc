// The preprocessing that open_clip and timm folders describe. Both projects resize with Pillow, so
// that PreprocessMode::kPillow or kPillow13 gives their pixels. Sources: open_clip
// src/open_clip/transform.py (PreprocessCfg, image_transform) and factory.py; timm data/config.py
// (resolve_data_config) and data/transforms_factory.py (transforms_imagenet_eval).
#include <algorithm>
#include <cmath>

#include "image/processor_config.h"

namespace siglip {
namespace {

// What open_clip normalises with unless told otherwise: CLIP's own statistics.
constexpr std::array<double, 3> kClipMean = {0.48145466, 0.4578275, 0.40821073};
constexpr std::array<double, 3> kClipStd = {0.26862954, 0.26130258, 0.27577711};
// timm's defaults: those of ImageNet.
constexpr std::array<double, 3> kImageNetMean = {0.485, 0.456, 0.406};
constexpr std::array<double, 3> kImageNetStd = {0.229, 0.224, 0.225};
constexpr double kTimmCropFraction = 0.875;

const Json* Find(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string StringOr(const Json& object, const char* key, const char* otherwise,
                     const std::string& name) {
  const Json* found = Find(object, key);
  return found == nullptr ? otherwise : JsonString(*found, key, name);
}

std::array<double, 3> ChannelsOr(const Json& object, const char* key,
                                 const std::array<double, 3>& otherwise, const std::string& name) {
  const Json* found = Find(object, key);
  return found == nullptr ? otherwise : JsonChannels(*found, key, name);
}

/// One number for both sides, or [height, width].
void SetSize(const Json& value, const std::string& key, const std::string& name,
             ImageProcessorConfig& config) {
  const bool pair = value.is_array() && value.size() == 2;
  config.height = JsonSide(pair ? value[0] : value, key, name);
  config.width = JsonSide(pair ? value[1] : value, key, name);
}

Resample ParseInterpolation(const std::string& interpolation, const std::string& name) {
  if (interpolation == "random") return Resample::kBicubic;  // outside of training
  try {
    return ParseResample(interpolation);
  } catch (const Error& error) {
    throw Error(ErrorCode::kMalformedFile, name + ": field 'interpolation': " + error.message(),
                error.hint());
  }
}

Error NeedsCrop(const std::string& name, const std::string& field, const std::string& found) {
  return Error(ErrorCode::kUnsupported,
               name + ": field '" + field + "': expected squash, without cropping, found " + found,
               "only resizing to the model's size is supported; a preprocessor_config.json in the "
               "same folder takes precedence over this file");
}

}  // namespace

ImageProcessorConfig ConfigFromOpenClip(const Json& file, const std::string& name) {
  RequireObject(file, "(whole file)", name);
  const Json empty = Json::object();
  const Json* found = Find(file, "preprocess_cfg");
  const Json& preprocess = found == nullptr ? empty : *found;
  RequireObject(preprocess, "preprocess_cfg", name);
  const std::string resize_mode = StringOr(preprocess, "resize_mode", "shortest", name);
  if (resize_mode != "squash") throw NeedsCrop(name, "resize_mode", resize_mode);
  const std::string color_mode = StringOr(preprocess, "mode", "RGB", name);
  if (color_mode != "RGB") {
    throw Error(ErrorCode::kUnsupported,
                name + ": field 'mode': expected RGB, found " + color_mode);
  }
  ImageProcessorConfig config;
  config.resample =
      ParseInterpolation(StringOr(preprocess, "interpolation", "bicubic", name), name);
  config.image_mean = ChannelsOr(preprocess, "mean", kClipMean, name);
  config.image_std = ChannelsOr(preprocess, "std", kClipStd, name);
  // The model's image size, where it is given, overrides that of the preprocessing.
  if (const Json* size = Find(preprocess, "size")) SetSize(*size, "size", name, config);
  if (const Json* model = Find(file, "model_cfg")) {
    RequireObject(*model, "model_cfg", name);
    if (const Json* vision = Find(*model, "vision_cfg")) {
      RequireObject(*vision, "vision_cfg", name);
      if (const Json* size = Find(*vision, "image_size")) {
        SetSize(*size, "image_size", name, config);
      }
    }
  }
  CheckConfig(config, ErrorCode::kMalformedFile, name);
  return config;
}

ImageProcessorConfig ConfigFromTimm(const Json& pretrained, const std::string& name) {
  RequireObject(pretrained, "pretrained_cfg", name);
  const Json* input_size = Find(pretrained, "input_size");
  if (input_size == nullptr || !input_size->is_array() || input_size->size() != 3) {
    throw Error(ErrorCode::kMalformedFile,
                name + ": field 'input_size': expected a list of channels, height and width");
  }
  if (JsonInteger((*input_size)[0], "input_size[0]", name) != 3) {
    throw Error(
        ErrorCode::kUnsupported,
        name + ": field 'input_size': expected 3 channels, found " + ShownJson((*input_size)[0]));
  }
  ImageProcessorConfig config;
  config.height = JsonSide((*input_size)[1], "input_size[1]", name);
  config.width = JsonSide((*input_size)[2], "input_size[2]", name);
  const Json* fraction = Find(pretrained, "crop_pct");
  const double crop_fraction =
      fraction == nullptr ? kTimmCropFraction : JsonNumber(*fraction, "crop_pct", name);
  // timm resizes to floor(side / crop_pct) and crops what is too much, for squash too.
  const auto is_cropped = [&](int64_t side) {
    return std::floor(static_cast<double>(side) / crop_fraction) != static_cast<double>(side);
  };
  const std::string crop_mode = StringOr(pretrained, "crop_mode", "center", name);
  if (crop_mode != "squash") throw NeedsCrop(name, "crop_mode", crop_mode);
  if (is_cropped(config.height) || is_cropped(config.width)) {
    throw NeedsCrop(name, "crop_pct", Json(crop_fraction).dump());
  }
  config.resample =
      ParseInterpolation(StringOr(pretrained, "interpolation", "bicubic", name), name);
  config.image_mean = ChannelsOr(pretrained, "mean", kImageNetMean, name);
  config.image_std = ChannelsOr(pretrained, "std", kImageNetStd, name);
  CheckConfig(config, ErrorCode::kMalformedFile, name);
  return config;
}

}  // namespace siglip
