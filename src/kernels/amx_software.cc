#include "kernels/amx_software.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

#include "base/cpu_features.h"

namespace siglip {
namespace {

#include "kernels/isa/amx_tile.h"

/// The registers as Intel describes them, so that what the CPU would refuse ends the program. But
/// numbers too small to be normal are none to the CPU, and are here.
class SoftwareTiles {
 public:
  explicit SoftwareTiles(const TileConfiguration& configuration) : configuration_(configuration) {
    for (int i = 0; i < kRegisters; ++i) {
      Require(configuration.rows[i] <= kRegisterSide && configuration.row_bytes[i] <= sizeof(Row) &&
              (configuration.rows[i] == 0) == (configuration.row_bytes[i] == 0));
    }
  }

  template <int kIndex>
  void Zero(Register<kIndex> /*cleared*/) {
    Require(rows(kIndex) > 0);
    std::memset(&registers_[kIndex], 0, sizeof(Values));
  }
  template <int kIndex>
  void Load(Register<kIndex> cleared, const void* from, size_t stride) {
    Zero(cleared);
    for (int row = 0; row < rows(kIndex); ++row) {
      std::memcpy(registers_[kIndex].rows[row].words,
                  static_cast<const char*>(from) + static_cast<size_t>(row) * stride,
                  configuration_.row_bytes[kIndex]);
    }
  }
  template <int kIndex>
  void Store(Register<kIndex> /*read*/, void* to, size_t stride) {
    Require(rows(kIndex) > 0);
    for (int row = 0; row < rows(kIndex); ++row) {
      std::memcpy(static_cast<char*>(to) + static_cast<size_t>(row) * stride,
                  registers_[kIndex].rows[row].words, configuration_.row_bytes[kIndex]);
    }
  }
  static void CopyRow(const uint32_t* in, size_t count, uint32_t* out) {
    std::fill_n(std::copy_n(in, count, out), kRegisterSide - count, 0U);
  }
  template <OperandType kType, int kSums, int kLeft, int kPanel>
  void Multiply(Register<kSums> /*sums*/, Register<kLeft> /*left*/, Register<kPanel> /*panel*/) {
    Require(rows(kSums) > 0 && rows(kSums) == rows(kLeft) &&
            configuration_.row_bytes[kSums] == configuration_.row_bytes[kPanel] &&
            configuration_.row_bytes[kLeft] == rows(kPanel) * sizeof(uint32_t));
    for (int row = 0; row < rows(kSums); ++row) {
      const Row& left = registers_[kLeft].rows[row];
      Row& sums = registers_[kSums].rows[row];
      if constexpr (kType == OperandType::kInt8) {
        AddBytes(left, registers_[kPanel], rows(kPanel), sums);
      } else {
        AddBFloat16(left, registers_[kPanel], rows(kPanel), sums);
      }
    }
  }

 private:
  struct Row {
    uint32_t words[kRegisterSide];
  };
  struct Values {
    Row rows[kRegisterSide];
  };

  static void Require(bool condition) {
    if (!condition) std::abort();
  }

  /// Exact, and wrapping around.
  static void AddBytes(const Row& left, const Values& panel, int depth, Row& sums) {
    Row total = sums;
    for (int k = 0; k < depth; ++k) {
      for (int shift = 0; shift < 32; shift += 8) {
        const int value = static_cast<uint8_t>(left.words[k] >> shift);
        for (int i = 0; i < kRegisterSide; ++i) {
          // Fits into 16 bits, in which more of them are multiplied at once.
          const auto product =
              static_cast<int16_t>(value * static_cast<int8_t>(panel.rows[k].words[i] >> shift));
          total.words[i] += static_cast<uint32_t>(product);
        }
      }
    }
    sums = total;
  }

  /// One chain for the lower halves of the words and one for the upper ones, which are added to
  /// each other, then to the sums.
  static void AddBFloat16(const Row& left, const Values& panel, int depth, Row& sums) {
    float lower[kRegisterSide] = {};
    float upper[kRegisterSide] = {};
    AddChain<16>(left, panel, depth, lower);
    AddChain<0>(left, panel, depth, upper);
    for (int i = 0; i < kRegisterSide; ++i) {
      const float sum = std::bit_cast<float>(sums.words[i]) + (lower[i] + upper[i]);
      sums.words[i] = std::bit_cast<uint32_t>(sum);
    }
  }
  /// Fused additions: a product of two bfloat16 has 16 bits and is exact, so that it needs no
  /// fusing.
  template <int kShift>
  static void AddChain(const Row& left, const Values& panel, int depth,
                       float (&sums)[kRegisterSide]) {
    const auto half = [](uint32_t word) {
      return std::bit_cast<float>(word << kShift & 0xFFFF0000U);
    };
    for (int k = 0; k < depth; ++k) {
      const float value = half(left.words[k]);
      for (int i = 0; i < kRegisterSide; ++i) sums[i] += value * half(panel.rows[k].words[i]);
    }
  }

  int rows(int index) const { return configuration_.rows[index]; }

  const TileConfiguration& configuration_;
  Values registers_[kRegisters] = {};
};

}  // namespace

const GemmTile kSoftwareBFloat16Tile = GemmTileOf<SoftwareTiles, OperandType::kBFloat16>;
const GemmTile kSoftwareInt8Tile = GemmTileOf<SoftwareTiles, OperandType::kInt8>;

const Kernels* AmxSoftwareKernels() {
#if defined(__x86_64__)
  const auto& sets = SupportedInstructionSets();
  if (std::find(sets.begin(), sets.end(), InstructionSet::kAvx512Bf16) == sets.end()) {
    return nullptr;
  }
  static const Kernels kernels = WithTiles<SoftwareTiles>(Avx512Bf16Kernels());
  return &kernels;
#else
  return nullptr;
#endif
}

}  // namespace siglip
