// Dot products of one query with many rows, written once and compiled for each instruction set.
//
// Included inside an anonymous namespace, as elementwise.h is. Four rows are taken at once: their
// accumulators hide each other's latency, and their lanes are added together in the end.

/// Rows multiplied at once.
constexpr size_t kQueriedRows = 4;
/// How far ahead rows are fetched, in groups of kQueriedRows. Without that, rows of halves come a
/// fifth slower from memory; one to four groups are alike (measured on Sapphire Rapids).
constexpr size_t kGroupsAhead = 2;
constexpr size_t kLineBytes = 64;

/// Kernels::dot_bytes. A Dot provides kWidth, which divides kLineBytes, the types Sum (a vector of
/// int32 lanes) and Query (kWidth bytes of the query), and Zero, Load, Add(sum, query, bytes of a
/// row), Offset(query, size) and Store(kQueriedRows sums, out): out[row] = sum of all lanes. What
/// Add sums may be larger than the products by Offset.
template <class Dot>
void DotBytesOf(const int8_t* query, size_t size, const int8_t* rows, size_t stride, size_t count,
                int32_t* sums) {
  const int32_t offset = Dot::Offset(query, size);
  for (size_t begin = 0; begin < count; begin += kQueriedRows) {
    const int8_t* row[kQueriedRows];
    typename Dot::Sum sum[kQueriedRows];
#pragma GCC unroll 4
    for (size_t i = 0; i < kQueriedRows; ++i) {
      // Missing rows of the last group are the last row again.
      row[i] = rows + (begin + i < count ? begin + i : count - 1) * stride;
      sum[i] = Dot::Zero();
    }
    const int8_t* const ahead = row[0] + kGroupsAhead * kQueriedRows * stride;
    for (size_t line = 0; line < size; line += kLineBytes) {
#pragma GCC unroll 4
      for (size_t i = 0; i < kQueriedRows; ++i) {
        __builtin_prefetch(ahead + i * stride + line, 0, 3);
      }
#pragma GCC unroll 2
      for (size_t k = line; k < line + kLineBytes; k += Dot::kWidth) {
        const typename Dot::Query q = Dot::Load(query + k);
#pragma GCC unroll 4
        for (size_t i = 0; i < kQueriedRows; ++i) Dot::Add(sum[i], q, row[i] + k);
      }
    }
    // What lies behind the bytes of a row will be read, too.
    for (size_t line = size; line < stride; line += kLineBytes) {
      for (size_t i = 0; i < kQueriedRows; ++i) {
        __builtin_prefetch(ahead + i * stride + line, 0, 3);
      }
    }
    int32_t totals[kQueriedRows];
    Dot::Store(sum, totals);
    for (size_t i = 0; i < kQueriedRows && begin + i < count; ++i) {
      sums[begin + i] = (int32_t)((uint32_t)totals[i] - (uint32_t)offset);
    }
  }
}

/// Kernels::dot_halves. A Dot provides the types Sums (the kPartialSums sums of one row) and Query
/// (as many floats of the query), and Zero, Load, Add(sums, query, halves), KeepFirst(sums, n,
/// others), which takes all but the first n of `others`, and Total, the fixed tree of additions.
template <class Dot>
void DotHalvesOf(const float* query, size_t size, const uint16_t* rows, size_t stride, size_t count,
                 float* scores) {
  const size_t whole = size / kPartialSums * kPartialSums;
  const size_t rest = size - whole;
  float last_query[kPartialSums] = {};
  for (size_t i = 0; i < rest; ++i) last_query[i] = query[whole + i];
  for (size_t begin = 0; begin < count; begin += kQueriedRows) {
    const uint16_t* row[kQueriedRows];
    typename Dot::Sums sums[kQueriedRows];
#pragma GCC unroll 4
    for (size_t i = 0; i < kQueriedRows; ++i) {
      row[i] = rows + (begin + i < count ? begin + i : count - 1) * stride;
      sums[i] = Dot::Zero();
    }
    const uint16_t* const ahead = row[0] + kGroupsAhead * kQueriedRows * stride;
    for (size_t k = 0; k < whole; k += kPartialSums) {
      const typename Dot::Query q = Dot::Load(query + k);
#pragma GCC unroll 4
      for (size_t i = 0; i < kQueriedRows; ++i) {
        __builtin_prefetch(ahead + i * stride + k, 0, 3);
        Dot::Add(sums[i], q, row[i] + k);
      }
    }
    for (size_t i = 0; i < kQueriedRows && begin + i < count; ++i) {
      if (rest != 0) {
        uint16_t last[kPartialSums] = {};
        for (size_t j = 0; j < rest; ++j) last[j] = row[i][whole + j];
        // A product of zeros is not added: it would make -0 of a sum a +0.
        const typename Dot::Sums others = sums[i];
        Dot::Add(sums[i], Dot::Load(last_query), last);
        sums[i] = Dot::KeepFirst(sums[i], rest, others);
      }
      scores[begin + i] = Dot::Total(sums[i]);
    }
  }
}
