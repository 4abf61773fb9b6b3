// Matrix products of every instruction set against the naive twin.
#include "kernels/gemm.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <tuple>

#include "kernels/kernel_test_support.h"
#include "kernels/reference.h"

namespace siglip {
namespace {

using Parameters = std::tuple<TestedKernels, OperandType>;

class GemmTest : public testing::TestWithParam<Parameters> {
 protected:
  const Kernels& kernels() const { return *std::get<0>(GetParam()).table; }
  OperandType type() const { return std::get<1>(GetParam()); }

  PackedMatrix Pack(const std::vector<float>& weight, int64_t columns, int64_t depth) const {
    return {kernels(), type(), weight, columns, depth};
  }

  /// Gemm of float rows.
  void Multiply(const ConstMatrix& a, const PackedMatrix& weight, const Epilogue& epilogue,
                const Matrix& out) const {
    FloatBuffer scratch(OperandScratchFloats(weight.input_type(), a.rows, a.columns) + 1);
    Gemm(kernels(), ToOperand(kernels(), weight.input_type(), a, scratch.data()), weight, epilogue,
         out);
  }
};

/// A row-major copy in a matrix with the stride the kernels use.
MatrixBuffer ToMatrix(const std::vector<float>& values, int64_t rows, int64_t columns) {
  MatrixBuffer buffer(rows, columns);
  for (int64_t row = 0; row < rows; ++row) {
    std::memcpy(buffer.matrix().row(row), values.data() + row * columns,
                static_cast<size_t>(columns) * sizeof(float));
  }
  return buffer;
}

struct Problem {
  Problem(int64_t rows, int64_t columns, int64_t inputs)
      : a(RandomFloats(static_cast<size_t>(rows * inputs), 1)),
        weight(RandomFloats(static_cast<size_t>(columns * inputs), 2)),
        bias(RandomFloats(static_cast<size_t>(columns), 3)),
        depth(inputs) {}

  /// What the operands may be off, relative to their own size (bfloat16) or to half a step of the
  /// row's largest value (bytes), and what summing them in float adds.
  double Bound(OperandType type, int64_t row, int64_t column) const {
    const auto step = [&](const std::vector<float>& values, int64_t index) {
      float largest = 0;
      for (int64_t k = 0; k < depth; ++k) {
        largest = std::max(largest, std::abs(values[static_cast<size_t>(index * depth + k)]));
      }
      return largest / 127.0;
    };
    const bool bytes = type == OperandType::kInt8;
    const double a_error = bytes ? 0.501 * step(a, row) : 0;
    const double weight_error = bytes ? 0.501 * step(weight, column) : 0;
    const double relative = type == OperandType::kBFloat16 ? 0x1p-8 : 0;
    double rounding = std::abs(bias[static_cast<size_t>(column)]);
    double operands = 0;
    for (int64_t k = 0; k < depth; ++k) {
      const double x = std::abs(a[static_cast<size_t>(row * depth + k)]);
      const double w = std::abs(weight[static_cast<size_t>(column * depth + k)]);
      rounding += x * w;
      operands += (x * relative + a_error) * w + (w * relative + weight_error) * x +
                  (x * relative + a_error) * (w * relative + weight_error);
    }
    return static_cast<double>(depth + 6) * kUnitRoundoff * rounding + operands;
  }

  std::vector<float> a;
  std::vector<float> weight;
  std::vector<float> bias;
  int64_t depth;
};

/// Bias as Gemm wants it: padded to whole panels.
std::vector<float> Padded(const std::vector<float>& bias) {
  std::vector<float> padded = bias;
  padded.resize(bias.size() + 64);
  return padded;
}

TEST_P(GemmTest, EqualsReferenceForAllRemainders) {
  for (int64_t rows : {1, 2, 3, 5, 6, 7, 13, 14, 15, 27, 29, 43}) {
    for (int64_t columns : {1, 7, 15, 16, 17, 31, 32, 33, 48, 49, 65}) {
      for (int64_t depth : {1, 2, 3, 16, 17, 72, 131}) {
        const Problem problem(rows, columns, depth);
        const MatrixBuffer a = ToMatrix(problem.a, rows, depth);
        const PackedMatrix weight = Pack(problem.weight, columns, depth);
        const std::vector<float> bias = Padded(problem.bias);
        const MatrixBuffer out(rows, columns);
        Multiply(a.matrix(), weight, {.bias = bias.data(), .activation = nullptr, .residual = {}},
                 out.matrix());
        const std::vector<float> expected =
            reference::Linear(problem.a, problem.weight, problem.bias, rows, columns, depth);
        for (int64_t row = 0; row < rows; ++row) {
          for (int64_t column = 0; column < columns; ++column) {
            ASSERT_NEAR(out.matrix().row(row)[column],
                        expected[static_cast<size_t>(row * columns + column)],
                        problem.Bound(type(), row, column))
                << rows << "x" << columns << "x" << depth << " at " << row << ", " << column;
          }
        }
      }
    }
  }
}

TEST_P(GemmTest, EqualsReferenceWhereRowsAndDepthAreCut) {
  // Deeper than one slice and, at 131 rows, higher than one block, with odd remainders.
  const int64_t columns = 35;
  for (int64_t rows : {1, 15, 131}) {
    for (int64_t depth : {769, 1537, 2306, 6200}) {
      const Problem problem(rows, columns, depth);
      const MatrixBuffer a = ToMatrix(problem.a, rows, depth);
      const std::vector<float> bias = Padded(problem.bias);
      const MatrixBuffer out(rows, columns);
      Multiply(a.matrix(), Pack(problem.weight, columns, depth),
               {.bias = bias.data(), .activation = nullptr, .residual = {}}, out.matrix());
      const std::vector<float> expected =
          reference::Linear(problem.a, problem.weight, problem.bias, rows, columns, depth);
      for (int64_t row = 0; row < rows; ++row) {
        for (int64_t column = 0; column < columns; ++column) {
          ASSERT_NEAR(out.matrix().row(row)[column],
                      expected[static_cast<size_t>(row * columns + column)],
                      problem.Bound(type(), row, column))
              << rows << "x" << columns << "x" << depth << " at " << row << ", " << column;
        }
      }
    }
  }
}

TEST_P(GemmTest, SmallIntegersAreExactInEveryPrecision) {
  const int64_t rows = 15;
  const int64_t columns = 35;
  for (int64_t depth : {1, 2, 5, 64, 131}) {
    Problem problem(rows, columns, depth);
    for (size_t i = 0; i < problem.a.size(); ++i) {
      problem.a[i] = static_cast<float>(static_cast<int>(i * 37 % 255) - 127);
    }
    for (size_t i = 0; i < problem.weight.size(); ++i) {
      problem.weight[i] = static_cast<float>(static_cast<int>(i * 91 % 255) - 127);
    }
    // Every row has 127 as its largest value, so that bytes hold it as it is.
    for (int64_t row = 0; row < rows; ++row) problem.a[static_cast<size_t>(row * depth)] = -127;
    for (int64_t column = 0; column < columns; ++column) {
      problem.weight[static_cast<size_t>(column * depth)] = 127;
    }
    const std::vector<float> bias(columns + 64);
    const MatrixBuffer a = ToMatrix(problem.a, rows, depth);
    const MatrixBuffer out(rows, columns);
    Multiply(a.matrix(), Pack(problem.weight, columns, depth),
             {.bias = bias.data(), .activation = nullptr, .residual = {}}, out.matrix());
    const std::vector<float> expected =
        reference::Linear(problem.a, problem.weight, {}, rows, columns, depth);
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t column = 0; column < columns; ++column) {
        ASSERT_EQ(out.matrix().row(row)[column],
                  expected[static_cast<size_t>(row * columns + column)])
            << depth << " deep at " << row << ", " << column;
      }
    }
  }
}

TEST_P(GemmTest, AddsResidualInPlace) {
  const int64_t rows = 17;
  const int64_t columns = 37;
  const int64_t depth = 24;
  const Problem problem(rows, columns, depth);
  const std::vector<float> residual = RandomFloats(static_cast<size_t>(rows * columns), 4);
  const MatrixBuffer a = ToMatrix(problem.a, rows, depth);
  const MatrixBuffer out = ToMatrix(residual, rows, columns);
  const std::vector<float> bias = Padded(problem.bias);
  Multiply(a.matrix(), Pack(problem.weight, columns, depth),
           {.bias = bias.data(), .activation = nullptr, .residual = out.matrix()}, out.matrix());
  const std::vector<float> product =
      reference::Linear(problem.a, problem.weight, problem.bias, rows, columns, depth);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      const auto i = static_cast<size_t>(row * columns + column);
      const double expected = static_cast<double>(product[i]) + residual[i];
      ASSERT_NEAR(out.matrix().row(row)[column], expected,
                  problem.Bound(type(), row, column) + 2 * kUnitRoundoff * std::abs(expected));
    }
  }
}

TEST_P(GemmTest, RowsHaveTheSameBitsInAnyMatrix) {
  const int64_t rows = 61;
  const int64_t columns = 50;
  const int64_t depth = 200;
  const Problem problem(rows, columns, depth);
  const MatrixBuffer a = ToMatrix(problem.a, rows, depth);
  const PackedMatrix weight = Pack(problem.weight, columns, depth);
  const std::vector<float> bias = Padded(problem.bias);
  const Activation activation = Activation::kGeluTanh;
  const Epilogue epilogue = {.bias = bias.data(), .activation = &activation, .residual = {}};
  const MatrixBuffer whole(rows, columns);
  Multiply(a.matrix(), weight, epilogue, whole.matrix());
  for (int64_t count = 1; count <= 16; ++count) {
    for (int64_t begin = 0; begin + count <= rows; begin += 9) {
      const MatrixBuffer part(count, columns);
      Multiply(a.matrix().Rows(begin, begin + count), weight, epilogue, part.matrix());
      for (int64_t row = 0; row < count; ++row) {
        ASSERT_EQ(0, std::memcmp(part.matrix().row(row), whole.matrix().row(begin + row),
                                 static_cast<size_t>(columns) * sizeof(float)))
            << count << " rows from " << begin;
      }
    }
  }
}

TEST_P(GemmTest, RowsHaveTheSameBitsWhereRowsAndDepthAreCut) {
  const int64_t rows = 131;
  const int64_t columns = 40;
  const int64_t depth = 2306;
  const Problem problem(rows, columns, depth);
  const MatrixBuffer a = ToMatrix(problem.a, rows, depth);
  const PackedMatrix weight = Pack(problem.weight, columns, depth);
  const std::vector<float> bias = Padded(problem.bias);
  const Epilogue epilogue = {.bias = bias.data(), .activation = nullptr, .residual = {}};
  const MatrixBuffer whole(rows, columns);
  Multiply(a.matrix(), weight, epilogue, whole.matrix());
  for (const auto& [begin, end] : {std::pair<int64_t, int64_t>{0, 1}, {130, 131}, {5, 99}}) {
    const MatrixBuffer part(end - begin, columns);
    Multiply(a.matrix().Rows(begin, end), weight, epilogue, part.matrix());
    for (int64_t row = begin; row < end; ++row) {
      ASSERT_EQ(0, std::memcmp(part.matrix().row(row - begin), whole.matrix().row(row),
                               static_cast<size_t>(columns) * sizeof(float)))
          << "row " << row << " of [" << begin << ", " << end << ")";
    }
  }
}

TEST_P(GemmTest, NotANumberStaysInItsRow) {
  Problem problem(3, 20, 33);
  problem.a[40] = NAN;  // in row 1
  const MatrixBuffer a = ToMatrix(problem.a, 3, 33);
  const std::vector<float> bias = Padded(problem.bias);
  const MatrixBuffer out(3, 20);
  Multiply(a.matrix(), Pack(problem.weight, 20, 33),
           {.bias = bias.data(), .activation = nullptr, .residual = {}}, out.matrix());
  for (int64_t column = 0; column < 20; ++column) {
    EXPECT_TRUE(std::isfinite(out.matrix().row(0)[column]));
    EXPECT_TRUE(std::isnan(out.matrix().row(1)[column]));
    EXPECT_TRUE(std::isfinite(out.matrix().row(2)[column]));
  }
}

TEST(TileRowsTest, SplitsEvenly) {
  for (int tile_rows : {4, 6, 14, 32}) {
    for (int64_t rows = 1; rows < 200; ++rows) {
      int64_t next = 0;
      for (int64_t i = 0; i < TileCount(rows, tile_rows); ++i) {
        const RowRange range = TileRows(rows, tile_rows, i);
        ASSERT_EQ(range.begin, next);
        ASSERT_GE(range.end - range.begin, rows / TileCount(rows, tile_rows));
        ASSERT_LE(range.end - range.begin, tile_rows);
        next = range.end;
      }
      ASSERT_EQ(next, rows);
    }
  }
}

std::string ParameterName(const testing::TestParamInfo<Parameters>& info) {
  static constexpr const char* kNames[] = {"_f32", "_bf16", "_int8"};
  return std::get<0>(info.param).name + kNames[static_cast<int>(std::get<1>(info.param))];
}

INSTANTIATE_TEST_SUITE_P(AllInstructionSets, GemmTest,
                         testing::Combine(testing::ValuesIn(AllKernels()),
                                          testing::Values(OperandType::kFloat32,
                                                          OperandType::kBFloat16,
                                                          OperandType::kInt8)),
                         ParameterName);

}  // namespace
}  // namespace siglip
