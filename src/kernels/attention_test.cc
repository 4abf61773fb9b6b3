// Attention of every instruction set against the naive twin.
#include "kernels/attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/kernel_test_support.h"
#include "kernels/reference.h"
#include "tensor/float16.h"

namespace siglip {
namespace {

class AttentionTest : public KernelTest {
 protected:
  /// Attention over all tokens with the work cut into `parts` ranges, as threads would.
  std::vector<float> Run(const AttentionShape& shape, const std::vector<float>& q,
                         const std::vector<float>& k, const std::vector<float>& v, int64_t parts,
                         std::vector<float>* probabilities = nullptr,
                         OperandType result = OperandType::kFloat32) {
    const int64_t hidden = shape.heads * shape.head_dim;
    const MatrixBuffer floats(shape.tokens, 3 * hidden);
    for (int64_t token = 0; token < shape.tokens; ++token) {
      for (int64_t i = 0; i < hidden; ++i) {
        float* row = floats.matrix().row(token);
        row[i] = q[static_cast<size_t>(token * hidden + i)];
        row[hidden + i] = k[static_cast<size_t>(token * hidden + i)];
        row[2 * hidden + i] = v[static_cast<size_t>(token * hidden + i)];
      }
    }
    FloatBuffer words(OperandScratchFloats(shape.type, shape.tokens, 3 * hidden) + 1);
    const Operand qkv = ToOperand(kernels(), shape.type, floats.matrix(), words.data());
    FloatBuffer keys(KeyPanelFloats(shape, kernels()));
    FloatBuffer values(ValuePanelFloats(shape, kernels()));
    FloatBuffer scratch(AttentionScratchFloats(shape, kernels()));
    // What was there before, as floats and as bfloat16 no number, must not matter.
    for (FloatBuffer* buffer : {&keys, &values, &scratch}) {
      std::memset(buffer->data(), 0xFF, buffer->size() * sizeof(float));
    }
    const AttentionPanels panels = {keys.data(), values.data()};
    const MatrixBuffer out(shape.tokens, hidden);
    const OperandBuffer buffer = {result, reinterpret_cast<uint32_t*>(out.matrix().data),
                                  shape.tokens, hidden, out.matrix().stride};
    for (int64_t part = 0; part < parts; ++part) {
      PackKeysAndValues(kernels(), shape, qkv, shape.tokens * part / parts,
                        shape.tokens * (part + 1) / parts, panels);
    }
    for (int64_t part = 0; part < parts; ++part) {
      Attention(kernels(), shape, qkv, panels, shape.tokens * part / parts,
                shape.tokens * (part + 1) / parts, buffer,
                {.data = probabilities == nullptr ? nullptr : probabilities->data(),
                 .head_stride = shape.tokens * shape.tokens,
                 .row_stride = shape.tokens},
                scratch.data());
    }
    std::vector<float> dense;
    for (int64_t token = 0; token < shape.tokens; ++token) {
      const float* const row = out.matrix().row(token);
      for (int64_t i = 0; i < hidden; ++i) {
        dense.push_back(result == OperandType::kFloat32
                            ? row[i]
                            : BFloat16ToFloat(reinterpret_cast<const uint16_t*>(row)[i]));
      }
    }
    return dense;
  }

  void CheckCuts(const AttentionShape& shape) {
    const auto count = static_cast<size_t>(shape.tokens * shape.heads * shape.head_dim);
    const std::vector<float> q = RandomFloats(count, 1);
    const std::vector<float> k = RandomFloats(count, 2);
    const std::vector<float> v = RandomFloats(count, 3);
    const std::vector<float> whole = Run(shape, q, k, v, 1);
    for (int64_t parts : {2, 3, 5, 77}) {
      const std::vector<float> cut = Run(shape, q, k, v, parts);
      EXPECT_EQ(0, std::memcmp(whole.data(), cut.data(), count * sizeof(float))) << parts;
    }
  }
};

TEST_P(AttentionTest, EqualsReference) {
  for (int64_t tokens : {1, 2, 9, 16, 31, 33, 50, 65}) {
    for (int64_t head_dim : {1, 7, 12, 16, 18, 64, 72, 96}) {
      const AttentionShape shape = {tokens, 3, head_dim};
      const auto count = static_cast<size_t>(tokens * 3 * head_dim);
      const std::vector<float> q = RandomFloats(count, 1, 2.0F);
      const std::vector<float> k = RandomFloats(count, 2, 2.0F);
      const std::vector<float> v = RandomFloats(count, 3);
      const std::vector<float> out = Run(shape, q, k, v, 1);
      const std::vector<float> expected = reference::Attention(q, k, v, tokens, 3, head_dim);
      // Scores are sums of head_dim products of magnitude ~4 and their error goes into exp; the
      // result is a mean of values of magnitude ~4.
      const double score_error =
          kUnitRoundoff * static_cast<double>(head_dim + 8) * 4 * std::sqrt(head_dim);
      const double tolerance =
          4 * (2 * score_error + kUnitRoundoff * static_cast<double>(tokens + 40));
      for (size_t i = 0; i < count; ++i) {
        ASSERT_NEAR(out[i], expected[i], tolerance) << tokens << " tokens of " << head_dim;
      }
    }
  }
}

TEST_P(AttentionTest, BFloat16IsCloseToReference) {
  for (int64_t tokens : {1, 2, 9, 33, 50}) {
    for (int64_t head_dim : {2, 14, 16, 72}) {
      const AttentionShape shape = {tokens, 3, head_dim,
                                    InputType(kernels(), OperandType::kBFloat16)};
      const auto count = static_cast<size_t>(tokens * 3 * head_dim);
      const std::vector<float> q = RandomFloats(count, 1);
      const std::vector<float> k = RandomFloats(count, 2);
      const std::vector<float> v = RandomFloats(count, 3);
      const std::vector<float> out = Run(shape, q, k, v, 2);
      const std::vector<float> expected = reference::Attention(q, k, v, tokens, 3, head_dim);
      double distance = 0;
      double norm = 0;
      for (size_t i = 0; i < count; ++i) {
        distance += std::pow(out[i] - static_cast<double>(expected[i]), 2);
        norm += std::pow(static_cast<double>(expected[i]), 2);
      }
      // Four roundings to bfloat16 (of queries, keys, values and probabilities), each of at most
      // 2^-9 relative; those of scores of magnitude ~1 go through exp.
      EXPECT_LE(std::sqrt(distance / norm), 8 * 0x1p-9) << tokens << " tokens of " << head_dim;
    }
  }
}

TEST_P(AttentionTest, BFloat16ResultIsTheRoundedOne) {
  for (const AttentionShape& shape :
       {AttentionShape{19, 3, 18, InputType(kernels(), OperandType::kBFloat16)},
        AttentionShape{19, 3, 7, OperandType::kFloat32}}) {  // heads that begin within a word
    const auto count = static_cast<size_t>(shape.tokens * shape.heads * shape.head_dim);
    const std::vector<float> q = RandomFloats(count, 1);
    const std::vector<float> k = RandomFloats(count, 2);
    const std::vector<float> v = RandomFloats(count, 3);
    std::vector<float> expected = Run(shape, q, k, v, 2);
    std::vector<uint16_t> rounded(count);
    kernels().to_bfloat16(count, expected.data(), rounded.data());
    std::ranges::transform(rounded, expected.begin(), BFloat16ToFloat);
    EXPECT_EQ(Run(shape, q, k, v, 2, nullptr, OperandType::kBFloat16), expected);
  }
}

TEST_P(AttentionTest, SameBitsHoweverTheWorkIsCut) {
  CheckCuts({77, 2, 24});
  CheckCuts({77, 2, 24, InputType(kernels(), OperandType::kBFloat16)});
}

TEST_P(AttentionTest, ProbabilitiesSumToOne) {
  const AttentionShape shape = {41, 2, 8};
  const size_t count = 41 * 2 * 8;
  std::vector<float> probabilities(2 * 41 * 41, -1.0F);
  Run(shape, RandomFloats(count, 1), RandomFloats(count, 2), RandomFloats(count, 3), 2,
      &probabilities);
  for (size_t row = 0; row < 2 * 41; ++row) {
    double sum = 0;
    for (size_t i = 0; i < 41; ++i) {
      ASSERT_GE(probabilities[row * 41 + i], 0.0F);
      sum += probabilities[row * 41 + i];
    }
    EXPECT_NEAR(sum, 1.0, 41 * 4 * kUnitRoundoff);
  }
}

INSTANTIATE_TEST_SUITE_P(AllInstructionSets, AttentionTest, testing::ValuesIn(AllKernels()),
                         KernelsName);

}  // namespace
}  // namespace siglip
