#include "index_files.h"

#include <nanobind/ndarray.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "siglip/error.hpp"
#include "siglip/index.hpp"
#include "signals.h"
#include "text.h"

namespace siglip::python {

namespace nb = nanobind;

namespace {

/// Files that wait for their reader.
constexpr size_t kMostFiles = 64;
nb::object VectorToArray(std::vector<float> values) {
  auto* const owned = new std::vector<float>(std::move(values));
  const nb::capsule owner(
      owned, [](void* pointer) noexcept { delete static_cast<std::vector<float>*>(pointer); });
  return nb::cast(nb::ndarray<nb::numpy, float>(owned->data(), {owned->size()}, owner));
}

}  // namespace

struct IndexFiles::State {
  State(const std::filesystem::path& folder, std::shared_ptr<const Runtime> runtime)
      : index(folder, std::move(runtime)), thread([this] { Run(); }) {}

  void Run();
  bool Deliver(const IndexedFile& file);
  std::optional<IndexedFile> Take();
  std::optional<IndexedFile> WaitForFile();

  const pid_t process = ::getpid();
  const Index index;
  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  std::deque<IndexedFile> files;
  bool stop = false;
  bool done = false;
  std::exception_ptr failure;
  std::thread thread;  // begun last: it uses the others
};

void IndexFiles::State::Run() {
  std::exception_ptr thrown;
  try {
    index.ForEachFile([this](const IndexedFile& file) { return Deliver(file); });
  } catch (...) {
    thrown = std::current_exception();
  }
  const std::lock_guard lock(mutex);
  failure = std::move(thrown);
  done = true;
  changed.notify_all();
}

bool IndexFiles::State::Deliver(const IndexedFile& file) {
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return files.size() < kMostFiles || stop; });
  if (stop) return false;
  files.push_back(file);
  changed.notify_all();
  return true;
}

std::optional<IndexedFile> IndexFiles::State::Take() {
  const std::lock_guard lock(mutex);
  if (files.empty()) return std::nullopt;
  IndexedFile file = std::move(files.front());
  files.pop_front();
  changed.notify_all();
  return file;
}

std::optional<IndexedFile> IndexFiles::State::WaitForFile() {
  // Python's lock is let go for waiting only: to get it back may take long.
  if (auto file = Take()) return file;
  {
    const nb::gil_scoped_release release;
    std::unique_lock lock(mutex);
    changed.wait_for(lock, kSignalsEvery, [&] { return !files.empty() || done; });
  }
  return Take();
}

IndexFiles::IndexFiles(const std::filesystem::path& folder, std::shared_ptr<const Runtime> runtime)
    : state_(std::make_unique<State>(folder, std::move(runtime))) {}

IndexFiles::~IndexFiles() {
  if (state_->process != ::getpid()) {
    (void)state_.release();  // a child of fork() has neither the thread nor a use for the database
    return;
  }
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop = true;
    state_->changed.notify_all();
  }
  const nb::gil_scoped_release release;
  state_->thread.join();
}

nb::tuple IndexFiles::Next() {
  if (state_->process != ::getpid()) {
    throw Error(ErrorCode::kUnsupported, "files of an index cannot be read on in a child of fork()",
                "begin anew there");
  }
  while (true) {
    if (auto file = state_->WaitForFile()) {
      return nb::make_tuple(ToStr(file->path), VectorToArray(std::move(file->vector)));
    }
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
    const std::lock_guard lock(state_->mutex);
    if (!state_->done || !state_->files.empty()) continue;
    if (state_->failure) std::rethrow_exception(std::exchange(state_->failure, nullptr));
    throw nb::stop_iteration();
  }
}

}  // namespace siglip::python
