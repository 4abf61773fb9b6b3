// Aligned memory for weights and workspaces, and row-major matrices in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace siglip {

/// Zero-filled floats, aligned to a cache line, in huge pages where the system gives them.
class FloatBuffer {
 public:
  FloatBuffer() = default;
  /// Throws Error(kLimitExceeded) when the system has no such memory.
  explicit FloatBuffer(size_t count);
  FloatBuffer(FloatBuffer&& other) noexcept;
  FloatBuffer& operator=(FloatBuffer&& other) noexcept;
  ~FloatBuffer();

  float* data() { return data_; }
  const float* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  float* data_ = nullptr;
  size_t size_ = 0;
};

/// Rows of floats to read, `stride` apart. Borrowed.
struct ConstMatrix {
  const float* data = nullptr;
  int64_t rows = 0;
  int64_t columns = 0;
  size_t stride = 0;

  const float* row(int64_t index) const { return data + static_cast<size_t>(index) * stride; }
  /// Rows [begin, end) of this matrix.
  ConstMatrix Rows(int64_t begin, int64_t end) const {
    return {row(begin), end - begin, columns, stride};
  }
};

/// Rows of floats to write, `stride` apart. Borrowed.
struct Matrix {
  float* data = nullptr;
  int64_t rows = 0;
  int64_t columns = 0;
  size_t stride = 0;

  float* row(int64_t index) const { return data + static_cast<size_t>(index) * stride; }
  /// Rows [begin, end) of this matrix.
  Matrix Rows(int64_t begin, int64_t end) const {
    return {row(begin), end - begin, columns, stride};
  }
  operator ConstMatrix() const {  // NOLINT(google-explicit-constructor)
    return {data, rows, columns, stride};
  }
};

/// A row stride for `columns` floats: whole cache lines, and an odd number of them, so that the
/// rows a kernel walks together do not fall into the same few sets of the L1 cache.
size_t MatrixStride(int64_t columns);

/// A matrix that owns its rows.
class MatrixBuffer {
 public:
  MatrixBuffer() = default;
  MatrixBuffer(int64_t rows, int64_t columns)
      : buffer_(static_cast<size_t>(rows) * MatrixStride(columns)),
        matrix_{buffer_.data(), rows, columns, MatrixStride(columns)} {}

  const Matrix& matrix() const { return matrix_; }

 private:
  FloatBuffer buffer_;
  Matrix matrix_;
};

/// One block of memory handed out piece by piece; sized by a first pass with the same calls.
class Arena {
 public:
  /// Reserves in the measuring pass, hands out in the second one.
  float* Floats(size_t count);
  Matrix NewMatrix(int64_t rows, int64_t columns);
  /// Ends the measuring pass: allocates what was asked for and starts over.
  void Allocate();
  size_t bytes() const { return buffer_.size() * sizeof(float); }

 private:
  size_t used_ = 0;
  FloatBuffer buffer_;
};

}  // namespace siglip
