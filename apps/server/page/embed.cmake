# Writes a header with the files of the page: cmake -DOUTPUT=FILE -DFOLDER=DIR "-DFILES=a.js;b.css" -P embed.cmake
set(types_html "text/html; charset=utf-8")
set(types_css "text/css; charset=utf-8")
set(types_js "text/javascript; charset=utf-8")
set(types_svg "image/svg+xml")

set(rows "")
foreach(name IN LISTS FILES)
  string(REGEX REPLACE ".*\\." "" ending "${name}")
  if(NOT DEFINED types_${ending})
    message(FATAL_ERROR "${name}: no content type is known for .${ending}")
  endif()
  if(name STREQUAL "index.html")
    set(path "/")
  else()
    set(path "/page/${name}")
  endif()
  file(READ "${FOLDER}/${name}" bytes HEX)
  string(LENGTH "${bytes}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "(..)" "\\\\x\\1" bytes "${bytes}")
  file(SHA256 "${FOLDER}/${name}" hash)
  string(SUBSTRING "${hash}" 0 32 hash)
  string(APPEND rows
    "    {\"${path}\", {\"${types_${ending}}\", {\"${bytes}\", ${size}}, \"\\\"${hash}\\\"\"}},\n")
endforeach()

file(WRITE "${OUTPUT}" "// Made by embed.cmake.
#pragma once

#include <string_view>

#include \"server/page/page.h\"

namespace siglip::server {

struct EmbeddedFile {
  std::string_view path;
  PageFile file;
};

inline constexpr EmbeddedFile kPageFiles[] = {
${rows}};

}  // namespace siglip::server
")
