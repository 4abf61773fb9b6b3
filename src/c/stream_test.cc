// siglip_embed_stream: results, tags, orders, cancelling.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "c/c_test_support.h"

namespace siglip {
namespace {

struct Delivered {
  uint64_t index = 0;
  siglip_status status = SIGLIP_OK;
  void* tag = nullptr;
  std::string error;
  std::string hint;
  std::array<int32_t, 4> size = {};
  std::vector<float> embedding;
};

/// Gives pictures and keeps results.
struct Station {
  std::vector<siglip_picture> pictures;
  size_t given = 0;
  int32_t at_the_end = 0;       // what the source answers then
  size_t sink_cancels_at = 99;  // results
  std::vector<Delivered> results;
};

int32_t Give(void* user, siglip_picture* picture) {
  auto& station = *static_cast<Station*>(user);
  EXPECT_EQ(picture->path, nullptr);
  if (station.given == station.pictures.size()) return station.at_the_end;
  *picture = station.pictures[station.given++];
  return 1;
}

int32_t Keep(void* user, const siglip_result* result) {
  auto& station = *static_cast<Station*>(user);
  EXPECT_EQ(result->struct_size, sizeof(*result));
  EXPECT_EQ(result->error == nullptr, result->status == SIGLIP_OK);
  EXPECT_EQ(result->error == nullptr, result->embedding != nullptr);
  EXPECT_EQ(result->error == nullptr, result->hint == nullptr);
  Delivered kept;
  kept.index = result->index;
  kept.status = result->status;
  kept.tag = result->tag;
  kept.size = {result->width, result->height, result->rows, result->columns};
  if (result->error != nullptr) {
    kept.error = result->error;
    kept.hint = result->hint;
  } else {
    kept.embedding.assign(result->embedding, result->embedding + result->value_count);
  }
  station.results.push_back(kept);
  return station.results.size() == station.sink_cancels_at ? 1 : 0;
}

TEST(CStream, SameBitsAsTheEmbedderInEitherOrder) {
  for (const siglip_order order : {SIGLIP_ORDER_INPUT, SIGLIP_ORDER_AS_READY}) {
    Station station;
    station.pictures = PathPictures(kPaths);
    for (siglip_picture& picture : station.pictures) picture.tag = &picture;
    station.pictures[5].tag = nullptr;
    auto options = NewOptions<siglip_embed_options>();
    options.order = order;
    options.normalize = 1;
    options.in_flight = 4;
    ASSERT_EQ(SIGLIP_OK, siglip_embed_stream(Demo(), &options, Give, Keep, &station))
        << siglip_last_error_message();
    const Tensor expected = DemoInCpp().Embed(FilesInCpp(kPaths), {.normalize = true});
    ASSERT_EQ(station.results.size(), kPaths.size());
    std::vector<int> seen(kPaths.size());
    for (size_t i = 0; i < kPaths.size(); ++i) {
      const Delivered& result = station.results[i];
      EXPECT_TRUE(order == SIGLIP_ORDER_AS_READY || result.index == i);
      ++seen.at(result.index);
      EXPECT_TRUE(SameBits(result.embedding,
                           expected.floats().subspan(result.index * kDimension, kDimension)));
      EXPECT_EQ(result.tag, station.pictures[result.index].tag);
      const Image image = DecodeImageFile(kPaths[result.index]);
      EXPECT_EQ(result.size, (std::array{static_cast<int32_t>(image.width),
                                         static_cast<int32_t>(image.height), 8, 8}));
    }
    EXPECT_EQ(seen, std::vector<int>(kPaths.size(), 1));
  }
}

TEST(CStream, TokensAreRowsOfTheirOwn) {
  Station station;
  const std::vector<std::string> paths = {kPaths[0]};
  station.pictures = PathPictures(paths);
  auto options = NewOptions<siglip_embed_options>();
  options.output = SIGLIP_OUTPUT_TOKENS;
  EXPECT_STATUS(SIGLIP_OK, siglip_embed_stream(Demo(), &options, Give, Keep, &station));
  const Tensor expected =
      DemoInCpp().Embed({Picture::File(kPaths[0])}, {.output = Output::kTokens});
  EXPECT_TRUE(SameBits(station.results.at(0).embedding, expected.floats()));
}

TEST(CStream, APictureThatFailsIsAResult) {
  Station station;
  const std::vector<std::string> paths = {kPaths[0], "/nowhere/a.jpg", kPaths[1]};
  station.pictures = PathPictures(paths);
  station.pictures[1].tag = &station;
  EXPECT_STATUS(SIGLIP_OK, siglip_embed_stream(Demo(), nullptr, Give, Keep, &station));
  ASSERT_EQ(station.results.size(), 3U);
  EXPECT_EQ(station.results[1].status, SIGLIP_NOT_FOUND);
  EXPECT_EQ(station.results[1].tag, &station);
  EXPECT_NE(station.results[1].error.find("/nowhere/a.jpg"), std::string::npos);
  EXPECT_EQ(station.results[1].size, (std::array{0, 0, 0, 0}));
  EXPECT_EQ(station.results[2].status, SIGLIP_OK);
}

TEST(CStream, NoPicturesAreNoFailure) {
  Station station;
  EXPECT_STATUS(SIGLIP_OK, siglip_embed_stream(Demo(), nullptr, Give, Keep, &station));
  EXPECT_TRUE(station.results.empty());
}

TEST(CStream, EitherEndCancels) {
  Station station;
  station.pictures = PathPictures(kPaths);
  station.sink_cancels_at = 3;
  auto options = NewOptions<siglip_embed_options>();
  options.in_flight = 2;
  ExpectFailure(SIGLIP_CANCELLED, {"sink"},
                siglip_embed_stream(Demo(), &options, Give, Keep, &station));
  EXPECT_GE(station.results.size(), 3U);
  EXPECT_LE(station.results.size(), 5U);  // what was begun

  station = {};
  const std::vector<std::string> paths = {kPaths[0], kPaths[1]};
  station.pictures = PathPictures(paths);
  for (const int32_t answer : {-1, 2}) {
    station.at_the_end = answer;
    station.given = 0;
    ExpectFailure(SIGLIP_CANCELLED, {"source"},
                  siglip_embed_stream(Demo(), nullptr, Give, Keep, &station));
  }
}

TEST(CStream, APictureDescribedWronglyEndsItAfterThoseBefore) {
  Station station;
  const std::vector<std::string> paths = {kPaths[0], kPaths[1]};
  station.pictures = PathPictures(paths);
  station.pictures.emplace_back();
  station.pictures.push_back(station.pictures[0]);
  ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"picture 2", "neither"},
                siglip_embed_stream(Demo(), nullptr, Give, Keep, &station));
  EXPECT_EQ(station.results.size(), 2U);
}

TEST(CStream, AnExceptionOfACallbackEndsHere) {
  Station station;
  station.pictures = PathPictures(kPaths);
  const auto throwing_sink = [](void*, const siglip_result*) -> int32_t {
    throw std::runtime_error("of the sink");
  };
  ExpectFailure(SIGLIP_INTERNAL, {"of the sink"},
                siglip_embed_stream(Demo(), nullptr, Give, throwing_sink, &station));
  const auto throwing_source = [](void*, siglip_picture*) -> int32_t {
    throw std::runtime_error("of the source");
  };
  ExpectFailure(SIGLIP_INTERNAL, {"of the source"},
                siglip_embed_stream(Demo(), nullptr, throwing_source, Keep, &station));
}

TEST(CStream, ArgumentsThatCannotBe) {
  Station station;
  ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"embedder"},
                siglip_embed_stream(nullptr, nullptr, Give, Keep, &station));
  ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"source"},
                siglip_embed_stream(Demo(), nullptr, nullptr, Keep, &station));
  ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"sink"},
                siglip_embed_stream(Demo(), nullptr, Give, nullptr, &station));
}

}  // namespace
}  // namespace siglip
