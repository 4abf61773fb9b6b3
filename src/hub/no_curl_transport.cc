// What stands for curl_transport.cc in a build without libcurl (SIGLIP_CURL=OFF).
#include "hub/curl_transport.h"
#include "siglip/error.hpp"

namespace siglip {

std::shared_ptr<HttpTransport> NewCurlTransport() {
  throw Error(ErrorCode::kUnsupported,
              "nothing can be downloaded: siglip was built without libcurl (SIGLIP_CURL)",
              "programs may bring a transport of their own, PullOptions::transport; models that "
              "are in the cache are found");
}

}  // namespace siglip
