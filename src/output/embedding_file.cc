#include "output/embedding_file.h"

#include "output/array_files.h"
#include "output/output_format.h"
#include "output/text_rows.h"

namespace siglip {

std::unique_ptr<EmbeddingFile> OpenEmbeddingFile(const std::filesystem::path& path) {
  switch (OutputFormatOf(path)) {
    case OutputFormat::kNpy: return OpenNpyEmbeddings(path);
    case OutputFormat::kNpz: return OpenNpzEmbeddings(path);
    case OutputFormat::kSafetensors: return OpenSafetensorsEmbeddings(path);
    case OutputFormat::kJsonLines: return OpenJsonLines(path);
    case OutputFormat::kCsv: break;
  }
  return OpenCsvEmbeddings(path);
}

}  // namespace siglip
