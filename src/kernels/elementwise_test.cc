// Element-wise kernels of every instruction set against the naive twin.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <set>

#include "kernels/kernel_test_support.h"
#include "kernels/reference.h"
#include "tensor/float16.h"

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
    const TileSums row = {1, x.size(), x.data(), x.size(), bias.data()};
    kernels().bias_activation(activation, row, out.data(), out.size());
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
    const TileSums row = {1, x.size(), x.data(), x.size(), bias.data()};
    kernels().bias_activation(activation, row, out.data(), out.size());
    if (activation == Activation::kRelu) continue;
    for (float value : out) EXPECT_TRUE(std::isnan(value)) << static_cast<int>(activation);
  }
}

TEST_P(ElementwiseTest, BFloat16ActivationsAreTheRoundedOnes) {
  const std::vector<float> x = RandomFloats(64, 11, 4.0F);
  const std::vector<float> bias = RandomFloats(64, 12);
  const TileSums row = {1, x.size(), x.data(), x.size(), bias.data()};
  for (Activation activation : kActivations) {
    std::vector<float> floats(x.size());
    kernels().bias_activation(activation, row, floats.data(), floats.size());
    std::vector<uint16_t> rounded(x.size());
    kernels().to_bfloat16(x.size(), floats.data(), rounded.data());
    std::vector<uint16_t> out(x.size());
    kernels().bias_activation_bfloat16(activation, row, out.data(), out.size());
    EXPECT_EQ(out, rounded) << "activation " << static_cast<int>(activation);
  }
}

TEST_P(ElementwiseTest, BFloat16SumsAreTheRoundedOnes) {
  const std::vector<float> x = RandomFloats(64, 11, 4.0F);
  const std::vector<float> bias = RandomFloats(64, 12);
  const TileSums row = {1, x.size(), x.data(), x.size(), bias.data()};
  std::vector<float> floats(x.size());
  kernels().bias(row, floats.data(), floats.size());
  std::vector<uint16_t> rounded(x.size());
  kernels().to_bfloat16(x.size(), floats.data(), rounded.data());
  std::vector<uint16_t> out(x.size());
  kernels().bias_bfloat16(row, out.data(), out.size());
  EXPECT_EQ(out, rounded);
}

TEST_P(ElementwiseTest, TransposeForAllRemainders) {
  for (size_t rows : {1U, 2U, 7U, 8U, 9U, 16U, 17U, 32U}) {
    for (size_t columns : {1U, 5U, 8U, 15U, 16U, 24U, 72U}) {
      const size_t in_stride = columns + 3;
      const size_t out_stride = rows + 2;
      const std::vector<float> in = RandomFloats(rows * in_stride, 13);
      std::vector<float> out(columns * out_stride, -77.0F);
      kernels().transpose(rows, columns, in.data(), in_stride, out.data(), out_stride);
      for (size_t column = 0; column < columns; ++column) {
        for (size_t row = 0; row < rows; ++row) {
          ASSERT_EQ(out[column * out_stride + row], in[row * in_stride + column])
              << rows << "x" << columns << " at " << row << ", " << column;
        }
        for (size_t row = rows; row < out_stride; ++row) {
          ASSERT_EQ(out[column * out_stride + row], -77.0F) << "written past the rows";
        }
      }
    }
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
    float sum = 0;
    kernels().softmax_exponentials(1, count, 0.125F, values.data(), count, &sum);
    const std::vector<float> expected = reference::Softmax(in, columns, 0.125);
    for (size_t i = 0; i < count; ++i) {
      ASSERT_NEAR(values[i] / sum, expected[i],
                  kUnitRoundoff * (40 + std::log2(columns)) * expected[i] + 1e-37);
    }
    EXPECT_EQ(values[count], -77.0F);
  }
}

TEST_P(ElementwiseTest, BFloat16SoftmaxExponentialsAreTheRoundedOnes) {
  constexpr int kRows = 3;
  for (size_t count : {1U, 3U, 8U, 9U, 16U, 17U, 100U, 729U}) {
    const size_t stride = count + 5;
    const std::vector<float> in = RandomFloats(kRows * stride, 5, 20.0F);
    std::vector<float> expected = in;
    std::vector<float> expected_sums(kRows);
    kernels().softmax_exponentials(kRows, count, 0.125F, expected.data(), stride,
                                   expected_sums.data());
    std::vector<float> values = in;
    std::vector<float> sums(kRows);
    const size_t written = (count + kVectorFloats - 1) / kVectorFloats * kVectorFloats;
    const size_t out_stride = written + 2;
    std::vector<uint16_t> out(kRows * out_stride, 0x7777);
    kernels().softmax_exponentials_bfloat16(kRows, count, 0.125F, values.data(), stride,
                                            sums.data(), out.data(), out_stride);
    EXPECT_EQ(values, expected);
    EXPECT_EQ(sums, expected_sums);
    for (size_t row = 0; row < kRows; ++row) {
      std::vector<uint16_t> rounded(written);
      kernels().to_bfloat16(count, expected.data() + row * stride, rounded.data());
      rounded.insert(rounded.end(), {0x7777, 0x7777});
      const auto begin = out.begin() + static_cast<std::ptrdiff_t>(row * out_stride);
      EXPECT_EQ(std::vector<uint16_t>(begin, begin + static_cast<std::ptrdiff_t>(out_stride)),
                rounded)
          << "row " << row << " of " << count;
    }
  }
}

TEST_P(ElementwiseTest, SoftmaxOfHugeScoresIsFinite) {
  std::vector<float> values = {3e38F, -3e38F, 3e38F};
  float sum = 0;
  kernels().softmax_exponentials(1, 3, 1.0F, values.data(), 3, &sum);
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
    std::vector<uint16_t> rounded(count + 1, 0x7777);
    kernels().to_bfloat16(count, scaled.data(), rounded.data());
    std::vector<uint16_t> halves(count + 1, 0x7777);
    kernels().scale_bfloat16(count, 1.7F, a.data(), halves.data());
    EXPECT_EQ(halves, rounded);
    EXPECT_EQ(added[count], -77.0F);
    EXPECT_NEAR(kernels().dot(count, a.data(), b.data()), dot,
                static_cast<double>(count + 2) * kUnitRoundoff * magnitude);
  }
}

TEST_P(ElementwiseTest, BFloat16RoundsToNearestEven) {
  std::vector<float> in = {1.0F,    1.00390625F, 1.01171875F, -1.00390625F,
                           3.0e38F, INFINITY,    NAN,         1.0F + 0x1p-8F + 0x1p-20F,
                           0.0F,    -0.0F};
  const std::vector<float> random = RandomFloats(45, 8, 100.0F);
  in.insert(in.end(), random.begin(), random.end());
  for (size_t count = 1; count <= in.size(); ++count) {
    std::vector<uint16_t> out(count + 1, 0x7777);
    kernels().to_bfloat16(count, in.data(), out.data());
    for (size_t i = 0; i < count; ++i) {
      const float found = BFloat16ToFloat(out[i]);
      if (std::isnan(in[i])) {
        EXPECT_TRUE(std::isnan(found));
        continue;
      }
      // The nearest of the two neighbours that end in sixteen zero bits; of equally near ones, the
      // one whose last kept bit is zero.
      const uint32_t bits = std::bit_cast<uint32_t>(in[i]);
      const auto below = std::bit_cast<float>(bits & 0xFFFF0000U);
      const uint32_t rest = bits & 0xFFFFU;
      const bool up = rest > 0x8000U || (rest == 0x8000U && (bits & 0x10000U) != 0);
      const auto above = std::bit_cast<float>((bits & 0xFFFF0000U) + 0x10000U);
      EXPECT_EQ(found, up ? above : below) << in[i];
    }
    EXPECT_EQ(out[count], 0x7777);
  }
}

TEST_P(ElementwiseTest, BytesAreWithinHalfAStep) {
  for (size_t count : {1U, 3U, 8U, 15U, 16U, 17U, 64U, 131U}) {
    const std::vector<float> in = RandomFloats(count, 9, 5.0F);
    std::vector<uint8_t> out(count + 1, 7);
    const float scale = kernels().to_int8(count, in.data(), out.data());
    float largest = 0;
    for (float x : in) largest = std::max(largest, std::abs(x));
    EXPECT_FLOAT_EQ(scale, largest / 127.0F);
    for (size_t i = 0; i < count; ++i) {
      const auto value = static_cast<float>(static_cast<int8_t>(out[i] - kernels().byte_offset));
      EXPECT_GE(value, -127.0F);
      EXPECT_NEAR(value * scale, in[i], 0.5001F * scale);
    }
    EXPECT_EQ(out[count], 7);
  }
  for (float poison : {NAN, INFINITY, -INFINITY}) {
    std::vector<float> in = RandomFloats(37, 10);
    in[20] = poison;
    std::vector<uint8_t> out(in.size());
    EXPECT_TRUE(std::isnan(kernels().to_int8(in.size(), in.data(), out.data()))) << poison;
  }
  std::vector<uint8_t> zeros(4);
  const std::vector<float> nothing(4);
  EXPECT_EQ(kernels().to_int8(4, nothing.data(), zeros.data()), 1.0F);
  EXPECT_EQ(zeros, std::vector<uint8_t>(4, static_cast<uint8_t>(kernels().byte_offset)));
}

TEST_P(ElementwiseTest, PeakCountsItsWork) {
  for (const auto peak : kernels().peak) {
    EXPECT_GT(peak(1000), 0);
    EXPECT_EQ(peak(2000), 2 * peak(1000));
  }
}

TEST_P(ElementwiseTest, TableKeepsItsLimits) {
  for (const int rows : kernels().tile_rows) {
    EXPECT_GE(rows, 1);
    EXPECT_LE(rows, kMostRows);
    EXPECT_LE(rows, kernels().block_rows);
  }
  EXPECT_LE(kernels().block_rows, kMostBlockRows);
  EXPECT_LE(kernels().slice_words, kMostSliceWords);
  EXPECT_EQ(kernels().slice_words % (2 * kDepthStep), 0);
}

TEST(DispatchTest, ForcedInstructionSetIsTheOneThatRuns) {
  // What a table holds shows which file it came from: no two of them are the same.
  std::set<std::array<GemmTile, kOperandTypes>> tables;
  for (InstructionSet isa : SupportedInstructionSets()) {
    tables.insert(std::to_array(KernelsFor(isa).gemm_tile));
  }
  EXPECT_EQ(tables.size(), SupportedInstructionSets().size());
  EXPECT_EQ(&KernelsFor(InstructionSet::kGeneric), &GenericKernels());
}

INSTANTIATE_TEST_SUITE_P(AllInstructionSets, ElementwiseTest, testing::ValuesIn(AllKernels()),
                         KernelsName);

}  // namespace
}  // namespace siglip
