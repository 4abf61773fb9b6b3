// Where `siglip embed` puts embeddings: standard output at once, or a file by way of a journal.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "outputs/journal.h"
#include "siglip/engine.h"

namespace siglip::cli {

class EmbeddingOutput {
 public:
  virtual ~EmbeddingOutput() = default;

  /// Whether an earlier run has embedded this already: the same text, or the picture whose file has
  /// not changed since. Asked about every input in their order; one that is reused needs no Add.
  /// Throws Error(kInvalidArgument) for a picture that the output would replace.
  virtual bool Reuse(RowType type, const std::string& name) = 0;
  /// Results of the other inputs, failed ones included, in their order. May be called while another
  /// thread calls Reuse. Throws Error(kInvalidArgument) for an embedding that is new where the
  /// output is there already and not to be replaced.
  virtual void Add(RowType type, const EmbedResult& result) = 0;
  /// All is there.
  virtual void Finish() = 0;
};

/// JSON lines as they come. Add throws ExitCode when the reader has gone away, and Error(kIo) when
/// writing fails otherwise.
std::unique_ptr<EmbeddingOutput> MakeStandardOutput(const Shape& shape);

/// The file that MakeFileOutput keeps embeddings in until they are complete.
std::filesystem::path JournalPath(const std::filesystem::path& output);

/// Keeps embeddings in JournalPath(path) until Finish writes `path`. Throws as Journal does, and
/// Finish as WriteTable; then the journal stays.
std::unique_ptr<EmbeddingOutput> MakeFileOutput(const std::filesystem::path& path,
                                                Journal::Start start, const Settings& settings,
                                                const Shape& shape, const WriteOptions& options);

}  // namespace siglip::cli
