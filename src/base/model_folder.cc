// See model_folder.h.
#include "base/model_folder.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/json.h"

namespace siglip {
namespace {

constexpr std::array<std::string_view, 4> kWeights = {"packed.safetensors", "model.safetensors",
                                                      "model.safetensors.index.json",
                                                      "open_clip_model.safetensors"};
constexpr std::array<std::string_view, 2> kConfigurations = {"config.json",
                                                             "open_clip_config.json"};
/// What is read without weights: preprocessing and tokenizers.
constexpr std::array<std::string_view, 6> kSideFiles = {
    "preprocessor_config.json", "processor_config.json", "tokenizer.json",
    "tokenizer_config.json",    "tokenizer.model",       "spiece.model"};
constexpr std::array<std::string_view, 3> kAdapters = {
    "adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"};

/// Formats of weights that are not read, by the ending of their files.
struct OtherFormat {
  std::string_view ending;
  std::string_view name;
};
constexpr std::array<OtherFormat, 11> kOtherFormats = {{{".bin", "pickled by Python"},
                                                        {".pt", "pickled by Python"},
                                                        {".pth", "pickled by Python"},
                                                        {".ckpt", "pickled by Python"},
                                                        {".pkl", "pickled by Python"},
                                                        {".msgpack", "of Flax"},
                                                        {".h5", "of Keras"},
                                                        {".keras", "of Keras"},
                                                        {".onnx", "of ONNX"},
                                                        {".tflite", "of TensorFlow Lite"},
                                                        {".xml", "of OpenVINO"}}};

/// The names in a folder, links followed.
struct Names {
  std::set<std::string, std::less<>> files;
  std::set<std::string, std::less<>> folders;

  bool HasAny(std::span<const std::string_view> names) const {
    return std::ranges::any_of(names, [&](std::string_view name) { return files.contains(name); });
  }
  bool HasEnding(std::string_view ending) const {
    return std::ranges::any_of(files, [&](const auto& name) { return name.ends_with(ending); });
  }
  bool HasWeights() const { return HasAny(kWeights) || HasEnding(".npz") || HasEnding(".gguf"); }
  bool HasAdapter() const { return HasAny(kAdapters); }
  /// Stricter than HasWeights: .npz files need not be models.
  bool IsCheckpoint() const {
    return (HasAny(kConfigurations) && HasAny(kWeights)) || HasEnding(".gguf");
  }
};

Names List(const std::filesystem::path& folder, std::error_code& error) {
  Names names;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    auto& kind = entry->is_directory(ignored) ? names.folders : names.files;
    kind.insert(entry->path().filename().string());
  }
  return names;
}

Names List(const std::filesystem::path& folder) {
  std::error_code error;
  Names names = List(folder, error);
  if (!error) return names;
  throw Error(ErrorCode::kIo, folder.string() + ": cannot be listed: " + error.message());
}

/// Weights that have a name in the folder but cannot be reached: broken links, no permission.
std::optional<Error> UnreachableWeights(const std::filesystem::path& folder, const Names& names) {
  for (const std::string_view name : kWeights) {
    if (!names.files.contains(name)) continue;
    std::error_code error;
    const auto type = std::filesystem::status(folder / name, error).type();
    if (type == std::filesystem::file_type::not_found) {
      return Error(ErrorCode::kNotFound,
                   (folder / name).string() + ": is a link to a file that is not there",
                   "download the model again");
    }
    if (error) return Error(ErrorCode::kIo, (folder / name).string() + ": " + error.message());
  }
  return std::nullopt;
}

Error IsAdapter(const std::filesystem::path& folder) {
  return Error(ErrorCode::kUnsupported,
               folder.string() + ": holds an adapter (LoRA, adapter_config.json), no model",
               "merge it first: merge_and_unload() of peft, then save_pretrained, and pass that "
               "folder");
}

/// The subfolder of the first module of sentence-transformers, as far as modules.json tells. The
/// others stand behind the model.
std::optional<std::string> FirstModule(const std::filesystem::path& folder, const Names& names) {
  if (!names.files.contains("modules.json")) return std::nullopt;
  try {
    for (const Json& module : ParseJsonFile(folder / "modules.json")) {
      const auto path = module.find("path");
      if (path == module.end() || !path->is_string()) continue;
      if (names.folders.contains(path->get<std::string>())) return path->get<std::string>();
      return std::nullopt;  // its files lie in the folder itself
    }
  } catch (const Error&) {
    // Damaged: what it would say is a mere help.
  }
  return std::nullopt;
}

Error IsSentenceTransformers(const std::filesystem::path& folder, const std::string& module) {
  return Error(ErrorCode::kUnsupported,
               folder.string() + ": is a folder of sentence-transformers, whose model lies in a " +
                   "subfolder",
               "pass " + (folder / module).string());
}

/// "fp16" of "model.fp16.safetensors" and "model.safetensors.index.fp16.json"; empty without.
std::string VariantOf(std::string_view name) {
  const auto between = [&](std::string_view before, std::string_view after) {
    const bool fits = name.size() > before.size() + after.size() && name.starts_with(before) &&
                      name.ends_with(after);
    if (!fits) return std::string();
    name.remove_prefix(before.size());
    name.remove_suffix(after.size());
    return std::string(name.substr(0, name.find('-')));  // without the number of a shard
  };
  const std::string indexed = between("model.safetensors.index.", ".json");
  return indexed.empty() ? between("model.", ".safetensors") : indexed;
}

Error FoundOnly(const std::filesystem::path& folder, const std::string& found,
                const std::string& hint) {
  return Error(ErrorCode::kUnsupported,
               folder.string() + ": no weights: expected model.safetensors, " +
                   "model.safetensors.index.json, open_clip_model.safetensors, a .npz or a .gguf " +
                   "file, found only " + found,
               hint);
}

/// Safetensors under names that are not looked for.
std::optional<Error> OtherSafetensors(const std::filesystem::path& folder, const Names& names) {
  std::string other;
  for (const std::string& name : names.files) {
    const std::string variant = VariantOf(name);
    if (!variant.empty()) {
      const std::string usual =
          name.ends_with(".json") ? "model.safetensors.index.json" : "model.safetensors";
      return FoundOnly(folder, name + ", the variant \"" + variant + "\"",
                       "rename it to " + usual + ", or download the model without a variant");
    }
    if (other.empty() && name.ends_with(".safetensors")) other = name;
  }
  if (other.empty()) return std::nullopt;
  if (other.find("-of-") != std::string::npos) {
    return FoundOnly(folder, other + " and the like, shards without their index",
                     "download model.safetensors.index.json too");
  }
  return FoundOnly(folder, other, "rename it to model.safetensors if it holds the whole model");
}

/// Weights in formats that are not read, in the folder or in one beside the configuration that is
/// named after the format; what training leaves beside them does not count.
std::optional<Error> OtherFormats(const std::filesystem::path& folder, const Names& names) {
  std::set<std::string> files(names.files.begin(), names.files.end());
  for (const char* subfolder : {"onnx", "openvino"}) {
    std::error_code ignored;
    if (!names.folders.contains(subfolder)) continue;
    for (const std::string& name : List(folder / subfolder, ignored).files) {
      files.insert(std::string(subfolder) + "/" + name);
    }
  }
  for (const OtherFormat& format : kOtherFormats) {
    for (const std::string& name : files) {
      const bool is_state = name.starts_with("optimizer.") || name.starts_with("scheduler.") ||
                            name.starts_with("rng_state") || name.starts_with("training_args.");
      if (is_state || !name.ends_with(format.ending)) continue;
      return FoundOnly(folder, name + ", " + std::string(format.name),
                       "download the model's safetensors, or convert it with transformers: "
                       "model.save_pretrained(folder)");
    }
  }
  return std::nullopt;
}

/// Folders with checkpoints in them, two levels deep: of runs of a training, or of the hub's cache.
std::vector<std::string> CheckpointsBelow(const std::filesystem::path& folder, const Names& names,
                                          int levels) {
  constexpr size_t kEnough = 100;
  std::vector<std::string> found;
  for (const std::string& name : names.folders) {
    std::error_code ignored;
    const Names below = List(folder / name, ignored);
    if (below.IsCheckpoint()) {
      found.push_back((folder / name).string());
    } else if (levels > 1) {
      std::ranges::copy(CheckpointsBelow(folder / name, below, levels - 1),
                        std::back_inserter(found));
    }
    if (found.size() >= kEnough) break;
  }
  return found;
}

std::optional<Error> IsParent(const std::filesystem::path& folder, const Names& names) {
  const std::vector<std::string> found = CheckpointsBelow(folder, names, 2);
  if (found.empty()) return std::nullopt;
  constexpr size_t kNamed = 3;
  std::string hint = found.size() == 1 ? "pass " : "pass one of them: ";
  for (size_t i = 0; i < std::min(found.size(), kNamed); ++i) hint += (i ? ", " : "") + found[i];
  if (found.size() > kNamed) hint += ", ...";
  return Error(ErrorCode::kInvalidArgument,
               folder.string() + ": holds no model itself, but a folder in it does", hint);
}

Error Diagnose(const std::filesystem::path& folder, const Names& names, const Error& otherwise) {
  if (const auto unreachable = UnreachableWeights(folder, names)) return *unreachable;
  if (names.HasWeights()) return otherwise;
  if (names.HasAdapter()) return IsAdapter(folder);
  if (const auto module = FirstModule(folder, names))
    return IsSentenceTransformers(folder, *module);
  if (const auto other = OtherSafetensors(folder, names)) return *other;
  if (const auto other = OtherFormats(folder, names)) return *other;
  if (const auto parent = IsParent(folder, names)) return *parent;
  return otherwise;
}

Error HoldsNothing(const std::filesystem::path& folder, const Names& names) {
  const bool is_empty = names.files.empty() && names.folders.empty();
  return Error(ErrorCode::kNotFound,
               folder.string() +
                   (is_empty ? ": the folder is empty" : ": holds nothing of a model") +
                   ": no configuration, no weights, no tokenizer",
               "expected config.json, model.safetensors, preprocessor_config.json, and "
               "spiece.model or tokenizer.json");
}

}  // namespace

void CheckModelPath(const std::filesystem::path& path) {
  std::error_code error;
  const auto type = std::filesystem::status(path, error).type();
  if (type == std::filesystem::file_type::not_found) {
    throw Error(ErrorCode::kNotFound, path.string() + ": no such folder");
  }
  if (error) throw Error(ErrorCode::kIo, path.string() + ": " + error.message());
  if (type != std::filesystem::file_type::directory) {
    if (path.extension() == ".npz" || path.extension() == ".gguf") return;
    const auto folder = std::filesystem::absolute(path, error).parent_path();
    throw Error(ErrorCode::kInvalidArgument,
                path.string() + ": expected a checkpoint folder, found a file",
                "pass the folder it lies in, " + folder.string() +
                    "; alone, only .npz and .gguf files load");
  }
  const Names names = List(path);
  // Fails where the names may be listed, but no file be opened.
  if (!std::filesystem::exists(path / ".", error)) {
    throw Error(ErrorCode::kIo, path.string() + ": " + error.message());
  }
  const bool has_small_files = names.HasAny(kConfigurations) || names.HasAny(kSideFiles);
  if (names.HasWeights() || (has_small_files && !names.HasAdapter())) return;
  throw Diagnose(path, names, HoldsNothing(path, names));
}

Error DiagnoseFolder(const std::filesystem::path& folder, const Error& otherwise) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) return otherwise;  // a file of weights
  return Diagnose(folder, List(folder), otherwise);
}

}  // namespace siglip
