#include "server/served_index.h"

#include <sys/stat.h>

#include <utility>

#include "server/api/api_error.h"
#include "siglip/error.hpp"

namespace siglip::server {
namespace {

/// 0 where there is none.
uint64_t InodeOf(const std::filesystem::path& file) {
  struct stat status = {};
  return stat(file.c_str(), &status) == 0 ? status.st_ino : 0;
}

}  // namespace

ServedIndex::ServedIndex(std::filesystem::path folder, const Embedder& embedder)
    : folder_(std::move(folder)), embedder_(embedder) {
  Open();
  CheckFits();
}

const Index& ServedIndex::Current() {
  if (!index_ || InodeOf(folder_ / "index.sqlite") != inode_) Open();
  try {
    CheckFits();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kMismatch) throw;
    throw ApiError(503, "index_mismatch", error.what());
  }
  return *index_;
}

void ServedIndex::CheckFits() {
  if (fits_ || !index_->space()) return;
  index_->CheckFits(embedder_, embedder_.compares_texts() ? EmbeddingContent::kPicturesAndTexts
                                                          : EmbeddingContent::kPictures);
  id_ = index_->status().id;
  fits_ = true;
}

void ServedIndex::Open() {
  // Before it is opened: should it be replaced in between, the next call sees that.
  inode_ = InodeOf(folder_ / "index.sqlite");
  index_ = std::make_unique<const Index>(folder_, embedder_.runtime());
  id_.clear();
  fits_ = false;
}

}  // namespace siglip::server
