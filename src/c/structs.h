// Structs of callers who may have been compiled with another version of siglip.h.
#pragma once

#include <cstddef>

namespace siglip {

/// A struct as this version of the library knows it. It begins with its size_t struct_size.
struct KnownStruct {
  const char* name = nullptr;  ///< What errors call the caller's.
  size_t size = 0;
  size_t alignment = 0;
};

/// Copies what both know of `given`; what only the library knows stays as it is. Throws
/// Error(kInvalidArgument) for a struct_size that no version has, Error(kUnsupported) when what
/// only the caller knows is not all zero.
void ReadStruct(const void* given, const KnownStruct& known, void* read);
/// The same the other way round, but for struct_size: what only the caller knows becomes zero.
/// Throws Error(kInvalidArgument) as above, before anything is written.
void WriteStruct(const void* written, const KnownStruct& known, void* given);

/// What `given` says, zero where it says nothing; null says nothing.
template <class Struct>
Struct ReadStruct(const char* name, const Struct* given) {
  Struct read{};
  if (given != nullptr) ReadStruct(given, {name, sizeof(Struct), alignof(Struct)}, &read);
  return read;
}
template <class Struct>
void WriteStruct(const char* name, const Struct& written, Struct* given) {
  WriteStruct(&written, {name, sizeof(Struct), alignof(Struct)}, given);
}

}  // namespace siglip
