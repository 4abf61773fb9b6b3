// What the files of a folder say about preprocessing, in the fields of transformers'
// preprocessor_config.json, whoever wrote them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/json.h"
#include "siglip/image.hpp"

namespace siglip {

/// The JSON object that describes an image processor of transformers.
struct ProcessorFields {
  Json json;
  std::string name;  ///< What errors call the file.
  /// Whose pixels its project makes.
  PreprocessMode mode = PreprocessMode::kTorchvision;
};
/// In transformers' order: "image_processor" of processor_config.json, then
/// preprocessor_config.json; else open_clip_config.json, else timm's config.json, translated.
/// Nothing when the folder has none of them.
std::optional<ProcessorFields> FindProcessorFields(const std::filesystem::path& folder);
/// The same; throws Error(kNotFound) instead.
ProcessorFields RequireProcessorFields(const std::filesystem::path& folder);

/// "image_processor_type" or, of old files, "feature_extractor_type", as the class is called today:
/// without "Fast" or "Pil". Empty when there is none.
std::string ProcessorType(const Json& fields, const std::string& name);

/// The fields, and those that are missing with the defaults of their class, as transformers
/// completes them. Null is not missing. Throws Error(kUnsupported) for a class that is not known or
/// takes other steps.
Json WithClassDefaults(const Json& fields, const std::string& name);

/// The fields of a processor that makes one picture of `side` pixels of every picture, with the
/// filter, mean and deviation of another.
Json OneWholeView(const Json& fields, int64_t side);

/// Refuses steps that no known class takes, such as pan and scan.
void RefuseOtherSteps(const Json& fields, const std::string& name);

/// "preprocess_cfg" and "model_cfg" of open_clip_config.json, translated.
Json FieldsFromOpenClip(const Json& file, const std::string& name);

/// Whether a config.json is one of timm that says how pictures are prepared: in "pretrained_cfg",
/// or, as older ones do, beside "architecture".
bool HasTimmFields(const Json& file);

/// What a config.json of timm says of that, translated.
Json FieldsFromTimm(const Json& file, const std::string& name);

}  // namespace siglip
