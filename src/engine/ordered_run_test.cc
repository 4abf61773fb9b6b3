#include "engine/ordered_run.h"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/thread_pool.h"

namespace siglip {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

Engine::PathSource CountTo(int count) {
  return [count, next = 0]() mutable -> std::optional<std::string> {
    if (next == count) return std::nullopt;
    return std::to_string(next++);
  };
}

/// Takes longer for some than for others, so that they finish out of order.
EmbedResult EmbedUnevenly(const std::string& path) {
  std::this_thread::sleep_for(microseconds(std::stoi(path) * 7919 % 1000));
  return {};
}

void RunOn(int threads, OrderedRun& run, const OrderedRun::EmbedOne& embed) {
  ThreadPool pool(threads);
  pool.Run([&](int) { run.Work(embed); });
}

TEST(OrderedRun, DeliversEveryPictureInOrder) {
  for (const int threads : {1, 2, 5}) {
    for (const int window : {1, 2, 3, 16}) {
      std::vector<std::string> paths;
      std::vector<uint64_t> indices;
      const Engine::PathSource source = CountTo(50);
      const Engine::ResultSink sink = [&](EmbedResult result) {
        paths.push_back(result.path);
        indices.push_back(result.index);
      };
      OrderedRun run(source, sink, threads, window, nullptr);
      RunOn(threads, run, EmbedUnevenly);
      ASSERT_EQ(paths.size(), 50u);
      EXPECT_EQ(run.delivered(), 50u);
      for (size_t i = 0; i < paths.size(); ++i) {
        EXPECT_EQ(paths[i], std::to_string(i));
        EXPECT_EQ(indices[i], i);
      }
    }
  }
}

TEST(OrderedRun, NothingToDo) {
  const Engine::PathSource source = CountTo(0);
  const Engine::ResultSink sink = [](EmbedResult) { FAIL(); };
  OrderedRun run(source, sink, 3, 4, nullptr);
  RunOn(3, run, EmbedUnevenly);
  EXPECT_EQ(run.delivered(), 0u);
}

TEST(OrderedRun, SlowPictureAndSlowSinkKeepToTheWindow) {
  constexpr int kWindow = 6;
  std::atomic<int> taken = 0;
  std::atomic<int> delivered = 0;
  std::atomic<int> most = 0;
  const Engine::PathSource count = CountTo(60);
  const Engine::PathSource source = [&] {
    const auto path = count();
    if (path) most = std::max<int>(most, ++taken - delivered);
    return path;
  };
  const Engine::ResultSink sink = [&](EmbedResult) {
    std::this_thread::sleep_for(milliseconds(1));
    ++delivered;
  };
  OrderedRun run(source, sink, 4, kWindow, nullptr);
  RunOn(4, run, [](const std::string& path) {
    if (path == "0") std::this_thread::sleep_for(milliseconds(100));
    return EmbedResult();
  });
  EXPECT_EQ(delivered, 60);
  EXPECT_EQ(most, kWindow);
}

TEST(OrderedRun, StopFinishesWhatWasBegun) {
  std::atomic<bool> stop = false;
  std::atomic<int> begun = 0;
  int delivered = 0;
  const Engine::PathSource source = CountTo(1000);
  const Engine::ResultSink sink = [&](EmbedResult) {
    if (++delivered == 10) stop = true;
  };
  OrderedRun run(source, sink, 3, 8, &stop);
  RunOn(3, run, [&](const std::string& path) {
    ++begun;
    return EmbedUnevenly(path);
  });
  EXPECT_EQ(delivered, begun);
  EXPECT_GE(delivered, 10);
  EXPECT_LE(delivered, 10 + 8);
}

TEST(OrderedRun, SinkExceptionEndsTheRun) {
  int delivered = 0;
  const Engine::PathSource source = CountTo(1'000'000);
  const Engine::ResultSink sink = [&](EmbedResult) {
    if (++delivered == 5) throw std::runtime_error("full");
  };
  OrderedRun run(source, sink, 4, 8, nullptr);
  EXPECT_THROW(RunOn(4, run, EmbedUnevenly), std::runtime_error);
  EXPECT_EQ(delivered, 5);
  EXPECT_EQ(run.delivered(), 4u);
}

TEST(OrderedRun, EmbeddingExceptionEndsTheRun) {
  int delivered = 0;
  const Engine::PathSource source = CountTo(1'000'000);
  const Engine::ResultSink sink = [&](EmbedResult) { ++delivered; };
  OrderedRun run(source, sink, 4, 8, nullptr);
  EXPECT_THROW(RunOn(4, run,
                     [](const std::string& path) {
                       if (path == "20") throw std::runtime_error("no use");
                       return EmbedUnevenly(path);
                     }),
               std::runtime_error);
  EXPECT_LE(delivered, 20);
}

TEST(OrderedRun, SourceExceptionComesAfterWhatWasBegun) {
  int delivered = 0;
  const Engine::PathSource count = CountTo(1000);
  const Engine::PathSource source = [&] {
    auto path = count();
    if (path == "20") throw std::runtime_error("list unreadable");
    return path;
  };
  const Engine::ResultSink sink = [&](EmbedResult) { ++delivered; };
  OrderedRun run(source, sink, 4, 8, nullptr);
  EXPECT_THROW(RunOn(4, run, EmbedUnevenly), std::runtime_error);
  EXPECT_EQ(delivered, 20);
}

// Someone who sends one path, waits for its embedding, and only then sends the next.
TEST(OrderedRun, DeliversWhileTheSourceWaits) {
  std::atomic<int> delivered = 0;
  const Engine::PathSource source = [&, next = 0]() mutable -> std::optional<std::string> {
    while (delivered < next) std::this_thread::yield();
    if (next == 20) return std::nullopt;
    return std::to_string(next++);
  };
  const Engine::ResultSink sink = [&](EmbedResult) { ++delivered; };
  OrderedRun run(source, sink, 2, 8, nullptr);
  RunOn(2, run, EmbedUnevenly);
  EXPECT_EQ(delivered, 20);
}

TEST(OrderedRun, KnowsWhenOthersAreIdle) {
  const Engine::PathSource source = CountTo(3);
  const Engine::ResultSink sink = [](EmbedResult) {};
  OrderedRun run(source, sink, 1, 1, nullptr);
  std::vector<bool> last;
  run.Work([&](const std::string&) {
    last.push_back(run.AtMostLeft(1));
    return EmbedResult();
  });
  // The end is known only once someone asked for a fourth.
  EXPECT_EQ(last, (std::vector<bool>{false, false, false}));
  EXPECT_TRUE(run.AtMostLeft(0));
}

TEST(OrderedRun, HearsOfTheEndFromAWorkerThatComesLate) {
  const Engine::PathSource source = CountTo(1);
  const Engine::ResultSink sink = [](EmbedResult) {};
  OrderedRun run(source, sink, 2, 8, nullptr);
  const OrderedRun::EmbedOne embed = [&](const std::string&) {
    EXPECT_TRUE(run.AtMostLeft(1));
    return EmbedResult();
  };
  ThreadPool pool(2);
  pool.Run([&](int rank) {
    if (rank == 1) std::this_thread::sleep_for(milliseconds(1));
    run.Work(embed);
  });
  EXPECT_EQ(run.delivered(), 1U);
}

TEST(OrderedRun, DoesNotWaitForASourceThatWaitsForResults) {
  std::atomic<int> delivered = 0;
  const Engine::PathSource source = [&, next = 0]() mutable -> std::optional<std::string> {
    while (delivered < next) std::this_thread::yield();  // one question, one answer
    if (next == 3) return std::nullopt;
    return std::to_string(next++);
  };
  const Engine::ResultSink sink = [&](EmbedResult) { ++delivered; };
  OrderedRun run(source, sink, 2, 8, nullptr);
  RunOn(2, run, [&](const std::string&) {
    EXPECT_FALSE(run.AtMostLeft(1));
    return EmbedResult();
  });
  EXPECT_EQ(delivered, 3);
}

}  // namespace
}  // namespace siglip
