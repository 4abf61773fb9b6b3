// tokenizer.json: reading one either throws siglip::Error or gives a tokenizer that takes any text.
// The file itself serves as one.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "siglip/error.h"
#include "text/json_tokenizer.h"

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

void Run(std::string_view file) {
  try {
    const Siglip2Tokenizer tokenizer(ParseTokenizerJson(ParseJson(file, "fuzz"), "fuzz"), {},
                                     kLength, file.size() % 2 == 0, "fuzz");
    for (const std::string_view text : {"", " a B abab\xC3\xA9 New\t<pad>\xFF", "\xED\xA0\x80"}) {
      Use(tokenizer, text);
    }
    Use(tokenizer, file);
  } catch (const Error&) {
  }
}

}  // namespace
}  // namespace siglip

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  siglip::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
