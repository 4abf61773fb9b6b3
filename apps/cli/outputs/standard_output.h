// Embeddings on standard output, as they come.
#pragma once

#include <memory>

#include "output/embedding_output.h"
#include "siglip/tensor.hpp"

namespace siglip::cli {

/// JSON lines of rows of `shape`. Add throws ExitCode when the reader has gone away, and Error(kIo)
/// when writing fails otherwise.
std::unique_ptr<EmbeddingOutput> MakeStandardOutput(const Shape& shape);

}  // namespace siglip::cli
