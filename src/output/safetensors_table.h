// Embeddings as a safetensors file.
#pragma once

#include <filesystem>

#include "output/embedding_table.h"
#include "siglip/write_options.hpp"

namespace siglip {

/// What the tensor of vectors is called, here and in archives of numpy.
inline constexpr const char* kEmbeddings = "embeddings";

/// `embeddings` (F32), `names_utf8` (U8, the names' bytes one after the other) and `names_offsets`
/// (I64, rows + 1): name i is names_utf8[names_offsets[i]:names_offsets[i + 1]]. The settings are
/// the file's metadata. Streamed: the embeddings may be larger than the memory.
void WriteSafetensorsTable(EmbeddingTable& table, const std::filesystem::path& path,
                           const WriteOptions& options);

}  // namespace siglip
