#include "server/page/page.h"

#include <algorithm>
#include <iterator>

#include "server/page/page_files.h"

namespace siglip::server {

const PageFile* FindPageFile(std::string_view path) {
  const auto found = std::ranges::find(kPageFiles, path, &EmbeddedFile::path);
  return found == std::end(kPageFiles) ? nullptr : &found->file;
}

}  // namespace siglip::server
