// The tile of AMX over registers of plain C++, over those of the CPU where it has them, and the
// self-test.
#include <gtest/gtest.h>

#include <memory>

#include "expect_error.h"
#include "kernels/amx_cases.h"
#include "kernels/amx_hashes.h"
#include "kernels/check_amx_tiles.h"
#include "kernels/kernel_test_support.h"

namespace siglip {
namespace {

void ExpectAllRight(const Kernels& kernels) {
  for (const auto& [type, panel_bits, hash] : kAmxHashes) {
    const auto cases = std::make_unique<AmxCases>(type, panel_bits);
    EXPECT_EQ(cases->CountWrongOfAll(kernels.gemm_tile[static_cast<int>(type)]), 0);
    EXPECT_EQ(cases->hash(), hash) << std::hex << cases->hash() << " instead of " << hash;
  }
}

Kernels SoftwareTiles() {
  Kernels kernels = {};
  kernels.gemm_tile[static_cast<int>(OperandType::kBFloat16)] = kSoftwareBFloat16Tile;
  kernels.gemm_tile[static_cast<int>(OperandType::kInt8)] = kSoftwareInt8Tile;
  return kernels;
}

TEST(AmxTileTest, SoftwareTilesAreRight) { ExpectAllRight(SoftwareTiles()); }

TEST(AmxTileTest, TilesOfTheCpuAreTheSame) {
  if (SupportedInstructionSets().back() != InstructionSet::kAmx) GTEST_SKIP() << "no AMX";
  ExpectAllRight(KernelsFor(InstructionSet::kAmx));
}

/// As the tile of software, but for the sign of one sum.
template <const GemmTile& kTile>
void WrongTile(int rows, int columns, size_t depth, const uint32_t* a, size_t a_stride,
               const uint32_t* panel, bool accumulate, void* c, size_t c_stride,
               const uint32_t* prefetch) {
  kTile(rows, columns, depth, a, a_stride, panel, accumulate, c, c_stride, prefetch);
  static_cast<uint32_t*>(c)[0] ^= 0x80000000U;
}

TEST(AmxSelfTest, PassesTilesThatAreRightAndNoOthers) {
  CheckAmxTiles(SoftwareTiles());
  Kernels kernels = SoftwareTiles();
  kernels.gemm_tile[static_cast<int>(OperandType::kInt8)] = WrongTile<kSoftwareInt8Tile>;
  ExpectError(ErrorCode::kUnsupported, {"amx", "bytes", "available here: generic"},
              [&] { CheckAmxTiles(kernels); });
  kernels = SoftwareTiles();
  kernels.gemm_tile[static_cast<int>(OperandType::kBFloat16)] = WrongTile<kSoftwareBFloat16Tile>;
  ExpectError(ErrorCode::kUnsupported, {"amx", "bfloat16"}, [&] { CheckAmxTiles(kernels); });
}

#if defined(__x86_64__)
TEST(AmxSelfTest, KernelsAreRefusedWhereTheRegistersAre) {
  if (SupportedInstructionSets().back() == InstructionSet::kAmx) GTEST_SKIP() << "they are not";
  ExpectError(ErrorCode::kUnsupported, {"amx", "the kernel refuses"},
              [] { KernelsFor(InstructionSet::kAmx); });
}
#endif

}  // namespace
}  // namespace siglip
