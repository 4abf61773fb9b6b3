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

// Every change is written to one of these files.
std::string ServedIndex::State() const {
  std::string state;
  for (const char* const name : {"index.sqlite", "index.sqlite-wal"}) {
    struct stat status = {};
    if (stat((folder_ / name).c_str(), &status) != 0) continue;
    for (const int64_t number :
         {static_cast<int64_t>(status.st_ino), static_cast<int64_t>(status.st_size),
          static_cast<int64_t>(status.st_mtim.tv_sec),
          static_cast<int64_t>(status.st_mtim.tv_nsec)}) {
      state += std::to_string(number) + " ";
    }
  }
  return state;
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
