# Headers that most files include, read once for all of them. It pays where little is optimised:
# there reading headers is most of the work. That every file includes what it uses is seen by builds
# without SIGLIP_PRECOMPILE.
set(siglip_precompiled_headers
  <algorithm> <array> <chrono> <cmath> <cstdint> <cstring> <filesystem> <fstream> <functional> <map>
  <memory> <optional> <set> <span> <string> <string_view> <system_error> <utility> <vector>)

# siglip_precompile(TARGET [HEADER...]): the above and these. The first target with headers of its own
# compiles them for all later ones with the same.
function(siglip_precompile target)
  if(NOT SIGLIP_PRECOMPILE)
    return()
  endif()
  get_property(first GLOBAL PROPERTY "siglip_precompiled ${ARGN}")
  if(first)
    target_precompile_headers(${target} REUSE_FROM ${first})
  else()
    target_precompile_headers(${target} PRIVATE ${siglip_precompiled_headers} ${ARGN})
    set_property(GLOBAL PROPERTY "siglip_precompiled ${ARGN}" ${target})
  endif()
endfunction()
