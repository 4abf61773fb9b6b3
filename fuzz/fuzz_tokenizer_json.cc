// tokenizer.json: reading one either throws siglip::Error or gives a tokenizer that takes any text.
// The file itself serves as one, and as one that open_clip would clean.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "siglip/error.hpp"
#include "text/json_tokenizer.h"
#include "text/text_cleaning.h"
#include "text/unicode_text.h"

namespace siglip {
namespace {

constexpr int64_t kLength = 128;

void Use(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<int64_t> row(kLength);
  try {
    if (tokenizer.Tokenize(text, row) > row.size()) std::abort();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kLimitExceeded) return;  // normalised it is too long
    std::abort();
  }
  for (const int64_t id : row) {
    if (id < 0 || id >= kMaxTokenIds) std::abort();
  }
}

/// As each class of transformers, with open_clip or without.
void Run(std::string_view file) {
  using Class = JsonTokenizerClass;
  for (const auto& [type, parse] : {std::pair(Class::kBackend, &ParseTokenizerJson),
                                    std::pair(Class::kSiglip2, &ParseTokenizerJson),
                                    std::pair(Class::kGemma, &ParseGemmaTokenizerJson),
                                    std::pair(Class::kT5, &ParseT5TokenizerJson)}) {
    try {
      JsonTokenizerSetup setup;
      setup.type = type;
      setup.max_length = kLength;
      setup.keep_file_case = file.size() % 2 == 0;
      setup.is_open_clip = type != Class::kSiglip2;
      const JsonTokenizer tokenizer(parse(ParseJson(file, "fuzz"), "fuzz"), setup, "fuzz");
      for (const std::string_view text : {"", " a B abab\xC3\xA9 New\t<pad>\xFF", "\xED\xA0\x80",
                                          "\xE2\x96\x81\xEF\xAC\x81\xCC\x81"}) {
        Use(tokenizer, text);
      }
      Use(tokenizer, file);
    } catch (const Error&) {
    }
  }
  const std::string text = ToValidUtf8(file);
  for (const TextCleaning cleaning :
       {TextCleaning::kWhitespace, TextCleaning::kLower, TextCleaning::kCanonicalize}) {
    const std::string cleaned = CleanText(text, cleaning);
    if (ToValidUtf8(cleaned) != cleaned) std::abort();
  }
}

}  // namespace
}  // namespace siglip

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  siglip::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
