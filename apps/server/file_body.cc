#include "server/file_body.h"

#include <algorithm>
#include <utility>

#include "siglip/error.hpp"

namespace siglip::server {
namespace {

constexpr uint64_t kChunk = 128 << 10;

}  // namespace

void FileBody::Next(std::function<void(std::optional<std::string> chunk)> take) {
  const uint64_t begin = offset_;
  const auto bytes = static_cast<size_t>(std::min(kChunk, file_->size() - begin));
  offset_ += bytes;
  thread_.Post([file = file_, begin, bytes, take = std::move(take)] {
    std::optional<std::string> chunk;
    try {
      if (bytes > 0) chunk = file->Read(begin, bytes);
    } catch (const Error&) {
      // Too few bytes: the connection is cut.
    }
    if (chunk && chunk->empty()) chunk.reset();
    take(std::move(chunk));
  });
}

}  // namespace siglip::server
