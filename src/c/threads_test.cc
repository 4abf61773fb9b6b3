// One handle in several threads, and in a child of fork().
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "c/c_test_support.h"
#include "run_in_child.h"

namespace siglip {
namespace {

/// Whether pictures and texts have the same bits as in C++.
bool EmbedsAsExpected(const siglip_embedder* embedder, const Tensor& expected_pictures,
                      const Tensor& expected_texts) {
  const std::vector<std::string> paths = PicturePaths(6);
  const std::vector<siglip_picture> pictures = PathPictures(paths);
  const std::array texts = {"a red heart", "a blue star"};
  std::vector<float> found(6 * kDimension);
  std::vector<float> found_texts(2 * kDimension);
  return siglip_embed_pictures(embedder, pictures.data(), 6, nullptr, found.data(), found.size(),
                               nullptr) == SIGLIP_OK &&
         siglip_embed_texts(embedder, texts.data(), nullptr, 2, nullptr, found_texts.data(),
                            found_texts.size()) == SIGLIP_OK &&
         SameBits(found, expected_pictures.floats()) &&
         SameBits(found_texts, expected_texts.floats());
}

TEST(CThreads, OneHandleServesManyAtOnce) {
  const Tensor pictures = DemoInCpp().Embed(FilesInCpp(PicturePaths(6)));
  const Tensor texts = DemoInCpp().EmbedTexts({"a red heart", "a blue star"});
  const EmbedderHandle embedder = OpenFolder(kDemo);  // whose towers are loaded by all of them
  std::atomic<int> same = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 3; ++round) {
        if (EmbedsAsExpected(embedder.get(), pictures, texts)) ++same;
      }
      // Of each thread its own.
      const std::string nowhere = "/nowhere/" + std::to_string(i);
      siglip_embedder* opened = nullptr;
      ExpectFailure(SIGLIP_NOT_FOUND, {nowhere},
                    siglip_embedder_open(nowhere.c_str(), nullptr, &opened));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(same, 12);
}

TEST(CThreads, AChildOfForkCanUseAndCloseAHandle) {
  if (!kChildrenMayStartThreads) GTEST_SKIP() << "not with this sanitizer";
  const Tensor pictures = DemoInCpp().Embed(FilesInCpp(PicturePaths(6)));
  const Tensor texts = DemoInCpp().EmbedTexts({"a red heart", "a blue star"});
  EmbedderHandle embedder = OpenFolder(kDemo);
  const auto embeds = [&] {
    const bool same = EmbedsAsExpected(embedder.get(), pictures, texts);
    embedder.reset();
    return same;
  };
  EXPECT_TRUE(SucceedsInChild(embeds));  // before it was used
  EXPECT_TRUE(EmbedsAsExpected(embedder.get(), pictures, texts));
  EXPECT_TRUE(SucceedsInChild(embeds));

  // While another thread is in the middle of it.
  std::atomic<bool> enough = false;
  std::thread busy([&] {
    while (!enough) EmbedsAsExpected(embedder.get(), pictures, texts);
  });
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(SucceedsInChild(embeds));
  enough = true;
  busy.join();
}

}  // namespace
}  // namespace siglip
