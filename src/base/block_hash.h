// What the hashes of FIPS 180-4 over blocks of 64 bytes have in common: SHA-1 and SHA-256.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace siglip {

/// Of bytes that come in any number of pieces. `kWords` is the size of the state, all of which is
/// the result.
template <size_t kWords>
class BlockHash {
 public:
  static constexpr size_t kBlock = 64;
  using State = std::array<uint32_t, kWords>;
  /// Takes `count` blocks into the state.
  using Compress = void (*)(uint32_t* state, const unsigned char* blocks, size_t count);

  BlockHash(const State& initial, Compress compress) : state_(initial), compress_(compress) {}

  void Add(std::span<const std::byte> bytes) {
    const size_t held = size_ % kBlock;
    size_ += bytes.size();
    if (held != 0) {
      const auto head = bytes.first(std::min(bytes.size(), kBlock - held));
      std::ranges::copy(head, block_.begin() + static_cast<ptrdiff_t>(held));
      bytes = bytes.subspan(head.size());
      if (held + head.size() < kBlock) return;
      compress_(state_.data(), Bytes(block_), 1);
    }
    compress_(state_.data(), Bytes(bytes), bytes.size() / kBlock);
    std::ranges::copy(bytes.last(bytes.size() % kBlock), block_.begin());
  }
  void Add(std::string_view text) { Add(std::as_bytes(std::span(text))); }

  /// Of all bytes added, in lower-case hexadecimal digits. Called once, at the end.
  std::string Finish() {
    std::array<std::byte, 8> bits;
    for (size_t i = 0; i < bits.size(); ++i) bits[i] = std::byte(size_ * 8 >> (56 - 8 * i));
    constexpr std::array<std::byte, kBlock> kEnd = {std::byte{0x80}};
    // A one, zeros up to eight bytes before the end of a block, and the size in bits.
    Add(std::span(kEnd).first(kBlock - (size_ + bits.size()) % kBlock));
    Add(bits);
    std::string digits;
    for (const uint32_t word : state_) {
      for (int shift = 28; shift >= 0; shift -= 4) {
        digits += "0123456789abcdef"[word >> shift & 15];
      }
    }
    return digits;
  }

 private:
  static const unsigned char* Bytes(std::span<const std::byte> bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
  }

  State state_;
  Compress compress_;
  std::array<std::byte, kBlock> block_ = {};  // the bytes behind the last whole block
  uint64_t size_ = 0;
};

/// The 32 bits of a block that begin here, the highest byte first.
inline uint32_t BigEndianWord(const unsigned char* bytes) {
  return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | bytes[3];
}

}  // namespace siglip
