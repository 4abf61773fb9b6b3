// preprocessor_config.json. Source: transformers image_processing_utils.py (_set_attributes,
// _standardize_kwargs, get_size_dict), image_utils.py (validate_preprocess_arguments) and
// image_processing_backends.py, version 5.24.
#include "image/processor_config.h"

#include <cmath>
#include <utility>

#include "image/processor_fields.h"
#include "image/resize.h"

namespace siglip {
namespace {

// Between these every pixel's result is an ordinary float.
constexpr double kLargestValue = 1e9;
constexpr double kSmallestValue = 1e-9;

std::string Indexed(const std::string& key, size_t index) {
  return key + "[" + std::to_string(index) + "]";
}

Error WrongField(const Json& value, const std::string& key, const std::string& name,
                 const std::string& expected) {
  return Error(ErrorCode::kMalformedFile, name + ": field '" + key + "': expected " + expected +
                                              ", found " + ShownJson(value));
}

Error WrongValue(ErrorCode code, const std::string& name, const std::string& field, double found,
                 const std::string& expected) {
  return Error(
      code, name + ": field '" + field + "': expected " + expected + ", found " + ShownJson(found));
}

/// Null is what transformers treats as false.
bool Flag(const Json& fields, const std::string& key, bool otherwise, const std::string& name) {
  const auto found = fields.find(key);
  if (found == fields.end()) return otherwise;
  return !found->is_null() && JsonBool(*found, key, name);
}

/// What is not used may be null.
const Json* Find(const Json& fields, const std::string& key, bool used) {
  const auto found = fields.find(key);
  return found == fields.end() || (found->is_null() && !used) ? nullptr : &*found;
}

/// A pair of sides under the names that stand for it in "size"; absent, wholly or in part: false.
bool ReadPair(const Json& size, const std::string& name, std::pair<const char*, const char*> keys,
              std::pair<int64_t&, int64_t&> sides) {
  if (size.size() != 2 || !size.contains(keys.first) || !size.contains(keys.second)) return false;
  sides.first = JsonSide(size[keys.first], std::string("size.") + keys.first, name);
  sides.second = JsonSide(size[keys.second], std::string("size.") + keys.second, name);
  return true;
}

void ReadSizeObject(const Json& size, const std::string& name, ImageProcessorConfig& config) {
  constexpr const char* kShortest = "shortest_edge";
  if (ReadPair(size, name, {"height", "width"}, {config.height, config.width}) ||
      ReadPair(size, name, {kShortest, "longest_edge"},
               {config.shortest_edge, config.longest_edge}) ||
      ReadPair(size, name, {"max_height", "max_width"}, {config.max_height, config.max_width}) ||
      ReadPair(size, name, {"min_height", "min_width"}, {config.min_height, config.min_width})) {
    return;
  }
  if (size.size() == 1 && size.contains(kShortest)) {
    config.shortest_edge = JsonSide(size[kShortest], std::string("size.") + kShortest, name);
    return;
  }
  for (const char* key : {"longest_edge", "min_pixels", "max_pixels"}) {
    if (!size.contains(key)) continue;
    throw Error(ErrorCode::kUnsupported,
                name + ": field 'size': '" + key + "' is not supported here",
                "give height and width, shortest_edge, or max_height and max_width");
  }
  throw WrongField(size, "size", name,
                   "height and width, shortest_edge, or max_height and max_width");
}

/// A lone integer is the shortest edge unless default_to_square says otherwise; a list is height
/// and width.
void ReadSize(const Json& fields, const std::string& name, ImageProcessorConfig& config) {
  const bool square = Flag(fields, "default_to_square", true, name);
  const Json* found = Find(fields, "size", config.do_resize);
  if (found == nullptr) return;
  if (found->is_object()) {
    ReadSizeObject(*found, name, config);
  } else if (found->is_array() && found->size() == 2) {
    config.height = JsonSide((*found)[0], "size[0]", name);
    config.width = JsonSide((*found)[1], "size[1]", name);
  } else if (!found->is_number()) {
    throw WrongField(*found, "size", name, "an object, an integer or a list of two");
  } else if (square) {
    config.height = config.width = JsonSide(*found, "size", name);
  } else {
    config.shortest_edge = JsonSide(*found, "size", name);
  }
}

/// "crop_size" or "pad_size": height and width, as an object, a list or one integer for both.
void ReadRectangle(const Json& value, const std::string& key, const std::string& name,
                   int64_t& height, int64_t& width) {
  if (value.is_number()) {
    height = width = JsonSide(value, key, name);
  } else if (value.is_array() && value.size() == 2) {
    height = JsonSide(value[0], Indexed(key, 0), name);
    width = JsonSide(value[1], Indexed(key, 1), name);
  } else if (value.is_object() && value.size() == 2 && value.contains("height") &&
             value.contains("width")) {
    height = JsonSide(value["height"], key + ".height", name);
    width = JsonSide(value["width"], key + ".width", name);
  } else {
    throw WrongField(value, key, name, "height and width");
  }
}

void ReadRounding(const Json& fields, const std::string& name, ImageProcessorConfig& config) {
  const Json* found = Find(fields, "rounding", false);
  if (found == nullptr) return;
  const std::string rounding = JsonString(*found, "rounding", name);
  if (rounding != "half_even") throw WrongField(*found, "rounding", name, "\"half_even\"");
  config.rounding = PixelRounding::kHalfEven;
}

void ReadCrop(const Json& fields, const std::string& name, ImageProcessorConfig& config) {
  config.do_center_crop = Flag(fields, "do_center_crop", false, name);
  if (!config.do_center_crop) return;
  const Json* size = Find(fields, "crop_size", true);
  ReadRectangle(size == nullptr ? Json() : *size, "crop_size", name, config.crop_height,
                config.crop_width);
  if (const Json* colour = Find(fields, "fill_color", false)) {
    const std::array<double, 3> values = JsonChannels(*colour, "fill_color", name);
    for (size_t i = 0; i < 3; ++i) {
      if (!(values[i] >= 0 && values[i] <= 255) || values[i] != std::floor(values[i])) {
        throw WrongField(*colour, "fill_color", name, "bytes");
      }
      config.fill_color[i] = static_cast<uint8_t>(values[i]);
    }
  }
}

void ReadPad(const Json& fields, const std::string& name, ImageProcessorConfig& config) {
  config.do_pad = Flag(fields, "do_pad", false, name);
  const Json* size = Find(fields, "pad_size", false);
  if (!config.do_pad || size == nullptr) return;
  ReadRectangle(*size, "pad_size", name, config.pad_height, config.pad_width);
}

Json SizeJson(const ImageProcessorConfig& config) {
  if (config.shortest_edge != 0) {
    Json size = {{"shortest_edge", config.shortest_edge}};
    if (config.longest_edge != 0) size["longest_edge"] = config.longest_edge;
    return size;
  }
  if (config.max_height != 0) {
    return {{"max_height", config.max_height}, {"max_width", config.max_width}};
  }
  if (config.min_height != 0) {
    return {{"min_height", config.min_height}, {"min_width", config.min_width}};
  }
  return {{"height", config.height}, {"width", config.width}};
}

void ReadResample(const Json& fields, const std::string& name, PixelConfig& config) {
  const Json* found = Find(fields, "resample", config.do_resize);
  if (found == nullptr) return;
  const int64_t number = JsonInteger(*found, "resample", name);
  if (number < 0 || number > 5) {
    throw WrongField(*found, "resample", name,
                     "0 (nearest), 1 (lanczos), 2 (bilinear), 3 (bicubic), 4 (box) or 5 (hamming)");
  }
  config.resample = static_cast<Resample>(number);
}

}  // namespace

void RequireObject(const Json& value, const std::string& key, const std::string& name) {
  if (!value.is_object()) throw WrongField(value, key, name, "an object");
}

int64_t JsonSide(const Json& value, const std::string& key, const std::string& name) {
  const int64_t side = JsonInteger(value, key, name);
  if (side < 1 || side > kMaxImageSide) {
    throw WrongField(value, key, name, "1 to " + std::to_string(kMaxImageSide));
  }
  return side;
}

std::array<double, 3> JsonChannels(const Json& value, const std::string& key,
                                   const std::string& name) {
  if (value.is_number()) {
    const double number = JsonNumber(value, key, name);
    return {number, number, number};
  }
  if (!value.is_array() || value.size() != 3) {
    throw WrongField(value, key, name, "a number or a list of three");
  }
  std::array<double, 3> numbers;
  for (size_t i = 0; i < 3; ++i) {
    numbers[i] = JsonNumber(value[i], Indexed(key, i), name);
  }
  return numbers;
}

void CheckPixelConfig(const PixelConfig& config, ErrorCode code, const std::string& name) {
  const auto require = [&](bool good, const std::string& field, double found,
                           const std::string& expected) {
    if (!good) throw WrongValue(code, name, field, found, expected);
  };
  const auto is_factor = [](double value) {
    return std::abs(value) >= kSmallestValue && std::abs(value) <= kLargestValue;
  };
  ToString(config.resample);  // refuses numbers that name nothing
  const std::string factors = "a value of 1e-9 to 1e9";
  require(!config.do_rescale || is_factor(config.rescale_factor), "rescale_factor",
          config.rescale_factor, factors);
  for (size_t channel = 0; config.do_normalize && channel < 3; ++channel) {
    const double mean = config.image_mean[channel];
    require(std::abs(mean) <= kLargestValue, Indexed("image_mean", channel), mean, "at most 1e9");
    require(is_factor(config.image_std[channel]), Indexed("image_std", channel),
            config.image_std[channel], factors);
  }
}

void CheckConfig(const ImageProcessorConfig& config, ErrorCode code, const std::string& name) {
  const auto require_side = [&](const std::string& field, int64_t side) {
    if (side >= 1 && side <= kMaxImageSide) return;
    throw Error(code, name + ": field '" + field + "': expected 1 to " +
                          std::to_string(kMaxImageSide) + ", found " + std::to_string(side));
  };
  const auto require_sides = [&](const std::string& prefix, int64_t height, int64_t width) {
    require_side(prefix + "height", height);
    require_side(prefix + "width", width);
  };
  if (config.shortest_edge != 0) {
    require_side("size.shortest_edge", config.shortest_edge);
    if (config.longest_edge != 0) require_side("size.longest_edge", config.longest_edge);
  } else if (config.max_height != 0) {
    require_sides("size.max_", config.max_height, config.max_width);
  } else if (config.min_height != 0) {
    require_sides("size.min_", config.min_height, config.min_width);
  } else {
    require_sides("size.", config.height, config.width);
  }
  if (config.do_center_crop) {
    require_sides("crop_size.", config.crop_height, config.crop_width);
  }
  if (config.do_pad && (config.pad_height != 0 || config.pad_width != 0)) {
    require_sides("pad_size.", config.pad_height, config.pad_width);
  }
  CheckPixelConfig(config, code, name);
}

void ReadPixelConfig(const Json& fields, const std::string& name, PixelConfig& config) {
  RefuseOtherSteps(fields, name);
  config.do_convert_rgb = Flag(fields, "do_convert_rgb", config.do_convert_rgb, name);
  config.do_resize = Flag(fields, "do_resize", config.do_resize, name);
  config.do_rescale = Flag(fields, "do_rescale", config.do_rescale, name);
  config.do_normalize = Flag(fields, "do_normalize", config.do_normalize, name);
  ReadResample(fields, name, config);
  if (const Json* factor = Find(fields, "rescale_factor", config.do_rescale)) {
    config.rescale_factor = JsonNumber(*factor, "rescale_factor", name);
  }
  if (const Json* mean = Find(fields, "image_mean", config.do_normalize)) {
    config.image_mean = JsonChannels(*mean, "image_mean", name);
  }
  if (const Json* deviation = Find(fields, "image_std", config.do_normalize)) {
    config.image_std = JsonChannels(*deviation, "image_std", name);
  }
}

Json PixelConfigJson(const PixelConfig& config) {
  return {{"do_convert_rgb", config.do_convert_rgb},
          {"do_resize", config.do_resize},
          {"resample", static_cast<int>(config.resample)},
          {"do_rescale", config.do_rescale},
          {"rescale_factor", config.rescale_factor},
          {"do_normalize", config.do_normalize},
          {"image_mean", config.image_mean},
          {"image_std", config.image_std}};
}

ImageProcessorConfig ImageProcessorConfigFromJson(const Json& fields, const std::string& name) {
  RequireObject(fields, "(whole file)", name);
  const Json complete = WithClassDefaults(fields, name);
  ImageProcessorConfig config;
  ReadPixelConfig(complete, name, config);
  ReadSize(complete, name, config);
  ReadRounding(complete, name, config);
  ReadCrop(complete, name, config);
  ReadPad(complete, name, config);
  CheckConfig(config, ErrorCode::kMalformedFile, name);
  return config;
}

ImageProcessorConfig ImageProcessorConfig::FromJson(std::string_view json,
                                                    const std::string& name) {
  return ImageProcessorConfigFromJson(ParseJson(json, name), name);
}

std::string ImageProcessorConfig::ToJson() const {
  Json fields = PixelConfigJson(*this);
  fields["image_processor_type"] = "SiglipImageProcessor";
  fields["size"] = SizeJson(*this);
  if (rounding == PixelRounding::kHalfEven) fields["rounding"] = "half_even";
  if (do_center_crop) {
    fields["do_center_crop"] = true;
    fields["crop_size"] = {{"height", crop_height}, {"width", crop_width}};
    if (fill_color != std::array<uint8_t, 3>{0, 0, 0}) fields["fill_color"] = fill_color;
  }
  if (do_pad) {
    fields["do_pad"] = true;
    if (pad_height != 0) fields["pad_size"] = {{"height", pad_height}, {"width", pad_width}};
  }
  return fields.dump(2) + "\n";
}

}  // namespace siglip
