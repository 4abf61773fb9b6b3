// The two building blocks with weights: Linear and LayerNorm.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "configuration/activation.h"
#include "kernels/gemm.h"
#include "kernels/kernels.h"
#include "kernels/packing.h"
#include "model/layer_source.h"
#include "siglip/runtime.hpp"

namespace siglip {

/// What weights are held in, what is multiplied with them, and what attention is computed in.
OperandType WeightTypeOf(Precision precision);
OperandType InputTypeOf(const Kernels& kernels, Precision precision);
OperandType AttentionTypeOf(const Kernels& kernels, Precision precision, int64_t head_dim);

/// The parameters of a Linear as they are read.
struct LinearValues {
  std::vector<float> weight;  // [outputs, inputs]
  std::vector<float> bias;    // [outputs]
};

/// Room for what ForwardActivation makes of a block of rows.
struct ActivationBuffer {
  OperandBuffer operand;  // [rows, outputs], the input of the next Linear
  Matrix floats;          // kInt8 only: a row is known in whole before it becomes bytes
};
ActivationBuffer NewActivationBuffer(Arena& arena, OperandType type, int64_t rows, int64_t columns);

/// torch.nn.Linear with packed weights: y = x W^T + b. Input is an operand of InputTypeOf, or
/// floats that are converted on the way in, into `scratch` of at least ScratchFloats(rows).
class Linear {
 public:
  /// Reads `scope`.weight [outputs, inputs] and `scope`.bias [outputs].
  Linear(const LayerSource& source, int64_t outputs, int64_t inputs);
  /// From values that `read` makes of others, unless they are to be had packed under `scope`.
  Linear(const LayerSource& source, OperandType type, int64_t outputs, int64_t inputs,
         const std::function<LinearValues()>& read);
  /// From values already read.
  Linear(const Kernels& kernels, OperandType type, const LinearValues& values, int64_t outputs,
         int64_t inputs);

  size_t ScratchFloats(int64_t rows) const {
    return OperandScratchFloats(weight_.input_type(), rows, weight_.inputs());
  }

  int64_t outputs() const { return weight_.outputs(); }
  int64_t inputs() const { return weight_.inputs(); }

  /// out[M, outputs] = in[M, inputs] W^T + b
  void Forward(const Operand& in, const Matrix& out) const;
  void Forward(const ConstMatrix& in, const Matrix& out, float* scratch) const {
    Forward(Convert(in, scratch), out);
  }
  /// The same as floats or bfloat16, whatever `out` is of.
  void Forward(const Operand& in, const OperandBuffer& out) const;
  /// activation(in W^T + b), in the type that the next Linear takes. `out` has that many rows.
  Operand ForwardActivation(const Operand& in, Activation activation,
                            const ActivationBuffer& out) const;
  /// out = residual + (in W^T + b); out may be residual.
  void ForwardResidual(const Operand& in, const ConstMatrix& residual, const Matrix& out) const;
  void ForwardResidual(const ConstMatrix& in, const ConstMatrix& residual, const Matrix& out,
                       float* scratch) const {
    ForwardResidual(Convert(in, scratch), residual, out);
  }
  /// `in` is an operand of InputTypeOf, or floats.
  void ForwardResidual(const OperandBuffer& in, const ConstMatrix& residual, const Matrix& out,
                       float* scratch) const;

 private:
  Operand Convert(const ConstMatrix& in, float* scratch) const {
    return ToOperand(*kernels_, weight_.input_type(), in, scratch);
  }

  const Kernels* kernels_;
  PackedMatrix weight_;
  std::vector<float> bias_;  // [outputs] padded with zeros to whole panels
};

/// torch.nn.LayerNorm over the last axis.
class LayerNorm {
 public:
  /// Reads `scope`.weight and `scope`.bias [columns].
  LayerNorm(const LayerSource& source, int64_t columns);

  /// Row by row; only the columns themselves are written, so `out` may be a dense tensor.
  void Forward(const ConstMatrix& in, const Matrix& out) const;
  /// As the operand of the Linear that follows. `row` has room for one row of floats.
  void Forward(const ConstMatrix& in, const OperandBuffer& out, float* row) const;

 private:
  const Kernels& kernels_;
  float epsilon_;
  std::vector<float> gain_;
  std::vector<float> bias_;
};

}  // namespace siglip
