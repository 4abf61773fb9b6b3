// preprocessor_config.json of NaFlex checkpoints. Source: transformers
// models/siglip2/image_processing_siglip2.py, version 5.
#include "image/siglip2_processor_config.h"

#include <optional>

#include "base/file_system.h"
#include "image/processor_config.h"
#include "image/processor_fields.h"

namespace siglip {
namespace {

constexpr int64_t kMostPatchSide = 4096;
constexpr int64_t kMostPatches = 65536;

bool IsSiglip2Type(const std::string& type) { return type == "Siglip2ImageProcessor"; }

void ReadCount(const Json& fields, const char* key, const std::string& name, int64_t& count) {
  const auto found = fields.find(key);
  if (found != fields.end()) count = JsonInteger(*found, key, name);
}

}  // namespace

bool AsksForSiglip2Processor(const std::filesystem::path& folder) {
  const std::optional<ProcessorFields> fields = FindProcessorFields(folder);
  if (!fields) return false;
  RequireObject(fields->json, "(whole file)", fields->name);
  const std::string type = ProcessorType(fields->json, fields->name);
  if (!type.empty()) return IsSiglip2Type(type);
  if (fields->json.contains("max_num_patches")) return true;
  if (!FileExists(folder / "config.json")) return false;
  const Json config = ParseJsonFile(folder / "config.json");
  return config.is_object() && config.value("model_type", Json()) == "siglip2";
}

void CheckSiglip2Config(const Siglip2ImageProcessorConfig& config, ErrorCode code,
                        const std::string& name) {
  const auto require = [&](const char* field, int64_t found, int64_t most) {
    if (found >= 1 && found <= most) return;
    throw Error(code, name + ": field '" + field + "': expected 1 to " + std::to_string(most) +
                          ", found " + std::to_string(found));
  };
  require("patch_size", config.patch_size, kMostPatchSide);
  require("max_num_patches", config.max_num_patches, kMostPatches);
  CheckPixelConfig(config, code, name);
}

Siglip2ImageProcessorConfig Siglip2ConfigFromJson(const Json& fields, const std::string& name) {
  RequireObject(fields, "(whole file)", name);
  const std::string type = ProcessorType(fields, name);
  if (!type.empty() && !IsSiglip2Type(type)) {
    throw Error(ErrorCode::kUnsupported,
                name + ": field 'image_processor_type': expected \"Siglip2ImageProcessor\", " +
                    "found \"" + type + "\"",
                "a model of variable resolution (NaFlex) needs its own preprocessing");
  }
  Siglip2ImageProcessorConfig config;
  ReadPixelConfig(fields, name, config);
  ReadCount(fields, "patch_size", name, config.patch_size);
  ReadCount(fields, "max_num_patches", name, config.max_num_patches);
  CheckSiglip2Config(config, ErrorCode::kMalformedFile, name);
  return config;
}

Siglip2ImageProcessorConfig Siglip2ImageProcessorConfig::FromJson(std::string_view json,
                                                                  const std::string& name) {
  return Siglip2ConfigFromJson(ParseJson(json, name), name);
}

std::string Siglip2ImageProcessorConfig::ToJson() const {
  Json fields = PixelConfigJson(*this);
  fields["image_processor_type"] = "Siglip2ImageProcessor";
  fields["patch_size"] = patch_size;
  fields["max_num_patches"] = max_num_patches;
  return fields.dump(2) + "\n";
}

}  // namespace siglip
