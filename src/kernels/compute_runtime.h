// The Runtime as the layers see it: its kernels and its threads.
#pragma once

#include <string_view>

#include "base/cpu_features.h"
#include "base/thread_pool.h"
#include "kernels/kernels.h"
#include "siglip/runtime.hpp"

namespace siglip {

class ComputeRuntime {
 public:
  ComputeRuntime(int threads, InstructionSet instruction_set);

  static const ComputeRuntime& From(const Runtime& runtime) { return *runtime.compute_; }

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
