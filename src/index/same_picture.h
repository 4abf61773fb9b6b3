// Whether two contents show the same picture: in another size, quality or format.
#pragma once

#include <cstddef>
#include <span>

namespace siglip {

/// Cosines of at least this, and brightness that rises and falls at the same places.
inline constexpr float kSamePictureScore = 0.96F;

/// Of PictureGreys: whether at most 8 of the 64 comparisons of neighbours differ. False where one
/// of them is empty.
bool GreysAgree(std::span<const std::byte> a, std::span<const std::byte> b);

}  // namespace siglip
