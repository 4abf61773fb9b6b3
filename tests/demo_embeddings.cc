// Writes what the demo model makes of its pictures and of two texts, as 32-bit floats, for a
// comparison of architectures: demo_embeddings MODEL PRECISION PICTURE... The instruction set is
// $SIGLIP_ISA.
#include <cstdio>
#include <exception>
#include <optional>
#include <siglip/siglip.hpp>
#include <span>
#include <string>
#include <vector>

namespace {

void Write(std::span<const float> values) {
  if (std::fwrite(values.data(), sizeof(float), values.size(), stdout) != values.size()) {
    throw siglip::Error(siglip::ErrorCode::kIo, "standard output: cannot be written");
  }
}

void Embed(const siglip::Embedder& model, std::span<char*> pictures) {
  size_t next = 0;
  const auto source = [&]() -> std::optional<siglip::Picture> {
    if (next == pictures.size()) return std::nullopt;
    return siglip::Picture::File(pictures[next++]);
  };
  model.Run(source, [](const siglip::EmbedResult& result) {
    if (result.error) throw siglip::Error(*result.error);
    Write(result.embedding.floats());
  });
  for (const char* text : {"a red heart", "two blue stars on a white ground"}) {
    Write(model.EmbedTexts({text}).floats());
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: %s MODEL PRECISION PICTURE...\n", argv[0]);
    return 2;
  }
  try {
    siglip::EmbedderOptions options;
    options.precision = siglip::ParsePrecision(argv[2]);
    Embed(siglip::Embedder::Open(argv[1], options),
          std::span(argv, static_cast<size_t>(argc)).subspan(3));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "demo_embeddings: %s\n", error.what());
    return 1;
  }
}
