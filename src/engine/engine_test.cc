// From pictures to embeddings: bits, results, errors.
#include "siglip/engine.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine_test_support.h"
#include "engine/image_tower.h"
#include "expect_error.h"
#include "siglip/safetensors.h"
#include "siglip/siglip2_vision_model.h"

namespace siglip {
namespace {

std::string ReadBytes(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST_F(EngineTest, SameBitsForAnyThreadsNumberInFlightAndCompany) {
  const std::vector<std::string> paths = WritePictures(11);
  std::vector<Tensor> expected;
  {
    const Engine engine = MakeEngine(1);
    for (const std::string& path : paths) {
      expected.push_back(EmbedOne(engine, Picture::File(path)));
    }
  }
  for (int threads = 1; threads <= 4; ++threads) {
    const Engine engine = MakeEngine(threads);
    for (int in_flight = 1; in_flight <= 9; ++in_flight) {
      const std::vector<EmbedResult> results =
          RunAll(engine, Files(paths), {.in_flight = in_flight});
      ASSERT_EQ(results.size(), paths.size());
      for (size_t i = 0; i < paths.size(); ++i) {
        EXPECT_EQ(results[i].index, i);
        EXPECT_EQ(results[i].name, paths[i]);
        ASSERT_FALSE(results[i].error) << results[i].error->what();
        EXPECT_TRUE(SameBits(results[i].embedding, expected[i]));
      }
      EXPECT_TRUE(SameBits(EmbedOne(engine, Picture::File(paths[3])), expected[3]));
    }
  }
}

TEST_F(EngineTest, FilesBytesAndPixelsGiveTheSameBits) {
  const std::string path = SIGLIP_SOURCE_DIR "/tests/golden/images/rgb.jpg";  // 311 x 203 pixels
  const Image image = DecodeImageFile(path);
  // With gaps between the rows.
  const int64_t stride = 3 * image.width + 5;
  std::vector<uint8_t> pixels(static_cast<size_t>(image.height * stride), 77);
  for (int64_t y = 0; y < image.height; ++y) {
    std::copy_n(image.rgb.begin() + y * 3 * image.width, 3 * image.width,
                pixels.begin() + y * stride);
  }
  const std::vector<Picture> pictures = {
      Picture::File(path, "text:a"), Picture::Bytes(ReadBytes(path), "/nowhere/b.png"),
      Picture::Pixels(pixels, {.width = image.width, .height = image.height, .row_stride = stride},
                      "")};
  for (const Engine& engine : {MakeEngine(2), MakeNaflexEngine(2)}) {
    const std::vector<EmbedResult> results = RunAll(engine, pictures);
    for (size_t i = 0; i < pictures.size(); ++i) {
      const EmbedResult& result = results[i];
      ASSERT_FALSE(result.error) << result.error->what();
      EXPECT_EQ(result.name, pictures[i].name());
      EXPECT_EQ(result.width, 311);
      EXPECT_EQ(result.height, 203);
      EXPECT_EQ(result.rows, results[0].rows);
      EXPECT_EQ(result.columns, results[0].columns);
      EXPECT_TRUE(SameBits(result.embedding, results[0].embedding)) << i;
    }
  }
}

TEST_F(EngineTest, SizeIsThatOfTheUprightPictureAndKnownOfOneThatFails) {
  const std::string turned = SIGLIP_SOURCE_DIR "/tests/golden/images/exif-6.jpg";
  DecodeOptions as_stored;
  as_stored.apply_exif_orientation = false;
  const Image stored = DecodeImageFile(turned, as_stored);
  ASSERT_NE(stored.width, stored.height);
  const EmbedResult upright = RunAll(MakeEngine(), {Picture::File(turned)}).at(0);
  EXPECT_EQ(upright.width, stored.height);
  EXPECT_EQ(upright.height, stored.width);
  ImageProcessorConfig preprocessing = TinyPreprocessing();
  preprocessing.do_resize = false;
  const EmbedResult refused =
      RunAll(MakeEngine(2, {}, preprocessing), Files({WritePicture(2, 40, 30)})).at(0);
  ASSERT_TRUE(refused.error);
  EXPECT_EQ(refused.width, 40);
  EXPECT_EQ(refused.height, 30);
  const EmbedResult unknown =
      RunAll(MakeEngine(), {Picture::Bytes("no picture at all", "x")}).at(0);
  EXPECT_EQ(unknown.width, 0);
}

TEST_F(EngineTest, EmbedGivesTheRowsOfRun) {
  const std::vector<Picture> pictures = Files(WritePictures(9));
  for (const Output output : {Output::kPooled, Output::kTokens}) {
    const EmbedOptions options = {.output = output, .normalize = true};
    const Engine engine = MakeNaflexEngine(3);
    const std::vector<EmbedResult> results = RunAll(engine, pictures, options);
    const Tensor embeddings = engine.Embed(pictures, options);
    Shape expected = engine.embedding_shape(output);
    expected.insert(expected.begin(), 9);
    ASSERT_EQ(embeddings.shape(), expected);
    for (size_t i = 0; i < pictures.size(); ++i) {
      const auto row = results[i].embedding.floats();
      EXPECT_EQ(0, std::memcmp(embeddings.floats().data() + i * row.size(), row.data(),
                               row.size_bytes()));
    }
    EXPECT_EQ(engine.Embed({}, options).dim(0), 0);
  }
}

TEST_F(EngineTest, EmbedThrowsTheFirstError) {
  std::vector<Picture> pictures = Files(WritePictures(4));
  pictures.insert(pictures.begin() + 1, Picture::Bytes("no picture", "first"));
  pictures.push_back(Picture::Bytes("no picture", "second"));
  for (const int threads : {1, 3}) {
    const Engine engine = MakeEngine(threads);
    ExpectError(ErrorCode::kUnsupported, {"first"}, [&] { engine.Embed(pictures); });
    EXPECT_EQ(engine.Embed(std::span(pictures).first(1)).dim(0), 1);
  }
}

TEST_F(EngineTest, EqualsProcessorAndModel) {
  const std::string path = WritePicture(1, 45, 33);
  const Engine engine = MakeEngine(2);
  const std::vector<Image> images = {DecodeImageFile(path)};
  const SiglipVisionModel model(TinyConfig(), 7);
  const SiglipImageProcessor processor(TinyPreprocessing(), PreprocessMode::kTorchvision);
  const VisionOutput output = model(processor(images));
  for (const bool tokens : {false, true}) {
    const Output wanted = tokens ? Output::kTokens : Output::kPooled;
    const Tensor embedding = EmbedOne(engine, Picture::File(path), {.output = wanted});
    EXPECT_EQ(embedding.shape(), engine.embedding_shape(wanted));
    EXPECT_EQ(embedding.shape(), tokens ? (Shape{16, 24}) : (Shape{24}));
    const Tensor& computed = tokens ? output.last_hidden_state : *output.pooler_output;
    ASSERT_EQ(embedding.bytes().size(), computed.bytes().size());
    EXPECT_EQ(
        std::memcmp(embedding.bytes().data(), computed.bytes().data(), computed.bytes().size()), 0);
  }
}

TEST_F(EngineTest, BadPicturesFailAlone) {
  std::vector<std::string> paths = WritePictures(6);
  paths[0] = (scratch_ / "absent.png").string();
  paths[2] = WriteBytes("text.jpg", "no picture at all");
  paths[5] = WriteBytes("cut.ppm", "P6\n100 100\n255\nabc");
  for (const int threads : {1, 3}) {
    const std::vector<EmbedResult> results = RunAll(MakeEngine(threads), Files(paths));
    ASSERT_EQ(results.size(), 6u);
    for (const size_t bad : {0, 2, 5}) {
      ASSERT_TRUE(results[bad].error);
      EXPECT_TRUE(results[bad].embedding.empty());
      const std::string what = results[bad].error->what();
      EXPECT_EQ(what.find(paths[bad]), 0u) << what;
      EXPECT_EQ(what.find(paths[bad], 1), std::string::npos) << what;
    }
    EXPECT_EQ(results[0].error->code(), ErrorCode::kNotFound);
    for (const size_t good : {1, 3, 4}) EXPECT_FALSE(results[good].error);
  }
}

TEST_F(EngineTest, NormalizeDividesByTheNorm) {
  const Picture picture = Picture::File(WritePicture(1, 40, 40));
  const Engine engine = MakeEngine();
  const Tensor plain = EmbedOne(engine, picture);
  const Tensor normalized = EmbedOne(engine, picture, {.normalize = true});
  double squares = 0;
  for (const float value : plain.floats()) squares += static_cast<double>(value) * value;
  const auto norm = static_cast<float>(std::sqrt(squares));
  for (size_t i = 0; i < plain.floats().size(); ++i) {
    EXPECT_EQ(normalized.floats()[i], plain.floats()[i] / norm);
  }
}

TEST_F(EngineTest, FastDecodingIsCloseAndOnlyOnRequest) {
  const Picture picture = Picture::File(SIGLIP_SOURCE_DIR "/tests/golden/images/rgb.jpg");
  const Tensor exact = EmbedOne(MakeEngine(), picture);
  DecodeOptions decode;
  decode.fast = true;
  const Tensor fast = EmbedOne(MakeEngine(2, decode), picture);
  double product = 0;
  double exact_squares = 0;
  double fast_squares = 0;
  for (size_t i = 0; i < exact.floats().size(); ++i) {
    product += static_cast<double>(exact.floats()[i]) * fast.floats()[i];
    exact_squares += static_cast<double>(exact.floats()[i]) * exact.floats()[i];
    fast_squares += static_cast<double>(fast.floats()[i]) * fast.floats()[i];
  }
  const double cosine = product / std::sqrt(exact_squares * fast_squares);
  EXPECT_GT(cosine, 0.99);
  EXPECT_LT(cosine, 1 - 1e-9);
}

TEST_F(EngineTest, SecondsAreThoseOfTheStages) {
  const Engine engine = MakeEngine(2);
  EXPECT_EQ(engine.stage_seconds().compute, 0);
  std::vector<std::string> paths = WritePictures(6);
  paths.push_back(WriteBytes("text.jpg", "no picture at all"));
  const auto start = std::chrono::steady_clock::now();
  RunAll(engine, Files(paths));
  const double most =
      2 * std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const StageSeconds first = engine.stage_seconds();
  for (const double seconds : {first.read, first.decode, first.resize, first.compute}) {
    EXPECT_GT(seconds, 0);
  }
  EXPECT_LT(first.read + first.decode + first.resize + first.compute, most);
  RunAll(engine, Files(paths));
  EXPECT_GT(engine.stage_seconds().compute, first.compute);
}

TEST_F(EngineTest, StopsWhenAsked) {
  const std::string path = WritePicture(1, 40, 40);
  std::atomic<bool> stop = false;
  uint64_t seen = 0;
  const auto count = [&](const EmbedResult&) {
    if (++seen == 5) stop = true;
  };
  const uint64_t delivered =
      MakeEngine(2).Run([&] { return Picture::File(path); }, count, {.in_flight = 4}, &stop);
  EXPECT_EQ(delivered, seen);
  EXPECT_GE(delivered, 5u);
  EXPECT_LE(delivered, 9u);
}

TEST_F(EngineTest, OptionsThatMakeNoSenseAreRefusedBeforeTheSourceIsAsked) {
  const Engine engine = MakeEngine();
  const auto run = [&](const EmbedOptions& options) {
    engine.Run([]() -> std::optional<Picture> { throw 1; }, [](const EmbedResult&) {}, options);
  };
  ExpectError(ErrorCode::kInvalidArgument, {"in_flight", "-1"}, [&] { run({.in_flight = -1}); });
}

TEST_F(EngineTest, PicturesOfAnotherSizeFailWithoutResizing) {
  ImageProcessorConfig preprocessing = TinyPreprocessing();
  preprocessing.do_resize = false;
  const Engine engine = MakeEngine(2, {}, preprocessing);
  const std::vector<EmbedResult> results =
      RunAll(engine, Files({WritePicture(1, 32, 32), WritePicture(2, 40, 32)}));
  EXPECT_FALSE(results[0].error);
  ASSERT_TRUE(results[1].error);
  EXPECT_EQ(results[1].error->code(), ErrorCode::kMismatch);
}

TEST_F(EngineTest, PartsThatDoNotFitAreRefused) {
  ImageProcessorConfig larger = TinyPreprocessing();
  larger.height = 48;
  ExpectError(ErrorCode::kMismatch, {"model", "48x32"}, [&] { MakeEngine(1, {}, larger); });
  SiglipVisionConfig five_channels = TinyConfig();
  five_channels.num_channels = 5;
  const SiglipImageProcessor processor(TinyPreprocessing(), PreprocessMode::kTorchvision);
  ExpectError(ErrorCode::kMismatch, {"5 channels"},
              [&] { Engine(SiglipVisionModel(five_channels, 7), processor); });
}

TEST_F(EngineTest, WithoutAPoolingHeadThereAreTokensOnly) {
  SiglipVisionConfig headless = TinyConfig();
  headless.vision_use_head = false;
  const Engine engine(SiglipVisionModel(headless, 7),
                      SiglipImageProcessor(TinyPreprocessing(), PreprocessMode::kTorchvision), {},
                      "headless");
  const std::vector<Picture> pictures = Files({WritePicture(1, 40, 40)});
  const auto never = []() -> std::optional<Picture> { throw 1; };
  ExpectError(ErrorCode::kUnsupported, {"headless"}, [&] { engine.Embed(pictures); });
  ExpectError(ErrorCode::kUnsupported, {"headless"},
              [&] { engine.Run(never, [](const EmbedResult&) {}); });
  ExpectError(ErrorCode::kUnsupported, {"headless"}, [&] { engine.embedding_shape(); });
  EXPECT_EQ(engine.Embed(pictures, {.output = Output::kTokens}).shape(), (Shape{1, 16, 24}));
}

/// Saves the tiny model with every value of post_layernorm set to `value`.
void SaveWithPostLayerNorm(const std::filesystem::path& folder, float value) {
  SiglipVisionModel(TinyConfig(), 7).SavePretrained(folder);
  std::ofstream(folder / "preprocessor_config.json") << TinyPreprocessing().ToJson();
  const std::filesystem::path path = folder / "model.safetensors";
  const SafetensorsFile file = SafetensorsFile::Open(path);
  const std::vector<float> values(24, value);
  NamedTensors tensors;
  for (const std::string& name : file.names()) {
    const TensorView view = file.Get(name);
    const bool is_changed = name.find("post_layernorm") != std::string::npos;
    tensors.emplace_back(name,
                         TensorView(view.dtype(), view.shape(),
                                    is_changed ? std::as_bytes(std::span(values)) : view.bytes()));
  }
  WriteSafetensors(path, tensors);
}

TEST_F(EngineTest, EmbeddingsNobodyCanCompareAreErrors) {
  const std::string path = WritePicture(1, 40, 40);
  SaveWithPostLayerNorm(scratch_.path(), std::numeric_limits<float>::quiet_NaN());
  const std::string folder = scratch_.path().string();
  ExpectError(ErrorCode::kUnsupported, {folder, "NaN", "test picture"}, [&] {
    RunAll(Engine::FromPretrained(folder), Files({path, path}));
  });

  SaveWithPostLayerNorm(scratch_.path(), 0);
  EmbedOptions options = {.output = Output::kTokens};
  const Engine engine = Engine::FromPretrained(folder);
  EmbedOne(engine, Picture::File(path), options);
  options.normalize = true;
  ExpectError(ErrorCode::kUnsupported, {folder, "zero", "test picture"}, [&] {
    RunAll(engine, Files({path, path}), options);
  });
}

TEST_F(EngineTest, PicturesOfVariableResolutionEqualProcessorAndModel) {
  const std::vector<std::string> paths = WritePictures(9);
  const Siglip2VisionModel model(TinyNaflexConfig(), 7);
  for (const bool tokens : {false, true}) {
    for (const int threads : {1, 3}) {
      const EmbedOptions options = {.output = tokens ? Output::kTokens : Output::kPooled,
                                    .normalize = true};
      const Engine engine = MakeNaflexEngine(threads);
      EXPECT_EQ(engine.embedding_shape(options.output), tokens ? (Shape{20, 24}) : (Shape{24}));
      const std::vector<EmbedResult> results = RunAll(engine, Files(paths), options);
      for (size_t i = 0; i < paths.size(); ++i) {
        ASSERT_FALSE(results[i].error) << results[i].error->what();
        const std::vector<Image> images = {DecodeImageFile(paths[i])};
        const auto [rows, columns] =
            TinyNaflexProcessor().SpatialShape(images[0].height, images[0].width);
        EXPECT_EQ(results[i].rows, rows);
        EXPECT_EQ(results[i].columns, columns);
        const VisionOutput output = model(TinyNaflexProcessor()(images));
        Tensor expected = tokens ? output.last_hidden_state : *output.pooler_output;
        const int64_t vectors = tokens ? rows * columns : 1;
        for (int64_t vector = 0; vector < vectors; ++vector) {
          const auto values = expected.floats().subspan(static_cast<size_t>(vector * 24), 24);
          double squares = 0;
          for (const float value : values) squares += static_cast<double>(value) * value;
          for (float& value : values) value /= static_cast<float>(std::sqrt(squares));
        }
        ASSERT_EQ(results[i].embedding.shape(), engine.embedding_shape(options.output));
        EXPECT_EQ(std::memcmp(results[i].embedding.bytes().data(), expected.bytes().data(),
                              expected.bytes().size()),
                  0)
            << i;
      }
    }
  }
}

TEST_F(EngineTest, PicturesOfAGroupHaveTheBitsTheyHaveAlone) {
  std::vector<ImageTower> towers;
  towers.emplace_back(SiglipVisionModel(TinyConfig(), 7),
                      SiglipImageProcessor(TinyPreprocessing(), PreprocessMode::kTorchvision),
                      "fixed");
  towers.emplace_back(Siglip2VisionModel(TinyNaflexConfig(), 7), TinyNaflexProcessor(), "naflex");
  for (const ImageTower& tower : towers) {
    std::vector<PreparedPicture> pictures(3);
    std::vector<std::vector<float>> pooled(3, std::vector<float>(24));
    std::vector<ReadyPicture> group;
    const int sizes[][2] = {{20, 60}, {33, 31}, {90, 10}};
    for (size_t i = 0; i < pictures.size(); ++i) {
      const std::string path = WritePicture(static_cast<int>(i), sizes[i][0], sizes[i][1]);
      tower.Preprocess(DecodeImageFile(path), pictures[i]);
      group.push_back(Ready(pictures[i], nullptr, pooled[i].data()));
    }
    VisionForward(tower.model()).Run(group);
    for (size_t i = 0; i < pictures.size(); ++i) {
      const VisionOutput alone = tower.Run(pictures[i]);
      EXPECT_EQ(
          std::memcmp(alone.pooler_output->bytes().data(), pooled[i].data(), 24 * sizeof(float)),
          0);
    }
  }
}

}  // namespace
}  // namespace siglip
