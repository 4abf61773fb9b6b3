// Embeddings of files that hold them as one array: .npy, .npz and .safetensors.
#pragma once

#include <filesystem>
#include <memory>

#include "output/embedding_file.h"

namespace siglip {

std::unique_ptr<EmbeddingFile> OpenNpyEmbeddings(const std::filesystem::path& path);
std::unique_ptr<EmbeddingFile> OpenNpzEmbeddings(const std::filesystem::path& path);
std::unique_ptr<EmbeddingFile> OpenSafetensorsEmbeddings(const std::filesystem::path& path);

}  // namespace siglip
