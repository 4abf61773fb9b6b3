# One target per folder of src/. Each layer sees its own headers and, through its dependencies,
# those of the layers below it; including anything else does not compile.

# siglip_layer(NAME SOURCES file... [DEPENDS layer...] [LIBRARIES target...])
# Sources are relative to the layer's folder. Files named X_test.cc beside them become the test
# program NAME_test.
function(siglip_layer name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  # A folder holding nothing but a link to this layer: -I of it makes "NAME/x.h" the one way in.
  set(root "${PROJECT_BINARY_DIR}/layers/${name}")
  file(MAKE_DIRECTORY "${root}")
  file(CREATE_LINK "${CMAKE_CURRENT_SOURCE_DIR}" "${root}/${name}" SYMBOLIC)

  add_library(siglip_${name} STATIC ${arg_SOURCES})
  target_include_directories(siglip_${name} PUBLIC "${root}" "${PROJECT_SOURCE_DIR}/include")
  foreach(layer IN LISTS arg_DEPENDS)
    target_link_libraries(siglip_${name} PUBLIC siglip_${layer})
  endforeach()
  target_link_libraries(siglip_${name} PRIVATE ${arg_LIBRARIES})

  file(GLOB tests CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*_test.cc")
  if(SIGLIP_TESTS AND tests)
    add_executable(siglip_${name}_test ${tests})
    # What tests do themselves need not be fast; building them must be.
    target_compile_options(siglip_${name}_test PRIVATE -O1)
    target_link_libraries(siglip_${name}_test PRIVATE siglip_${name} siglip_test_support
                          ${arg_LIBRARIES} GTest::gtest_main)
    gtest_discover_tests(siglip_${name}_test TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 60)
  endif()
endfunction()
