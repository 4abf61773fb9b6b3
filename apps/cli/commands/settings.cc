#include "commands/settings.h"

#include <array>
#include <cstdio>
#include <string>

#include "output/crc32.h"
#include "siglip/embedder.hpp"
#include "siglip/tensor.hpp"
#include "siglip/transformers/text_model.hpp"

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

EmbeddingContent EmbeddingKind::content() const {
  if (pictures && texts) return EmbeddingContent::kPicturesAndTexts;
  return pictures ? EmbeddingContent::kPictures : EmbeddingContent::kTexts;
}

Shape EmbeddingKind::ShapeOf(const Embedder& embedder) const {
  if (pictures) return embedder.embedding_shape(options.output);
  return {embedder.text_model().config().embedding_size()};
}

EmbeddingSettings DescribeSettings(const Embedder& embedder, const EmbeddingKind& kind) {
  // Hashes would have to be computed from all weights.
  EmbeddingSettings settings =
      embedder.fingerprint(kind.content(), kind.options, FingerprintHashes::kLeftOut).InWords();
  // Looked at last, by their names: they differ whenever something else does.
  if (kind.pictures) {
    settings[std::string(kChecksumSetting) + ")"] =
        Checksum(embedder.EmbedTestPicture(kind.options));
  }
  if (kind.texts) {
    // With what cleaning of texts may change.
    const std::string text =
        "0123456789 The_quick brown fox's \u201cjump\u201d &amp; the lazy dog.";
    settings[std::string(kChecksumSetting) + " of texts)"] =
        Checksum(embedder.EmbedTexts({&text, 1}, kind.options));
  }
  return settings;
}

}  // namespace siglip::cli
