// What the forward pass of one picture writes to, and how a batch is shared among threads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/attention.h"
#include "kernels/compute_runtime.h"
#include "model/linear.h"
#include "siglip/tensor.h"
#include "siglip/vision_model.h"
#include "tensor/arena.h"

namespace siglip {

/// One thread's view of the buffers of a picture of N tokens. The threads of a team work on the
/// same picture, each on its own rows (tokens); all but keys and values is private to a row.
struct Workspace {
  // Shared by the team.
  Matrix hidden_states;            // [N, D] the residual stream
  OperandBuffer normalized;        // [N, D] what a layer norm made of it
  OperandBuffer qkv;               // [N, 3 D] in what attention is computed in
  OperandBuffer attention_output;  // [N, D] for out_proj, floats where that takes bytes
  AttentionPanels panels[2];       // alternating: a slower thread may still read the last layer's
  Barrier* barrier = nullptr;

  // Of this thread.
  int rank = 0;
  int64_t begin = 0;  // its rows are [begin, end)
  int64_t end = 0;
  ActivationBuffer intermediate;  // [rows of a block, F]
  Matrix patches;                 // [rows of a block, values of a patch], of an image tower
  float* attention_scratch = nullptr;
  float* operand_scratch = nullptr;  // for the float input of a Linear, or one row of a layer norm
  int next_panels = 0;               // which of the two sets the next attention packs
  int layer = 0;                     // of the encoder, counted from 0
  /// Of what the last layer makes, rows before this one are not wanted and may be left undone.
  int64_t first_wanted = 0;

  // Where to keep what the caller asked for besides the result; null where not wanted.
  std::vector<float*> hidden_states_out;  // one [N, D] for the input of each layer, one for the end
  std::vector<float*> attentions_out;     // one [heads, N, N] for each layer

  /// The rows of this thread.
  Matrix Own(const Matrix& matrix) const { return matrix.Rows(begin, end); }
  OperandBuffer Own(const OperandBuffer& buffer) const { return buffer.Rows(begin, end); }
};

/// Copies the values of all rows of `from`.
void CopyRows(const ConstMatrix& from, const Matrix& to);

/// The buffers of a picture for a team of threads.
class TeamWorkspace {
 public:
  /// `patch_values`: of one patch; 0 where the embeddings are not made from patches.
  TeamWorkspace(const LayerContext& context, int64_t tokens, int threads, int64_t patch_values = 0);

  /// Workspace of one member.
  Workspace& member(int rank) { return members_[static_cast<size_t>(rank)]; }

  bool Fits(int64_t tokens, int threads, int64_t patch_values) const {
    return tokens == tokens_ && threads == static_cast<int>(members_.size()) &&
           patch_values == patch_values_;
  }
  /// Forgets what was wanted of the last picture.
  void Reset();

 private:
  void Assign(const LayerContext& context, int64_t tokens, int64_t patch_values);

  int64_t tokens_;
  int64_t patch_values_;
  Arena arena_;
  Barrier barrier_;
  std::vector<Workspace> members_;
};

/// Keeps the buffers from picture to picture as long as these have equally many tokens. Of towers
/// that take patches as they are.
class SizedWorkspace {
 public:
  /// `context` must outlive this object.
  SizedWorkspace(const LayerContext& context, int threads) : context_(context), threads_(threads) {}

  TeamWorkspace& For(int64_t tokens);

 private:
  const LayerContext& context_;
  const int threads_;
  std::unique_ptr<TeamWorkspace> workspace_;
};

/// Workspaces that no call uses now. To get memory from the system and to have it cleared takes
/// some hundredths of the time of a picture. Safe to use from several threads.
class WorkspaceCache {
 public:
  /// A kept one, or a new one. `context` is that of the tower whose cache this is.
  std::unique_ptr<TeamWorkspace> Take(const LayerContext& context, int64_t tokens, int threads,
                                      int64_t patch_values);
  /// Keeps it for the next Take; as many as all threads at work on pictures of their own and then
  /// together on one may need.
  void Put(const LayerContext& context, std::unique_ptr<TeamWorkspace> workspace);
  size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<TeamWorkspace>> kept_;  // in the order they came
};

/// Calls work(picture, workspace) so that every picture in [0, pictures) is done once by each
/// member of one team: as long as there are enough pictures for all threads, a team is one thread;
/// the last few pictures are each done by all threads together.
void ForEachPicture(const LayerContext& context, int64_t pictures, int64_t tokens,
                    const std::function<void(int64_t picture, Workspace& workspace)>& work,
                    int64_t patch_values = 0);

/// Throws Error(kMismatch) unless F32 [B, N, hidden_size] with N >= 1.
void CheckHiddenStates(const SiglipEncoderConfig& config, const Tensor& hidden_states);

/// For layers called on their own: every picture of `in` [B, N, D] is put into `hidden_states`, or
/// into `normalized` with `hidden_states` zero; the result is `hidden_states` after `forward`.
enum class LayerInput { kHiddenStates, kNormalized };
Tensor ForwardLayer(const LayerContext& context, const Tensor& in, LayerInput input,
                    const std::function<void(Workspace&)>& forward);

/// The rows of a dense tensor's last two axes as a matrix; `index` counts the axes before them.
Matrix DenseRows(float* data, int64_t index, int64_t rows, int64_t columns);
ConstMatrix DenseRows(const float* data, int64_t index, int64_t rows, int64_t columns);

}  // namespace siglip
