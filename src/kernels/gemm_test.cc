// Matrix products of every instruction set against the naive twin.
#include "kernels/gemm.h"

#include <cmath>
#include <cstring>

#include "kernels/kernel_test_support.h"
#include "kernels/reference.h"

namespace siglip {
namespace {

class GemmTest : public KernelTest {};

/// A row-major copy in a matrix with the stride the engine uses.
MatrixBuffer ToMatrix(const std::vector<float>& values, int64_t rows, int64_t columns) {
  MatrixBuffer buffer(rows, columns);
  for (int64_t row = 0; row < rows; ++row) {
    std::memcpy(buffer.matrix().row(row), values.data() + row * columns,
                static_cast<size_t>(columns) * sizeof(float));
  }
  return buffer;
}

struct Problem {
  Problem(int64_t rows, int64_t columns, int64_t depth)
      : a(RandomFloats(static_cast<size_t>(rows * depth), 1)),
        weight(RandomFloats(static_cast<size_t>(columns * depth), 2)),
        bias(RandomFloats(static_cast<size_t>(columns), 3)) {}

  std::vector<float> a;
  std::vector<float> weight;
  std::vector<float> bias;
};

/// Bias as Gemm wants it: padded to whole panels.
std::vector<float> Padded(const std::vector<float>& bias) {
  std::vector<float> padded = bias;
  padded.resize(bias.size() + 64);
  return padded;
}

/// Rounding error of a sum of `depth` products, its bias and one more operation.
double Bound(const Problem& problem, int64_t row, int64_t column, int64_t depth) {
  double sum = std::abs(problem.bias[static_cast<size_t>(column)]);
  for (int64_t k = 0; k < depth; ++k) {
    sum += std::abs(static_cast<double>(problem.a[static_cast<size_t>(row * depth + k)]) *
                    problem.weight[static_cast<size_t>(column * depth + k)]);
  }
  return static_cast<double>(depth + 3) * kUnitRoundoff * sum;
}

TEST_P(GemmTest, EqualsReferenceForAllRemainders) {
  for (int64_t rows : {1, 2, 3, 5, 6, 7, 13, 14, 15, 27, 29, 43}) {
    for (int64_t columns : {1, 7, 15, 16, 17, 31, 32, 33, 48, 49, 65}) {
      for (int64_t depth : {1, 2, 3, 16, 17, 72, 131}) {
        const Problem problem(rows, columns, depth);
        const MatrixBuffer a = ToMatrix(problem.a, rows, depth);
        const PackedMatrix weight(problem.weight, columns, depth, kernels().panel_columns);
        const std::vector<float> bias = Padded(problem.bias);
        const MatrixBuffer out(rows, columns);
        Gemm(kernels(), a.matrix(), weight,
             {.bias = bias.data(), .activation = nullptr, .residual = {}}, out.matrix());
        const std::vector<float> expected =
            reference::Linear(problem.a, problem.weight, problem.bias, rows, columns, depth);
        for (int64_t row = 0; row < rows; ++row) {
          for (int64_t column = 0; column < columns; ++column) {
            ASSERT_NEAR(out.matrix().row(row)[column],
                        expected[static_cast<size_t>(row * columns + column)],
                        Bound(problem, row, column, depth))
                << rows << "x" << columns << "x" << depth << " at " << row << ", " << column;
          }
        }
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
  const PackedMatrix weight(problem.weight, columns, depth, kernels().panel_columns);
  const std::vector<float> bias = Padded(problem.bias);
  Gemm(kernels(), a.matrix(), weight,
       {.bias = bias.data(), .activation = nullptr, .residual = out.matrix()}, out.matrix());
  const std::vector<float> product =
      reference::Linear(problem.a, problem.weight, problem.bias, rows, columns, depth);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      const auto i = static_cast<size_t>(row * columns + column);
      const double expected = static_cast<double>(product[i]) + residual[i];
      ASSERT_NEAR(out.matrix().row(row)[column], expected,
                  Bound(problem, row, column, depth) + 2 * kUnitRoundoff * std::abs(expected));
    }
  }
}

TEST_P(GemmTest, RowsHaveTheSameBitsInAnyMatrix) {
  const int64_t rows = 61;
  const int64_t columns = 50;
  const int64_t depth = 200;
  const Problem problem(rows, columns, depth);
  const MatrixBuffer a = ToMatrix(problem.a, rows, depth);
  const PackedMatrix weight(problem.weight, columns, depth, kernels().panel_columns);
  const std::vector<float> bias = Padded(problem.bias);
  const Activation activation = Activation::kGeluTanh;
  const Epilogue epilogue = {.bias = bias.data(), .activation = &activation, .residual = {}};
  const MatrixBuffer whole(rows, columns);
  Gemm(kernels(), a.matrix(), weight, epilogue, whole.matrix());
  for (int64_t count = 1; count <= 16; ++count) {
    for (int64_t begin = 0; begin + count <= rows; begin += 9) {
      const MatrixBuffer part(count, columns);
      Gemm(kernels(), a.matrix().Rows(begin, begin + count), weight, epilogue, part.matrix());
      for (int64_t row = 0; row < count; ++row) {
        ASSERT_EQ(0, std::memcmp(part.matrix().row(row), whole.matrix().row(begin + row),
                                 static_cast<size_t>(columns) * sizeof(float)))
            << count << " rows from " << begin;
      }
    }
  }
}

TEST_P(GemmTest, AccumulateContinuesTheSum) {
  const int64_t depth = 90;
  const Problem problem(3, 16, depth);
  const PackedMatrix weight(problem.weight, 16, depth, kernels().panel_columns);
  std::vector<float> whole(static_cast<size_t>(3 * kernels().panel_columns));
  std::vector<float> parts(whole.size());
  const auto stride = static_cast<size_t>(kernels().panel_columns);
  const auto run = [&](size_t begin, size_t count, bool accumulate, std::vector<float>& out) {
    kernels().gemm_tile(3, 16, count, problem.a.data() + begin, static_cast<size_t>(depth),
                        weight.panel(0) + begin * stride, out.data(), stride, accumulate);
  };
  run(0, 90, false, whole);
  run(0, 33, false, parts);
  run(33, 57, true, parts);
  for (size_t row = 0; row < 3; ++row) {
    EXPECT_EQ(0, std::memcmp(&whole[row * stride], &parts[row * stride], 16 * sizeof(float)));
  }
}

TEST(TileRowsTest, SplitsEvenly) {
  for (int tile_rows : {4, 6, 14}) {
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

INSTANTIATE_TEST_SUITE_P(AllInstructionSets, GemmTest,
                         testing::ValuesIn(SupportedInstructionSets()), InstructionSetName);

}  // namespace
}  // namespace siglip
