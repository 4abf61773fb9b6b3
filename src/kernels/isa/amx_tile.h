// The GEMM tile of AMX: 32 rows by 32 columns in four registers, two for the rows of the left side
// and two for the columns of the panel. A step multiplies 16 words.
//
// Included inside an anonymous namespace, as tile.h is. Tiles are the registers while an object
// lives: HardwareTiles or, in tests, SoftwareTiles.

/// Rows of a tile register, and words of a row.
constexpr int kRegisterSide = 16;
constexpr int kRegisters = 8;

/// A register by its number.
template <int kIndex>
struct Register {};

/// What ldtilecfg loads: how large each register is. One of no rows cannot be used.
struct alignas(64) TileConfiguration {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};
static_assert(sizeof(TileConfiguration) == 64, "as the instruction reads it");

constexpr int kTileRows = 2 * kRegisterSide;
constexpr int kPanelColumns = 2 * kRegisterSide;
constexpr size_t kStepWords = kRegisterSide;
static_assert(kDepthStep % kStepWords == 0, "products are cut between steps");

constexpr size_t kPanelStride = sizeof(uint32_t) * kPanelColumns;

constexpr Register<0> kUpperLeftSums;
constexpr Register<1> kUpperRightSums;
constexpr Register<2> kLowerLeftSums;
constexpr Register<3> kLowerRightSums;
constexpr Register<4> kUpperRows;
constexpr Register<5> kLowerRows;
constexpr Register<6> kLeftColumns;
constexpr Register<7> kRightColumns;

/// For every height. Rows that are not there must not be read, so that the registers are no higher.
struct Configurations {
  TileConfiguration of_height[kTileRows + 1];

  constexpr Configurations() : of_height() {
    for (int height = 1; height <= kTileRows; ++height) {
      const int upper = height < kRegisterSide ? height : kRegisterSide;
      const int lower = height - upper;
      const int rows[kRegisters] = {upper, upper, lower,         lower,
                                    upper, lower, kRegisterSide, kRegisterSide};
      for (int i = 0; i < kRegisters; ++i) {
        of_height[height].rows[i] = (uint8_t)rows[i];
        of_height[height].row_bytes[i] = rows[i] == 0 ? 0 : sizeof(uint32_t) * kRegisterSide;
      }
    }
  }
};
constexpr Configurations kConfigurations;

/// The sums of a tile of so many registers, which stand in c.
template <int kRowRegisters, int kColumnRegisters, class Visit>
[[gnu::always_inline]] inline void ForEachSums(void* c, size_t c_stride, Visit visit) {
  uint32_t* const upper = (uint32_t*)c;
  uint32_t* const lower = upper + kRegisterSide * c_stride;
  visit(kUpperLeftSums, upper);
  if constexpr (kColumnRegisters > 1) visit(kUpperRightSums, upper + kRegisterSide);
  if constexpr (kRowRegisters > 1) {
    visit(kLowerLeftSums, lower);
    if constexpr (kColumnRegisters > 1) visit(kLowerRightSums, lower + kRegisterSide);
  }
}

/// Adds the products of 16 words.
template <OperandType kType, int kRowRegisters, int kColumnRegisters, class Tiles>
[[gnu::always_inline]] inline void MultiplyStep(Tiles& tiles, const uint32_t* a, size_t a_stride,
                                                const uint32_t* panel) {
  const size_t row_bytes = sizeof(uint32_t) * a_stride;
  tiles.Load(kLeftColumns, panel, kPanelStride);
  tiles.Load(kUpperRows, a, row_bytes);
  tiles.template Multiply<kType>(kUpperLeftSums, kUpperRows, kLeftColumns);
  if constexpr (kColumnRegisters > 1) {
    tiles.Load(kRightColumns, panel + kRegisterSide, kPanelStride);
    tiles.template Multiply<kType>(kUpperRightSums, kUpperRows, kRightColumns);
  }
  if constexpr (kRowRegisters > 1) {
    tiles.Load(kLowerRows, a + kRegisterSide * a_stride, row_bytes);
    tiles.template Multiply<kType>(kLowerLeftSums, kLowerRows, kLeftColumns);
    if constexpr (kColumnRegisters > 1) {
      tiles.template Multiply<kType>(kLowerRightSums, kLowerRows, kRightColumns);
    }
  }
}

/// Fewer words than a step has, followed by zeros on both sides: what stands behind them belongs to
/// others or to nobody.
template <OperandType kType, int kRowRegisters, int kColumnRegisters, class Tiles>
[[gnu::always_inline]] inline void MultiplyRest(Tiles& tiles, int rows, size_t words,
                                                const uint32_t* a, size_t a_stride,
                                                const uint32_t* panel) {
  alignas(64) uint32_t left[kRowRegisters * kRegisterSide][kStepWords];
  alignas(64) uint32_t right[kStepWords][kPanelColumns];
  for (int row = 0; row < rows; ++row) Tiles::CopyRow(a + row * a_stride, words, left[row]);
#pragma GCC unroll 16
  for (size_t k = 0; k < kStepWords; ++k) {
    const size_t columns = k < words ? kRegisterSide : 0;
#pragma GCC unroll 2
    for (int i = 0; i < kColumnRegisters * kRegisterSide; i += kRegisterSide) {
      Tiles::CopyRow(panel + k * kPanelColumns + i, columns, &right[k][i]);
    }
  }
  MultiplyStep<kType, kRowRegisters, kColumnRegisters>(tiles, left[0], kStepWords, right[0]);
}

template <class Tiles, OperandType kType, int kRowRegisters, int kColumnRegisters>
[[gnu::noinline]] void Tile(int rows, size_t depth, const uint32_t* a, size_t a_stride,
                            const uint32_t* panel, bool accumulate, void* c, size_t c_stride,
                            const uint32_t* prefetch) {
  // Released when the tile is done: nobody can forget it, whoever calls, and no thread that waits
  // or does something else has 8 KiB more to be saved. It costs nothing that would be kept, since
  // the next tile configures the registers anew, which empties them.
  Tiles tiles(kConfigurations.of_height[rows]);
  ForEachSums<kRowRegisters, kColumnRegisters>(c, c_stride, [&](auto sums, uint32_t* place) {
    if (accumulate) {
      tiles.Load(sums, place, sizeof(uint32_t) * c_stride);
    } else {
      tiles.Zero(sums);
    }
  });
  for (; depth >= kStepWords; depth -= kStepWords) {
#pragma GCC unroll 8
    for (size_t i = 0; i < kStepWords * kPrefetchWords; i += kVectorFloats) {
      __builtin_prefetch(prefetch + i, 0, 2);  // a cache line into the L2 cache
    }
    MultiplyStep<kType, kRowRegisters, kColumnRegisters>(tiles, a, a_stride, panel);
    a += kStepWords;
    panel += kStepWords * kPanelColumns;
    prefetch += kStepWords * kPrefetchWords;
  }
  if (depth > 0) {
    for (size_t i = 0; i < depth * kPrefetchWords; i += kVectorFloats) {
      __builtin_prefetch(prefetch + i, 0, 2);
    }
    MultiplyRest<kType, kRowRegisters, kColumnRegisters>(tiles, rows, depth, a, a_stride, panel);
  }
  ForEachSums<kRowRegisters, kColumnRegisters>(c, c_stride, [&](auto sums, uint32_t* place) {
    tiles.Store(sums, place, sizeof(uint32_t) * c_stride);
  });
}

/// A GemmTile.
template <class Tiles, OperandType kType>
void GemmTileOf(int rows, int columns, size_t depth, const uint32_t* a, size_t a_stride,
                const uint32_t* panel, bool accumulate, void* c, size_t c_stride,
                const uint32_t* prefetch) {
  const auto few_rows =
      columns > kRegisterSide ? Tile<Tiles, kType, 1, 2> : Tile<Tiles, kType, 1, 1>;
  const auto all_rows =
      columns > kRegisterSide ? Tile<Tiles, kType, 2, 2> : Tile<Tiles, kType, 2, 1>;
  const auto tile = rows > kRegisterSide ? all_rows : few_rows;
  tile(rows, depth, a, a_stride, panel, accumulate, c, c_stride, prefetch);
}

/// See Kernels::peak.
template <class Tiles, OperandType kType>
double PeakOf(int64_t rounds) {
  Tiles tiles(kConfigurations.of_height[kTileRows]);  // all of them zero
  for (int64_t round = 0; round < rounds; ++round) {
    tiles.template Multiply<kType>(kUpperLeftSums, kUpperRows, kLeftColumns);
    tiles.template Multiply<kType>(kUpperRightSums, kUpperRows, kRightColumns);
    tiles.template Multiply<kType>(kLowerLeftSums, kLowerRows, kLeftColumns);
    tiles.template Multiply<kType>(kLowerRightSums, kLowerRows, kRightColumns);
  }
  constexpr int kValuesPerWord = kType == OperandType::kInt8 ? 4 : 2;
  return 2.0 * kTileRows * kPanelColumns * kStepWords * kValuesPerWord * (double)rounds;
}

/// `kernels`, which must have panels of 32 columns with words one by one and unsigned bytes on the
/// left, with these tiles for bfloat16 and bytes.
template <class Tiles>
Kernels WithTiles(Kernels kernels) {
  kernels.tile_rows[(int)OperandType::kBFloat16] = kTileRows;
  kernels.tile_rows[(int)OperandType::kInt8] = kTileRows;
  kernels.gemm_tile[(int)OperandType::kBFloat16] = GemmTileOf<Tiles, OperandType::kBFloat16>;
  kernels.gemm_tile[(int)OperandType::kInt8] = GemmTileOf<Tiles, OperandType::kInt8>;
  kernels.peak[(int)OperandType::kBFloat16] = PeakOf<Tiles, OperandType::kBFloat16>;
  kernels.peak[(int)OperandType::kInt8] = PeakOf<Tiles, OperandType::kInt8>;
  kernels.block_rows = 4 * kTileRows;
  kernels.multiplies_bfloat16 = true;
  kernels.multiplies_int8 = true;
  return kernels;
}
