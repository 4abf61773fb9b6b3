// Embeddings of pictures as an iterator of Python, made while it is read.
#pragma once

#include <nanobind/nanobind.h>

#include <memory>

#include "siglip/embedder.hpp"

namespace siglip::python {

class Stream {
 public:
  /// `pictures` is an iterator of Picture. It is asked by a thread of the embedder.
  Stream(std::shared_ptr<const Embedder> embedder, nanobind::object pictures,
         const EmbedOptions& options);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  /// Stops it, and waits for nothing.
  ~Stream();

  /// Throws StopIteration, what the iterator raised, what Embedder::Run throws, and what signals
  /// raise, such as KeyboardInterrupt: after that the stream has stopped.
  nanobind::object Next();
  /// Stops it, and waits until the pictures that were begun are done; for an iterator that is at
  /// work, no longer than a moment. Throws what signals raise.
  void Close();

 private:
  friend void CloseStreams();
  struct State;
  std::shared_ptr<State> state_;
};

/// Stops all that are open and waits as Stream::Close does, so that no thread of theirs meets an
/// interpreter that ends.
void CloseStreams();

}  // namespace siglip::python
