// What the page shows instead of a key, once it has shown that.
#pragma once

#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "server/api_keys.h"

namespace siglip::server {

/// Kept in memory only: after a restart the page asks again. Safe to use from several threads.
class Sessions {
 public:
  /// `keys` must outlive this object.
  explicit Sessions(const ApiKeys& keys) : keys_(keys) {}

  /// A new secret for whoever shows this key; nothing where it is none. The oldest of very many
  /// sessions ends with that.
  std::optional<std::string> Begin(std::string_view key);
  /// Whether it is one, and its key is still there.
  bool Has(std::string_view secret) const;
  void End(std::string_view secret);

 private:
  struct Session {
    Digest secret;
    Digest key;
  };

  const ApiKeys& keys_;
  mutable std::mutex mutex_;  // guards what follows
  std::deque<Session> sessions_;
};

}  // namespace siglip::server
