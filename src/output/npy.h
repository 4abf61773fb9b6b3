// Embeddings as NumPy arrays (numpy.lib.format, version 1.0).
#pragma once

#include <filesystem>
#include <string>

#include "output/embedding_table.h"
#include "siglip/tensor.hpp"
#include "siglip/write_options.hpp"

namespace siglip {

/// Of kF32 or kF16, as BuildNpyHeader takes it.
std::string NpyDescr(DType dtype);

/// What precedes the elements; `descr` as "<f4" for f32.
std::string BuildNpyHeader(const std::string& descr, const Shape& shape);

/// The matrix into `path`, and the names into NpyNamesPath(path), as AtomicFile::CommitTogether
/// does it: names that are there belong to the matrix.
void WriteNpy(EmbeddingTable& table, const std::filesystem::path& path,
              const WriteOptions& options);

/// PATH.names.txt: one name per line, in which a backslash stands as \\, a line end as \n and a
/// carriage return as \r; other bytes as they are.
std::filesystem::path NpyNamesPath(const std::filesystem::path& path);

}  // namespace siglip
