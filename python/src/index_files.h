// The files of an index and their vectors as an iterator of Python.
#pragma once

#include <nanobind/nanobind.h>

#include <filesystem>
#include <memory>

#include "siglip/runtime.hpp"

namespace siglip::python {

/// In one committed state of the index, which is kept as long as this is. A thread of its own reads
/// ahead; it never needs Python's lock.
class IndexFiles {
 public:
  IndexFiles(const std::filesystem::path& folder, std::shared_ptr<const Runtime> runtime);
  IndexFiles(const IndexFiles&) = delete;
  IndexFiles& operator=(const IndexFiles&) = delete;
  /// Waits until the thread has ended.
  ~IndexFiles();

  /// (path, float32 [D]). Throws StopIteration, what Index::ForEachFile throws, and what signals
  /// raise.
  nanobind::tuple Next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace siglip::python
