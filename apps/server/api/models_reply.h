// The reply to GET /v1/models.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace siglip::server {

struct ServedModel {
  std::string id;         ///< What requests may call it.
  int64_t created = 0;    ///< In seconds since 1970; when the service began to serve it.
  int64_t dimension = 0;  ///< D of its embeddings.
};

/// {"object":"list","data":[{"id","object":"model","created","owned_by":"siglip","dimension"}]}
std::string ModelsReply(std::span<const ServedModel> models);

}  // namespace siglip::server
