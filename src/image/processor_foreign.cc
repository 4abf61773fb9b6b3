// What open_clip and timm folders say about preprocessing, in transformers' fields and siglip's own
// beside them. Sources: open_clip src/open_clip/transform.py (PreprocessCfg, image_transform) and
// factory.py, version 3.3; timm models/_hub.py (_parse_model_cfg), data/config.py
// (resolve_data_config) and data/transforms_factory.py (transforms_imagenet_eval), version 1.0.31.
#include <algorithm>
#include <array>
#include <cmath>

#include "image/processor_config.h"
#include "image/processor_fields.h"
#include "image/resize.h"

namespace siglip {
namespace {

// What open_clip normalises with unless told otherwise: CLIP's own statistics.
constexpr std::array<double, 3> kClipMean = {0.48145466, 0.4578275, 0.40821073};
constexpr std::array<double, 3> kClipStd = {0.26862954, 0.26130258, 0.27577711};
// timm's defaults: those of ImageNet.
constexpr std::array<double, 3> kImageNetMean = {0.485, 0.456, 0.406};
constexpr std::array<double, 3> kImageNetStd = {0.229, 0.224, 0.225};
constexpr double kTimmCropFraction = 0.875;
constexpr int64_t kDefaultSide = 224;

struct Sides {
  int64_t height = kDefaultSide;
  int64_t width = kDefaultSide;
};

std::string StringOr(const Json& object, const char* key, const char* otherwise,
                     const std::string& name) {
  const Json* found = JsonField(object, key);
  return found == nullptr ? otherwise : JsonString(*found, key, name);
}

std::array<double, 3> ChannelsOr(const Json& object, const char* key,
                                 const std::array<double, 3>& otherwise, const std::string& name) {
  const Json* found = JsonField(object, key);
  return found == nullptr ? otherwise : JsonChannels(*found, key, name);
}

/// One number for both sides, or [height, width].
Sides ReadSides(const Json& value, const std::string& key, const std::string& name) {
  const bool pair = value.is_array() && value.size() == 2;
  return {JsonSide(pair ? value[0] : value, key, name),
          JsonSide(pair ? value[1] : value, key, name)};
}

int ReadInterpolation(const std::string& interpolation, const std::string& name) {
  try {
    return static_cast<int>(ParseResample(interpolation));
  } catch (const Error& error) {
    throw Error(ErrorCode::kMalformedFile, name + ": field 'interpolation': " + error.message(),
                error.hint());
  }
}

Error UnknownMode(const std::string& name, const char* field, const char* known,
                  const std::string& found) {
  return Error(ErrorCode::kUnsupported,
               name + ": field '" + field + "': expected " + known + ", found \"" + found + "\"");
}

Json Rectangle(const Sides& sides) { return {{"height", sides.height}, {"width", sides.width}}; }

/// Cut out of the middle, or in the middle of a border.
void CropTo(const Sides& sides, Json& fields) {
  fields["do_center_crop"] = true;
  fields["crop_size"] = Rectangle(sides);
  fields["rounding"] = "half_even";
}

/// The aspect ratio is kept: both sides become at least so long, the shorter ones exactly.
Json CoveringSize(const Sides& sides) {
  if (sides.height == sides.width) return {{"shortest_edge", sides.height}};
  return {{"min_height", sides.height}, {"min_width", sides.width}};
}

/// The aspect ratio is kept: both sides become at most so long.
Json FittingSize(const Sides& sides) {
  return {{"max_height", sides.height}, {"max_width", sides.width}};
}

Sides OpenClipSides(const Json& file, const Json& preprocess, const std::string& name) {
  Sides sides;
  if (const Json* size = JsonField(preprocess, "size")) sides = ReadSides(*size, "size", name);
  // The model's image size, where it is given, overrides that of the preprocessing.
  const Json* model = JsonField(file, "model_cfg");
  if (model == nullptr) return sides;
  RequireObject(*model, "model_cfg", name);
  const Json* vision = JsonField(*model, "vision_cfg");
  if (vision == nullptr) return sides;
  RequireObject(*vision, "vision_cfg", name);
  const Json* size = JsonField(*vision, "image_size");
  return size == nullptr ? sides : ReadSides(*size, "image_size", name);
}

/// torchvision cuts fractions off, Pillow limits to a byte.
Json FillColour(const std::array<double, 3>& colour) {
  Json bytes = Json::array();
  for (const double value : colour) {
    bytes.push_back(value > 0.0 ? static_cast<int>(std::min(value, 255.0)) : 0);
  }
  return bytes;
}

void SetOpenClipSize(const Json& file, const Json& preprocess, const std::string& name,
                     Json& fields) {
  const Sides sides = OpenClipSides(file, preprocess, name);
  const std::string mode = StringOr(preprocess, "resize_mode", "shortest", name);
  if (mode == "squash") {
    fields["size"] = Rectangle(sides);
    return;
  }
  CropTo(sides, fields);
  if (mode == "longest") {
    fields["size"] = FittingSize(sides);
    fields["fill_color"] = FillColour(ChannelsOr(preprocess, "fill_color", {0, 0, 0}, name));
  } else if (mode == "shortest") {
    fields["size"] = CoveringSize(sides);
    // Not handed on for pictures that are not square.
    if (sides.height != sides.width) fields["resample"] = static_cast<int>(Resample::kBicubic);
  } else {
    throw UnknownMode(name, "resize_mode", "shortest, longest or squash", mode);
  }
}

/// What pictures are resized to before `sides` are cut out.
Sides TimmScaled(const Json& pretrained, const Sides& sides, const std::string& name) {
  const Json* found = JsonField(pretrained, "crop_pct");
  double fraction = found == nullptr ? 0.0 : JsonNumber(*found, "crop_pct", name);
  if (fraction == 0.0) fraction = kTimmCropFraction;
  const auto scaled = [&](int64_t side) {
    const double result = std::floor(static_cast<double>(side) / fraction);
    if (result >= 1 && result <= static_cast<double>(kMaxImageSide)) {
      return static_cast<int64_t>(result);
    }
    throw Error(ErrorCode::kMalformedFile,
                name + ": field 'crop_pct': expected a fraction such as 0.9, found " +
                    Json(fraction).dump());
  };
  return {scaled(sides.height), scaled(sides.width)};
}

Sides TimmSides(const Json& pretrained, const std::string& name) {
  const Json* input_size = JsonField(pretrained, "input_size");
  if (input_size == nullptr) return {};
  if (!input_size->is_array() || input_size->size() != 3) {
    throw Error(ErrorCode::kMalformedFile,
                name + ": field 'input_size': expected a list of channels, height and width");
  }
  if (JsonInteger((*input_size)[0], "input_size[0]", name) != 3) {
    throw Error(
        ErrorCode::kUnsupported,
        name + ": field 'input_size': expected 3 channels, found " + ShownJson((*input_size)[0]));
  }
  return {JsonSide((*input_size)[1], "input_size[1]", name),
          JsonSide((*input_size)[2], "input_size[2]", name)};
}

void SetTimmSize(const Json& pretrained, const std::array<double, 3>& mean, const std::string& name,
                 Json& fields) {
  const Sides sides = TimmSides(pretrained, name);
  const Sides scaled = TimmScaled(pretrained, sides, name);
  const std::string mode = StringOr(pretrained, "crop_mode", "center", name);
  const bool whole = scaled.height == sides.height && scaled.width == sides.width;
  if (mode != "squash" || !whole) CropTo(sides, fields);
  if (mode == "squash") {
    fields["size"] = Rectangle(scaled);
  } else if (mode == "border") {
    fields["size"] = FittingSize(scaled);
    std::array<double, 3> colour = mean;
    for (double& value : colour) value = std::nearbyint(255 * value);
    fields["fill_color"] = FillColour(colour);
  } else if (mode == "center") {
    fields["size"] = CoveringSize(scaled);
  } else {
    throw UnknownMode(name, "crop_mode", "center, border or squash", mode);
  }
}

}  // namespace

Json FieldsFromOpenClip(const Json& file, const std::string& name) {
  RequireObject(file, "(whole file)", name);
  const Json empty = Json::object();
  const Json* found = JsonField(file, "preprocess_cfg");
  const Json& preprocess = found == nullptr ? empty : *found;
  RequireObject(preprocess, "preprocess_cfg", name);
  const std::string color_mode = StringOr(preprocess, "mode", "RGB", name);
  if (color_mode != "RGB") throw UnknownMode(name, "mode", "RGB", color_mode);
  const std::string interpolation = StringOr(preprocess, "interpolation", "bicubic", name);
  Json fields = {
      {"image_processor_type", "SiglipImageProcessor"},
      // "random" is for training only.
      {"resample", ReadInterpolation(interpolation == "random" ? "bicubic" : interpolation, name)},
      {"image_mean", ChannelsOr(preprocess, "mean", kClipMean, name)},
      {"image_std", ChannelsOr(preprocess, "std", kClipStd, name)}};
  SetOpenClipSize(file, preprocess, name, fields);
  return fields;
}

bool HasTimmFields(const Json& file) {
  return file.is_object() && (file.contains("pretrained_cfg") ||
                              (file.contains("architecture") && file.contains("input_size")));
}

Json FieldsFromTimm(const Json& file, const std::string& name) {
  const Json& pretrained = file.contains("pretrained_cfg") ? file["pretrained_cfg"] : file;
  RequireObject(pretrained, "pretrained_cfg", name);
  const std::string interpolation = StringOr(pretrained, "interpolation", "bicubic", name);
  if (interpolation == "random") {
    throw UnknownMode(name, "interpolation", "a filter such as bicubic", interpolation);
  }
  const std::array<double, 3> mean = ChannelsOr(pretrained, "mean", kImageNetMean, name);
  Json fields = {{"image_processor_type", "SiglipImageProcessor"},
                 {"resample", ReadInterpolation(interpolation, name)},
                 {"image_mean", mean},
                 {"image_std", ChannelsOr(pretrained, "std", kImageNetStd, name)}};
  SetTimmSize(pretrained, mean, name, fields);
  return fields;
}

}  // namespace siglip
