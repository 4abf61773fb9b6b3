#include "c/arguments.h"

#include <cstddef>
#include <limits>
#include <span>

#include "c/structs.h"
#include "siglip/error.hpp"
#include "siglip/transformers/tokenizer.hpp"

namespace siglip {
namespace {

constexpr size_t kMostBytes = std::numeric_limits<ptrdiff_t>::max();
constexpr size_t kMostValueBytes = 8;

std::string LengthsName(size_t index) { return "text " + std::to_string(index); }

}  // namespace

void Refuse(const std::string& name, const std::string& expected, const std::string& found) {
  throw Error(ErrorCode::kInvalidArgument, name + ": expected " + expected + ", found " + found);
}

void RequirePointer(const char* name, const void* pointer) {
  if (pointer == nullptr) Refuse(name, "a pointer", "NULL");
}

const siglip_embedder& Handle(const siglip_embedder* embedder) {
  RequirePointer("embedder", embedder);
  return *embedder;
}

std::string RequireText(const char* name, const char* text) {
  RequirePointer(name, text);
  if (*text == '\0') Refuse(name, "a text", "an empty one");
  return text;
}

size_t Count(const char* name, std::initializer_list<size_t> extents) {
  size_t count = 1;
  for (const size_t extent : extents) {
    if (extent == 0) Refuse(name, "at least one", "none");
    if (extent > kMostBytes / kMostValueBytes / count) {
      Refuse(name, "a count of values that memory can hold", "one that overflows");
    }
    count *= extent;
  }
  return count;
}

void RequireRoom(const char* name, const void* buffer, size_t room, size_t needed) {
  RequirePointer(name, buffer);
  if (room < needed) {
    Refuse(name, "room for " + std::to_string(needed) + " values", std::to_string(room));
  }
}

bool Flag(const char* name, int32_t value) {
  if (value != 0 && value != 1) Refuse(name, "0 or 1", std::to_string(value));
  return value == 1;
}

EmbedCall ReadEmbedOptions(const siglip_embed_options* options) {
  const siglip_embed_options given = ReadStruct("options", options);
  EmbedCall call;
  call.options.output = Choose("output", Number(given.output), {Output::kPooled, Output::kTokens});
  call.options.order = Choose("order", Number(given.order), {Order::kInput, Order::kAsReady});
  call.options.normalize = Flag("normalize", given.normalize);
  call.options.in_flight = given.in_flight;
  call.progress = given.progress;
  call.user = given.user;
  return call;
}

void CheckPicture(const siglip_picture& picture, const std::string& place) {
  const bool of_data = picture.data != nullptr;
  if ((picture.path != nullptr) == of_data) {
    Refuse(place, "a path or data", of_data ? "both" : "neither");
  }
  if (!of_data) RequireText("path", picture.path);
  if (!of_data && (picture.byte_count != 0 || picture.channels != 0)) {
    Refuse(place, "byte_count and channels of 0 beside a path", "others");
  }
  if (picture.channels == 0 &&
      (picture.width != 0 || picture.height != 0 || picture.row_stride != 0)) {
    Refuse(place, "channels beside width, height and row_stride of pixels", "0");
  }
  if (picture.byte_count > kMostBytes || picture.row_stride > kMostBytes) {
    Refuse(place, "byte_count and row_stride of what memory can hold", "more");
  }
  if (picture.reserved != 0) Refuse(place, "0 in reserved", std::to_string(picture.reserved));
}

Picture ToPicture(const siglip_picture& picture, const std::string& place) {
  if (picture.path != nullptr) {
    return Picture::File(picture.path, picture.name != nullptr ? picture.name : "");
  }
  const std::string name = picture.name != nullptr ? picture.name : place;
  if (picture.channels == 0) {
    return Picture::BorrowedBytes({static_cast<const std::byte*>(picture.data), picture.byte_count},
                                  nullptr, name);
  }
  const PixelLayout layout = {.width = picture.width,
                              .height = picture.height,
                              .channels = picture.channels,
                              .row_stride = static_cast<int64_t>(picture.row_stride)};
  return Picture::BorrowedPixels({static_cast<const uint8_t*>(picture.data), picture.byte_count},
                                 layout, nullptr, name);
}

std::string PlaceOf(uint64_t index) { return "picture " + std::to_string(index); }

std::vector<std::string> ReadTexts(const char* const* texts, const size_t* lengths, size_t n) {
  RequirePointer("texts", texts);
  std::vector<std::string> read;
  read.reserve(n);
  for (size_t i = 0; i < n; ++i) {
    RequirePointer(LengthsName(i).c_str(), texts[i]);
    const size_t length = lengths != nullptr ? lengths[i] : ::strnlen(texts[i], kMaxTextBytes + 1);
    if (length > kMaxTextBytes) {
      throw Error(ErrorCode::kLimitExceeded,
                  LengthsName(i) + ": longer than " + std::to_string(kMaxTextBytes) + " bytes");
    }
    read.emplace_back(texts[i], length);
  }
  return read;
}

TextBuffer::TextBuffer(char* text, size_t capacity, size_t* length)
    : text_(text), capacity_(capacity), length_(length) {
  if (text == nullptr && capacity != 0) Refuse("text", "room for a text", "NULL");
  if (text == nullptr) RequirePointer("length", length);
}

void TextBuffer::Write(std::string_view text) const {
  if (text_ != nullptr) {
    if (capacity_ <= text.size()) {
      Refuse("capacity", std::to_string(text.size() + 1) + " bytes", std::to_string(capacity_));
    }
    std::memcpy(text_, text.data(), text.size());
    text_[text.size()] = '\0';
  }
  if (length_ != nullptr) *length_ = text.size();
}

}  // namespace siglip
