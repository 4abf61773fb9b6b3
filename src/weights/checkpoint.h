// A checkpoint: its configuration and its tensors, in whatever files and under whatever names its
// project keeps them.
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
#include "siglip/safetensors.hpp"
#include "weights/name_map.h"
#include "weights/tensor_file.h"
#include "weights/weight_source.h"

namespace siglip {

class Checkpoint {
 public:
  /// Opens a folder with packed.safetensors (packed_file.h), or else with model.safetensors, the
  /// shards named by model.safetensors.index.json, open_clip_model.safetensors, a .npz file of
  /// big_vision or a .gguf file of llama.cpp (in this order), or such a .npz or .gguf file itself.
  /// The configuration is config.json or open_clip_config.json; a .npz file needs none and a .gguf
  /// file has its own. Reads headers only. Throws Error naming the path and what was looked for.
  static Checkpoint Open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }      ///< What was opened.
  const std::filesystem::path& folder() const { return folder_; }  ///< Where its files lie.
  /// Path of the file that says the configuration, for errors.
  const std::string& config_name() const { return config_name_; }
  /// As transformers, timm or open_clip wrote it; that of a .npz or .gguf file is made here, as
  /// transformers would write it.
  const Json& config() const { return config_; }
  /// The configuration of a tower, kVision or kText, as transformers would write it, whoever wrote
  /// this one (transformers_config.h).
  Json ConfigOf(Part tower) const;
  const std::vector<std::shared_ptr<const TensorFile>>& files() const { return files_; }
  /// The file of packed weights (packed_file.h) that this is; null for ordinary checkpoints.
  const std::shared_ptr<const SafetensorsFile>& packed() const { return packed_; }
  /// The file that holds a tensor, by its name there; null when none does.
  std::shared_ptr<const TensorFile> FileOf(std::string_view stored_name) const;
  /// Every tensor by its name in the files.
  const NameSet& stored_names() const { return stored_names_; }
  /// Where the tensors of a part are, if they are there. Throws Error(kUnsupported) when several
  /// places could be meant.
  std::optional<Place> Find(Part part) const;
  /// The same for a part that must be there: else throws Error(kMismatch).
  Place Require(Part part) const;
  /// How the image tower is named; without one, the text tower.
  NamingScheme scheme() const;

 private:
  void OpenFiles();
  void OpenFolder();
  void OpenGgufFile(const std::filesystem::path& file);
  void AddFile(std::shared_ptr<const TensorFile> file);
  void CheckIndex(const std::map<std::string, std::string>& index) const;
  /// False when the folder has none.
  bool ReadConfig();
  void OpenConfig();
  void CheckConfigBesidePacked() const;

  std::filesystem::path path_;
  std::filesystem::path folder_;  // path_, or where it lies
  std::string config_name_;
  Json config_;
  std::shared_ptr<const SafetensorsFile> packed_;
  Json gguf_metadata_;  // null unless the tensors come out of such a file
  std::vector<std::shared_ptr<const TensorFile>> files_;
  std::map<std::string, size_t, std::less<>> file_of_;  // stored name -> index into files_
  NameSet stored_names_;
  std::map<Part, std::vector<Place>> places_;
};

/// One tensor of a model, found in a file.
struct FoundTensor {
  TensorSpec spec;    ///< Canonical name and shape.
  StoredName stored;  ///< Several tensors may share one stored tensor.
  std::shared_ptr<const TensorFile> file;
  int64_t first = 0;  ///< Where its elements begin in the stored tensor.
};

/// Finds every tensor of `expected`, in that order. Throws one Error (kMismatch) naming up to ten
/// tensors that are missing, have another shape or a dtype that is no floating-point number, or
/// are stored in one of the parts that `expected` asks for without being expected there. A stored
/// head is not unexpected when no tensor of it is asked for; a single value may be stored with
/// shape [] or [1].
std::vector<FoundTensor> FindTensors(const Checkpoint& checkpoint,
                                     const std::vector<TensorSpec>& expected);

/// The same as a source of weights. Pages of mapped files are dropped again after each Read.
std::shared_ptr<const WeightSource> OpenWeights(const Checkpoint& checkpoint,
                                                const std::vector<TensorSpec>& expected);

/// Whether the checkpoint holds the tensor with this canonical name.
bool HasTensor(const Checkpoint& checkpoint, const std::string& canonical_name);

}  // namespace siglip
