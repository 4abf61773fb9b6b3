// Speed of the kernels on one thread, as GFLOP/s and as a share of the multiply-add peak measured
// in the same run. Shapes are those of base-patch16-224, -384 and -512 and so400m-patch14-384.
// scripts/check_efficiency.py compares the shares with recorded ones.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <ctime>
#include <string>
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

/// Seconds that this thread computed. Other load on the machine hardly changes them.
double ThreadSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Products in registers, on this thread.
double PeakGflops(Precision precision) {
  constexpr int64_t kRounds = 300'000;  // a few milliseconds
  constexpr int kRepeats = 3;
  double best = 0;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    const double begin = ThreadSeconds();
    const double flop = TheKernels().peak[static_cast<int>(precision)](kRounds);
    best = std::max(best, flop * 1e-9 / (ThreadSeconds() - begin));
  }
  return best;
}

/// Reports the speed since `begin`, in ThreadSeconds, and its share of the peak, measured now.
void Report(benchmark::State& state, Precision precision, double flop, double begin) {
  const double seconds = ThreadSeconds() - begin;
  const double gflops = flop * 1e-9 * static_cast<double>(state.iterations()) / seconds;
  state.counters["GFLOP/s"] = gflops;
  state.counters["of_peak"] = gflops / PeakGflops(precision);
  state.SetLabel(std::string(ToString(precision)));
}

void Fill(const Matrix& matrix) {
  for (int64_t row = 0; row < matrix.rows; ++row) {
    for (int64_t i = 0; i < matrix.columns; ++i) {
      matrix.row(row)[i] = static_cast<float>((row * 31 + i * 17) % 64) / 64.0F - 0.5F;
    }
  }
}

/// As many equal weights as a model has, so that those used one after the other come from memory.
/// Kept until others are asked for: the same benchmark is run several times.
const std::vector<PackedMatrix>& Weights(OperandType type, int64_t outputs, int64_t inputs) {
  struct Kept {
    OperandType type;
    int64_t outputs;
    int64_t inputs;
    std::vector<PackedMatrix> weights;
  };
  static Kept kept = {};
  if (kept.type == type && kept.outputs == outputs && kept.inputs == inputs) return kept.weights;
  kept = {type, outputs, inputs, {}};
  const std::vector<float> weight(static_cast<size_t>(outputs * inputs), 0.01F);
  const int64_t copies = std::max<int64_t>(1, (int64_t{64} << 20) / (outputs * inputs * 4));
  for (int64_t i = 0; i < copies; ++i) {
    kept.weights.emplace_back(TheKernels(), type, weight, outputs, inputs);
  }
  return kept.weights;
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
  const std::vector<PackedMatrix>& packed = Weights(type, outputs, inputs);
  FloatBuffer scratch(OperandScratchFloats(InputType(kernels, type), rows, inputs) + 1);
  const Activation activation = Activation::kGeluTanh;
  const Epilogue epilogue = {.bias = bias.data(),
                             .activation = state.range(3) != 0 ? &activation : nullptr,
                             .residual = {}};
  size_t next = 0;
  const double begin = ThreadSeconds();
  for (auto _ : state) {
    Gemm(kernels, ToOperand(kernels, InputType(kernels, type), in.matrix(), scratch.data()),
         packed[next], epilogue, out.matrix());
    next = (next + 1) % packed.size();
  }
  Report(state, precision, 2.0 * static_cast<double>(rows * outputs * inputs), begin);
}
BENCHMARK(BM_Linear)
    ->ArgNames({"rows", "outputs", "inputs", "gelu", "precision"})
    ->Apply([](benchmark::internal::Benchmark* all) {
      for (int64_t precision : {0, 1, 2}) {
        all->Args({196, 2304, 768, 0, precision})
            ->Args({196, 768, 768, 0, precision})
            ->Args({196, 3072, 768, 1, precision})
            ->Args({196, 768, 3072, 0, precision})
            ->Args({729, 3456, 1152, 0, precision})
            ->Args({112, 4304, 1152, 1, precision})
            ->Args({112, 1152, 4304, 0, precision});
      }
    })
    ->Unit(benchmark::kMillisecond);

void BM_Attention(benchmark::State& state) {
  const auto precision = static_cast<Precision>(state.range(3));
  const Kernels& kernels = TheKernels();
  const AttentionShape shape = {state.range(0), state.range(1), state.range(2),
                                InputType(kernels, static_cast<OperandType>(precision))};
  const int64_t hidden = shape.heads * shape.head_dim;
  const MatrixBuffer floats(shape.tokens, 3 * hidden);
  Fill(floats.matrix());
  FloatBuffer words(OperandScratchFloats(shape.type, shape.tokens, 3 * hidden) + 1);
  const Operand qkv = ToOperand(kernels, shape.type, floats.matrix(), words.data());
  const MatrixBuffer out_words(shape.tokens, hidden);
  const OperandBuffer out = {shape.type, reinterpret_cast<uint32_t*>(out_words.matrix().data),
                             shape.tokens, hidden, out_words.matrix().stride};
  FloatBuffer keys(KeyPanelFloats(shape, kernels));
  FloatBuffer values(ValuePanelFloats(shape, kernels));
  FloatBuffer scratch(AttentionScratchFloats(shape, kernels));
  const AttentionPanels panels = {keys.data(), values.data()};
  const double begin = ThreadSeconds();
  for (auto _ : state) {
    PackKeysAndValues(kernels, shape, qkv, 0, shape.tokens, panels);
    Attention(kernels, shape, qkv, panels, 0, shape.tokens, out, {}, scratch.data());
  }
  Report(state, precision, 4.0 * static_cast<double>(shape.tokens * shape.tokens * hidden), begin);
}
BENCHMARK(BM_Attention)
    ->ArgNames({"tokens", "heads", "head_dim", "precision"})
    ->ArgsProduct({{196, 576, 1024}, {12}, {64}, {0, 1}})
    ->ArgsProduct({{729}, {16}, {72}, {0, 1}})
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

int main(int count, char** arguments) {
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 1;
  benchmark::AddCustomContext("instruction_set",
                              std::string(siglip::OneThread().instruction_set()));
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
