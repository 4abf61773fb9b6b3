// See checksum.h. The only file that knows OpenSSL.
#include "hub/checksum.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "base/mapped_file.h"
#include "hub/hub_name.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

constexpr size_t kSha256Digits = 64;
constexpr size_t kSha1Digits = 40;

class Digest {
 public:
  explicit Digest(const EVP_MD* kind) {
    Check(context_ != nullptr && EVP_DigestInit_ex(context_.get(), kind, nullptr) == 1);
  }
  void Add(std::span<const std::byte> bytes) {
    Check(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
  }
  std::string Finish() {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes = {};
    unsigned int count = 0;
    Check(EVP_DigestFinal_ex(context_.get(), bytes.data(), &count) == 1);
    std::string text;
    for (const unsigned char byte : std::span(bytes).first(count)) {
      text += {kDigits[byte >> 4], kDigits[byte & 15]};
    }
    return text;
  }

 private:
  static void Check(bool success) {
    if (!success) throw Error(ErrorCode::kInternal, "OpenSSL cannot compute a checksum");
  }

  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_{EVP_MD_CTX_new()};
};

}  // namespace

bool IsChecksum(const std::string& etag) {
  return IsHexadecimal(etag, kSha256Digits) || IsHexadecimal(etag, kSha1Digits);
}

std::string FileChecksum(const std::filesystem::path& path, const std::string& etag) {
  constexpr size_t kPiece = size_t{8} << 20;
  const MappedFile file = MappedFile::Open(path);
  std::span<const std::byte> bytes = file.bytes();
  const bool git = etag.size() == kSha1Digits;
  Digest digest(git ? EVP_sha1() : EVP_sha256());
  if (git) {
    const std::string header = "blob " + std::to_string(bytes.size()) + '\0';
    digest.Add(std::as_bytes(std::span(header)));
  }
  while (!bytes.empty()) {
    const auto piece = bytes.first(std::min(kPiece, bytes.size()));
    digest.Add(piece);
    file.ReleasePages(piece);
    bytes = bytes.subspan(piece.size());
  }
  return digest.Finish();
}

}  // namespace siglip
