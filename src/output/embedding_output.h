// Where a run puts the embeddings it makes.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "output/embedding.h"
#include "output/journal.h"
#include "siglip/tensor.hpp"
#include "siglip/write_options.hpp"

namespace siglip {

class EmbeddingOutput {
 public:
  virtual ~EmbeddingOutput() = default;

  /// Whether an earlier run has embedded this already: the same text, or the picture whose file has
  /// not changed since. Asked about every input in their order; one that is reused is not added.
  virtual bool Reuse(RowType type, const std::string& name) = 0;
  /// The next of the other inputs in their order. May be called while another thread calls Reuse.
  /// Throws Error(kInvalidArgument) for an embedding that is new where the output is there already
  /// and not to be replaced.
  virtual void Add(RowType type, const std::string& name, std::span<const float> row) = 0;
  /// Likewise, for one that cannot be embedded.
  virtual void Skip() = 0;
  /// All is there.
  virtual void Finish() = 0;
};

/// The file that MakeFileOutput keeps embeddings in until they are complete.
std::filesystem::path JournalPath(const std::filesystem::path& output);

/// Keeps rows of `shape`, [D] or [N, D], in JournalPath(path) until Finish writes `path`, in the
/// format that its ending says. Throws as Journal does, and Finish as WriteTable; then the journal
/// stays.
std::unique_ptr<EmbeddingOutput> MakeFileOutput(const std::filesystem::path& path,
                                                Journal::Start start,
                                                const EmbeddingSettings& settings,
                                                const Shape& shape, const WriteOptions& options);

}  // namespace siglip
