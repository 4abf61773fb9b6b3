// A checkpoint folder: its configuration and its tensors, under whatever names its project uses.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "siglip/safetensors.h"
#include "weights/name_map.h"
#include "weights/weight_source.h"

namespace siglip {

class Checkpoint {
 public:
  /// Maps model.safetensors, the shards named by model.safetensors.index.json, or
  /// open_clip_model.safetensors, and parses config.json or open_clip_config.json. Reads headers
  /// only. Throws Error naming the folder and what was looked for.
  static Checkpoint Open(const std::filesystem::path& folder);

  const std::filesystem::path& folder() const { return folder_; }
  const std::string& config_name() const {
    return config_name_;
  }  ///< Path of the JSON, for errors.
  const Json& config() const { return config_; }
  const std::vector<std::shared_ptr<const SafetensorsFile>>& files() const { return files_; }
  /// The file that holds a tensor, by its name there; null when none does.
  std::shared_ptr<const SafetensorsFile> FileOf(std::string_view stored_name) const;
  /// Every tensor by its name in the files.
  const NameSet& stored_names() const { return stored_names_; }
  /// Where the tensors of a part are, if they are there. Throws Error(kUnsupported) when several
  /// places could be meant.
  std::optional<Place> Find(Part part) const;
  /// How the image tower is named; without one, the text tower.
  NamingScheme scheme() const;

 private:
  void OpenFiles();
  void OpenConfig();

  std::filesystem::path folder_;
  std::string config_name_;
  Json config_;
  std::vector<std::shared_ptr<const SafetensorsFile>> files_;
  std::map<std::string, size_t, std::less<>> file_of_;  // stored name -> index into files_
  NameSet stored_names_;
  std::map<Part, std::vector<Place>> places_;
};

/// One tensor of a model, found in a file.
struct FoundTensor {
  TensorSpec spec;          ///< Canonical name and shape.
  std::string stored_name;  ///< Several tensors may share one stored tensor.
  TensorView view;          ///< Its part of the stored tensor, with the canonical shape.
  std::shared_ptr<const SafetensorsFile> file;  ///< Keeps `view` valid.
};

/// Finds every tensor of `expected`, in that order. Throws one Error (kMismatch) naming up to ten
/// tensors that are missing, have another shape or a dtype that is no floating-point number, or
/// are stored in one of the parts that `expected` asks for without being expected there. A stored
/// head is not unexpected when no tensor of it is asked for; a single value may be stored with
/// shape [] or [1].
std::vector<FoundTensor> FindTensors(const Checkpoint& checkpoint,
                                     const std::vector<TensorSpec>& expected);

/// The same as a source of weights. Pages of the file are dropped again after each Read.
std::shared_ptr<const WeightSource> OpenWeights(const Checkpoint& checkpoint,
                                                const std::vector<TensorSpec>& expected);

/// Whether the checkpoint holds the tensor with this canonical name.
bool HasTensor(const Checkpoint& checkpoint, const std::string& canonical_name);

}  // namespace siglip
