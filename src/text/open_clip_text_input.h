// What open_clip's configuration says about texts.
#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"
#include "siglip/transformers/tokenizer.hpp"

namespace siglip {

struct OpenClipTextInput {
  int64_t context_length = 77;
  TextCleaning cleaning = TextCleaning::kWhitespace;
};

/// Whether a file is open_clip's and describes a text tower: open_clip_config.json or one of its
/// model_configs.
bool HasOpenClipText(const Json& json);

/// Reads such a file: "context_length" and "tokenizer_kwargs" of "text_cfg". Throws
/// Error(kUnsupported) naming the field and value that would make other ids than the tokenizer's
/// files alone, Error(kMalformedFile) for what open_clip could not read. `name` is what errors call
/// the file.
OpenClipTextInput ParseOpenClipTextInput(const Json& json, const std::string& name);

}  // namespace siglip
