#include "stream.h"

#include <nanobind/stl/string.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "arrays.h"
#include "errors.h"
#include "parts.h"
#include "siglip/error.hpp"
#include "signals.h"
#include "text.h"

namespace siglip::python {

namespace nb = nanobind;

namespace {

/// Results that wait for their reader; then the embedder waits.
constexpr size_t kMostResults = 16;
/// How many times as long an iterator may take for a picture until a stream ends without it. It may
/// wait for anything, for ever.
constexpr int kPatience = 10;
/// The same when the interpreter ends, where a thread that is still at it may end the process.
constexpr int kPatienceAtExit = 100;

/// A list of paths, or nothing for any other object.
std::optional<std::vector<std::string>> PathsOf(nb::handle pictures) {
  if (!nb::isinstance<nb::list>(pictures)) return std::nullopt;
  std::vector<std::string> paths;
  for (const nb::handle path : nb::borrow<nb::list>(pictures)) paths.push_back(PathOf(path));
  return paths;
}

}  // namespace

/// Shared by the reader and a thread of its own that runs the embedder.
struct Stream::State : std::enable_shared_from_this<Stream::State> {
  State(std::shared_ptr<const Embedder> used, nb::object asked, std::optional<RowArray> target,
        const EmbedOptions& chosen)
      : embedder(std::move(used)),
        paths(PathsOf(asked)),
        pictures(std::move(asked)),
        rows(std::move(target)),
        options(chosen) {}

  // These are touched and let go with Python's lock only, but for what the rows hold.
  std::shared_ptr<const Embedder> embedder;
  const std::optional<std::vector<std::string>> paths;
  size_t next_path = 0;
  nb::object pictures;  // an iterator, unless there are paths
  std::optional<RowArray> rows;
  const EmbedOptions options;
  const pid_t process = ::getpid();

  std::atomic<bool> stop = false;
  std::atomic<bool> asking = false;  // the iterator is at work
  std::mutex mutex;                  // guards what follows
  std::condition_variable changed;
  std::deque<EmbedResult> results;
  bool done = false;
  std::exception_ptr failure;  // of the iterator or of the embedder

  /// Those whose threads run. Guarded by Python's lock.
  static std::set<State*>& Running() {
    static std::set<State*> running;
    return running;
  }

  void CheckRows() const;
  std::optional<Picture> NextPicture();
  void Deliver(EmbedResult result);
  void Run();
  void Stop();
  /// Waits for a moment, without Python's lock. True once nothing more will come.
  bool WaitUntilDone();
  /// Once it is stopped: waits for the pictures that were begun, but not for the iterator. Throws
  /// what signals raise.
  void WaitForEnd(int patience);
  std::optional<EmbedResult> TakeResult();
  std::optional<EmbedResult> WaitForResult();
  /// A child of fork() has the state of its parent, but not the thread.
  bool IsOfThisProcess() const { return process == ::getpid(); }
};

void Stream::State::CheckRows() const {
  if (!rows) return;
  const Shape embedding = embedder->embedding_shape(options.output);
  const bool fits = paths && rows->ndim() == embedding.size() + 1 &&
                    rows->shape(0) == paths->size() &&
                    std::equal(embedding.begin(), embedding.end(), rows->shape_ptr() + 1);
  if (!fits) {
    throw Error(ErrorCode::kMismatch, "rows: expected one per path, shaped as an embedding");
  }
}

std::optional<Picture> Stream::State::NextPicture() {
  if (stop) return std::nullopt;
  if (paths) {
    if (next_path == paths->size()) return std::nullopt;
    return Picture::File((*paths)[next_path++]);
  }
  const nb::gil_scoped_acquire lock;
  if (!lock) return std::nullopt;  // the interpreter has ended
  const auto fail = [&](const std::exception_ptr& exception) {
    const std::lock_guard guard(mutex);
    failure = exception;
    return std::nullopt;
  };
  asking = true;
  PyObject* const item = PyIter_Next(pictures.ptr());
  asking = false;
  if (item == nullptr) {
    if (PyErr_Occurred() == nullptr) return std::nullopt;
    return fail(std::make_exception_ptr(nb::python_error()));
  }
  const nb::object object = nb::steal(item);
  Picture* picture = nullptr;
  if (!nb::try_cast(object, picture)) {
    return fail(std::make_exception_ptr(nb::type_error("expected an iterator of Picture")));
  }
  return *picture;
}

void Stream::State::Deliver(EmbedResult result) {
  if (rows && !result.error) {
    const std::span<const float> embedding = result.embedding.floats();
    std::copy(embedding.begin(), embedding.end(), rows->data() + result.index * embedding.size());
    return;
  }
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return results.size() < kMostResults || stop; });
  if (stop) return;
  results.push_back(std::move(result));
  changed.notify_all();
  // Where the user bounds the pictures in flight, this one is among them until it is read.
  if (options.in_flight > 0) changed.wait(lock, [&] { return results.empty() || stop; });
}

void Stream::State::Run() {
  std::exception_ptr thrown;
  const Embedder& used = *embedder;
  try {
    used.Run([this] { return NextPicture(); },
             [this](EmbedResult result) { Deliver(std::move(result)); }, options, &stop);
  } catch (...) {
    thrown = std::current_exception();
  }
  const nb::gil_scoped_acquire python;
  if (python) {
    pictures.reset();
    rows.reset();
    embedder.reset();
    Running().erase(this);
  }
  const std::lock_guard lock(mutex);
  if (!failure) failure = std::move(thrown);
  done = true;
  changed.notify_all();
}

void Stream::State::Stop() {
  const std::lock_guard lock(mutex);
  stop = true;
  changed.notify_all();
}

bool Stream::State::WaitUntilDone() {
  const nb::gil_scoped_release release;
  std::unique_lock lock(mutex);
  return changed.wait_for(lock, kSignalsEvery, [&] { return done; });
}

void Stream::State::WaitForEnd(int patience) {
  for (int rounds = 0; !WaitUntilDone(); rounds = asking ? rounds + 1 : 0) {
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
    if (rounds == patience) return;
  }
}

std::optional<EmbedResult> Stream::State::TakeResult() {
  const std::lock_guard lock(mutex);
  if (results.empty()) return std::nullopt;
  EmbedResult result = std::move(results.front());
  results.pop_front();
  changed.notify_all();
  return result;
}

std::optional<EmbedResult> Stream::State::WaitForResult() {
  // Python's lock is let go for waiting only: to get it back may take long.
  if (auto result = TakeResult()) return result;
  {
    const nb::gil_scoped_release release;
    std::unique_lock lock(mutex);
    changed.wait_for(lock, kSignalsEvery, [&] { return !results.empty() || done; });
  }
  return TakeResult();
}

Stream::Stream(std::shared_ptr<const Embedder> embedder, nb::object pictures,
               std::optional<RowArray> rows, const EmbedOptions& options)
    : state_(std::make_shared<State>(std::move(embedder), std::move(pictures), std::move(rows),
                                     options)) {
  state_->CheckRows();
  State::Running().insert(state_.get());
  try {
    std::thread([state = state_] { state->Run(); }).detach();
  } catch (...) {
    State::Running().erase(state_.get());
    throw;
  }
}

Stream::~Stream() {
  if (state_->IsOfThisProcess()) {
    state_->Stop();
  } else {
    // Locks may be held by a thread that is not there; what Python owns goes with the process.
    new std::shared_ptr<State>(std::move(state_));
  }
}

nb::object Stream::Next() {
  if (!state_->IsOfThisProcess()) {
    throw Error(ErrorCode::kUnsupported, "a stream cannot be read in a child of fork()",
                "begin a new one there");
  }
  while (true) {
    if (auto result = state_->WaitForResult()) return nb::cast(std::move(*result));
    if (PyErr_CheckSignals() != 0) {
      nb::python_error interrupted;
      state_->Stop();
      throw interrupted;
    }
    const std::lock_guard lock(state_->mutex);
    if (!state_->done || !state_->results.empty()) continue;
    if (state_->failure) std::rethrow_exception(std::exchange(state_->failure, nullptr));
    throw nb::stop_iteration();
  }
}

void Stream::Close() {
  if (!state_->IsOfThisProcess()) return;
  state_->Stop();
  state_->WaitForEnd(kPatience);
  const std::lock_guard lock(state_->mutex);
  state_->results.clear();
  state_->failure = nullptr;
}

void CloseStreams() {
  const auto& running = Stream::State::Running();
  // A copy that keeps each of them: a thread that ends takes its own out, and lets it go.
  std::vector<std::shared_ptr<Stream::State>> states;
  for (Stream::State* const state : running) {
    if (state->IsOfThisProcess()) states.push_back(state->shared_from_this());
  }
  for (const auto& state : states) state->Stop();
  for (const auto& state : states) state->WaitForEnd(kPatienceAtExit);
}

void AddStream(nb::module_& module) {
  nb::class_<EmbedResult>(module, "EmbedResult")
      .def_ro("index", &EmbedResult::index)
      .def_prop_ro("name", [](const EmbedResult& self) { return ToStr(self.name); })
      .def_ro("width", &EmbedResult::width)
      .def_ro("height", &EmbedResult::height)
      .def_ro("rows", &EmbedResult::rows)
      .def_ro("columns", &EmbedResult::columns)
      .def_prop_ro("format",
                   [](const EmbedResult& self) {
                     return self.details ? self.details->format : std::string();
                   })
      .def_prop_ro("embedding",
                   [](const EmbedResult& self) {
                     return self.error ? nb::object(nb::none()) : ToArray(Tensor(self.embedding));
                   })
      .def_prop_ro("error", [](const EmbedResult& self) {
        return self.error ? ToException(*self.error) : nb::object(nb::none());
      });
  nb::class_<Stream>(module, "Stream")
      .def("__iter__", [](nb::handle self) { return self; })
      .def("__next__", &Stream::Next)
      .def("close", &Stream::Close);
  nb::module_::import_("atexit").attr("register")(nb::cpp_function(&CloseStreams));
}

}  // namespace siglip::python
