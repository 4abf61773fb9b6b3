// Which class a preprocessor_config.json asks for, and what it leaves to that class. Source:
// transformers models/auto/image_processing_auto.py, image_processing_base.py (__init__) and
// image_processing_utils.py (_set_attributes), version 5.24.
#include "image/processor_fields.h"

#include <algorithm>
#include <utility>

#include "base/file_system.h"
#include "base/model_folder.h"
#include "hub/model_path.h"
#include "image/processor_classes.h"
#include "image/processor_config.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

void CutEnding(std::string& text, std::string_view ending) {
  if (text.ends_with(ending)) text.resize(text.size() - ending.size());
}

const ProcessorClass* FindClass(std::string_view name) {
  const auto classes = ProcessorClasses();
  const auto found = std::ranges::find(classes, name, &ProcessorClass::name);
  return found == classes.end() ? nullptr : &*found;
}

Json Completed(const Json& fields, const ProcessorClass& known) {
  Json complete = Json::parse(known.defaults);
  complete.update(fields);
  return complete;
}

std::string KnownClasses() {
  std::string names;
  for (const ProcessorClass& known : ProcessorClasses()) {
    if (known.kind == ProcessorClass::Kind::kSplits) continue;
    names += (names.empty() ? "" : ", ") + std::string(known.name);
  }
  return names;
}

/// A side of the pictures that the model takes, as far as the fields of a processor say.
std::optional<int64_t> SideOf(const Json& fields) {
  for (const auto& [object, key] :
       {std::pair{"max_image_size", "longest_edge"}, {"crop_size", "height"}, {"size", "height"}}) {
    const auto found = fields.find(object);
    if (found == fields.end() || !found->is_object()) continue;
    const auto side = found->find(key);
    if (side != found->end() && side->is_number_integer()) return side->get<int64_t>();
  }
  return std::nullopt;
}

std::string OneViewHint(const Json& fields, const std::string& name) {
  std::string hint =
      "to embed every picture as one whole view, write this as preprocessor_config.json";
  if (std::filesystem::path(name).filename() == "processor_config.json") {
    hint += " (and remove processor_config.json, which counts first)";
  }
  const std::optional<int64_t> side = SideOf(fields);
  hint += ": " + JsonText(OneWholeView(fields, side.value_or(0)));
  return side ? hint : hint + ", with image_size of the model in place of 0";
}

Error UnsupportedClass(const std::string& type, const std::string& expected,
                       const std::string& name, const std::string& hint) {
  return Error(
      ErrorCode::kUnsupported,
      name + ": field 'image_processor_type': expected " + expected + ", found \"" + type + "\"",
      hint);
}

Json ReadNested(const std::filesystem::path& path) {
  Json file = ParseJsonFile(path);
  if (!file.is_object() || !file.contains("image_processor")) return {};
  RequireObject(file["image_processor"], "image_processor", path.string());
  return std::move(file["image_processor"]);
}

}  // namespace

std::optional<ProcessorFields> FindProcessorFields(const std::filesystem::path& model) {
  const std::filesystem::path folder = FindModel(model, ModelFiles::kAny);
  const auto exists = [&](const char* file) { return FileExists(folder / file); };
  const auto name = [&](const char* file) { return (folder / file).string(); };
  if (exists("processor_config.json")) {
    Json nested = ReadNested(folder / "processor_config.json");
    if (!nested.is_null()) return ProcessorFields{std::move(nested), name("processor_config.json")};
  }
  if (exists("preprocessor_config.json")) {
    return ProcessorFields{ParseJsonFile(folder / "preprocessor_config.json"),
                           name("preprocessor_config.json")};
  }
  if (exists("open_clip_config.json")) {
    const std::string file = name("open_clip_config.json");
    return ProcessorFields{FieldsFromOpenClip(ParseJsonFile(file), file), file,
                           PreprocessMode::kPillow13};
  }
  if (exists("config.json")) {
    const std::string file = name("config.json");
    const Json config = ParseJsonFile(file);
    if (HasTimmFields(config)) {
      return ProcessorFields{FieldsFromTimm(config, file), file, PreprocessMode::kPillow13};
    }
  }
  return std::nullopt;
}

ProcessorFields RequireProcessorFields(const std::filesystem::path& folder) {
  if (auto fields = FindProcessorFields(folder)) return *std::move(fields);
  throw DiagnoseFolder(
      folder,
      Error(ErrorCode::kNotFound, folder.string() + ": no file says how pictures are preprocessed",
            "expected preprocessor_config.json, processor_config.json, open_clip_config.json, or a "
            "config.json of timm"));
}

std::string ProcessorType(const Json& fields, const std::string& name) {
  constexpr std::string_view kOldEnding = "FeatureExtractor";
  for (const char* key : {"image_processor_type", "feature_extractor_type"}) {
    const auto found = fields.find(key);
    if (found == fields.end() || found->is_null()) continue;
    std::string type = JsonString(*found, key, name);
    CutEnding(type, "Fast");
    CutEnding(type, "Pil");
    if (type.ends_with(kOldEnding)) {
      CutEnding(type, kOldEnding);
      type += "ImageProcessor";
    }
    return type;
  }
  return {};
}

Json OneWholeView(const Json& fields, int64_t side) {
  Json view = {{"image_processor_type", "SiglipImageProcessor"},
               {"size", {{"height", side}, {"width", side}}}};
  for (const char* key : {"resample", "image_mean", "image_std"}) {
    const auto found = fields.find(key);
    if (found != fields.end()) view[key] = *found;
  }
  return view;
}

ImageProcessorConfig SiglipImageProcessor::OneWholeView(const std::filesystem::path& folder,
                                                        int64_t side) {
  const ProcessorFields fields = RequireProcessorFields(folder);
  RequireObject(fields.json, "(whole file)", fields.name);
  const ProcessorClass* known = FindClass(ProcessorType(fields.json, fields.name));
  const Json& complete = known == nullptr ? fields.json : Completed(fields.json, *known);
  return ImageProcessorConfigFromJson(siglip::OneWholeView(complete, side), fields.name);
}

Json WithClassDefaults(const Json& fields, const std::string& name) {
  const std::string found = ProcessorType(fields, name);
  const std::string type = found.empty() ? "SiglipImageProcessor" : found;
  const ProcessorClass* known = FindClass(type);
  if (type == "Siglip2ImageProcessor") {
    throw UnsupportedClass(type, "\"SiglipImageProcessor\"", name,
                           "this is NaFlex preprocessing, which keeps the aspect ratio: it needs a "
                           "model of variable resolution");
  }
  if (known == nullptr) {
    throw UnsupportedClass(type, "one of " + KnownClasses(), name, OneViewHint(fields, name));
  }
  Json complete = Completed(fields, *known);
  switch (known->kind) {
    case ProcessorClass::Kind::kPlain: break;
    case ProcessorClass::Kind::kNeverCrops:
      complete.erase("do_center_crop");
      complete.erase("do_pad");
      break;
    case ProcessorClass::Kind::kPadsFirst:
      if (complete["do_pad"].is_null() || !JsonBool(complete["do_pad"], "do_pad", name)) break;
      throw Error(
          ErrorCode::kUnsupported, name + ": field 'do_pad': expected false, found true",
          "this step of " + type + ", padding to a square before resizing, is not done here");
    case ProcessorClass::Kind::kSplits:
      throw UnsupportedClass(type, "a processor that makes one picture of one", name,
                             OneViewHint(complete, name));
  }
  return complete;
}

void RefuseOtherSteps(const Json& fields, const std::string& name) {
  for (const char* key :
       {"do_thumbnail", "do_align_long_axis", "do_crop_margin", "do_pan_and_scan",
        "do_image_splitting", "do_flip_channel_order", "do_grayscale", "use_square_size"}) {
    const auto found = fields.find(key);
    if (found == fields.end() || found->is_null() || !JsonBool(*found, key, name)) continue;
    throw Error(
        ErrorCode::kUnsupported, name + ": field '" + key + "': expected false, found true",
        "this step is not supported: every picture becomes one, resized, cropped or padded");
  }
}

}  // namespace siglip
