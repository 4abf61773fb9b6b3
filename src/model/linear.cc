#include "model/linear.h"

#include <span>

#include "kernels/compute_runtime.h"
#include "model/packed_linear.h"
#include "siglip/error.hpp"

namespace siglip {

namespace {

/// The words of a buffer, which Gemm fills.
Matrix AsMatrix(const OperandBuffer& buffer) {
  return {reinterpret_cast<float*>(buffer.words), buffer.rows, buffer.operand().depth,
          buffer.stride};
}

}  // namespace

LayerSource LayerSource::operator/(const std::string& name) const {
  return {weights, scope + "." + name, context};
}

OperandType WeightTypeOf(Precision precision) {
  switch (precision) {
    case Precision::kFloat32: return OperandType::kFloat32;
    case Precision::kBFloat16: return OperandType::kBFloat16;
    case Precision::kInt8: return OperandType::kInt8;
  }
  throw Error(ErrorCode::kInternal, "a precision that nothing can be held in");
}

OperandType InputTypeOf(const Kernels& kernels, Precision precision) {
  return InputType(kernels, WeightTypeOf(precision));
}

OperandType AttentionTypeOf(const Kernels& kernels, Precision precision, int64_t head_dim) {
  if (precision == Precision::kFloat32 || head_dim % 2 != 0) return OperandType::kFloat32;
  return InputType(kernels, OperandType::kBFloat16);
}

Linear::Linear(const LayerSource& source, int64_t outputs, int64_t inputs)
    : Linear(source, WeightTypeOf(source.context.precision), outputs, inputs,
             [&]() -> LinearValues {
               return {source.weights.Read({source.scope + ".weight", {outputs, inputs}}),
                       source.weights.Read({source.scope + ".bias", {outputs}})};
             }) {}

Linear::Linear(const LayerSource& source, OperandType type, int64_t outputs, int64_t inputs,
               const std::function<LinearValues()>& read)
    : kernels_(&ComputeRuntime::From(*source.context.runtime).kernels()) {
  if (const auto file = source.weights.packed()) {
    weight_ = ReadPackedMatrix(file, source.scope, *kernels_, type, outputs, inputs);
    bias_ = ReadPackedBias(*file, source.scope, weight_);
    return;
  }
  *this = Linear(*kernels_, type, read(), outputs, inputs);
  KeepPackedMatrix(source.weights, source.scope, weight_, bias_);
}

Linear::Linear(const Kernels& kernels, OperandType type, const LinearValues& values,
               int64_t outputs, int64_t inputs)
    : kernels_(&kernels),
      weight_(kernels, type, values.weight, outputs, inputs),
      bias_(values.bias) {
  bias_.resize(static_cast<size_t>(weight_.panels() * kernels.panel_columns));
}

void Linear::Forward(const Operand& in, const Matrix& out) const {
  Gemm(*kernels_, in, weight_, {.bias = bias_.data(), .activation = nullptr, .residual = {}}, out);
}

void Linear::Forward(const Operand& in, const OperandBuffer& out) const {
  Gemm(*kernels_, in, weight_,
       {.bias = bias_.data(), .activation = nullptr, .residual = {}, .result = out.type},
       AsMatrix(out));
}

Operand Linear::ForwardActivation(const Operand& in, Activation activation,
                                  const ActivationBuffer& out) const {
  const OperandType type = out.operand.type;
  Epilogue epilogue = {.bias = bias_.data(), .activation = &activation, .residual = {}};
  if (type != OperandType::kInt8) {
    epilogue.result = type;
    Gemm(*kernels_, in, weight_, epilogue, AsMatrix(out.operand.Rows(0, in.rows)));
  } else {
    Gemm(*kernels_, in, weight_, epilogue, out.floats);
    for (int64_t row = 0; row < in.rows; ++row) {
      PutRow(*kernels_, out.floats.row(row), row, out.operand);
    }
  }
  return out.operand.Rows(0, in.rows).operand();
}

void Linear::ForwardResidual(const Operand& in, const ConstMatrix& residual,
                             const Matrix& out) const {
  Gemm(*kernels_, in, weight_, {.bias = bias_.data(), .activation = nullptr, .residual = residual},
       out);
}

void Linear::ForwardResidual(const OperandBuffer& in, const ConstMatrix& residual,
                             const Matrix& out, float* scratch) const {
  if (in.type == weight_.input_type()) return ForwardResidual(in.operand(), residual, out);
  ForwardResidual(AsMatrix(in), residual, out, scratch);
}

ActivationBuffer NewActivationBuffer(Arena& arena, OperandType type, int64_t rows,
                                     int64_t columns) {
  ActivationBuffer buffer = {NewOperandBuffer(arena, type, rows, columns), {}};
  if (type == OperandType::kInt8) buffer.floats = arena.NewMatrix(rows, columns);
  return buffer;
}

LayerNorm::LayerNorm(const LayerSource& source, int64_t columns)
    : kernels_(ComputeRuntime::From(*source.context.runtime).kernels()),
      epsilon_(static_cast<float>(source.context.config.layer_norm_eps)),
      gain_(source.weights.Read({source.scope + ".weight", {columns}})),
      bias_(source.weights.Read({source.scope + ".bias", {columns}})) {
  const auto keep = [&](const char* name, const std::vector<float>& values) {
    source.weights.Keep(source.scope + name,
                        {DType::kF32, {columns}, std::as_bytes(std::span<const float>(values))});
  };
  keep(".weight", gain_);
  keep(".bias", bias_);
}

void LayerNorm::Forward(const ConstMatrix& in, const Matrix& out) const {
  for (int64_t row = 0; row < in.rows; ++row) {
    kernels_.layer_norm(gain_.size(), in.row(row), gain_.data(), bias_.data(), epsilon_,
                        out.row(row));
  }
}

void LayerNorm::Forward(const ConstMatrix& in, const OperandBuffer& out, float* row) const {
  if (out.type == OperandType::kFloat32) return Forward(in, AsMatrix(out));
  for (int64_t i = 0; i < in.rows; ++i) {
    kernels_.layer_norm(gain_.size(), in.row(i), gain_.data(), bias_.data(), epsilon_, row);
    PutRow(kernels_, row, i, out);
  }
}

}  // namespace siglip
