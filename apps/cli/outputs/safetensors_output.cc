#include "outputs/safetensors_output.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace siglip::cli {
namespace {

/// An integer as safetensors stores it, little-endian.
std::string Bytes(uint64_t value) { return {reinterpret_cast<const char*>(&value), sizeof(value)}; }

/// The header that announces the tensors in the order of their data.
std::string Header(const EmbeddingTable& table, uint64_t names_bytes) {
  nlohmann::ordered_json header;
  if (!table.settings().empty()) header["__metadata__"] = table.settings();
  uint64_t end = 0;
  const auto add = [&](const char* name, const char* dtype, const Shape& shape, uint64_t bytes) {
    header[name] = {{"dtype", dtype}, {"shape", shape}, {"data_offsets", {end, end + bytes}}};
    end += bytes;
  };
  const auto rows = static_cast<int64_t>(table.rows());
  add("names_offsets", "I64", {rows + 1}, (table.rows() + 1) * sizeof(int64_t));
  add("embeddings", "F32", table.shape(),
      static_cast<uint64_t>(ElementCount(table.shape())) * sizeof(float));
  add("names_utf8", "U8", {static_cast<int64_t>(names_bytes)}, names_bytes);
  std::string json = header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  json.append((8 - json.size() % 8) % 8, ' ');  // the data begins aligned
  return Bytes(json.size()) + json;
}

}  // namespace

void WriteSafetensorsTable(EmbeddingTable& table, const std::filesystem::path& path,
                           const WriteOptions& options) {
  uint64_t names_bytes = 0;
  for (size_t row = 0; row < table.rows(); ++row) names_bytes += table.Name(row).size();

  AtomicFile output(path, options);
  output.Write(Header(table, names_bytes));
  uint64_t offset = 0;
  output.Write(Bytes(offset));
  for (size_t row = 0; row < table.rows(); ++row) {
    offset += table.Name(row).size();
    output.Write(Bytes(offset));
  }
  for (size_t row = 0; row < table.rows(); ++row) output.Write(std::as_bytes(table.Row(row)));
  for (size_t row = 0; row < table.rows(); ++row) output.Write(table.Name(row));
  output.Commit();
}

}  // namespace siglip::cli
