// The tiles themselves: every height, depths with all remainders, sums that go on, operands that
// lie anywhere. What is expected is computed word by word.
#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <new>
#include <random>
#include <span>
#include <vector>

#include "kernels/kernel_test_support.h"
#include "kernels/panel_layout.h"

namespace siglip {
namespace {

/// Words of no vector's alignment.
constexpr size_t kMisalignment = 1;
constexpr size_t kRowWords = 211;  // stride of the left side
constexpr size_t kSumStride = 48;

/// Words whose last one is followed by memory that cannot be read.
class GuardedWords {
 public:
  explicit GuardedWords(size_t count) : page_(static_cast<size_t>(::sysconf(_SC_PAGESIZE))) {
    bytes_ = (count * sizeof(uint32_t) + page_ - 1) / page_ * page_;
    mapping_ =
        ::mmap(nullptr, bytes_ + page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping_ == MAP_FAILED ||
        ::mprotect(static_cast<char*>(mapping_) + bytes_, page_, PROT_NONE) != 0) {
      throw std::bad_alloc();
    }
    words_ = static_cast<uint32_t*>(mapping_) + bytes_ / sizeof(uint32_t) - count;
  }
  GuardedWords(const GuardedWords&) = delete;
  GuardedWords& operator=(const GuardedWords&) = delete;
  ~GuardedWords() { ::munmap(mapping_, bytes_ + page_); }

  uint32_t* data() const { return words_; }

 private:
  size_t page_;
  size_t bytes_;
  void* mapping_;
  uint32_t* words_;
};

/// With all rests of the steps that tiles take at once.
constexpr size_t kDepths[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 131, 200};

class TileTest : public KernelTest {
 protected:
  /// `word` makes the words of both sides, `start` what the sums begin with. Calls
  /// check(a, panel, begin, found) with the words of a row, those of a column, and both sums.
  template <class Word, class Start, class Check>
  void ForEachSum(OperandType type, Word word, Start start, Check check) {
    const GemmTile tile = kernels().gemm_tile[static_cast<int>(type)];
    if (tile == nullptr) GTEST_SKIP() << "no such product";
    const PanelLayout layout = LayoutOf(kernels(), type);
    const auto width = static_cast<size_t>(layout.columns);
    const auto rows = static_cast<size_t>(kernels().tile_rows[static_cast<int>(type)]);
    for (const size_t depth : kDepths) {
      std::vector<uint32_t> a(rows * kRowWords + kMisalignment);
      const auto panel_words = static_cast<size_t>(layout.Size(static_cast<int64_t>(depth)));
      std::vector<uint32_t> panel(panel_words + kMisalignment);
      std::vector<uint32_t> begin(rows * kSumStride);
      for (uint32_t& one : a) one = word();
      for (uint32_t& one : panel) one = word();
      for (uint32_t& one : begin) one = start();
      std::vector<std::vector<uint32_t>> columns(width);
      for (size_t column = 0; column < width; ++column) {
        for (size_t k = 0; k < depth; ++k) {
          const int64_t offset =
              layout.Offset(static_cast<int64_t>(k), static_cast<int64_t>(column));
          columns[column].push_back(panel[kMisalignment + static_cast<size_t>(offset)]);
        }
      }
      for (size_t height = 1; height <= rows; ++height) {
        for (const bool accumulate : {false, true}) {
          std::vector<uint32_t> sums = begin;
          tile(static_cast<int>(height), static_cast<int>(width), depth, &a[kMisalignment],
               kRowWords, &panel[kMisalignment], accumulate, sums.data(), kSumStride, panel.data());
          for (size_t row = 0; row < height; ++row) {
            const std::span left(&a[kMisalignment + row * kRowWords], depth);
            for (size_t column = 0; column < width; ++column) {
              const size_t at = row * kSumStride + column;
              check(left, columns[column], accumulate ? begin[at] : 0, sums[at]);
              if (HasFailure()) {
                FAIL() << height << " rows, " << depth << " deep, at " << row << ", " << column;
              }
            }
          }
          // Rows that are not wanted keep what they had.
          if (height < rows) {
            ASSERT_EQ(sums[height * kSumStride], begin[height * kSumStride]);
          }
        }
      }
    }
  }

  uint32_t RandomFloatWord() {
    return std::bit_cast<uint32_t>(std::uniform_real_distribution<float>(-2, 2)(random_));
  }
  uint32_t RandomWord() { return static_cast<uint32_t>(random_()); }
  uint32_t RandomBFloat16Word() {
    return (RandomFloatWord() & 0xFFFF0000U) | RandomFloatWord() >> 16U;
  }

 private:
  std::mt19937 random_{7};
};

TEST_P(TileTest, FloatsAreOneChainOfFusedAdditions) {
  const bool is_fused = GetParam().name != "generic";  // which multiplies, then adds
  ForEachSum(
      OperandType::kFloat32, [&] { return RandomFloatWord(); }, [&] { return RandomFloatWord(); },
      [&](const auto& a, const auto& panel, uint32_t begin, uint32_t found) {
        float sum = std::bit_cast<float>(begin);
        for (size_t k = 0; k < a.size(); ++k) {
          const auto x = std::bit_cast<float>(a[k]);
          const auto y = std::bit_cast<float>(panel[k]);
          sum = is_fused ? std::fma(x, y, sum) : sum + x * y;
        }
        EXPECT_EQ(found, std::bit_cast<uint32_t>(sum));
      });
}

TEST_P(TileTest, BytesOfAllValuesAreExact) {
  const bool is_signed = kernels().byte_offset == 0;
  ForEachSum(
      OperandType::kInt8, [&] { return RandomWord(); }, [&] { return RandomWord() >> 8U; },
      [&](const auto& a, const auto& panel, uint32_t begin, uint32_t found) {
        int64_t sum = begin;
        for (size_t k = 0; k < a.size(); ++k) {
          for (int shift = 0; shift < 32; shift += 8) {
            const auto x = static_cast<uint8_t>(a[k] >> shift);
            sum += (is_signed ? static_cast<int8_t>(x) : int{x}) *
                   static_cast<int8_t>(panel[k] >> shift);
          }
        }
        EXPECT_EQ(found, static_cast<uint32_t>(sum));
      });
}

TEST_P(TileTest, LargestBytesAreExact) {
  ForEachSum(
      OperandType::kInt8, [&] { return 0x80808080U; }, [&] { return 0U; },
      [&](const auto& a, const auto& /*panel*/, uint32_t /*begin*/, uint32_t found) {
        const int x = kernels().byte_offset == 0 ? -128 : 128;
        EXPECT_EQ(static_cast<int32_t>(found), static_cast<int>(a.size()) * 4 * x * -128);
      });
}

TEST_P(TileTest, BFloat16IsCloseToTheSumInDouble) {
  ForEachSum(
      OperandType::kBFloat16, [&] { return RandomBFloat16Word(); },
      [&] { return RandomFloatWord(); },
      [&](const auto& a, const auto& panel, uint32_t begin, uint32_t found) {
        double sum = std::bit_cast<float>(begin);
        double size = std::abs(sum);
        for (size_t k = 0; k < a.size(); ++k) {
          for (const uint32_t shift : {16U, 0U}) {
            const double product =
                static_cast<double>(std::bit_cast<float>(a[k] << shift & 0xFFFF0000U)) *
                static_cast<double>(std::bit_cast<float>(panel[k] << shift & 0xFFFF0000U));
            sum += product;
            size += std::abs(product);
          }
        }
        EXPECT_NEAR(std::bit_cast<float>(found), sum, 1e-5 * size);
      });
}

TEST_P(TileTest, ReadsNothingBehindItsOperands) {
  for (const OperandType type :
       {OperandType::kFloat32, OperandType::kBFloat16, OperandType::kInt8}) {
    const GemmTile tile = kernels().gemm_tile[static_cast<int>(type)];
    if (tile == nullptr) continue;
    const PanelLayout layout = LayoutOf(kernels(), type);
    const int rows = kernels().tile_rows[static_cast<int>(type)];
    for (const size_t depth : kDepths) {
      const GuardedWords panel(static_cast<size_t>(layout.Size(static_cast<int64_t>(depth))));
      for (int height = 1; height <= rows; ++height) {
        const GuardedWords a(static_cast<size_t>(height) * depth);
        const GuardedWords sums(static_cast<size_t>(height * layout.columns));
        tile(height, static_cast<int>(layout.columns), depth, a.data(), depth, panel.data(), true,
             sums.data(), static_cast<size_t>(layout.columns), panel.data());
      }
    }
  }
}

TEST_P(TileTest, WideningIsTheChainOverBothHalves) {
  if (kernels().widening_tile == nullptr) GTEST_SKIP() << "no such tile";
  const auto width = static_cast<size_t>(kernels().panel_columns);
  const int most = kernels().tile_rows[static_cast<int>(OperandType::kFloat32)];
  for (int height = 1; height <= most; ++height) {
    for (const size_t words : {1U, 2U, 3U, 4U, 31U, 64U}) {
      for (const bool accumulate : {false, true}) {
        std::vector<uint32_t> a(static_cast<size_t>(height) * kRowWords + kMisalignment);
        std::vector<uint32_t> panel(words * width + kMisalignment);
        std::vector<float> sums(static_cast<size_t>(height) * kSumStride);
        for (uint32_t& word : a) word = RandomFloatWord();
        for (uint32_t& word : panel) word = RandomBFloat16Word();
        for (float& sum : sums) sum = std::bit_cast<float>(RandomFloatWord());
        const std::vector<float> begin = sums;
        std::vector<float> widened(2 * words * width);
        kernels().widening_tile(height, words, &a[kMisalignment], kRowWords, &panel[kMisalignment],
                                accumulate, sums.data(), kSumStride, widened.data());
        for (size_t row = 0; row < static_cast<size_t>(height); ++row) {
          for (size_t column = 0; column < width; ++column) {
            float sum = accumulate ? begin[row * kSumStride + column] : 0.0F;
            for (size_t k = 0; k < 2 * words; ++k) {
              const uint32_t pair = panel[kMisalignment + k / 2 * width + column];
              const auto weight =
                  std::bit_cast<float>(k % 2 == 0 ? pair << 16U : pair & 0xFFFF0000U);
              ASSERT_EQ(widened[k * width + column], weight);
              sum = std::fma(std::bit_cast<float>(a[kMisalignment + row * kRowWords + k]), weight,
                             sum);
            }
            ASSERT_EQ(sums[row * kSumStride + column], sum)
                << height << " rows, " << words << " words, at " << row << ", " << column;
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllInstructionSets, TileTest, testing::ValuesIn(AllKernels()),
                         KernelsName);

}  // namespace
}  // namespace siglip
