// Checksums of files, of the two kinds that name blobs on the hub.
#pragma once

#include <filesystem>
#include <string>

namespace siglip {

/// Whether `etag` is a checksum: 64 hexadecimal digits are the SHA-256 of the bytes (large files),
/// 40 are git's name for them, a SHA-1 (files kept in git itself).
bool IsChecksum(const std::string& etag);

/// The checksum of a file of the kind that `etag` is. Throws Error(kIo).
std::string FileChecksum(const std::filesystem::path& path, const std::string& etag);

}  // namespace siglip
