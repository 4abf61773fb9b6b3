// Opening a checkpoint folder. See checkpoint.h.
#include "weights/checkpoint.h"

#include <system_error>
#include <utility>

#include "siglip/error.h"
#include "weights/quoted.h"

namespace siglip {
namespace {

constexpr char kSingleFile[] = "model.safetensors";
constexpr char kIndexFile[] = "model.safetensors.index.json";
constexpr char kOpenClipFile[] = "open_clip_model.safetensors";
constexpr char kConfigFile[] = "config.json";
constexpr char kOpenClipConfigFile[] = "open_clip_config.json";

bool Exists(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

/// Pickled weights, which only Python can read.
std::string FindPickle(const std::filesystem::path& folder) {
  for (const char* name : {"pytorch_model.bin", "pytorch_model.bin.index.json",
                           "open_clip_pytorch_model.bin", "model.pth", "model.pt"}) {
    if (Exists(folder / name)) return name;
  }
  return {};
}

Error NoWeights(const std::filesystem::path& folder) {
  const std::string looked_for =
      std::string("expected ") + kSingleFile + ", " + kIndexFile + " or " + kOpenClipFile;
  const std::string pickle = FindPickle(folder);
  if (!pickle.empty()) {
    return Error(ErrorCode::kUnsupported,
                 folder.string() + ": " + looked_for + ", found only " + pickle,
                 "convert it with transformers: model.save_pretrained(folder)");
  }
  return Error(ErrorCode::kNotFound, folder.string() + ": no weights: " + looked_for);
}

void CheckFolder(const std::filesystem::path& folder) {
  std::error_code error;
  const auto status = std::filesystem::status(folder, error);
  if (!std::filesystem::exists(status)) {
    throw Error(ErrorCode::kNotFound, folder.string() + ": no such folder");
  }
  if (!std::filesystem::is_directory(status)) {
    throw Error(ErrorCode::kInvalidArgument,
                folder.string() + ": expected a checkpoint folder, found a file",
                "pass the folder that holds config.json and the weights");
  }
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

std::shared_ptr<const SafetensorsFile> OpenShard(const std::filesystem::path& folder,
                                                 const std::string& shard) {
  if (!Exists(folder / shard)) {
    throw Error(ErrorCode::kNotFound,
                (folder / kIndexFile).string() + ": names the shard " + Quoted(shard) +
                    ", which is not in the folder",
                "download the whole checkpoint again");
  }
  return std::make_shared<const SafetensorsFile>(SafetensorsFile::Open(folder / shard));
}

}  // namespace

Checkpoint Checkpoint::Open(const std::filesystem::path& folder) {
  CheckFolder(folder);
  Checkpoint checkpoint;
  checkpoint.folder_ = folder;
  checkpoint.OpenFiles();
  for (Part part : kAllParts) {
    checkpoint.places_[part] = FindPlaces(part, checkpoint.stored_names_);
  }
  checkpoint.OpenConfig();
  return checkpoint;
}

void Checkpoint::OpenFiles() {
  std::map<std::string, std::string> index;
  if (Exists(folder_ / kSingleFile)) {
    files_.push_back(
        std::make_shared<const SafetensorsFile>(SafetensorsFile::Open(folder_ / kSingleFile)));
  } else if (Exists(folder_ / kIndexFile)) {
    index = ReadIndex(folder_ / kIndexFile);
    std::set<std::string> shards;
    for (const auto& [tensor, shard] : index) shards.insert(shard);
    for (const std::string& shard : shards) files_.push_back(OpenShard(folder_, shard));
  } else if (Exists(folder_ / kOpenClipFile)) {
    files_.push_back(
        std::make_shared<const SafetensorsFile>(SafetensorsFile::Open(folder_ / kOpenClipFile)));
  } else {
    throw NoWeights(folder_);
  }

  for (size_t i = 0; i < files_.size(); ++i) {
    for (const std::string& name : files_[i]->names()) {
      const auto [known, is_new] = file_of_.emplace(name, i);
      if (!is_new) {
        throw Error(ErrorCode::kMismatch, files_[i]->path().string() + ": tensor " + Quoted(name) +
                                              ": is also in " +
                                              files_[known->second]->path().string());
      }
      stored_names_.insert(name);
    }
  }
  for (const auto& [tensor, shard] : index) {
    const auto file = FileOf(tensor);
    if (!file || file->path().filename() != shard) {
      throw Error(ErrorCode::kMismatch, (folder_ / kIndexFile).string() + ": tensor " +
                                            Quoted(tensor) + ": is not in " + Quoted(shard));
    }
  }
}

/// Where a folder has both kinds of configuration, the names of the tensors tell which one counts.
void Checkpoint::OpenConfig() {
  const bool open_clip = scheme() == NamingScheme::kOpenClip;
  for (const char* name : {open_clip ? kOpenClipConfigFile : kConfigFile,
                           open_clip ? kConfigFile : kOpenClipConfigFile}) {
    const std::filesystem::path path = folder_ / name;
    if (!Exists(path)) continue;
    config_name_ = path.string();
    config_ = ParseJsonFile(path);
    if (config_.is_object()) return;
    throw Error(ErrorCode::kMalformedFile, config_name_ + ": expected a JSON object");
  }
  throw Error(ErrorCode::kNotFound, folder_.string() + ": no configuration: expected " +
                                        kConfigFile + " or " + kOpenClipConfigFile);
}

std::shared_ptr<const SafetensorsFile> Checkpoint::FileOf(std::string_view stored_name) const {
  const auto found = file_of_.find(stored_name);
  return found == file_of_.end() ? nullptr : files_[found->second];
}

std::optional<Place> Checkpoint::Find(Part part) const {
  const std::vector<Place>& places = places_.at(part);
  if (places.empty()) return std::nullopt;
  if (places.size() > 1) {
    throw Error(ErrorCode::kUnsupported,
                folder_.string() + ": expected one " + std::string(ToString(part)) + ", found " +
                    std::to_string(places.size()) + ": under " + Quoted(places[0].prefix) +
                    " and " + Quoted(places[1].prefix));
  }
  return places.front();
}

NamingScheme Checkpoint::scheme() const {
  for (Part part : {Part::kVision, Part::kText}) {
    const std::vector<Place>& places = places_.at(part);
    if (!places.empty()) return places.front().scheme;
  }
  return NamingScheme::kHuggingFace;
}

}  // namespace siglip
