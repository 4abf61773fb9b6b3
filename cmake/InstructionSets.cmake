# The instruction sets with code of their own, per architecture, each with what the compiler is told.
# Elsewhere there is isa/*generic.cc alone. Which of them a CPU has: src/base/cpu_features.cc.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  set(SIGLIP_INSTRUCTION_SETS sha_ni avx2 avx2_vnni avx512 avx512_vnni avx512_bf16 amx)
  set(SIGLIP_FLAGS_sha_ni -msha -msse4.1)
  set(SIGLIP_FLAGS_avx2 -mavx2 -mfma)
  set(SIGLIP_FLAGS_avx2_vnni ${SIGLIP_FLAGS_avx2} -mavxvnni)
  set(SIGLIP_FLAGS_avx512 ${SIGLIP_FLAGS_avx2} -mavx512f -mavx512bw -mavx512dq -mavx512vl)
  # GCC 12's AVX-512 intrinsics trip its own warnings (GCC bug 105593).
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    list(APPEND SIGLIP_FLAGS_avx512 -Wno-uninitialized -Wno-maybe-uninitialized)
  endif()
  set(SIGLIP_FLAGS_avx512_vnni ${SIGLIP_FLAGS_avx512} -mavx512vnni)
  set(SIGLIP_FLAGS_avx512_bf16 ${SIGLIP_FLAGS_avx512_vnni} -mavx512bf16)
  set(SIGLIP_FLAGS_amx ${SIGLIP_FLAGS_avx512_bf16})  # whose instructions are inline assembly
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
  set(SIGLIP_INSTRUCTION_SETS neon neon_dot neon_mmla)  # all of these CPUs have the first
  set(SIGLIP_FLAGS_neon_dot -march=armv8.2-a+dotprod)
  set(SIGLIP_FLAGS_neon_mmla -march=armv8.2-a+dotprod+i8mm+bf16)
endif()

# siglip_isa_sources(LAYER SET=FILE...): adds the files whose instruction set this architecture has.
# Its flags belong to these files alone; they share no inline function with any other file. In a release
# they get all optimisations, also where the rest is built quickly (preset `arm64`).
function(siglip_isa_sources layer)
  foreach(pair IN LISTS ARGN)
    string(REGEX MATCH "^([^=]+)=(.+)$" matched "${pair}")
    if(CMAKE_MATCH_1 IN_LIST SIGLIP_INSTRUCTION_SETS)
      target_sources(siglip_${layer} PRIVATE "${CMAKE_MATCH_2}")
      set_source_files_properties("${CMAKE_MATCH_2}" PROPERTIES
        COMPILE_OPTIONS "${SIGLIP_FLAGS_${CMAKE_MATCH_1}};$<$<CONFIG:Release>:-O3>")
    endif()
  endforeach()
endfunction()
