// The guard in front of sentencepiece: reads a spiece.model (a protocol buffer) and refuses what
// the library could not bear.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace siglip {

struct SentencePieceFile {
  /// The parts that encoding needs - pieces, trainer and normaliser settings -, as a file.
  std::string bytes;
  int32_t pieces = 0;
  /// Whether 256 pieces of bytes follow those of the file. They stand for unknown characters, which
  /// the library would otherwise join to one piece, copying what it has for each further one: time
  /// that grows with the square of the text.
  bool has_extra_bytes = false;
};

/// Throws Error(kMalformedFile), Error(kUnsupported) or Error(kLimitExceeded) naming `name`.
SentencePieceFile CheckSentencePieceFile(std::span<const std::byte> file, const std::string& name);

}  // namespace siglip
