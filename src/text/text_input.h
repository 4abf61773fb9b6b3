// What a folder's model takes of a text, whichever project configured it.
#pragma once

#include <cstdint>
#include <filesystem>

#include "siglip/transformers/tokenizer.hpp"
#include "text/tokenizer_config.h"

namespace siglip {

struct TextInput {
  int64_t max_length = 0;
  /// Texts become ids as open_clip's HFTokenizer makes them, not as transformers' processors do.
  bool is_open_clip = false;
  TextCleaning cleaning = TextCleaning::kNone;
};

/// Where both a config.json of transformers with a text tower and open_clip's configuration are
/// there, the names of the tensors tell which one counts, as for the towers themselves; without
/// weights it is config.json. Throws Error.
TextInput ReadTextInput(const std::filesystem::path& folder, const TokenizerConfig& config);

}  // namespace siglip
