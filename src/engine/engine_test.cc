#include "siglip/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "expect_error.h"
#include "run_in_child.h"
#include "scratch_folder.h"
#include "siglip/safetensors.h"

namespace siglip {
namespace {

SiglipVisionConfig TinyConfig() {
  SiglipVisionConfig config;
  config.hidden_size = 24;
  config.intermediate_size = 40;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 3;
  config.image_size = 32;
  config.patch_size = 8;
  return config;
}

ImageProcessorConfig TinyPreprocessing() {
  ImageProcessorConfig config;
  config.height = 32;
  config.width = 32;
  return config;
}

Engine MakeEngine(const EngineOptions& options = {},
                  const ImageProcessorConfig& preprocessing = TinyPreprocessing()) {
  SiglipVisionModel model(TinyConfig(), 7, Runtime::Create(options.runtime));
  return Engine(std::move(model), SiglipImageProcessor(preprocessing, PreprocessMode::kTorchvision),
                options);
}

EngineOptions Options(int threads, int batch = 0) {
  EngineOptions options;
  options.runtime.threads = threads;
  options.batch = batch;
  return options;
}

class EngineTest : public testing::Test {
 protected:
  std::string WriteBytes(const std::string& name, const std::string& bytes) const {
    const std::filesystem::path path = scratch_ / name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path.string();
  }

  /// A portable pixmap whose pixels depend on `seed`.
  std::string WritePicture(int seed, int width, int height) const {
    std::string bytes = "P6\n" + std::to_string(width) + " " + std::to_string(height) + "\n255\n";
    auto state = static_cast<uint32_t>(seed) * 2654435761U + 1;
    for (int i = 0; i < width * height * 3; ++i) {
      state = state * 1664525U + 1013904223U;
      bytes += static_cast<char>(state >> 24);
    }
    return WriteBytes(std::to_string(seed) + ".ppm", bytes);
  }

  std::vector<std::string> WritePictures(int count) const {
    std::vector<std::string> paths;
    for (int i = 0; i < count; ++i) paths.push_back(WritePicture(i, 20 + 7 * i, 50 - 3 * i));
    return paths;
  }

  ScratchFolder scratch_;
};

std::vector<EmbedResult> EmbedAll(const Engine& engine, const std::vector<std::string>& paths) {
  std::vector<EmbedResult> results;
  const uint64_t delivered = engine.EmbedFiles(
      [&, next = size_t{0}]() mutable -> std::optional<std::string> {
        if (next == paths.size()) return std::nullopt;
        return paths[next++];
      },
      [&](EmbedResult result) { results.push_back(std::move(result)); });
  EXPECT_EQ(delivered, paths.size());
  return results;
}

void ExpectSameBits(const Tensor& actual, const Tensor& expected) {
  ASSERT_EQ(actual.shape(), expected.shape());
  EXPECT_EQ(std::memcmp(actual.bytes().data(), expected.bytes().data(), expected.bytes().size()),
            0);
}

TEST_F(EngineTest, SameBitsForAnyThreadsBatchAndCompany) {
  const std::vector<std::string> paths = WritePictures(11);
  std::vector<Tensor> expected;
  {
    const Engine engine = MakeEngine(Options(1));
    for (const std::string& path : paths) expected.push_back(engine.Embed(DecodeImageFile(path)));
  }
  for (int threads = 1; threads <= 4; ++threads) {
    for (int batch = 1; batch <= 9; ++batch) {
      const Engine engine = MakeEngine(Options(threads, batch));
      const std::vector<EmbedResult> results = EmbedAll(engine, paths);
      ASSERT_EQ(results.size(), paths.size());
      for (size_t i = 0; i < paths.size(); ++i) {
        EXPECT_EQ(results[i].index, i);
        EXPECT_EQ(results[i].path, paths[i]);
        ASSERT_FALSE(results[i].error) << results[i].error->what();
        ExpectSameBits(results[i].embedding, expected[i]);
      }
      ExpectSameBits(EmbedAll(engine, {paths[3]}).at(0).embedding, expected[3]);
    }
  }
}

TEST_F(EngineTest, AChildOfForkEmbedsTheSameBitsAndDestroysTheEngine) {
  if (!kChildrenMayStartThreads) GTEST_SKIP() << "not with this sanitizer";
  const std::vector<std::string> paths = WritePictures(5);
  for (const int threads : {1, 2, 4}) {
    std::optional<Engine> engine(MakeEngine(Options(threads)));
    const std::vector<EmbedResult> expected = EmbedAll(*engine, paths);
    const auto child = [&] {
      const std::vector<EmbedResult> results = EmbedAll(*engine, paths);
      engine.reset();
      return std::ranges::equal(results, expected, [](const auto& left, const auto& right) {
        return std::ranges::equal(left.embedding.bytes(), right.embedding.bytes());
      });
    };
    EXPECT_TRUE(SucceedsInChild(child));
    EXPECT_TRUE(SucceedsInChild([&] { return SucceedsInChild(child) && child(); }));
  }
}

TEST_F(EngineTest, EqualsProcessorAndModel) {
  const std::string path = WritePicture(1, 45, 33);
  for (const bool tokens : {false, true}) {
    EngineOptions options = Options(2);
    options.tokens = tokens;
    const Engine engine = MakeEngine(options);
    const std::vector<Image> images = {DecodeImageFile(path)};
    const SiglipVisionModel model(TinyConfig(), 7);
    const SiglipImageProcessor processor(TinyPreprocessing(), PreprocessMode::kTorchvision);
    const VisionOutput output = model(processor(images));
    const Tensor embedding = EmbedAll(engine, {path}).at(0).embedding;
    EXPECT_EQ(embedding.shape(), engine.embedding_shape());
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
    const std::vector<EmbedResult> results = EmbedAll(MakeEngine(Options(threads)), paths);
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
  const std::string path = WritePicture(1, 40, 40);
  const Tensor plain = EmbedAll(MakeEngine(), {path}).at(0).embedding;
  EngineOptions options;
  options.normalize = true;
  const Tensor normalized = EmbedAll(MakeEngine(options), {path}).at(0).embedding;
  double squares = 0;
  for (const float value : plain.floats()) squares += static_cast<double>(value) * value;
  const auto norm = static_cast<float>(std::sqrt(squares));
  for (size_t i = 0; i < plain.floats().size(); ++i) {
    EXPECT_EQ(normalized.floats()[i], plain.floats()[i] / norm);
  }
}

TEST_F(EngineTest, FastDecodingIsCloseAndOnlyOnRequest) {
  const std::string path = SIGLIP_SOURCE_DIR "/tests/golden/images/rgb.jpg";  // 311 x 203 pixels
  EngineOptions options;
  const Tensor exact = EmbedAll(MakeEngine(options), {path}).at(0).embedding;
  ExpectSameBits(exact, MakeEngine(options).Embed(DecodeImageFile(path)));
  options.decode.fast = true;
  const Tensor fast = EmbedAll(MakeEngine(options), {path}).at(0).embedding;
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
  const Engine engine = MakeEngine(Options(2));
  EXPECT_EQ(engine.stage_seconds().compute, 0);
  std::vector<std::string> paths = WritePictures(6);
  paths.push_back(WriteBytes("text.jpg", "no picture at all"));
  const auto start = std::chrono::steady_clock::now();
  EmbedAll(engine, paths);
  const double most =
      2 * std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const StageSeconds first = engine.stage_seconds();
  for (const double seconds : {first.read, first.decode, first.resize, first.compute}) {
    EXPECT_GT(seconds, 0);
  }
  EXPECT_LT(first.read + first.decode + first.resize + first.compute, most);
  EmbedAll(engine, paths);
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
      MakeEngine(Options(2, 4)).EmbedFiles([&] { return path; }, count, &stop);
  EXPECT_EQ(delivered, seen);
  EXPECT_GE(delivered, 5u);
  EXPECT_LE(delivered, 9u);
}

TEST_F(EngineTest, PicturesOfAnotherSizeFailWithoutResizing) {
  ImageProcessorConfig preprocessing = TinyPreprocessing();
  preprocessing.do_resize = false;
  const Engine engine = MakeEngine({}, preprocessing);
  const std::vector<EmbedResult> results =
      EmbedAll(engine, {WritePicture(1, 32, 32), WritePicture(2, 40, 32)});
  EXPECT_FALSE(results[0].error);
  ASSERT_TRUE(results[1].error);
  EXPECT_EQ(results[1].error->code(), ErrorCode::kMismatch);
}

TEST_F(EngineTest, PartsThatDoNotFitAreRefused) {
  const auto code_of = [](const auto& make) {
    try {
      make();
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  ImageProcessorConfig larger = TinyPreprocessing();
  larger.height = 48;
  EXPECT_EQ(code_of([&] { MakeEngine({}, larger); }), ErrorCode::kMismatch);

  SiglipVisionConfig headless = TinyConfig();
  headless.vision_use_head = false;
  const SiglipImageProcessor processor(TinyPreprocessing(), PreprocessMode::kTorchvision);
  EXPECT_EQ(code_of([&] { Engine(SiglipVisionModel(headless, 7), processor); }),
            ErrorCode::kUnsupported);
  EngineOptions tokens;
  tokens.tokens = true;
  EXPECT_EQ(Engine(SiglipVisionModel(headless, 7), processor, tokens).embedding_shape(),
            (Shape{16, 24}));

  SiglipVisionConfig five_channels = TinyConfig();
  five_channels.num_channels = 5;
  EXPECT_EQ(code_of([&] { Engine(SiglipVisionModel(five_channels, 7), processor); }),
            ErrorCode::kMismatch);
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
  EngineOptions options;
  SaveWithPostLayerNorm(scratch_.path(), std::numeric_limits<float>::quiet_NaN());
  const std::string folder = scratch_.path().string();
  ExpectError(ErrorCode::kUnsupported, {folder, "NaN", "test picture"}, [&] {
    EmbedAll(Engine::FromPretrained(folder, options), {path, path});
  });

  SaveWithPostLayerNorm(scratch_.path(), 0);
  options.tokens = true;
  EXPECT_FALSE(EmbedAll(Engine::FromPretrained(scratch_.path(), options), {path}).at(0).error);
  options.normalize = true;
  ExpectError(ErrorCode::kUnsupported, {folder, "zero", "test picture"}, [&] {
    EmbedAll(Engine::FromPretrained(folder, options), {path, path});
  });
}

Siglip2VisionConfig TinyNaflexConfig() {
  Siglip2VisionConfig config;
  config.hidden_size = 24;
  config.intermediate_size = 40;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 3;
  config.patch_size = 8;
  config.num_patches = 16;
  return config;
}

Siglip2ImageProcessor TinyNaflexProcessor(int64_t patch_size = 8) {
  Siglip2ImageProcessorConfig config;
  config.patch_size = patch_size;
  config.max_num_patches = 20;
  return {config, PreprocessMode::kTorchvision};
}

Engine MakeNaflexEngine(const EngineOptions& options) {
  return Engine(Siglip2VisionModel(TinyNaflexConfig(), 7, Runtime::Create(options.runtime)),
                TinyNaflexProcessor(), options);
}

TEST_F(EngineTest, PicturesOfVariableResolutionEqualProcessorAndModel) {
  const std::vector<std::string> paths = WritePictures(9);
  const Siglip2VisionModel model(TinyNaflexConfig(), 7);
  for (const bool tokens : {false, true}) {
    for (const int threads : {1, 3}) {
      EngineOptions options = Options(threads);
      options.tokens = tokens;
      options.normalize = true;
      const Engine engine = MakeNaflexEngine(options);
      EXPECT_EQ(engine.embedding_shape(), tokens ? (Shape{20, 24}) : (Shape{24}));
      const std::vector<EmbedResult> results = EmbedAll(engine, paths);
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
        ASSERT_EQ(results[i].embedding.shape(), engine.embedding_shape());
        EXPECT_EQ(std::memcmp(results[i].embedding.bytes().data(), expected.bytes().data(),
                              expected.bytes().size()),
                  0)
            << i;
      }
      ExpectSameBits(engine.Embed(DecodeImageFile(paths[4])), results[4].embedding);
    }
  }
}

TEST_F(EngineTest, FoldersOfVariableResolution) {
  const std::string picture = WritePicture(3, 60, 50);
  Siglip2VisionModel::SaveRandom(TinyNaflexConfig(), 7, scratch_ / "model");
  WriteBytes("model/preprocessor_config.json", TinyNaflexProcessor().config().ToJson());
  const auto load = [&](int64_t max_num_patches) {
    EngineOptions options = Options(1);
    options.max_num_patches = max_num_patches;
    return Engine::FromPretrained(scratch_ / "model", options);
  };
  ExpectSameBits(EmbedAll(load(0), {picture}).at(0).embedding,
                 EmbedAll(MakeNaflexEngine(Options(1)), {picture}).at(0).embedding);
  const EmbedResult small = EmbedAll(load(6), {picture}).at(0);
  EXPECT_EQ(small.rows, 2);
  EXPECT_EQ(small.columns, 3);
  EXPECT_EQ(load(6).tower().most_tokens(), 6);
  ExpectError(ErrorCode::kInvalidArgument, {"max_num_patches", "-3"}, [&] { load(-3); });

  WriteBytes("model/preprocessor_config.json", TinyNaflexProcessor(16).config().ToJson());
  ExpectError(ErrorCode::kMismatch, {"model", "patches of 16", "takes 8", "patch_size"},
              [&] { load(0); });
  WriteBytes("model/preprocessor_config.json", TinyPreprocessing().ToJson());
  ExpectError(ErrorCode::kUnsupported, {"preprocessor_config.json", "Siglip2ImageProcessor"},
              [&] { load(0); });

  SiglipVisionModel::SaveRandom(TinyConfig(), 7, scratch_ / "fixed");
  WriteBytes("fixed/preprocessor_config.json", TinyPreprocessing().ToJson());
  EngineOptions options = Options(1);
  options.max_num_patches = 9;
  ExpectError(ErrorCode::kInvalidArgument, {"--max-num-patches", "NaFlex"},
              [&] { Engine::FromPretrained(scratch_ / "fixed", options); });
  options.max_num_patches = 0;
  WriteBytes("fixed/preprocessor_config.json", TinyNaflexProcessor().config().ToJson());
  ExpectError(ErrorCode::kUnsupported, {"preprocessor_config.json", "NaFlex"},
              [&] { Engine::FromPretrained(scratch_ / "fixed", options); });
}

TEST_F(EngineTest, TowersRunBatchesOfMixedShapes) {
  for (const bool variable : {false, true}) {
    const Engine engine = variable ? MakeNaflexEngine(Options(2)) : MakeEngine(Options(2));
    std::vector<PreparedPicture> pictures(3);
    const int sizes[][2] = {{20, 60}, {33, 31}, {90, 10}};
    for (size_t i = 0; i < pictures.size(); ++i) {
      const std::string path = WritePicture(static_cast<int>(i), sizes[i][0], sizes[i][1]);
      engine.tower().Preprocess(DecodeImageFile(path), pictures[i]);
    }
    const VisionOutput batch = engine.tower().Run(pictures);
    for (size_t i = 0; i < pictures.size(); ++i) {
      const VisionOutput one = engine.tower().Run(std::span(&pictures[i], 1));
      EXPECT_EQ(std::memcmp(one.pooler_output->bytes().data(),
                            batch.pooler_output->bytes().data() + i * 24 * sizeof(float),
                            24 * sizeof(float)),
                0);
    }
  }
}

}  // namespace
}  // namespace siglip
