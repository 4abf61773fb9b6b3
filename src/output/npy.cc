#include "output/npy.h"

#include <array>

#include "base/atomic_file.h"

namespace siglip {
namespace {

/// One line, whatever the name holds.
std::string EscapedLine(const std::string& name) {
  std::string line;
  for (const char byte : name) {
    switch (byte) {
      case '\\': line += "\\\\"; break;
      case '\n': line += "\\n"; break;
      case '\r': line += "\\r"; break;
      default: line += byte;
    }
  }
  return line + "\n";
}

}  // namespace

std::string NpyDescr(DType dtype) { return dtype == DType::kF16 ? "<f2" : "<f4"; }

std::string BuildNpyHeader(const std::string& descr, const Shape& shape) {
  std::string extents;
  for (const int64_t extent : shape) extents += std::to_string(extent) + ", ";
  std::string header =
      "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (" + extents + "), }";
  constexpr size_t kBeforeHeader = 10;  // magic, version and the header's size
  // Padded so that the elements begin at a multiple of 64.
  header.append(63 - (kBeforeHeader + header.size()) % 64, ' ');
  header += '\n';
  const auto size = static_cast<uint16_t>(header.size());
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(size & 0xFF) +
         static_cast<char>(size >> 8) + header;
}

std::filesystem::path NpyNamesPath(const std::filesystem::path& path) {
  return path.string() + ".names.txt";
}

void WriteNpy(EmbeddingTable& table, const std::filesystem::path& path,
              const WriteOptions& options) {
  AtomicFile matrix(path, options);
  AtomicFile names(NpyNamesPath(path), options);
  matrix.Write(BuildNpyHeader(NpyDescr(table.dtype()), table.shape()));
  for (size_t row = 0; row < table.rows(); ++row) {
    names.Write(EscapedLine(table.Name(row)));
    matrix.Write(table.Bytes(row));
  }
  const std::array<AtomicFile*, 2> pair = {&matrix, &names};
  AtomicFile::CommitTogether(pair);
}

}  // namespace siglip
