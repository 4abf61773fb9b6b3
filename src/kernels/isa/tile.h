// The GEMM tile, written once over the type of dot product and compiled for each instruction set.
//
// Included inside an anonymous namespace, as elementwise.h is. A Dot provides kLanes, the types Sum
// (a vector of accumulators), Value (a word of `a` in every lane) and Panel (kLanes words), and
// Zero, Broadcast, Load, Add(sum, value, panel), LoadSum(c, index of the first lane) and
// Store(sum, c, index of the first lane).

/// The words of `a` that one step takes, one of each row, reached from every fifth row by multiples
/// of the stride that an address can hold. A pointer for each row would not fit into the general
/// registers, and reading them back from the stack in every step costs 4 % (measured on Zen 4).
template <int kRows>
class RowWords {
 public:
  RowWords(const uint32_t* a, size_t stride)
      : stride_(sizeof(uint32_t) * stride), triple_(3 * stride_) {
#pragma GCC unroll 4
    for (int i = 0; i < kBases; ++i) bases_[i] = (const char*)(a + 5 * i * stride);
  }

  /// Keeps the compiler from making a pointer for each row after all.
  void Hold() {
#pragma GCC unroll 4
    for (int i = 0; i < kBases; ++i) asm("" : "+r"(bases_[i]));
    asm("" : "+r"(stride_), "+r"(triple_));
  }

  const uint32_t* operator[](int row) const {
    const char* const base = bases_[row / 5];
    const int steps = row % 5;
    return (const uint32_t*)(steps == 3 ? base + triple_ : base + steps * stride_);
  }

  void Advance() {
#pragma GCC unroll 4
    for (int i = 0; i < kBases; ++i) bases_[i] += sizeof(uint32_t);
  }

 private:
  static constexpr int kBases = (kRows + 4) / 5;
  const char* bases_[kBases];
  size_t stride_;  // in bytes
  size_t triple_;
};

template <class Dot, int kRows, int kVectors, int kPanelColumns>
[[gnu::noinline]] void Tile(size_t depth, const uint32_t* a, size_t a_stride, const uint32_t* panel,
                            bool accumulate, void* c, size_t c_stride, const uint32_t* prefetch) {
  typename Dot::Sum sums[kRows][kVectors];
#pragma GCC unroll 16
  for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) {
      sums[row][j] = accumulate ? Dot::LoadSum(c, row * c_stride + j * Dot::kLanes) : Dot::Zero();
    }
  }
  RowWords<kRows> words(a, a_stride);
  for (size_t k = 0; k < depth; ++k, panel += kPanelColumns, prefetch += kPrefetchWords) {
    words.Hold();
    __builtin_prefetch(prefetch, 0, 2);  // into the L2 cache
    typename Dot::Panel b[kVectors];
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) b[j] = Dot::Load(panel + j * Dot::kLanes);
#pragma GCC unroll 16
    for (int row = 0; row < kRows; ++row) {
      const typename Dot::Value value = Dot::Broadcast(words[row]);
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) Dot::Add(sums[row][j], value, b[j]);
    }
    words.Advance();
  }
#pragma GCC unroll 16
  for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) {
      Dot::Store(sums[row][j], c, row * c_stride + j * Dot::kLanes);
    }
  }
}

/// The tile of `rows` rows, at most kMostRows.
template <class Dot, int kMostRows, int kVectors, int kPanelColumns>
void TileOfRows(int rows, size_t depth, const uint32_t* a, size_t a_stride, const uint32_t* panel,
                bool accumulate, void* c, size_t c_stride, const uint32_t* prefetch) {
  if constexpr (kMostRows > 1) {
    if (rows < kMostRows) {
      return TileOfRows<Dot, kMostRows - 1, kVectors, kPanelColumns>(
          rows, depth, a, a_stride, panel, accumulate, c, c_stride, prefetch);
    }
  }
  Tile<Dot, kMostRows, kVectors, kPanelColumns>(depth, a, a_stride, panel, accumulate, c, c_stride,
                                                prefetch);
}

/// A WideningTile. The conversion and its stores hide behind the products. V is the Vector of
/// floats.
template <class Dot, class V, int kRows, int kVectors, int kPanelColumns>
[[gnu::noinline]] void TileThatWidens(size_t words, const uint32_t* a, size_t a_stride,
                                      const uint32_t* panel, bool accumulate, float* c,
                                      size_t c_stride, float* widened) {
  typename Dot::Sum sums[kRows][kVectors];
#pragma GCC unroll 16
  for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) {
      sums[row][j] = accumulate ? Dot::LoadSum(c, row * c_stride + j * Dot::kLanes) : Dot::Zero();
    }
  }
  RowWords<kRows> floats(a, a_stride);
  for (size_t k = 0; k < words; ++k, panel += kPanelColumns) {
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half, widened += kPanelColumns) {
      floats.Hold();
      typename Dot::Panel b[kVectors];
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) {
        const uint32_t* const pairs = panel + j * Dot::kLanes;
        const V values = half == 0 ? V::LowHalves(pairs) : V::HighHalves(pairs);
        values.Store(widened + j * Dot::kLanes);
        b[j] = values.v;
      }
#pragma GCC unroll 16
      for (int row = 0; row < kRows; ++row) {
        const typename Dot::Value value = Dot::Broadcast(floats[row]);
#pragma GCC unroll 4
        for (int j = 0; j < kVectors; ++j) {
          Dot::Add(sums[row][j], value, b[j]);
          // Compilers would otherwise work on both halves at once and run out of registers.
          asm volatile("" : "+v"(sums[row][j]));
        }
      }
      floats.Advance();
    }
  }
#pragma GCC unroll 16
  for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) {
      Dot::Store(sums[row][j], c, row * c_stride + j * Dot::kLanes);
    }
  }
}

template <class Dot, class V, int kMostTileRows, int kPanelColumns>
void WideningTileOf(int rows, size_t words, const uint32_t* a, size_t a_stride,
                    const uint32_t* panel, bool accumulate, float* c, size_t c_stride,
                    float* widened) {
  if constexpr (kMostTileRows > 1) {
    if (rows < kMostTileRows) {
      return WideningTileOf<Dot, V, kMostTileRows - 1, kPanelColumns>(
          rows, words, a, a_stride, panel, accumulate, c, c_stride, widened);
    }
  }
  TileThatWidens<Dot, V, kMostTileRows, kPanelColumns / Dot::kLanes, kPanelColumns>(
      words, a, a_stride, panel, accumulate, c, c_stride, widened);
}

/// A GemmTile. Where only part of the panel is wanted, whole vectors of it are left out, but for
/// what makes up kVectorFloats columns. `kRowsAtOnce` bounds the registers taken: a Dot that needs
/// more of them per product walks the panel once for the upper and once for the lower rows.
template <class Dot, int kRowsAtOnce, int kPanelColumns>
void GemmTileOf(int rows, int columns, size_t depth, const uint32_t* a, size_t a_stride,
                const uint32_t* panel, bool accumulate, void* c, size_t c_stride,
                const uint32_t* prefetch) {
  constexpr int kVectors = kPanelColumns / Dot::kLanes;
  constexpr int kFewVectors = (int)kVectorFloats / Dot::kLanes;
  for (; rows > 0; rows -= kRowsAtOnce) {
    const int count = rows < kRowsAtOnce ? rows : kRowsAtOnce;
    if (columns > (int)kVectorFloats) {
      TileOfRows<Dot, kRowsAtOnce, kVectors, kPanelColumns>(count, depth, a, a_stride, panel,
                                                            accumulate, c, c_stride, prefetch);
    } else {
      TileOfRows<Dot, kRowsAtOnce, kFewVectors, kPanelColumns>(count, depth, a, a_stride, panel,
                                                               accumulate, c, c_stride, prefetch);
    }
    a += kRowsAtOnce * a_stride;
    c = (float*)c + kRowsAtOnce * c_stride;
  }
}

/// Keeps the compiler from knowing a value. A Value that is no vector has an overload of its own.
template <class Value>
inline void Hide(Value& value) {
  asm volatile("" : "+v"(value));
}

/// Products in kChains independent accumulators, enough to hide the latency; see Kernels::peak.
template <class Dot, int kChains>
double PeakOf(int64_t rounds) {
  // The compiler must not know that all chains compute the same, nor that all rounds do.
  uint32_t words[kChains][Dot::kLanes] = {};
  asm volatile("" : "+m"(words));
  typename Dot::Value a = Dot::Broadcast(words[0]);
  const typename Dot::Panel b = Dot::Load(words[0]);
  typename Dot::Sum sums[kChains];
#pragma GCC unroll 32
  for (int i = 0; i < kChains; ++i) {
    sums[i] = Dot::Zero();
    Dot::Add(sums[i], a, Dot::Load(words[i]));
  }
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 32
    for (int i = 0; i < kChains; ++i) {
      Hide(a);
      Dot::Add(sums[i], a, b);
    }
  }
#pragma GCC unroll 32
  for (int i = 0; i < kChains; ++i) Dot::Store(sums[i], words[i], 0);
  asm volatile("" : : "m"(words));
  return 2.0 * Dot::kLanes * Dot::kValuesPerWord * kChains * (double)rounds;
}
