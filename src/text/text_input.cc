// See text_input.h.
#include "text/text_input.h"

#include <optional>
#include <string>
#include <utility>

#include "base/file_system.h"
#include "base/json.h"
#include "siglip/error.hpp"
#include "text/open_clip_text_input.h"
#include "weights/checkpoint.h"

namespace siglip {
namespace {

constexpr int64_t kDefaultMaxLength = 64;

struct ConfigFile {
  std::string name;
  Json json;
};

std::optional<ConfigFile> Read(const std::filesystem::path& path) {
  if (!FileExists(path)) return std::nullopt;
  ConfigFile file{path.string(), ParseJsonFile(path)};
  JsonObject(file.json, "(whole file)", file.name);
  return file;
}

std::string ModelType(const Json& config) {
  const auto type = config.find("model_type");
  return type == config.end() || !type->is_string() ? std::string() : type->get<std::string>();
}

/// A text tower saved alone has its fields on top.
bool IsTextTower(const Json& config) {
  const std::string type = ModelType(config);
  return type == "siglip_text_model" || type == "siglip2_text_model";
}

/// The object with the fields of the text tower, and its place; null where it has none of its own.
std::pair<const Json*, std::string> TextFields(const ConfigFile& config) {
  if (IsTextTower(config.json)) return {&config.json, ""};
  const auto found = config.json.find("text_config");
  if (found == config.json.end() || found->is_null()) return {nullptr, ""};
  return {&JsonObject(*found, "text_config", config.name), "text_config."};
}

/// Whether open_clip's configuration counts, and not the transformers' one beside it.
bool OpenClipCounts(const std::filesystem::path& folder, const ConfigFile& transformers) {
  const bool is_siglip = ModelType(transformers.json).starts_with("siglip");
  const bool has_text = TextFields(transformers).first != nullptr;
  if (!is_siglip && !has_text) return true;
  try {
    return HasOpenClipText(Checkpoint::Open(folder).config());
  } catch (const Error& error) {
    const bool no_weights =
        error.code() == ErrorCode::kNotFound || error.code() == ErrorCode::kUnsupported;
    if (!no_weights) throw;
  }
  return !has_text;
}

TextInput OpenClipInput(const ConfigFile& file) {
  const OpenClipTextInput input = ParseOpenClipTextInput(file.json, file.name);
  return {input.context_length, true, input.cleaning};
}

int64_t MaxLength(const std::optional<ConfigFile>& model, const TokenizerConfig& config) {
  if (!model) return config.model_max_length.value_or(kDefaultMaxLength);
  const auto [fields, place] = TextFields(*model);
  const auto length =
      fields == nullptr ? model->json.end() : fields->find("max_position_embeddings");
  if (fields == nullptr || length == fields->end() || length->is_null()) return kDefaultMaxLength;
  return CheckedTokenCount(*length, place + "max_position_embeddings", model->name);
}

}  // namespace

TextInput ReadTextInput(const std::filesystem::path& folder, const TokenizerConfig& config) {
  const std::optional<ConfigFile> model = Read(folder / "config.json");
  const std::optional<ConfigFile> open_clip = Read(folder / "open_clip_config.json");
  // A packed folder has the configuration it was made from in config.json.
  if (model && HasOpenClipText(model->json)) return OpenClipInput(*model);
  if (open_clip && HasOpenClipText(open_clip->json) && (!model || OpenClipCounts(folder, *model))) {
    return OpenClipInput(*open_clip);
  }
  return {MaxLength(model, config), false, TextCleaning::kNone};
}

}  // namespace siglip
