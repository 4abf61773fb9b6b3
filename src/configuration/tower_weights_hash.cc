// See tower_weights_hash.h.
#include "configuration/tower_weights_hash.h"

#include <chrono>
#include <optional>
#include <vector>

#include "configuration/siglip_config.h"
#include "configuration/text_tensors.h"
#include "configuration/vision_tower_plan.h"
#include "siglip/error.hpp"
#include "weights/checkpoint.h"
#include "weights/packed_file.h"
#include "weights/weights_hash.h"

namespace siglip {
namespace {

std::vector<TensorSpec> TowerTensors(const Checkpoint& checkpoint, Part tower) {
  if (tower == Part::kText) return TextTensors(LoadTextConfig(checkpoint));
  return VisionTensors(LoadAnyVisionConfig(checkpoint));
}

std::string PackedHash(const Checkpoint& checkpoint, Part tower) {
  const PackedInfo info = ReadPackedInfo(*checkpoint.packed());
  const std::string& hash = tower == Part::kText ? info.text_weights : info.vision_weights;
  if (!hash.empty()) return hash;
  throw Error(ErrorCode::kUnsupported,
              checkpoint.packed()->path().string() + ": does not carry the hash of the " +
                  std::string(ToString(tower)) + " it was made from",
              "it was packed by an older version: convert the original checkpoint again");
}

int64_t Now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

std::string TowerWeightsHash(const std::filesystem::path& checkpoint_path, Part tower,
                             const WeightsHashCache& cache) {
  const int64_t begin = Now();
  std::optional<std::vector<FileVersion>> files;
  {
    const Checkpoint checkpoint = Checkpoint::Open(checkpoint_path);
    checkpoint.Require(tower);
    if (checkpoint.packed()) return PackedHash(checkpoint, tower);
    files = FileVersionsOf(checkpoint);
    if (files) {
      const std::string tensors = HashTensorList(TowerTensors(checkpoint, tower));
      if (const auto known = cache.Find(*files, tensors)) return *known;
    }
  }
  // Opened again, and looked at before and after: what is hashed are these files and no others.
  const Checkpoint checkpoint = Checkpoint::Open(checkpoint_path);
  const std::vector<TensorSpec> tensors = TowerTensors(checkpoint, tower);
  std::string hash = HashWeights(*OpenWeights(checkpoint, tensors), tensors);
  if (files && AreSettled(*files, begin) && FileVersionsOf(checkpoint) == files) {
    cache.Store(*files, HashTensorList(tensors), hash);
  }
  return hash;
}

}  // namespace siglip
