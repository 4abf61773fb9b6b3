// preprocessor_config.json. Source: transformers image_processing_utils.py (_standardize_kwargs,
// get_size_dict), image_utils.py (validate_preprocess_arguments), image_processing_backends.py and
// models/siglip/image_processing_siglip.py, version 5.
#include "image/processor_config.h"

#include <cmath>
#include <utility>

#include "base/file_system.h"
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

/// Other processors have steps that SigLIP's does not have; leaving them out would silently give
/// other pixels.
void RefuseOtherProcessors(const Json& fields, const std::string& name) {
  const std::string type = ProcessorType(fields, name);
  if (type.empty() || type == "SiglipImageProcessor" || type == "SiglipImageProcessorFast" ||
      type == "SiglipImageProcessorPil" || type == "SiglipFeatureExtractor") {
    return;
  }
  throw Error(ErrorCode::kUnsupported,
              name + ": field 'image_processor_type': expected \"SiglipImageProcessor\", found " +
                  ShownJson(type),
              type.starts_with("Siglip2ImageProcessor")
                  ? "this is NaFlex preprocessing, which keeps the aspect ratio: it needs a model "
                    "of variable resolution"
                  : "only SigLIP's own preprocessing is supported");
}

void RefuseOtherSteps(const Json& fields, const std::string& name) {
  for (const char* key :
       {"do_center_crop", "do_pad", "do_thumbnail", "do_align_long_axis", "do_crop_margin",
        "do_pan_and_scan", "do_image_splitting", "do_flip_channel_order", "do_grayscale"}) {
    if (!Flag(fields, key, false, name)) continue;
    throw Error(ErrorCode::kUnsupported, name + ": field '" + key + "': expected false, found true",
                "SigLIP's preprocessing has no such step");
  }
}

void ReadSizeObject(const Json& size, const std::string& name, ImageProcessorConfig& config) {
  const auto side = [&](const char* key) {
    return JsonSide(size.at(key), std::string("size.") + key, name);
  };
  if (size.size() == 2 && size.contains("height") && size.contains("width")) {
    config.height = side("height");
    config.width = side("width");
    return;
  }
  if (size.size() == 1 && size.contains("shortest_edge")) {
    config.shortest_edge = side("shortest_edge");
    return;
  }
  for (const char* key : {"longest_edge", "max_height", "max_width", "min_pixels", "max_pixels"}) {
    if (!size.contains(key)) continue;
    throw Error(ErrorCode::kUnsupported, name + ": field 'size': '" + key + "' is not supported",
                "give height and width, or shortest_edge");
  }
  throw WrongField(size, "size", name, "height and width, or shortest_edge");
}

/// A lone integer is the shortest edge unless default_to_square says otherwise; a list is height
/// and width.
void ReadSize(const Json& fields, const std::string& name, ImageProcessorConfig& config) {
  const bool square = Flag(fields, "default_to_square", false, name);
  const auto found = fields.find("size");
  if (found == fields.end()) return;
  if (found->is_null() && !config.do_resize) return;
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

void ReadResample(const Json& fields, const std::string& name, PixelConfig& config) {
  const auto found = fields.find("resample");
  if (found == fields.end() || (found->is_null() && !config.do_resize)) return;
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
  const auto require_side = [&](int64_t side, const char* field) {
    if (side >= 1 && side <= kMaxImageSide) return;
    throw WrongValue(code, name, field, static_cast<double>(side),
                     "1 to " + std::to_string(kMaxImageSide));
  };
  if (config.shortest_edge != 0) {
    require_side(config.shortest_edge, "size.shortest_edge");
  } else {
    require_side(config.height, "size.height");
    require_side(config.width, "size.width");
  }
  CheckPixelConfig(config, code, name);
}

std::optional<ProcessorFields> FindProcessorFields(const std::filesystem::path& folder) {
  const std::filesystem::path nested = folder / "processor_config.json";
  if (FileExists(nested)) {
    const Json file = ParseJsonFile(nested);
    if (file.is_object() && file.contains("image_processor")) {
      RequireObject(file["image_processor"], "image_processor", nested.string());
      return ProcessorFields{file["image_processor"], nested.string()};
    }
  }
  const std::filesystem::path own = folder / "preprocessor_config.json";
  if (FileExists(own)) return ProcessorFields{ParseJsonFile(own), own.string()};
  return std::nullopt;
}

std::string ProcessorType(const Json& fields, const std::string& name) {
  for (const char* key : {"image_processor_type", "feature_extractor_type"}) {
    const auto found = fields.find(key);
    if (found != fields.end() && !found->is_null()) return JsonString(*found, key, name);
  }
  return {};
}

void ReadPixelConfig(const Json& fields, const std::string& name, PixelConfig& config) {
  RefuseOtherSteps(fields, name);
  config.do_convert_rgb = Flag(fields, "do_convert_rgb", config.do_convert_rgb, name);
  config.do_resize = Flag(fields, "do_resize", config.do_resize, name);
  config.do_rescale = Flag(fields, "do_rescale", config.do_rescale, name);
  config.do_normalize = Flag(fields, "do_normalize", config.do_normalize, name);
  ReadResample(fields, name, config);
  // What is not used may be null.
  const auto wanted = [&](const char* key, bool used) {
    const auto found = fields.find(key);
    return found == fields.end() || (found->is_null() && !used) ? nullptr : &*found;
  };
  if (const Json* factor = wanted("rescale_factor", config.do_rescale)) {
    config.rescale_factor = JsonNumber(*factor, "rescale_factor", name);
  }
  if (const Json* mean = wanted("image_mean", config.do_normalize)) {
    config.image_mean = JsonChannels(*mean, "image_mean", name);
  }
  if (const Json* deviation = wanted("image_std", config.do_normalize)) {
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
  RefuseOtherProcessors(fields, name);
  ImageProcessorConfig config;
  ReadPixelConfig(fields, name, config);
  ReadSize(fields, name, config);
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
  fields["size"] = shortest_edge != 0 ? Json{{"shortest_edge", shortest_edge}}
                                      : Json{{"height", height}, {"width", width}};
  return fields.dump(2) + "\n";
}

}  // namespace siglip
