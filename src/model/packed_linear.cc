#include "model/packed_linear.h"

#include <span>
#include <utility>

#include "model/linear.h"
#include "siglip/error.hpp"
#include "weights/packed_file.h"
#include "weights/quoted.h"

namespace siglip {
namespace {

DType DTypeOf(OperandType type) {
  switch (type) {
    case OperandType::kFloat32: return DType::kF32;
    case OperandType::kBFloat16: return DType::kBF16;
    case OperandType::kInt8: return DType::kI8;
  }
  return DType::kF32;
}

Shape ShapeOf(OperandType type, int64_t panels, int64_t words, const PanelLayout& layout) {
  Shape shape = {panels, layout.Depth(words) / layout.column_words, layout.columns};
  const int64_t values = layout.column_words * ValuesPerWord(type);
  if (type != OperandType::kFloat32) shape.push_back(values);
  return shape;
}

TensorView Get(const SafetensorsFile& file, const std::string& name, DType dtype,
               const Shape& shape) {
  TensorView view = file.Get(name);
  if (view.dtype() != dtype || view.shape() != shape) {
    throw Error(ErrorCode::kMalformedFile,
                file.path().string() + ": tensor " + Quoted(name) + ": expected " +
                    std::string(ToString(dtype)) + " " + ToString(shape) + ", found " +
                    std::string(ToString(view.dtype())) + " " + ToString(view.shape()),
                "make it again from the original: siglip convert --precision P IN OUT");
  }
  return view;
}

template <class Value>
std::vector<Value> Copy(const TensorView& view) {
  const Tensor tensor(view);  // aligned
  const auto values = tensor.values<Value>();
  return {values.begin(), values.end()};
}

template <class Value>
void Keep(const WeightSource& weights, const std::string& name, DType dtype,
          const std::vector<Value>& values) {
  weights.Keep(name, {dtype,
                      {static_cast<int64_t>(values.size())},
                      std::as_bytes(std::span<const Value>(values))});
}

}  // namespace

Precision ResolvePrecision(PrecisionChoice wanted, const Kernels& kernels) {
  // Fastest is the narrowest that the CPU has an instruction for.
  const bool is_int8 = wanted.is_auto() && kernels.multiplies_int8;
  return wanted.precision().value_or(is_int8 ? Precision::kInt8 : Precision::kFloat32);
}

Precision ResolvePrecision(const Checkpoint& checkpoint, PrecisionChoice wanted,
                           const Kernels& kernels) {
  if (!checkpoint.packed()) return ResolvePrecision(wanted, kernels);
  const std::string path = checkpoint.packed()->path().string();
  const PackedInfo info = ReadPackedInfo(*checkpoint.packed());
  const Precision precision = ParsePrecision(info.precision);
  if (wanted.precision().value_or(precision) != precision) {
    const std::string asked(ToString(*wanted.precision()));
    throw Error(ErrorCode::kMismatch,
                path + ": holds weights in " + info.precision + ", asked for " + asked,
                "leave --precision away, or convert the original checkpoint to " + asked);
  }
  const std::string layout = PackedLayoutOf(kernels, precision);
  if (info.layout != layout) {
    throw Error(
        ErrorCode::kMismatch,
        path + ": is laid out as " + info.layout + ", the instruction set in use here takes " +
            layout,
        "convert the original checkpoint on this kind of machine: 32x1 is for CPUs with "
        "AVX-512, 16x2 for 64-bit Arm with I8MM and BF16 in bf16 and int8, 16x1 for others");
  }
  return precision;
}

std::string PackedLayoutOf(const Kernels& kernels, Precision precision) {
  return ToString(LayoutOf(kernels, WeightTypeOf(precision)));
}

PackedMatrix ReadPackedMatrix(const std::shared_ptr<const SafetensorsFile>& file,
                              const std::string& scope, const Kernels& kernels, OperandType type,
                              int64_t outputs, int64_t inputs) {
  const PanelLayout layout = LayoutOf(kernels, type);
  const int64_t panels = layout.Count(outputs);
  const TensorView words = Get(*file, scope + ".weight", DTypeOf(type),
                               ShapeOf(type, panels, WordCount(type, inputs), layout));
  std::vector<float> scales;
  std::vector<int32_t> corrections;
  if (type == OperandType::kInt8) {
    const Shape shape = {panels * layout.columns};
    scales = Copy<float>(Get(*file, scope + ".scales", DType::kF32, shape));
    corrections = Copy<int32_t>(Get(*file, scope + ".corrections", DType::kI32, shape));
  }
  if (reinterpret_cast<uintptr_t>(words.bytes().data()) % alignof(uint32_t) != 0) {
    throw Error(ErrorCode::kMalformedFile, file->path().string() + ": tensor " +
                                               Quoted(scope + ".weight") +
                                               ": begins at an odd place of the file");
  }
  return {kernels,
          type,
          outputs,
          inputs,
          {reinterpret_cast<const uint32_t*>(words.bytes().data()), words.bytes().size() / 4},
          file,
          std::move(scales),
          std::move(corrections)};
}

std::vector<float> ReadPackedBias(const SafetensorsFile& file, const std::string& scope,
                                  const PackedMatrix& weight) {
  return Copy<float>(
      Get(file, scope + ".bias", DType::kF32, {weight.panels() * weight.layout().columns}));
}

void KeepPackedMatrix(const WeightSource& weights, const std::string& scope,
                      const PackedMatrix& weight, const std::vector<float>& bias) {
  weights.Keep(scope + ".weight",
               {DTypeOf(weight.type()),
                ShapeOf(weight.type(), weight.panels(), weight.depth(), weight.layout()),
                std::as_bytes(weight.words())});
  Keep(weights, scope + ".bias", DType::kF32, bias);
  if (weight.type() != OperandType::kInt8) return;
  Keep(weights, scope + ".scales", DType::kF32, weight.scales());
  Keep(weights, scope + ".corrections", DType::kI32, weight.corrections());
}

}  // namespace siglip
