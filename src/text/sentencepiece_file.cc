// See sentencepiece_file.h. Source of the format: sentencepiece_model.proto of sentencepiece, and
// the encoding of protocol buffers.
#include "text/sentencepiece_file.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/file_kind.h"
#include "siglip/error.hpp"
#include "text/character_map.h"
#include "text/tokenizer_config.h"
#include "text/unicode_text.h"

namespace siglip {
namespace {

constexpr size_t kMaxFileBytes = size_t{64} << 20;
// The library descends once per byte of a piece when it builds its tables, and keeps up to 64
// user-defined pieces that begin alike.
constexpr size_t kMaxPieceBytes = 512;
constexpr size_t kMaxUserDefinedBytes = 64;

// Numbers of fields.
constexpr uint32_t kPieces = 1;
constexpr uint32_t kTrainerSpec = 2;
constexpr uint32_t kNormalizerSpec = 3;
constexpr uint32_t kPieceText = 1;
constexpr uint32_t kPieceScore = 2;
constexpr uint32_t kPieceType = 3;
constexpr uint32_t kTrainerModelType = 3;
constexpr uint32_t kTrainerByteFallback = 35;
constexpr uint32_t kNormalizerCharacterMap = 2;

constexpr uint64_t kUnigram = 1;
constexpr uint64_t kUserDefined = 4;
constexpr char kByte = 6;

enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct WireField {
  uint32_t number = 0;
  uint32_t wire_type = 0;
  uint64_t value = 0;      // of a varint or a fixed number
  std::string_view bytes;  // of kBytes
  std::string_view whole;  // with its tag
};

/// The fields of one message, in their order.
class Message {
 public:
  Message(std::string_view bytes, const std::string& name) : rest_(bytes), name_(name) {}

  std::optional<WireField> Next() {
    if (rest_.empty()) return std::nullopt;
    const std::string_view begin = rest_;
    WireField field;
    const uint64_t tag = Varint();
    field.number = static_cast<uint32_t>(tag >> 3);
    field.wire_type = static_cast<uint32_t>(tag & 7);
    if (tag > UINT32_MAX || field.number == 0) throw Broken();
    switch (field.wire_type) {
      case kVarint: field.value = Varint(); break;
      case kFixed64: field.value = Fixed(8); break;
      case kBytes: field.bytes = Take(Varint()); break;
      case kFixed32: field.value = Fixed(4); break;
      default: throw Broken();
    }
    field.whole = begin.substr(0, begin.size() - rest_.size());
    return field;
  }

 private:
  Error Broken() const { return CutShort(name_, "not a sentencepiece model"); }

  std::string_view Take(uint64_t size) {
    if (size > rest_.size()) throw Broken();
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  uint64_t Fixed(size_t size) {  // little-endian
    const std::string_view bytes = Take(size);
    uint64_t value = 0;
    for (size_t i = size; i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[i]);
    return value;
  }

  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<uint8_t>(Take(1)[0]);
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    throw Broken();
  }

  std::string_view rest_;
  const std::string& name_;
};

void CheckPiece(std::string_view bytes, int64_t index, const std::string& name) {
  const auto require = [&](bool good, const char* what) {
    if (good) return;
    throw Error(ErrorCode::kMalformedFile, name + ": piece " + std::to_string(index) + ": " + what);
  };
  std::string_view text;
  uint64_t type = 0;
  Message piece(bytes, name);
  while (const auto field = piece.Next()) {
    if (field->number == kPieceText && field->wire_type == kBytes) text = field->bytes;
    if (field->number == kPieceType && field->wire_type == kVarint) type = field->value;
    if (field->number == kPieceScore && field->wire_type == kFixed32) {
      const auto bits = static_cast<uint32_t>(field->value);
      float score = 0;
      std::memcpy(&score, &bits, sizeof(score));
      require(std::isfinite(score), "its score is no finite number");
    }
  }
  require(!text.empty(), "it is empty");
  require(text.size() <= kMaxPieceBytes, "longer than 512 bytes");
  require(type != kUserDefined || text.size() <= kMaxUserDefinedBytes,
          "user-defined and longer than 64 bytes");
  require(text.find('\0') == std::string_view::npos, "it holds a zero byte");
  require(ToValidUtf8(text) == text, "it is not valid UTF-8");
}

/// SigLIP's models are unigram models. The others would need guards of their own.
void CheckTrainerSpec(std::string_view bytes, const std::string& name, bool& byte_fallback) {
  Message trainer(bytes, name);
  while (const auto field = trainer.Next()) {
    if (field->number == kTrainerByteFallback) byte_fallback = field->value != 0;
    if (field->number == kTrainerModelType && field->value != kUnigram) {
      throw Error(ErrorCode::kUnsupported, name + ": expected a unigram model, found model type " +
                                               std::to_string(field->value));
    }
  }
}

void CheckNormalizerSpec(std::string_view bytes, const std::string& name) {
  Message normalizer(bytes, name);
  while (const auto field = normalizer.Next()) {
    if (field->number == kNormalizerCharacterMap && field->wire_type == kBytes) {
      CheckCharacterMap(field->bytes, name);
    }
  }
}

/// A message as the field of another one; all are shorter than 128 bytes.
void AppendMessage(uint32_t number, std::string_view message, std::string& file) {
  file += {static_cast<char>(number << 3 | kBytes), static_cast<char>(message.size())};
  file += message;
}

/// Pieces <0x00> to <0xFF>, and the setting that lets the library fall back to them.
void AppendBytePieces(std::string& file) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    std::array<char, 8> text;
    std::snprintf(text.data(), text.size(), "<0x%02X>", byte);
    std::string piece;
    AppendMessage(kPieceText, text.data(), piece);
    piece += {static_cast<char>(kPieceType << 3 | kVarint), kByte};
    AppendMessage(kPieces, piece, file);
  }
  constexpr uint32_t kTag = kTrainerByteFallback << 3 | kVarint;
  const std::string setting = {static_cast<char>((kTag & 0x7F) | 0x80),
                               static_cast<char>(kTag >> 7), 1};
  AppendMessage(kTrainerSpec, setting, file);
}

}  // namespace

SentencePieceFile CheckSentencePieceFile(std::span<const std::byte> file, const std::string& name) {
  if (file.size() > kMaxFileBytes) {
    throw Error(ErrorCode::kLimitExceeded, name + ": " + std::to_string(file.size()) +
                                               " bytes, allowed are " +
                                               std::to_string(kMaxFileBytes));
  }
  SentencePieceFile checked;
  checked.bytes.reserve(file.size());
  bool byte_fallback = false;
  int64_t pieces = 0;
  Message model({reinterpret_cast<const char*>(file.data()), file.size()}, name);
  while (const auto field = model.Next()) {
    if (field->wire_type != kBytes) continue;
    switch (field->number) {
      case kPieces: CheckPiece(field->bytes, pieces++, name); break;
      case kTrainerSpec: CheckTrainerSpec(field->bytes, name, byte_fallback); break;
      case kNormalizerSpec: CheckNormalizerSpec(field->bytes, name); break;
      default: continue;  // self-tests, which print when they fail, and what decoding needs
    }
    checked.bytes += field->whole;
  }
  if (pieces == 0) throw Error(ErrorCode::kMalformedFile, name + ": holds no pieces");
  checked.pieces = CheckedTokenId(pieces - 1, "pieces", name) + 1;
  checked.has_extra_bytes = !byte_fallback;
  if (checked.has_extra_bytes) AppendBytePieces(checked.bytes);
  return checked;
}

}  // namespace siglip
