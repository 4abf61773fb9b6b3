// Models by their name, and how text is written into a caller's buffer.
#include "siglip/hub.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "c/c_test_support.h"
#include "scratch_folder.h"

namespace siglip {
namespace {

TEST(CHub, AFolderIsAnsweredInTheCallersBuffer) {
  std::vector<char> text(kDemo.size() + 1, 'x');
  size_t length = 0;
  EXPECT_STATUS(SIGLIP_OK, siglip_resolve_model(kDemo.c_str(), nullptr, 0, &length));
  EXPECT_EQ(length, kDemo.size());
  length = 7;
  for (const size_t capacity : {size_t{0}, size_t{1}, kDemo.size()}) {
    ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"capacity", std::to_string(kDemo.size() + 1)},
                  siglip_resolve_model(kDemo.c_str(), text.data(), capacity, &length));
  }
  EXPECT_EQ(text[0], 'x');
  EXPECT_EQ(length, 7U);
  EXPECT_STATUS(SIGLIP_OK, siglip_resolve_model(kDemo.c_str(), text.data(), text.size(), &length));
  EXPECT_EQ(kDemo, text.data());
  EXPECT_EQ(length, kDemo.size());
}

TEST(CHub, WhatIsNotThereIsNotFound) {
  const ScratchFolder cache;
  ::setenv("HF_HUB_CACHE", cache.path().c_str(), 1);
  ::setenv("HF_HUB_OFFLINE", "1", 1);
  char text[4096] = "x";
  ExpectFailure(SIGLIP_NOT_FOUND, {"siglip pull someone/else"},
                siglip_resolve_model("someone/else", text, sizeof(text), nullptr));
  EXPECT_NE(SIGLIP_OK,
            siglip_pull_model("someone/else", nullptr, nullptr, text, sizeof(text), nullptr));
  ::unsetenv("HF_HUB_OFFLINE");
  ::unsetenv("HF_HUB_CACHE");
  ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"model"},
                siglip_resolve_model(nullptr, text, sizeof(text), nullptr));
  ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"model", "empty"},
                siglip_resolve_model("", text, sizeof(text), nullptr));
  ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"name"},
                siglip_pull_model(nullptr, nullptr, nullptr, text, sizeof(text), nullptr));
  ExpectFailure(SIGLIP_INVALID_ARGUMENT, {"length"},
                siglip_pull_model("a/b", nullptr, nullptr, nullptr, 0, nullptr));
  EXPECT_STREQ(text, "x");
}

}  // namespace
}  // namespace siglip
