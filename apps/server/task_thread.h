// A thread for what must not keep the network waiting: files, the database, long texts.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace siglip::server {

/// Runs tasks one after the other, in the order in which they were posted.
class TaskThread {
 public:
  TaskThread();
  TaskThread(const TaskThread&) = delete;
  TaskThread& operator=(const TaskThread&) = delete;
  /// What was posted is done first.
  ~TaskThread();

  /// The task must not throw. From any thread.
  void Post(std::function<void()> task);

 private:
  void Work();

  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  bool stopping_ = false;
  std::thread thread_;  // the last to be made
};

}  // namespace siglip::server
