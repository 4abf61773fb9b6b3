// What an engine finds in checkpoint folders, and when it loads it.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "engine/engine_test_support.h"
#include "expect_error.h"
#include "siglip/engine.h"
#include "siglip/safetensors.h"

namespace siglip {
namespace {

const std::filesystem::path kDemo = std::filesystem::path(SIGLIP_SOURCE_DIR) / "models/demo";
const std::vector<std::string> kTexts = {"a red circle", "a blue star"};

class EngineFoldersTest : public EngineTest {
 protected:
  /// A copy of the demo model without this file.
  std::filesystem::path DemoWithout(const std::string& file) const {
    const std::filesystem::path folder = scratch_ / ("without " + file);
    std::filesystem::copy(kDemo, folder, std::filesystem::copy_options::recursive);
    std::filesystem::remove(folder / file);
    return folder;
  }
};

uint64_t CountAnswers(const Engine& engine, const Picture& picture) {
  uint64_t asked = 0;
  const auto source = [&]() -> std::optional<Picture> {
    ++asked;
    return picture;
  };
  try {
    engine.Run(source, [](const EmbedResult&) {});
  } catch (const Error&) {
  }
  return asked;
}

TEST_F(EngineFoldersTest, VariableResolution) {
  const Picture picture = Picture::File(WritePicture(3, 60, 50));
  Siglip2VisionModel::SaveRandom(TinyNaflexConfig(), 7, scratch_ / "model");
  WriteBytes("model/preprocessor_config.json", TinyNaflexProcessor().config().ToJson());
  const auto load = [&](int64_t max_num_patches) {
    EngineOptions options;
    options.max_num_patches = max_num_patches;
    options.load_image_tower = true;
    return Engine::FromPretrained(scratch_ / "model", options);
  };
  EXPECT_TRUE(SameBits(EmbedOne(load(0), picture), EmbedOne(MakeNaflexEngine(1), picture)));
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

TEST_F(EngineFoldersTest, FixedResolution) {
  SiglipVisionModel::SaveRandom(TinyConfig(), 7, scratch_ / "fixed");
  WriteBytes("fixed/preprocessor_config.json", TinyPreprocessing().ToJson());
  EngineOptions options;
  options.load_image_tower = true;
  options.max_num_patches = 9;
  ExpectError(ErrorCode::kInvalidArgument, {"--max-num-patches", "NaFlex"},
              [&] { Engine::FromPretrained(scratch_ / "fixed", options); });
  options.max_num_patches = 0;
  WriteBytes("fixed/preprocessor_config.json", TinyNaflexProcessor().config().ToJson());
  ExpectError(ErrorCode::kUnsupported, {"preprocessor_config.json", "NaFlex"},
              [&] { Engine::FromPretrained(scratch_ / "fixed", options); });
}

TEST_F(EngineFoldersTest, WhatIsNoCheckpointIsRefusedAtOnce) {
  ExpectError(ErrorCode::kNotFound, {"absent"},
              [&] { Engine::FromPretrained(scratch_ / "absent"); });
}

TEST_F(EngineFoldersTest, PicturesNeedNoTokenizer) {
  const std::filesystem::path folder = DemoWithout("spiece.model");
  const Picture picture = Picture::File(WritePicture(1, 40, 40));
  const Engine engine = Engine::FromPretrained(folder);
  EXPECT_TRUE(
      SameBits(EmbedOne(engine, picture), EmbedOne(Engine::FromPretrained(kDemo), picture)));
  ExpectError(ErrorCode::kNotFound, {folder.string()}, [&] { engine.EmbedTexts(kTexts); });
  EngineOptions options;
  options.load_text_tower = true;
  ExpectError(ErrorCode::kNotFound, {folder.string()},
              [&] { Engine::FromPretrained(folder, options); });
}

TEST_F(EngineFoldersTest, TextsNeedNoPreprocessing) {
  const std::filesystem::path folder = DemoWithout("preprocessor_config.json");
  const Engine engine = Engine::FromPretrained(folder);
  EXPECT_TRUE(
      SameBits(engine.EmbedTexts(kTexts), Engine::FromPretrained(kDemo).EmbedTexts(kTexts)));
  const std::vector<Picture> pictures = Files({WritePicture(1, 40, 40)});
  ExpectError(ErrorCode::kNotFound, {folder.string()}, [&] { engine.Embed(pictures); });
  EXPECT_EQ(CountAnswers(engine, pictures[0]), 0U);
  EngineOptions options;
  options.load_image_tower = true;
  ExpectError(ErrorCode::kNotFound, {folder.string()},
              [&] { Engine::FromPretrained(folder, options); });
}

TEST_F(EngineFoldersTest, ACheckpointOfTextsAlone) {
  const std::filesystem::path folder = DemoWithout("model.safetensors");
  const SafetensorsFile file = SafetensorsFile::Open(kDemo / "model.safetensors");
  NamedTensors tensors;
  for (const std::string& name : file.names()) {
    if (!name.starts_with("vision_model.")) tensors.emplace_back(name, file.Get(name));
  }
  WriteSafetensors(folder / "model.safetensors", tensors);
  EngineOptions options;
  options.load_text_tower = true;
  const Engine engine = Engine::FromPretrained(folder, options);
  EXPECT_TRUE(
      SameBits(engine.EmbedTexts(kTexts), Engine::FromPretrained(kDemo).EmbedTexts(kTexts)));
  const Picture picture = Picture::File(WritePicture(1, 40, 40));
  ExpectError(ErrorCode::kMismatch, {folder.string(), "image tower"}, [&] {
    engine.Embed({&picture, 1});
  });
  EXPECT_EQ(CountAnswers(engine, picture), 0U);
}

TEST_F(EngineFoldersTest, TowersShareTheRuntimeThatIsGiven) {
  EngineOptions options;
  options.runtime = Threads(1);
  const Engine first = Engine::FromPretrained(kDemo, options);
  const Engine second = Engine::FromPretrained(kDemo, options);
  for (const Engine* engine : {&first, &second}) {
    EXPECT_EQ(engine->runtime(), options.runtime);
    EXPECT_EQ(engine->vision_model().runtime(), options.runtime);
    EXPECT_EQ(engine->text_model().runtime(), options.runtime);
  }
}

}  // namespace
}  // namespace siglip
