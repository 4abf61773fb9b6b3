// The guard in front of sentencepiece: reads a spiece.model (a protocol buffer) and refuses what
// the library could not bear.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace siglip {

/// The parts of a spiece.model that encoding needs - pieces, trainer and normaliser settings -, as
/// a spiece.model of its own. Throws Error(kMalformedFile), Error(kUnsupported) or
/// Error(kLimitExceeded) naming `name`.
std::string CheckedSentencePieceFile(std::span<const std::byte> file, const std::string& name);

}  // namespace siglip
