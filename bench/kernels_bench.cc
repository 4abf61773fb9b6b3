// Speed of the kernels on one thread, as GFLOP/s and as a share of the multiply-add peak measured
// in the same run. Shapes are those of base-patch16-224 and so400m-patch14-384.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <vector>

#include "kernels/attention.h"
#include "kernels/compute_runtime.h"
#include "kernels/gemm.h"
#include "kernels/operand.h"

namespace siglip {
namespace {

const Runtime& OneThread() {
  static const std::shared_ptr<const Runtime> runtime =
      Runtime::Create({.threads = 1, .instruction_set = {}});
  return *runtime;
}

const Kernels& TheKernels() { return ComputeRuntime::From(OneThread()).kernels(); }

/// Reports speed and its share of the peak, measured right after the benchmark.
void Report(benchmark::State& state, Precision precision, double flop) {
  state.counters["GFLOP/s"] =
      benchmark::Counter(flop * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["of_peak"] =
      benchmark::Counter(flop * 1e-9 / MeasurePeakGflops(OneThread(), precision),
                         benchmark::Counter::kIsIterationInvariantRate);
}

void Fill(const Matrix& matrix) {
  for (int64_t row = 0; row < matrix.rows; ++row) {
    for (int64_t i = 0; i < matrix.columns; ++i) {
      matrix.row(row)[i] = static_cast<float>((row * 31 + i * 17) % 64) / 64.0F - 0.5F;
    }
  }
}

/// Rows, outputs, inputs, whether GELU follows, and the precision as a number.
void BM_Linear(benchmark::State& state) {
  const int64_t rows = state.range(0);
  const int64_t outputs = state.range(1);
  const int64_t inputs = state.range(2);
  const auto precision = static_cast<Precision>(state.range(4));
  const OperandType type = static_cast<OperandType>(precision);
  const Kernels& kernels = TheKernels();
  const MatrixBuffer in(rows, inputs);
  Fill(in.matrix());
  const MatrixBuffer out(rows, outputs);
  const std::vector<float> bias(static_cast<size_t>(outputs + 64));
  // As many weights as a model has, one after the other, so that they come from memory.
  const int64_t copies = std::max<int64_t>(1, (int64_t{64} << 20) / (outputs * inputs * 4));
  const std::vector<float> weight(static_cast<size_t>(outputs * inputs), 0.01F);
  std::vector<PackedMatrix> packed;
  for (int64_t i = 0; i < copies; ++i) {
    packed.emplace_back(kernels, type, weight, outputs, inputs);
  }
  FloatBuffer scratch(OperandScratchFloats(InputType(kernels, type), rows, inputs) + 1);
  const Activation activation = Activation::kGeluTanh;
  const Epilogue epilogue = {.bias = bias.data(),
                             .activation = state.range(3) != 0 ? &activation : nullptr,
                             .residual = {}};
  size_t next = 0;
  for (auto _ : state) {
    Gemm(kernels, ToOperand(kernels, InputType(kernels, type), in.matrix(), scratch.data()),
         packed[next], epilogue, out.matrix());
    next = (next + 1) % packed.size();
  }
  Report(state, precision, 2.0 * static_cast<double>(rows * outputs * inputs));
}
BENCHMARK(BM_Linear)
    ->ArgNames({"rows", "outputs", "inputs", "gelu", "precision"})
    ->Apply([](benchmark::internal::Benchmark* all) {
      for (int64_t precision : {0, 1, 2}) {
        all->Args({196, 2304, 768, 0, precision})
            ->Args({196, 768, 768, 0, precision})
            ->Args({112, 3072, 768, 1, precision})
            ->Args({112, 768, 3072, 0, precision})
            ->Args({729, 3456, 1152, 0, precision})
            ->Args({112, 4304, 1152, 1, precision})
            ->Args({112, 1152, 4304, 0, precision});
      }
    })
    ->Unit(benchmark::kMillisecond);

void BM_Attention(benchmark::State& state) {
  const auto precision = static_cast<Precision>(state.range(3));
  const AttentionShape shape = {state.range(0), state.range(1), state.range(2),
                                static_cast<OperandType>(precision)};
  const Kernels& kernels = TheKernels();
  const int64_t hidden = shape.heads * shape.head_dim;
  const MatrixBuffer qkv(shape.tokens, 3 * hidden);
  Fill(qkv.matrix());
  const MatrixBuffer out(shape.tokens, hidden);
  FloatBuffer keys(KeyPanelFloats(shape, kernels));
  FloatBuffer values(ValuePanelFloats(shape, kernels));
  FloatBuffer scratch(AttentionScratchFloats(shape, kernels));
  const AttentionPanels panels = {keys.data(), values.data()};
  for (auto _ : state) {
    PackKeysAndValues(kernels, shape, qkv.matrix(), 0, shape.tokens, panels, scratch.data());
    Attention(kernels, shape, qkv.matrix(), panels, 0, shape.tokens, out.matrix(), nullptr,
              scratch.data());
  }
  Report(state, precision, 4.0 * static_cast<double>(shape.tokens * shape.tokens * hidden));
}
BENCHMARK(BM_Attention)
    ->ArgNames({"tokens", "heads", "head_dim", "precision"})
    ->ArgsProduct({{196}, {12}, {64}, {0, 1}})
    ->ArgsProduct({{729}, {16}, {72}, {0, 1}})
    ->ArgsProduct({{1024}, {12}, {64}, {0, 1}})
    ->Unit(benchmark::kMillisecond);

void BM_LayerNorm(benchmark::State& state) {
  const int64_t columns = state.range(0);
  const MatrixBuffer in(196, columns);
  Fill(in.matrix());
  const MatrixBuffer out(196, columns);
  const std::vector<float> gain(static_cast<size_t>(columns), 1.0F);
  const std::vector<float> bias(static_cast<size_t>(columns));
  for (auto _ : state) {
    for (int64_t row = 0; row < 196; ++row) {
      TheKernels().layer_norm(static_cast<size_t>(columns), in.matrix().row(row), gain.data(),
                              bias.data(), 1e-6F, out.matrix().row(row));
    }
  }
  state.SetBytesProcessed(state.iterations() * 196 * columns * 8);
}
BENCHMARK(BM_LayerNorm)->ArgName("columns")->Arg(768)->Arg(1152);

}  // namespace
}  // namespace siglip
