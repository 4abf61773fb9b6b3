#include "output/output_format.h"

#include <string>

#include "output/csv.h"
#include "output/jsonl.h"
#include "output/npy.h"
#include "output/npz.h"
#include "output/output_file.h"
#include "output/safetensors_table.h"
#include "siglip/error.hpp"

namespace siglip {

OutputFormat OutputFormatOf(const std::filesystem::path& path) {
  const std::string ending = EndingOf(path);
  if (ending == ".npy") return OutputFormat::kNpy;
  if (ending == ".npz") return OutputFormat::kNpz;
  if (ending == ".safetensors") return OutputFormat::kSafetensors;
  if (ending == ".jsonl") return OutputFormat::kJsonLines;
  if (ending == ".csv") return OutputFormat::kCsv;
  throw Error(ErrorCode::kInvalidArgument,
              "cannot tell the format of \"" + path.string() + "\" by its ending",
              "known: .npy, .npz, .safetensors, .jsonl, .csv");
}

std::vector<std::filesystem::path> OutputFiles(const std::filesystem::path& path) {
  if (OutputFormatOf(path) == OutputFormat::kNpy) return {NpyNamesPath(path), path};
  return {path};
}

void WriteTable(EmbeddingTable& table, const std::filesystem::path& path,
                const WriteOptions& options) {
  switch (OutputFormatOf(path)) {
    case OutputFormat::kNpy: return WriteNpy(table, path, options);
    case OutputFormat::kNpz: return WriteNpz(table, path, options);
    case OutputFormat::kSafetensors: return WriteSafetensorsTable(table, path, options);
    case OutputFormat::kJsonLines: return WriteJsonLines(table, path, options);
    case OutputFormat::kCsv: return WriteCsv(table, path, options);
  }
}

}  // namespace siglip
