// What the tests of indexes share: the embedder that makes them.
#pragma once

#include <cstddef>

#include "engine/embedder_test_support.h"
#include "siglip/embedder.hpp"
#include "source_folders.h"

namespace siglip {

constexpr size_t kDimensions = 128;  // of the demo model

inline Embedder OpenDemo(Precision precision = Precision::kFloat32) {
  EmbedderOptions options;
  options.precision = precision;
  options.runtime = Threads(2);
  return Embedder::Open(kDemo, options);
}

}  // namespace siglip
