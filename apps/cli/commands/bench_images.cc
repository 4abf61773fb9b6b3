#include "commands/bench_images.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>

#include "commands/bench_model.h"
#include "commands/measure.h"
#include "siglip/embedder.hpp"
#include "siglip/error.hpp"
#include "siglip/folder_walker.hpp"
#include "siglip/picture.hpp"
#include "siglip/transformers/vision_inputs.hpp"
#include "siglip/transformers/vision_model.hpp"

namespace siglip::cli {
namespace {

constexpr double kLongEnough = 2;  // seconds
/// Enough that the end of a batch, where threads have nothing left to do, does not count.
constexpr int kPicturesPerThread = 4;

/// Of one or more rounds over the pictures.
struct Rounds {
  int64_t embedded = 0;
  int64_t failed = 0;
  double seconds = 0;
  StageSeconds stages;

  double pictures_per_second() const { return static_cast<double>(embedded) / seconds; }
  double PerPicture(double StageSeconds::*stage) const {
    return stages.*stage / static_cast<double>(embedded);
  }
};

constexpr double StageSeconds::*kStages[] = {&StageSeconds::read, &StageSeconds::decode,
                                             &StageSeconds::resize, &StageSeconds::compute};

/// Whole rounds, in one run of the embedder, until `least` seconds have passed.
Rounds Embed(const Embedder& embedder, const std::vector<std::string>& paths, double least) {
  Rounds rounds;
  const StageSeconds before = embedder.stage_seconds();
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  size_t next = 0;
  EmbedOptions options;
  if (!embedder.vision_model().has_head()) options.output = Output::kTokens;
  embedder.Run(
      [&]() -> std::optional<Picture> {
        if (next == paths.size()) {
          if (elapsed() >= least) return std::nullopt;
          next = 0;
        }
        return Picture::File(paths[next++]);
      },
      [&](const EmbedResult& result) { ++(result.error ? rounds.failed : rounds.embedded); },
      options);
  rounds.seconds = elapsed();
  rounds.stages = embedder.stage_seconds();
  for (const auto stage : kStages) rounds.stages.*stage -= before.*stage;
  return rounds;
}

double MedianOf(const std::vector<Rounds>& repeats,
                const std::function<double(const Rounds&)>& value) {
  std::vector<double> values;
  std::ranges::transform(repeats, std::back_inserter(values), value);
  return Median(std::move(values));
}

}  // namespace

std::vector<std::string> FindImages(const std::string& folder) {
  FolderWalker pictures(folder,
                        {.failed = [](const std::string&, const Error& error) { throw error; }});
  std::vector<std::string> paths;
  while (auto picture = pictures.Next()) paths.push_back(std::move(picture->path));
  if (paths.empty()) throw Error(ErrorCode::kNotFound, folder + ": holds no pictures");
  return paths;
}

ImageRates MeasureImageRates(const Embedder& embedder, const std::vector<std::string>& paths,
                             int repeats, const std::function<void(int)>& show_repeat) {
  const VisionModel& model = embedder.vision_model();
  ImageRates rates;
  rates.threads = model.runtime()->threads();
  const Rounds first = Embed(embedder, paths, /*least=*/0);
  rates.pictures = first.embedded;
  rates.failed = first.failed;
  if (rates.pictures == 0) {
    throw Error(ErrorCode::kNotFound, paths.front() + ": none of the pictures can be embedded");
  }
  const int64_t batch = int64_t{kPicturesPerThread} * rates.threads;
  const auto side = static_cast<int64_t>(std::sqrt(static_cast<double>(embedder.most_tokens())));
  const VisionInputs pictures = RandomPictures(model, batch, side);
  model(pictures);  // warms up
  std::vector<Rounds> measured;
  std::vector<double> model_rates;
  std::vector<double> shares;
  for (int repeat = 1; repeat <= repeats; ++repeat) {
    show_repeat(repeat);
    model_rates.push_back(static_cast<double>(batch) / SecondsPerCall([&] { model(pictures); }));
    measured.push_back(Embed(embedder, paths, kLongEnough));
    shares.push_back(measured.back().pictures_per_second() / model_rates.back());
  }
  rates.pictures_per_second = MedianOf(measured, &Rounds::pictures_per_second);
  rates.model_pictures_per_second = Median(model_rates);
  rates.share_of_model_rate = Median(shares);
  for (const auto stage : kStages) {
    rates.per_picture.*stage =
        MedianOf(measured, [&](const Rounds& rounds) { return rounds.PerPicture(stage); });
  }
  return rates;
}

}  // namespace siglip::cli
