// What happens between source and sink, with stages that stand for those of an embedder.
#include "engine/picture_pipeline.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "expect_error.h"
#include "run_in_child.h"

namespace siglip {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

Picture Numbered(int number) { return Picture::Bytes({}, std::to_string(number)); }

PictureSource CountTo(int count) {
  return [count, next = 0]() mutable -> std::optional<Picture> {
    if (next == count) return std::nullopt;
    return Numbered(next++);
  };
}

/// A stage that takes longer for some than for others, so that they finish out of order.
void Dawdle(const std::string& name) {
  std::this_thread::sleep_for(microseconds(std::stoi(name) * 7919 % 1000));
}

/// One token each, unless said otherwise.
PictureStages StagesWith(std::function<void(const std::string& name)> compute_one = Dawdle,
                         int64_t tokens = 1) {
  return {
      .prepare =
          [tokens](int, PictureInFlight& picture) {
            picture.prepared.rows = tokens;
            picture.prepared.columns = 1;
          },
      .compute =
          [compute_one = std::move(compute_one)](int, std::span<PictureInFlight> group, bool) {
            for (const PictureInFlight& picture : group) compute_one(picture.result.name);
          },
  };
}

uint64_t RunOn(int threads, const PictureSource& source, const ResultSink& sink,
               const PictureStages& stages = StagesWith(), const PipelineOptions& options = {8},
               const std::atomic<bool>* stop = nullptr) {
  WorkerPool pool(threads);
  return PicturePipeline::New(pool, stages, options)->Run(source, sink, stop);
}

TEST(PicturePipeline, DeliversEveryPictureInOrder) {
  for (const int threads : {1, 2, 5}) {
    for (const int in_flight : {1, 2, 3, 16}) {
      std::vector<std::string> names;
      std::vector<uint64_t> indices;
      const auto sink = [&](const EmbedResult& result) {
        names.push_back(result.name);
        indices.push_back(result.index);
      };
      EXPECT_EQ(RunOn(threads, CountTo(50), sink, StagesWith(), {in_flight}), 50U);
      ASSERT_EQ(names.size(), 50U);
      for (size_t i = 0; i < names.size(); ++i) {
        EXPECT_EQ(names[i], std::to_string(i));
        EXPECT_EQ(indices[i], i);
      }
    }
  }
}

TEST(PicturePipeline, DeliversPicturesThatAreThereAlready) {
  std::vector<Picture> pictures;
  for (int i = 0; i < 50; ++i) pictures.push_back(Numbered(i));
  for (const int threads : {1, 3}) {
    WorkerPool pool(threads);
    uint64_t next = 0;
    const auto sink = [&](const EmbedResult& result) {
      EXPECT_EQ(result.index, next++);
      EXPECT_EQ(result.name, pictures[result.index].name());
    };
    EXPECT_EQ(PicturePipeline::New(pool, StagesWith(), {})->Run(pictures, sink), 50U);
    EXPECT_EQ(next, 50U);
  }
}

TEST(PicturePipeline, NothingToDo) {
  const auto sink = [](const EmbedResult&) { FAIL(); };
  EXPECT_EQ(RunOn(3, CountTo(0), sink), 0U);
  WorkerPool pool(2);
  EXPECT_EQ(PicturePipeline::New(pool, StagesWith(), {})->Run(std::span<const Picture>(), sink),
            0U);
}

TEST(PicturePipeline, DeliversAsReadyWhereAskedFor) {
  // The first picture is computed when all others are delivered.
  std::promise<void> others_delivered;
  const auto compute = [&](const std::string& name) {
    if (name == "0") others_delivered.get_future().wait();
  };
  std::vector<std::string> names;
  const auto sink = [&](const EmbedResult& result) {
    EXPECT_EQ(result.name, std::to_string(result.index));
    names.push_back(result.name);
    if (names.size() == 19) others_delivered.set_value();
  };
  EXPECT_EQ(RunOn(2, CountTo(20), sink, StagesWith(compute), {8, Order::kAsReady}), 20U);
  ASSERT_EQ(names.size(), 20U);
  EXPECT_EQ(names.back(), "0");
  EXPECT_EQ(std::set(names.begin(), names.end()).size(), 20U);
}

TEST(PicturePipeline, FailedPicturesAreNotComputed) {
  PictureStages stages = StagesWith([](const std::string& name) { EXPECT_NE(name, "3"); });
  stages.prepare = [](int, PictureInFlight& picture) {
    if (picture.result.name == "3") picture.result.error.emplace(ErrorCode::kIo, "3: bad");
  };
  int failed = 0;
  const auto sink = [&](const EmbedResult& result) { failed += result.error ? 1 : 0; };
  EXPECT_EQ(RunOn(2, CountTo(10), sink, stages), 10U);
  EXPECT_EQ(failed, 1);
}

TEST(PicturePipeline, SlowPictureAndSlowSinkKeepToTheNumberInFlight) {
  constexpr int kInFlight = 6;
  std::atomic<int> taken = 0;
  std::atomic<int> delivered = 0;
  int most = 0;
  const auto source = [&, count = CountTo(60)]() {
    auto picture = count();
    if (picture) most = std::max<int>(most, ++taken - delivered);
    return picture;
  };
  const auto sink = [&](const EmbedResult&) {
    std::this_thread::sleep_for(milliseconds(1));
    ++delivered;
  };
  const auto compute = [](const std::string& name) {
    if (name == "0") std::this_thread::sleep_for(milliseconds(100));
  };
  RunOn(4, source, sink, StagesWith(compute), {kInFlight});
  EXPECT_EQ(delivered, 60);
  EXPECT_EQ(most, kInFlight);
}

TEST(PicturePipeline, SmallPicturesAreComputedInGroups) {
  for (const int64_t tokens : {1, 30, 60, 100, 130, 1000}) {
    for (const int threads : {1, 3}) {
      const auto most = static_cast<size_t>(std::max<int64_t>(256 / tokens, 1));
      std::atomic<size_t> largest = 0;
      std::atomic<size_t> computed = 0;
      PictureStages stages = StagesWith(Dawdle, tokens);
      stages.compute = [&](int, std::span<PictureInFlight> group, bool) {
        EXPECT_LE(group.size(), most);
        size_t before = largest;
        while (before < group.size() && !largest.compare_exchange_weak(before, group.size())) {
        }
        computed += group.size();
      };
      std::vector<Picture> pictures;
      for (int i = 0; i < 900; ++i) pictures.push_back(Numbered(i));
      WorkerPool pool(threads);
      const auto pipeline = PicturePipeline::New(pool, stages, {.group_tokens = 256});
      EXPECT_EQ(pipeline->Run(pictures, [](const EmbedResult&) {}), 900U);
      EXPECT_EQ(computed, 900U);
      EXPECT_EQ(largest, most) << tokens;
    }
  }
}

TEST(PicturePipeline, NoGroupIsLargerThanAWorkersShare) {
  for (const int threads : {1, 2, 4}) {
    std::atomic<size_t> largest = 0;
    PictureStages stages = StagesWith();
    stages.compute = [&](int, std::span<PictureInFlight> group, bool) {
      size_t before = largest;
      while (before < group.size() && !largest.compare_exchange_weak(before, group.size())) {
      }
    };
    const auto ignore = [](const EmbedResult&) {};
    for (const size_t count : {1U, 3U, 5U, 8U}) {
      largest = 0;
      std::vector<Picture> pictures;
      for (size_t i = 0; i < count; ++i) pictures.push_back(Numbered(static_cast<int>(i)));
      WorkerPool pool(threads);
      PicturePipeline::New(pool, stages, {.group_tokens = 256})->Run(pictures, ignore);
      EXPECT_LE(largest, (count + static_cast<size_t>(threads) - 1) / static_cast<size_t>(threads));
    }
    largest = 0;
    RunOn(threads, CountTo(100), ignore, stages, {.in_flight = 2 * threads, .group_tokens = 256});
    EXPECT_LE(largest, 2U);
  }
}

TEST(PicturePipeline, StopFinishesWhatWasBegun) {
  for (const int threads : {1, 3}) {
    std::atomic<bool> stop = false;
    std::atomic<int> begun = 0;
    int delivered = 0;
    const auto sink = [&](const EmbedResult& result) {
      EXPECT_EQ(result.index, static_cast<uint64_t>(delivered));
      if (++delivered == 10) stop = true;
    };
    PictureStages stages = StagesWith();
    stages.prepare = [&](int, PictureInFlight&) { ++begun; };
    const uint64_t told = RunOn(threads, CountTo(1000), sink, stages, {8}, &stop);
    EXPECT_EQ(told, static_cast<uint64_t>(delivered));
    EXPECT_EQ(delivered, begun);
    EXPECT_GE(delivered, 10);
    EXPECT_LE(delivered, 10 + 8);
  }
}

TEST(PicturePipeline, SinkExceptionEndsTheRun) {
  int delivered = 0;
  const auto sink = [&](const EmbedResult&) {
    if (++delivered == 5) throw std::runtime_error("full");
  };
  EXPECT_THROW(RunOn(4, CountTo(1'000'000), sink), std::runtime_error);
  EXPECT_EQ(delivered, 5);
}

TEST(PicturePipeline, StageExceptionsEndTheRun) {
  const auto fail = [](const std::string& name) {
    if (name == "20") throw std::runtime_error("no use");
    Dawdle(name);
  };
  PictureStages bad_compute = StagesWith(fail);
  PictureStages bad_prepare = StagesWith();
  bad_prepare.prepare = [&](int, PictureInFlight& picture) { fail(picture.result.name); };
  for (const PictureStages& stages : {bad_compute, bad_prepare}) {
    int delivered = 0;
    const auto sink = [&](const EmbedResult&) { ++delivered; };
    EXPECT_THROW(RunOn(4, CountTo(1'000'000), sink, stages), std::runtime_error);
    EXPECT_LE(delivered, 20);
  }
}

TEST(PicturePipeline, SourceExceptionComesAfterWhatWasTaken) {
  int delivered = 0;
  const auto source = [count = CountTo(1000)]() {
    auto picture = count();
    if (picture->name() == "20") throw std::runtime_error("list unreadable");
    return picture;
  };
  const auto sink = [&](const EmbedResult&) { ++delivered; };
  EXPECT_THROW(RunOn(4, source, sink), std::runtime_error);
  EXPECT_EQ(delivered, 20);
}

// Someone who sends one picture, waits for its embedding, and only then sends the next.
TEST(PicturePipeline, DeliversWhileTheSourceWaits) {
  for (const int threads : {1, 2}) {
    for (const int64_t group_tokens : {1, 256}) {
      std::atomic<int> delivered = 0;
      const auto source = [&, next = 0]() mutable -> std::optional<Picture> {
        while (delivered < next) std::this_thread::yield();
        if (next == 20) return std::nullopt;
        return Numbered(next++);
      };
      const auto sink = [&](const EmbedResult&) { ++delivered; };
      RunOn(threads, source, sink, StagesWith(), {.in_flight = 8, .group_tokens = group_tokens});
      EXPECT_EQ(delivered, 20);
    }
  }
}

/// What compute is told of each picture.
std::vector<bool> OnAllThreads(WorkerPool& pool, const PictureSource& source,
                               const ResultSink& sink) {
  std::vector<bool> told;
  std::mutex mutex;
  PictureStages stages = StagesWith();
  stages.compute = [&](int, std::span<PictureInFlight>, bool on_all_threads) {
    const std::lock_guard lock(mutex);
    told.push_back(on_all_threads);
  };
  PicturePipeline::New(pool, stages, {8})->Run(source, sink, nullptr);
  return told;
}

TEST(PicturePipeline, TheOnlyPictureGetsAllThreads) {
  const auto ignore = [](const EmbedResult&) {};
  WorkerPool one(1);
  EXPECT_EQ(OnAllThreads(one, CountTo(1), ignore), std::vector{false});
  WorkerPool four(4);
  EXPECT_EQ(OnAllThreads(four, CountTo(1), ignore), std::vector{true});
  // Unless there is another call.
  const auto during_another = [&](const EmbedResult&) {
    EXPECT_EQ(OnAllThreads(four, CountTo(1), ignore), std::vector{false});
  };
  OnAllThreads(four, CountTo(1), during_another);
}

TEST(PicturePipeline, DoesNotWaitForASourceThatWaitsForResults) {
  std::atomic<int> delivered = 0;
  const auto source = [&, next = 0]() mutable -> std::optional<Picture> {
    while (delivered < next) std::this_thread::yield();  // one question, one answer
    if (next == 3) return std::nullopt;
    return Numbered(next++);
  };
  const auto sink = [&](const EmbedResult&) { ++delivered; };
  WorkerPool pool(2);
  EXPECT_EQ(OnAllThreads(pool, source, sink), (std::vector{false, false, false}));
}

TEST(PicturePipeline, AChildOfForkCannotGoOnWithItsParentsRun) {
  int children = 0;
  const auto sink = [&](const EmbedResult& result) {
    if (result.index != 5) return;
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(60);
      throw std::runtime_error("in the child");
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 7);
    ++children;
  };
  const pid_t parent = ::getpid();
  try {
    RunOn(2, CountTo(20), sink);
  } catch (const Error& error) {
    if (::getpid() == parent) throw;
    ::_exit(error.code() == ErrorCode::kCancelled ? 7 : 1);
  }
  EXPECT_EQ(children, 1);
}

}  // namespace
}  // namespace siglip
