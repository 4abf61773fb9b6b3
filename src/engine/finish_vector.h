// The last step before an embedding is handed out.
#pragma once

#include <span>

#include "siglip/error.hpp"

namespace siglip {

/// Thrown by FinishVector: the model may be to blame for it, not the picture.
class UnusableEmbedding : public Error {
 public:
  using Error::Error;
};

/// Checks one vector and, if asked to, divides it by its L2 norm (without epsilon, as the
/// reference does). A vector that holds NaN or infinity, or is zero and has no direction, would
/// poison every comparison it takes part in later on: throws UnusableEmbedding.
void FinishVector(std::span<float> vector, bool normalize);

}  // namespace siglip
