// spiece.model: either siglip::Error or a model that takes any text, the file itself among them.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "siglip/error.hpp"
#include "text/sentencepiece_model.h"
#include "text/unicode_text.h"

namespace siglip {
namespace {

void Use(const SentencePieceModel& model, std::string_view text) {
  for (const int id : model.Encode(ToValidUtf8(text))) {
    if (id < 0 || id >= model.size()) std::abort();
    model.Find(model.Piece(id));
  }
}

void Run(std::string_view file) {
  try {
    const SentencePieceModel model(std::as_bytes(std::span<const char>(file)), "fuzz");
    for (const std::string_view text : {"", " a photo\u3000of \u2581two  ", "caf\xC3\xA9\xFF"}) {
      Use(model, text);
    }
    Use(model, file);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInternal) std::abort();
  }
}

}  // namespace
}  // namespace siglip

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  siglip::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
