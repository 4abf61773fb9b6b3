// Embeddings of files that hold a line of text for each: JSON lines and CSV.
#pragma once

#include <filesystem>
#include <memory>

#include "output/embedding_file.h"

namespace siglip {

std::unique_ptr<EmbeddingFile> OpenJsonLines(const std::filesystem::path& path);
std::unique_ptr<EmbeddingFile> OpenCsvEmbeddings(const std::filesystem::path& path);

}  // namespace siglip
