// PullModel where downloading is left out of the build: models come into the cache otherwise.
#include "siglip/error.hpp"
#include "siglip/hub.hpp"

namespace siglip {

std::filesystem::path PullModel(const std::string& name, const PullOptions& /*options*/) {
  throw Error(ErrorCode::kUnsupported,
              name + ": cannot be downloaded, siglip was built without downloads (SIGLIP_HUB)",
              "what huggingface_hub, or siglip elsewhere, has put into the cache is found");
}

}  // namespace siglip
