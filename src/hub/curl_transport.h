// Requests through libcurl, which takes proxies and certificates as curl does.
#pragma once

#include <memory>

#include "siglip/http_transport.hpp"

namespace siglip {

/// One that keeps its connections, for one thread. Throws Error(kUnsupported) in a build without
/// libcurl.
std::shared_ptr<HttpTransport> NewCurlTransport();

}  // namespace siglip
