#include "index_update.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "errors.h"
#include "signals.h"
#include "text.h"

namespace siglip::python {

namespace nb = nanobind;

namespace {

/// One update, on a thread of its own.
class Update {
 public:
  explicit Update(const UpdateCallbacks& callbacks) : callbacks_(callbacks) {}

  /// Calls `update` and waits for its end. Throws what that, a callback or a signal did.
  void Run(const std::function<void(const UpdateListener&, const std::atomic<bool>& stop)>& update);

 private:
  UpdateListener Listener();
  /// With Python's lock. What is thrown is kept, and stops the update.
  void Call(const std::function<void()>& callback);
  void Stop(std::exception_ptr reason);
  bool WaitUntilDone();

  const UpdateCallbacks& callbacks_;
  std::atomic<bool> stop_ = false;
  std::exception_ptr reason_;  // guarded by Python's lock
  std::mutex mutex_;           // guards what follows
  std::condition_variable changed_;
  bool done_ = false;
};

void Update::Call(const std::function<void()>& callback) {
  const nb::gil_scoped_acquire lock;
  if (!lock || stop_) return;
  try {
    callback();
  } catch (...) {
    Stop(std::current_exception());
  }
}

void Update::Stop(std::exception_ptr reason) {
  if (!reason_) reason_ = std::move(reason);
  stop_ = true;
}

bool Update::WaitUntilDone() {
  const nb::gil_scoped_release release;
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kSignalsEvery, [&] { return done_; });
}

UpdateListener Update::Listener() {
  UpdateListener listener;
  if (!callbacks_.progress.is_none()) {
    listener.progress = [this](const UpdateCounts& counts) {
      Call([&] { callbacks_.progress(ToTuple(counts)); });
    };
  }
  if (!callbacks_.failed.is_none()) {
    listener.failed = [this](const std::string& path, const Error& error) {
      Call([&] { callbacks_.failed(ToStr(path), ToException(error)); });
    };
  }
  if (!callbacks_.passed_over.is_none()) {
    listener.passed_over = [this](const std::string& path, const std::string& reason) {
      Call([&] { callbacks_.passed_over(ToStr(path), ToStr(reason)); });
    };
  }
  return listener;
}

void Update::Run(
    const std::function<void(const UpdateListener&, const std::atomic<bool>& stop)>& update) {
  const UpdateListener listener = Listener();
  std::exception_ptr thrown;
  std::thread thread([&] {
    try {
      update(listener, stop_);
    } catch (...) {
      thrown = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    done_ = true;
    changed_.notify_all();
  });
  while (!WaitUntilDone()) {
    if (!stop_ && PyErr_CheckSignals() != 0) Stop(std::make_exception_ptr(nb::python_error()));
  }
  thread.join();
  if (reason_) std::rethrow_exception(reason_);
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace

nb::tuple ToTuple(const UpdateCounts& counts) {
  return nb::make_tuple(counts.unchanged, counts.embedded, counts.known, counts.failed,
                        counts.failed_earlier, counts.changing, counts.missing, counts.passed_over);
}

UpdateCounts UpdateIndex(const std::filesystem::path& index,
                         const std::shared_ptr<Embedder>& embedder, const std::string& model,
                         const std::filesystem::path& pictures, const UpdateOptions& options,
                         const UpdateCallbacks& callbacks) {
  UpdateCounts counts;
  Update(callbacks).Run([&](const UpdateListener& listener, const std::atomic<bool>& stop) {
    counts = IndexWriter(index).Update(*embedder, model, pictures, options, listener, &stop);
  });
  return counts;
}

}  // namespace siglip::python
