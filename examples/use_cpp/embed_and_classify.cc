// Embeds pictures, and says which of the labels fits each: embed_and_classify MODEL LABELS
// PICTURE... MODEL is a checkpoint folder or a name of the Hugging Face hub, LABELS are separated
// by commas.
#include <cstdio>
#include <exception>
#include <optional>
#include <siglip/siglip.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace {

std::vector<std::string> Split(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: %s MODEL LABELS PICTURE...\n", argv[0]);
    return 2;
  }
  try {
    const auto model = siglip::Embedder::Open(argv[1]);
    const siglip::ZeroShotClassifier classifier(model, Split(argv[2]));

    int next = 3;
    const auto source = [&]() -> std::optional<siglip::Picture> {
      if (next == argc) return std::nullopt;
      return siglip::Picture::File(argv[next++]);
    };
    bool all_read = true;
    const auto sink = [&](const siglip::EmbedResult& result) {
      if (result.error) {  // of this picture; the others go on
        std::fprintf(stderr, "%s\n", result.error->what());
        all_read = false;
        return;
      }
      const siglip::LabelScore best = classifier(result.embedding).front();
      std::printf("%s: %s (%.3f)\n", result.name.c_str(), classifier.labels()[best.label].c_str(),
                  best.probability);
    };
    model.Run(source, sink);
    return all_read ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "embed_and_classify: %s\n", error.what());
    return 1;
  }
}
