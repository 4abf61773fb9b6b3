// The fingerprint of what an engine is made of.
#pragma once

#include <filesystem>

#include "engine/image_tower.h"
#include "siglip/engine.h"
#include "siglip/fingerprint.h"
#include "siglip/text_model.h"
#include "siglip/tokenizer.h"

namespace siglip {

/// What the embeddings of an engine depend on.
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
