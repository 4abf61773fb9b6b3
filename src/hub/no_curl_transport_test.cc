// Tests of a build without libcurl. That other transports do is tested by pull_model_test.cc.
#include <gtest/gtest.h>

#include <cstdlib>

#include "expect_error.h"
#include "siglip/hub.hpp"

namespace siglip {
namespace {

TEST(NoCurlTransport, PullingSaysWhatIsMissing) {
  ::unsetenv("HF_HUB_OFFLINE");
  ::unsetenv("TRANSFORMERS_OFFLINE");
  ExpectError(ErrorCode::kUnsupported, {"without libcurl", "SIGLIP_CURL", "PullOptions::transport"},
              [] { PullModel("google/siglip-base"); });
}

}  // namespace
}  // namespace siglip
