// Decoding speed, per format, of one photo-like picture. JPEG is the case that counts: it is to
// take no longer than libjpeg itself.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include "siglip/image.hpp"

namespace {

// Pictures to measure: $SIGLIP_BENCH_IMAGES (a folder), else the examples of the tests.
std::vector<std::filesystem::path> Pictures() {
  const char* folder = std::getenv("SIGLIP_BENCH_IMAGES");
  const std::filesystem::path root =
      folder != nullptr ? folder : SIGLIP_SOURCE_DIR "/tests/golden/images";
  std::vector<std::filesystem::path> pictures;
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    if (entry.is_regular_file() && siglip::LooksLikeImage(entry.path())) {
      pictures.push_back(entry.path());
    }
  }
  return pictures;
}

void Decode(benchmark::State& state, const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(stream)), {});
  int64_t pixels = 0;
  for (auto unused : state) {
    const siglip::Image image =
        siglip::DecodeImage(std::as_bytes(std::span(bytes)), {}, path.string());
    benchmark::DoNotOptimize(image.rgb.data());
    pixels += image.width * image.height;
  }
  state.counters["pixels"] =
      benchmark::Counter(static_cast<double>(pixels), benchmark::Counter::kIsRate);
}

}  // namespace

int main(int argc, char** argv) {
  for (const std::filesystem::path& path : Pictures()) {
    benchmark::RegisterBenchmark(path.filename().c_str(), Decode, path)
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
