// The Runtime as the layers see it: its kernels and its threads.
#pragma once

#include <memory>

#include "base/cpu_features.h"
#include "base/thread_pool.h"
#include "kernels/kernels.h"
#include "siglip/runtime.h"

namespace siglip {

class ComputeRuntime final : public Runtime {
 public:
  ComputeRuntime(int threads, InstructionSet instruction_set);

  /// The one implementation of Runtime.
  static const ComputeRuntime& From(const Runtime& runtime);

  int threads() const override { return pool_.threads(); }
  std::string_view instruction_set() const override { return ToString(instruction_set_); }
  const Kernels& kernels() const { return kernels_; }
  /// Running work changes no result, hence const.
  ThreadPool& pool() const { return pool_; }

 private:
  InstructionSet instruction_set_;
  const Kernels& kernels_;
  mutable ThreadPool pool_;
};

}  // namespace siglip
