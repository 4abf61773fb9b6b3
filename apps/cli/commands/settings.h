// What the embeddings of an engine depend on, in words.
#pragma once

#include "output/embedding.h"
#include "siglip/engine.h"

namespace siglip::cli {

/// Two engines with equal settings give every picture the same bits: they are alike in what was
/// asked for and in what they make of a test picture, which stands for the weights, the
/// configuration and everything else. `with_texts`: the same for texts.
EmbeddingSettings DescribeSettings(const Engine& engine, bool with_texts);

}  // namespace siglip::cli
