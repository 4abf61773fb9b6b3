// Tables of comma-separated values (RFC 4180, lines ending in "\n").
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "output/embedding_table.h"
#include "siglip/write_options.hpp"

namespace siglip {

/// In quotes where it holds a comma, a quote or a line end. Bytes are left as they are, also those
/// that are no UTF-8.
std::string CsvField(std::string_view text);

/// A header, "path" and the numbers of the values from 0, then a line per row: its name and its
/// values. Rows must be vectors.
void WriteCsv(EmbeddingTable& table, const std::filesystem::path& path,
              const WriteOptions& options);

}  // namespace siglip
