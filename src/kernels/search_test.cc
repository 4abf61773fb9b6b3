// Dot products of a query with many rows, on every instruction set, against the naive twins.
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "kernels/kernel_test_support.h"
#include "kernels/reference.h"
#include "tensor/float16.h"

namespace siglip {
namespace {

class SearchKernelTest : public KernelTest {
 protected:
  void ExpectExactBytes(const std::vector<int8_t>& query, const std::vector<int8_t>& rows,
                        size_t stride, size_t count) const {
    std::vector<int32_t> sums(count + 1, -77);
    kernels().dot_bytes(query.data(), query.size(), rows.data(), stride, count, sums.data());
    const std::vector<int64_t> expected = reference::DotBytes(query, rows, stride, count);
    for (size_t row = 0; row < count; ++row) {
      ASSERT_EQ(sums[row], expected[row])
          << query.size() << " bytes, stride " << stride << ", row " << row << " of " << count;
    }
    EXPECT_EQ(sums[count], -77) << "wrote past the rows";
  }

  void ExpectScores(const std::vector<float>& query, const std::vector<uint16_t>& rows,
                    size_t stride, size_t count) const {
    std::vector<float> scores(count + 1, -77.0F);
    kernels().dot_halves(query.data(), query.size(), rows.data(), stride, count, scores.data());
    for (size_t row = 0; row < count; ++row) {
      const float expected =
          reference::DotHalves(query, std::span(rows).subspan(row * stride, query.size()));
      ASSERT_EQ(std::bit_cast<uint32_t>(scores[row]), std::bit_cast<uint32_t>(expected))
          << query.size() << " numbers, row " << row << " of " << count << ": " << scores[row]
          << " and " << expected;
    }
    EXPECT_EQ(scores[count], -77.0F) << "wrote past the rows";
  }
};

TEST_P(SearchKernelTest, SumsOfBytesAreExact) {
  std::mt19937 generator(1);
  for (size_t size : {64U, 128U, 192U, 768U, 1152U}) {
    for (size_t stride : {size, size + 64}) {
      for (size_t count : {0U, 1U, 2U, 3U, 4U, 5U, 7U, 8U, 13U}) {
        std::vector<int8_t> query(size);
        std::vector<int8_t> rows(stride * count);
        for (int8_t& byte : query) byte = static_cast<int8_t>(generator());
        for (int8_t& byte : rows) byte = static_cast<int8_t>(generator());
        ExpectExactBytes(query, rows, stride, count);
      }
    }
  }
}

TEST_P(SearchKernelTest, SumsOfExtremeBytesDoNotSaturate) {
  constexpr size_t kCount = 5;
  for (size_t size : {size_t{64}, size_t{1152}, kMostQueriedBytes}) {
    for (int q : {-128, -127, 127}) {
      for (int v : {-128, -127, 127}) {
        ExpectExactBytes(std::vector(size, static_cast<int8_t>(q)),
                         std::vector(size * kCount, static_cast<int8_t>(v)), size, kCount);
      }
    }
  }
}

TEST_P(SearchKernelTest, ScoresHaveTheBitsOfTheDefinition) {
  for (size_t size = 1; size <= 50; ++size) {
    for (size_t count : {0U, 1U, 3U, 4U, 6U, 9U}) {
      const std::vector<float> query = RandomFloats(size, static_cast<uint32_t>(size));
      const size_t stride = size + 3;
      std::vector<uint16_t> rows;
      for (float value : RandomFloats(stride * count, 7)) rows.push_back(FloatToFloat16(value));
      ExpectScores(query, rows, stride, count);
    }
  }
  for (size_t size : {128U, 768U, 1152U}) {
    const std::vector<float> query = RandomFloats(size, 8, 0.03F);
    std::vector<uint16_t> rows;
    for (float value : RandomFloats(size * 64, 9, 0.03F)) rows.push_back(FloatToFloat16(value));
    ExpectScores(query, rows, size, 64);
  }
}

TEST_P(SearchKernelTest, ScoresOfEveryFiniteHalf) {
  std::vector<uint16_t> halves;
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    if ((bits & 0x7C00U) != 0x7C00U) halves.push_back(static_cast<uint16_t>(bits));
  }
  // A query of one number multiplies; one of seventeen adds the last to the first.
  ExpectScores({1.0F}, halves, 1, halves.size());
  ExpectScores({1.2345678F}, halves, 1, halves.size());
  const std::vector<float> query = RandomFloats(17, 10);
  ExpectScores(query, halves, 11, (halves.size() - query.size()) / 11);
}

TEST_P(SearchKernelTest, ScoresOfNumbersThatVanish) {
  const float tiniest = std::numeric_limits<float>::denorm_min();
  for (size_t size : {1U, 9U, 16U, 17U, 24U, 31U}) {
    for (float value : {tiniest, -tiniest, 1e-40F, -1e-40F, 0.0F, -0.0F}) {
      for (uint16_t half : {0x0001, 0x8001, 0x3800, 0xB800, 0x0000, 0x8000}) {
        ExpectScores(std::vector(size, value), std::vector(size, half), size, 1);
      }
    }
  }
}

TEST_P(SearchKernelTest, ScoresAreNotHiddenByInfinity) {
  for (size_t place : {0U, 5U, 16U, 20U}) {
    for (uint16_t half : {0x7C00, 0xFC00, 0x7E00}) {
      std::vector<uint16_t> row(21, 0x3C00);
      row[place] = half;
      float score = 0;
      const std::vector<float> query(row.size(), 1.0F);
      kernels().dot_halves(query.data(), query.size(), row.data(), row.size(), 1, &score);
      EXPECT_FALSE(std::isfinite(score)) << place << " " << half;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllInstructionSets, SearchKernelTest, testing::ValuesIn(AllKernels()),
                         KernelsName);

}  // namespace
}  // namespace siglip
