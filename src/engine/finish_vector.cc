#include "engine/finish_vector.h"

#include <cmath>

namespace siglip {

void FinishVector(std::span<float> vector, bool normalize) {
  double squares = 0;
  for (const float value : vector) squares += static_cast<double>(value) * value;
  if (!std::isfinite(squares)) {
    throw UnusableEmbedding(ErrorCode::kUnsupported, "the model's embedding holds NaN or infinity",
                            "the weights may be damaged");
  }
  if (!normalize) return;
  const auto norm = static_cast<float>(std::sqrt(squares));
  if (norm == 0) {
    throw UnusableEmbedding(ErrorCode::kUnsupported,
                            "the embedding is zero and cannot be normalised");
  }
  for (float& value : vector) value /= norm;
}

}  // namespace siglip
