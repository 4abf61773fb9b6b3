// Element-wise kernels, written once over a vector type V and compiled for each instruction set.
//
// Included inside an anonymous namespace by each file of this folder, so that no copy compiled for
// one instruction set is ever linked into another. V provides kWidth, Set, Load, LoadPartial,
// Store, StorePartial, + - * /, MultiplyAdd(a, b, c) = a * b + c, Max, Min, Abs, Round (to nearest
// even), Power2 (of whole numbers in [-126, 127]), SelectNegative(x, a, b) = x < 0 ? a : b, and
// Sum and Maximum across lanes in a fixed order.

/// e^x to about 1 ulp for x in [-87.3, 88]; beyond that x is clamped.
template <class V>
inline V Exp(V x) {
  // x = n ln 2 + r with |r| <= ln 2 / 2; ln 2 in two parts, so that r keeps its precision.
  // The constant stands first: Max and Min return their second operand where one is NaN.
  x = V::Min(V::Set(88.0F), V::Max(V::Set(-87.3F), x));
  const V n = V::Round(x * V::Set(1.44269504F));
  V r = V::MultiplyAdd(n, V::Set(-0.693359375F), x);
  r = V::MultiplyAdd(n, V::Set(2.12194440e-4F), r);
  // (e^r - 1 - r) / r^2 by Chebyshev interpolation on [-0.3466, 0.3466], error 2e-10.
  V p = V::Set(1.9899285085e-4F);
  p = V::MultiplyAdd(p, r, V::Set(1.3933650354e-3F));
  p = V::MultiplyAdd(p, r, V::Set(8.3332984697e-3F));
  p = V::MultiplyAdd(p, r, V::Set(4.1666464915e-2F));
  p = V::MultiplyAdd(p, r, V::Set(1.6666666719e-1F));
  p = V::MultiplyAdd(p, r, V::Set(5.0000000135e-1F));
  p = V::MultiplyAdd(p, r * r, r) + V::Set(1.0F);
  return p * V::Power2(n);
}

/// erfc(z) for z >= 0: t exp(P(t) - z^2) with t = 1 / (1 + z / 2), P by Chebyshev interpolation,
/// relative error 4e-8 before rounding.
template <class V>
inline V ComplementaryErrorFunction(V z) {
  const V t = V::Set(1.0F) / V::MultiplyAdd(z, V::Set(0.5F), V::Set(1.0F));
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
  return t * Exp(p - z * z);
}

// Each activation is a type, so that the loop over elements holds no branch.

/// 0.5 x (1 + tanh(u)) = x / (1 + exp(-2 u)), u = sqrt(2 / pi) (x + 0.044715 x^3).
struct GeluTanh {
  template <class V>
  static V Apply(V x) {
    const V cube = x * x * x;
    const V u = V::MultiplyAdd(cube, V::Set(0.044715F), x);
    return x / (V::Set(1.0F) + Exp(u * V::Set(-1.5957691216F)));
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
    return x / (V::Set(1.0F) + Exp(x * V::Set(-1.702F)));
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
    return x / (V::Set(1.0F) + Exp(V::Set(0.0F) - x));
  }
};

template <class V>
void Bias(int rows, size_t columns, const float* bias, const float* in, size_t in_stride,
          float* out, size_t out_stride) {
  for (int row = 0; row < rows; ++row, in += in_stride, out += out_stride) {
    for (size_t i = 0; i < columns; i += V::kWidth) {
      (V::Load(in + i) + V::Load(bias + i)).Store(out + i);
    }
  }
}

template <class V, class Function>
void ActivationRows(int rows, size_t columns, const float* bias, const float* in, size_t in_stride,
                    float* out, size_t out_stride) {
  for (int row = 0; row < rows; ++row, in += in_stride, out += out_stride) {
    for (size_t i = 0; i < columns; i += V::kWidth) {
      Function::Apply(V::Load(in + i) + V::Load(bias + i)).Store(out + i);
    }
  }
}

template <class V>
void BiasActivation(Activation activation, int rows, size_t columns, const float* bias,
                    const float* in, size_t in_stride, float* out, size_t out_stride) {
  const auto run = [&](auto function) {
    ActivationRows<V, decltype(function)>(rows, columns, bias, in, in_stride, out, out_stride);
  };
  switch (activation) {
    case Activation::kGeluTanh: return run(GeluTanh());
    case Activation::kGeluErf: return run(GeluErf());
    case Activation::kQuickGelu: return run(QuickGelu());
    case Activation::kRelu: return run(Relu());
    case Activation::kSilu: return run(Silu());
  }
}

template <class V>
void BiasResidual(int rows, size_t columns, const float* bias, const float* in, size_t in_stride,
                  const float* residual, size_t residual_stride, float* out, size_t out_stride) {
  for (int row = 0; row < rows; ++row) {
    for (size_t i = 0; i < columns; i += V::kWidth) {
      (V::Load(in + i) + V::Load(bias + i) + V::Load(residual + i)).Store(out + i);
    }
    in += in_stride;
    residual += residual_stride;
    out += out_stride;
  }
}

template <class V>
void LayerNormRow(size_t columns, const float* in, const float* gain, const float* bias,
                  float epsilon, float* out) {
  const size_t whole = columns / V::kWidth * V::kWidth;
  const size_t rest = columns - whole;
  // Two passes, as the distance from the mean squared is far more exact than E[x^2] - E[x]^2.
  V sum = V::Set(0.0F);
  for (size_t i = 0; i < whole; i += V::kWidth) sum = sum + V::Load(in + i);
  if (rest != 0) sum = sum + V::LoadPartial(in + whole, rest);
  const float count = (float)columns;
  const float mean = sum.Sum() / count;
  const V mean_vector = V::Set(mean);
  V squares = V::Set(0.0F);
  for (size_t i = 0; i < whole; i += V::kWidth) {
    const V distance = V::Load(in + i) - mean_vector;
    squares = V::MultiplyAdd(distance, distance, squares);
  }
  float variance = 0.0F;
  for (size_t i = whole; i < columns; ++i) variance += (in[i] - mean) * (in[i] - mean);
  variance = (squares.Sum() + variance) / count;
  const V factor = V::Set(1.0F / V::SquareRoot(variance + epsilon));
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
float SoftmaxExponentials(size_t count, float scale, float* values) {
  const size_t whole = count / V::kWidth * V::kWidth;
  const size_t rest = count - whole;
  V largest = V::Set(values[0]);
  for (size_t i = 0; i < whole; i += V::kWidth) largest = V::Max(largest, V::Load(values + i));
  float maximum = largest.Maximum();
  for (size_t i = whole; i < count; ++i) maximum = values[i] > maximum ? values[i] : maximum;
  const V shift = V::Set(maximum);
  const V factor = V::Set(scale);
  V sum = V::Set(0.0F);
  for (size_t i = 0; i < whole; i += V::kWidth) {
    const V exponential = Exp((V::Load(values + i) - shift) * factor);
    exponential.Store(values + i);
    sum = sum + exponential;
  }
  float total = sum.Sum();
  if (rest != 0) {
    Exp((V::LoadPartial(values + whole, rest) - shift) * factor).StorePartial(values + whole, rest);
    for (size_t i = whole; i < count; ++i) total += values[i];
  }
  return total;
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
  const size_t whole = count / V::kWidth * V::kWidth;
  // Four sums hide the latency of the addition.
  V sums[4] = {V::Set(0.0F), V::Set(0.0F), V::Set(0.0F), V::Set(0.0F)};
  size_t i = 0;
  for (; i + 4 * V::kWidth <= whole; i += 4 * V::kWidth) {
    for (size_t j = 0; j < 4; ++j) {
      sums[j] =
          V::MultiplyAdd(V::Load(a + i + j * V::kWidth), V::Load(b + i + j * V::kWidth), sums[j]);
    }
  }
  for (; i < whole; i += V::kWidth) {
    sums[0] = V::MultiplyAdd(V::Load(a + i), V::Load(b + i), sums[0]);
  }
  if (whole != count) {
    sums[0] = V::MultiplyAdd(V::LoadPartial(a + whole, count - whole),
                             V::LoadPartial(b + whole, count - whole), sums[0]);
  }
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])).Sum();
}

template <class V>
void ToBFloat16(size_t count, const float* in, uint16_t* out) {
  size_t i = 0;
  for (; i + V::kWidth <= count; i += V::kWidth) V::Load(in + i).StoreBFloat16(out + i);
  if (i == count) return;
  uint16_t rest[V::kWidth];
  V::LoadPartial(in + i, count - i).StoreBFloat16(rest);
  for (size_t j = 0; i + j < count; ++j) out[i + j] = rest[j];
}

template <class V>
float ToInt8(size_t count, const float* in, uint8_t* out) {
  const size_t whole = count / V::kWidth * V::kWidth;
  const size_t rest = count - whole;
  V largest = V::Set(0.0F);
  V poison = V::Set(0.0F);  // becomes NaN where a value is NaN or infinite, and so does the result
  const auto look = [&](V x) {
    largest = V::Max(largest, V::Abs(x));
    poison = V::MultiplyAdd(x, V::Set(0.0F), poison);
  };
  for (size_t i = 0; i < whole; i += V::kWidth) look(V::Load(in + i));
  if (rest != 0) look(V::LoadPartial(in + whole, rest));
  const float maximum = largest.Maximum();
  const float scale = (maximum > 0.0F ? maximum / 127.0F : 1.0F) + poison.Sum();
  const V factor = V::Set(1.0F / scale);
  const V zero = V::Set(128.0F);
  for (size_t i = 0; i < whole; i += V::kWidth) {
    (V::Round(V::Load(in + i) * factor) + zero).StoreBytes(out + i);
  }
  if (rest != 0) {
    uint8_t last[V::kWidth];
    (V::Round(V::LoadPartial(in + whole, rest) * factor) + zero).StoreBytes(last);
    for (size_t j = 0; j < rest; ++j) out[whole + j] = last[j];
  }
  return scale;
}

template <class V>
void Dequantize(int rows, size_t columns, const float* row_scales, const float* column_scales,
                const int32_t* correction, void* sums, size_t stride) {
  for (int row = 0; row < rows; ++row) {
    const int32_t* in = (const int32_t*)sums + row * stride;
    float* out = (float*)sums + row * stride;
    const V row_scale = V::Set(row_scales[row]);
    for (size_t i = 0; i < columns; i += V::kWidth) {
      const V sum = V::Difference(in + i, correction + i);
      (sum * (row_scale * V::Load(column_scales + i))).Store(out + i);
    }
  }
}

template <class V>
constexpr Kernels ElementwiseKernels() {
  Kernels kernels = {};
  kernels.bias = Bias<V>;
  kernels.bias_activation = BiasActivation<V>;
  kernels.bias_residual = BiasResidual<V>;
  kernels.layer_norm = LayerNormRow<V>;
  kernels.softmax_exponentials = SoftmaxExponentials<V>;
  kernels.scale = Scale<V>;
  kernels.add_scaled = AddScaled<V>;
  kernels.dot = Dot<V>;
  kernels.to_bfloat16 = ToBFloat16<V>;
  kernels.to_int8 = ToInt8<V>;
  kernels.dequantize = Dequantize<V>;
  return kernels;
}
