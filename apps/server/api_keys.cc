#include "server/api_keys.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>

#include "output/text.h"
#include "siglip/error.hpp"

namespace siglip::server {
namespace {

constexpr size_t kLeastBytes = 16;
constexpr mode_t kOfOthers = S_IRWXG | S_IRWXO;

void CheckMode(const std::filesystem::path& file) {
  struct stat status = {};
  if (stat(file.c_str(), &status) != 0) {
    throw Error(ErrorCode::kNotFound, file.string() + ": there is no such file of keys",
                "write one key a line, at least 16 bytes each");
  }
  if ((status.st_mode & kOfOthers) != 0) {
    throw Error(ErrorCode::kUnsupported,
                file.string() + ": other users can read or change the keys",
                "chmod 600 " + file.string());
  }
}

bool Visible(char character) { return character > ' ' && character <= '~'; }

/// All bits are looked at, so that the time does not tell where the first difference is.
bool Equal(const Digest& a, const Digest& b) {
  unsigned difference = 0;
  for (size_t i = 0; i < a.size() && i < b.size(); ++i) {
    difference |= static_cast<unsigned>(a[i] ^ b[i]);
  }
  return a.size() == b.size() && difference == 0;
}

std::optional<Digest> FindIn(const std::vector<Digest>& keys, const Digest& digest) {
  bool found = false;
  for (const Digest& key : keys) found |= Equal(key, digest);
  return found ? std::optional(digest) : std::nullopt;
}

}  // namespace

ApiKeys::ApiKeys(std::filesystem::path file) : file_(std::move(file)), keys_(Read(file_)) {}

void ApiKeys::Reload() {
  Keys keys = Read(file_);
  const std::lock_guard lock(mutex_);
  keys_ = std::move(keys);
}

std::optional<Digest> ApiKeys::Find(std::string_view key) const {
  return FindIn(*keys(), Sha256Digits(key));
}

bool ApiKeys::Has(const Digest& digest) const { return FindIn(*keys(), digest).has_value(); }

ApiKeys::Keys ApiKeys::Read(const std::filesystem::path& file) {
  CheckMode(file);
  std::ifstream stream(file);
  if (!stream) throw Error(ErrorCode::kIo, file.string() + ": cannot be read");
  std::vector<Digest> keys;
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty() || line.starts_with('#')) continue;
    if (line.size() < kLeastBytes || !std::ranges::all_of(line, Visible)) {
      throw Error(ErrorCode::kMalformedFile,
                  file.string() + ": line " + std::to_string(number) +
                      ": expected a key of 16 bytes or more, letters, digits and signs, found " +
                      std::to_string(line.size()) + " bytes");
    }
    keys.push_back(Sha256Digits(line));
  }
  if (stream.bad()) throw Error(ErrorCode::kIo, file.string() + ": cannot be read");
  if (keys.empty()) throw Error(ErrorCode::kMalformedFile, file.string() + ": holds no key");
  return std::make_shared<const std::vector<Digest>>(std::move(keys));
}

ApiKeys::Keys ApiKeys::keys() const {
  const std::lock_guard lock(mutex_);
  return keys_;
}

}  // namespace siglip::server
