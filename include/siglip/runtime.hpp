// What computations run on: the kernels of one instruction set and a pool of threads.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "siglip/export.hpp"

namespace siglip {

/// What weights and activations of the large matrix products are. Patch embedding, layer norms,
/// softmax, sums and the residual stream are float in all of them; results have the same bits on
/// every run, in any batch and with any number of threads within one precision and instruction set.
enum class Precision {
  kFloat32,   ///< Exact: equal to the reference within rounding.
  kBFloat16,  ///< Half the memory, twice the speed where the CPU has bfloat16 products.
  kInt8,      ///< A quarter of the memory: weights per output and activations per token as 8 bits,
              ///< attention in bfloat16 or, where the CPU lacks fast products of that, float.
};
/// "f32", "bf16", "int8".
SIGLIP_EXPORT std::string_view ToString(Precision precision);
/// Throws Error(kInvalidArgument) listing the names.
SIGLIP_EXPORT Precision ParsePrecision(std::string_view name);

/// What a caller asks for when a model is loaded; a model that is loaded has a Precision.
class PrecisionChoice {
 public:
  /// As stored: what a packed checkpoint holds, f32 of all others.
  constexpr PrecisionChoice() = default;
  /// This one. A packed checkpoint that holds another is refused.
  // NOLINTNEXTLINE(google-explicit-constructor): a precision is a choice
  constexpr PrecisionChoice(Precision precision) : precision_(precision) {}
  /// The fastest that does not cost much accuracy: what a packed checkpoint holds, else int8 on
  /// CPUs with an instruction for it, else f32. See docs/performance.md.
  static constexpr PrecisionChoice Auto() { return PrecisionChoice(std::nullopt, true); }

  /// The one that was asked for, if it was one.
  constexpr std::optional<Precision> precision() const { return precision_; }
  constexpr bool is_auto() const { return is_auto_; }

 private:
  constexpr PrecisionChoice(std::optional<Precision> precision, bool is_auto)
      : precision_(precision), is_auto_(is_auto) {}

  std::optional<Precision> precision_;
  bool is_auto_ = false;
};
/// The names of precisions, and "auto". Throws Error(kInvalidArgument) listing them.
SIGLIP_EXPORT PrecisionChoice ParsePrecisionChoice(std::string_view name);

struct RuntimeOptions {
  /// Worker threads, the calling one included. 0: as many as this process may use (CPU affinity
  /// and cgroup quota respected).
  int threads = 0;
  /// An instruction set by name (see AvailableInstructionSets). Empty: the environment variable
  /// SIGLIP_ISA, else the best this CPU has, but never amx. An unknown name or one this CPU lacks
  /// is an error.
  std::string instruction_set;
};

class ComputeRuntime;  // what the layers of the library see of a Runtime

/// Immutable after construction, shared by the models built on it; safe to use from any number of
/// threads. Concurrent calls take turns on the pool, in the order they came. A child of fork() can
/// use and destroy a Runtime of its parent, even where other threads were computing on it: the
/// first computation there starts new threads, or throws Error(kLimitExceeded).
class SIGLIP_EXPORT Runtime final {
 public:
  /// Throws Error(kInvalidArgument) for a bad thread count or unknown instruction set,
  /// Error(kUnsupported) for one that this CPU lacks, and Error(kLimitExceeded) when the system
  /// starts no more threads.
  static std::shared_ptr<const Runtime> Create(const RuntimeOptions& options = {});
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;
  ~Runtime();

  /// Worker threads, the calling one included.
  int threads() const;
  /// The name of its instruction set, one of AvailableInstructionSets.
  std::string_view instruction_set() const;

 private:
  friend class ComputeRuntime;
  explicit Runtime(std::unique_ptr<const ComputeRuntime> compute);

  const std::unique_ptr<const ComputeRuntime> compute_;
};

/// The names SIGLIP_ISA may take on this machine, slowest first: generic, avx2, avx2_vnni, avx512,
/// avx512_vnni, avx512_bf16, amx, and on 64-bit Arm neon, neon_dot, neon_mmla, as far as the CPU
/// has them.
SIGLIP_EXPORT std::vector<std::string> AvailableInstructionSets();

/// The version of the library, "0.1.0".
SIGLIP_EXPORT std::string_view Version();

/// Multiply-add speed of this machine in GFLOP/s (int8: GOP/s), measured now on all threads of the
/// runtime in a loop that touches no memory: the most that a kernel of its instruction set and
/// precision could reach.
SIGLIP_EXPORT double MeasurePeakGflops(const Runtime& runtime,
                                       Precision precision = Precision::kFloat32);

}  // namespace siglip
