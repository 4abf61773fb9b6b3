// Extents that no configuration gives reliably and that the checkpoint itself shows.
#pragma once

#include <optional>
#include <string>

#include "siglip/tensor.hpp"
#include "weights/checkpoint.h"

namespace siglip {

/// The shape of a tensor by its canonical name, nothing when it is not stored.
std::optional<Shape> StoredShape(const Checkpoint& checkpoint, const std::string& canonical);

/// One extent of a matrix: `axis` 0 or 1. Throws Error(kMismatch) when the tensor is not there or
/// is no matrix.
int64_t StoredExtent(const Checkpoint& checkpoint, const std::string& canonical, size_t axis);

}  // namespace siglip
