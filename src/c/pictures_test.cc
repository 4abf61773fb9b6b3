// siglip_embed_pictures against Embedder::Embed, and what it does with pictures that fail.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <new>
#include <string>
#include <vector>

#include "c/c_test_support.h"
#include "siglip/image.hpp"

namespace siglip {
namespace {

TEST(CPictures, SameBitsAsTheEmbedder) {
  const std::vector<siglip_picture> pictures = PathPictures(kPaths);
  for (const bool tokens : {false, true}) {
    for (const bool normalize : {false, true}) {
      auto options = NewOptions<siglip_embed_options>();
      options.output = tokens ? SIGLIP_OUTPUT_TOKENS : SIGLIP_OUTPUT_POOLED;
      options.normalize = normalize ? 1 : 0;
      options.in_flight = 3;
      options.order = SIGLIP_ORDER_AS_READY;
      std::vector<float> found(pictures.size() * kDimension * (tokens ? kTokens : 1));
      std::vector<siglip_status> statuses(pictures.size(), SIGLIP_INTERNAL);
      ASSERT_EQ(SIGLIP_OK, siglip_embed_pictures(Demo(), pictures.data(), pictures.size(), &options,
                                                 found.data(), found.size(), statuses.data()))
          << siglip_last_error_message();
      const Tensor expected = DemoInCpp().Embed(
          FilesInCpp(kPaths),
          {.output = tokens ? Output::kTokens : Output::kPooled, .normalize = normalize});
      EXPECT_TRUE(SameBits(found, expected.floats()));
      EXPECT_EQ(std::ranges::count(statuses, SIGLIP_OK), std::ssize(pictures));
    }
  }
}

TEST(CPictures, PathsBytesAndPixels) {
  const std::string bytes = ReadBytes(kPaths[0]);
  const Image image = DecodeImageFile(kPaths[0]);
  const size_t row = static_cast<size_t>(image.width) * 3;
  const size_t stride = row + 5;
  std::vector<uint8_t> with_gaps(stride * static_cast<size_t>(image.height - 1) + row, 77);
  std::vector<uint8_t> rgba;
  for (size_t y = 0; y < static_cast<size_t>(image.height); ++y) {
    std::copy_n(image.rgb.begin() + static_cast<ptrdiff_t>(y * row), row,
                with_gaps.begin() + static_cast<ptrdiff_t>(y * stride));
  }
  for (size_t i = 0; i < image.rgb.size(); i += 3) {
    rgba.insert(rgba.end(), {image.rgb[i], image.rgb[i + 1], image.rgb[i + 2], 255});
  }
  std::array<siglip_picture, 5> pictures = {};
  pictures[0].path = kPaths[0].c_str();
  pictures[1].data = bytes.data();
  pictures[1].byte_count = bytes.size();
  pictures[2].data = image.rgb.data();
  pictures[2].byte_count = image.rgb.size();
  pictures[3].data = with_gaps.data();
  pictures[3].byte_count = with_gaps.size();
  pictures[3].row_stride = stride;
  pictures[4].data = rgba.data();
  pictures[4].byte_count = rgba.size();
  for (const size_t of_pixels : {2, 3, 4}) {
    pictures[of_pixels].width = static_cast<int32_t>(image.width);
    pictures[of_pixels].height = static_cast<int32_t>(image.height);
    pictures[of_pixels].channels = of_pixels == 4 ? 4 : 3;
  }
  std::vector<float> found(pictures.size() * kDimension);
  ASSERT_EQ(SIGLIP_OK, siglip_embed_pictures(Demo(), pictures.data(), pictures.size(), nullptr,
                                             found.data(), found.size(), nullptr))
      << siglip_last_error_message();
  const Tensor expected = DemoInCpp().Embed({Picture::File(kPaths[0])});
  for (size_t i = 0; i < pictures.size(); ++i) {
    EXPECT_TRUE(SameBits({found.data() + i * kDimension, kDimension}, expected.floats())) << i;
  }
}

TEST(CPictures, FailuresAreStatusesAndRowsOfNaN) {
  const std::string broken = "no picture at all";
  const std::array<uint8_t, 12> pixels = {};
  std::array<siglip_picture, 5> pictures = {};
  pictures[0].path = kPaths[0].c_str();
  pictures[1].path = "/nowhere/a.jpg";
  pictures[2].data = broken.data();
  pictures[2].byte_count = broken.size();
  pictures[3].data = pixels.data();
  pictures[3].byte_count = pixels.size();
  pictures[3].width = pictures[3].height = 1000;
  pictures[3].channels = 3;
  pictures[4].path = kPaths[1].c_str();
  std::vector<float> found(pictures.size() * kDimension);
  std::array<siglip_status, 5> statuses = {};
  EXPECT_STATUS(SIGLIP_OK, siglip_embed_pictures(Demo(), pictures.data(), pictures.size(), nullptr,
                                                 found.data(), found.size(), statuses.data()));
  EXPECT_EQ(statuses, (std::array{SIGLIP_OK, SIGLIP_NOT_FOUND, SIGLIP_UNSUPPORTED,
                                  SIGLIP_INVALID_ARGUMENT, SIGLIP_OK}));
  const Tensor expected = DemoInCpp().Embed({Picture::File(kPaths[0]), Picture::File(kPaths[1])});
  const std::span<const float> rows = found;
  EXPECT_TRUE(SameBits(rows.first(kDimension), expected.floats().first(kDimension)));
  EXPECT_TRUE(SameBits(rows.last(kDimension), expected.floats().last(kDimension)));
  EXPECT_TRUE(std::ranges::all_of(rows.subspan(kDimension, 3 * kDimension),
                                  [](float value) { return std::isnan(value); }));

  // Without statuses the first failure is that of the call, which writes nothing.
  std::vector<float> untouched(found.size(), 7);
  ExpectFailure(SIGLIP_NOT_FOUND, {"/nowhere/a.jpg"},
                siglip_embed_pictures(Demo(), pictures.data(), pictures.size(), nullptr,
                                      untouched.data(), untouched.size(), nullptr));
  EXPECT_EQ(untouched, std::vector<float>(found.size(), 7));

  // What errors call a picture: its name, else its place.
  pictures[1] = pictures[0];
  ExpectFailure(SIGLIP_UNSUPPORTED, {"picture 2"},
                siglip_embed_pictures(Demo(), pictures.data(), pictures.size(), nullptr,
                                      found.data(), found.size(), nullptr));
  pictures[2].name = "the third";
  ExpectFailure(SIGLIP_UNSUPPORTED, {"the third"},
                siglip_embed_pictures(Demo(), pictures.data(), pictures.size(), nullptr,
                                      found.data(), found.size(), nullptr));
}

TEST(CPictures, DescribedWronglyTheyFailTheCall) {
  const std::string bytes = ReadBytes(kPaths[0]);
  siglip_picture data{};
  data.data = bytes.data();
  data.byte_count = bytes.size();
  const siglip_picture path = PathPicture(kPaths[0]);
  std::vector<std::pair<std::string, siglip_picture>> wrong = {
      {"neither", {}},  {"both", data},   {"empty", path},        {"beside a path", path},
      {"width", data},  {"height", data}, {"row_stride", data},   {"reserved", path},
      {"memory", data}, {"memory", data}, {"beside a path", path}};
  wrong[1].second.path = kPaths[0].c_str();
  wrong[2].second.path = "";
  wrong[3].second.byte_count = 1;
  wrong[4].second.width = 8;
  wrong[5].second.height = 8;
  wrong[6].second.row_stride = 8;
  wrong[7].second.reserved = 1;
  wrong[8].second.byte_count = SIZE_MAX;
  wrong[9].second.channels = 3;
  wrong[9].second.row_stride = SIZE_MAX;
  wrong[10].second.channels = 3;
  for (const auto& [words, picture] : wrong) {
    const std::array pictures = {path, picture};
    std::vector<float> found(2 * kDimension, 7);
    std::array<siglip_status, 2> statuses = {SIGLIP_IO, SIGLIP_IO};
    ExpectFailure(SIGLIP_INVALID_ARGUMENT, {words},
                  siglip_embed_pictures(Demo(), pictures.data(), 2, nullptr, found.data(),
                                        found.size(), statuses.data()));
    EXPECT_EQ(found, std::vector<float>(2 * kDimension, 7));
    EXPECT_EQ(statuses, (std::array{SIGLIP_IO, SIGLIP_IO}));
  }
}

TEST(CPictures, ArgumentsThatCannotBe) {
  const siglip_picture picture = PathPicture(kPaths[0]);
  std::vector<float> room(kDimension, 7);
  float* const out = room.data();
  const auto expect = [](const std::string& words, siglip_status status) {
    ExpectFailure(SIGLIP_INVALID_ARGUMENT, {words}, status);
  };
  expect("embedder", siglip_embed_pictures(nullptr, &picture, 1, nullptr, out, 128, nullptr));
  expect("pictures", siglip_embed_pictures(Demo(), nullptr, 1, nullptr, out, 128, nullptr));
  expect("at least one", siglip_embed_pictures(Demo(), &picture, 0, nullptr, out, 128, nullptr));
  expect("embeddings", siglip_embed_pictures(Demo(), &picture, 1, nullptr, nullptr, 128, nullptr));
  expect("128", siglip_embed_pictures(Demo(), &picture, 1, nullptr, out, 127, nullptr));
  for (const size_t n : {SIZE_MAX, SIZE_MAX / sizeof(siglip_picture) + 2, SIZE_MAX / 512 + 1}) {
    expect("overflows", siglip_embed_pictures(Demo(), &picture, n, nullptr, out, 128, nullptr));
  }
  auto options = NewOptions<siglip_embed_options>();
  options.output = SIGLIP_OUTPUT_TOKENS;
  expect("8192", siglip_embed_pictures(Demo(), &picture, 1, &options, out, 128, nullptr));
  options.output = SIGLIP_OUTPUT_LAST_;
  expect("output", siglip_embed_pictures(Demo(), &picture, 1, &options, out, 128, nullptr));
  options = NewOptions<siglip_embed_options>();
  options.order = static_cast<siglip_order>(2);
  expect("order", siglip_embed_pictures(Demo(), &picture, 1, &options, out, 128, nullptr));
  options = NewOptions<siglip_embed_options>();
  options.normalize = 2;
  expect("normalize", siglip_embed_pictures(Demo(), &picture, 1, &options, out, 128, nullptr));
  options = NewOptions<siglip_embed_options>();
  options.in_flight = -1;
  expect("in_flight", siglip_embed_pictures(Demo(), &picture, 1, &options, out, 128, nullptr));
  EXPECT_EQ(room, std::vector<float>(kDimension, 7));
}

struct Calls {
  std::vector<uint64_t> done;
  uint64_t cancel_at = UINT64_MAX;
};

int32_t Note(void* user, uint64_t done, uint64_t total) {
  auto& calls = *static_cast<Calls*>(user);
  EXPECT_EQ(total, kPaths.size());
  calls.done.push_back(done);
  return done == calls.cancel_at ? -3 : 0;
}

TEST(CPictures, ProgressIsToldAndCancels) {
  const std::vector<siglip_picture> pictures = PathPictures(kPaths);
  std::vector<siglip_status> statuses(kPaths.size(), SIGLIP_IO);
  auto options = NewOptions<siglip_embed_options>();
  options.progress = Note;
  options.in_flight = 1;
  Calls calls;
  options.user = &calls;
  std::vector<float> found(kPaths.size() * kDimension, 7);
  const auto embed = [&] {
    return siglip_embed_pictures(Demo(), pictures.data(), pictures.size(), &options, found.data(),
                                 found.size(), statuses.data());
  };
  for (const uint64_t cancel_at : {0, 3, 24}) {
    calls = {.done = {}, .cancel_at = cancel_at};
    ExpectFailure(SIGLIP_CANCELLED, {"progress"}, embed());
    EXPECT_EQ(calls.done.size(), cancel_at + 1);
    EXPECT_EQ(found, std::vector<float>(found.size(), 7));
    EXPECT_EQ(std::ranges::count(statuses, SIGLIP_IO), std::ssize(statuses));
  }
  calls = {};
  EXPECT_STATUS(SIGLIP_OK, embed());
  ASSERT_EQ(calls.done.size(), kPaths.size() + 1);
  for (size_t i = 0; i < calls.done.size(); ++i) EXPECT_EQ(calls.done[i], i);
}

// Callers must not; but where they do, nothing else gets broken.
TEST(CPictures, AnExceptionOfACallbackEndsHere) {
  const siglip_picture picture = PathPicture(kPaths[0]);
  std::vector<float> found(kDimension);
  auto options = NewOptions<siglip_embed_options>();
  options.progress = [](void*, uint64_t, uint64_t) -> int32_t { throw std::bad_alloc(); };
  EXPECT_EQ(SIGLIP_OUT_OF_MEMORY, siglip_embed_pictures(Demo(), &picture, 1, &options, found.data(),
                                                        found.size(), nullptr));
  options.progress = [](void*, uint64_t done, uint64_t) -> int32_t {
    return done == 1 ? throw "a literal" : 0;
  };
  EXPECT_EQ(SIGLIP_INTERNAL, siglip_embed_pictures(Demo(), &picture, 1, &options, found.data(),
                                                   found.size(), nullptr));
}

}  // namespace
}  // namespace siglip
