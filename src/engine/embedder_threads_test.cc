// An embedder used from several threads, from its own sources and sinks, and after fork().
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/embedder_test_support.h"
#include "run_in_child.h"
#include "siglip/embedder.hpp"

namespace siglip {
namespace {

void Ignore(const EmbedResult&) {}

/// Gives the same picture again and again, until the promise of this future is kept.
PictureSource UntilReady(const Picture& picture, const std::shared_future<void>& end) {
  return [=]() -> std::optional<Picture> {
    if (end.wait_for(std::chrono::seconds(0)) == std::future_status::ready) return std::nullopt;
    return picture;
  };
}

using EmbedderThreadsTest = EmbedderTest;

TEST_F(EmbedderThreadsTest, AShortCallIsDoneWhileEndlessOnesAreNot) {
  const Picture picture = Picture::File(WritePicture(1, 40, 40));
  for (const int threads : {1, 2}) {
    const Embedder embedder = MakeEmbedder(threads);
    const Tensor expected = EmbedOne(embedder, picture);
    std::promise<void> short_call_done;
    const std::shared_future<void> end = short_call_done.get_future().share();
    std::vector<std::future<uint64_t>> endless;
    std::vector<std::promise<void>> begun(3);
    for (std::promise<void>& first : begun) {
      endless.push_back(std::async(std::launch::async, [&] {
        const auto sink = [&](const EmbedResult& result) {
          if (result.index == 0) first.set_value();
        };
        return embedder.Run(UntilReady(picture, end), sink);
      }));
    }
    for (std::promise<void>& first : begun) first.get_future().wait();
    EXPECT_TRUE(SameBits(EmbedOne(embedder, picture), expected));
    EXPECT_EQ(embedder.Embed({&picture, 1}).dim(0), 1);
    short_call_done.set_value();
    for (auto& run : endless) EXPECT_GT(run.get(), 0U);
  }
}

// Sources that wait for someone, and sinks whose reader is slow, hold no worker.
TEST_F(EmbedderThreadsTest, AShortCallIsDoneWhileSourcesAndSinksOfOthersWait) {
  const Picture picture = Picture::File(WritePicture(1, 40, 40));
  for (const int threads : {1, 2}) {
    const Embedder embedder = MakeEmbedder(threads);
    std::promise<void> short_call_done;
    const std::shared_future<void> end = short_call_done.get_future().share();
    std::vector<std::future<uint64_t>> waiting;
    std::vector<std::promise<void>> begun(6);
    for (size_t i = 0; i < begun.size(); i += 2) {
      waiting.push_back(std::async(std::launch::async, [&, i] {
        const auto one_then_wait = [&, sent = false]() mutable -> std::optional<Picture> {
          if (!std::exchange(sent, true)) return picture;
          end.wait();
          return std::nullopt;
        };
        return embedder.Run(one_then_wait, [&](const EmbedResult&) { begun[i].set_value(); });
      }));
      waiting.push_back(std::async(std::launch::async, [&, i] {
        const auto sink = [&](const EmbedResult& result) {
          if (result.index == 0) begun[i + 1].set_value();
          end.wait();
        };
        return embedder.Run(UntilReady(picture, end), sink);
      }));
    }
    for (std::promise<void>& first : begun) first.get_future().wait();
    EmbedOne(embedder, picture);
    short_call_done.set_value();
    for (auto& run : waiting) EXPECT_GT(run.get(), 0U);
  }
}

TEST_F(EmbedderThreadsTest, SourceAndSinkMayUseTheEmbedder) {
  const std::vector<Picture> pictures = Files(WritePictures(4));
  for (const int threads : {1, 2}) {
    const Embedder embedder = MakeEmbedder(threads);
    const Tensor expected = embedder.Embed(pictures);
    uint64_t delivered = 0;
    const auto source = [&, next = SourceOf(pictures)]() {
      EXPECT_TRUE(SameBits(embedder.Embed(pictures), expected));
      return next();
    };
    const auto sink = [&](const EmbedResult& result) {
      EXPECT_TRUE(SameBits(EmbedOne(embedder, pictures[result.index]), result.embedding));
      EXPECT_TRUE(SameBits(embedder.Embed(pictures), expected));
      ++delivered;
    };
    embedder.Run(source, sink);
    EXPECT_EQ(delivered, 4U);
  }
}

TEST_F(EmbedderThreadsTest, SameBitsFromManyThreadsAtOnce) {
  const std::vector<Picture> pictures = Files(WritePictures(9));
  for (const bool naflex : {false, true}) {
    const Embedder embedder = naflex ? MakeNaflexEmbedder(3) : MakeEmbedder(3);
    const Tensor expected = embedder.Embed(pictures);
    std::vector<std::future<void>> calls;
    for (int i = 0; i < 6; ++i) {
      calls.push_back(std::async(std::launch::async, [&, order = static_cast<Order>(i % 2)] {
        Tensor found(DType::kF32, expected.shape());
        const auto sink = [&](const EmbedResult& result) {
          std::ranges::copy(result.embedding.floats(),
                            found.floats().begin() + static_cast<ptrdiff_t>(24 * result.index));
        };
        embedder.Run(SourceOf(pictures), sink, {.in_flight = 5, .order = order});
        EXPECT_TRUE(SameBits(found, expected));
        EXPECT_TRUE(SameBits(embedder.Embed(pictures), expected));
      }));
    }
    for (auto& call : calls) call.get();
  }
}

TEST_F(EmbedderThreadsTest, AChildOfForkCanUseAndDestroyIt) {
  if (!kChildrenMayStartThreads) GTEST_SKIP() << "not with this sanitizer";
  const std::vector<Picture> pictures = Files(WritePictures(4));
  for (const int threads : {1, 2}) {
    auto embedder = std::make_unique<Embedder>(MakeEmbedder(threads));
    const Tensor expected = MakeEmbedder(threads).Embed(pictures);
    const auto embeds = [&] {
      const bool same = SameBits(embedder->Embed(pictures), expected) &&
                        RunAll(*embedder, pictures).size() == pictures.size();
      embedder.reset();
      return same;
    };
    EXPECT_TRUE(SucceedsInChild(embeds));  // before it was used
    embedder->Embed(pictures);
    EXPECT_TRUE(SucceedsInChild(embeds));

    // While other threads are in the middle of it.
    std::promise<void> enough;
    const std::shared_future<void> end = enough.get_future().share();
    std::vector<std::future<uint64_t>> busy;
    for (int i = 0; i < 2; ++i) {
      busy.push_back(std::async(
          std::launch::async, [&] { return embedder->Run(UntilReady(pictures[0], end), Ignore); }));
    }
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(SucceedsInChild(embeds));
    EXPECT_TRUE(SucceedsInChild([&] {
      const bool same = SameBits(embedder->Embed(pictures), expected);
      return SucceedsInChild(embeds) && same && SameBits(embedder->Embed(pictures), expected);
    }));
    enough.set_value();
    for (auto& run : busy) EXPECT_GT(run.get(), 0U);
  }
}

}  // namespace
}  // namespace siglip
