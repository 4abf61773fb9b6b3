// Embeddings as JSON lines.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "output/embedding.h"
#include "output/embedding_table.h"
#include "siglip/tensor.hpp"
#include "siglip/write_options.hpp"

namespace siglip {

/// {"type":"picture","path":"cat.jpg","embedding":[0.25,-1.5]} and a line end; of a text the type
/// is "text", and the path the text with "text:" before it. Numbers are the shortest that read back
/// as the same float. A name that is no UTF-8 has its wrong bytes replaced by U+FFFD in "path";
/// "path_base64" then holds its exact bytes. `shape` is [D] or [N, D].
std::string JsonLine(RowType type, const std::string& name, const Shape& shape,
                     std::span<const float> row);

void WriteJsonLines(EmbeddingTable& table, const std::filesystem::path& path,
                    const WriteOptions& options);

}  // namespace siglip
