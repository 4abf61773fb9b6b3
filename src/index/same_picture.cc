#include "index/same_picture.h"

#include <cstddef>

namespace siglip {
namespace {

constexpr size_t kRows = 8;
constexpr size_t kColumns = 9;
constexpr int kMostDifferent = 8;

}  // namespace

bool GreysAgree(std::span<const std::byte> a, std::span<const std::byte> b) {
  if (a.size() != kRows * kColumns || b.size() != a.size()) return false;
  int different = 0;
  for (size_t row = 0; row < kRows; ++row) {
    for (size_t column = 0; column + 1 < kColumns; ++column) {
      const size_t at = row * kColumns + column;
      different += (a[at] < a[at + 1]) != (b[at] < b[at + 1]);
    }
  }
  return different <= kMostDifferent;
}

}  // namespace siglip
