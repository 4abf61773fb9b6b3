// Small embedders and pictures for tests.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "same_bits.h"
#include "scratch_folder.h"
#include "siglip/embedder.hpp"
#include "siglip/transformers/image_processor.hpp"
#include "siglip/transformers/vision_model.hpp"

namespace siglip {

inline SiglipVisionConfig TinyConfig() {
  SiglipVisionConfig config;
  config.hidden_size = 24;
  config.intermediate_size = 40;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 3;
  config.image_size = 32;
  config.patch_size = 8;
  return config;
}

inline ImageProcessorConfig TinyPreprocessing() {
  ImageProcessorConfig config;
  config.height = 32;
  config.width = 32;
  return config;
}

inline std::shared_ptr<const Runtime> Threads(int threads) {
  return Runtime::Create({.threads = threads, .instruction_set = {}});
}

inline Embedder MakeEmbedder(int threads = 2, const DecodeOptions& decode = {},
                             const ImageProcessorConfig& preprocessing = TinyPreprocessing()) {
  return Embedder(SiglipVisionModel(TinyConfig(), 7, Threads(threads)),
                  SiglipImageProcessor(preprocessing, PreprocessMode::kTorchvision), decode);
}

inline Siglip2VisionConfig TinyNaflexConfig() {
  Siglip2VisionConfig config;
  config.hidden_size = 24;
  config.intermediate_size = 40;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 3;
  config.patch_size = 8;
  config.num_patches = 16;
  return config;
}

inline Siglip2ImageProcessor TinyNaflexProcessor(int64_t patch_size = 8) {
  Siglip2ImageProcessorConfig config;
  config.patch_size = patch_size;
  config.max_num_patches = 20;
  return {config, PreprocessMode::kTorchvision};
}

inline Embedder MakeNaflexEmbedder(int threads) {
  return Embedder(Siglip2VisionModel(TinyNaflexConfig(), 7, Threads(threads)),
                  TinyNaflexProcessor());
}

class EmbedderTest : public testing::Test {
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

inline PictureSource SourceOf(std::vector<Picture> pictures) {
  return [pictures = std::move(pictures), next = size_t{0}]() mutable -> std::optional<Picture> {
    if (next == pictures.size()) return std::nullopt;
    return pictures[next++];
  };
}

inline std::vector<Picture> Files(const std::vector<std::string>& paths) {
  std::vector<Picture> pictures;
  for (const std::string& path : paths) pictures.push_back(Picture::File(path));
  return pictures;
}

inline std::vector<EmbedResult> RunAll(const Embedder& embedder,
                                       const std::vector<Picture>& pictures,
                                       const EmbedOptions& options = {}) {
  std::vector<EmbedResult> results;
  const uint64_t delivered = embedder.Run(
      SourceOf(pictures), [&](EmbedResult result) { results.push_back(std::move(result)); },
      options);
  EXPECT_EQ(delivered, pictures.size());
  return results;
}

/// The embedding of one picture.
inline Tensor EmbedOne(const Embedder& embedder, const Picture& picture,
                       const EmbedOptions& options = {}) {
  EmbedResult result = std::move(RunAll(embedder, {picture}, options).at(0));
  EXPECT_FALSE(result.error) << result.error->what();
  return result.embedding;
}

}  // namespace siglip
