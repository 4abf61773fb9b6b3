// Embeddings as an archive of NumPy arrays.
#pragma once

#include <filesystem>

#include "output/embedding_table.h"
#include "siglip/write_options.hpp"

namespace siglip {

/// An archive of `embeddings` and `names`, stored without compression. Names are unicode; a byte
/// that is no part of valid UTF-8 is U+DC00 + byte, which os.fsencode turns back.
void WriteNpz(EmbeddingTable& table, const std::filesystem::path& path,
              const WriteOptions& options);

}  // namespace siglip
