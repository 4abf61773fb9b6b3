// Programs and libraries of different versions: structs that are smaller or larger than ours.
#include "c/structs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "c/c_test_support.h"
#include "siglip/runtime.hpp"

namespace siglip {
namespace {

/// A struct of `size` bytes that says it has them, the first of which are those of `known`, the
/// rest zero. In memory of its own, so that sanitizers see what is read.
template <class Struct>
std::vector<uint64_t> Resized(const Struct& known, size_t size, size_t said) {
  std::vector<uint64_t> memory((size + sizeof(uint64_t) - 1) / sizeof(uint64_t));
  std::memcpy(memory.data(), &known, std::min(size, sizeof(known)));
  std::memcpy(memory.data(), &said, std::min(size, sizeof(said)));
  return memory;
}

siglip_status OpenWith(const siglip_embedder_options* options) {
  siglip_embedder* const untouched = reinterpret_cast<siglip_embedder*>(8);
  siglip_embedder* embedder = untouched;
  const siglip_status status = siglip_embedder_open(kDemo.c_str(), options, &embedder);
  if (status == SIGLIP_OK) {
    siglip_embedder_close(embedder);
  } else {
    EXPECT_EQ(embedder, untouched);
  }
  return status;
}

siglip_status OpenWithResized(const siglip_embedder_options& options, size_t size) {
  const auto memory = Resized(options, size, size);
  return OpenWith(reinterpret_cast<const siglip_embedder_options*>(memory.data()));
}

TEST(Structs, AnOlderProgramSaysLess) {
  auto options = NewOptions<siglip_embedder_options>();
  options.alpha = static_cast<siglip_alpha>(7);  // behind what it says
  for (size_t size = sizeof(size_t); size <= offsetof(siglip_embedder_options, alpha);
       size += alignof(siglip_embedder_options)) {
    EXPECT_STATUS(SIGLIP_OK, OpenWithResized(options, size)) << size;
  }
  ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"alpha"}, OpenWithResized(options, sizeof(options)));
}

TEST(Structs, ANewerProgramIsUnderstoodUnlessItSaysWhatIsNotKnown) {
  const auto options = NewOptions<siglip_embedder_options>();
  for (const size_t more : {8, 64, 3000}) {
    const size_t size = sizeof(options) + more;
    EXPECT_STATUS(SIGLIP_OK, OpenWithResized(options, size)) << size;
    for (const size_t place : {sizeof(options), size - 1}) {
      auto memory = Resized(options, size, size);
      reinterpret_cast<char*>(memory.data())[place] = 1;
      ExpectFailure(SIGLIP_UNSUPPORTED,
                    {"options", std::to_string(place), std::string(Version()), "newer"},
                    OpenWith(reinterpret_cast<siglip_embedder_options*>(memory.data())));
    }
  }
}

TEST(Structs, SizesThatNoVersionHasAreRefused) {
  const auto options = NewOptions<siglip_embedder_options>();
  for (const size_t size :
       {size_t{0}, size_t{1}, size_t{7}, size_t{9}, sizeof(options) - 4, sizeof(options) + 1,
        size_t{1} << 20, std::numeric_limits<size_t>::max() - 7}) {
    const auto memory = Resized(options, sizeof(options), size);
    ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"struct_size", std::to_string(size)},
                  OpenWith(reinterpret_cast<const siglip_embedder_options*>(memory.data())));
  }
}

TEST(Structs, EveryOptionsStructIsCheckedAlike) {
  std::vector<float> room(kDimension);
  const char* const text = "a cat";
  siglip_embed_options embed{};
  embed.struct_size = 3;
  ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"struct_size"},
                siglip_embed_texts(Demo(), &text, nullptr, 1, &embed, room.data(), room.size()));
  const std::vector<int64_t> ids(24, 1);
  siglip_outputs outputs{};
  outputs.pooler_output = room.data();
  outputs.pooler_output_count = room.size();
  ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"struct_size"},
                siglip_run_text_tower(Demo(), ids.data(), ids.size(), 1, &outputs));
}

TEST(Structs, InfoIsWrittenAsFarAsTheProgramHasRoom) {
  auto whole = NewOptions<siglip_image_tower_info>();
  ASSERT_EQ(SIGLIP_OK, siglip_get_image_tower_info(Demo(), &whole));

  const size_t less = offsetof(siglip_image_tower_info, dimension);
  auto small = NewOptions<siglip_image_tower_info>();
  small.struct_size = less;
  small.dimension = -7;
  EXPECT_STATUS(SIGLIP_OK, siglip_get_image_tower_info(Demo(), &small));
  EXPECT_EQ(small.struct_size, less);
  EXPECT_EQ(small.picture_values, whole.picture_values);
  EXPECT_EQ(small.dimension, -7);

  struct {
    siglip_image_tower_info known;
    int64_t newer;
  } large{};
  large.known.struct_size = sizeof(large);
  large.newer = -7;
  EXPECT_STATUS(SIGLIP_OK, siglip_get_image_tower_info(Demo(), &large.known));
  EXPECT_EQ(large.known.struct_size, sizeof(large));
  EXPECT_EQ(large.known.dimension, whole.dimension);
  EXPECT_EQ(large.newer, 0);

  siglip_image_tower_info unset{};
  unset.dimension = -7;
  ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"struct_size"},
                siglip_get_image_tower_info(Demo(), &unset));
  EXPECT_EQ(unset.dimension, -7);
}

}  // namespace
}  // namespace siglip
