#include "kernels/compute_runtime.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "kernels/dispatch.h"

namespace siglip {

ComputeRuntime::ComputeRuntime(int threads, InstructionSet instruction_set, const Kernels& kernels)
    : instruction_set_(instruction_set), kernels_(kernels), pool_(threads) {}

std::shared_ptr<const Runtime> ComputeRuntime::Share(
    std::unique_ptr<const ComputeRuntime> compute) {
  return std::shared_ptr<const Runtime>(new Runtime(std::move(compute)));
}

Runtime::Runtime(std::unique_ptr<const ComputeRuntime> compute) : compute_(std::move(compute)) {}

Runtime::~Runtime() = default;

std::shared_ptr<const Runtime> Runtime::Create(const RuntimeOptions& options) {
  const int threads = options.threads == 0 ? AvailableCpus() : options.threads;
  const InstructionSet isa = ChooseInstructionSet(options.instruction_set);
  return ComputeRuntime::Share(
      std::make_unique<const ComputeRuntime>(threads, isa, KernelsFor(isa)));
}

int Runtime::threads() const { return compute_->threads(); }

std::string_view Runtime::instruction_set() const { return compute_->instruction_set(); }

double MeasurePeakGflops(const Runtime& runtime, Precision precision) {
  const ComputeRuntime& compute = ComputeRuntime::From(runtime);
  constexpr int64_t kRounds = 1'000'000;  // some ten milliseconds
  constexpr int kRepeats = 5;
  const auto peak = compute.kernels().peak[static_cast<int>(precision)];
  std::vector<double> flop(static_cast<size_t>(compute.threads()));
  double best = 0;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    const auto begin = std::chrono::steady_clock::now();
    compute.pool().Run([&](int rank) { flop[static_cast<size_t>(rank)] = peak(kRounds); });
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
    double total = 0;
    for (double one : flop) total += one;
    best = std::max(best, total / time.count() * 1e-9);
  }
  return best;
}

}  // namespace siglip
