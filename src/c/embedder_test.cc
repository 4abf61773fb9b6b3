// Opening, options, and what an embedder says of itself.
#include "siglip/embedder.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "c/c_test_support.h"
#include "scratch_folder.h"
#include "siglip/transformers/image_processor.hpp"
#include "siglip/transformers/text_model.hpp"
#include "siglip/transformers/vision_model.hpp"

namespace siglip {
namespace {

using Change = std::function<void(siglip_embedder_options&)>;

siglip_status OpenWith(const std::string& model, const Change& change) {
  auto options = NewOptions<siglip_embedder_options>();
  change(options);
  siglip_embedder* embedder = nullptr;
  const siglip_status status = siglip_embedder_open(model.c_str(), &options, &embedder);
  EXPECT_EQ(embedder != nullptr, status == SIGLIP_OK);
  siglip_embedder_close(embedder);
  return status;
}

TEST(COpen, WhatIsNoModelIsRefused) {
  siglip_embedder* embedder = nullptr;
  ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"embedder", "NULL"},
                siglip_embedder_open(kDemo.c_str(), nullptr, nullptr));
  ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"model", "NULL"},
                siglip_embedder_open(nullptr, nullptr, &embedder));
  ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"model", "empty"},
                siglip_embedder_open("", nullptr, &embedder));
  ExpectFailure(SIGLIP_NOT_FOUND, {"/nowhere/at/all"},
                siglip_embedder_open("/nowhere/at/all", nullptr, &embedder));
  EXPECT_EQ(embedder, nullptr);
  siglip_embedder_close(nullptr);
  siglip_runtime_close(nullptr);
}

TEST(COpen, OptionsOutOfRangeAreNamed) {
  const std::vector<std::pair<std::string, Change>> wrong = {
      {"precision", [](auto& options) { options.precision = static_cast<siglip_precision>(5); }},
      {"preprocess",
       [](auto& options) { options.preprocess = static_cast<siglip_preprocess_mode>(4); }},
      {"alpha", [](auto& options) { options.alpha = SIGLIP_ALPHA_LAST_; }},
      {"alpha", [](auto& options) { std::memset(&options.alpha, 0xFF, sizeof(options.alpha)); }},
      {"ignore_exif_orientation", [](auto& options) { options.ignore_exif_orientation = 2; }},
      {"fast_decode", [](auto& options) { options.fast_decode = -1; }},
      {"load_image_tower", [](auto& options) { options.load_image_tower = 256; }},
      {"load_text_tower", [](auto& options) { options.load_text_tower = 3; }},
      {"max_pixels", [](auto& options) { options.max_pixels = -1; }},
      {"max_file_bytes", [](auto& options) { options.max_file_bytes = INT64_MIN; }},
      {"max_memory_bytes", [](auto& options) { options.max_memory_bytes = -5; }},
      {"max_milliseconds", [](auto& options) { options.max_milliseconds = -1; }},
      {"max_num_patches", [](auto& options) { options.max_num_patches = -5; }},
  };
  for (const auto& [name, change] : wrong) {
    ExpectFailure(SIGLIP_INVALID_ARGUMENT, {name}, OpenWith(kDemo, change));
  }
}

TEST(COpen, DecodingHasSoMuchTime) {
  // A few characters for each of many pixels: none is as fast as that.
  std::string bytes = "P2 2000 2000 255\n";
  for (int i = 0; i < 2000 * 2000; ++i) bytes += "0 ";
  siglip_picture given{};
  given.data = bytes.data();
  given.byte_count = bytes.size();
  auto options = NewOptions<siglip_embedder_options>();
  std::vector<float> found(kDimension);
  for (const int64_t milliseconds : {INT64_MAX, int64_t{1}}) {
    options.max_milliseconds = milliseconds;
    const EmbedderHandle embedder = OpenFolder(kDemo, &options);
    EXPECT_STATUS(milliseconds == 1 ? SIGLIP_LIMIT_EXCEEDED : SIGLIP_OK,
                  siglip_embed_pictures(embedder.get(), &given, 1, nullptr, found.data(),
                                        found.size(), nullptr));
  }
}

TEST(COpen, OptionsReachTheEmbedder) {
  const std::string picture = kPictures + "00.jpg";
  const siglip_picture given = PathPicture(picture);
  const auto expect_as_in_cpp = [&](const Change& change, const EmbedderOptions& in_cpp) {
    auto options = NewOptions<siglip_embedder_options>();
    change(options);
    const EmbedderHandle embedder = OpenFolder(kDemo, &options);
    std::vector<float> found(kDimension);
    EXPECT_STATUS(SIGLIP_OK, siglip_embed_pictures(embedder.get(), &given, 1, nullptr, found.data(),
                                                   found.size(), nullptr));
    const Embedder expected_embedder = Embedder::Open(kDemo, in_cpp);
    const Tensor expected = expected_embedder.Embed({Picture::File(picture)});
    EXPECT_TRUE(SameBits(found, expected.floats()));
    // Tells options apart that make no difference to this picture.
    std::vector<char> fingerprint(10'000);
    EXPECT_STATUS(SIGLIP_OK, siglip_fingerprint(embedder.get(), SIGLIP_CONTENT_PICTURES, nullptr,
                                                fingerprint.data(), fingerprint.size(), nullptr));
    EXPECT_EQ(expected_embedder.fingerprint(EmbeddingContent::kPictures).ToJson(),
              fingerprint.data());
    return found;
  };
  const auto plain = expect_as_in_cpp([](auto&) {}, {});
  EmbedderOptions int8;
  int8.precision = Precision::kInt8;
  EXPECT_FALSE(SameBits(
      plain,
      expect_as_in_cpp([](auto& options) { options.precision = SIGLIP_PRECISION_INT8; }, int8)));
  EmbedderOptions bf16;
  bf16.precision = Precision::kBFloat16;
  EXPECT_FALSE(SameBits(
      plain,
      expect_as_in_cpp([](auto& options) { options.precision = SIGLIP_PRECISION_BF16; }, bf16)));
  const std::vector<std::pair<siglip_preprocess_mode, PreprocessMode>> modes = {
      {SIGLIP_PREPROCESS_TORCHVISION, PreprocessMode::kTorchvision},
      {SIGLIP_PREPROCESS_PILLOW, PreprocessMode::kPillow},
      {SIGLIP_PREPROCESS_PILLOW13, PreprocessMode::kPillow13}};
  for (const auto& mode : modes) {
    EmbedderOptions other;
    other.preprocess = mode.second;
    expect_as_in_cpp([&](auto& options) { options.preprocess = mode.first; }, other);
  }
  EmbedderOptions decoding;
  decoding.decode.alpha = AlphaPolicy::kDrop;
  decoding.decode.apply_exif_orientation = false;
  decoding.decode.fast = true;
  expect_as_in_cpp(
      [](auto& options) {
        options.alpha = SIGLIP_ALPHA_DROP;
        options.ignore_exif_orientation = 1;
        options.fast_decode = 1;
      },
      decoding);
}

TEST(COpen, LimitsAreThoseOfTheOptions) {
  const std::string path = kPictures + "00.jpg";
  const siglip_picture picture = PathPicture(path);
  for (const auto& [limit, change] : std::vector<std::pair<std::string, Change>>{
           {"pixels", [](auto& options) { options.max_pixels = 10; }},
           {"bytes", [](auto& options) { options.max_file_bytes = 10; }}}) {
    auto options = NewOptions<siglip_embedder_options>();
    change(options);
    const EmbedderHandle embedder = OpenFolder(kDemo, &options);
    std::vector<float> room(kDimension);
    ExpectFailure(SIGLIP_LIMIT_EXCEEDED, {path, limit},
                  siglip_embed_pictures(embedder.get(), &picture, 1, nullptr, room.data(),
                                        room.size(), nullptr));
  }
}

TEST(COpen, TowersAreLoadedWhenNeededOrAtOnce) {
  const ScratchFolder scratch;
  const std::string folder = (scratch / "model").string();
  SiglipVisionConfig config;
  config.hidden_size = 24;
  config.intermediate_size = 40;
  config.num_hidden_layers = 1;
  config.num_attention_heads = 3;
  config.image_size = 32;
  config.patch_size = 8;
  ImageProcessorConfig preprocessing;
  preprocessing.height = preprocessing.width = 32;
  SiglipVisionModel::SaveRandom(config, 7, folder, {}, preprocessing.ToJson());

  EXPECT_EQ(SIGLIP_OK, OpenWith(folder, [](auto& options) { options.load_image_tower = 1; }));
  ExpectFailure(SIGLIP_MISMATCH, {folder},
                OpenWith(folder, [](auto& options) { options.load_text_tower = 1; }));
  const EmbedderHandle embedder = OpenFolder(folder);
  auto info = NewOptions<siglip_info>();
  EXPECT_STATUS(SIGLIP_OK, siglip_get_info(embedder.get(), &info));
  EXPECT_EQ(info.has_image_tower, 1);
  EXPECT_EQ(info.has_text_tower, 0);
  EXPECT_EQ(folder, info.folder);
  auto text_info = NewOptions<siglip_text_tower_info>();
  ExpectFailure(SIGLIP_MISMATCH, {folder}, siglip_get_text_tower_info(embedder.get(), &text_info));
}

TEST(CInfo, SaysWhatTheCheckpointIs) {
  auto info = NewOptions<siglip_info>();
  ASSERT_EQ(SIGLIP_OK, siglip_get_info(Demo(), &info));
  EXPECT_EQ(kDemo, info.folder);
  EXPECT_EQ(info.has_image_tower, 1);
  EXPECT_EQ(info.has_text_tower, 1);
  EXPECT_EQ(info.threads, DemoInCpp().runtime()->threads());
  EXPECT_EQ(DemoInCpp().runtime()->instruction_set(), info.instruction_set);

  // config.json: 128 wide, pictures of 64 pixels in patches of 8, texts of 24 ids.
  auto image = NewOptions<siglip_image_tower_info>();
  ASSERT_EQ(SIGLIP_OK, siglip_get_image_tower_info(Demo(), &image));
  EXPECT_EQ(image.dimension, 128);
  EXPECT_EQ(image.tokens, 64);
  EXPECT_EQ(image.image_size, 64);
  EXPECT_EQ(image.patch_size, 8);
  EXPECT_EQ(image.picture_values, 3U * 64 * 64);
  EXPECT_EQ(image.has_pooler, 1);
  EXPECT_EQ(image.precision, SIGLIP_PRECISION_F32);
  EXPECT_EQ(static_cast<int64_t>(image.weight_bytes), DemoInCpp().vision_model().weight_bytes());

  auto text = NewOptions<siglip_text_tower_info>();
  ASSERT_EQ(SIGLIP_OK, siglip_get_text_tower_info(Demo(), &text));
  EXPECT_EQ(text.dimension, 128);
  EXPECT_EQ(text.hidden_size, 128);
  EXPECT_EQ(text.tokens, 24);
  EXPECT_EQ(text.precision, SIGLIP_PRECISION_F32);
  EXPECT_EQ(static_cast<int64_t>(text.weight_bytes), DemoInCpp().text_model().weight_bytes());

  ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"embedder"}, siglip_get_info(nullptr, &info));
  ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"info"}, siglip_get_info(Demo(), nullptr));
  ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"info"}, siglip_get_image_tower_info(Demo(), nullptr));
  ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"info"}, siglip_get_text_tower_info(Demo(), nullptr));
}

TEST(CRuntime, IsSharedAndMayBeClosedBeforeItsEmbedders) {
  siglip_runtime* runtime = nullptr;
  ASSERT_EQ(SIGLIP_OK, siglip_runtime_open(1, siglip_instruction_set(0), &runtime));
  auto options = NewOptions<siglip_embedder_options>();
  options.runtime = runtime;
  const EmbedderHandle first = OpenFolder(kDemo, &options);
  const EmbedderHandle second = OpenFolder(kDemo, &options);
  siglip_runtime_close(runtime);
  for (siglip_embedder* const embedder : {first.get(), second.get()}) {
    auto info = NewOptions<siglip_info>();
    EXPECT_STATUS(SIGLIP_OK, siglip_get_info(embedder, &info));
    EXPECT_EQ(info.threads, 1);
    EXPECT_STREQ(info.instruction_set, siglip_instruction_set(0));
    const char* const text = "a cat";
    std::vector<float> embedding(kDimension);
    EXPECT_STATUS(SIGLIP_OK, siglip_embed_texts(embedder, &text, nullptr, 1, nullptr,
                                                embedding.data(), embedding.size()));
  }
}

TEST(CRuntime, RefusesWhatThereIsNot) {
  siglip_runtime* runtime = nullptr;
  ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"threads"}, siglip_runtime_open(-1, nullptr, &runtime));
  ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"sse9"}, siglip_runtime_open(1, "sse9", &runtime));
  ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"empty"}, siglip_runtime_open(1, "", &runtime));
  ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"runtime"}, siglip_runtime_open(1, nullptr, nullptr));
  EXPECT_EQ(runtime, nullptr);
}

TEST(CLibrary, SaysItsVersionAndInstructionSets) {
  EXPECT_EQ(Version(), siglip_version());
  EXPECT_EQ(siglip_abi_version(), static_cast<uint32_t>(SIGLIP_ABI_VERSION));
  const std::vector<std::string> names = AvailableInstructionSets();
  for (size_t i = 0; i < names.size(); ++i) EXPECT_EQ(names[i], siglip_instruction_set(i));
  EXPECT_EQ(siglip_instruction_set(names.size()), nullptr);
  EXPECT_EQ(siglip_instruction_set(SIZE_MAX), nullptr);
}

}  // namespace
}  // namespace siglip
