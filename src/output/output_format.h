// The formats that embeddings can be written in, chosen by a file's ending.
#pragma once

#include <filesystem>
#include <vector>

#include "output/embedding_table.h"
#include "siglip/write_options.hpp"

namespace siglip {

enum class OutputFormat { kNpy, kNpz, kSafetensors, kJsonLines, kCsv };

/// By .npy, .npz, .safetensors, .jsonl or .csv. Throws Error(kInvalidArgument) listing them.
OutputFormat OutputFormatOf(const std::filesystem::path& path);

/// The files that WriteTable makes.
std::vector<std::filesystem::path> OutputFiles(const std::filesystem::path& path);

/// Each file appears whole or not at all. Throws as AtomicFile does.
void WriteTable(EmbeddingTable& table, const std::filesystem::path& path,
                const WriteOptions& options);

}  // namespace siglip
