// The file that `siglip convert --precision` writes: weights as the kernels read them.
//
// A safetensors file called kPackedFile. Its metadata are the fields of PackedInfo. The weight of a
// product is held under the name of the layer that multiplies with it, in four tensors: `.weight`
// (F32 [panels, inputs, columns], BF16 [panels, words, columns, 2] or I8 [panels, words, columns,
// 4]; in a layout of two words a column half as many rows of twice as many values), `.bias`, and
// for I8 `.scales` and `.corrections`; all else is F32 under canonical names. Every tensor that is
// multiplied with begins at a multiple of kPackedAlignment bytes of the file.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "siglip/safetensors.hpp"
#include "weights/weight_source.h"

namespace siglip {

inline constexpr char kPackedFile[] = "packed.safetensors";
inline constexpr int64_t kPackedAlignment = 64;

/// What a packed file says of itself.
struct PackedInfo {
  std::string precision;  ///< "f32", "bf16" or "int8"
  std::string layout;     ///< of the instruction sets it is for: "16x1", "16x2", "32x1"
  std::string config;     ///< JSON, the source's configuration
  /// HashWeights of the towers it was made from; empty for a tower it has not, and in files that
  /// older versions made.
  std::string vision_weights;
  std::string text_weights;
};

std::map<std::string, std::string> ToMetadata(const PackedInfo& info);
/// Throws Error(kMismatch) for another version of the format, Error(kMalformedFile) for metadata
/// that are missing or not of their kind.
PackedInfo ReadPackedInfo(const SafetensorsFile& file);

/// The weights in `file`.
std::shared_ptr<const WeightSource> OpenPackedWeights(std::shared_ptr<const SafetensorsFile> file);

}  // namespace siglip
