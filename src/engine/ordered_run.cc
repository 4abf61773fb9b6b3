#include "engine/ordered_run.h"

#include <chrono>
#include <optional>
#include <utility>

namespace siglip {
namespace {

// A worker that sleeps is awake well before that.
constexpr std::chrono::milliseconds kPatience{5};

}  // namespace

void OrderedRun::Work(const EmbedOne& embed) {
  uint64_t index = 0;
  std::string path;
  while (Take(index, path)) {
    EmbedResult result = Embed(embed, path);
    result.index = index;
    result.path = std::move(path);
    Deliver(index, std::move(result));
  }
}

EmbedResult OrderedRun::Embed(const EmbedOne& embed, const std::string& path) {
  try {
    EmbedResult result = embed(path);
    --embedding_;
    return result;
  } catch (...) {
    const std::lock_guard lock(mutex_);
    aborted_ = true;
    room_.notify_all();
    throw;
  }
}

bool OrderedRun::AtMostLeft(int count) {
  const auto all_have_answers = [this] { return source_ended_ || taken_ >= workers_; };
  if (!all_have_answers()) {
    std::unique_lock lock(mutex_);
    answered_.wait_for(lock, kPatience, all_have_answers);
  }
  return source_ended_ && embedding_ <= count;
}

bool OrderedRun::Take(uint64_t& index, std::string& path) {
  const std::lock_guard source_lock(source_mutex_);
  {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return aborted_ || taken_ - delivered_ < window_; });
    if (aborted_ || source_ended_) return false;
  }
  std::optional<std::string> next;
  try {
    if (stop_ == nullptr || !*stop_) next = next_path_();
  } catch (...) {
    Answer(false);
    throw;
  }
  Answer(next.has_value());
  if (!next) return false;
  index = taken_ - 1;
  path = std::move(*next);
  return true;
}

void OrderedRun::Answer(bool with_path) {
  {
    const std::lock_guard lock(mutex_);
    if (with_path) {
      ++embedding_;
      ++taken_;
    } else {
      source_ended_ = true;
    }
  }
  answered_.notify_all();
}

void OrderedRun::Deliver(uint64_t index, EmbedResult result) {
  std::unique_lock lock(mutex_);
  ready_.emplace(index, std::move(result));
  if (delivering_) return;  // that worker comes by here before it goes on
  delivering_ = true;
  while (!aborted_ && !ready_.empty() && ready_.begin()->first == delivered_) {
    EmbedResult next = std::move(ready_.extract(ready_.begin()).mapped());
    lock.unlock();
    try {
      sink_(std::move(next));
    } catch (...) {
      lock.lock();
      aborted_ = true;
      delivering_ = false;
      room_.notify_all();
      throw;
    }
    lock.lock();
    ++delivered_;
    room_.notify_one();
  }
  delivering_ = false;
}

}  // namespace siglip
