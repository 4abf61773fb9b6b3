// Tests of a build without downloads: the cache is read as ever.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "expect_error.h"
#include "scratch_folder.h"
#include "siglip/hub.hpp"

namespace siglip {
namespace {

TEST(NoDownloads, PullingSaysWhatIsMissing) {
  ExpectError(ErrorCode::kUnsupported, {"google/siglip-base", "SIGLIP_HUB"},
              [] { PullModel("google/siglip-base"); });
}

TEST(NoDownloads, ModelsInTheCacheAreFound) {
  const ScratchFolder scratch;
  ::setenv("HF_HUB_CACHE", scratch.path().c_str(), 1);
  const std::string commit(40, 'a');
  const std::filesystem::path model = scratch.path() / "models--someone--model";
  const std::filesystem::path snapshot = model / "snapshots" / commit;
  std::filesystem::create_directories(snapshot);
  std::filesystem::create_directories(model / "refs");
  std::ofstream(model / "refs" / "main") << commit;
  std::ofstream(snapshot / "config.json") << "{}";
  std::ofstream(snapshot / "model.safetensors") << "weights";
  EXPECT_EQ(ResolveModel("someone/model"), snapshot);
  ::unsetenv("HF_HUB_CACHE");
}

}  // namespace
}  // namespace siglip
