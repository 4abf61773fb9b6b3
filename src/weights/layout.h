// How the elements of a stored tensor lie compared with transformers' layout.
#pragma once

#include <vector>

#include "siglip/tensor.hpp"
#include "weights/name_map.h"

namespace siglip {

/// The shape that a tensor of `shape` has where it is stored: with all its blocks and in the stored
/// layout, but without the extent of stacked layers.
Shape StoredShape(const StoredName& stored, const Shape& shape);

/// Whether `found` holds a tensor that should have the shape `expected` there. Where layers are
/// stacked, `found` begins with their number.
bool FitsShape(const StoredName& stored, const Shape& found, const Shape& expected);

/// Brings the elements of one tensor from the stored layout to transformers', where it has `shape`.
std::vector<float> FromLayout(Layout layout, std::vector<float> values, const Shape& shape);

}  // namespace siglip
