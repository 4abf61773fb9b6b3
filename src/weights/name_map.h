// What other projects call the tensors of the image tower. The table is in docs/checkpoints.md.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace siglip {

/// How tensors are named.
enum class NamingScheme { kHuggingFace, kTutorial, kVisionLanguage, kTimm, kOpenClip };
std::string_view ToString(NamingScheme scheme);

/// Where an image tower was found among the tensors of a checkpoint.
struct Tower {
  NamingScheme scheme = NamingScheme::kHuggingFace;
  std::string
      prefix;  ///< Before every name of the tower: "vision_model.", "", "visual.trunk.", ...
};

using NameSet = std::set<std::string, std::less<>>;

/// Recognises every image tower by names that nothing else has; more than one is possible.
std::vector<Tower> FindTowers(const NameSet& stored);

/// One tensor of the tower as it is stored: whole, or one of several blocks of rows.
struct StoredName {
  std::string name;
  int block = 0;
  int blocks = 1;
  bool leading_one = false;  ///< Stored with an extra first extent of 1.
};

/// The names a tensor may have in this tower, the usual one first. `canonical` is a name of
/// weights/weight_source.h.
std::vector<StoredName> StoredNames(const Tower& tower, const std::string& canonical);

/// What a stored name that nothing asked for means.
enum class NameRole {
  kForeign,  ///< Another part of the model: text tower, projector, language model, classifier, ...
  kBuffer,   ///< Derived from the configuration, e.g. position_ids.
  kHead,     ///< The tower's pooling head.
  kTower,    ///< The tower itself.
};
NameRole RoleOf(const Tower& tower, std::string_view stored);

}  // namespace siglip
