// The Runtime as the layers see it: its kernels and its threads.
#pragma once

#include <memory>
#include <string_view>

#include "base/cpu_features.h"
#include "base/thread_pool.h"
#include "kernels/kernels.h"
#include "siglip/runtime.hpp"

namespace siglip {

class ComputeRuntime {
 public:
  /// `kernels` are those of the set; tests may bring others.
  ComputeRuntime(int threads, InstructionSet instruction_set, const Kernels& kernels);

  static const ComputeRuntime& From(const Runtime& runtime) { return *runtime.compute_; }
  /// As users hold it.
  static std::shared_ptr<const Runtime> Share(std::unique_ptr<const ComputeRuntime> compute);

  int threads() const { return pool_.threads(); }
  std::string_view instruction_set() const { return ToString(instruction_set_); }
  const Kernels& kernels() const { return kernels_; }
  /// Running work changes no result, hence const.
  ThreadPool& pool() const { return pool_; }

 private:
  InstructionSet instruction_set_;
  const Kernels& kernels_;
  mutable ThreadPool pool_;
};

}  // namespace siglip
