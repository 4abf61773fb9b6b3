#include "index/known_files.h"

#include <utility>

namespace siglip {
namespace {

constexpr int64_t kFilesOfAPage = 1'000;

}  // namespace

KnownFiles::KnownFiles(FileTable& table, int64_t root, std::function<void(const KnownFile&)> passed)
    : table_(table), root_(root), passed_(std::move(passed)) {}

const KnownFile* KnownFiles::Next() {
  if (next_ == page_.size() && !ended_) {
    page_ = table_.FilesBehind(root_, last_, kFilesOfAPage);
    next_ = 0;
    ended_ = page_.empty();
    if (!ended_) last_ = page_.back().path;
  }
  return next_ == page_.size() ? nullptr : &page_[next_];
}

std::optional<KnownFile> KnownFiles::Meet(const std::string& path) {
  while (const KnownFile* const file = Next()) {
    if (file->path > path) break;
    ++next_;
    if (file->path == path) return *file;
    passed_(*file);
  }
  return std::nullopt;
}

void KnownFiles::Finish() {
  while (const KnownFile* const file = Next()) {
    passed_(*file);
    ++next_;
  }
}

}  // namespace siglip
