// The page's files, which are part of the program.
#pragma once

#include <string_view>

namespace siglip::server {

/// Lets the page load its own files and the service's pictures and answers, and nothing else; in
/// particular no script or style that is written into HTML.
inline constexpr std::string_view kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// A file as it is sent. Everything lives as long as the program.
struct PageFile {
  std::string_view content_type;
  std::string_view bytes;
  std::string_view etag;  ///< with its quotes; another one whenever the bytes are others
};

/// The file at `path`, as it is after the server's name: "/" is the page, all else is under
/// "/page/". Null where there is none.
const PageFile* FindPageFile(std::string_view path);

}  // namespace siglip::server
