// Keeps the index up to date while it is served.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "siglip/embedder.hpp"
#include "siglip/error.hpp"
#include "siglip/index.hpp"

namespace siglip::server {

/// Updates the folders of an index whenever something changes in one of them, on a thread of its
/// own. Nobody else changes the index meanwhile. Ends with what it has begun when it is destroyed.
class IndexKeeper {
 public:
  /// Throws Error as IndexWriter does, also for an index that may only be read, and
  /// kInvalidArgument for one without folders. `embedder` must outlive this object, `model` is what
  /// its model is called (see IndexWriter::Update); `updating` is
  /// true while there is work; `failed` is called on that thread when an update cannot go on, which
  /// is tried again after the next change.
  IndexKeeper(const std::filesystem::path& index, const Embedder& embedder, std::string model,
              std::chrono::seconds rescan, std::atomic<bool>& updating,
              std::function<void(const Error& error)> failed);
  ~IndexKeeper();

 private:
  void Work(std::chrono::seconds rescan);
  void Update(const std::string& folder);

  IndexWriter writer_;
  const Embedder& embedder_;
  const std::string model_;
  std::atomic<bool>& updating_;
  const std::function<void(const Error& error)> failed_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;  // the last to be made
};

}  // namespace siglip::server
