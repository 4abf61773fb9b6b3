// The two building blocks with weights: Linear and LayerNorm.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/gemm.h"
#include "kernels/kernels.h"
#include "kernels/packing.h"
#include "siglip/vision_model.h"
#include "weights/weight_source.h"

namespace siglip {

/// What products of a precision take, and what its attention does.
OperandType OperandTypeOf(Precision precision);
OperandType AttentionTypeOf(Precision precision);

/// torch.nn.Linear with packed weights: y = x W^T + b. Input and output are float in every
/// precision: rows are converted on the way in, into `scratch` of at least ScratchFloats(rows).
class Linear {
 public:
  /// Reads `scope`.weight [outputs, inputs] and `scope`.bias [outputs].
  Linear(const LayerSource& source, int64_t outputs, int64_t inputs);
  /// From values already read: weight [outputs, inputs], bias [outputs].
  Linear(const Kernels& kernels, OperandType type, const std::vector<float>& weight,
         const std::vector<float>& bias, int64_t outputs, int64_t inputs);

  size_t ScratchFloats(int64_t rows) const {
    return OperandScratchFloats(weight_.type(), rows, weight_.inputs());
  }

  int64_t outputs() const { return weight_.outputs(); }
  int64_t inputs() const { return weight_.inputs(); }
  int64_t bytes() const {
    return weight_.bytes() + static_cast<int64_t>(bias_.size() * sizeof(float));
  }

  /// out[M, outputs] = in[M, inputs] W^T + b
  void Forward(const Matrix& in, const Matrix& out, float* scratch) const;
  /// out = activation(in W^T + b)
  void ForwardActivation(const Matrix& in, Activation activation, const Matrix& out,
                         float* scratch) const;
  /// out = residual + (in W^T + b); out may be residual.
  void ForwardResidual(const Matrix& in, const Matrix& residual, const Matrix& out,
                       float* scratch) const;

 private:
  const Kernels& kernels_;
  PackedMatrix weight_;
  std::vector<float> bias_;  // [outputs] padded with zeros to whole panels
};

/// torch.nn.LayerNorm over the last axis.
class LayerNorm {
 public:
  /// Reads `scope`.weight and `scope`.bias [columns].
  LayerNorm(const LayerSource& source, int64_t columns);

  int64_t bytes() const { return static_cast<int64_t>(2 * gain_.size() * sizeof(float)); }

  /// Row by row; only the columns themselves are written, so `out` may be a dense tensor.
  void Forward(const Matrix& in, const Matrix& out) const;

 private:
  const Kernels& kernels_;
  float epsilon_;
  std::vector<float> gain_;
  std::vector<float> bias_;
};

/// hidden_act by its name in transformers' ACT2FN. Throws Error(kInvalidArgument).
Activation ParseActivation(const std::string& hidden_act);

}  // namespace siglip
