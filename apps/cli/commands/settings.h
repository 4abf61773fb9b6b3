// What the embeddings of an embedder depend on, in words.
#pragma once

#include "output/embedding.h"
#include "siglip/embedder.hpp"

namespace siglip::cli {

/// What is embedded, and how.
struct EmbeddingKind {
  bool pictures = false;
  bool texts = false;
  EmbedOptions options;

  EmbeddingContent content() const;
  /// Of one embedding.
  Shape ShapeOf(const Embedder& embedder) const;
};

/// What begins the names of those settings that stand for weights.
inline constexpr const char* kChecksumSetting = "weights (checksum";

/// Two embedders with equal settings give every picture the same bits: they are alike in what was
/// asked for and in what they make of a test picture, which stands for the weights, the
/// configuration and everything else. The same for texts.
EmbeddingSettings DescribeSettings(const Embedder& embedder, const EmbeddingKind& kind);

}  // namespace siglip::cli
