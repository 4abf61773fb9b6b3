// What callers of C hand in, checked and as the rest of the library knows it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "siglip/checkpoint.hpp"
#include "siglip/embedder.hpp"
#include "siglip/siglip.h"

struct siglip_runtime {
  std::shared_ptr<const siglip::Runtime> runtime;
};

struct siglip_embedder {
  std::string folder;
  std::string instruction_set;
  siglip::ModelParts parts;
  siglip::Embedder embedder;
};

namespace siglip {

/// Throws Error(kInvalidArgument): "name: expected ..., found ...".
[[noreturn]] void Refuse(const std::string& name, const std::string& expected,
                         const std::string& found);

/// Throws Error(kInvalidArgument) for null.
void RequirePointer(const char* name, const void* pointer);
const siglip_embedder& Handle(const siglip_embedder* embedder);
/// A name of a model, a path, ...: neither null nor empty.
std::string RequireText(const char* name, const char* text);

/// The product, as a count of values. Throws Error(kInvalidArgument) for more than memory can hold,
/// and for 0: nothing to do is not what was meant.
size_t Count(const char* name, std::initializer_list<size_t> extents);
/// Throws Error(kInvalidArgument) unless `buffer` is there and has room for `needed` values.
void RequireRoom(const char* name, const void* buffer, size_t room, size_t needed);

/// 0 or 1. Throws Error(kInvalidArgument).
bool Flag(const char* name, int32_t value);
/// The number of an enumerator, which may be none of the enumeration: hence not read as one.
template <class Enumeration>
uint32_t Number(const Enumeration& value) {
  static_assert(sizeof(Enumeration) == sizeof(uint32_t));
  uint32_t number = 0;
  std::memcpy(&number, &value, sizeof(number));
  return number;
}
/// The choice of this number. Throws Error(kInvalidArgument).
template <class Choice>
Choice Choose(const char* name, uint32_t number, std::initializer_list<Choice> choices) {
  if (number >= choices.size()) {
    Refuse(name, "0 to " + std::to_string(choices.size() - 1), std::to_string(number));
  }
  return choices.begin()[number];
}

/// What siglip_embed_options says.
struct EmbedCall {
  EmbedOptions options;
  siglip_progress_fn progress = nullptr;
  void* user = nullptr;
};
EmbedCall ReadEmbedOptions(const siglip_embed_options* options);

/// Throws Error(kInvalidArgument) for one that is described wrongly, which `place` calls by
/// its place.
void CheckPicture(const siglip_picture& picture, const std::string& place);
/// Of one that was checked. Borrows its memory. `place` is its name unless it has one.
Picture ToPicture(const siglip_picture& picture, const std::string& place);
/// "picture 7"
std::string PlaceOf(uint64_t index);

/// What siglip_preprocess makes of a picture: [3, H, W], or [N, patch values] of NaFlex.
size_t PictureValues(const Embedder& embedder);

/// Throws Error(kLimitExceeded) for a text that is longer than any may be, before copying it.
std::vector<std::string> ReadTexts(const char* const* texts, const size_t* lengths, size_t n);

/// Where a text is to be written, checked before the work is done that makes it.
class TextBuffer {
 public:
  TextBuffer(char* text, size_t capacity, size_t* length);
  /// Throws Error(kInvalidArgument) where there is no room.
  void Write(std::string_view text) const;

 private:
  char* const text_;
  const size_t capacity_;
  size_t* const length_;
};

}  // namespace siglip
