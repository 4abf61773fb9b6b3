// The life of the service, from the model to the last reply.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/access.h"
#include "server/http/http_server.h"
#include "server/service_parts.h"
#include "siglip/embedder.hpp"

namespace siglip::server {

struct ServeOptions {
  HttpServerOptions http;
  ServiceOptions service;
  AccessRules access;
  std::optional<std::filesystem::path> api_keys;
  /// Lets everybody who can reach the address in.
  bool no_auth = false;
  bool watch = false;              ///< Keep the index up to date.
  std::string recorded_model;      ///< What an index calls the model.
  std::chrono::seconds rescan{0};  ///< With `watch`: also look at all files as often; 0: never.
  std::chrono::milliseconds drain{30'000};  ///< For requests that are under way at the end.
};

/// What the service hears from outside, and whom it tells.
struct ServeSignals {
  const std::atomic<bool>& stop;                   ///< True: finish what was accepted, and end.
  std::atomic<bool>& reload;                       ///< True: read the keys again; set back.
  std::function<void(std::string_view line)> say;  ///< For people, from any thread.
};

/// Serves until `stop`, which it looks at when the model that `load` returns is there. Listens
/// before that: an address that is taken is told at once, and /health is answered meanwhile. True
/// if every accepted request was answered. Throws Error: kInvalidArgument for an address of others
/// without keys, and as `load`, Service, ApiKeys, HttpServer and IndexKeeper do.
bool Serve(const ServeOptions& options, const ServeSignals& signals,
           const std::function<Embedder()>& load);

}  // namespace siglip::server
