#include "tensor/arena.h"

#include <sys/mman.h>

#include <limits>
#include <new>
#include <string>
#include <utility>

#include "siglip/error.hpp"

namespace siglip {
namespace {

constexpr size_t kLineFloats = 16;
constexpr size_t kHugePage = size_t{2} << 20;
/// From here on memory comes from the system in whole pages, cleared when first used.
constexpr size_t kLeastMapped = size_t{128} << 10;
constexpr std::align_val_t kLine{kLineFloats * sizeof(float)};

size_t RoundUp(size_t value, size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace

FloatBuffer::FloatBuffer(size_t count) : size_(count) {
  if (count == 0) return;
  if (count > std::numeric_limits<size_t>::max() / 2 / sizeof(float)) {
    throw Error(ErrorCode::kLimitExceeded, "buffer of " + std::to_string(count) + " floats");
  }
  const size_t bytes = count * sizeof(float);
  if (bytes < kLeastMapped) {
    data_ = new (kLine) float[count]();
    return;
  }
  void* data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) {
    throw Error(ErrorCode::kLimitExceeded, "no memory for " + std::to_string(bytes) + " bytes");
  }
  if (bytes >= kHugePage) ::madvise(data, bytes, MADV_HUGEPAGE);
  data_ = static_cast<float*>(data);
}

FloatBuffer::FloatBuffer(FloatBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

FloatBuffer& FloatBuffer::operator=(FloatBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

FloatBuffer::~FloatBuffer() {
  if (data_ == nullptr) return;
  const size_t bytes = size_ * sizeof(float);
  if (bytes < kLeastMapped) {
    ::operator delete[](data_, kLine);
  } else {
    ::munmap(data_, bytes);
  }
}

size_t MatrixStride(int64_t columns) {
  const size_t lines = (static_cast<size_t>(columns) + kLineFloats - 1) / kLineFloats;
  return (lines | 1) * kLineFloats;
}

float* Arena::Floats(size_t count) {
  const size_t begin = used_;
  used_ += RoundUp(count, kLineFloats);
  if (buffer_.size() == 0) return nullptr;
  if (used_ > buffer_.size()) {
    throw Error(ErrorCode::kInternal, "arena: more asked for than was measured");
  }
  return buffer_.data() + begin;
}

Matrix Arena::NewMatrix(int64_t rows, int64_t columns) {
  const size_t stride = MatrixStride(columns);
  return {Floats(static_cast<size_t>(rows) * stride), rows, columns, stride};
}

void Arena::Allocate() {
  buffer_ = FloatBuffer(used_);
  used_ = 0;
}

}  // namespace siglip
