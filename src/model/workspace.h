// What a forward pass writes to: the buffers of a few sequences of tokens, for a team of threads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/attention.h"
#include "kernels/operand.h"
#include "model/layer_source.h"
#include "model/linear.h"
#include "tensor/arena.h"

namespace siglip {

/// The tokens of one picture or text. Attention stays within it.
struct Sequence {
  int64_t begin = 0;  ///< Its rows in the workspace are [begin, end).
  int64_t end = 0;
  // Where to keep what the caller asked for besides the result; empty where that is nothing.
  std::vector<float*> hidden_states;      // one [N, D] for the input of each layer, one for the end
  std::vector<AttentionMaps> attentions;  // one for each layer

  int64_t tokens() const { return end - begin; }
};

/// One thread's view of the buffers of R rows, the tokens of all sequences one after the other. The
/// threads of a team work on the same sequences, each on its own rows; all but keys and values is
/// private to a row. Several short sequences share one pass over the weights in this way; each
/// result depends on its own rows only, hence has the same bits.
struct Workspace {
  // Shared by the team.
  Matrix hidden_states;            // [R, D] the residual stream
  OperandBuffer normalized;        // [R, D] what a layer norm made of it
  OperandBuffer qkv;               // [R, 3 D] in what attention is computed in
  OperandBuffer attention_output;  // [R, D] for out_proj, floats where that takes bytes
  AttentionPanels panels[2];       // alternating: a slower thread may still read the last ones
  Barrier* barrier = nullptr;

  // Of this thread.
  std::vector<Sequence> sequences;
  int rank = 0;
  int64_t begin = 0;  // its rows are [begin, end)
  int64_t end = 0;
  ActivationBuffer intermediate;  // [rows of a block, F]
  Matrix patches;                 // [rows of a block, values of a patch], of an image tower
  float* attention_scratch = nullptr;
  float* operand_scratch = nullptr;  // for the float input of a Linear, or one row of a layer norm
  int next_panels = 0;               // which of the two sets the next attention packs
  int layer = 0;                     // of the encoder, counted from 0
  /// Of what the last layer makes, only each sequence's last row is wanted: see KeepLastTokens.
  bool only_last_tokens = false;

  /// The rows of this thread.
  Matrix Own(const Matrix& matrix) const { return matrix.Rows(begin, end); }
  OperandBuffer Own(const OperandBuffer& buffer) const { return buffer.Rows(begin, end); }

  /// From here on this thread's rows are the last ones of the sequences, in their order, of those
  /// that are its own. Of hidden_states and attention_output only these remain.
  void KeepLastTokens();
};

/// The buffers for a team of threads. A team of more than one works on one sequence at a time.
class TeamWorkspace {
 public:
  /// Room for `rows` tokens.
  TeamWorkspace(const LayerContext& context, int64_t rows, int threads);

  /// Lays out sequences of these lengths, at most `rows` tokens altogether, and forgets what was
  /// wanted of earlier ones.
  void Lay(std::span<const int64_t> tokens);

  /// Workspace of one member.
  Workspace& member(int rank) { return members_[static_cast<size_t>(rank)]; }

  int threads() const { return static_cast<int>(members_.size()); }
  int64_t rows() const { return rows_; }

 private:
  void Assign(const LayerContext& context);

  const int64_t rows_;
  const int64_t tile_rows_;
  Arena arena_;
  Barrier barrier_;
  std::vector<Workspace> members_;
};

}  // namespace siglip
