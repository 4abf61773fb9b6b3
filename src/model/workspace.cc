#include "model/workspace.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <utility>

#include "kernels/gemm.h"
#include "model/linear.h"
#include "siglip/error.h"

namespace siglip {
namespace {

// Rows that go through the MLP together: their intermediate activations stay near the L2 cache,
// and there are enough of them to read the weights seldom.
constexpr int64_t kBlockRows = 112;

}  // namespace

Matrix DenseRows(float* data, int64_t index, int64_t rows, int64_t columns) {
  return {data + index * rows * columns, rows, columns, static_cast<size_t>(columns)};
}

ConstMatrix DenseRows(const float* data, int64_t index, int64_t rows, int64_t columns) {
  return {data + index * rows * columns, rows, columns, static_cast<size_t>(columns)};
}

void CopyRows(const ConstMatrix& from, const Matrix& to) {
  for (int64_t row = 0; row < from.rows; ++row) {
    std::memcpy(to.row(row), from.row(row), static_cast<size_t>(from.columns) * sizeof(float));
  }
}

TeamWorkspace::TeamWorkspace(const LayerContext& context, int64_t tokens, int threads,
                             int64_t patch_values)
    : tokens_(tokens),
      patch_values_(patch_values),
      barrier_(threads),
      members_(static_cast<size_t>(threads)) {
  Assign(context, tokens, patch_values);  // measures
  arena_.Allocate();
  Assign(context, tokens, patch_values);
}

void TeamWorkspace::Assign(const LayerContext& context, int64_t tokens, int64_t patch_values) {
  const Kernels& kernels = ComputeRuntime::From(*context.runtime).kernels();
  const SiglipEncoderConfig& config = context.config;
  const int64_t hidden = config.hidden_size;
  const AttentionShape attention = {tokens, config.num_attention_heads, config.head_dim(),
                                    AttentionTypeOf(kernels, context.precision, config.head_dim())};
  Workspace shared;
  shared.barrier = &barrier_;
  shared.hidden_states = arena_.NewMatrix(tokens, hidden);
  const OperandType type = InputTypeOf(kernels, context.precision);
  shared.normalized = NewOperandBuffer(arena_, type, tokens, hidden);
  shared.qkv = NewOperandBuffer(arena_, attention.type, tokens, 3 * hidden);
  // Bytes are scaled by a row's largest value, which is known only when all heads are done.
  shared.attention_output = NewOperandBuffer(
      arena_, type == OperandType::kInt8 ? OperandType::kFloat32 : type, tokens, hidden);
  // A lone thread is never behind itself: one set of panels serves both.
  for (size_t i = 0; i < (members_.size() == 1 ? 1 : 2); ++i) {
    shared.panels[i].keys = arena_.Floats(KeyPanelFloats(attention, kernels));
    shared.panels[i].values = arena_.Floats(ValuePanelFloats(attention, kernels));
  }
  if (members_.size() == 1) shared.panels[1] = shared.panels[0];

  const int64_t tiles = TileCount(tokens, kernels.tile_rows);
  const auto threads = static_cast<int64_t>(members_.size());
  for (int64_t rank = 0; rank < threads; ++rank) {
    Workspace& member = members_[static_cast<size_t>(rank)];
    member = shared;
    member.rank = static_cast<int>(rank);
    member.begin = tokens * (tiles * rank / threads) / tiles;
    member.end = tokens * (tiles * (rank + 1) / threads) / tiles;
    const int64_t rows = member.end - member.begin;
    const int64_t block = std::min(kBlockRows, rows);
    member.intermediate = NewActivationBuffer(arena_, type, block, config.intermediate_size);
    if (patch_values > 0) member.patches = arena_.NewMatrix(block, patch_values);
    member.attention_scratch = arena_.Floats(AttentionScratchFloats(attention, kernels));
    member.operand_scratch =
        arena_.Floats(std::max(OperandScratchFloats(type, rows, hidden), MatrixStride(hidden)));
  }
}

void TeamWorkspace::Reset() {
  for (Workspace& member : members_) {
    member.hidden_states_out.clear();
    member.attentions_out.clear();
    member.first_wanted = 0;
  }
}

TeamWorkspace& SizedWorkspace::For(int64_t tokens) {
  if (!workspace_ || !workspace_->Fits(tokens, threads_, 0)) {
    workspace_.reset();  // before the next one takes memory
    workspace_ = std::make_unique<TeamWorkspace>(context_, tokens, threads_);
  }
  return *workspace_;
}

std::shared_ptr<WorkspaceCache> NewWorkspaceCache() { return std::make_shared<WorkspaceCache>(); }

std::unique_ptr<TeamWorkspace> WorkspaceCache::Take(const LayerContext& context, int64_t tokens,
                                                    int threads, int64_t patch_values) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find_if(kept_, [&](const auto& workspace) {
      return workspace->Fits(tokens, threads, patch_values);
    });
    if (found != kept_.end()) {
      std::unique_ptr<TeamWorkspace> workspace = std::move(*found);
      kept_.erase(found);
      return workspace;
    }
  }
  return std::make_unique<TeamWorkspace>(context, tokens, threads, patch_values);
}

void WorkspaceCache::Put(const LayerContext& context, std::unique_ptr<TeamWorkspace> workspace) {
  workspace->Reset();
  const auto most = static_cast<size_t>(ComputeRuntime::From(*context.runtime).threads()) + 1;
  const std::lock_guard lock(mutex_);
  if (kept_.size() == most) kept_.erase(kept_.begin());
  kept_.push_back(std::move(workspace));
}

size_t WorkspaceCache::size() const {
  const std::lock_guard lock(mutex_);
  return kept_.size();
}

void ForEachPicture(const LayerContext& context, int64_t pictures, int64_t tokens,
                    const std::function<void(int64_t, Workspace&)>& work, int64_t patch_values) {
  ThreadPool& pool = ComputeRuntime::From(*context.runtime).pool();
  const int threads = pool.threads();
  const int64_t alone = pictures / threads * threads;
  if (alone > 0) {
    std::atomic<int64_t> next = 0;
    pool.Run([&](int) {
      auto workspace = context.workspaces->Take(context, tokens, 1, patch_values);
      for (int64_t picture = next++; picture < alone; picture = next++) {
        work(picture, workspace->member(0));
      }
      context.workspaces->Put(context, std::move(workspace));
    });
  }
  if (alone == pictures) return;
  auto workspace = context.workspaces->Take(context, tokens, threads, patch_values);
  pool.Run([&](int rank) {
    for (int64_t picture = alone; picture < pictures; ++picture) {
      work(picture, workspace->member(rank));
    }
  });
  context.workspaces->Put(context, std::move(workspace));
}

void CheckHiddenStates(const SiglipEncoderConfig& config, const Tensor& hidden_states) {
  if (hidden_states.dtype() != DType::kF32 || hidden_states.shape().size() != 3 ||
      hidden_states.dim(2) != config.hidden_size || hidden_states.dim(1) < 1) {
    throw Error(ErrorCode::kMismatch, "hidden_states: expected F32 [batch, tokens, " +
                                          std::to_string(config.hidden_size) + "], found " +
                                          std::string(ToString(hidden_states.dtype())) + " " +
                                          ToString(hidden_states.shape()));
  }
}

Tensor ForwardLayer(const LayerContext& context, const Tensor& in, LayerInput input,
                    const std::function<void(Workspace&)>& forward) {
  const SiglipEncoderConfig& config = context.config;
  CheckHiddenStates(config, in);
  const int64_t tokens = in.dim(1);
  Tensor out(DType::kF32, in.shape());
  auto* from = const_cast<float*>(in.floats().data());
  ForEachPicture(context, in.dim(0), tokens, [&](int64_t picture, Workspace& workspace) {
    const Matrix source = DenseRows(from, picture, tokens, config.hidden_size);
    const Matrix result = DenseRows(out.floats().data(), picture, tokens, config.hidden_size);
    const Matrix stream = workspace.Own(workspace.hidden_states);
    if (input == LayerInput::kNormalized) {
      const OperandBuffer normalized = workspace.Own(workspace.normalized);
      for (int64_t row = 0; row < stream.rows; ++row) {
        PutRow(ComputeRuntime::From(*context.runtime).kernels(), workspace.Own(source).row(row),
               row, normalized);
        std::fill_n(stream.row(row), stream.stride, 0.0F);
      }
    } else {
      CopyRows(workspace.Own(source), stream);
    }
    forward(workspace);
    CopyRows(stream, workspace.Own(result));
  });
  return out;
}

}  // namespace siglip
