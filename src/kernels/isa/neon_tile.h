// The tile of six rows by sixteen columns, which multiplies by lane: a register holds four words of
// a row, another four columns of one step of the panel.
//
// Included inside an anonymous namespace by the files compiled for 64-bit Arm. 24 accumulators, the
// words of six rows and two vectors of the panel fill all 32 registers. A compiler that moves a
// load has none left and puts accumulators on the stack, so that loads and products are
// instructions in a fixed order.

constexpr int kTileRows = 6;
constexpr int kPanelColumns = 16;
constexpr int kPanelVectors = kPanelColumns / 4;

using Register = uint32x4_t;
/// What a load reads: words, wherever they begin.
typedef Register MemoryVector __attribute__((aligned(4), may_alias));

inline void LoadInOrder(Register& out, const uint32_t* words) {
  asm volatile("ldr %q0, %1" : "=w"(out) : "m"(*(const MemoryVector*)words));
}

inline Register LoadSums(const void* c, size_t lane) {
  return vld1q_u32((const uint32_t*)c + lane);
}

inline void StoreSums(Register sums, void* c, size_t lane) { vst1q_u32((uint32_t*)c + lane, sums); }

/// What a tile begins with: c, or zeros.
template <int kRows>
[[gnu::always_inline]] inline void BeginSums(Register (&sums)[kRows][kPanelVectors],
                                             bool accumulate, const void* c, size_t c_stride) {
#pragma GCC unroll 8
  for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 4
    for (int j = 0; j < kPanelVectors; ++j) {
      sums[row][j] = accumulate ? LoadSums(c, row * c_stride + 4 * j) : vdupq_n_u32(0);
    }
  }
}

template <int kRows>
[[gnu::always_inline]] inline void StoreAllSums(const Register (&sums)[kRows][kPanelVectors],
                                                void* c, size_t c_stride) {
#pragma GCC unroll 8
  for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 4
    for (int j = 0; j < kPanelVectors; ++j) StoreSums(sums[row][j], c, row * c_stride + 4 * j);
  }
}

/// A number of rows as a type, for tiles are written for each of them.
template <int kCount>
struct Rows {
  static constexpr int kValue = kCount;
};

/// Calls call(Rows<rows>()), 1 <= rows <= kMost.
template <int kMost, class Call>
[[gnu::always_inline]] inline void WithRows(int rows, Call call) {
  if constexpr (kMost > 1) {
    if (rows < kMost) return WithRows<kMost - 1>(rows, call);
  }
  call(Rows<kMost>());
}

/// sums += panel * word `kLane` of `words`, of floats.
struct Float32Dot {
  static constexpr int kValuesPerWord = 1;
  template <int kLane>
  static void Add(Register& sums, Register panel, Register words) {
    asm volatile("fmla %0.4s, %1.4s, %2.s[%3]" : "+w"(sums) : "w"(panel), "w"(words), "i"(kLane));
  }
};

/// Step `kStep` of those whose words are in registers. `panel` is its first vector; each of the
/// others, and the first one of the next step, is loaded before the products with the one before.
template <class Dot, int kStep, bool kIsLast, int kRows>
[[gnu::always_inline]] inline void Step(Register (&sums)[kRows][kPanelVectors],
                                        Register (&panel)[2], const Register (&words)[kRows],
                                        const uint32_t* address) {
#pragma GCC unroll 4
  for (int j = 0; j < kPanelVectors; ++j) {
    if (!kIsLast || j + 1 < kPanelVectors) {
      LoadInOrder(panel[(j + 1) % 2], address + kStep * kPanelColumns + 4 * (j + 1));
    }
#pragma GCC unroll 8
    for (int row = 0; row < kRows; ++row) {
      Dot::template Add<kStep>(sums[row][j], panel[j % 2], words[row]);
    }
  }
}

template <class Dot, int kRows>
[[gnu::noinline]] void Tile(size_t depth, const uint32_t* a, size_t a_stride, const uint32_t* panel,
                            bool accumulate, void* c, size_t c_stride, const uint32_t* prefetch) {
  Register sums[kRows][kPanelVectors];
  const uint32_t* rows[kRows];
#pragma GCC unroll 8
  for (int row = 0; row < kRows; ++row) rows[row] = a + row * a_stride;
  BeginSums(sums, accumulate, c, c_stride);
  Register words[kRows];
  Register vectors[2];
  size_t k = 0;
  for (; k + 4 <= depth; k += 4, panel += 4 * kPanelColumns, prefetch += 4 * kPrefetchWords) {
    __builtin_prefetch(prefetch, 0, 2);  // into the L2 cache
    __builtin_prefetch(prefetch + 2 * kPrefetchWords, 0, 2);
#pragma GCC unroll 8
    for (int row = 0; row < kRows; ++row) {
      LoadInOrder(words[row], rows[row]);
      rows[row] += 4;
    }
    LoadInOrder(vectors[0], panel);
    Step<Dot, 0, false>(sums, vectors, words, panel);
    Step<Dot, 1, false>(sums, vectors, words, panel);
    Step<Dot, 2, false>(sums, vectors, words, panel);
    Step<Dot, 3, true>(sums, vectors, words, panel);
  }
  for (; k < depth; ++k, panel += kPanelColumns) {
#pragma GCC unroll 8
    for (int row = 0; row < kRows; ++row) words[row] = vdupq_n_u32(*rows[row]++);
    LoadInOrder(vectors[0], panel);
    Step<Dot, 0, true>(sums, vectors, words, panel);
  }
  StoreAllSums(sums, c, c_stride);
}

/// A GemmTile; all columns of a panel are computed, however many are wanted.
template <class Dot>
void GemmTileOf(int rows, int /*columns*/, size_t depth, const uint32_t* a, size_t a_stride,
                const uint32_t* panel, bool accumulate, void* c, size_t c_stride,
                const uint32_t* prefetch) {
  WithRows<kTileRows>(rows, [&](auto count) {
    Tile<Dot, decltype(count)::kValue>(depth, a, a_stride, panel, accumulate, c, c_stride,
                                       prefetch);
  });
}

/// Products in enough independent accumulators to hide their latency; see Kernels::peak.
template <class Dot>
double PeakOf(int64_t rounds) {
  constexpr int kChains = 24;
  Register sums[kChains];
#pragma GCC unroll 32
  for (int i = 0; i < kChains; ++i) sums[i] = vdupq_n_u32(0);
  const Register operand = vdupq_n_u32(0);
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 32
    for (int i = 0; i < kChains; ++i) Dot::template Add<0>(sums[i], operand, operand);
  }
#pragma GCC unroll 32
  for (int i = 0; i < kChains; ++i) asm volatile("" : : "w"(sums[i]));
  return 2.0 * 4 * Dot::kValuesPerWord * kChains * (double)rounds;
}
