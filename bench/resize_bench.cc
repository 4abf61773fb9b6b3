// How long resizing takes, by picture, mode and instruction set.
#include <benchmark/benchmark.h>

#include <string>

#include "image/resize.h"

namespace siglip {
namespace {

struct Shape {
  int64_t height;
  int64_t width;
  int64_t size;
};

void BM_Resize(benchmark::State& state, Shape shape, PreprocessMode mode, InstructionSet isa) {
  Image image{.width = shape.width, .height = shape.height, .rgb = {}};
  image.rgb.resize(static_cast<size_t>(shape.width * shape.height * 3));
  uint32_t noise = 1;
  for (uint8_t& value : image.rgb) {
    noise = noise * 1664525 + 1013904223;
    value = static_cast<uint8_t>(noise >> 24);
  }
  const ResizeKernels& kernels = ResizeKernelsFor(isa);
  for (auto _ : state) {
    benchmark::DoNotOptimize(ResizeWith(
        kernels, image,
        {.height = shape.size, .width = shape.size, .resample = Resample::kBicubic, .mode = mode}));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(image.rgb.size()));
}

const bool kRegistered = [] {
  // 12 megapixels, Full HD, VGA, a small picture enlarged, and one that Pillow 13 resizes columns
  // first.
  const Shape kShapes[] = {
      {3000, 4000, 224}, {1080, 1920, 256}, {480, 640, 224}, {224, 224, 384}, {6000, 2000, 224}};
  for (const Shape& shape : kShapes) {
    for (const auto mode : {PreprocessMode::kTorchvision, PreprocessMode::kPillow13}) {
      for (const InstructionSet isa : SupportedInstructionSets()) {
        // The variants of a set share its kernels.
        if (isa != InstructionSet::kGeneric && isa != InstructionSet::kAvx2 &&
            isa != InstructionSet::kAvx512) {
          continue;
        }
        const std::string name = "resize/" + std::to_string(shape.width) + "x" +
                                 std::to_string(shape.height) + "/" + std::to_string(shape.size) +
                                 "/" + std::string(ToString(mode)) + "/" +
                                 std::string(ToString(isa));
        benchmark::RegisterBenchmark(name.c_str(), BM_Resize, shape, mode, isa)
            ->Unit(benchmark::kMillisecond);
      }
    }
  }
  return true;
}();

}  // namespace
}  // namespace siglip
