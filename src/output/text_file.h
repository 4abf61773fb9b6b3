// A text file that appears whole or not at all.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "siglip/write_options.hpp"

namespace siglip {

class AtomicFile;

class TextFile {
 public:
  /// Throws Error(kIo) when the folder cannot be written, or when `path` is there and no regular
  /// file.
  TextFile(const std::filesystem::path& path, const WriteOptions& options);
  ~TextFile();

  /// Throws Error(kIo), e.g. when the disk is full.
  void Write(std::string_view text);
  /// Before this, there is no file. Throws Error(kIo), and Error(kInvalidArgument) when one that is
  /// not to be replaced is there.
  void Commit();

 private:
  std::unique_ptr<AtomicFile> file_;
};

}  // namespace siglip
