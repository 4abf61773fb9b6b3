#include "engine/picture_pipeline.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "siglip/error.hpp"

namespace siglip {
namespace {

// The source has answered well before that, unless it waits for something.
constexpr std::chrono::milliseconds kPatience{5};

/// A task that workers take part in, as long as this lives.
class TakesPart {
 public:
  TakesPart(WorkerPool& pool, WorkerPool::Task& task) : pool_(pool), task_(task) { pool.Add(task); }
  TakesPart(const TakesPart&) = delete;
  TakesPart& operator=(const TakesPart&) = delete;
  ~TakesPart() { pool_.Remove(task_); }

 private:
  WorkerPool& pool_;
  WorkerPool::Task& task_;
};

PictureInFlight Taken(Picture picture, uint64_t index) {
  PictureInFlight taken;
  taken.result.index = index;
  taken.result.name = picture.name();
  taken.picture = std::move(picture);
  return taken;
}

std::thread StartThread(std::function<void()> work) {
  try {
    return std::thread(std::move(work));
  } catch (const std::system_error& error) {
    throw Error(
        ErrorCode::kLimitExceeded,
        std::string("the system starts no thread for the source of pictures: ") + error.what());
  }
}

}  // namespace

std::unique_ptr<PicturePipeline> PicturePipeline::New(WorkerPool& pool, PictureStages stages,
                                                      const PipelineOptions& options) {
  return std::unique_ptr<PicturePipeline>(new PicturePipeline(pool, std::move(stages), options));
}

uint64_t PicturePipeline::Run(const PictureSource& source, const ResultSink& sink,
                              const std::atomic<bool>* stop) {
  stop_ = stop;
  {
    const TakesPart workers(pool_, *this);
    feeder_ = StartThread([&] { Feed(source); });
    Deliver(sink);
    if (feeder_.joinable()) feeder_.join();
  }
  return Finish();
}

uint64_t PicturePipeline::Run(std::span<const Picture> pictures, const ResultSink& sink) {
  for (const Picture& picture : pictures) waiting_.push_back(Taken(picture, taken_++));
  source_ended_ = true;
  {
    const TakesPart workers(pool_, *this);
    for (int worker = 0; worker < pool_.threads(); ++worker) pool_.Wake();
    Deliver(sink);
  }
  return Finish();
}

uint64_t PicturePipeline::Finish() const {
  if (forked_) {
    throw Error(ErrorCode::kCancelled, "a child of fork() cannot go on with a run of its parent");
  }
  if (failure_) std::rethrow_exception(failure_);
  return delivered_;
}

void PicturePipeline::Feed(const PictureSource& source) {
  Lock lock(mutex_);
  try {
    while (TakeOne(lock, source)) {
    }
  } catch (...) {
    if (!lock.owns_lock()) lock.lock();
    if (!failure_) failure_ = std::current_exception();
  }
  source_ended_ = true;
  answered_.notify_all();
  deliverable_.notify_one();
}

bool PicturePipeline::TakeOne(Lock& lock, const PictureSource& source) {
  // A few more than there are workers are taken, so that none has to wait for its next one.
  room_.wait(lock, [&] {
    return aborted_ || (taken_ - delivered_ < static_cast<uint64_t>(options_.in_flight) &&
                        std::ssize(waiting_) < pool_.threads());
  });
  if (aborted_ || Stopped()) return false;
  lock.unlock();
  std::optional<Picture> next = source();
  lock.lock();
  if (!next) return false;
  waiting_.push_back(Taken(*std::move(next), taken_));
  ++taken_;
  answered_.notify_all();
  lock.unlock();
  pool_.Wake();
  lock.lock();
  return true;
}

void PicturePipeline::Deliver(const ResultSink& sink) {
  Lock lock(mutex_);
  try {
    while (DeliverOne(lock, sink)) {
    }
  } catch (...) {
    if (!lock.owns_lock()) lock.lock();
    Abort(std::current_exception());
  }
}

bool PicturePipeline::DeliverOne(Lock& lock, const ResultSink& sink) {
  deliverable_.wait(lock, [&] { return aborted_ || HasNext() || AllDelivered(); });
  if (aborted_ || !HasNext()) return false;
  EmbedResult next = std::move(ready_.extract(ready_.begin()).mapped());
  lock.unlock();
  sink(std::move(next));
  lock.lock();
  ++delivered_;
  room_.notify_one();
  return true;
}

bool PicturePipeline::HasNext() const {
  if (ready_.empty()) return false;
  return options_.order == Order::kAsReady || ready_.begin()->first == delivered_;
}

bool PicturePipeline::AllDelivered() const {
  return source_ended_ && waiting_.empty() && prepared_.empty() && in_work_ == 0 && ready_.empty();
}

void PicturePipeline::Abort(std::exception_ptr failure) {
  if (!failure_) failure_ = std::move(failure);
  aborted_ = true;
  room_.notify_one();
  deliverable_.notify_one();
}

void PicturePipeline::ForgetThreads() {
  MakeAnew(mutex_);
  MakeAnew(room_);
  MakeAnew(answered_);
  MakeAnew(deliverable_);
  MakeAnew(waiting_);
  MakeAnew(prepared_);
  MakeAnew(ready_);
  MakeAnew(spare_);
  MakeAnew(feeder_);
  forked_ = aborted_ = true;
}

bool PicturePipeline::Step(int worker) {
  Lock lock(mutex_);
  try {
    if (Stopped()) GiveUpWaiting();
    return !aborted_ && PrepareOrCompute(lock, worker);
  } catch (...) {
    if (!lock.owns_lock()) lock.lock();
    Abort(std::current_exception());
    return false;
  }
}

void PicturePipeline::GiveUpWaiting() {
  taken_ -= waiting_.size();
  waiting_.clear();
  room_.notify_one();
  deliverable_.notify_one();
}

bool PicturePipeline::PrepareOrCompute(Lock& lock, int worker) {
  size_t group = GroupToCompute();
  if (group == 0) {
    if (waiting_.empty()) return false;
    Prepare(lock, worker);
    group = aborted_ ? 0 : GroupToCompute();
  }
  if (group > 0) Compute(lock, worker, group);
  return true;
}

/// How many pictures are to be computed now, of those that are prepared: as many as fit into a
/// group once no other would; fewer where nothing is left to prepare.
size_t PicturePipeline::GroupToCompute() const {
  const size_t most = MostInGroup();
  size_t count = 0;
  int64_t tokens = 0;
  int64_t last = 0;
  for (const PictureInFlight& picture : prepared_) {
    last = picture.prepared.tokens();
    if (count > 0 && (count == most || tokens + last > options_.group_tokens)) return count;
    tokens += last;
    ++count;
  }
  const bool another_may_fit = count < most && tokens + last <= options_.group_tokens;
  return another_may_fit && !waiting_.empty() ? 0 : count;
}

/// A worker's share of the pictures, so that none has a group while another has nothing.
size_t PicturePipeline::MostInGroup() const {
  const auto workers = static_cast<size_t>(pool_.threads());
  if (!source_ended_) {
    return std::max<size_t>(1, static_cast<size_t>(options_.in_flight) / workers);
  }
  return (prepared_.size() + waiting_.size() + workers - 1) / workers;
}

void PicturePipeline::Prepare(Lock& lock, int worker) {
  PictureInFlight picture = std::move(waiting_.front());
  waiting_.pop_front();
  if (!spare_.empty()) {
    picture.prepared = std::move(spare_.back());
    spare_.pop_back();
  }
  ++in_work_;
  room_.notify_one();
  lock.unlock();
  stages_.prepare(worker, picture);
  picture.picture.reset();
  lock.lock();
  --in_work_;
  if (picture.result.error) {
    Ready(std::move(picture));
  } else {
    prepared_.push_back(std::move(picture));
  }
}

void PicturePipeline::Compute(Lock& lock, int worker, size_t count) {
  const auto end = prepared_.begin() + static_cast<ptrdiff_t>(count);
  std::vector<PictureInFlight> group(std::make_move_iterator(prepared_.begin()),
                                     std::make_move_iterator(end));
  prepared_.erase(prepared_.begin(), end);
  in_work_ += static_cast<int>(count);
  const bool on_all_threads = OthersAreIdle(lock);
  lock.unlock();
  stages_.compute(worker, group, on_all_threads);
  lock.lock();
  in_work_ -= static_cast<int>(count);
  for (PictureInFlight& picture : group) Ready(std::move(picture));
}

void PicturePipeline::Ready(PictureInFlight picture) {
  spare_.push_back(std::move(picture.prepared));
  ready_.emplace(picture.result.index, std::move(picture.result));
  deliverable_.notify_one();
}

/// Whether no more pictures will come, from this call or another, and at most half of the workers
/// have one. At the start of a run it waits for the answers to the first requests, a moment at
/// most, as the source may be one that waits for its user.
bool PicturePipeline::OthersAreIdle(Lock& lock) {
  const int workers = pool_.threads();
  const auto enough_answers = [&] {
    return source_ended_ || taken_ >= static_cast<uint64_t>(workers);
  };
  answered_.wait_for(lock, kPatience, enough_answers);
  return workers > 1 && source_ended_ && waiting_.empty() &&
         std::ssize(prepared_) + in_work_ <= workers / 2 && pool_.IsAlone(*this);
}

}  // namespace siglip
