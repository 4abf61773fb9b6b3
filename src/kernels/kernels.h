// The table of kernels: everything of the forward pass whose speed depends on the instruction set.
//
// One table per instruction set, chosen once per Runtime, never a mutable global. Each function has
// a naive twin of the same name in reference.h. Plain C-like declarations only: this header is
// included by files that are compiled for instruction sets the CPU may not have.
//
// Promise kept by every kernel: an output element is computed by the same operations in the same
// order whatever the number of rows, their position and the thread. Hence results have the same
// bits in any batch and with any number of threads.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tensor/activation.h"

namespace siglip {

/// Vectors are written whole: rows that kernels write to have strides and capacities that are
/// multiples of this many floats (a cache line).
inline constexpr size_t kVectorFloats = 16;

/// What the operands of a product are. In each of them a word of four bytes holds what one step of
/// the kernel takes from a row of `a` and from a column of the panel: one float, two bfloat16 or
/// four bytes. So packing, strides and tiles are the same for all.
enum class OperandType { kFloat32, kBFloat16, kInt8 };
inline constexpr int kOperandTypes = 3;

/// c[rows, columns] = a[rows, depth] * panel[depth, panel_columns], depth, strides and panel in
/// words, the panel in its PanelLayout; c is int32 for kInt8 (panel signed bytes, those of a as
/// Kernels::byte_offset says), else float. rows <= tile_rows, columns <= panel_columns; c is
/// written up to the next multiple of kVectorFloats. Every element is summed over depth in
/// ascending order by one accumulator, which starts from c with `accumulate` and from zero without:
/// a product cut along its depth at multiples of kDepthStep has the same bits. Meanwhile depth *
/// kPrefetchWords words from `prefetch` on are brought near; any address will do.
using GemmTile = void (*)(int rows, int columns, size_t depth, const uint32_t* a, size_t a_stride,
                          const uint32_t* panel, bool accumulate, void* c, size_t c_stride,
                          const uint32_t* prefetch);
inline constexpr size_t kPrefetchWords = 8;
/// Words that a tile may add up before it adds them to the accumulator.
inline constexpr int64_t kDepthStep = 16;

/// A GemmTile of floats (all columns) with a panel of bfloat16 [words][panel_columns] pairs, depth
/// 2 * words; the panel is written to `widened` on the way, as Kernels::widen_panel does, for the
/// tiles that follow.
using WideningTile = void (*)(int rows, size_t words, const uint32_t* a, size_t a_stride,
                              const uint32_t* panel, bool accumulate, float* c, size_t c_stride,
                              float* widened);

/// What a GemmTile wrote and what makes values of it: sum + bias[column] where the sums are float,
/// (sum - corrections[column]) * (row_scales[row] * column_scales[column]) + bias[column] where
/// they are integers. Whole vectors are read in every row.
struct TileSums {
  int rows;
  size_t columns;
  const void* sums;
  size_t stride;
  const float* bias;
  const float* row_scales = nullptr;  // null for float sums, and so are the next two
  const float* column_scales = nullptr;
  const int32_t* corrections = nullptr;
};

/// Sums that a score is made of, see Kernels::dot_halves.
inline constexpr size_t kPartialSums = 16;
/// Most bytes of a row that Kernels::dot_bytes takes: their products of at most 2^14 fit into
/// int32.
inline constexpr size_t kMostQueriedBytes = (size_t{1} << 17) - 64;

/// Most rows of a tile of any instruction set.
inline constexpr int kMostRows = 32;
/// See Kernels::slice_words.
inline constexpr int64_t kMostSliceWords = 768;
/// See Kernels::block_rows.
inline constexpr int64_t kMostBlockRows = 128;

struct Kernels {
  /// By OperandType: most rows a GemmTile takes at once.
  int tile_rows[kOperandTypes];
  /// Columns of a packed panel, a multiple of kVectorFloats.
  int panel_columns;
  /// By OperandType: words of a column that lie side by side in a panel, 1 or 2; see PanelLayout.
  int column_words[kOperandTypes];
  GemmTile gemm_tile[kOperandTypes];  // by OperandType; null for what the next field denies
  /// Whether there is a product of bfloat16. Where there is none, weights of that type are widened
  /// to float panel by panel, and their left side stays float.
  bool multiplies_bfloat16;
  /// Whether the CPU has an instruction for products of bytes; the others take more than a product
  /// of floats.
  bool multiplies_int8;
  /// What the left side's bytes stand above their values: 128, as they are unsigned, or 0, as they
  /// are signed.
  int byte_offset;
  /// Words of a row multiplied at once, at most kMostSliceWords and a multiple of 2 * kDepthStep: a
  /// longer product is cut into slices, all rows of a block passing by one slice before the next,
  /// so that its part of the panel stays in the caches.
  int64_t slice_words;
  /// Rows of such a block, at most kMostBlockRows, and rows of floats that go through an MLP
  /// together: their intermediate activations stay near the L2 cache, and there are enough of them
  /// to read the weights seldom.
  int64_t block_rows;
  /// Words of the left side that stay in the L2 cache beside two panels while all panels pass by.
  int64_t block_words;
  /// out[2 * words][panel_columns] = the pairs of a panel [words][panel_columns] as floats, the
  /// lower half of a word first. Exact.
  void (*widen_panel)(size_t words, const uint32_t* panel, float* out);
  /// Null where there is none.
  WideningTile widening_tile;

  /// out[count] = in rounded to the nearest bfloat16, ties to even.
  void (*to_bfloat16)(size_t count, const float* in, uint16_t* out);
  /// out[count] = round(in / scale) + byte_offset with scale = max(|in|) / 127, which is returned
  /// (1 where all are zero).
  float (*to_int8)(size_t count, const float* in, uint8_t* out);

  /// out = values of the tile.
  void (*bias)(const TileSums& tile, float* out, size_t out_stride);
  /// The same, rounded to the nearest bfloat16.
  void (*bias_bfloat16)(const TileSums& tile, uint16_t* out, size_t out_stride);
  /// out = activation(values).
  void (*bias_activation)(Activation activation, const TileSums& tile, float* out,
                          size_t out_stride);
  /// The same, rounded to the nearest bfloat16.
  void (*bias_activation_bfloat16)(Activation activation, const TileSums& tile, uint16_t* out,
                                   size_t out_stride);
  /// out = values + residual; out may be residual.
  void (*bias_residual)(const TileSums& tile, const float* residual, size_t residual_stride,
                        float* out, size_t out_stride);

  /// out = (in - mean) / sqrt(variance + epsilon) * gain + bias over one row; variance is the mean
  /// squared distance from the mean, as in torch.
  void (*layer_norm)(size_t columns, const float* in, const float* gain, const float* bias,
                     float epsilon, float* out);

  /// out[column][row] = in[row][column] for rows of words.
  void (*transpose)(size_t rows, size_t columns, const float* in, size_t in_stride, float* out,
                    size_t out_stride);

  /// In each of `rows` rows, at most kMostRows: values[i] = exp((values[i] - max(values)) * scale)
  /// in place, and sums[row] = their sum.
  void (*softmax_exponentials)(int rows, size_t count, float scale, float* values, size_t stride,
                               float* sums);
  /// The same, and `out` = the new values rounded to the nearest bfloat16, followed by zeros up to
  /// the next multiple of kVectorFloats.
  void (*softmax_exponentials_bfloat16)(int rows, size_t count, float scale, float* values,
                                        size_t stride, float* sums, uint16_t* out,
                                        size_t out_stride);
  /// out = in * factor.
  void (*scale)(size_t count, float factor, const float* in, float* out);
  /// The same, rounded to the nearest bfloat16.
  void (*scale_bfloat16)(size_t count, float factor, const float* in, uint16_t* out);
  /// out += in * factor.
  void (*add_scaled)(size_t count, float factor, const float* in, float* out);
  /// Sum of a[i] * b[i].
  float (*dot)(size_t count, const float* a, const float* b);

  /// sums[row] = exact sum of query[i] * rows[row * stride + i] for i < size, for `count` rows;
  /// size is a multiple of 64, at most kMostQueriedBytes and stride. Rows ahead of those multiplied
  /// are fetched as far as a stride reaches, also beyond the last one.
  void (*dot_bytes)(const int8_t* query, size_t size, const int8_t* rows, size_t stride,
                    size_t count, int32_t* sums);
  /// The score of a row of binary16 numbers, with the same bits on every instruction set and CPU:
  /// kPartialSums float sums s start from zero; for i ascending, element i is added to s[i mod 16]
  /// by a fused multiply-add; then s[i] += s[i + 8], s[i] += s[i + 4], s[i] += s[i + 2] and
  /// s[0] + s[1]. scores[row] is that of rows[row * stride + i], i < size, for `count` rows.
  void (*dot_halves)(const float* query, size_t size, const uint16_t* rows, size_t stride,
                     size_t count, float* scores);

  /// Runs `rounds` of independent products of a type in registers; returns how many operations
  /// (multiplications and additions) that was.
  double (*peak[kOperandTypes])(int64_t rounds);
};

/// Defined in isa/.
const Kernels& GenericKernels();
const Kernels& Avx2Kernels();
const Kernels& Avx2VnniKernels();
const Kernels& Avx512Kernels();
const Kernels& Avx512VnniKernels();
const Kernels& Avx512Bf16Kernels();
const Kernels& AmxKernels();
const Kernels& NeonKernels();
const Kernels& NeonDotKernels();
const Kernels& NeonMmlaKernels();

}  // namespace siglip
