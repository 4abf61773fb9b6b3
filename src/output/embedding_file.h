// Embeddings out of the files that siglip embed writes.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "output/embedding.h"

namespace siglip {

/// Files may be damaged, or anybody's: whatever they hold, they end in an Error or in rows.
class EmbeddingFile {
 public:
  /// A row of D numbers, which may be any floats; valid during the call. Names are those of RowKey.
  using Visit =
      std::function<void(RowType type, const std::string& name, std::span<const float> row)>;

  virtual ~EmbeddingFile() = default;

  /// How the embeddings were made; empty where the file does not say so.
  virtual EmbeddingSettings settings() const { return {}; }
  /// In their order. Throws Error(kMalformedFile) naming file and row for what is none, rows of
  /// different D among it, and kUnsupported for the vectors of all patches; and what `visit`
  /// throws.
  virtual void ForEachRow(const Visit& visit) const = 0;
};

/// By the ending, as OutputFormatOf has it. Throws as that does and as MappedFile::Open, for a .npy
/// file also without its names; Error(kMalformedFile).
std::unique_ptr<EmbeddingFile> OpenEmbeddingFile(const std::filesystem::path& path);

}  // namespace siglip
