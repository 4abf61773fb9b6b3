#include "output/safetensors_table.h"

#include <cstdint>
#include <string>
#include <vector>

#include "weights/safetensors_writer.h"

namespace siglip {
namespace {

constexpr const char* kOffsets = "names_offsets";
constexpr const char* kNames = "names_utf8";

}  // namespace

void WriteSafetensorsTable(EmbeddingTable& table, const std::filesystem::path& path,
                           const WriteOptions& options) {
  int64_t names_bytes = 0;
  for (size_t row = 0; row < table.rows(); ++row) {
    names_bytes += static_cast<int64_t>(table.Name(row).size());
  }
  SafetensorsWriter output(path,
                           {{kOffsets, "I64", {static_cast<int64_t>(table.rows()) + 1}},
                            {kEmbeddings, std::string(ToString(table.dtype())), table.shape()},
                            {kNames, "U8", {names_bytes}}},
                           table.settings(), options);
  int64_t offset = 0;
  output.Append(kOffsets, std::as_bytes(std::span(&offset, 1)));
  for (size_t row = 0; row < table.rows(); ++row) {
    offset += static_cast<int64_t>(table.Name(row).size());
    output.Append(kOffsets, std::as_bytes(std::span(&offset, 1)));
  }
  for (size_t row = 0; row < table.rows(); ++row) {
    output.Append(kEmbeddings, table.Bytes(row));
  }
  for (size_t row = 0; row < table.rows(); ++row) {
    const std::string name = table.Name(row);
    output.Append(kNames, std::as_bytes(std::span(name)));
  }
  output.Commit();
}

}  // namespace siglip
