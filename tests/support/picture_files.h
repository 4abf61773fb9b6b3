// Bytes of picture files for tests: those in tests/data/images, and builders for odd ones.
#pragma once

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "file_bytes.h"
#include "siglip/image.hpp"

namespace siglip {

inline std::filesystem::path PictureFolder() {
  return std::filesystem::path(SIGLIP_SOURCE_DIR) / "tests/data/images";
}

/// Pictures with faults that Pillow reads over.
inline std::filesystem::path FaultyPictureFolder() {
  return PictureFolder().parent_path() / "faulty_images";
}

inline std::string ReadPicture(const std::string& name) {
  return ReadBytes(PictureFolder() / name);
}

/// Whether the codec for a picture was left out of this build.
inline bool LacksCodec(std::string_view bytes) {
  const auto format = DetectImageFormat(std::as_bytes(std::span(bytes.data(), bytes.size())));
  return format && !CanDecode(*format);
}

inline std::string LittleEndian(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> 8 * i & 0xFF);
  return text;
}

inline std::string BigEndian(uint64_t value, int bytes) {
  const std::string text = LittleEndian(value, bytes);
  return {text.rbegin(), text.rend()};
}

/// `text` with the bytes at `offset` replaced.
inline std::string Patched(std::string text, size_t offset, std::string_view bytes) {
  std::copy(bytes.begin(), bytes.end(), text.begin() + static_cast<std::ptrdiff_t>(offset));
  return text;
}

/// Where `needle` begins; it must be there.
inline size_t Find(std::string_view text, std::string_view needle, size_t from = 0) {
  const size_t at = text.find(needle, from);
  if (at == std::string_view::npos) throw std::runtime_error("test picture lacks a part");
  return at;
}

inline constexpr std::string_view kPngSignature = "\x89PNG\r\n\x1A\n";

inline std::string PngChunk(const std::string& name, const std::string& data) {
  const std::string body = name + data;
  const uLong sum = crc32(0, reinterpret_cast<const Bytef*>(body.data()), body.size());
  return BigEndian(data.size(), 4) + body + BigEndian(sum, 4);
}

inline std::string PngHeader(uint32_t width, uint32_t height, int bits, int colour_type) {
  return std::string(kPngSignature) +
         PngChunk("IHDR", BigEndian(width, 4) + BigEndian(height, 4) + static_cast<char>(bits) +
                              static_cast<char>(colour_type) + std::string(3, '\0'));
}

inline std::string Deflated(const std::string& data) {
  uLongf size = compressBound(data.size());
  std::string out(size, '\0');
  compress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(data.data()),
           data.size());
  out.resize(size);
  return out;
}

/// The chunks of pixels and end.
inline std::string PngPixels(const std::string& rows) {
  return PngChunk("IDAT", Deflated(rows)) + PngChunk("IEND", "");
}

/// One segment of a JPEG file: marker, length, data.
inline std::string JpegSegment(int marker, const std::string& data) {
  return std::string("\xFF") + static_cast<char>(marker) + BigEndian(data.size() + 2, 2) + data;
}

struct TiffEntry {
  int tag;
  int type;  // 3: 16 bits, 4: 32 bits
  uint32_t value;
};

/// A little-endian TIFF file of one directory and `data` behind it.
inline std::string Tiff(const std::vector<TiffEntry>& entries, const std::string& data = {}) {
  std::string file = std::string("II*\0", 4) + LittleEndian(8, 4) + LittleEndian(entries.size(), 2);
  for (const TiffEntry& entry : entries) {
    file += LittleEndian(static_cast<uint32_t>(entry.tag), 2) +
            LittleEndian(static_cast<uint32_t>(entry.type), 2) + LittleEndian(1, 4) +
            LittleEndian(entry.value, 4);
  }
  return file + LittleEndian(0, 4) + data;
}

/// A box of an ISO media file.
inline std::string MediaBox(const std::string& name, const std::string& data) {
  return BigEndian(data.size() + 8, 4) + name + data;
}

}  // namespace siglip
