// Many workers, one order: pictures are taken from a source one by one, embedded in any order, and
// handed on in the order they were taken.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "siglip/engine.h"

namespace siglip {

/// One run over a source. Each worker thread calls Work once and returns from it when the source is
/// at its end; Work of the last one returns when everything is delivered.
///
/// At most `window` pictures are between source and sink: a worker waits before it takes another,
/// so a slow picture or a slow sink bounds memory instead of filling it.
class OrderedRun {
 public:
  OrderedRun(const Engine::PathSource& next_path, const Engine::ResultSink& sink, int workers,
             int window, const std::atomic<bool>* stop)
      : next_path_(next_path),
        sink_(sink),
        workers_(static_cast<uint64_t>(workers)),
        window_(static_cast<uint64_t>(window)),
        stop_(stop) {}

  /// Turns a path into a result whose `index` and `path` are filled in afterwards.
  using EmbedOne = std::function<EmbedResult(const std::string& path)>;

  /// Passes on what source, sink or `embed` throw. After the source threw, the pictures begun are
  /// still delivered; after one of the others threw, nothing is.
  void Work(const EmbedOne& embed);

  /// Whether no more pictures will come and at most `count` are still being embedded: the other
  /// workers have nothing left to do. At the start of a run it waits for the answers to the first
  /// requests of the others, a moment at most, as the source may be one that waits for its user.
  bool AtMostLeft(int count);

  /// Results the sink took.
  uint64_t delivered() const { return delivered_; }

 private:
  bool Take(uint64_t& index, std::string& path);
  void Answer(bool with_path);
  EmbedResult Embed(const EmbedOne& embed, const std::string& path);
  void Deliver(uint64_t index, EmbedResult result);

  const Engine::PathSource& next_path_;
  const Engine::ResultSink& sink_;
  const uint64_t workers_;
  const uint64_t window_;
  const std::atomic<bool>* const stop_;

  std::mutex source_mutex_;          // held while the source is called; taken before mutex_
  std::atomic<uint64_t> taken_ = 0;  // changed under source_mutex_
  std::atomic<bool> source_ended_ = false;
  std::atomic<int> embedding_ = 0;

  std::mutex mutex_;  // guards what follows; never held while the sink is called
  std::condition_variable room_;
  std::condition_variable answered_;       // the source gave a path or is at its end
  std::map<uint64_t, EmbedResult> ready_;  // embedded, waiting for their turn
  std::atomic<uint64_t> delivered_ = 0;
  bool delivering_ = false;  // a worker is calling the sink
  bool aborted_ = false;     // the sink or an embedding threw
};

}  // namespace siglip
