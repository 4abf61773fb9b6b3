// The bytes of picture files.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "siglip/image.hpp"

namespace siglip {

class PictureFile {
 public:
  /// Reads the whole file: a mapped one would end the process, not the picture, when another
  /// program cuts it short meanwhile. `name` is what errors call it. Throws Error: kNotFound, kIo,
  /// kLimitExceeded.
  PictureFile(const std::filesystem::path& path, const std::string& name,
              const DecodeLimits& limits);
  /// Called by its path.
  PictureFile(const std::filesystem::path& path, const DecodeLimits& limits)
      : PictureFile(path, path.string(), limits) {}

  std::span<const std::byte> bytes() const { return {data_.get(), size_}; }

 private:
  std::unique_ptr<std::byte[]> data_;
  size_t size_ = 0;
};

/// Throws Error(kLimitExceeded) for more bytes than a picture file may have.
void CheckFileSize(const std::string& name, size_t size, const DecodeLimits& limits);

}  // namespace siglip
