// Where `siglip embed` puts embeddings: standard output at once, or a file by way of a journal.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "journal.h"
#include "siglip/engine.h"

namespace siglip::cli {

class EmbeddingOutput {
 public:
  virtual ~EmbeddingOutput() = default;

  /// Whether an earlier run has embedded this picture already. Asked about every input in their
  /// order; one that is reused needs no Add.
  virtual bool Reuse(const std::string& path) = 0;
  /// Results of the other inputs, failed ones included, in their order. May be called while another
  /// thread calls Reuse.
  virtual void Add(const EmbedResult& result) = 0;
  /// All is there.
  virtual void Finish() = 0;
};

/// JSON lines as they come. Add throws ExitCode when the reader has gone away, and Error(kIo) when
/// writing fails otherwise.
std::unique_ptr<EmbeddingOutput> MakeStandardOutput(const Shape& shape);

/// Keeps embeddings in PATH.partial until Finish writes PATH. Throws as Journal does.
std::unique_ptr<EmbeddingOutput> MakeFileOutput(const std::filesystem::path& path,
                                                Journal::Start start, const Settings& settings,
                                                const Shape& shape);

}  // namespace siglip::cli
