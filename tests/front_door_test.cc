// The front door as a program of a user comes through it: siglip/siglip.hpp and the shared library.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <siglip/siglip.hpp>
#include <siglip/transformers.hpp>
#include <string>
#include <vector>

#include "file_bytes.h"
#include "same_bits.h"
#include "scratch_folder.h"
#include "source_folders.h"

namespace siglip {
namespace {

const std::filesystem::path kPictures = SIGLIP_SOURCE_DIR "/examples/images";

TEST(FrontDoor, PicturesAndTextsAreComparedAsTheModelDoes) {
  const auto model = Embedder::Open(kDemo);
  const auto pictures = model.Embed(
      {Picture::File(kPictures / "00.jpg"), Picture::Bytes(ReadBytes(kPictures / "01.jpg"))});
  const auto texts = model.EmbedTexts({"a cat", "a dog", "a red heart"});
  const auto probabilities = model.Probabilities(pictures, texts);

  const auto processor = SiglipImageProcessor::FromPretrained(kDemo);
  const auto tokenizer = Tokenizer::FromPretrained(kDemo);
  const auto reference = SiglipModel::FromPretrained(kDemo);
  const std::array images = {DecodeImageFile(kPictures / "00.jpg"),
                             DecodeImageFile(kPictures / "01.jpg")};
  const std::array<std::string, 3> words = {"a cat", "a dog", "a red heart"};
  const auto output = reference((*tokenizer)(words), processor(images));
  EXPECT_EQ(probabilities.shape(), (Shape{2, 3}));
  EXPECT_TRUE(SameBits(probabilities, output.probabilities));
  // Normalised embeddings are compared alike.
  const auto again = model.Probabilities(output.image_embeds, output.text_embeds);
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_NEAR(again.floats()[i], probabilities.floats()[i], 1e-5F * probabilities.floats()[i]);
  }
}

TEST(FrontDoor, WhatCannotBeComparedIsRefused) {
  const auto model = Embedder::Open(kDemo);
  const Tensor texts = model.EmbedTexts({"a cat"});
  EXPECT_THROW(model.Probabilities(Tensor(DType::kF32, {1, 3}), texts), Error);
  EXPECT_THROW(model.Probabilities(texts, Tensor(DType::kF32, {texts.dim(1)})), Error);
}

/// Sets the folder of the hub's cache for one test.
class ScopedHubCache {
 public:
  explicit ScopedHubCache(const std::filesystem::path& folder) {
    ::setenv("HF_HUB_CACHE", folder.c_str(), 1);
  }
  ScopedHubCache(const ScopedHubCache&) = delete;
  ScopedHubCache& operator=(const ScopedHubCache&) = delete;
  ~ScopedHubCache() { ::unsetenv("HF_HUB_CACHE"); }
};

TEST(FrontDoor, AModelOfTheCacheGoesByItsName) {
  const ScratchFolder cache;
  const ScopedHubCache scoped(cache.path());
  const std::string commit(40, 'a');
  const std::filesystem::path folder = cache.path() / "models--someone--demo";
  std::filesystem::create_directories(folder / "refs");
  std::filesystem::create_directories(folder / "snapshots");
  std::ofstream(folder / "refs/main") << commit;
  std::filesystem::create_directory_symlink(kDemo, folder / "snapshots" / commit);

  const std::array pictures = {Picture::File(kPictures / "00.jpg")};
  const Tensor expected = Embedder::Open(kDemo).Embed(pictures);
  EXPECT_TRUE(SameBits(Embedder::Open("someone/demo").Embed(pictures), expected));
  EXPECT_TRUE(SameBits(Embedder::Open("someone/demo@main").Embed(pictures), expected));

  const auto processor = SiglipImageProcessor::FromPretrained("someone/demo");
  const auto tower = SiglipVisionModel::FromPretrained("someone/demo");
  const Tensor pixels = processor(std::array{DecodeImageFile(kPictures / "00.jpg")});
  EXPECT_TRUE(SameBits(tower(pixels).pooler_output.value(), expected));
  EXPECT_GT(Tokenizer::FromPretrained("someone/demo")->vocab_size(), 0);
  EXPECT_TRUE(InspectModel("someone/demo").parts.whole());
}

TEST(FrontDoor, AModelThatIsNowhereIsToldHowToGet) {
  const ScratchFolder cache;
  const ScopedHubCache scoped(cache.path());
  const auto expect_hint = [](const auto& open) {
    try {
      open();
      ADD_FAILURE() << "opened";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kNotFound);
      EXPECT_NE(error.hint().find("siglip pull someone/else"), std::string::npos) << error.what();
    }
  };
  expect_hint([] { Embedder::Open("someone/else"); });
  expect_hint([] { SiglipVisionModel::FromPretrained("someone/else"); });
  expect_hint([] { SiglipImageProcessor::FromPretrained("someone/else"); });
  expect_hint([] { Tokenizer::FromPretrained("someone/else"); });
}

}  // namespace
}  // namespace siglip
