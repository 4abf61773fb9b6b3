// What a file really is where it is not what was expected: its first bytes tell.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "siglip/error.hpp"

namespace siglip {

/// Things that lie where another file should be, and formats taken for one another.
enum class FileKind {
  kUnknown,  ///< None of these: maybe what was expected.
  kEmpty,
  kLfsPointer,     ///< The few lines that stand in a Git repository for a large file.
  kWebPage,        ///< HTML, or XML as of an object store.
  kServerMessage,  ///< "Entry not found" and the like, as plain text or JSON.
  kUtf32,          ///< Text in UTF-32 with a byte order mark.
  kUtf16,          ///< Text in UTF-16 with a byte order mark.
  kSvg,
  kPdf,
  kPickle,
  kTorchArchive,  ///< A zip archive with a pickle in it, as torch.save writes.
  kZip,
  kGzip,
  kHdf5,
  kGguf,
  kSafetensors,
};

/// `file` is the whole file, or at least its first kilobyte.
FileKind DetectFileKind(std::span<const std::byte> file);

/// Throws an Error that says what `file` is and what to do, unless its kind is unknown or `own`.
/// `expected` is what it should be, for the message: "a safetensors file". Call this first, or once
/// the format's own signature is found missing.
void RefuseForeignFile(std::span<const std::byte> file, const std::string& name,
                       std::string_view expected, FileKind own = FileKind::kUnknown);

/// Error(kMalformedFile) about a file that ends before what it announces. `name` also names the
/// part of it where that shows.
Error CutShort(const std::string& name, const std::string& what);

}  // namespace siglip
