// One picture to be looked at, wherever it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "siglip/export.hpp"

namespace siglip {

/// How pixels lie in memory: rows from top to bottom, pixels from left to right, a byte for each
/// channel.
struct PixelLayout {
  int64_t width = 0;
  int64_t height = 0;
  int64_t channels = 3;    ///< 1: grey, 3: RGB, 4: RGBA, whose alpha is not multiplied in.
  int64_t row_stride = 0;  ///< Bytes from the beginning of a row to the next; 0: no gaps.
};

/// A picture file, the bytes of one, or pixels. What it is called, in errors and results, is up to
/// the caller and decides nothing; without a name it is "picture", a file is its path.
///
/// Nothing is read, decoded or checked before the picture is used: what is wrong with it is an
/// error of that picture, then. Copies are cheap, and share what they hold.
class SIGLIP_EXPORT Picture {
 public:
  static Picture File(std::filesystem::path path, std::string name = {});
  /// The contents of a picture file.
  static Picture Bytes(std::string bytes, std::string name = {});
  static Picture Pixels(std::vector<uint8_t> pixels, const PixelLayout& layout,
                        std::string name = {});

  /// Of memory that is not copied, must not change, and lives as long as `owner`, of which every
  /// copy of the picture keeps one. Without an owner the caller keeps it alive.
  static Picture BorrowedBytes(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                               std::string name = {});
  static Picture BorrowedPixels(std::span<const uint8_t> pixels, const PixelLayout& layout,
                                std::shared_ptr<const void> owner, std::string name = {});

  const std::string& name() const { return name_; }

 private:
  friend class OpenedPicture;

  struct EncodedBytes {
    std::span<const std::byte> bytes;
    std::shared_ptr<const void> owner;
  };
  struct RawPixels {
    std::span<const uint8_t> pixels;
    PixelLayout layout;
    std::shared_ptr<const void> owner;
  };
  using Source = std::variant<std::filesystem::path, EncodedBytes, RawPixels>;

  Picture(Source source, std::string name);

  Source source_;
  std::string name_;
};

}  // namespace siglip
