// Opening a checkpoint. See checkpoint.h.
#include "weights/checkpoint.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/file_system.h"
#include "base/model_folder.h"
#include "hub/model_path.h"
#include "siglip/error.hpp"
#include "weights/big_vision_config.h"
#include "weights/gguf_config.h"
#include "weights/gguf_file.h"
#include "weights/packed_file.h"
#include "weights/quoted.h"
#include "weights/transformers_config.h"

namespace siglip {
namespace {

constexpr char kSingleFile[] = "model.safetensors";
constexpr char kIndexFile[] = "model.safetensors.index.json";
constexpr char kOpenClipFile[] = "open_clip_model.safetensors";
constexpr char kConfigFile[] = "config.json";
constexpr char kOpenClipConfigFile[] = "open_clip_config.json";

/// The files of a folder that end in `extension`, in the order of their names.
std::vector<std::filesystem::path> FilesIn(const std::filesystem::path& folder,
                                           std::string_view extension) {
  std::vector<std::filesystem::path> files = ListFolder(folder);
  std::erase_if(files, [&](const auto& file) { return file.extension() != extension; });
  return files;
}

/// The only one of several files, if there is any.
std::optional<std::filesystem::path> OnlyFile(const std::vector<std::filesystem::path>& files,
                                              const std::filesystem::path& folder) {
  if (files.empty()) return std::nullopt;
  if (files.size() > 1) {
    throw Error(ErrorCode::kUnsupported,
                folder.string() + ": expected one file with weights, found " +
                    Quoted(files[0].filename().string()) + " and " +
                    Quoted(files[1].filename().string()),
                "pass the path of the file instead of the folder");
  }
  return files.front();
}

/// Beside the file with the image tower lies that of the language model.
std::optional<std::filesystem::path> FindGguf(const std::filesystem::path& folder) {
  const auto files = FilesIn(folder, ".gguf");
  std::vector<std::filesystem::path> towers;
  std::copy_if(files.begin(), files.end(), std::back_inserter(towers),
               [](const auto& file) { return file.filename().string().starts_with("mmproj"); });
  return OnlyFile(towers.empty() ? files : towers, folder);
}

/// A shard must lie in the folder itself: a foreign index must not point at other files.
bool IsPlainFileName(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
}

/// Tensor -> shard.
std::map<std::string, std::string> ReadIndex(const std::filesystem::path& path) {
  const Json index = ParseJsonFile(path);
  const auto weight_map = index.is_object() ? index.find("weight_map") : index.end();
  if (!index.is_object() || weight_map == index.end() || !weight_map->is_object()) {
    throw Error(ErrorCode::kMalformedFile, path.string() + ": expected an object 'weight_map'");
  }
  std::map<std::string, std::string> shards;
  for (const auto& [tensor, shard] : weight_map->items()) {
    const std::string name =
        JsonString(shard, "weight_map", path.string() + ": tensor " + Quoted(tensor));
    if (!IsPlainFileName(name)) {
      throw Error(ErrorCode::kMalformedFile,
                  path.string() + ": 'weight_map': tensor " + Quoted(tensor) +
                      ": expected the name of a file in the same folder, found " + Quoted(name));
    }
    shards.emplace(tensor, name);
  }
  if (shards.empty()) {
    throw Error(ErrorCode::kMalformedFile, path.string() + ": 'weight_map' names no tensor");
  }
  return shards;
}

std::shared_ptr<const TensorFile> OpenShard(const std::filesystem::path& folder,
                                            const std::string& shard) {
  if (!FileExists(folder / shard)) {
    throw Error(ErrorCode::kNotFound,
                (folder / kIndexFile).string() + ": names the shard " + Quoted(shard) +
                    ", which is not in the folder",
                "download the whole checkpoint again");
  }
  return OpenSafetensors(folder / shard);
}

}  // namespace

Checkpoint Checkpoint::Open(const std::filesystem::path& path) {
  Checkpoint checkpoint;
  checkpoint.path_ = FindModel(path);
  checkpoint.OpenFiles();
  for (Part part : kAllParts) {
    checkpoint.places_[part] = FindPlaces(part, checkpoint.stored_names_);
  }
  checkpoint.OpenConfig();
  return checkpoint;
}

void Checkpoint::OpenFiles() {
  if (IsFolder(path_)) {
    folder_ = path_;
    return OpenFolder();
  }
  folder_ = path_.parent_path();
  if (path_.extension() == ".npz") return AddFile(OpenNpz(path_));
  OpenGgufFile(path_);
}

void Checkpoint::OpenFolder() {
  if (FileExists(folder_ / kPackedFile)) {
    packed_ = std::make_shared<const SafetensorsFile>(SafetensorsFile::Open(folder_ / kPackedFile));
    AddFile(OpenSafetensors(folder_ / kPackedFile));
  } else if (FileExists(folder_ / kSingleFile)) {
    AddFile(OpenSafetensors(folder_ / kSingleFile));
  } else if (FileExists(folder_ / kIndexFile)) {
    const std::map<std::string, std::string> index = ReadIndex(folder_ / kIndexFile);
    std::set<std::string> shards;
    for (const auto& [tensor, shard] : index) shards.insert(shard);
    for (const std::string& shard : shards) AddFile(OpenShard(folder_, shard));
    CheckIndex(index);
  } else if (FileExists(folder_ / kOpenClipFile)) {
    AddFile(OpenSafetensors(folder_ / kOpenClipFile));
  } else if (const auto npz = OnlyFile(FilesIn(folder_, ".npz"), folder_)) {
    AddFile(OpenNpz(*npz));
  } else if (const auto gguf = FindGguf(folder_)) {
    OpenGgufFile(*gguf);
  } else {
    throw DiagnoseFolder(
        folder_, Error(ErrorCode::kNotFound, folder_.string() + ": no weights: expected " +
                                                 kSingleFile + ", " + kIndexFile + ", " +
                                                 kOpenClipFile + ", a .npz or a .gguf file"));
  }
}

void Checkpoint::OpenGgufFile(const std::filesystem::path& file) {
  GgufFile opened = OpenGguf(file);
  gguf_metadata_ = std::move(opened.metadata);
  AddFile(std::move(opened.tensors));
}

void Checkpoint::AddFile(std::shared_ptr<const TensorFile> file) {
  for (const StoredTensor& tensor : file->tensors()) {
    const auto [known, is_new] = file_of_.emplace(tensor.name, files_.size());
    if (!is_new) {
      throw Error(ErrorCode::kMismatch, file->path().string() + ": tensor " + Quoted(tensor.name) +
                                            ": is also in " +
                                            files_[known->second]->path().string());
    }
    stored_names_.insert(tensor.name);
  }
  files_.push_back(std::move(file));
}

void Checkpoint::CheckIndex(const std::map<std::string, std::string>& index) const {
  for (const auto& [tensor, shard] : index) {
    const auto file = FileOf(tensor);
    if (!file || file->path().filename() != shard) {
      throw Error(ErrorCode::kMismatch, (folder_ / kIndexFile).string() + ": tensor " +
                                            Quoted(tensor) + ": is not in " + Quoted(shard));
    }
  }
}

/// Where a folder has both kinds of configuration, the names of the tensors tell which one counts.
bool Checkpoint::ReadConfig() {
  const bool open_clip = scheme() == NamingScheme::kOpenClip;
  for (const char* name : {open_clip ? kOpenClipConfigFile : kConfigFile,
                           open_clip ? kConfigFile : kOpenClipConfigFile}) {
    const std::filesystem::path path = folder_ / name;
    if (!FileExists(path)) continue;
    config_name_ = path.string();
    config_ = ParseJsonFile(path);
    if (config_.is_object()) return true;
    throw Error(ErrorCode::kMalformedFile, config_name_ + ": expected a JSON object");
  }
  return false;
}

void Checkpoint::OpenConfig() {
  if (packed_) {  // made from one that this library understood, in whatever words
    config_name_ = packed_->path().string();
    config_ = ParseJson(ReadPackedInfo(*packed_).config, config_name_ + ": 'config'");
    if (!config_.is_object()) {
      throw Error(ErrorCode::kMalformedFile, config_name_ + ": 'config': expected a JSON object");
    }
    return CheckConfigBesidePacked();
  }
  if (!gguf_metadata_.is_null()) {  // a config.json beside it is the language model's
    config_name_ = files_.front()->path().string();
    config_ = GgufVisionConfig(gguf_metadata_, config_name_);
    return;
  }
  const bool found = ReadConfig();
  if (scheme() == NamingScheme::kBigVision) {
    const TensorFile& file = *files_.front();
    const Json derived = BigVisionConfig(file, Find(Part::kVision), Find(Part::kText));
    config_ = found ? CompleteBigVisionConfig(derived, config_, config_name_) : derived;
    if (!found) config_name_ = file.path().string();
  } else if (!found) {
    throw Error(ErrorCode::kNotFound,
                path_.string() + ": no configuration: expected " + kConfigFile + " or " +
                    kOpenClipConfigFile,
                folder_ == path_ ? ""
                                 : "a file alone needs none if its tensors have the names of "
                                   "big_vision, which these have not");
  }
}

/// Tokenizers and preprocessing read the one in the folder.
void Checkpoint::CheckConfigBesidePacked() const {
  const std::filesystem::path beside = folder_ / kConfigFile;
  // As text: NaN, which a field that nobody reads may be, does not equal itself.
  const auto text = [](const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
  };
  if (text(ParseJsonFile(beside)) == text(config_)) return;
  throw Error(
      ErrorCode::kMismatch,
      beside.string() + ": is not the configuration that " + config_name_ + " was made with",
      "convert the original checkpoint again, which writes both");
}

Json Checkpoint::ConfigOf(Part tower) const {
  return TransformersConfig(config_, tower, config_name_);
}

std::shared_ptr<const TensorFile> Checkpoint::FileOf(std::string_view stored_name) const {
  const auto found = file_of_.find(stored_name);
  return found == file_of_.end() ? nullptr : files_[found->second];
}

std::optional<Place> Checkpoint::Find(Part part) const {
  const std::vector<Place>& places = places_.at(part);
  if (places.empty()) return std::nullopt;
  if (places.size() > 1) {
    throw Error(ErrorCode::kUnsupported,
                path_.string() + ": expected one " + std::string(ToString(part)) + ", found " +
                    std::to_string(places.size()) + ": under " + Quoted(places[0].prefix) +
                    " and " + Quoted(places[1].prefix));
  }
  return places.front();
}

Place Checkpoint::Require(Part part) const {
  std::optional<Place> place = Find(part);
  if (place) return *std::move(place);
  const auto type = config_.find("model_type");
  const bool names_type = type != config_.end() && type->is_string();
  throw Error(ErrorCode::kMismatch,
              path_.string() + ": no " + std::string(ToString(part)) +
                  ": none of the tensors has a name of one, such as '" +
                  std::string(ExampleOf(part)) + "'" +
                  (names_type ? "; model_type is " + Quoted(type->get<std::string>()) : ""));
}

NamingScheme Checkpoint::scheme() const {
  for (Part part : {Part::kVision, Part::kText}) {
    const std::vector<Place>& places = places_.at(part);
    if (!places.empty()) return places.front().scheme;
  }
  return NamingScheme::kHuggingFace;
}

}  // namespace siglip
