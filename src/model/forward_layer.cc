#include "model/forward_layer.h"

#include <algorithm>
#include <string>
#include <vector>

#include "kernels/compute_runtime.h"
#include "model/matrix_rows.h"
#include "model/sequence_schedule.h"
#include "siglip/error.hpp"

namespace siglip {

void CheckHiddenStates(const SiglipEncoderConfig& config, const TensorView& hidden_states) {
  if (hidden_states.dtype() != DType::kF32 || hidden_states.shape().size() != 3 ||
      hidden_states.dim(2) != config.hidden_size || hidden_states.dim(1) < 1) {
    throw Error(ErrorCode::kMismatch, "hidden_states: expected F32 [batch, tokens, " +
                                          std::to_string(config.hidden_size) + "], found " +
                                          std::string(ToString(hidden_states.dtype())) + " " +
                                          ToString(hidden_states.shape()));
  }
}

Tensor ForwardLayer(const LayerContext& context, const TensorView& in, LayerInput input,
                    const std::function<void(Workspace&)>& forward) {
  const SiglipEncoderConfig& config = context.config;
  CheckHiddenStates(config, in);
  const Kernels& kernels = ComputeRuntime::From(*context.runtime).kernels();
  const int64_t tokens = in.dim(1);
  Tensor out(DType::kF32, in.shape());
  /// Calls visit(row of the workspace, its values in `tensor`) for the rows of this thread.
  const auto for_own_rows = [&](std::span<const int64_t> group, const Workspace& workspace,
                                auto* tensor, const auto& visit) {
    for (size_t i = 0; i < group.size(); ++i) {
      const Sequence& sequence = workspace.sequences[i];
      const auto rows = DenseRows(tensor, group[i], tokens, config.hidden_size);
      const int64_t end = std::min(workspace.end, sequence.end);
      for (int64_t row = std::max(workspace.begin, sequence.begin); row < end; ++row) {
        visit(row, rows.row(row - sequence.begin));
      }
    }
  };
  const auto work = [&](std::span<const int64_t> group, Workspace& workspace) {
    const Matrix& stream = workspace.hidden_states;
    for_own_rows(group, workspace, in.floats().data(), [&](int64_t row, const float* values) {
      if (input == LayerInput::kNormalized) {
        PutRow(kernels, values, row, workspace.normalized);
        std::fill_n(stream.row(row), stream.stride, 0.0F);
      } else {
        std::copy_n(values, stream.columns, stream.row(row));
      }
    });
    forward(workspace);
    for_own_rows(group, workspace, out.floats().data(), [&](int64_t row, float* values) {
      std::copy_n(stream.row(row), stream.columns, values);
    });
  };
  ForEachGroup(context, std::vector<int64_t>(static_cast<size_t>(in.dim(0)), tokens), work);
  return out;
}

}  // namespace siglip
