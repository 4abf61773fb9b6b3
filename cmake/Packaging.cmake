# The Debian package: scripts/deb.sh makes it of an installation below /usr.
set(SIGLIP_PACKAGE_CONTACT "The makers of siglip <siglip@localhost>" CACHE STRING
    "Who answers for the package: Name <address>")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME siglip)
set(CPACK_PACKAGE_CONTACT "${SIGLIP_PACKAGE_CONTACT}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "embeddings of pictures and texts with SigLIP and SigLIP 2")
set(CPACK_PACKAGE_DESCRIPTION
    "Computes SigLIP and SigLIP 2 embeddings exactly and fast on the CPU, without PyTorch: find pictures by
words, label them without training, compare them. The results equal those of the reference
implementation (transformers): pixels, tokens and numbers.
.
This package has the command line, the library, and what programs in C++ and C need to use it.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)          # what it depends on is read out of the files
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)    # and what depends on it, of these
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)  # for downloads of models
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "pkg-config, cmake")

# Beside the licence of siglip, those of the headers that are compiled into it.
file(READ "${PROJECT_SOURCE_DIR}/LICENSE" copyright)
foreach(package nlohmann-json3-dev libcli11-dev)
  if(EXISTS "${CMAKE_SYSROOT}/usr/share/doc/${package}/copyright")
    file(READ "${CMAKE_SYSROOT}/usr/share/doc/${package}/copyright" licence)
    string(APPEND copyright "\n---- Of ${package}, which is compiled in:\n\n${licence}")
  endif()
endforeach()
file(WRITE "${PROJECT_BINARY_DIR}/copyright" "${copyright}")
install(FILES "${PROJECT_BINARY_DIR}/copyright" DESTINATION "${CMAKE_INSTALL_DOCDIR}")

include(CPack)
