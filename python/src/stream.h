// Embeddings of pictures as an iterator of Python, made while it is read.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <memory>
#include <optional>

#include "siglip/embedder.hpp"

namespace siglip::python {

/// One per picture, each with the shape of an embedding: where embeddings are written to.
using RowArray = nanobind::ndarray<float, nanobind::c_contig, nanobind::device::cpu>;

class Stream {
 public:
  /// `pictures` is an iterator of Picture, which is asked by a thread of the embedder, or a list of
  /// paths, for which no thread takes Python's lock. With `rows` only failures are results. Throws
  /// Error(kMismatch) for rows that do not fit the embeddings of the listed pictures.
  Stream(std::shared_ptr<const Embedder> embedder, nanobind::object pictures,
         std::optional<RowArray> rows, const EmbedOptions& options);
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
