// See gguf_header.h.
#include "weights/gguf_header.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "base/file_kind.h"
#include "siglip/error.hpp"
#include "tensor/float16.h"
#include "weights/byte_reader.h"
#include "weights/malformed.h"
#include "weights/quoted.h"

namespace siglip {
namespace {

constexpr uint32_t kGgufMagic = 0x46554747;  // "GGUF"
constexpr uint32_t kDefaultAlignment = 32;
constexpr uint32_t kMostAlignment = 1 << 20;
constexpr uint32_t kMostGgmlExtents = 4;   // ggml's limit
constexpr uint64_t kMostNameBytes = 1024;  // far above ggml's 64
constexpr uint64_t kMostTextBytes = 1 << 20;
constexpr uint64_t kMostElements = 64;  // of a list that is kept

/// Bytes that a metadata entry and a tensor take at least.
constexpr uint64_t kLeastEntryBytes = 8 + 4 + 1;
constexpr uint64_t kLeastTensorBytes = 8 + 4 + 4 + 8;

constexpr uint32_t kF32 = 0;
constexpr uint32_t kF16 = 1;
constexpr uint32_t kQ8 = 8;
constexpr uint32_t kF64 = 28;
constexpr uint32_t kBF16 = 30;

/// Those without use here are listed so that a file that holds some in its projector still opens.
constexpr std::array<GgmlType, 34> kTypes = {{
    {kF32, "F32", 1, 4},      {kF16, "F16", 1, 2},      {2, "Q4_0", 32, 18},
    {3, "Q4_1", 32, 20},      {6, "Q5_0", 32, 22},      {7, "Q5_1", 32, 24},
    {kQ8, "Q8_0", 32, 34},    {9, "Q8_1", 32, 40},      {10, "Q2_K", 256, 84},
    {11, "Q3_K", 256, 110},   {12, "Q4_K", 256, 144},   {13, "Q5_K", 256, 176},
    {14, "Q6_K", 256, 210},   {15, "Q8_K", 256, 292},   {16, "IQ2_XXS", 256, 66},
    {17, "IQ2_XS", 256, 74},  {18, "IQ3_XXS", 256, 98}, {19, "IQ1_S", 256, 50},
    {20, "IQ4_NL", 32, 18},   {21, "IQ3_S", 256, 110},  {22, "IQ2_S", 256, 82},
    {23, "IQ4_XS", 256, 136}, {24, "I8", 1, 1},         {25, "I16", 1, 2},
    {26, "I32", 1, 4},        {27, "I64", 1, 8},        {kF64, "F64", 1, 8},
    {29, "IQ1_M", 256, 56},   {kBF16, "BF16", 1, 2},    {34, "TQ1_0", 256, 54},
    {35, "TQ2_0", 256, 66},   {39, "MXFP4", 32, 17},    {40, "NVFP4", 64, 36},
    {41, "Q1_0", 128, 18},
}};

enum class ValueType : uint32_t {
  kUint8 = 0,
  kInt8 = 1,
  kUint16 = 2,
  kInt16 = 3,
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kUint64 = 10,
  kInt64 = 11,
  kFloat64 = 12,
};

std::string ReadString(ByteReader& reader, uint64_t most, const std::string& name) {
  const auto length = reader.Read<uint64_t>();
  if (length > most) {
    throw Malformed(name, "a text of " + std::to_string(length) + " bytes, allowed are " +
                              std::to_string(most));
  }
  return reader.ReadText(length);
}

Json ReadScalar(ByteReader& reader, uint32_t type, const std::string& name) {
  switch (static_cast<ValueType>(type)) {
    case ValueType::kUint8: return reader.Read<uint8_t>();
    case ValueType::kInt8: return reader.Read<int8_t>();
    case ValueType::kUint16: return reader.Read<uint16_t>();
    case ValueType::kInt16: return reader.Read<int16_t>();
    case ValueType::kUint32: return reader.Read<uint32_t>();
    case ValueType::kInt32: return reader.Read<int32_t>();
    case ValueType::kFloat32: return reader.Read<float>();
    case ValueType::kBool: return reader.Read<uint8_t>() != 0;
    case ValueType::kString: return ReadString(reader, kMostTextBytes, name);
    case ValueType::kUint64: return reader.Read<uint64_t>();
    case ValueType::kInt64: return reader.Read<int64_t>();
    case ValueType::kFloat64: return reader.Read<double>();
    case ValueType::kArray: break;
  }
  throw Malformed(name, "metadata of unknown type " + std::to_string(type));
}

Json ReadValue(ByteReader& reader, const std::string& name) {
  const auto type = reader.Read<uint32_t>();
  if (static_cast<ValueType>(type) != ValueType::kArray) return ReadScalar(reader, type, name);
  const auto element_type = reader.Read<uint32_t>();
  const auto count = reader.Read<uint64_t>();
  if (count > reader.remaining()) {
    throw CutShort(name, "a list of " + std::to_string(count) + " elements in " +
                             std::to_string(reader.remaining()) + " bytes");
  }
  Json list = Json::array();
  for (uint64_t i = 0; i < count; ++i) {
    Json element = ReadScalar(reader, element_type, name);
    if (count <= kMostElements) list.push_back(std::move(element));
  }
  return count <= kMostElements ? list : Json();
}

const GgmlType& FindType(uint32_t number, const std::string& where) {
  for (const GgmlType& type : kTypes) {
    if (type.number == number) return type;
  }
  throw Error(ErrorCode::kUnsupported, where + ": unknown type " + std::to_string(number));
}

/// Everything but where the data begin, which is still counted from the end of the header.
GgufTensor ReadTensor(ByteReader& reader, const std::string& name) {
  GgufTensor tensor;
  tensor.name = ReadString(reader, kMostNameBytes, name);
  const std::string where = name + ": tensor " + Quoted(tensor.name);
  const auto extents = reader.Read<uint32_t>();
  if (extents > kMostGgmlExtents) {
    throw Malformed(where, std::to_string(extents) + " extents, allowed are " +
                               std::to_string(kMostGgmlExtents));
  }
  int64_t count = 1;
  for (uint32_t i = 0; i < extents; ++i) {
    const auto extent = reader.Read<int64_t>();
    if (extent < 0 || __builtin_mul_overflow(count, extent, &count)) {
      throw Malformed(where, "an impossible shape");
    }
    tensor.shape.insert(tensor.shape.begin(), extent);
  }
  tensor.type = &FindType(reader.Read<uint32_t>(), where);
  tensor.begin = reader.Read<uint64_t>();
  const int64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
  if (row % tensor.type->block_elements != 0) {
    throw Malformed(where, std::string(tensor.type->name) + " of shape " + ToString(tensor.shape) +
                               ": rows must be a multiple of " +
                               std::to_string(tensor.type->block_elements));
  }
  int64_t bytes = 0;
  if (__builtin_mul_overflow(count / tensor.type->block_elements, tensor.type->block_bytes,
                             &bytes)) {
    throw Malformed(where, "impossible shape " + ToString(tensor.shape));
  }
  tensor.bytes = static_cast<uint64_t>(bytes);
  return tensor;
}

uint64_t AlignmentOf(const Json& metadata, const std::string& name) {
  const auto found = metadata.find("general.alignment");
  if (found == metadata.end()) return kDefaultAlignment;
  const uint64_t alignment = found->is_number_unsigned() ? found->get<uint64_t>() : 0;
  if (!std::has_single_bit(alignment) || alignment > kMostAlignment) {
    throw Malformed(name, "'general.alignment': expected a power of two up to " +
                              std::to_string(kMostAlignment));
  }
  return alignment;
}

/// Moves `begin` of the tensors to where it stands in the file and checks that their data lie there
/// one apart from the other.
void PlaceTensors(std::vector<GgufTensor>& tensors, uint64_t header_end, uint64_t alignment,
                  uint64_t file_bytes, const std::string& name) {
  const uint64_t data_begin = (header_end + alignment - 1) / alignment * alignment;
  std::vector<const GgufTensor*> sorted;
  for (GgufTensor& tensor : tensors) {
    const std::string where = name + ": tensor " + Quoted(tensor.name);
    if (tensor.begin % alignment != 0) {
      throw Malformed(where, "data begin at " + std::to_string(tensor.begin) +
                                 ", which is no multiple of " + std::to_string(alignment));
    }
    if (data_begin > file_bytes || tensor.begin > file_bytes - data_begin ||
        tensor.bytes > file_bytes - data_begin - tensor.begin) {
      throw CutShort(where, "lies outside the file");
    }
    tensor.begin += data_begin;
    if (tensor.bytes != 0) sorted.push_back(&tensor);
  }
  std::sort(sorted.begin(), sorted.end(),
            [](const GgufTensor* a, const GgufTensor* b) { return a->begin < b->begin; });
  for (size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i - 1]->begin + sorted[i - 1]->bytes > sorted[i]->begin) {
      throw Malformed(name, "tensors " + Quoted(sorted[i - 1]->name) + " and " +
                                Quoted(sorted[i]->name) + " overlap");
    }
  }
}

void CheckVersion(uint32_t version, const std::string& name) {
  if (version == 2 || version == 3) return;
  // A version in the other byte order has its low half empty.
  const bool swapped = (version & 0xffff) == 0 && version != 0;
  throw Error(ErrorCode::kUnsupported,
              name + ": expected GGUF version 2 or 3, found " +
                  (swapped ? "a big-endian file" : std::to_string(version)));
}

void ReadBlocks(const std::byte* data, int64_t first, std::span<float> values) {
  constexpr int64_t kElements = 32;
  constexpr int64_t kBytes = 34;  // a half as the scale, then one signed byte per element
  for (size_t i = 0; i < values.size(); ++i) {
    const int64_t element = first + static_cast<int64_t>(i);
    const std::byte* block = data + element / kElements * kBytes;
    uint16_t scale = 0;
    std::memcpy(&scale, block, sizeof(scale));
    const auto quantum = std::bit_cast<int8_t>(block[2 + element % kElements]);
    values[i] = Float16ToFloat(scale) * static_cast<float>(quantum);
  }
}

}  // namespace

GgufHeader ParseGgufHeader(std::span<const std::byte> file, const std::string& name) {
  ByteReader reader(file, name);
  if (reader.Read<uint32_t>() != kGgufMagic) throw Malformed(name, "no GGUF file");
  CheckVersion(reader.Read<uint32_t>(), name);
  const auto tensors = reader.Read<uint64_t>();
  const auto entries = reader.Read<uint64_t>();
  if (entries > reader.remaining() / kLeastEntryBytes ||
      tensors > reader.remaining() / kLeastTensorBytes) {
    throw CutShort(name, std::to_string(entries) + " metadata entries and " +
                             std::to_string(tensors) + " tensors in " +
                             std::to_string(file.size()) + " bytes");
  }
  GgufHeader header;
  for (uint64_t i = 0; i < entries; ++i) {
    const std::string key = ReadString(reader, kMostNameBytes, name);
    if (header.metadata.contains(key)) {
      throw Malformed(name, "metadata " + Quoted(key) + " is there twice");
    }
    header.metadata[key] = ReadValue(reader, name + ": metadata " + Quoted(key));
  }
  for (uint64_t i = 0; i < tensors; ++i) header.tensors.push_back(ReadTensor(reader, name));
  PlaceTensors(header.tensors, reader.position(), AlignmentOf(header.metadata, name), file.size(),
               name);
  return header;
}

bool IsReadable(const GgmlType& type) {
  for (uint32_t readable : {kF32, kF16, kBF16, kF64, kQ8}) {
    if (type.number == readable) return true;
  }
  return false;
}

void ReadGgufTensor(std::span<const std::byte> file, const GgufTensor& tensor, int64_t first,
                    std::span<float> values) {
  const std::byte* data = file.data() + tensor.begin;
  if (tensor.type->number == kQ8) {
    ReadBlocks(data, first, values);
    return;
  }
  DType dtype = DType::kF32;
  switch (tensor.type->number) {
    case kF32: break;
    case kF16: dtype = DType::kF16; break;
    case kBF16: dtype = DType::kBF16; break;
    case kF64: dtype = DType::kF64; break;
    default:
      throw Error(ErrorCode::kUnsupported, "tensor " + Quoted(tensor.name) + ": type " +
                                               tensor.type->name + " cannot be read");
  }
  const auto size = static_cast<size_t>(SizeOf(dtype));
  ConvertToFloat({dtype,
                  {static_cast<int64_t>(values.size())},
                  {data + static_cast<size_t>(first) * size, values.size() * size}},
                 values);
}

}  // namespace siglip
