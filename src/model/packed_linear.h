// Weights of products out of a packed file (weights/packed_file.h), and into one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kernels/packing.h"
#include "siglip/runtime.hpp"
#include "weights/checkpoint.h"
#include "weights/weight_source.h"

namespace siglip {

/// What is asked for, else f32.
Precision ResolvePrecision(PrecisionChoice wanted, const Kernels& kernels);
/// The precision to load a checkpoint in: what is asked for, else f32. A packed one has its own:
/// throws Error(kMismatch) when another is asked for, or when it is laid out for other instruction
/// sets than the kernels'.
Precision ResolvePrecision(const Checkpoint& checkpoint, PrecisionChoice wanted,
                           const Kernels& kernels);

/// How a packed file of that precision is laid out for the kernels, see PanelLayout.
std::string PackedLayoutOf(const Kernels& kernels, Precision precision);

/// The packed weight of the layer called `scope`, mapped. Throws Error(kMalformedFile) when its
/// tensors have other dtypes or shapes than this layer needs.
PackedMatrix ReadPackedMatrix(const std::shared_ptr<const SafetensorsFile>& file,
                              const std::string& scope, const Kernels& kernels, OperandType type,
                              int64_t outputs, int64_t inputs);
/// The layer's bias, padded to whole panels.
std::vector<float> ReadPackedBias(const SafetensorsFile& file, const std::string& scope,
                                  const PackedMatrix& weight);

/// Tells `weights` of both.
void KeepPackedMatrix(const WeightSource& weights, const std::string& scope,
                      const PackedMatrix& weight, const std::vector<float>& bias);

}  // namespace siglip
