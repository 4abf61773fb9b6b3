// The formats that embeddings can be written in, chosen by a file's ending.
#pragma once

#include <filesystem>
#include <vector>

#include "embedding_table.h"

namespace siglip::cli {

enum class OutputFormat { kNpy, kNpz, kSafetensors, kJsonLines, kCsv };

/// By .npy, .npz, .safetensors, .jsonl or .csv. Throws Error(kInvalidArgument) listing them.
OutputFormat OutputFormatOf(const std::filesystem::path& path);

/// The files that WriteTable makes, `path` being the last.
std::vector<std::filesystem::path> OutputFiles(const std::filesystem::path& path);

/// Each file appears whole or not at all. Throws Error(kIo).
void WriteTable(EmbeddingTable& table, const std::filesystem::path& path);

}  // namespace siglip::cli
