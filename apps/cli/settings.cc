#include "settings.h"

#include <zlib.h>

#include <array>
#include <cstdio>
#include <string>

namespace siglip::cli {
namespace {

/// A picture with edges, gradients and colours, larger than the model's size where it is resized,
/// so that the filter shows too.
Image TestPicture(const Engine& engine) {
  const int64_t side = engine.tower().native_side();
  Image image;
  image.height = image.width = engine.tower().resizes() ? side + side / 2 : side;
  image.rgb.resize(static_cast<size_t>(image.height * image.width * 3));
  for (size_t i = 0; i < image.rgb.size(); ++i) {
    image.rgb[i] = static_cast<uint8_t>((i * i) >> 9 ^ i);
  }
  return image;
}

std::string Checksum(const Tensor& tensor) {
  const auto bytes = tensor.bytes();
  const auto crc = static_cast<unsigned>(
      ::crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
  std::array<char, 16> text;
  std::snprintf(text.data(), text.size(), "%08x", crc);
  return text.data();
}

}  // namespace

Settings DescribeSettings(const Engine& engine, bool with_texts) {
  const EngineOptions& options = engine.options();
  const auto describe = [&](const auto& tower) -> Settings {
    return {
        {"alpha", options.decode.alpha == AlphaPolicy::kWhite ? "white" : "drop"},
        {"fast decode", options.decode.fast ? "yes" : "no"},
        {"instruction set", std::string(tower.runtime()->instruction_set())},
        {"normalize", options.normalize ? "yes" : "no"},
        {"precision", std::string(ToString(tower.precision()))},
        {"preprocess", std::string(ToString(options.preprocess))},
        {"shape", ToString(engine.embedding_shape())},
        {"tokens", options.tokens ? "yes" : "no"},
    };
  };
  Settings settings = options.texts_only ? describe(engine.text_model()) : describe(engine.tower());
  // Looked at last, by their names: they differ whenever something else does.
  if (!options.texts_only) {
    settings["most tokens"] = std::to_string(engine.tower().most_tokens());
    settings["weights (checksum)"] = Checksum(engine.Embed(TestPicture(engine)));
  }
  if (with_texts) {
    // With what cleaning of texts may change.
    const std::string text =
        "0123456789 The_quick brown fox's \u201cjump\u201d &amp; the lazy dog.";
    settings["weights (checksum of texts)"] = Checksum(engine.EmbedTexts({&text, 1}));
  }
  return settings;
}

}  // namespace siglip::cli
