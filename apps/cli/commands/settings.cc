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

EmbeddingSettings DescribeSettings(const Engine& engine, bool with_texts) {
  const EngineOptions& options = engine.options();
  const auto describe = [&](const auto& tower) -> EmbeddingSettings {
    return {
        {"alpha", options.decode.alpha == AlphaPolicy::kWhite ? "white" : "drop"},
        {"fast decode", options.decode.fast ? "yes" : "no"},
        {"instruction set", std::string(tower.runtime()->instruction_set())},
        {"normalize", options.normalize ? "yes" : "no"},
        {"precision", std::string(ToString(tower.precision()))},
        {"shape", ToString(engine.embedding_shape())},
        {"tokens", options.tokens ? "yes" : "no"},
    };
  };
  EmbeddingSettings settings =
      options.texts_only ? describe(engine.text_model()) : describe(engine.tower());
  if (!options.texts_only) {
    settings["preprocess"] = std::string(ToString(engine.tower().preprocess_mode()));
    // Looked at last, by their names: they differ whenever something else does.
    settings["most tokens"] = std::to_string(engine.tower().most_tokens());
    settings["weights (checksum)"] = Checksum(engine.EmbedTestPicture());
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
