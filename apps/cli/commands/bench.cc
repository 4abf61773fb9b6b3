// siglip bench: how fast a model runs on this machine, and how near that is to what the machine can
// do at all.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "commands/bench_images.h"
#include "commands/bench_model.h"
#include "commands/commands.h"
#include "commands/measure.h"
#include "commands/options.h"
#include "commands/threads_warning.h"
#include "siglip/embedder.hpp"
#include "siglip/error.hpp"
#include "siglip/runtime.hpp"
#include "terminal/format.h"
#include "terminal/progress_bar.h"
#include "terminal/terminal.h"
#include "terminal/text.h"

namespace siglip::cli {
namespace {

using Json = nlohmann::ordered_json;

struct BenchArguments {
  BenchModelSource model;
  std::string images;
  std::vector<int64_t> batches = {1, 8};
  std::vector<int> threads = {0};
  int repeats = 5;
  bool fast_decode = false;
  bool json = false;
};

/// Medians over the repeats.
struct ModelRate {
  int threads = 0;
  int64_t batch = 0;
  double seconds = 0;     ///< Of one batch.
  double per_second = 0;  ///< Pictures or texts.
  double gflops = 0;
  double peak_gflops = 0;

  double share_of_peak() const { return gflops / peak_gflops; }
};

struct BenchReport {
  std::string model;
  std::string instruction_set;
  std::string precision;
  std::string unit;  ///< "picture" or "text"
  double gflop_each = 0;
  double load_seconds = 0;  ///< Of the first load: the file may not have been in memory before.
  std::vector<ModelRate> rates;
  std::vector<ImageRates> image_rates;
};

/// Every batch once per repeat, each after a fresh look at what the machine can do: other load on
/// it then weighs on both alike.
std::vector<ModelRate> MeasureModel(const BenchModel& model, const Runtime& runtime,
                                    const BenchArguments& arguments, StatusLine& progress) {
  const std::vector<int64_t>& batches = arguments.batches;
  const int threads = runtime.threads();
  std::vector<std::vector<double>> seconds(batches.size());
  std::vector<std::vector<double>> peaks(batches.size());
  for (int repeat = 0; repeat <= arguments.repeats; ++repeat) {
    for (size_t i = 0; i < batches.size(); ++i) {
      progress.Show("threads " + std::to_string(threads) + ", batch " + std::to_string(batches[i]) +
                    ": " + std::to_string(repeat) + " of " + std::to_string(arguments.repeats));
      const std::function<void()> batch = model.new_batch(batches[i]);
      if (repeat == 0) {
        batch();  // warms up: pages, caches and clocks
        continue;
      }
      peaks[i].push_back(MeasurePeakGflops(runtime, model.precision));
      seconds[i].push_back(SecondsPerCall(batch));
    }
  }
  std::vector<ModelRate> rates;
  for (size_t i = 0; i < batches.size(); ++i) {
    ModelRate rate{threads, batches[i], Median(seconds[i]), 0, 0, Median(peaks[i])};
    rate.per_second = static_cast<double>(rate.batch) / rate.seconds;
    rate.gflops = rate.per_second * model.flop / 1e9;
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
  report.model = arguments.model.name();
  report.unit = arguments.model.texts ? "text" : "picture";
  std::vector<std::string> pictures;
  if (!arguments.images.empty()) pictures = FindImages(arguments.images);
  StatusLine progress(WantsProgressBar(/*quiet=*/false));
  for (const int threads : arguments.threads) {
    progress.Show("loading " + report.model);
    const auto runtime = Runtime::Create({.threads = threads, .instruction_set = {}});
    const auto start = std::chrono::steady_clock::now();
    const BenchModel model = LoadBenchModel(arguments.model, runtime);
    if (report.rates.empty()) {
      report.load_seconds =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      report.instruction_set = runtime->instruction_set();
      report.precision = ToString(model.precision);
      report.gflop_each = model.flop / 1e9;
    }
    const std::vector<ModelRate> rates = MeasureModel(model, *runtime, arguments, progress);
    report.rates.insert(report.rates.end(), rates.begin(), rates.end());
    if (pictures.empty()) continue;
    const auto show_repeat = [&](int repeat) {
      progress.Show("threads " + std::to_string(runtime->threads()) + ", pictures of " +
                    arguments.images + ": " + std::to_string(repeat) + " of " +
                    std::to_string(arguments.repeats));
    };
    DecodeOptions decode;
    decode.fast = arguments.fast_decode;
    const Embedder embedder(*model.vision_model,
                            LoadBenchProcessor(arguments.model, *model.vision_model), decode,
                            report.model);
    report.image_rates.push_back(
        MeasureImageRates(embedder, pictures, arguments.repeats, show_repeat));
  }
  return report;
}

void PrintJson(const BenchReport& report) {
  Json json;
  json["model"] = report.model;
  json["version"] = Version();
  json["instruction_set"] = report.instruction_set;
  json["precision"] = report.precision;
  json["gflop_per_" + report.unit] = report.gflop_each;
  json["load_seconds"] = report.load_seconds;
  json["peak_memory_bytes"] = PeakMemoryBytes();
  json["rates"] = Json::array();
  for (const ModelRate& rate : report.rates) {
    json["rates"].push_back({{"threads", rate.threads},
                             {"batch", rate.batch},
                             {"seconds", rate.seconds},
                             {report.unit + "s_per_second", rate.per_second},
                             {"gflops", rate.gflops},
                             {"peak_gflops", rate.peak_gflops},
                             {"share_of_peak", rate.share_of_peak()}});
  }
  json["images"] = Json::array();
  for (const ImageRates& rates : report.image_rates) {
    const StageSeconds& stages = rates.per_picture;
    json["images"].push_back({{"threads", rates.threads},
                              {"pictures", rates.pictures},
                              {"failed", rates.failed},
                              {"pictures_per_second", rates.pictures_per_second},
                              {"model_pictures_per_second", rates.model_pictures_per_second},
                              {"share_of_model_rate", rates.share_of_model_rate},
                              {"thread_seconds_per_picture",
                               {{"read", stages.read},
                                {"decode", stages.decode},
                                {"resize", stages.resize},
                                {"compute", stages.compute}}}});
  }
  std::cout << json.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
}

/// Cells of a line, right-aligned under each other.
void PrintRow(const std::vector<std::string>& cells) {
  for (const std::string& cell : cells) std::cout << std::setw(13) << cell;
  std::cout << "\n";
}

void PrintImageRates(const std::vector<ImageRates>& all) {
  std::cout << "\n";
  PrintRow({"threads", "pictures", "failed", "pictures/s", "model alone", "share"});
  for (const ImageRates& rates : all) {
    PrintRow({std::to_string(rates.threads), std::to_string(rates.pictures),
              std::to_string(rates.failed), FormatNumber(rates.pictures_per_second, 2),
              FormatNumber(rates.model_pictures_per_second, 2),
              FormatNumber(100 * rates.share_of_model_rate, 1) + " %"});
  }
  std::cout << "\nWhere the time of a thread goes, per picture:\n";
  PrintRow({"threads", "read", "decode", "resize", "compute"});
  for (const ImageRates& rates : all) {
    const StageSeconds& stages = rates.per_picture;
    const double sum = stages.read + stages.decode + stages.resize + stages.compute;
    std::vector<std::string> times = {std::to_string(rates.threads)};
    std::vector<std::string> shares = {""};
    for (const double seconds : {stages.read, stages.decode, stages.resize, stages.compute}) {
      times.push_back(FormatNumber(1e3 * seconds, 3) + " ms");
      shares.push_back(FormatNumber(100 * seconds / sum, 1) + " %");
    }
    PrintRow(times);
    PrintRow(shares);
  }
}

void PrintText(const BenchReport& report) {
  std::cout << Printable(report.model) << " in " << report.precision << " on "
            << report.instruction_set << ": " << FormatNumber(report.gflop_each, 3) << " GFLOP a "
            << report.unit << ", loaded in " << FormatNumber(report.load_seconds, 3)
            << " s, peak memory " << FormatBytes(PeakMemoryBytes()) << "\n\n";
  PrintRow({"threads", "batch", report.unit + "s/s", "GFLOP/s", "machine peak", "share"});
  for (const ModelRate& rate : report.rates) {
    PrintRow({std::to_string(rate.threads), std::to_string(rate.batch),
              FormatNumber(rate.per_second, 2), FormatNumber(rate.gflops, 1),
              FormatNumber(rate.peak_gflops, 1),
              FormatNumber(100 * rate.share_of_peak(), 1) + " %"});
  }
  if (!report.image_rates.empty()) PrintImageRates(report.image_rates);
}

void Bench(BenchArguments arguments) {
  if (arguments.model.name().empty()) arguments.model.model = ModelOfEnvironment();
  if (arguments.model.name().empty()) {
    throw CLI::RequiredError("--model (or SIGLIP_MODEL in the environment) or --preset");
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
      "bench", "Measure pictures or texts a second, and how near that is to the machine's peak");
  CLI::Option* model =
      command->add_option("--model", arguments->model.model, kModelHelp)->type_name(kModelType);
  command
      ->add_option("--preset", arguments->model.preset,
                   "Random weights of this architecture instead (see siglip init --list)")
      ->type_name("NAME")
      ->excludes(model);
  command->add_option("--batch", arguments->batches, "Batch sizes, separated by commas")
      ->delimiter(',')
      ->type_name("N,...")
      ->check(InRange(1))
      ->capture_default_str();
  command
      ->add_option("--threads", arguments->threads,
                   "Numbers of threads, separated by commas; 0: all this process may use")
      ->delimiter(',')
      ->type_name("N,...")
      ->check(InRange(0, kMostThreads))
      ->each(WarnOfManyThreads)
      ->capture_default_str();
  command->add_option("--repeats", arguments->repeats, "Measurements per line; the median counts")
      ->type_name("N")
      ->check(InRange(1))
      ->capture_default_str();
  CLI::Option* images =
      command
          ->add_option("--images", arguments->images,
                       "Also how fast these pictures are embedded, and where the time goes")
          ->type_name("FOLDER");
  command
      ->add_flag("--texts", arguments->model.texts,
                 "Measure the text tower instead: texts of as many tokens as it takes")
      ->excludes(images);
  AddFastDecodeOption(*command, arguments->fast_decode)->needs(images);
  AddPrecisionOption(*command, arguments->model.precision);
  AddMaxNumPatchesOption(*command, arguments->model.max_num_patches);
  AddJsonOption(*command, arguments->json);
  command->footer("Example:\n  siglip bench --preset base-patch16-224 --batch 1,8 --threads 1,2");
  command->callback([arguments] { Bench(*arguments); });
}

}  // namespace siglip::cli
