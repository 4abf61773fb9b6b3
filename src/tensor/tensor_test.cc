// Tests of shapes, tensors, matrices and the conversion of half-precision formats.
#include "siglip/tensor.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "expect_error.h"
#include "siglip/error.hpp"
#include "tensor/arena.h"
#include "tensor/float16.h"

namespace siglip {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

/// A binary floating-point number by the definition of IEEE 754, from its fields.
double FromFields(uint32_t bits, int exponent_bits, int mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const uint32_t mantissa = bits & ((1U << mantissa_bits) - 1);
  const int exponent = static_cast<int>(bits >> mantissa_bits) & ((1 << exponent_bits) - 1);
  const bool negative = (bits >> (exponent_bits + mantissa_bits)) != 0;
  double value = 0;
  if (exponent == (1 << exponent_bits) - 1) {
    value = mantissa == 0 ? std::numeric_limits<double>::infinity()
                          : std::numeric_limits<double>::quiet_NaN();
  } else if (exponent == 0) {
    value = std::ldexp(mantissa, 1 - bias - mantissa_bits);
  } else {
    value = std::ldexp(mantissa + (1U << mantissa_bits), exponent - bias - mantissa_bits);
  }
  return std::copysign(value, negative ? -1.0 : 1.0);
}

void ExpectSame(float found, double expected, uint32_t bits) {
  if (std::isnan(expected)) {
    ASSERT_TRUE(std::isnan(found)) << bits;
  } else {
    ASSERT_EQ(static_cast<double>(found), expected) << bits;
  }
  ASSERT_EQ(std::signbit(found), std::signbit(expected)) << bits;
}

TEST(Float16, AllBitPatterns) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    ExpectSame(Float16ToFloat(static_cast<uint16_t>(bits)), FromFields(bits, 5, 10), bits);
  }
}

TEST(BFloat16, AllBitPatterns) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    ExpectSame(BFloat16ToFloat(static_cast<uint16_t>(bits)), FromFields(bits, 8, 7), bits);
  }
}

/// A view of values stored one byte off their natural alignment, as mapped files may hold them.
template <typename Stored>
struct Unaligned {
  explicit Unaligned(const std::vector<Stored>& values)
      : bytes(values.size() * sizeof(Stored) + 1), count(static_cast<int64_t>(values.size())) {
    if (!values.empty()) std::memcpy(bytes.data() + 1, values.data(), bytes.size() - 1);
  }
  TensorView View(DType dtype) const { return {dtype, {count}, std::span(bytes).subspan(1)}; }
  std::vector<std::byte> bytes;
  int64_t count;
};

TEST(ConvertToFloat, ConvertsEveryFloatingPointType) {
  std::vector<uint16_t> patterns(65536);
  for (size_t i = 0; i < patterns.size(); ++i) patterns[i] = static_cast<uint16_t>(i);
  const Unaligned<uint16_t> halves(patterns);
  std::vector<float> out(patterns.size());
  ConvertToFloat(halves.View(DType::kF16), out);
  for (uint32_t bits = 0; bits < 65536; ++bits)
    ExpectSame(out[bits], FromFields(bits, 5, 10), bits);
  ConvertToFloat(halves.View(DType::kBF16), out);
  for (uint32_t bits = 0; bits < 65536; ++bits) ExpectSame(out[bits], FromFields(bits, 8, 7), bits);

  std::vector<float> three(3);
  ConvertToFloat(Unaligned<float>({1.5F, -0.0F, 1e-45F}).View(DType::kF32), three);
  EXPECT_EQ(three, (std::vector<float>{1.5F, -0.0F, 1e-45F}));
  // To the nearest float, ties to even.
  ConvertToFloat(Unaligned<double>({0.1, 1 + 0x1p-24, 1 + 0x3p-24}).View(DType::kF64), three);
  EXPECT_EQ(three, (std::vector<float>{0.1F, 1.0F, 1 + 0x1p-22F}));
}

TEST(ConvertToFloat, TakesEmptyTensors) {
  EXPECT_NO_THROW(ConvertToFloat({DType::kF32, {0, 3}, {}}, {}));
  EXPECT_NO_THROW(ConvertToFloat({DType::kF16, {3, 0}, {}}, {}));
}

TEST(ConvertToFloat, RefusesOtherTypesAndOtherSizes) {
  const std::vector<std::byte> bytes(8);
  std::vector<float> out(2);
  ExpectError(ErrorCode::kMismatch, {"floating-point", "I32"}, [&] {
    ConvertToFloat({DType::kI32, {2}, bytes}, out);
  });
  for (const DType dtype : {DType::kF16, DType::kF64}) {
    const TensorView view(dtype, {8 / SizeOf(dtype)}, bytes);
    ExpectError(ErrorCode::kMismatch, {"2 elements", ToString(view.shape())},
                [&] { ConvertToFloat(view, out); });
  }
}

TEST(Shape, CountsElements) {
  EXPECT_EQ(ElementCount({}), 1);
  EXPECT_EQ(ElementCount({2, 3, 4}), 24);
  EXPECT_EQ(ElementCount({5, 0}), 0);
  EXPECT_EQ(ElementCount({kMax}), kMax);
  EXPECT_THROW(ElementCount({-1}), Error);
  EXPECT_THROW(ElementCount({0, -1}), Error);
  EXPECT_THROW(ElementCount({kMax, 2}), Error);
  EXPECT_THROW(ElementCount({int64_t{1} << 32, int64_t{1} << 32}), Error);
}

TEST(Shape, PrintsLikePython) {
  EXPECT_EQ(ToString(Shape{}), "[]");
  EXPECT_EQ(ToString(Shape{2, 3, 224, 224}), "[2, 3, 224, 224]");
}

TEST(DType, SizesAndNames) {
  EXPECT_EQ(SizeOf(DType::kF64), 8);
  EXPECT_EQ(SizeOf(DType::kF32), 4);
  EXPECT_EQ(SizeOf(DType::kBF16), 2);
  EXPECT_EQ(SizeOf(DType::kBool), 1);
  EXPECT_EQ(ToString(DType::kBF16), "BF16");
  EXPECT_EQ(ToString(DType::kBool), "BOOL");
}

TEST(Tensor, StartsZeroFilledAndEmptyByDefault) {
  const Tensor zeros(DType::kF32, {3, 1000});
  for (const float value : zeros.floats()) ASSERT_EQ(std::bit_cast<uint32_t>(value), 0U);
  EXPECT_EQ(zeros.size(), 3000);
  EXPECT_EQ(zeros.bytes().size(), 12000U);
  EXPECT_TRUE(Tensor().empty());
  EXPECT_TRUE(Tensor().floats().empty());
  EXPECT_TRUE(Tensor(DType::kF32, {4, 0}).empty());
}

TEST(Tensor, TakesValuesInRowMajorOrder) {
  const Tensor tensor({2, 3}, {0, 1, 2, 3, 4, 5});
  EXPECT_EQ(tensor.floats()[4], 4.0F);
  EXPECT_EQ(tensor.dim(0), 2);
  EXPECT_EQ(tensor.dim(-1), 3);
  EXPECT_THROW(tensor.dim(2), Error);
  EXPECT_THROW(tensor.dim(-3), Error);
  EXPECT_THROW(Tensor({2, 3}, {1, 2}), Error);
  EXPECT_EQ(Tensor(Shape{}, {7}).floats()[0], 7.0F);
}

TEST(Tensor, CopiesShareTheElements) {
  Tensor tensor({2}, {1, 2});
  const Tensor copy = tensor;
  tensor.floats()[0] = 9;
  EXPECT_EQ(copy.floats()[0], 9.0F);
  EXPECT_EQ(copy.bytes().data(), tensor.bytes().data());
}

TEST(Tensor, CopiesTheElementsOfAView) {
  Tensor tensor({2, 1}, {1, 2});
  const TensorView view = tensor;
  const Tensor copy(view);
  tensor.floats()[0] = 9;
  EXPECT_EQ(copy.shape(), (Shape{2, 1}));
  EXPECT_EQ(copy.floats()[0], 1.0F);
  // Files may hold them unaligned, a tensor does not.
  const Unaligned<int64_t> unaligned({-5, 6});
  EXPECT_EQ(Tensor(unaligned.View(DType::kI64)).values<int64_t>()[0], -5);
}

TEST(Tensor, BorrowsMemoryOfTheCaller) {
  std::vector<float> values = {1, 2, 3, 4, 5, 6};
  const auto bytes = std::as_writable_bytes(std::span(values));
  Tensor tensor(DType::kF32, {3, 2}, bytes, nullptr);
  EXPECT_EQ(tensor.floats()[5], 6.0F);
  tensor.floats()[0] = 9;
  EXPECT_EQ(values[0], 9.0F);
  EXPECT_EQ(tensor.floats().data(), values.data());

  // The owner is held by the last copy.
  auto owner = std::make_shared<std::vector<float>>(std::vector<float>{7});
  const std::weak_ptr<void> held = owner;
  Tensor owned(DType::kF32, {1}, std::as_writable_bytes(std::span(*owner)), owner);
  owner.reset();
  Tensor copy = owned;
  owned = Tensor();
  EXPECT_EQ(copy.floats()[0], 7.0F);
  EXPECT_FALSE(held.expired());
  copy = Tensor();
  EXPECT_TRUE(held.expired());
}

TEST(Tensor, RefusesMemoryThatDoesNotFit) {
  std::vector<float> values(3);
  const auto bytes = std::as_writable_bytes(std::span(values));
  ExpectError(ErrorCode::kMismatch, {"F32", "[2]", "8 bytes", "found 12"},
              [&] { Tensor(DType::kF32, {2}, bytes, nullptr); });
  ExpectError(ErrorCode::kInvalidArgument, {"F32", "aligned to 4"},
              [&] { Tensor(DType::kF32, {2}, bytes.subspan(2, 8), nullptr); });
  ExpectError(ErrorCode::kInvalidArgument, {"impossible shape"},
              [&] { Tensor(DType::kF32, {kMax}, bytes, nullptr); });
  EXPECT_EQ(Tensor(DType::kU8, {3}, bytes.subspan(1, 3), nullptr).size(), 3);
}

template <class Value>
void ExpectValuesOnlyOf(DType dtype) {
  for (const DType other : {DType::kF32, DType::kF16, DType::kBF16, DType::kF64, DType::kI64,
                            DType::kI32, DType::kI16, DType::kI8, DType::kU8, DType::kBool}) {
    Tensor tensor(other, {3});
    const Tensor& same = tensor;
    const TensorView view = tensor;
    if (other == dtype) {
      tensor.values<Value>()[1] = Value{1};
      EXPECT_EQ(same.values<Value>()[1], Value{1});
      EXPECT_EQ(view.values<Value>()[1], Value{1});
      EXPECT_EQ(view.values<Value>().size(), 3U);
      continue;
    }
    const std::string expected = "expected " + std::string(ToString(dtype));
    const std::string found = "found " + std::string(ToString(other));
    ExpectError(ErrorCode::kMismatch, {expected, found}, [&] { tensor.values<Value>(); });
    ExpectError(ErrorCode::kMismatch, {expected, found}, [&] { same.values<Value>(); });
    ExpectError(ErrorCode::kMismatch, {expected, found}, [&] { view.values<Value>(); });
  }
}

TEST(Tensor, GivesValuesOfItsDtypeOnly) {
  ExpectValuesOnlyOf<float>(DType::kF32);
  ExpectValuesOnlyOf<double>(DType::kF64);
  ExpectValuesOnlyOf<int64_t>(DType::kI64);
  ExpectValuesOnlyOf<int32_t>(DType::kI32);
  ExpectValuesOnlyOf<int16_t>(DType::kI16);
  ExpectValuesOnlyOf<int8_t>(DType::kI8);
  ExpectValuesOnlyOf<uint8_t>(DType::kU8);
  ExpectValuesOnlyOf<bool>(DType::kBool);
  EXPECT_THROW(Tensor(DType::kU8, {4}).floats(), Error);
}

TEST(Tensor, ByteThatIsNoBoolIsAnError) {
  Tensor mask(DType::kBool, {2});
  mask.bytes()[1] = std::byte{2};
  ExpectError(ErrorCode::kInvalidArgument, {"BOOL", "found 2"}, [&] { mask.values<bool>(); });
}

TEST(TensorView, IsMadeOfATensorAndSaysTheSame) {
  const Tensor tensor({2, 3}, {0, 1, 2, 3, 4, 5});
  const TensorView view = tensor;
  EXPECT_EQ(view.dtype(), DType::kF32);
  EXPECT_EQ(view.shape(), (Shape{2, 3}));
  EXPECT_EQ(view.dim(-1), 3);
  EXPECT_EQ(view.size(), 6);
  EXPECT_EQ(view.floats().data(), tensor.floats().data());
  EXPECT_THROW(view.dim(2), Error);
  EXPECT_TRUE(TensorView().empty());
  EXPECT_EQ(TensorView().shape(), Tensor().shape());
  static_assert(std::is_same_v<decltype(view.floats()[0]), const float&>);
  static_assert(!std::is_convertible_v<TensorView, Tensor>);
}

TEST(TensorView, RefusesBytesThatDoNotFit) {
  const std::vector<std::byte> bytes(8);
  ExpectError(ErrorCode::kMismatch, {"F32", "[3]", "12 bytes", "found 8"},
              [&] { TensorView(DType::kF32, {3}, bytes); });
  EXPECT_THROW(TensorView(DType::kF32, {-2}, bytes), Error);
  EXPECT_THROW(TensorView(DType::kF64, {kMax / 8 + 1}, bytes), Error);
}

TEST(TensorView, GivesNoUnalignedValues) {
  const Unaligned<int32_t> numbers({1, 2});
  ExpectError(ErrorCode::kInvalidArgument, {"I32", "aligned to 4"},
              [&] { numbers.View(DType::kI32).values<int32_t>(); });
  const Unaligned<int8_t> bytes({1, 2});
  EXPECT_EQ(bytes.View(DType::kI8).values<int8_t>()[1], 2);
}

TEST(Tensor, RefusesSizesThatOverflow) {
  EXPECT_THROW(Tensor(DType::kF32, {kMax}), Error);
  EXPECT_THROW(Tensor(DType::kF64, {kMax / 8 + 1}), Error);
  EXPECT_THROW(Tensor(DType::kU8, {-1}), Error);
}

TEST(Matrix, ConvertsToOneToRead) {
  MatrixBuffer buffer(3, 17);
  buffer.matrix().row(2)[16] = 5;
  const ConstMatrix all = buffer.matrix();
  const ConstMatrix last = all.Rows(2, 3);
  EXPECT_EQ(last.rows, 1);
  EXPECT_EQ(last.columns, 17);
  EXPECT_EQ(last.row(0)[16], 5.0F);
  EXPECT_EQ(last.row(0), buffer.matrix().row(2));
  static_assert(std::is_same_v<decltype(all.row(0)), const float*>);
  static_assert(!std::is_convertible_v<ConstMatrix, Matrix>);
}

}  // namespace
}  // namespace siglip
