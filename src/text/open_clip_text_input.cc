// See open_clip_text_input.h. Source: open_clip 3.3, get_tokenizer of factory.py and HFTokenizer of
// tokenizer.py.
#include "text/open_clip_text_input.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "siglip/error.hpp"
#include "text/tokenizer_config.h"

namespace siglip {
namespace {

struct Kind {
  std::string_view name;
  TextCleaning cleaning;
};
constexpr std::array<Kind, 3> kKinds = {{{"canonicalize", TextCleaning::kCanonicalize},
                                         {"lower", TextCleaning::kLower},
                                         {"whitespace", TextCleaning::kWhitespace}}};

/// Arguments of the tokenizer that make no difference where it is read from tokenizer.json and the
/// length of texts is given.
constexpr std::array<std::string_view, 4> kIdleArguments = {
    "use_fast", "legacy", "model_max_length", "clean_up_tokenization_spaces"};

Error Unsupported(const std::string& name, const std::string& key, const std::string& expected,
                  const Json& found) {
  return Error(ErrorCode::kUnsupported,
               name + ": field '" + key + "': expected " + expected + ", found " + ShownJson(found),
               "with it open_clip makes other ids of a text");
}

TextCleaning ParseCleaning(const Json& value, const std::string& key, const std::string& name) {
  const auto kind = std::ranges::find_if(kKinds, [&](const Kind& k) { return value == k.name; });
  if (kind != kKinds.end()) return kind->cleaning;
  throw Unsupported(name, key, "\"canonicalize\", \"lower\" or \"whitespace\"", value);
}

/// What HFTokenizer is called with besides the length.
void ReadArguments(const Json& arguments, const std::string& key, const std::string& name,
                   OpenClipTextInput& input) {
  for (const auto& [argument, value] : JsonObject(arguments, key, name).items()) {
    const std::string path = key + "." + argument;
    if (argument == "clean") {
      input.cleaning = ParseCleaning(value, path, name);
    } else if (argument == "strip_sep_token") {
      if (value != false) throw Unsupported(name, path, "false", value);
    } else if (argument == "language") {
      if (!value.is_null()) throw Unsupported(name, path, "null", value);
    } else if (std::ranges::find(kIdleArguments, argument) == kIdleArguments.end()) {
      throw Unsupported(name, path, "no such field", value);
    }
  }
}

/// The object with "text_cfg".
const Json& ModelOf(const Json& json) {
  const Json* model = JsonField(json, "model_cfg");
  return model == nullptr ? json : *model;
}

}  // namespace

bool HasOpenClipText(const Json& json) { return JsonField(ModelOf(json), "text_cfg") != nullptr; }

OpenClipTextInput ParseOpenClipTextInput(const Json& json, const std::string& name) {
  const std::string key =
      JsonField(json, "model_cfg") == nullptr ? "text_cfg" : "model_cfg.text_cfg";
  const Json& text = JsonObject(ModelOf(json).at("text_cfg"), key, name);
  const auto path = [&](const char* field) { return key + "." + field; };
  OpenClipTextInput input;
  if (const Json* length = JsonField(text, "context_length")) {
    input.context_length = CheckedTokenCount(*length, path("context_length"), name);
  }
  if (const Json* tokenizer = JsonField(text, "hf_tokenizer_name")) {
    if (JsonString(*tokenizer, path("hf_tokenizer_name"), name).empty()) {
      throw Unsupported(name, path("hf_tokenizer_name"),
                        "the name of a tokenizer instead of CLIP's own", *tokenizer);
    }
  }
  if (const Json* mode = JsonField(text, "tokenizer_mode")) {
    if (!JsonString(*mode, path("tokenizer_mode"), name).empty()) {
      throw Unsupported(name, path("tokenizer_mode"), "null", *mode);
    }
  }
  if (const Json* arguments = JsonField(text, "tokenizer_kwargs")) {
    ReadArguments(*arguments, path("tokenizer_kwargs"), name, input);
  }
  return input;
}

}  // namespace siglip
