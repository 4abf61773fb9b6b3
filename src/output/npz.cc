#include "output/npz.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/atomic_file.h"
#include "output/npy.h"
#include "output/text.h"
#include "output/zip_writer.h"

namespace siglip {
namespace {

std::u32string Decoded(const std::string& name) {
  std::u32string characters;
  for (std::string_view rest = name; !rest.empty();) characters += TakeCodePoint(rest);
  return characters;
}

/// Every name takes as many characters as the longest: NumPy's strings have a fixed width.
void WriteNames(EmbeddingTable& table, ZipWriter& zip) {
  size_t width = 1;
  for (size_t row = 0; row < table.rows(); ++row) {
    width = std::max(width, Decoded(table.Name(row)).size());
  }
  const std::string header = BuildNpyHeader("<U" + std::to_string(width), {table.shape().front()});
  zip.Begin("names.npy", header.size() + table.rows() * width * sizeof(char32_t));
  zip.Write(header);
  for (size_t row = 0; row < table.rows(); ++row) {
    std::u32string name = Decoded(table.Name(row));
    name.resize(width, U'\0');
    zip.Write({reinterpret_cast<const char*>(name.data()), width * sizeof(char32_t)});
  }
}

}  // namespace

void WriteNpz(EmbeddingTable& table, const std::filesystem::path& path,
              const WriteOptions& options) {
  AtomicFile output(path, options);
  ZipWriter zip(output);
  const std::string header = BuildNpyHeader(NpyDescr(table.dtype()), table.shape());
  const auto elements = static_cast<uint64_t>(ElementCount(table.shape()));
  zip.Begin("embeddings.npy",
            header.size() + elements * static_cast<uint64_t>(SizeOf(table.dtype())));
  zip.Write(header);
  for (size_t row = 0; row < table.rows(); ++row) zip.Write(table.Bytes(row));
  WriteNames(table, zip);
  zip.Finish();
  output.Commit();
}

}  // namespace siglip
