// Element-wise kernels of every instruction set against the naive twin.
#include <cmath>
#include <cstring>

#include "kernels/kernel_test_support.h"
#include "kernels/reference.h"

namespace siglip {
namespace {

class ElementwiseTest : public KernelTest {};

constexpr Activation kActivations[] = {Activation::kGeluTanh, Activation::kGeluErf,
                                       Activation::kQuickGelu, Activation::kRelu,
                                       Activation::kSilu};

TEST_P(ElementwiseTest, ActivationsOverTheWholeRange) {
  std::vector<float> x;
  for (float value = -30.0F; value <= 30.0F; value += 0.00371F) x.push_back(value);
  for (float value : {0.0F, -0.0F, 1e-30F, -1e-30F, 100.0F, -100.0F}) x.push_back(value);
  while (x.size() % kVectorFloats != 0) x.push_back(0.0F);
  const std::vector<float> bias(x.size());
  for (Activation activation : kActivations) {
    std::vector<float> out(x.size());
    kernels().bias_activation(activation, 1, x.size(), bias.data(), x.data(), x.size(), out.data(),
                              out.size());
    for (size_t i = 0; i < x.size(); ++i) {
      const double expected = reference::Apply(activation, x[i]);
      // exp carries the rounding of its argument, hence the bound grows with it.
      const double relative = kUnitRoundoff * (16 + 4 * std::abs(x[i]) * (1 + std::abs(x[i])));
      ASSERT_NEAR(out[i], expected, relative * std::abs(expected) + 1e-36)
          << "activation " << static_cast<int>(activation) << " of " << x[i];
    }
  }
}

TEST_P(ElementwiseTest, ActivationsKeepNotANumber) {
  std::vector<float> x(kVectorFloats, NAN);
  const std::vector<float> bias(x.size());
  for (Activation activation : kActivations) {
    std::vector<float> out(x.size());
    kernels().bias_activation(activation, 1, x.size(), bias.data(), x.data(), x.size(), out.data(),
                              out.size());
    if (activation == Activation::kRelu) continue;
    for (float value : out) EXPECT_TRUE(std::isnan(value)) << static_cast<int>(activation);
  }
}

TEST_P(ElementwiseTest, LayerNorm) {
  for (int64_t columns : {1, 2, 7, 8, 15, 16, 17, 31, 48, 72, 269, 768, 1152}) {
    const auto count = static_cast<size_t>(columns);
    const std::vector<float> gain = RandomFloats(count, 2);
    const std::vector<float> bias = RandomFloats(count, 3);
    std::vector<float> in = RandomFloats(count, 4, 3.0F);
    for (float& value : in) value += 10.0F;  // a mean far from zero
    std::vector<float> out(count + 1, -77.0F);
    kernels().layer_norm(count, in.data(), gain.data(), bias.data(), 1e-6F, out.data());
    const std::vector<float> expected = reference::LayerNorm(in, gain, bias, columns, 1e-6);
    const double spread = 10.0 / 3.0;  // of the mean over the deviation: what cancellation costs
    for (size_t i = 0; i < count; ++i) {
      const double size = std::abs(gain[i]) * 4 + std::abs(bias[i]);
      const double tolerance = columns < 3 ? 1e-3 : kUnitRoundoff * size * spread * 16;
      ASSERT_NEAR(out[i], expected[i], tolerance) << columns << " columns, at " << i;
    }
    EXPECT_EQ(out[count], -77.0F) << "wrote past the row of " << columns;
  }
}

TEST_P(ElementwiseTest, SoftmaxExponentials) {
  for (int64_t columns : {1, 3, 8, 9, 16, 17, 100, 196, 729}) {
    const auto count = static_cast<size_t>(columns);
    const std::vector<float> in = RandomFloats(count, 5, 20.0F);
    std::vector<float> values = in;
    values.push_back(-77.0F);
    const float sum = kernels().softmax_exponentials(count, 0.125F, values.data());
    const std::vector<float> expected = reference::Softmax(in, columns, 0.125);
    for (size_t i = 0; i < count; ++i) {
      ASSERT_NEAR(values[i] / sum, expected[i],
                  kUnitRoundoff * (40 + std::log2(columns)) * expected[i] + 1e-37);
    }
    EXPECT_EQ(values[count], -77.0F);
  }
}

TEST_P(ElementwiseTest, SoftmaxOfHugeScoresIsFinite) {
  std::vector<float> values = {3e38F, -3e38F, 3e38F};
  const float sum = kernels().softmax_exponentials(3, 1.0F, values.data());
  EXPECT_EQ(sum, 2.0F + values[1]);
  EXPECT_LT(values[1], 1e-37F);
}

TEST_P(ElementwiseTest, ScaleAddScaledAndDot) {
  for (size_t count : {1U, 5U, 8U, 16U, 19U, 64U, 65U, 100U, 131U}) {
    const std::vector<float> a = RandomFloats(count, 6);
    const std::vector<float> b = RandomFloats(count, 7);
    std::vector<float> scaled(count + 1, -77.0F);
    kernels().scale(count, 1.7F, a.data(), scaled.data());
    std::vector<float> added = b;
    added.push_back(-77.0F);
    kernels().add_scaled(count, 1.7F, a.data(), added.data());
    double dot = 0;
    double magnitude = 0;
    for (size_t i = 0; i < count; ++i) {
      EXPECT_EQ(scaled[i], a[i] * 1.7F);
      ASSERT_NEAR(added[i], b[i] + static_cast<double>(a[i]) * 1.7F,
                  2 * kUnitRoundoff * (std::abs(b[i]) + 2 * std::abs(a[i])));
      dot += static_cast<double>(a[i]) * b[i];
      magnitude += std::abs(static_cast<double>(a[i]) * b[i]);
    }
    EXPECT_EQ(scaled[count], -77.0F);
    EXPECT_EQ(added[count], -77.0F);
    EXPECT_NEAR(kernels().dot(count, a.data(), b.data()), dot,
                static_cast<double>(count + 2) * kUnitRoundoff * magnitude);
  }
}

TEST_P(ElementwiseTest, PeakCountsItsWork) {
  EXPECT_GT(kernels().peak(1000), 0);
  EXPECT_EQ(kernels().peak(2000), 2 * kernels().peak(1000));
}

TEST(DispatchTest, ForcedInstructionSetIsTheOneThatRuns) {
  // Tables differ in their tiles: what the table of a set holds shows which file it came from.
  for (InstructionSet isa : SupportedInstructionSets()) {
    const Kernels& kernels = KernelsFor(isa);
    switch (isa) {
      case InstructionSet::kGeneric: EXPECT_EQ(&kernels, &GenericKernels()); break;
      case InstructionSet::kAvx2:
      case InstructionSet::kAvx2Vnni: EXPECT_EQ(&kernels, &Avx2Kernels()); break;
      default: EXPECT_EQ(&kernels, &Avx512Kernels()); break;
    }
  }
  EXPECT_NE(GenericKernels().gemm_tile, Avx2Kernels().gemm_tile);
  EXPECT_NE(Avx2Kernels().gemm_tile, Avx512Kernels().gemm_tile);
}

INSTANTIATE_TEST_SUITE_P(AllInstructionSets, ElementwiseTest,
                         testing::ValuesIn(SupportedInstructionSets()), InstructionSetName);

}  // namespace
}  // namespace siglip
