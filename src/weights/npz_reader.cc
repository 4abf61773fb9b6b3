// See npz_reader.h.
#include "weights/npz_reader.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "siglip/error.hpp"
#include "weights/quoted.h"

namespace siglip {
namespace {

constexpr std::string_view kExtension = ".npy";

/// numpy's codes for the types this library knows, as stored on little-endian machines. Arrays of
/// bfloat16 are saved as two bytes without meaning.
constexpr std::array<std::pair<std::string_view, DType>, 12> kDTypes = {{{"<f4", DType::kF32},
                                                                         {"<f2", DType::kF16},
                                                                         {"<f8", DType::kF64},
                                                                         {"|V2", DType::kBF16},
                                                                         {"<V2", DType::kBF16},
                                                                         {"bfloat16", DType::kBF16},
                                                                         {"<i8", DType::kI64},
                                                                         {"<i4", DType::kI32},
                                                                         {"<i2", DType::kI16},
                                                                         {"|i1", DType::kI8},
                                                                         {"|u1", DType::kU8},
                                                                         {"|b1", DType::kBool}}};

std::optional<DType> FindNumpyDType(std::string_view code) {
  for (const auto& [known, dtype] : kDTypes) {
    if (code == known) return dtype;
  }
  return std::nullopt;
}

/// Whether row-major and column-major order are the same: at most one extent is above one.
bool HasOneOrder(const Shape& shape) {
  return std::count_if(shape.begin(), shape.end(), [](int64_t extent) { return extent != 1; }) < 2;
}

/// Where element `index` in row-major order stands in column-major order.
int64_t ColumnMajorIndex(int64_t index, const Shape& shape) {
  int64_t stride = 1;
  for (int64_t extent : shape) stride *= extent;
  int64_t found = 0;
  for (auto extent = shape.rbegin(); extent != shape.rend(); ++extent) {
    stride /= *extent;
    found += index % *extent * stride;
    index /= *extent;
  }
  return found;
}

}  // namespace

NpzReader::NpzReader(std::span<const std::byte> file, std::string name)
    : file_(file), name_(std::move(name)) {
  for (ZipMember& member : ParseZipDirectory(file_, name_)) {
    arrays_.push_back(ReadHeader(std::move(member)));
  }
}

std::string NpzReader::Where(const ZipMember& member) const {
  return name_ + ": member " + Quoted(member.name);
}

NpzArray NpzReader::ReadHeader(ZipMember member) const {
  const std::string where = Where(member);
  if (!member.name.ends_with(kExtension)) {
    throw Error(ErrorCode::kMalformedFile, where + ": expected a name that ends in .npy");
  }
  ZipStream stream(file_, member, where);
  NpzArray array;
  array.name = member.name.substr(0, member.name.size() - kExtension.size());
  array.header = ReadNpyHeader([&](std::span<std::byte> bytes) { stream.Read(bytes); }, where);
  array.dtype = FindNumpyDType(array.header.dtype);
  array.member = std::move(member);
  if (!array.dtype) return array;
  int64_t bytes = SizeOf(*array.dtype);
  for (int64_t extent : array.header.shape) {
    if (__builtin_mul_overflow(bytes, extent, &bytes)) {
      throw Error(ErrorCode::kMalformedFile,
                  where + ": impossible shape " + ToString(array.header.shape));
    }
  }
  const uint64_t found = array.member.bytes - array.header.data_begin;
  if (found != static_cast<uint64_t>(bytes)) {
    throw Error(ErrorCode::kMalformedFile,
                where + ": " + array.header.dtype + " of shape " + ToString(array.header.shape) +
                    " needs " + std::to_string(bytes) + " bytes, found " + std::to_string(found));
  }
  return array;
}

void NpzReader::Read(size_t index, int64_t first, std::span<float> values) const {
  const std::lock_guard lock(mutex_);
  const NpyHeader& header = arrays_.at(index).header;
  if (!header.fortran_order || HasOneOrder(header.shape)) {
    ReadInFileOrder(index, first, values);
    return;
  }
  // Any part of it is spread over the whole, so the whole is read.
  std::vector<float> whole(static_cast<size_t>(ElementCount(header.shape)));
  ReadInFileOrder(index, 0, whole);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] =
        whole[static_cast<size_t>(ColumnMajorIndex(first + static_cast<int64_t>(i), header.shape))];
  }
}

void NpzReader::ReadInFileOrder(size_t index, int64_t first, std::span<float> values) const {
  const NpzArray& array = arrays_[index];
  const DType dtype = array.dtype.value();
  const auto size = static_cast<size_t>(SizeOf(dtype));
  const uint64_t begin = array.header.data_begin + static_cast<uint64_t>(first) * size;
  auto found = streams_.find(index);
  if (found != streams_.end() && found->second.position() > begin) {
    streams_.erase(found);
    found = streams_.end();
  }
  if (found == streams_.end()) {
    found = streams_.emplace(index, ZipStream(file_, array.member, Where(array.member))).first;
  }
  ZipStream& stream = found->second;
  stream.Skip(begin - stream.position());
  std::vector<std::byte> buffer(std::min(values.size() * size, size_t{1} << 18));
  while (!values.empty()) {
    const size_t count = std::min(values.size(), buffer.size() / size);
    const auto bytes = std::span(buffer).first(count * size);
    stream.Read(bytes);
    ConvertToFloat({dtype, {static_cast<int64_t>(count)}, bytes}, values.first(count));
    values = values.subspan(count);
  }
  if (stream.is_at_end()) streams_.erase(found);
}

}  // namespace siglip
