// The file of --failed: which inputs failed and why, for programs to read.
#pragma once

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>

#include "output/text_file.h"
#include "siglip/error.hpp"

namespace siglip::cli {

/// {"path":"cat.jpg","code":"malformed file","message":"..."} per line; names as in all JSON lines.
/// The file appears whole or not at all. Safe to use from several threads.
class FailureFile {
 public:
  /// Failures are kept nowhere where `path` is empty. Throws as TextFile does.
  FailureFile(const std::filesystem::path& path, const WriteOptions& options);

  void Add(const std::string& path, const Error& error);
  void Commit();

 private:
  std::mutex mutex_;
  std::optional<TextFile> file_;
};

}  // namespace siglip::cli
