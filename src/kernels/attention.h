// Softmax attention of one picture, head by head.
#pragma once

#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/operand.h"
#include "tensor/arena.h"

namespace siglip {

/// What attention is computed over and in: kFloat32 or, where head_dim is even so that words hold
/// values of one head only, kBFloat16 (sums and softmax are float).
struct AttentionShape {
  int64_t tokens;
  int64_t heads;
  int64_t head_dim;
  OperandType type = OperandType::kFloat32;
};

/// Keys and values of one layer as the GEMM kernel reads them, for all heads, in panels of words
/// (see PanelLayout).
struct AttentionPanels {
  float* keys = nullptr;    // [heads][token panels]: columns are tokens, head_dim deep
  float* values = nullptr;  // [heads][head_dim panels]: columns are components, tokens deep
};

/// Where the probabilities of one layer are kept: head h's of query t begin at
/// data + h * head_stride + t * row_stride.
struct AttentionMaps {
  float* data = nullptr;  // null where they are not wanted
  int64_t head_stride = 0;
  int64_t row_stride = 0;
};

size_t KeyPanelFloats(const AttentionShape& shape, const Kernels& kernels);
size_t ValuePanelFloats(const AttentionShape& shape, const Kernels& kernels);
/// Floats of scratch that Attention needs.
size_t AttentionScratchFloats(const AttentionShape& shape, const Kernels& kernels);

/// Puts tokens [begin, end) of `qkv` [tokens, 3 * heads * head_dim] (queries, keys, values side by
/// side, of shape.type) into the panels, whatever these held. Threads may pack different tokens at
/// the same time.
void PackKeysAndValues(const Kernels& kernels, const AttentionShape& shape, const Operand& qkv,
                       int64_t begin, int64_t end, const AttentionPanels& panels);

/// out[t, h * head_dim + d] = softmax(q_h[t] k_h^T * head_dim^-0.5) v_h for tokens t in
/// [begin, end), from the queries in `qkv` and the packed keys and values of all tokens.
/// Probabilities of these tokens are kept where `maps` says. `out` is of kFloat32 or kBFloat16.
void Attention(const Kernels& kernels, const AttentionShape& shape, const Operand& qkv,
               const AttentionPanels& panels, int64_t begin, int64_t end, const OperandBuffer& out,
               const AttentionMaps& maps, float* scratch);

}  // namespace siglip
