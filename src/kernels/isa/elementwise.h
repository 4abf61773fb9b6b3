// Element-wise kernels, written once over a vector type V and compiled for each instruction set.
//
// Included inside an anonymous namespace by each file of this folder, so that no copy compiled for
// one instruction set is ever linked into another. V provides kWidth, Set, Load, LoadPartial,
// Store, StorePartial, + - *, Divide (to about 1 ulp), MultiplyAdd(a, b, c) = a * b + c, Max, Min,
// Abs, Round (to nearest even), TimesPower2(a, n) = a * 2^n for whole n in [-126, 127],
// SelectNegative(x, a, b) = x < 0 ? a : b, Sum and Maximum across lanes in a fixed order,
// LargerMagnitude(a, b) by the bits of |a| and |b|, LargestMagnitude across lanes, KeepFirst (the
// other lanes become a given value), StoreBytes and ScaleToBytes (of values in [-127, 127], rounded
// to nearest even, plus kByteOffset, which is 128 or 0), StoreBFloat16, LowHalves and
// HighHalves (of words that are pairs of bfloat16) and TransposeBlock (of kWidth by kWidth words).

/// 2^x to about 1 ulp for x in [-126, 127]; beyond that x is clamped.
template <class V>
inline V Exp2(V x) {
  // The constant stands first: Max and Min return their second operand where one is NaN.
  x = V::Min(V::Set(127.0F), V::Max(V::Set(-126.0F), x));
  const V n = V::Round(x);
  const V f = x - n;
  // Polynomial of least relative error on [-0.5, 0.5], 2e-9 before its coefficients are rounded.
  V p = V::Set(1.534581097e-4F);
  p = V::MultiplyAdd(p, f, V::Set(1.339993090e-3F));
  p = V::MultiplyAdd(p, f, V::Set(9.618489072e-3F));
  p = V::MultiplyAdd(p, f, V::Set(5.550328642e-2F));
  p = V::MultiplyAdd(p, f, V::Set(2.402264625e-1F));
  p = V::MultiplyAdd(p, f, V::Set(6.931471825e-1F));
  p = V::MultiplyAdd(p, f, V::Set(1.0F));
  return V::TimesPower2(p, n);
}

constexpr float kLog2E = 1.44269504F;

/// erfc(z) for z >= 0: t exp(P(t) - z^2) with t = 1 / (1 + z / 2), P by Chebyshev interpolation,
/// relative error 4e-8 before rounding.
template <class V>
inline V ComplementaryErrorFunction(V z) {
  const V t = V::Divide(V::Set(1.0F), V::MultiplyAdd(z, V::Set(0.5F), V::Set(1.0F)));
  V p = V::Set(0.138559336F);
  p = V::MultiplyAdd(p, t, V::Set(-0.645911329F));
  p = V::MultiplyAdd(p, t, V::Set(1.07399129F));
  p = V::MultiplyAdd(p, t, V::Set(-0.585266877F));
  p = V::MultiplyAdd(p, t, V::Set(-0.172871491F));
  p = V::MultiplyAdd(p, t, V::Set(0.0509365617F));
  p = V::MultiplyAdd(p, t, V::Set(0.017526168F));
  p = V::MultiplyAdd(p, t, V::Set(0.390257164F));
  p = V::MultiplyAdd(p, t, V::Set(0.998205876F));
  p = V::MultiplyAdd(p, t, V::Set(-1.26542665F));
  return t * Exp2((p - z * z) * V::Set(kLog2E));
}

// Each activation is a type, so that the loop over elements holds no branch.

/// 0.5 x (1 + tanh(u)) = x / (1 + exp(-2 u)), u = sqrt(2 / pi) (x + 0.044715 x^3); the exponent is
/// x (a + b x^2) in base 2.
struct GeluTanh {
  template <class V>
  static V Apply(V x) {
    constexpr float kA = -2.30220820F;  // -2 sqrt(2 / pi) log2(e)
    constexpr float kB = kA * 0.044715F;
    const V exponent = x * V::MultiplyAdd(x * x, V::Set(kB), V::Set(kA));
    return V::Divide(x, V::Set(1.0F) + Exp2(exponent));
  }
};

/// 0.5 x (1 + erf(x / sqrt(2))), written with erfc so that the tails keep their precision.
struct GeluErf {
  template <class V>
  static V Apply(V x) {
    const V tail = ComplementaryErrorFunction(V::Abs(x) * V::Set(0.70710678F));
    return V::Set(0.5F) * x * V::SelectNegative(x, tail, V::Set(2.0F) - tail);
  }
};

/// x sigmoid(1.702 x)
struct QuickGelu {
  template <class V>
  static V Apply(V x) {
    return V::Divide(x, V::Set(1.0F) + Exp2(x * V::Set(-1.702F * kLog2E)));
  }
};

struct Relu {
  template <class V>
  static V Apply(V x) {
    return V::Max(x, V::Set(0.0F));
  }
};

/// x sigmoid(x)
struct Silu {
  template <class V>
  static V Apply(V x) {
    return V::Divide(x, V::Set(1.0F) + Exp2(x * V::Set(-kLog2E)));
  }
};

/// Calls take(row, column, values) for every vector of a tile.
template <class V, class Take>
inline void ForEachVector(const TileSums& tile, Take take) {
  if (tile.row_scales == nullptr) {
    for (int row = 0; row < tile.rows; ++row) {
      const float* sums = (const float*)tile.sums + row * tile.stride;
      for (size_t i = 0; i < tile.columns; i += V::kWidth) {
        take(row, i, V::Load(sums + i) + V::Load(tile.bias + i));
      }
    }
    return;
  }
  for (int row = 0; row < tile.rows; ++row) {
    const int32_t* sums = (const int32_t*)tile.sums + row * tile.stride;
    const V row_scale = V::Set(tile.row_scales[row]);
    for (size_t i = 0; i < tile.columns; i += V::kWidth) {
      const V sum = V::Difference(sums + i, tile.corrections + i);
      take(
          row, i,
          V::MultiplyAdd(sum, row_scale * V::Load(tile.column_scales + i), V::Load(tile.bias + i)));
    }
  }
}

template <class V>
void Bias(const TileSums& tile, float* out, size_t out_stride) {
  ForEachVector<V>(tile, [&](int row, size_t i, V x) { x.Store(out + row * out_stride + i); });
}

template <class V>
void BiasBFloat16(const TileSums& tile, uint16_t* out, size_t out_stride) {
  ForEachVector<V>(tile,
                   [&](int row, size_t i, V x) { x.StoreBFloat16(out + row * out_stride + i); });
}

/// Calls run(function) with the activation's type.
template <class Run>
inline void WithActivation(Activation activation, Run run) {
  switch (activation) {
    case Activation::kGeluTanh: return run(GeluTanh());
    case Activation::kGeluErf: return run(GeluErf());
    case Activation::kQuickGelu: return run(QuickGelu());
    case Activation::kRelu: return run(Relu());
    case Activation::kSilu: return run(Silu());
  }
}

template <class V>
void BiasActivation(Activation activation, const TileSums& tile, float* out, size_t out_stride) {
  WithActivation(activation, [&](auto function) {
    ForEachVector<V>(
        tile, [&](int row, size_t i, V x) { function.Apply(x).Store(out + row * out_stride + i); });
  });
}

template <class V>
void BiasActivationBFloat16(Activation activation, const TileSums& tile, uint16_t* out,
                            size_t out_stride) {
  WithActivation(activation, [&](auto function) {
    ForEachVector<V>(tile, [&](int row, size_t i, V x) {
      function.Apply(x).StoreBFloat16(out + row * out_stride + i);
    });
  });
}

template <class V>
void BiasResidual(const TileSums& tile, const float* residual, size_t residual_stride, float* out,
                  size_t out_stride) {
  ForEachVector<V>(tile, [&](int row, size_t i, V x) {
    (x + V::Load(residual + row * residual_stride + i)).Store(out + row * out_stride + i);
  });
}

/// The sum of term(values, count) over the vectors of a row; `count` of the last one may be less
/// than its width. Four sums hide the latency of the addition.
template <class V, class Term>
inline float SumOverRow(size_t columns, const float* in, Term term) {
  V sums[4] = {V::Set(0.0F), V::Set(0.0F), V::Set(0.0F), V::Set(0.0F)};
  const size_t whole = columns / V::kWidth * V::kWidth;
  size_t i = 0;
  for (; i + 4 * V::kWidth <= whole; i += 4 * V::kWidth) {
    for (size_t j = 0; j < 4; ++j) {
      sums[j] = term(sums[j], V::Load(in + i + j * V::kWidth), V::kWidth);
    }
  }
  for (; i < whole; i += V::kWidth) sums[0] = term(sums[0], V::Load(in + i), V::kWidth);
  if (i != columns) sums[1] = term(sums[1], V::LoadPartial(in + i, columns - i), columns - i);
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])).Sum();
}

template <class V>
void LayerNormRow(size_t columns, const float* in, const float* gain, const float* bias,
                  float epsilon, float* out) {
  const size_t whole = columns / V::kWidth * V::kWidth;
  const size_t rest = columns - whole;
  const float count = (float)columns;
  // Two passes, as the distance from the mean squared is far more exact than E[x^2] - E[x]^2.
  const float mean = SumOverRow<V>(columns, in, [](V sum, V x, size_t) { return sum + x; }) / count;
  const V mean_vector = V::Set(mean);
  const float squares = SumOverRow<V>(columns, in, [&](V sum, V x, size_t n) {
    const V distance = V::KeepFirst(x - mean_vector, n, 0.0F);
    return V::MultiplyAdd(distance, distance, sum);
  });
  const V factor = V::Set(1.0F / V::SquareRoot(squares / count + epsilon));
  for (size_t i = 0; i < whole; i += V::kWidth) {
    const V normalized = (V::Load(in + i) - mean_vector) * factor;
    V::MultiplyAdd(normalized, V::Load(gain + i), V::Load(bias + i)).Store(out + i);
  }
  if (rest != 0) {
    const V normalized = (V::LoadPartial(in + whole, rest) - mean_vector) * factor;
    V::MultiplyAdd(normalized, V::LoadPartial(gain + whole, rest),
                   V::LoadPartial(bias + whole, rest))
        .StorePartial(out + whole, rest);
  }
}

template <class V>
inline float MaximumOfRow(size_t count, const float* values) {
  V largest[2] = {V::Set(values[0]), V::Set(values[0])};
  size_t i = 0;
  for (; i + 2 * V::kWidth <= count; i += 2 * V::kWidth) {
    largest[0] = V::Max(largest[0], V::Load(values + i));
    largest[1] = V::Max(largest[1], V::Load(values + i + V::kWidth));
  }
  for (; i < count; i += V::kWidth) {
    const size_t n = count - i < V::kWidth ? count - i : V::kWidth;
    largest[0] = V::Max(largest[0], V::KeepFirst(V::LoadPartial(values + i, n), n, values[0]));
  }
  return V::Max(largest[0], largest[1]).Maximum();
}

/// Calls take(row, index, exponentials) for every vector; what lies beyond a row is zero.
template <class V, class Take>
inline void ForEachExponential(int rows, size_t count, float scale, float* values, size_t stride,
                               float* sums, Take take) {
  // All maxima first: the exponentials of one row then need not wait for the maximum of the next.
  float maxima[kMostRows];
  for (int row = 0; row < rows; ++row) maxima[row] = MaximumOfRow<V>(count, values + row * stride);
  // exp((x - maximum) * scale) = 2^((x - maximum) * factor)
  const V factor = V::Set(scale * kLog2E);
  const size_t whole = count / V::kWidth * V::kWidth;
  const size_t rest = count - whole;
  for (int row = 0; row < rows; ++row, values += stride) {
    const V shift = V::Set(maxima[row]);
    V sum = V::Set(0.0F);
    for (size_t i = 0; i < whole; i += V::kWidth) {
      const V exponential = Exp2((V::Load(values + i) - shift) * factor);
      exponential.Store(values + i);
      take(row, i, exponential);
      sum = sum + exponential;
    }
    if (rest != 0) {
      const V all = Exp2((V::LoadPartial(values + whole, rest) - shift) * factor);
      const V exponential = V::KeepFirst(all, rest, 0.0F);
      exponential.StorePartial(values + whole, rest);
      take(row, whole, exponential);
      sum = sum + exponential;
    }
    sums[row] = sum.Sum();
  }
}

template <class V>
void SoftmaxExponentials(int rows, size_t count, float scale, float* values, size_t stride,
                         float* sums) {
  ForEachExponential<V>(rows, count, scale, values, stride, sums, [](int, size_t, V) {});
}

template <class V>
void SoftmaxExponentialsBFloat16(int rows, size_t count, float scale, float* values, size_t stride,
                                 float* sums, uint16_t* out, size_t out_stride) {
  const size_t written = (count + V::kWidth - 1) / V::kWidth * V::kWidth;
  const size_t end = (count + kVectorFloats - 1) / kVectorFloats * kVectorFloats;
  ForEachExponential<V>(rows, count, scale, values, stride, sums, [&](int row, size_t i, V x) {
    x.StoreBFloat16(out + row * out_stride + i);
  });
  for (int row = 0; row < rows; ++row) {
    for (size_t i = written; i < end; ++i) out[row * out_stride + i] = 0;
  }
}

template <class V>
void Scale(size_t count, float factor, const float* in, float* out) {
  const V factors = V::Set(factor);
  const size_t whole = count / V::kWidth * V::kWidth;
  for (size_t i = 0; i < whole; i += V::kWidth) (V::Load(in + i) * factors).Store(out + i);
  if (whole != count) {
    (V::LoadPartial(in + whole, count - whole) * factors).StorePartial(out + whole, count - whole);
  }
}

template <class V>
void AddScaled(size_t count, float factor, const float* in, float* out) {
  const V factors = V::Set(factor);
  const size_t whole = count / V::kWidth * V::kWidth;
  for (size_t i = 0; i < whole; i += V::kWidth) {
    V::MultiplyAdd(V::Load(in + i), factors, V::Load(out + i)).Store(out + i);
  }
  const size_t rest = count - whole;
  if (rest != 0) {
    V::MultiplyAdd(V::LoadPartial(in + whole, rest), factors, V::LoadPartial(out + whole, rest))
        .StorePartial(out + whole, rest);
  }
}

template <class V>
float Dot(size_t count, const float* a, const float* b) {
  const float* other = b;
  return SumOverRow<V>(count, a, [&](V sum, V x, size_t n) {
    const V y = n == V::kWidth ? V::Load(other) : V::LoadPartial(other, n);
    other += n;
    return V::MultiplyAdd(x, y, sum);
  });
}

/// out = in times `factor`, rounded.
template <class V>
void ScaleBFloat16(size_t count, float factor, const float* in, uint16_t* out) {
  const V factors = V::Set(factor);
  size_t i = 0;
  for (; i + V::kWidth <= count; i += V::kWidth) {
    (V::Load(in + i) * factors).StoreBFloat16(out + i);
  }
  if (i == count) return;
  uint16_t rest[V::kWidth];
  (V::LoadPartial(in + i, count - i) * factors).StoreBFloat16(rest);
  for (size_t j = 0; i + j < count; ++j) out[i + j] = rest[j];
}

template <class V>
void ToBFloat16(size_t count, const float* in, uint16_t* out) {
  ScaleBFloat16<V>(count, 1.0F, in, out);
}

template <class V>
float ToInt8(size_t count, const float* in, uint8_t* out) {
  const size_t whole = count / V::kWidth * V::kWidth;
  const size_t rest = count - whole;
  // As magnitudes are compared by their bits, infinity and NaN are the largest; the scale becomes
  // NaN with them, and so does the result.
  V largest = V::Set(0.0F);
  for (size_t i = 0; i < whole; i += V::kWidth) {
    largest = V::LargerMagnitude(largest, V::Load(in + i));
  }
  if (rest != 0) largest = V::LargerMagnitude(largest, V::LoadPartial(in + whole, rest));
  const float maximum = largest.LargestMagnitude();
  if (!(maximum - maximum == 0.0F)) {
    for (size_t i = 0; i < count; ++i) out[i] = V::kByteOffset;
    return maximum - maximum;
  }
  const float scale = maximum > 0.0F ? maximum / 127.0F : 1.0F;
  const V factor = V::Set(1.0F / scale);
  V::ScaleToBytes(whole, in, factor, out);
  if (rest != 0) {
    uint8_t last[V::kWidth];
    (V::LoadPartial(in + whole, rest) * factor).StoreBytes(last);
    for (size_t j = 0; j < rest; ++j) out[whole + j] = last[j];
  }
  return scale;
}

/// The rest of a transposition: rows [row, rows) and columns [column, columns).
inline void TransposeRest(size_t row, size_t rows, size_t column, size_t columns, const float* in,
                          size_t in_stride, float* out, size_t out_stride) {
  for (size_t i = row; i < rows; ++i) {
    for (size_t j = column; j < columns; ++j) out[j * out_stride + i] = in[i * in_stride + j];
  }
}

template <class V>
void Transpose(size_t rows, size_t columns, const float* in, size_t in_stride, float* out,
               size_t out_stride) {
  const size_t whole_rows = rows / V::kWidth * V::kWidth;
  const size_t whole_columns = columns / V::kWidth * V::kWidth;
  for (size_t i = 0; i < whole_rows; i += V::kWidth) {
    for (size_t j = 0; j < whole_columns; j += V::kWidth) {
      V::TransposeBlock(in + i * in_stride + j, in_stride, out + j * out_stride + i, out_stride);
    }
  }
  TransposeRest(0, whole_rows, whole_columns, columns, in, in_stride, out, out_stride);
  TransposeRest(whole_rows, rows, 0, columns, in, in_stride, out, out_stride);
}

template <class V, int kPanelColumns>
void WidenPanel(size_t words, const uint32_t* panel, float* out) {
  for (size_t i = 0; i < words; ++i, panel += kPanelColumns, out += 2 * kPanelColumns) {
    for (size_t j = 0; j < kPanelColumns; j += V::kWidth) {
      V::LowHalves(panel + j).Store(out + j);
      V::HighHalves(panel + j).Store(out + kPanelColumns + j);
    }
  }
}

/// The table with everything but tiles.
template <class V, int kPanelColumns>
constexpr Kernels ElementwiseKernels() {
  Kernels kernels = {};
  kernels.panel_columns = kPanelColumns;
  for (int& words : kernels.column_words) words = 1;
  kernels.multiplies_bfloat16 = false;
  kernels.multiplies_int8 = false;
  kernels.byte_offset = V::kByteOffset;
  kernels.slice_words = kMostSliceWords;
  kernels.block_rows = 112;
  kernels.block_words = int64_t{192} << 10;
  kernels.widen_panel = WidenPanel<V, kPanelColumns>;
  kernels.transpose = Transpose<V>;
  kernels.bias = Bias<V>;
  kernels.bias_bfloat16 = BiasBFloat16<V>;
  kernels.bias_activation = BiasActivation<V>;
  kernels.bias_activation_bfloat16 = BiasActivationBFloat16<V>;
  kernels.bias_residual = BiasResidual<V>;
  kernels.layer_norm = LayerNormRow<V>;
  kernels.softmax_exponentials = SoftmaxExponentials<V>;
  kernels.softmax_exponentials_bfloat16 = SoftmaxExponentialsBFloat16<V>;
  kernels.scale = Scale<V>;
  kernels.scale_bfloat16 = ScaleBFloat16<V>;
  kernels.add_scaled = AddScaled<V>;
  kernels.dot = Dot<V>;
  kernels.to_bfloat16 = ToBFloat16<V>;
  kernels.to_int8 = ToInt8<V>;
  return kernels;
}
