// The rates that `siglip bench --images` measures: from picture files to embeddings.
#include "bench_images.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <thread>
#include <utility>

#include "inputs.h"
#include "siglip/engine.h"
#include "siglip/error.h"
#include "siglip/image.h"
#include "siglip/image_processor.h"
#include "siglip/model_info.h"

namespace siglip::cli {
namespace {

// Decoded pictures held at once while decoding and preprocessing are timed apart.
constexpr size_t kBlock = 64;

/// Seconds that `threads` threads need to call work(0) ... work(count - 1).
double TimeParallel(int threads, size_t count, const std::function<void(size_t)>& work) {
  const auto start = std::chrono::steady_clock::now();
  std::atomic<size_t> next = 0;
  const auto loop = [&] {
    for (size_t i = next++; i < count; i = next++) work(i);
  };
  {
    std::vector<std::jthread> helpers;
    for (int i = 1; i < threads; ++i) helpers.emplace_back(loop);
    loop();
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::optional<Image> TryDecode(const std::string& path) {
  try {
    return DecodeImageFile(path);
  } catch (const Error&) {
    return std::nullopt;
  }
}

double PerSecond(int64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

void MeasureStages(const SiglipImageProcessor& processor, const std::vector<std::string>& paths,
                   ImageRates& rates) {
  double decode_seconds = 0;
  double preprocess_seconds = 0;
  for (size_t begin = 0; begin < paths.size(); begin += kBlock) {
    const size_t count = std::min(kBlock, paths.size() - begin);
    std::vector<std::optional<Image>> images(count);
    decode_seconds += TimeParallel(rates.threads, count,
                                   [&](size_t i) { images[i] = TryDecode(paths[begin + i]); });
    std::erase(images, std::nullopt);
    rates.pictures += std::ssize(images);
    preprocess_seconds += TimeParallel(rates.threads, images.size(), [&](size_t i) {
      const auto [height, width] = processor.OutputSize(images[i]->height, images[i]->width);
      std::vector<float> pixel_values(static_cast<size_t>(3 * height * width));
      processor.Preprocess(*images[i], pixel_values);
    });
  }
  rates.failed = std::ssize(paths) - rates.pictures;
  rates.decode = PerSecond(rates.pictures, decode_seconds);
  rates.preprocess = PerSecond(rates.pictures, preprocess_seconds);
}

double MeasureEngine(const Engine& engine, const std::vector<std::string>& paths) {
  size_t next = 0;
  int64_t embedded = 0;
  const auto start = std::chrono::steady_clock::now();
  engine.EmbedFiles(
      [&]() -> std::optional<std::string> {
        if (next == paths.size()) return std::nullopt;
        return paths[next++];
      },
      [&](const EmbedResult& result) { embedded += result.error ? 0 : 1; });
  return PerSecond(embedded,
                   std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}

}  // namespace

std::vector<std::string> FindImages(const std::string& folder) {
  const std::atomic<bool> stop = false;
  Inputs inputs({folder}, stop, [](const Error& error) { throw error; });
  std::vector<std::string> paths;
  while (auto path = inputs.Next()) paths.push_back(*std::move(path));
  if (paths.empty()) throw Error(ErrorCode::kNotFound, folder + ": holds no pictures");
  return paths;
}

ImageRates MeasureImageRates(const std::filesystem::path& model,
                             const std::vector<std::string>& paths, const RuntimeOptions& runtime) {
  EngineOptions options;
  options.runtime = runtime;
  options.tokens = !InspectModel(model).has_head;
  const Engine engine = Engine::FromPretrained(model, options);
  ImageRates rates;
  rates.threads = engine.model().runtime()->threads();
  MeasureStages(engine.processor(), paths, rates);
  if (rates.pictures == 0) {
    throw Error(ErrorCode::kNotFound, paths.front() + ": none of the pictures can be decoded");
  }
  rates.engine = MeasureEngine(engine, paths);
  return rates;
}

}  // namespace siglip::cli
