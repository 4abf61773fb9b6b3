#include "output/jsonl.h"

#include "base/atomic_file.h"
#include "output/text.h"

namespace siglip {
namespace {

void AppendVector(std::string& line, std::span<const float> values) {
  char separator = '[';
  for (const float value : values) {
    line += separator + ExactNumber(value);
    separator = ',';
  }
  line += ']';
}

}  // namespace

std::string JsonLine(RowType type, const std::string& name, const Shape& shape,
                     std::span<const float> row) {
  std::string line = type == RowType::kText ? "{\"type\":\"text\"" : "{\"type\":\"picture\"";
  line += "," + JsonPath(name) + ",\"embedding\":";
  if (shape.size() == 1) {
    AppendVector(line, row);
  } else {
    const auto width = static_cast<size_t>(shape.back());
    for (size_t begin = 0; begin < row.size(); begin += width) {
      line += begin == 0 ? '[' : ',';
      AppendVector(line, row.subspan(begin, width));
    }
    line += ']';
  }
  return line + "}\n";
}

void WriteJsonLines(EmbeddingTable& table, const std::filesystem::path& path,
                    const WriteOptions& options) {
  const Shape row_shape(table.shape().begin() + 1, table.shape().end());
  AtomicFile output(path, options);
  for (size_t row = 0; row < table.rows(); ++row) {
    const RowKey key = table.Key(row);
    output.Write(JsonLine(key.type, key.name, row_shape, table.Row(row)));
  }
  output.Commit();
}

}  // namespace siglip
