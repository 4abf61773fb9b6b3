// The pictures of one call between source and sink: taken, prepared, computed, delivered.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "base/fork_handler.h"
#include "engine/worker_pool.h"
#include "siglip/embedder.hpp"
#include "siglip/transformers/image_processor.hpp"

namespace siglip {

/// A picture on its way.
struct PictureInFlight {
  std::optional<Picture> picture;  ///< Until it is prepared.
  PreparedPicture prepared;        ///< Until it is computed; then its memory serves another.
  EmbedResult result;              ///< Index and name from the start.
};

/// What workers do with pictures. A picture that fails gets its error in `result`; what is thrown
/// ends the whole run.
struct PictureStages {
  std::function<void(int worker, PictureInFlight& picture)> prepare;
  /// `on_all_threads`: the other workers have nothing to do.
  std::function<void(int worker, std::span<PictureInFlight> group, bool on_all_threads)> compute;
};

struct PipelineOptions {
  int in_flight = 1;  ///< The most pictures taken from the source and not yet through the sink.
  Order order = Order::kInput;
  /// Pictures are computed together as long as they have no more tokens than this, and the other
  /// workers have as many.
  int64_t group_tokens = 1;
};

/// Whatever the source or the sink waits for, workers wait for neither: the source is called by a
/// thread of its own and the sink by the calling one.
class PicturePipeline final : private WorkerPool::Task {
 public:
  /// Not on the stack: a child of fork() keeps those of threads that are gone, whose stacks serve
  /// other threads there.
  static std::unique_ptr<PicturePipeline> New(WorkerPool& pool, PictureStages stages,
                                              const PipelineOptions& options);

  /// Once. Returns how many results the sink took. Passes on what source, sink and stages throw:
  /// after the source threw, the pictures taken are still delivered; after one of the others threw,
  /// nothing is. When `*stop` becomes true, those that no worker has begun are given up.
  uint64_t Run(const PictureSource& source, const ResultSink& sink, const std::atomic<bool>* stop);
  /// The same of pictures that are there already, all in flight at once.
  uint64_t Run(std::span<const Picture> pictures, const ResultSink& sink);

 private:
  using Lock = std::unique_lock<std::mutex>;

  PicturePipeline(WorkerPool& pool, PictureStages stages, const PipelineOptions& options)
      : pool_(pool), stages_(std::move(stages)), options_(options) {}

  void Feed(const PictureSource& source);
  bool TakeOne(Lock& lock, const PictureSource& source);
  void Deliver(const ResultSink& sink);
  bool DeliverOne(Lock& lock, const ResultSink& sink);
  uint64_t Finish() const;

  bool Step(int worker) override;
  bool PrepareOrCompute(Lock& lock, int worker);
  void GiveUpWaiting();
  size_t GroupToCompute() const;
  size_t MostInGroup() const;
  void Prepare(Lock& lock, int worker);
  void Compute(Lock& lock, int worker, size_t count);
  bool OthersAreIdle(Lock& lock);
  void Ready(PictureInFlight picture);

  bool Stopped() const { return stop_ != nullptr && *stop_; }
  bool HasNext() const;
  bool AllDelivered() const;
  void Abort(std::exception_ptr failure);
  void ForgetThreads();

  WorkerPool& pool_;
  const PictureStages stages_;
  const PipelineOptions options_;
  const std::atomic<bool>* stop_ = nullptr;
  std::thread feeder_;   // calls the source
  bool forked_ = false;  // this is a child of fork(), which was called by source or sink

  std::mutex mutex_;                     // guards what follows; not held while anything is called
  std::condition_variable room_;         // for another picture
  std::condition_variable answered_;     // the source gave a picture or is at its end
  std::condition_variable deliverable_;  // there is something to deliver, or nothing will be
  uint64_t taken_ = 0;
  uint64_t delivered_ = 0;
  bool source_ended_ = false;
  bool aborted_ = false;
  std::exception_ptr failure_;             // the first
  std::deque<PictureInFlight> waiting_;    // to be prepared
  std::deque<PictureInFlight> prepared_;   // to be computed
  int in_work_ = 0;                        // being prepared or computed
  std::map<uint64_t, EmbedResult> ready_;  // to be delivered
  std::vector<PreparedPicture> spare_;     // whose memory may be used again

  ForkHandler fork_handler_{[this] { ForgetThreads(); }};
};

}  // namespace siglip
