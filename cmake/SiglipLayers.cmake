# One target per folder of src/. Each layer sees its own headers and, through its dependencies,
# those of the layers below it; including anything else does not compile.

# siglip_layer(NAME [PROGRAMS_ONLY] SOURCES file... [HEADERS file...] [DEPENDS layer...]
#              [LIBRARIES target...])
# All there is to say about a layer, here and to scripts/check_layers.py. Sources are relative to its
# folder. HEADERS are those of include/siglip that it defines. DEPENDS are the layers directly below.
# PROGRAMS_ONLY keeps it out of the installed library: programs of this project link and include it,
# and do not see through it what is below. Files named X_test.cc become the test program NAME_test,
# but for those whose X.cc is there and not built.
function(siglip_layer name)
  cmake_parse_arguments(arg "PROGRAMS_ONLY" "" "SOURCES;HEADERS;DEPENDS;LIBRARIES" ${ARGN})
  # A folder holding nothing but a link to this layer: -I of it makes "NAME/x.h" the one way in.
  set(root "${PROJECT_BINARY_DIR}/layers/${name}")
  file(MAKE_DIRECTORY "${root}")
  file(CREATE_LINK "${CMAKE_CURRENT_SOURCE_DIR}" "${root}/${name}" SYMBOLIC)

  add_library(siglip_${name} STATIC ${arg_SOURCES})
  target_include_directories(siglip_${name} PUBLIC "${root}" "${PROJECT_SOURCE_DIR}/include")
  set(visibility PUBLIC)
  if(arg_PROGRAMS_ONLY)
    set(visibility PRIVATE)
  else()
    set_property(GLOBAL APPEND PROPERTY SIGLIP_INSTALLED_LAYERS ${name})
  endif()
  foreach(layer IN LISTS arg_DEPENDS)
    target_link_libraries(siglip_${name} ${visibility} siglip_${layer})
  endforeach()
  target_link_libraries(siglip_${name} PRIVATE ${arg_LIBRARIES})
  add_dependencies(siglip_layers siglip_${name})

  file(GLOB tests CONFIGURE_DEPENDS RELATIVE "${CMAKE_CURRENT_SOURCE_DIR}" *_test.cc)
  foreach(test IN LISTS tests)
    string(REPLACE _test.cc .cc subject "${test}")
    if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${subject}" AND NOT subject IN_LIST arg_SOURCES)
      list(REMOVE_ITEM tests "${test}")
    endif()
  endforeach()
  if(SIGLIP_TESTS AND tests)
    list(TRANSFORM arg_DEPENDS PREPEND siglip_)  # of PROGRAMS_ONLY, too
    siglip_test_program(siglip_${name}_test SOURCES ${tests}
                        LIBRARIES siglip_${name} ${arg_DEPENDS} ${arg_LIBRARIES})
    siglip_discover_tests(siglip_${name}_test "${name}.")
  endif()
endfunction()

# Tests that take an emulator minutes, and those of children of fork(): qemu's own locks are not made anew in them, so
# that one waits for ever now and then. What is a matter of the CPU in these is a stage of scripts/soak.sh.
set(SIGLIP_NOT_IN_EMULATORS
  *AChildOf* *ChildForked* *ChildrenForked* Fork.*
  CPictures.SameBits* CPictures.ProgressIsTold* CStream.SameBits* CThreads.OneHandle* EmbedServiceTest.ManyClients*
  FixText.DeepNests* IndexTest.ReadersBesideAWriter* IndexTest.SearchesEqual* IndexTest.WhatComesAndGoes* SentencePieceFile.SurvivesEveryChangedByte
  GoldenDemo.* Tokenizer.LongTexts* *EqualsReferenceWhereRowsAndDepthAreCut/generic* *GoldenBase*)
list(JOIN SIGLIP_NOT_IN_EMULATORS ":" SIGLIP_NOT_IN_EMULATORS)

# siglip_discover_tests(TARGET PREFIX [OPTION...]): its tests, one by one, with options of gtest_discover_tests. Where
# they run in an emulator, all that run there at once, as it takes longer to start than most of them take.
function(siglip_discover_tests target prefix)
  if(CMAKE_CROSSCOMPILING)
    add_test(NAME ${prefix}all COMMAND ${target} --gtest_brief=1 --gtest_filter=-${SIGLIP_NOT_IN_EMULATORS})
    set_tests_properties(${prefix}all PROPERTIES TIMEOUT 900)
  else()
    gtest_discover_tests(${target} TEST_PREFIX "${prefix}" DISCOVERY_TIMEOUT 60 ${ARGN})
  endif()
endfunction()

# siglip_test_program(TARGET SOURCES file... LIBRARIES target...)
function(siglip_test_program target)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${target} ${arg_SOURCES})
  target_compile_options(${target} PRIVATE ${SIGLIP_QUICKLY_BUILT})
  if(SIGLIP_SANITIZE MATCHES undefined)  # of what is tested; a test's own arithmetic takes long to build
    target_compile_options(${target} PRIVATE -fno-sanitize=undefined)
  endif()
  target_link_libraries(${target} PRIVATE ${arg_LIBRARIES} siglip_test_support GTest::gtest_main)
endfunction()
