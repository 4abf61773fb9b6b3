// The last step before an embedding is handed out.
#pragma once

#include <span>

namespace siglip {

/// Checks one vector and, if asked to, divides it by its L2 norm (without epsilon, as the
/// reference does). A vector that holds NaN or infinity, or is zero and has no direction, would
/// poison every comparison it takes part in later on: it is an error of this picture or text.
void FinishVector(std::span<float> vector, bool normalize);

}  // namespace siglip
