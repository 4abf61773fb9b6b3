// Little-endian numbers out of foreign bytes, never past their end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

namespace siglip {

/// Reads from front to back. `name`, which must outlive the reader, is what errors call the bytes;
/// every function throws Error(kMalformedFile) when they end too early.
class ByteReader {
 public:
  ByteReader(std::span<const std::byte> bytes, const std::string& name)
      : bytes_(bytes), name_(&name) {}

  size_t position() const { return position_; }
  size_t remaining() const { return bytes_.size() - position_; }

  /// The next bytes, wherever the caller's copy of them lies.
  std::span<const std::byte> ReadBytes(uint64_t count) {
    if (count > remaining()) ThrowTooShort(count);
    const auto bytes = bytes_.subspan(position_, static_cast<size_t>(count));
    position_ += static_cast<size_t>(count);
    return bytes;
  }
  void Skip(uint64_t count) { ReadBytes(count); }
  /// The next bytes as a reader of their own.
  ByteReader Take(uint64_t count) { return {ReadBytes(count), *name_}; }
  std::string ReadText(uint64_t count) {
    const auto bytes = ReadBytes(count);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  template <typename Number>
  Number Read() {
    static_assert(std::is_arithmetic_v<Number>);
    Number number;
    std::memcpy(&number, ReadBytes(sizeof(Number)).data(), sizeof(Number));
    return number;
  }

 private:
  [[noreturn]] void ThrowTooShort(uint64_t count) const;

  std::span<const std::byte> bytes_;
  const std::string* name_;
  size_t position_ = 0;
};

}  // namespace siglip
