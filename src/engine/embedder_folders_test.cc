// What an embedder finds in checkpoint folders, and when it loads it.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "engine/embedder_test_support.h"
#include "expect_error.h"
#include "siglip/embedder.hpp"
#include "siglip/safetensors.hpp"
#include "siglip/transformers/image_processor.hpp"
#include "siglip/transformers/text_model.hpp"
#include "source_folders.h"

namespace siglip {
namespace {

const std::vector<std::string> kTwoTexts = {"a red circle", "a blue star"};

class EmbedderFoldersTest : public EmbedderTest {
 protected:
  /// A copy of the demo model without this file.
  std::filesystem::path DemoWithout(const std::string& file) const {
    const std::filesystem::path folder = scratch_ / ("without " + file);
    std::filesystem::copy(kDemo, folder, std::filesystem::copy_options::recursive);
    std::filesystem::remove(folder / file);
    return folder;
  }
};

uint64_t CountAnswers(const Embedder& embedder, const Picture& picture) {
  uint64_t asked = 0;
  const auto source = [&]() -> std::optional<Picture> {
    ++asked;
    return picture;
  };
  try {
    embedder.Run(source, [](const EmbedResult&) {});
  } catch (const Error&) {
  }
  return asked;
}

TEST_F(EmbedderFoldersTest, VariableResolution) {
  const Picture picture = Picture::File(WritePicture(3, 60, 50));
  Siglip2VisionModel::SaveRandom(TinyNaflexConfig(), 7, scratch_ / "model");
  WriteBytes("model/preprocessor_config.json", TinyNaflexProcessor().config().ToJson());
  const auto load = [&](int64_t max_num_patches) {
    EmbedderOptions options;
    options.max_num_patches = max_num_patches;
    options.load_image_tower = true;
    return Embedder::Open(scratch_ / "model", options);
  };
  EXPECT_TRUE(SameBits(EmbedOne(load(0), picture), EmbedOne(MakeNaflexEmbedder(1), picture)));
  const EmbedResult small = RunAll(load(6), {picture}).at(0);
  EXPECT_EQ(small.rows, 2);
  EXPECT_EQ(small.columns, 3);
  EXPECT_EQ(load(6).most_tokens(), 6);
  ExpectError(ErrorCode::kInvalidArgument, {"max_num_patches", "-3"}, [&] { load(-3); });

  WriteBytes("model/preprocessor_config.json", TinyNaflexProcessor(16).config().ToJson());
  ExpectError(ErrorCode::kMismatch, {"model", "patches of 16", "takes 8", "patch_size"},
              [&] { load(0); });
  WriteBytes("model/preprocessor_config.json", TinyPreprocessing().ToJson());
  ExpectError(ErrorCode::kUnsupported, {"preprocessor_config.json", "Siglip2ImageProcessor"},
              [&] { load(0); });
}

TEST_F(EmbedderFoldersTest, FixedResolution) {
  SiglipVisionModel::SaveRandom(TinyConfig(), 7, scratch_ / "fixed");
  WriteBytes("fixed/preprocessor_config.json", TinyPreprocessing().ToJson());
  EmbedderOptions options;
  options.load_image_tower = true;
  options.max_num_patches = 9;
  ExpectError(ErrorCode::kInvalidArgument, {"--max-num-patches", "NaFlex"},
              [&] { Embedder::Open(scratch_ / "fixed", options); });
  options.max_num_patches = 0;
  WriteBytes("fixed/preprocessor_config.json", TinyNaflexProcessor().config().ToJson());
  ExpectError(ErrorCode::kUnsupported, {"preprocessor_config.json", "NaFlex"},
              [&] { Embedder::Open(scratch_ / "fixed", options); });
}

TEST_F(EmbedderFoldersTest, WhatIsNoCheckpointIsRefusedAtOnce) {
  ExpectError(ErrorCode::kNotFound, {"absent"}, [&] { Embedder::Open(scratch_ / "absent"); });
}

TEST_F(EmbedderFoldersTest, PicturesNeedNoTokenizer) {
  const std::filesystem::path folder = DemoWithout("spiece.model");
  const Picture picture = Picture::File(WritePicture(1, 40, 40));
  const Embedder embedder = Embedder::Open(folder);
  EXPECT_TRUE(SameBits(EmbedOne(embedder, picture), EmbedOne(Embedder::Open(kDemo), picture)));
  ExpectError(ErrorCode::kNotFound, {folder.string()}, [&] { embedder.EmbedTexts(kTwoTexts); });
  EmbedderOptions options;
  options.load_text_tower = true;
  ExpectError(ErrorCode::kNotFound, {folder.string()}, [&] { Embedder::Open(folder, options); });
}

TEST_F(EmbedderFoldersTest, TextsNeedNoPreprocessing) {
  const std::filesystem::path folder = DemoWithout("preprocessor_config.json");
  const Embedder embedder = Embedder::Open(folder);
  EXPECT_TRUE(
      SameBits(embedder.EmbedTexts(kTwoTexts), Embedder::Open(kDemo).EmbedTexts(kTwoTexts)));
  const std::vector<Picture> pictures = Files({WritePicture(1, 40, 40)});
  ExpectError(ErrorCode::kNotFound, {folder.string()}, [&] { embedder.Embed(pictures); });
  EXPECT_EQ(CountAnswers(embedder, pictures[0]), 0U);
  EmbedderOptions options;
  options.load_image_tower = true;
  ExpectError(ErrorCode::kNotFound, {folder.string()}, [&] { Embedder::Open(folder, options); });
}

TEST_F(EmbedderFoldersTest, ACheckpointOfTextsAlone) {
  const std::filesystem::path folder = DemoWithout("model.safetensors");
  const SafetensorsFile file = SafetensorsFile::Open(kDemo / "model.safetensors");
  NamedTensors tensors;
  for (const std::string& name : file.names()) {
    if (!name.starts_with("vision_model.")) tensors.emplace_back(name, file.Get(name));
  }
  WriteSafetensors(folder / "model.safetensors", tensors);
  EmbedderOptions options;
  options.load_text_tower = true;
  const Embedder embedder = Embedder::Open(folder, options);
  EXPECT_TRUE(
      SameBits(embedder.EmbedTexts(kTwoTexts), Embedder::Open(kDemo).EmbedTexts(kTwoTexts)));
  const Picture picture = Picture::File(WritePicture(1, 40, 40));
  ExpectError(ErrorCode::kMismatch, {folder.string(), "image tower"}, [&] {
    embedder.Embed({&picture, 1});
  });
  EXPECT_EQ(CountAnswers(embedder, picture), 0U);
}

TEST_F(EmbedderFoldersTest, TowersShareTheRuntimeThatIsGiven) {
  EmbedderOptions options;
  options.runtime = Threads(1);
  const Embedder first = Embedder::Open(kDemo, options);
  const Embedder second = Embedder::Open(kDemo, options);
  for (const Embedder* embedder : {&first, &second}) {
    EXPECT_EQ(embedder->runtime(), options.runtime);
    EXPECT_EQ(embedder->vision_model().runtime(), options.runtime);
    EXPECT_EQ(embedder->text_model().runtime(), options.runtime);
  }
}

}  // namespace
}  // namespace siglip
