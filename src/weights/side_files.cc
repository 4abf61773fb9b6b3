#include "weights/side_files.h"

#include "base/file_system.h"
#include "base/mapped_file.h"
#include "siglip/atomic_file.h"

namespace siglip {

void CopySideFiles(const std::filesystem::path& from, const std::filesystem::path& to) {
  for (const std::string_view name :
       {"preprocessor_config.json", "processor_config.json", "tokenizer_config.json",
        "tokenizer.json", "tokenizer.model", "spiece.model", "special_tokens_map.json",
        "added_tokens.json"}) {
    CopySideFile(from, to, name);
  }
}

void CopySideFile(const std::filesystem::path& from, const std::filesystem::path& to,
                  std::string_view name) {
  if (!FileExists(from / name)) return;
  const MappedFile file = MappedFile::Open(from / name);
  AtomicFile copy(to / name);
  copy.Write(file.bytes());
  copy.Commit();
}

}  // namespace siglip
