#include "outputs/contact_sheet.h"

#include "output/text_file.h"

namespace siglip::cli {

void WriteContactSheet(const std::filesystem::path& path, const std::string& title,
                       const SearchResult& result, const WriteOptions& options) {
  TextFile file(path, options);
  file.Write(title + std::to_string(result.hits.size()));
  file.Commit();
}

}  // namespace siglip::cli
