// siglip bench: how fast a model runs on this machine, and how near that is to what the machine can
// do at all.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <iomanip>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "bench_images.h"
#include "commands.h"
#include "format.h"
#include "options.h"
#include "siglip/error.h"
#include "siglip/hub.h"
#include "siglip/model_info.h"
#include "siglip/runtime.h"
#include "siglip/vision_model.h"
#include "text.h"

namespace siglip::cli {
namespace {

using Json = nlohmann::ordered_json;

struct BenchArguments {
  std::string model;  // folder or name
  std::string preset;
  std::string images;
  std::vector<int64_t> batches = {1, 8};
  std::vector<int> threads = {0};
  int repeats = 5;
  std::optional<Precision> precision;
  bool json = false;
};

/// Medians over the repeats.
struct ModelRate {
  int threads = 0;
  int64_t batch = 0;
  double seconds = 0;  ///< Of one batch.
  double pictures_per_second = 0;
  double gflops = 0;
  double peak_gflops = 0;

  double share_of_peak() const { return gflops / peak_gflops; }
};

struct BenchReport {
  std::string model;
  std::string instruction_set;
  std::string precision;
  double gflop_per_picture = 0;
  double load_seconds = 0;  ///< Of the first load: the file may not have been in memory before.
  std::vector<ModelRate> rates;
  std::vector<ImageRates> image_rates;
};

/// One line on a terminal that is overwritten by the next, and nothing elsewhere.
class Progress {
 public:
  void Show(const std::string& text) {
    if (terminal_) std::cerr << "\r\033[K" << Printable(text) << std::flush;
  }
  ~Progress() { Show(""); }

 private:
  const bool terminal_ = isatty(STDERR_FILENO) == 1;
};

double Seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Of one call, from as many as fill a tenth of a second.
double SecondsPerCall(const std::function<void()>& work) {
  constexpr double kLongEnough = 0.1;
  int calls = 0;
  double total = 0;
  while (total < kLongEnough) {
    total += Seconds(work);
    ++calls;
  }
  return total / calls;
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

Tensor RandomPixels(const SiglipVisionConfig& config, int64_t batch) {
  Tensor pixels(DType::kF32, {batch, config.num_channels, config.image_size, config.image_size});
  std::mt19937 generator(1);
  for (float& value : pixels.floats()) {
    value = static_cast<float>(generator()) / 2147483648.0f - 1.0f;
  }
  return pixels;
}

SiglipVisionModel LoadModel(const BenchArguments& arguments,
                            const std::shared_ptr<const Runtime>& runtime) {
  if (arguments.preset.empty()) {
    return SiglipVisionModel::FromPretrained(ResolveModel(arguments.model), runtime,
                                             arguments.precision);
  }
  return SiglipVisionModel(PresetConfig(arguments.preset), /*seed=*/0, runtime,
                           arguments.precision);
}

double Flop(const SiglipVisionModel& model) {
  const SiglipVisionConfig& config = model.config();
  return FlopPerPicture(config, config.num_patches(), model.vision_model().head() != nullptr);
}

/// Every batch once per repeat, each after a fresh look at what the machine can do: other load on
/// it then weighs on both alike.
std::vector<ModelRate> MeasureModel(const SiglipVisionModel& model, const BenchArguments& arguments,
                                    Progress& progress) {
  const std::vector<int64_t>& batches = arguments.batches;
  const int threads = model.runtime()->threads();
  std::vector<std::vector<double>> seconds(batches.size());
  std::vector<std::vector<double>> peaks(batches.size());
  for (int repeat = 0; repeat <= arguments.repeats; ++repeat) {
    for (size_t i = 0; i < batches.size(); ++i) {
      progress.Show("threads " + std::to_string(threads) + ", batch " + std::to_string(batches[i]) +
                    ": " + std::to_string(repeat) + " of " + std::to_string(arguments.repeats));
      const Tensor pixels = RandomPixels(model.config(), batches[i]);
      if (repeat == 0) {
        model(pixels);  // warms up: pages, caches and clocks
        continue;
      }
      peaks[i].push_back(MeasurePeakGflops(*model.runtime(), model.precision()));
      seconds[i].push_back(SecondsPerCall([&] { model(pixels); }));
    }
  }
  std::vector<ModelRate> rates;
  for (size_t i = 0; i < batches.size(); ++i) {
    ModelRate rate{threads, batches[i], Median(seconds[i]), 0, 0, Median(peaks[i])};
    rate.pictures_per_second = static_cast<double>(rate.batch) / rate.seconds;
    rate.gflops = rate.pictures_per_second * Flop(model) / 1e9;
    rates.push_back(rate);
  }
  return rates;
}

/// The most memory this process ever held; 0 where the system does not say.
int64_t PeakMemoryBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoll(line.substr(6)) * 1024;
  }
  return 0;
}

BenchReport Measure(const BenchArguments& arguments) {
  BenchReport report;
  report.model = arguments.preset.empty() ? arguments.model : arguments.preset;
  std::vector<std::string> pictures;
  if (!arguments.images.empty()) pictures = FindImages(arguments.images);
  Progress progress;
  for (const int threads : arguments.threads) {
    const RuntimeOptions options{.threads = threads, .instruction_set = {}};
    {
      progress.Show("loading " + report.model);
      const auto runtime = Runtime::Create(options);
      const auto start = std::chrono::steady_clock::now();
      const SiglipVisionModel model = LoadModel(arguments, runtime);
      if (report.rates.empty()) {
        report.load_seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        report.instruction_set = runtime->instruction_set();
        report.precision = ToString(model.precision());
        report.gflop_per_picture = Flop(model) / 1e9;
      }
      const std::vector<ModelRate> rates = MeasureModel(model, arguments, progress);
      report.rates.insert(report.rates.end(), rates.begin(), rates.end());
    }
    if (!pictures.empty()) {
      progress.Show("pictures of " + arguments.images);
      report.image_rates.push_back(
          MeasureImageRates(ResolveModel(arguments.model), pictures, options));
    }
  }
  return report;
}

void PrintJson(const BenchReport& report) {
  Json json;
  json["model"] = report.model;
  json["version"] = Version();
  json["instruction_set"] = report.instruction_set;
  json["gflop_per_picture"] = report.gflop_per_picture;
  json["load_seconds"] = report.load_seconds;
  json["peak_memory_bytes"] = PeakMemoryBytes();
  json["rates"] = Json::array();
  for (const ModelRate& rate : report.rates) {
    json["rates"].push_back({{"threads", rate.threads},
                             {"batch", rate.batch},
                             {"seconds", rate.seconds},
                             {"pictures_per_second", rate.pictures_per_second},
                             {"gflops", rate.gflops},
                             {"peak_gflops", rate.peak_gflops},
                             {"share_of_peak", rate.share_of_peak()}});
  }
  json["images"] = Json::array();
  for (const ImageRates& rates : report.image_rates) {
    json["images"].push_back({{"threads", rates.threads},
                              {"pictures", rates.pictures},
                              {"failed", rates.failed},
                              {"decode_per_second", rates.decode},
                              {"preprocess_per_second", rates.preprocess},
                              {"engine_per_second", rates.engine}});
  }
  std::cout << json.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
}

/// Cells of a line, right-aligned under each other.
void PrintRow(const std::vector<std::string>& cells) {
  for (const std::string& cell : cells) std::cout << std::setw(13) << cell;
  std::cout << "\n";
}

void PrintText(const BenchReport& report) {
  std::cout << Printable(report.model) << " on " << report.instruction_set << ": "
            << FormatNumber(report.gflop_per_picture, 3) << " GFLOP a picture, loaded in "
            << FormatNumber(report.load_seconds, 3) << " s, peak memory "
            << FormatBytes(PeakMemoryBytes()) << "\n\n";
  PrintRow({"threads", "batch", "pictures/s", "GFLOP/s", "machine peak", "share"});
  for (const ModelRate& rate : report.rates) {
    PrintRow({std::to_string(rate.threads), std::to_string(rate.batch),
              FormatNumber(rate.pictures_per_second, 2), FormatNumber(rate.gflops, 1),
              FormatNumber(rate.peak_gflops, 1),
              FormatNumber(100 * rate.share_of_peak(), 1) + " %"});
  }
  if (report.image_rates.empty()) return;
  std::cout << "\n";
  PrintRow({"threads", "pictures", "failed", "decode/s", "preprocess/s", "engine/s"});
  for (const ImageRates& rates : report.image_rates) {
    PrintRow({std::to_string(rates.threads), std::to_string(rates.pictures),
              std::to_string(rates.failed), FormatNumber(rates.decode, 1),
              FormatNumber(rates.preprocess, 1), FormatNumber(rates.engine, 1)});
  }
}

void Bench(const BenchArguments& arguments) {
  if (arguments.model.empty() && arguments.preset.empty()) {
    throw CLI::RequiredError("--model or --preset");
  }
  const BenchReport report = Measure(arguments);
  if (arguments.json) {
    PrintJson(report);
  } else {
    PrintText(report);
  }
}

}  // namespace

void AddBench(CLI::App& app) {
  auto arguments = std::make_shared<BenchArguments>();
  CLI::App* command = app.add_subcommand(
      "bench", "Measure pictures a second, and how near that is to the machine's peak");
  CLI::Option* model =
      command->add_option("--model", arguments->model, kModelHelp)->type_name(kModelType);
  CLI::Option* preset =
      command
          ->add_option("--preset", arguments->preset,
                       "Random weights of this architecture instead (see siglip init --list)")
          ->type_name("NAME")
          ->excludes(model);
  command->add_option("--batch", arguments->batches, "Batch sizes, separated by commas")
      ->delimiter(',')
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command
      ->add_option("--threads", arguments->threads,
                   "Numbers of threads, separated by commas; 0: all this process may use")
      ->delimiter(',')
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--repeats", arguments->repeats, "Measurements per line; the median counts")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command
      ->add_option("--images", arguments->images,
                   "Also the rates of decoding, preprocessing and embedding these pictures")
      ->type_name("FOLDER")
      ->excludes(preset);
  AddPrecisionOption(*command, arguments->precision);
  AddJsonOption(*command, arguments->json);
  command->footer("Example:\n  siglip bench --preset base-patch16-224 --batch 1,8 --threads 1,2");
  command->callback([arguments] { Bench(*arguments); });
}

}  // namespace siglip::cli
