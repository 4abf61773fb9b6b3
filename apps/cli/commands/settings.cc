#include "commands/settings.h"

#include <zlib.h>

#include <array>
#include <cstdio>
#include <string>

namespace siglip::cli {
namespace {

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
  const bool with_pictures = !engine.options().texts_only;
  const EmbeddingContent content = !with_pictures ? EmbeddingContent::kTexts
                                   : with_texts   ? EmbeddingContent::kPicturesAndTexts
                                                  : EmbeddingContent::kPictures;
  // Hashes would have to be computed from all weights.
  Settings settings = engine.fingerprint(content, FingerprintHashes::kLeftOut).InWords();
  // Looked at last, by their names: they differ whenever something else does.
  if (with_pictures) settings["weights (checksum)"] = Checksum(engine.EmbedTestPicture());
  if (with_texts) {
    // With what cleaning of texts may change.
    const std::string text =
        "0123456789 The_quick brown fox's \u201cjump\u201d &amp; the lazy dog.";
    settings["weights (checksum of texts)"] = Checksum(engine.EmbedTexts({&text, 1}));
  }
  return settings;
}

}  // namespace siglip::cli
