// An embedder of C over the demo model and the same in C++, and small things to call both with.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "file_bytes.h"
#include "siglip/embedder.hpp"
#include "siglip/siglip.h"

namespace siglip {

inline const std::string kDemo = SIGLIP_SOURCE_DIR "/models/demo";
inline const std::string kPictures = SIGLIP_SOURCE_DIR "/examples/images/";
constexpr size_t kDimension = 128;  // of the demo model
constexpr size_t kTokens = 64;

struct CloseEmbedder {
  void operator()(siglip_embedder* embedder) const { siglip_embedder_close(embedder); }
};
using EmbedderHandle = std::unique_ptr<siglip_embedder, CloseEmbedder>;

/// With the words of the last error where that is not the status expected.
#define EXPECT_STATUS(expected, call) \
  EXPECT_EQ(expected, call) << siglip_last_error_message() << " / " << siglip_last_error_hint()

/// Expects a failure whose message and hint have these parts.
inline void ExpectFailure(siglip_status expected, const std::vector<std::string>& parts,
                          siglip_status found) {
  const std::string words =
      std::string(siglip_last_error_message()) + " / " + siglip_last_error_hint();
  EXPECT_STREQ(siglip_status_name(expected), siglip_status_name(found)) << words;
  for (const std::string& part : parts) {
    EXPECT_NE(words.find(part), std::string::npos) << "no '" << part << "' in: " << words;
  }
}

inline EmbedderHandle OpenFolder(const std::string& folder,
                                 const siglip_embedder_options* options = nullptr) {
  siglip_embedder* embedder = nullptr;
  EXPECT_STATUS(SIGLIP_OK, siglip_embedder_open(folder.c_str(), options, &embedder));
  return EmbedderHandle(embedder);
}

/// One for all tests of a program: opened once.
inline siglip_embedder* Demo() {
  static const EmbedderHandle demo = OpenFolder(kDemo);
  return demo.get();
}
inline const Embedder& DemoInCpp() {
  static const Embedder demo = Embedder::Open(kDemo);
  return demo;
}

inline siglip_picture PathPicture(const std::string& path) {
  siglip_picture picture{};
  picture.path = path.c_str();
  return picture;
}

inline std::vector<std::string> PicturePaths(int count) {
  std::vector<std::string> paths;
  for (int i = 0; i < count; ++i) {
    paths.push_back(kPictures + (i < 10 ? "0" : "") + std::to_string(i) + ".jpg");
  }
  return paths;
}

inline const std::vector<std::string> kPaths = PicturePaths(24);

inline std::vector<siglip_picture> PathPictures(const std::vector<std::string>& paths) {
  std::vector<siglip_picture> pictures;
  for (const std::string& path : paths) pictures.push_back(PathPicture(path));
  return pictures;
}

std::vector<siglip_picture> PathPictures(std::vector<std::string>&& paths) = delete;  // borrowed

inline std::vector<Picture> FilesInCpp(const std::vector<std::string>& paths) {
  std::vector<Picture> pictures;
  for (const std::string& path : paths) pictures.push_back(Picture::File(path));
  return pictures;
}

inline bool SameBits(std::span<const float> left, std::span<const float> right) {
  return left.size() == right.size() &&
         std::memcmp(left.data(), right.data(), left.size_bytes()) == 0;
}

template <class Options>
Options NewOptions() {
  Options options{};
  options.struct_size = sizeof(options);
  return options;
}

}  // namespace siglip
