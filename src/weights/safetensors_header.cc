// See safetensors_header.h.
#include "weights/safetensors_header.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <tuple>
#include <utility>

#include "base/file_kind.h"
#include "base/json.h"
#include "siglip/error.hpp"
#include "weights/malformed.h"
#include "weights/quoted.h"

namespace siglip {
namespace {

constexpr size_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;
constexpr size_t kDataAlignment = 64;
constexpr size_t kMostExtents = 64;  // numpy's limit; keeps messages short
constexpr char kMetadataKey[] = "__metadata__";

struct DTypeWidth {
  std::string_view name;
  int64_t bits;
};

/// All dtypes the format knows. Those without a DType are listed so that a file that holds some
/// beside the tensors of the image tower still opens.
constexpr std::array<DTypeWidth, 22> kWidths = {
    {{"F64", 64},    {"F32", 32}, {"F16", 16},        {"BF16", 16},       {"I64", 64},
     {"I32", 32},    {"I16", 16}, {"I8", 8},          {"U64", 64},        {"U32", 32},
     {"U16", 16},    {"U8", 8},   {"BOOL", 8},        {"F8_E4M3", 8},     {"F8_E5M2", 8},
     {"F8_E8M0", 8}, {"C64", 64}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"F6_E2M3", 6},
     {"F6_E3M2", 6}, {"F4", 4}}};

/// Bytes of `shape` elements of `bits` each; nothing when that overflows or is no whole number.
std::optional<uint64_t> ByteCount(const Shape& shape, int64_t bits) {
  int64_t count = 1;
  for (int64_t extent : shape) {
    if (extent < 0 || __builtin_mul_overflow(count, extent, &count)) return std::nullopt;
  }
  int64_t total = 0;
  if (__builtin_mul_overflow(count, bits, &total) || total % 8 != 0) return std::nullopt;
  return static_cast<uint64_t>(total / 8);
}

/// Integers here are written without sign, point or exponent; anything else is refused.
uint64_t ReadUnsigned(const Json& value, const std::string& where) {
  if (!value.is_number_unsigned() || value.get<uint64_t>() > INT64_MAX) {
    throw Error(ErrorCode::kMalformedFile,
                where + ": expected an integer from 0 to 2^63 - 1, found " + ShownJson(value));
  }
  return value.get<uint64_t>();
}

const Json& EntryField(const Json& tensor, const char* key, const std::string& where) {
  const auto field = tensor.find(key);
  if (field == tensor.end()) throw Malformed(where, "no '" + std::string(key) + "'");
  return *field;
}

SafetensorsEntry ParseEntry(const std::string& tensor_name, const Json& tensor,
                            const std::string& file_name) {
  const std::string where = file_name + ": tensor " + Quoted(tensor_name);
  if (!tensor.is_object()) throw Malformed(where, "expected an object, found " + ShownJson(tensor));
  SafetensorsEntry entry;
  entry.name = tensor_name;
  entry.dtype = JsonString(EntryField(tensor, "dtype", where), "dtype", where);

  const Json& shape = EntryField(tensor, "shape", where);
  if (!shape.is_array())
    throw Malformed(where, "'shape': expected a list, found " + ShownJson(shape));
  if (shape.size() > kMostExtents) {
    throw Malformed(where, "'shape': expected at most " + std::to_string(kMostExtents) +
                               " extents, found " + std::to_string(shape.size()));
  }
  for (const Json& extent : shape) {
    entry.shape.push_back(static_cast<int64_t>(ReadUnsigned(extent, where + ": 'shape'")));
  }

  const Json& offsets = EntryField(tensor, "data_offsets", where);
  if (!offsets.is_array() || offsets.size() != 2) {
    throw Malformed(where, "'data_offsets': expected [begin, end], found " + ShownJson(offsets));
  }
  entry.begin = ReadUnsigned(offsets[0], where + ": 'data_offsets'");
  entry.end = ReadUnsigned(offsets[1], where + ": 'data_offsets'");
  if (entry.begin > entry.end) {
    throw Malformed(where, "'data_offsets': begin after end, found " + ShownJson(offsets));
  }
  return entry;
}

void CheckSize(const SafetensorsEntry& entry, const std::string& file_name) {
  const std::string where = file_name + ": tensor " + Quoted(entry.name);
  const auto width = std::find_if(kWidths.begin(), kWidths.end(), [&](const DTypeWidth& dtype) {
    return dtype.name == entry.dtype;
  });
  if (width == kWidths.end()) {
    throw Error(ErrorCode::kUnsupported, where + ": unknown dtype " + Quoted(entry.dtype));
  }
  const std::optional<uint64_t> bytes = ByteCount(entry.shape, width->bits);
  if (!bytes) {
    throw Malformed(where,
                    "impossible size: " + entry.dtype + " of shape " + ToString(entry.shape));
  }
  if (*bytes != entry.end - entry.begin) {
    throw Malformed(where, entry.dtype + " of shape " + ToString(entry.shape) + " needs " +
                               std::to_string(*bytes) + " bytes, 'data_offsets' hold " +
                               std::to_string(entry.end - entry.begin));
  }
}

/// Sorts by position and checks that the tensors tile [0, data_bytes).
void CheckLayout(std::vector<SafetensorsEntry>& entries, uint64_t data_bytes,
                 const std::string& name) {
  std::sort(entries.begin(), entries.end(),
            [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
              return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
            });
  uint64_t expected = 0;
  for (const SafetensorsEntry& entry : entries) {
    if (entry.begin != expected) {
      throw Malformed(name, "tensor " + Quoted(entry.name) + ": data begin at " +
                                std::to_string(entry.begin) + ", expected " +
                                std::to_string(expected) +
                                (entry.begin < expected ? " (an overlap)" : " (a hole)"));
    }
    expected = entry.end;
  }
  if (expected != data_bytes) {
    const std::string last = entries.empty() ? "" : " after tensor " + Quoted(entries.back().name);
    const std::string what = "data end at " + std::to_string(expected) + last + ", the file has " +
                             std::to_string(data_bytes) + " bytes of data";
    throw expected > data_bytes ? CutShort(name, what) : Malformed(name, what);
  }
}

std::map<std::string, std::string> ParseMetadata(const Json& value, const std::string& name) {
  const std::string where = name + ": '" + kMetadataKey + "'";
  if (!value.is_object()) throw Malformed(where, "expected an object, found " + ShownJson(value));
  std::map<std::string, std::string> metadata;
  for (const auto& [key, text] : value.items()) {
    metadata[key] = JsonString(text, kMetadataKey, name + ": key " + Quoted(key));
  }
  return metadata;
}

/// The JSON between the length and the data.
std::string_view HeaderText(std::span<const std::byte> file, const std::string& name) {
  if (file.size() < kLengthBytes) {
    throw CutShort(name, "expected at least 8 bytes, found " + std::to_string(file.size()));
  }
  uint64_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) {
    length |= std::to_integer<uint64_t>(file[i]) << (8 * i);
  }
  if (length > kMaxHeaderBytes) {
    throw Malformed(name, "expected a safetensors file, found a header of " +
                              std::to_string(length) + " bytes, allowed are " +
                              std::to_string(kMaxHeaderBytes));
  }
  if (length > file.size() - kLengthBytes) {
    throw CutShort(name, "header of " + std::to_string(length) + " bytes, the file has " +
                             std::to_string(file.size() - kLengthBytes));
  }
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + kLengthBytes, length);
  if (!text.starts_with('{')) {
    throw Malformed(name,
                    "expected a safetensors file, found a header that does not begin with '{'");
  }
  return text;
}

}  // namespace

SafetensorsHeader ParseSafetensorsHeader(std::span<const std::byte> file, const std::string& name) {
  const std::string_view text = HeaderText(file, name);
  const Json json = ParseStrictJson(text, name);
  SafetensorsHeader header;
  header.data_begin = kLengthBytes + text.size();
  for (const auto& [key, value] : json.items()) {
    if (key == kMetadataKey) {
      header.metadata = ParseMetadata(value, name);
    } else {
      header.entries.push_back(ParseEntry(key, value, name));
      CheckSize(header.entries.back(), name);
    }
  }
  CheckLayout(header.entries, file.size() - header.data_begin, name);
  return header;
}

std::string BuildSafetensorsHeader(std::vector<SafetensorsEntry>& entries,
                                   const std::map<std::string, std::string>& metadata,
                                   const std::string& name) {
  std::set<std::string_view> seen = {kMetadataKey};
  std::string json = "{";
  const auto refuse = [&](const SafetensorsEntry& entry, const std::string& what) {
    return Error(ErrorCode::kInvalidArgument,
                 name + ": tensor " + Quoted(entry.name) + ": " + what);
  };
  try {
    if (!metadata.empty()) json += Json(kMetadataKey).dump() + ":" + Json(metadata).dump() + ",";
    uint64_t offset = 0;
    for (SafetensorsEntry& entry : entries) {
      if (!seen.insert(entry.name).second) throw refuse(entry, "the name is taken");
      const std::optional<DType> dtype = FindDType(entry.dtype);
      if (!dtype) throw refuse(entry, "unknown dtype " + Quoted(entry.dtype));
      const std::optional<uint64_t> bytes = ByteCount(entry.shape, 8 * SizeOf(*dtype));
      if (!bytes) throw refuse(entry, "impossible shape " + ToString(entry.shape));
      entry.begin = offset;
      if (__builtin_add_overflow(offset, *bytes, &offset) || offset > INT64_MAX) {
        throw refuse(entry, "more than 2^63 bytes in one file");
      }
      entry.end = offset;
      json += Json(entry.name).dump() + ":{\"dtype\":\"" + entry.dtype +
              "\",\"shape\":" + Json(entry.shape).dump() + ",\"data_offsets\":[" +
              std::to_string(entry.begin) + "," + std::to_string(entry.end) + "]},";
    }
  } catch (const Json::exception&) {
    throw Error(ErrorCode::kInvalidArgument, name + ": the name of a tensor is not valid UTF-8",
                "names in safetensors files are JSON strings");
  }
  if (json.size() > 1) json.pop_back();
  json += "}";
  json.append((kDataAlignment - (kLengthBytes + json.size()) % kDataAlignment) % kDataAlignment,
              ' ');
  if (json.size() > kMaxHeaderBytes) {
    throw Error(ErrorCode::kInvalidArgument,
                name + ": names take more than " + std::to_string(kMaxHeaderBytes) + " bytes");
  }
  std::string header(kLengthBytes, '\0');
  for (size_t i = 0; i < kLengthBytes; ++i) header[i] = static_cast<char>(json.size() >> (8 * i));
  return header + json;
}

std::optional<DType> FindDType(std::string_view name) {
  for (DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kF64, DType::kI64, DType::kI32,
                      DType::kI16, DType::kI8, DType::kU8, DType::kBool}) {
    if (ToString(dtype) == name) return dtype;
  }
  return std::nullopt;
}

}  // namespace siglip
