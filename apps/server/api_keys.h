// The keys that clients of the service show.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siglip::server {

/// SHA-256 of a secret, in hexadecimal digits.
using Digest = std::string;

/// A file of keys, one a line; blank lines and those that begin with # are passed over. Safe to use
/// from several threads.
class ApiKeys {
 public:
  /// Throws Error: kNotFound, kIo; kUnsupported for a file that others may read or write;
  /// kMalformedFile naming the line of a key shorter than 16 bytes or with other characters than
  /// those of ASCII that can be seen, and for a file without keys.
  explicit ApiKeys(std::filesystem::path file);

  /// Reads the file again. What was before stays when that throws.
  void Reload();

  /// The digest of the key, if it is one of these. Takes the same time whichever of them it is.
  std::optional<Digest> Find(std::string_view key) const;
  /// Whether a key with this digest is still there.
  bool Has(const Digest& digest) const;

 private:
  using Keys = std::shared_ptr<const std::vector<Digest>>;

  static Keys Read(const std::filesystem::path& file);
  Keys keys() const;

  const std::filesystem::path file_;
  mutable std::mutex mutex_;  // guards what follows
  Keys keys_;
};

}  // namespace siglip::server
