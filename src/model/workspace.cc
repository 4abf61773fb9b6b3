#include "model/workspace.h"

#include <algorithm>
#include <cstring>

#include "kernels/compute_runtime.h"
#include "kernels/gemm.h"
#include "model/matrix_rows.h"

namespace siglip {
namespace {

/// Of the products with weights.
int64_t TileRowsOf(const LayerContext& context) {
  const Kernels& kernels = ComputeRuntime::From(*context.runtime).kernels();
  return kernels.tile_rows[static_cast<int>(InputTypeOf(kernels, context.precision))];
}

/// Rows that go through the MLP together: activations of bfloat16 take half the room of floats;
/// bytes are floats first.
int64_t BlockRows(const Kernels& kernels, OperandType type) {
  return type == OperandType::kBFloat16 ? 2 * kernels.block_rows : kernels.block_rows;
}

void CopyRow(const OperandBuffer& buffer, int64_t from, int64_t to) {
  const auto words = static_cast<size_t>(WordCount(buffer.type, buffer.columns));
  const auto place = [&](int64_t row) {
    return buffer.words + static_cast<size_t>(row) * buffer.stride;
  };
  std::memmove(place(to), place(from), words * sizeof(uint32_t));
}

}  // namespace

void Workspace::KeepLastTokens() {
  if (sequences.size() == 1) {
    begin = std::clamp(sequences[0].end - 1, begin, end);
    return;
  }
  // A lone thread: a later row moves to the place of one that is not needed any more.
  int64_t kept = 0;
  for (const Sequence& sequence : sequences) {
    const int64_t last = sequence.end - 1;
    CopyRows(hidden_states.Rows(last, last + 1), hidden_states.Rows(kept, kept + 1));
    CopyRow(attention_output, last, kept);
    ++kept;
  }
  begin = 0;
  end = kept;
}

TeamWorkspace::TeamWorkspace(const LayerContext& context, int64_t rows, int threads)
    : rows_(rows),
      tile_rows_(TileRowsOf(context)),
      barrier_(threads),
      members_(static_cast<size_t>(threads)) {
  Assign(context);  // measures
  arena_.Allocate();
  Assign(context);
}

void TeamWorkspace::Assign(const LayerContext& context) {
  const Kernels& kernels = ComputeRuntime::From(*context.runtime).kernels();
  const SiglipEncoderConfig& config = context.config;
  const int64_t hidden = config.hidden_size;
  // All rows may be one sequence.
  const AttentionShape attention = {rows_, config.num_attention_heads, config.head_dim(),
                                    AttentionTypeOf(kernels, context.precision, config.head_dim())};
  Workspace shared;
  shared.barrier = &barrier_;
  shared.hidden_states = arena_.NewMatrix(rows_, hidden);
  const OperandType type = InputTypeOf(kernels, context.precision);
  shared.normalized = NewOperandBuffer(arena_, type, rows_, hidden);
  shared.qkv = NewOperandBuffer(arena_, attention.type, rows_, 3 * hidden);
  // Bytes are scaled by a row's largest value, which is known only when all heads are done.
  shared.attention_output = NewOperandBuffer(
      arena_, type == OperandType::kInt8 ? OperandType::kFloat32 : type, rows_, hidden);
  // A lone thread is never behind itself: one set of panels serves both.
  for (size_t i = 0; i < (members_.size() == 1 ? 1 : 2); ++i) {
    shared.panels[i].keys = arena_.Floats(KeyPanelFloats(attention, kernels));
    shared.panels[i].values = arena_.Floats(ValuePanelFloats(attention, kernels));
  }
  if (members_.size() == 1) shared.panels[1] = shared.panels[0];

  const int64_t tiles = TileCount(rows_, tile_rows_);
  const int64_t tiles_of_one = (tiles + threads() - 1) / threads();
  const int64_t most = std::min(rows_, tiles_of_one * tile_rows_);  // rows of a thread
  for (size_t rank = 0; rank < members_.size(); ++rank) {
    Workspace& member = members_[rank];
    member = shared;
    member.rank = static_cast<int>(rank);
    const int64_t block = std::min(BlockRows(kernels, type), most);
    member.intermediate = NewActivationBuffer(arena_, type, block, config.intermediate_size);
    if (context.patch_values > 0) member.patches = arena_.NewMatrix(block, context.patch_values);
    member.attention_scratch = arena_.Floats(AttentionScratchFloats(attention, kernels));
    member.operand_scratch =
        arena_.Floats(std::max(OperandScratchFloats(type, most, hidden), MatrixStride(hidden)));
  }
}

void TeamWorkspace::Lay(std::span<const int64_t> tokens) {
  std::vector<Sequence> sequences;
  int64_t rows = 0;
  for (const int64_t count : tokens) {
    sequences.push_back({rows, rows + count, {}, {}});
    rows += count;
  }
  const int64_t tiles = TileCount(rows, tile_rows_);
  for (Workspace& member : members_) {
    member.hidden_states.rows = rows;
    member.normalized.rows = rows;
    member.qkv.rows = rows;
    member.attention_output.rows = rows;
    member.sequences = sequences;
    member.begin = rows * (tiles * member.rank / threads()) / tiles;
    member.end = rows * (tiles * (member.rank + 1) / threads()) / tiles;
    member.next_panels = 0;
    member.only_last_tokens = false;
  }
}

}  // namespace siglip
