#include "jsonl.h"

#include <array>
#include <charconv>

#include "siglip/atomic_file.h"
#include "text.h"

namespace siglip::cli {
namespace {

void AppendVector(std::string& line, std::span<const float> values) {
  std::array<char, 32> text;
  char separator = '[';
  for (const float value : values) {
    line += separator;
    line.append(text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr);
    separator = ',';
  }
  line += ']';
}

}  // namespace

std::string JsonLine(const std::string& name, const Shape& shape, std::span<const float> row) {
  std::string line = "{\"path\":" + JsonQuoted(name);
  if (!IsUtf8(name)) line += ",\"path_base64\":\"" + Base64(name) + "\"";
  line += ",\"embedding\":";
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

void WriteJsonLines(EmbeddingTable& table, const std::filesystem::path& path) {
  const Shape row_shape(table.shape().begin() + 1, table.shape().end());
  AtomicFile output(path);
  for (size_t row = 0; row < table.rows(); ++row) {
    output.Write(JsonLine(table.Name(row), row_shape, table.Row(row)));
  }
  output.Commit();
}

}  // namespace siglip::cli
