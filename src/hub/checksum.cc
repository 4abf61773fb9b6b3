// See checksum.h.
#include "hub/checksum.h"

#include <algorithm>
#include <cstddef>
#include <span>

#include "base/mapped_file.h"
#include "base/sha1.h"
#include "base/sha256.h"
#include "hub/hub_name.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

constexpr size_t kSha256Digits = 64;
constexpr size_t kSha1Digits = 40;

/// Of a file's bytes, piece by piece so that it need not fit in memory.
template <typename Hash>
std::string HashOf(const MappedFile& file, Hash hash) {
  constexpr size_t kPiece = size_t{8} << 20;
  for (std::span<const std::byte> bytes = file.bytes(); !bytes.empty();) {
    const auto piece = bytes.first(std::min(kPiece, bytes.size()));
    hash.Add(piece);
    file.ReleasePages(piece);
    bytes = bytes.subspan(piece.size());
  }
  return hash.Finish();
}

}  // namespace

bool IsChecksum(const std::string& etag) {
  return IsHexadecimal(etag, kSha256Digits) || IsHexadecimal(etag, kSha1Digits);
}

std::string FileChecksum(const std::filesystem::path& path, const std::string& etag) {
  const MappedFile file = MappedFile::Open(path);
  if (etag.size() != kSha1Digits) return HashOf(file, Sha256());
  Sha1 git;
  git.Add("blob " + std::to_string(file.bytes().size()) + '\0');
  return HashOf(file, git);
}

}  // namespace siglip
