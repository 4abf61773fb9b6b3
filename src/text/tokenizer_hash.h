// What tells tokenizers apart.
#pragma once

#include <filesystem>
#include <string>

#include "siglip/transformers/tokenizer.hpp"

namespace siglip {

/// The SHA-256, in 64 hexadecimal digits, of what decides which ids the tokenizer of a folder makes
/// of a text: the bytes of its vocabulary (spiece.model or tokenizer.json, whichever counts), and
/// what its other files say of ids as this library understands it. So tokenizer_config.json may be
/// written anew, with other fields that change no id; a vocabulary that is written anew counts as
/// another, since what all its parts mean is known only to the references. `tokenizer` is what
/// Tokenizer::FromPretrained made of `folder`. Throws Error when a file cannot be read.
std::string TokenizerHash(const std::filesystem::path& folder, const Tokenizer& tokenizer);

}  // namespace siglip
