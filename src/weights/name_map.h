// What other projects call the tensors of a model. The table is in docs/checkpoints.md.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace siglip {

/// What a checkpoint can hold, each asked for on its own.
enum class Part {
  kVision,      ///< "vision_model.": the image tower.
  kText,        ///< "text_model.": the text tower.
  kLogits,      ///< "logit_scale", "logit_bias": from similarities to logits.
  kClassifier,  ///< "classifier.": after the image tower, for a fixed set of labels.
  kProjector,   ///< "multi_modal_projector.": from the image tower to a language model.
};
inline constexpr std::array<Part, 5> kAllParts = {Part::kVision, Part::kText, Part::kLogits,
                                                  Part::kClassifier, Part::kProjector};
/// As errors call it: "image tower", "text tower", ...
std::string_view ToString(Part part);
/// A canonical name that every model with this part has.
std::string_view ExampleOf(Part part);
/// The part a canonical name of weights/weight_source.h belongs to, if it is one.
std::optional<Part> PartOf(std::string_view canonical);

/// What the canonical names of tensors of layers begin with, before the number of the layer.
inline constexpr std::string_view kCanonicalLayers = "encoder.layers.";

/// How tensors are named.
enum class NamingScheme {
  kHuggingFace,
  kTutorial,
  kVisionLanguage,
  kTimm,
  kOpenClip,
  kBigVision,
  kGguf,
};
std::string_view ToString(NamingScheme scheme);

/// Where a part was found among the tensors of a checkpoint.
struct Place {
  Part part = Part::kVision;
  NamingScheme scheme = NamingScheme::kHuggingFace;
  /// Before every name of the part: "vision_model.", "", "visual.trunk.", "params/img/", ...
  std::string prefix;
  bool stacked = false;  ///< big_vision: each tensor holds all layers along its first extent.
};

using NameSet = std::set<std::string, std::less<>>;

/// Recognises a part by names that nothing else has; more than one place is possible.
std::vector<Place> FindPlaces(Part part, const NameSet& stored);

/// The prefixes before the first of `anchors` that any name ends with; each is empty or ends with
/// `separator`.
std::vector<std::string> PrefixesOf(std::span<const std::string_view> anchors, char separator,
                                    const NameSet& stored);

enum class Layout {
  kOutputsFirst,  ///< As in torch: outputs, inputs; outputs, channels, rows, columns.
  kInputsFirst,   ///< As in flax: inputs, outputs; rows, columns, channels, outputs.
};

/// One tensor as it is stored: whole, or one of several blocks of rows.
struct StoredName {
  std::string name;
  int block = 0;
  int blocks = 1;
  bool leading_one = false;  ///< Stored with an extra first extent of 1.
  Layout layout = Layout::kOutputsFirst;
  std::optional<int64_t> layer =
      std::nullopt;       ///< The slice of the first extent, where layers are stacked.
  bool is_split = false;  ///< An extent may be stored as several whose product it is.
};

/// The names a tensor may have in this place, the usual one first; none when `canonical` is not a
/// name of its part. Where several are there, the shape tells which is meant.
std::vector<StoredName> StoredNames(const Place& place, std::string_view canonical);

/// The name of a canonical tensor in a whole model saved by transformers.
StoredName TransformersName(const std::string& canonical);

/// What a stored name that nothing asked for means.
enum class NameRole {
  kForeign,  ///< Another part of the model: the other tower, a language model, ...
  kBuffer,   ///< Derived from the configuration, e.g. position_ids.
  kHead,     ///< The tower's head, without which the tower is whole too.
  kPart,     ///< The part itself.
};
NameRole RoleOf(const Place& place, std::string_view stored);

}  // namespace siglip
