// The fingerprint of what an embedder is made of.
#pragma once

#include <filesystem>

#include "engine/image_tower.h"
#include "siglip/embedder.hpp"
#include "siglip/fingerprint.hpp"
#include "siglip/transformers/text_model.hpp"
#include "siglip/transformers/tokenizer.hpp"

namespace siglip {

/// What the embeddings of an embedder depend on.
struct FingerprintParts {
  const ImageTower* image_tower = nullptr;  ///< Null: no pictures.
  DecodeOptions decode;
  const SiglipTextModel* text_model = nullptr;  ///< Null: no texts.
  EmbedOptions options;
};

/// With all hashes left out. One of the two models must be there.
Fingerprint DescribeParts(const FingerprintParts& parts);

/// Adds the hashes of what was loaded from `folder`; `tokenizer` may be null where there are no
/// texts. Reads the weights, unless their hash is known: see TowerWeightsHash.
void AddHashes(const std::filesystem::path& folder, const Tokenizer* tokenizer,
               Fingerprint& fingerprint);

}  // namespace siglip
