// From pictures to embeddings: bits, results, errors.
#include "siglip/embedder.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "engine/embedder_test_support.h"
#include "engine/image_tower.h"
#include "expect_error.h"
#include "file_bytes.h"
#include "siglip/safetensors.hpp"
#include "siglip/transformers/vision_model.hpp"

namespace siglip {
namespace {

TEST_F(EmbedderTest, SameBitsForAnyThreadsNumberInFlightAndCompany) {
  const std::vector<std::string> paths = WritePictures(11);
  std::vector<Tensor> expected;
  {
    const Embedder embedder = MakeEmbedder(1);
    for (const std::string& path : paths) {
      expected.push_back(EmbedOne(embedder, Picture::File(path)));
    }
  }
  for (int threads = 1; threads <= 4; ++threads) {
    const Embedder embedder = MakeEmbedder(threads);
    for (int in_flight = 1; in_flight <= 9; ++in_flight) {
      const std::vector<EmbedResult> results =
          RunAll(embedder, Files(paths), {.in_flight = in_flight});
      ASSERT_EQ(results.size(), paths.size());
      for (size_t i = 0; i < paths.size(); ++i) {
        EXPECT_EQ(results[i].index, i);
        EXPECT_EQ(results[i].name, paths[i]);
        ASSERT_FALSE(results[i].error) << results[i].error->what();
        EXPECT_TRUE(SameBits(results[i].embedding, expected[i]));
      }
      EXPECT_TRUE(SameBits(EmbedOne(embedder, Picture::File(paths[3])), expected[3]));
    }
  }
}

TEST_F(EmbedderTest, FilesBytesAndPixelsGiveTheSameBits) {
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
  for (const Embedder& embedder : {MakeEmbedder(2), MakeNaflexEmbedder(2)}) {
    const std::vector<EmbedResult> results = RunAll(embedder, pictures);
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

TEST_F(EmbedderTest, SizeIsThatOfTheUprightPictureAndKnownOfOneThatFails) {
  const std::string turned = SIGLIP_SOURCE_DIR "/tests/golden/images/exif-6.jpg";
  DecodeOptions as_stored;
  as_stored.apply_exif_orientation = false;
  const Image stored = DecodeImageFile(turned, as_stored);
  ASSERT_NE(stored.width, stored.height);
  const EmbedResult upright = RunAll(MakeEmbedder(), {Picture::File(turned)}).at(0);
  EXPECT_EQ(upright.width, stored.height);
  EXPECT_EQ(upright.height, stored.width);
  ImageProcessorConfig preprocessing = TinyPreprocessing();
  preprocessing.do_resize = false;
  const EmbedResult refused =
      RunAll(MakeEmbedder(2, {}, preprocessing), Files({WritePicture(2, 40, 30)})).at(0);
  ASSERT_TRUE(refused.error);
  EXPECT_EQ(refused.width, 40);
  EXPECT_EQ(refused.height, 30);
  const EmbedResult unknown =
      RunAll(MakeEmbedder(), {Picture::Bytes("no picture at all", "x")}).at(0);
  EXPECT_EQ(unknown.width, 0);
}

TEST_F(EmbedderTest, EmbedGivesTheRowsOfRun) {
  const std::vector<Picture> pictures = Files(WritePictures(9));
  for (const Output output : {Output::kPooled, Output::kTokens}) {
    const EmbedOptions options = {.output = output, .normalize = true};
    const Embedder embedder = MakeNaflexEmbedder(3);
    const std::vector<EmbedResult> results = RunAll(embedder, pictures, options);
    const Tensor embeddings = embedder.Embed(pictures, options);
    Shape expected = embedder.embedding_shape(output);
    expected.insert(expected.begin(), 9);
    ASSERT_EQ(embeddings.shape(), expected);
    for (size_t i = 0; i < pictures.size(); ++i) {
      const auto row = results[i].embedding.floats();
      EXPECT_EQ(0, std::memcmp(embeddings.floats().data() + i * row.size(), row.data(),
                               row.size_bytes()));
    }
    EXPECT_EQ(embedder.Embed({}, options).dim(0), 0);
  }
}

TEST_F(EmbedderTest, EmbedThrowsTheFirstError) {
  std::vector<Picture> pictures = Files(WritePictures(4));
  pictures.insert(pictures.begin() + 1, Picture::Bytes("no picture", "first"));
  pictures.push_back(Picture::Bytes("no picture", "second"));
  for (const int threads : {1, 3}) {
    const Embedder embedder = MakeEmbedder(threads);
    ExpectError(ErrorCode::kUnsupported, {"first"}, [&] { embedder.Embed(pictures); });
    EXPECT_EQ(embedder.Embed(std::span(pictures).first(1)).dim(0), 1);
  }
}

TEST_F(EmbedderTest, EqualsProcessorAndModel) {
  const std::string path = WritePicture(1, 45, 33);
  const Embedder embedder = MakeEmbedder(2);
  const std::vector<Image> images = {DecodeImageFile(path)};
  const SiglipVisionModel model(TinyConfig(), 7);
  const SiglipImageProcessor processor(TinyPreprocessing(), PreprocessMode::kTorchvision);
  const VisionOutput output = model(processor(images));
  for (const bool tokens : {false, true}) {
    const Output wanted = tokens ? Output::kTokens : Output::kPooled;
    const Tensor embedding = EmbedOne(embedder, Picture::File(path), {.output = wanted});
    EXPECT_EQ(embedding.shape(), embedder.embedding_shape(wanted));
    EXPECT_EQ(embedding.shape(), tokens ? (Shape{16, 24}) : (Shape{24}));
    const Tensor& computed = tokens ? output.last_hidden_state : *output.pooler_output;
    ASSERT_EQ(embedding.bytes().size(), computed.bytes().size());
    EXPECT_EQ(
        std::memcmp(embedding.bytes().data(), computed.bytes().data(), computed.bytes().size()), 0);
  }
}

TEST_F(EmbedderTest, BadPicturesFailAlone) {
  std::vector<std::string> paths = WritePictures(6);
  paths[0] = (scratch_ / "absent.png").string();
  paths[2] = WriteBytes("text.jpg", "no picture at all");
  paths[5] = WriteBytes("cut.ppm", "P6\n100 100\n255\nabc");
  for (const int threads : {1, 3}) {
    const std::vector<EmbedResult> results = RunAll(MakeEmbedder(threads), Files(paths));
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

TEST_F(EmbedderTest, NormalizeDividesByTheNorm) {
  const Picture picture = Picture::File(WritePicture(1, 40, 40));
  const Embedder embedder = MakeEmbedder();
  const Tensor plain = EmbedOne(embedder, picture);
  const Tensor normalized = EmbedOne(embedder, picture, {.normalize = true});
  double squares = 0;
  for (const float value : plain.floats()) squares += static_cast<double>(value) * value;
  const auto norm = static_cast<float>(std::sqrt(squares));
  for (size_t i = 0; i < plain.floats().size(); ++i) {
    EXPECT_EQ(normalized.floats()[i], plain.floats()[i] / norm);
  }
}

TEST_F(EmbedderTest, FastDecodingIsCloseAndOnlyOnRequest) {
  const Picture picture = Picture::File(SIGLIP_SOURCE_DIR "/tests/golden/images/rgb.jpg");
  const Tensor exact = EmbedOne(MakeEmbedder(), picture);
  DecodeOptions decode;
  decode.fast = true;
  const Tensor fast = EmbedOne(MakeEmbedder(2, decode), picture);
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

TEST_F(EmbedderTest, SecondsAreThoseOfTheStages) {
  const Embedder embedder = MakeEmbedder(2);
  EXPECT_EQ(embedder.stage_seconds().compute, 0);
  std::vector<std::string> paths = WritePictures(6);
  paths.push_back(WriteBytes("text.jpg", "no picture at all"));
  const auto start = std::chrono::steady_clock::now();
  RunAll(embedder, Files(paths));
  const double most =
      2 * std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const StageSeconds first = embedder.stage_seconds();
  for (const double seconds : {first.read, first.decode, first.resize, first.compute}) {
    EXPECT_GT(seconds, 0);
  }
  EXPECT_LT(first.read + first.decode + first.resize + first.compute, most);
  RunAll(embedder, Files(paths));
  EXPECT_GT(embedder.stage_seconds().compute, first.compute);
}

TEST_F(EmbedderTest, StopsWhenAsked) {
  const std::string path = WritePicture(1, 40, 40);
  std::atomic<bool> stop = false;
  uint64_t seen = 0;
  const auto count = [&](const EmbedResult&) {
    if (++seen == 5) stop = true;
  };
  const uint64_t delivered =
      MakeEmbedder(2).Run([&] { return Picture::File(path); }, count, {.in_flight = 4}, &stop);
  EXPECT_EQ(delivered, seen);
  EXPECT_GE(delivered, 5u);
  EXPECT_LE(delivered, 9u);
}

TEST_F(EmbedderTest, OptionsThatMakeNoSenseAreRefusedBeforeTheSourceIsAsked) {
  const Embedder embedder = MakeEmbedder();
  const auto run = [&](const EmbedOptions& options) {
    embedder.Run([]() -> std::optional<Picture> { throw 1; }, [](const EmbedResult&) {}, options);
  };
  ExpectError(ErrorCode::kInvalidArgument, {"in_flight", "-1"}, [&] { run({.in_flight = -1}); });
}

TEST_F(EmbedderTest, PicturesOfAnotherSizeFailWithoutResizing) {
  ImageProcessorConfig preprocessing = TinyPreprocessing();
  preprocessing.do_resize = false;
  const Embedder embedder = MakeEmbedder(2, {}, preprocessing);
  const std::vector<EmbedResult> results =
      RunAll(embedder, Files({WritePicture(1, 32, 32), WritePicture(2, 40, 32)}));
  EXPECT_FALSE(results[0].error);
  ASSERT_TRUE(results[1].error);
  EXPECT_EQ(results[1].error->code(), ErrorCode::kMismatch);
}

TEST_F(EmbedderTest, PartsThatDoNotFitAreRefused) {
  ImageProcessorConfig larger = TinyPreprocessing();
  larger.height = 48;
  ExpectError(ErrorCode::kMismatch, {"model", "48x32"}, [&] { MakeEmbedder(1, {}, larger); });
  SiglipVisionConfig five_channels = TinyConfig();
  five_channels.num_channels = 5;
  const SiglipImageProcessor processor(TinyPreprocessing(), PreprocessMode::kTorchvision);
  ExpectError(ErrorCode::kMismatch, {"5 channels"},
              [&] { Embedder(SiglipVisionModel(five_channels, 7), processor); });
}

TEST_F(EmbedderTest, WithoutAPoolingHeadThereAreTokensOnly) {
  SiglipVisionConfig headless = TinyConfig();
  headless.vision_use_head = false;
  const Embedder embedder(SiglipVisionModel(headless, 7),
                          SiglipImageProcessor(TinyPreprocessing(), PreprocessMode::kTorchvision),
                          {}, "headless");
  const std::vector<Picture> pictures = Files({WritePicture(1, 40, 40)});
  const auto never = []() -> std::optional<Picture> { throw 1; };
  ExpectError(ErrorCode::kUnsupported, {"headless"}, [&] { embedder.Embed(pictures); });
  ExpectError(ErrorCode::kUnsupported, {"headless"},
              [&] { embedder.Run(never, [](const EmbedResult&) {}); });
  ExpectError(ErrorCode::kUnsupported, {"headless"}, [&] { embedder.embedding_shape(); });
  EXPECT_EQ(embedder.Embed(pictures, {.output = Output::kTokens}).shape(), (Shape{1, 16, 24}));
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

TEST_F(EmbedderTest, EmbeddingsNobodyCanCompareAreErrors) {
  const std::string path = WritePicture(1, 40, 40);
  SaveWithPostLayerNorm(scratch_.path(), std::numeric_limits<float>::quiet_NaN());
  const std::string folder = scratch_.path().string();
  ExpectError(ErrorCode::kUnsupported, {folder, "NaN", "test picture"}, [&] {
    RunAll(Embedder::Open(folder), Files({path, path}));
  });

  SaveWithPostLayerNorm(scratch_.path(), 0);
  EmbedOptions options = {.output = Output::kTokens};
  const Embedder embedder = Embedder::Open(folder);
  EmbedOne(embedder, Picture::File(path), options);
  options.normalize = true;
  ExpectError(ErrorCode::kUnsupported, {folder, "zero", "test picture"}, [&] {
    RunAll(embedder, Files({path, path}), options);
  });
}

TEST_F(EmbedderTest, PicturesOfVariableResolutionEqualProcessorAndModel) {
  const std::vector<std::string> paths = WritePictures(9);
  const Siglip2VisionModel model(TinyNaflexConfig(), 7);
  for (const bool tokens : {false, true}) {
    for (const int threads : {1, 3}) {
      const EmbedOptions options = {.output = tokens ? Output::kTokens : Output::kPooled,
                                    .normalize = true};
      const Embedder embedder = MakeNaflexEmbedder(threads);
      EXPECT_EQ(embedder.embedding_shape(options.output), tokens ? (Shape{20, 24}) : (Shape{24}));
      const std::vector<EmbedResult> results = RunAll(embedder, Files(paths), options);
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
        ASSERT_EQ(results[i].embedding.shape(), embedder.embedding_shape(options.output));
        EXPECT_EQ(std::memcmp(results[i].embedding.bytes().data(), expected.bytes().data(),
                              expected.bytes().size()),
                  0)
            << i;
      }
    }
  }
}

TEST_F(EmbedderTest, PicturesOfAGroupHaveTheBitsTheyHaveAlone) {
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
