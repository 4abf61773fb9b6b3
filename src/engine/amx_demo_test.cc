// The accuracy promised, by the tiles of AMX without AMX.
#include <gtest/gtest.h>

#include <memory>

#include "demo_model.h"
#include "kernels/amx_software.h"
#include "kernels/compute_runtime.h"
#include "sanitizers.h"
#include "source_folders.h"

namespace siglip {
namespace {

TEST(AmxDemo, TilesOfSoftwareKeepDirectionsAndClasses) {
  if (AmxSoftwareKernels() == nullptr) GTEST_SKIP() << "no AVX-512 with BF16";
  if (kThreadSanitizer || kAddressSanitizer) GTEST_SKIP() << "about figures, which take long";
  const auto runtime = ComputeRuntime::Share(std::make_unique<const ComputeRuntime>(
      AvailableCpus(), InstructionSet::kAvx512Bf16, *AmxSoftwareKernels()));
  for (const DemoGates& gates : kDemoGates) {
    EmbedderOptions options = DemoOptions(gates.precision);
    options.runtime = runtime;
    ExpectDemoGates(Embedder::Open(kDemo, options), gates);
  }
}

}  // namespace
}  // namespace siglip
