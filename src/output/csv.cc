#include "output/csv.h"

#include "base/atomic_file.h"
#include "output/text.h"

namespace siglip {

std::string CsvField(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string field = "\"";
  for (const char letter : text) field += letter == '"' ? "\"\"" : std::string(1, letter);
  return field + "\"";
}

void WriteCsv(EmbeddingTable& table, const std::filesystem::path& path,
              const WriteOptions& options) {
  AtomicFile output(path, options);
  std::string line = "path";
  for (int64_t i = 0; i < table.shape().back(); ++i) line += "," + std::to_string(i);
  output.Write(line + "\n");
  for (size_t row = 0; row < table.rows(); ++row) {
    line = CsvField(table.Name(row));
    for (const float value : table.Row(row)) line += "," + ExactNumber(value);
    output.Write(line + "\n");
  }
  output.Commit();
}

}  // namespace siglip
