#include "commands/settings.h"

#include <array>
#include <cstdio>
#include <string>

#include "output/crc32.h"

namespace siglip::cli {
namespace {

std::string Checksum(const Tensor& tensor) {
  const auto bytes = tensor.bytes();
  const uint32_t sum = Crc32({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  std::array<char, 16> text;
  std::snprintf(text.data(), text.size(), "%08x", sum);
  return text.data();
}

}  // namespace

Shape EmbeddingKind::ShapeOf(const Engine& engine) const {
  if (pictures) return engine.embedding_shape(options.output);
  return {engine.text_model().config().embedding_size()};
}

EmbeddingSettings DescribeSettings(const Engine& engine, const EmbeddingKind& kind) {
  const DecodeOptions& decode = engine.options().decode;
  const EmbedOptions& options = kind.options;
  const auto describe = [&](const auto& tower) -> EmbeddingSettings {
    return {
        {"alpha", decode.alpha == AlphaPolicy::kWhite ? "white" : "drop"},
        {"fast decode", decode.fast ? "yes" : "no"},
        {"instruction set", std::string(engine.runtime()->instruction_set())},
        {"normalize", options.normalize ? "yes" : "no"},
        {"precision", std::string(ToString(tower.precision()))},
        {"shape", ToString(kind.ShapeOf(engine))},
        {"tokens", options.output == Output::kTokens ? "yes" : "no"},
    };
  };
  EmbeddingSettings settings =
      kind.pictures ? describe(engine.vision_model()) : describe(engine.text_model());
  if (kind.pictures) {
    settings["preprocess"] = std::string(ToString(engine.image_processor().mode()));
    // Looked at last, by their names: they differ whenever something else does.
    settings["most tokens"] = std::to_string(engine.most_tokens());
    settings["weights (checksum)"] = Checksum(engine.EmbedTestPicture(options));
  }
  if (kind.texts) {
    // With what cleaning of texts may change.
    const std::string text =
        "0123456789 The_quick brown fox's \u201cjump\u201d &amp; the lazy dog.";
    settings["weights (checksum of texts)"] = Checksum(engine.EmbedTexts({&text, 1}, options));
  }
  return settings;
}

}  // namespace siglip::cli
