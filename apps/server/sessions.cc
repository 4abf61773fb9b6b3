#include "server/sessions.h"

#include <algorithm>

#include "output/text.h"
#include "server/random_hex.h"

namespace siglip::server {
namespace {

constexpr size_t kMostSessions = 1000;
constexpr size_t kSecretBytes = 32;

}  // namespace

std::optional<std::string> Sessions::Begin(std::string_view key) {
  const std::optional<Digest> digest = keys_.Find(key);
  if (!digest) return std::nullopt;
  std::string secret = RandomHex(kSecretBytes);
  const std::lock_guard lock(mutex_);
  if (sessions_.size() == kMostSessions) sessions_.pop_front();
  sessions_.push_back({.secret = Sha256Digits(secret), .key = *digest});
  return secret;
}

// Looked up by digest: how long that takes tells nothing about the secret.
bool Sessions::Has(std::string_view secret) const {
  const Digest digest = Sha256Digits(secret);
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(sessions_, digest, &Session::secret);
  return found != sessions_.end() && keys_.Has(found->key);
}

void Sessions::End(std::string_view secret) {
  const Digest digest = Sha256Digits(secret);
  const std::lock_guard lock(mutex_);
  std::erase_if(sessions_, [&](const Session& session) { return session.secret == digest; });
}

}  // namespace siglip::server
