// The tile registers of AMX, by instructions.
//
// Included inside an anonymous namespace behind amx_tile.h. Inline assembly, since the intrinsics
// want a whole file compiled for AMX. Compilers know nothing of these registers and use none.

/// The registers of the CPU while an object lives. SoftwareTiles are the same without them.
class HardwareTiles {
 public:
  explicit HardwareTiles(const TileConfiguration& configuration) {
    asm volatile("ldtilecfg %0" : : "m"(configuration));
  }
  HardwareTiles(const HardwareTiles&) = delete;
  HardwareTiles& operator=(const HardwareTiles&) = delete;
  ~HardwareTiles() { asm volatile("tilerelease"); }

  template <int kIndex>
  void Zero(Register<kIndex>) {
    asm volatile("tilezero %%tmm%c0" : : "i"(kIndex));
  }
  /// Rows that stand `stride` bytes apart.
  template <int kIndex>
  void Load(Register<kIndex>, const void* rows, size_t stride) {
    asm volatile("tileloadd (%1,%2,1), %%tmm%c0"
                 :
                 : "i"(kIndex), "r"(rows), "r"(stride)
                 : "memory");
  }
  template <int kIndex>
  void Store(Register<kIndex>, void* rows, size_t stride) {
    asm volatile("tilestored %%tmm%c0, (%1,%2,1)"
                 :
                 : "i"(kIndex), "r"(rows), "r"(stride)
                 : "memory");
  }
  /// out[kRegisterSide] = the first `count` words, followed by zeros; no others are read. `out` is
  /// aligned.
  static void CopyRow(const uint32_t* in, size_t count, uint32_t* out) {
    _mm512_store_si512(out, _mm512_maskz_loadu_epi32((__mmask16)((1U << count) - 1U), in));
  }
  /// sums += left * panel, words of bfloat16 or, unsigned on the left and signed in the panel, of
  /// bytes.
  template <OperandType kType, int kSums, int kLeft, int kPanel>
  void Multiply(Register<kSums>, Register<kLeft>, Register<kPanel>) {
    if constexpr (kType == OperandType::kInt8) {
      asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSums), "i"(kLeft), "i"(kPanel));
    } else {
      asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0"
                   :
                   : "i"(kSums), "i"(kLeft), "i"(kPanel));
    }
  }
};
