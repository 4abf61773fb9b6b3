// siglip bench: how fast a model runs on this machine, and how near that is to what the machine can
// do at all.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "commands/bench_images.h"
#include "commands/bench_model.h"
#include "commands/bench_scaling.h"
#include "commands/commands.h"
#include "commands/measure.h"
#include "commands/options.h"
#include "commands/read_bandwidth.h"
#include "commands/threads_warning.h"
#include "siglip/embedder.hpp"
#include "siglip/error.hpp"
#include "siglip/runtime.hpp"
#include "terminal/format.h"
#include "terminal/progress_bar.h"
#include "terminal/table.h"
#include "terminal/terminal.h"
#include "terminal/text.h"

namespace siglip::cli {
namespace {

using Json = nlohmann::ordered_json;

struct BenchArguments {
  BenchModelSource model;
  std::string images;
  std::vector<int64_t> batches = {1, 8};
  std::vector<int64_t> threads = {0};
  int repeats = 5;
  bool fast_decode = false;
  bool json = false;
};

struct BenchReport {
  std::string model;
  std::string instruction_set;
  std::string precision;
  std::string unit;  ///< "picture" or "text"
  double gflop_each = 0;
  double load_seconds = 0;  ///< Of the first load: the file may not have been in memory before.
  int64_t peak_memory_bytes = 0;
  std::vector<ModelRate> rates;
  std::vector<Scaling> scaling;  ///< Of several numbers of threads.
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
    ModelRate rate;
    rate.threads = threads;
    rate.batch = batches[i];
    rate.seconds = Median(seconds[i]);
    rate.peak_gflops = Median(peaks[i]);
    rate.weight_bytes_each = model.weight_bytes_each(rate.batch);
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
  for (const int64_t threads : arguments.threads) {
    progress.Show("loading " + report.model);
    const auto runtime =
        Runtime::Create({.threads = static_cast<int>(threads), .instruction_set = {}});
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
  report.peak_memory_bytes = PeakMemoryBytes();
  if (arguments.threads.size() > 1) {
    progress.Show("reading memory");
    report.scaling = ScalingOf(report.rates, MeasureReadBandwidth);
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
  json["peak_memory_bytes"] = report.peak_memory_bytes;
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
  json["scaling"] = Json::array();
  for (const Scaling& scaling : report.scaling) {
    json["scaling"].push_back({{"threads", scaling.rate.threads},
                               {"batch", scaling.rate.batch},
                               {report.unit + "s_per_second", scaling.rate.per_second},
                               {"speedup", scaling.speedup},
                               {"efficiency", scaling.efficiency},
                               {"weight_bytes_per_" + report.unit, scaling.rate.weight_bytes_each},
                               {"memory_bytes_per_second", scaling.bandwidth},
                               {"share_of_memory", scaling.share_of_bandwidth()}});
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

std::string Percent(double share) { return FormatNumber(100 * share, 1) + " %"; }

void PrintScaling(const BenchReport& report) {
  std::cout << "\nHow the rate grows, and what reading\nweights takes of the memory's bandwidth:\n";
  std::vector<TableRow> rows;
  for (const Scaling& scaling : report.scaling) {
    const ModelRate& rate = scaling.rate;
    rows.push_back({std::to_string(rate.threads), std::to_string(rate.batch),
                    FormatNumber(rate.per_second, 2), FormatNumber(scaling.speedup, 2),
                    Percent(scaling.efficiency),
                    FormatBytes(static_cast<int64_t>(rate.weight_bytes_each)),
                    FormatBytes(static_cast<int64_t>(scaling.bandwidth)) + "/s",
                    Percent(scaling.share_of_bandwidth())});
  }
  PrintTable({"threads", "batch", report.unit + "s/s", "speedup", "efficiency", "weights", "memory",
              "share"},
             rows);
}

void PrintImageRates(const std::vector<ImageRates>& all) {
  std::cout << "\n";
  std::vector<TableRow> rows;
  for (const ImageRates& rates : all) {
    rows.push_back({std::to_string(rates.threads), std::to_string(rates.pictures),
                    std::to_string(rates.failed), FormatNumber(rates.pictures_per_second, 2),
                    FormatNumber(rates.model_pictures_per_second, 2),
                    Percent(rates.share_of_model_rate)});
  }
  PrintTable({"threads", "pictures", "failed", "pictures/s", "model alone", "share"}, rows);
  std::cout << "\nWhere a thread's time goes, per picture:\n";
  rows.clear();
  for (const ImageRates& rates : all) {
    const StageSeconds& stages = rates.per_picture;
    const double sum = stages.read + stages.decode + stages.resize + stages.compute;
    TableRow times = {std::to_string(rates.threads)};
    TableRow shares = {""};
    for (const double seconds : {stages.read, stages.decode, stages.resize, stages.compute}) {
      times.push_back(FormatNumber(1e3 * seconds, 3) + " ms");
      shares.push_back(Percent(seconds / sum));
    }
    rows.push_back(times);
    rows.push_back(shares);
  }
  PrintTable({"threads", "read", "decode", "resize", "compute"}, rows);
}

void PrintText(const BenchReport& report) {
  std::cout << Printable(report.model) << " in " << report.precision << " on "
            << report.instruction_set << ": " << FormatNumber(report.gflop_each, 3) << " GFLOP a "
            << report.unit << ", loaded in " << FormatNumber(report.load_seconds, 3)
            << " s, peak memory " << FormatBytes(report.peak_memory_bytes) << "\n\n";
  std::vector<TableRow> rows;
  for (const ModelRate& rate : report.rates) {
    rows.push_back({std::to_string(rate.threads), std::to_string(rate.batch),
                    FormatNumber(rate.per_second, 2), FormatNumber(rate.gflops, 1),
                    FormatNumber(rate.peak_gflops, 1), Percent(rate.share_of_peak())});
  }
  PrintTable({"threads", "batch", report.unit + "s/s", "GFLOP/s", "machine peak", "share"}, rows);
  if (!report.scaling.empty()) PrintScaling(report);
  if (!report.image_rates.empty()) PrintImageRates(report.image_rates);
}

/// All that this process may use is no number to compare with others.
std::vector<int64_t> ParseThreads(const std::string& text) {
  const bool several = text.find(',') != std::string::npos;
  std::vector<int64_t> threads = ParseList(text, InRange(several ? 1 : 0, kMostThreads));
  for (const int64_t count : threads) WarnOfManyThreads(std::to_string(count));
  return threads;
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
  AddParsedOption(
      *command, "--batch",
      [arguments](const std::string& text) { arguments->batches = ParseList(text, InRange(1)); },
      "Batch sizes, separated by commas")
      ->type_name("N,...")
      ->default_str("1,8");
  AddParsedOption(
      *command, "--threads",
      [arguments](const std::string& text) { arguments->threads = ParseThreads(text); },
      "Number of threads; 0: all this process may use. Of several, separated by commas, also how "
      "the rate grows with them, and what reading the weights takes of the memory's bandwidth")
      ->type_name("N,...")
      ->default_str("0");
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
