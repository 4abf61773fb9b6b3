// What a service makes of many clients, beside the library's own calls on the same pictures:
//
//   service_bench MODEL FOLDER [PRECISION [CLIENTS [SECONDS]]]
//
// Clients ask for one picture at a time and for the next one when they have it. All in one run, so
// that ratios mean something on a machine that is not idle.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "siglip/embed_service.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using siglip::EmbedService;
using siglip::ServiceClass;
using siglip::ServiceItem;
using siglip::ServiceResult;

double Since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The bytes of all pictures of the folder, as they come in requests.
std::vector<siglip::Picture> ReadPictures(const std::filesystem::path& folder) {
  std::vector<siglip::Picture> pictures;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (!entry.is_regular_file() || !siglip::LooksLikeImage(entry.path())) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    pictures.push_back(siglip::Picture::Bytes({std::istreambuf_iterator<char>(file), {}}));
  }
  if (pictures.empty()) {
    std::fprintf(stderr, "%s: no pictures\n", folder.c_str());
    std::exit(1);
  }
  return pictures;
}

ServiceResult Ask(EmbedService& service, ServiceItem item, ServiceClass service_class) {
  std::promise<ServiceResult> answer;
  const auto done = [&](ServiceResult result) { answer.set_value(std::move(result)); };
  if (!std::holds_alternative<siglip::ServiceTicket>(service.Submit(
          {.items = {std::move(item)}, .service_class = service_class, .done = done}))) {
    std::fprintf(stderr, "refused\n");
    std::exit(1);
  }
  ServiceResult result = answer.get_future().get();
  if (!result.error) return result;
  std::fprintf(stderr, "%s\n", result.error->what());
  std::exit(1);
}

/// Pictures per second.
double RunLibrary(const siglip::Embedder& embedder, const std::vector<siglip::Picture>& pictures,
                  double seconds) {
  const auto start = Clock::now();
  size_t next = 0;
  const uint64_t count = embedder.Run(
      [&]() -> std::optional<siglip::Picture> {
        if (Since(start) >= seconds) return std::nullopt;
        return pictures[next++ % pictures.size()];
      },
      [](const siglip::EmbedResult&) {}, {.normalize = true});
  return static_cast<double>(count) / Since(start);
}

struct Load {
  double rate = 0;                // pictures per second
  std::vector<double> latencies;  // of these, sorted
  std::vector<double> texts;      // latencies of texts beside them, sorted
};

Load RunClients(EmbedService& service, const std::vector<siglip::Picture>& pictures, int clients,
                double seconds, bool with_texts) {
  std::atomic<size_t> next = 0;
  const auto start = Clock::now();
  const auto client = [&] {
    std::vector<double> latencies;
    while (Since(start) < seconds) {
      const auto asked = Clock::now();
      Ask(service, {pictures[next++ % pictures.size()]}, ServiceClass::kBulk);
      latencies.push_back(Since(asked));
    }
    return latencies;
  };
  std::vector<std::future<std::vector<double>>> running;
  for (int i = 0; i < clients; ++i) running.push_back(std::async(std::launch::async, client));
  Load load;
  while (with_texts && Since(start) < seconds) {
    const auto asked = Clock::now();
    Ask(service, {"a red bicycle"}, ServiceClass::kSearch);
    load.texts.push_back(Since(asked));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  for (auto& each : running) {
    const std::vector<double> latencies = each.get();
    load.latencies.insert(load.latencies.end(), latencies.begin(), latencies.end());
  }
  load.rate = static_cast<double>(load.latencies.size()) / Since(start);
  std::ranges::sort(load.latencies);
  std::ranges::sort(load.texts);
  return load;
}

double Quantile(const std::vector<double>& sorted, double part) {
  return sorted[std::min(sorted.size() - 1,
                         static_cast<size_t>(part * static_cast<double>(sorted.size())))];
}

/// The median of so many calls, in milliseconds.
template <typename Call>
double Median(int count, const Call& call) {
  std::vector<double> times;
  for (int i = 0; i < count; ++i) {
    const auto start = Clock::now();
    call(static_cast<size_t>(i));
    times.push_back(1000 * Since(start));
  }
  std::ranges::sort(times);
  return Quantile(times, 0.5);
}

void Measure(const std::string& model, const std::filesystem::path& folder,
             const std::string& precision, int clients, double seconds) {
  const std::vector<siglip::Picture> pictures = ReadPictures(folder);
  siglip::EmbedderOptions options;
  options.precision = siglip::ParsePrecisionChoice(precision);
  EmbedService service(siglip::Embedder::Open(model, options), {.max_wait = std::chrono::hours(1)});
  const siglip::Embedder& embedder = service.embedder();
  const bool has_texts = embedder.compares_texts();
  const auto picture = [&](size_t i) { return pictures[i % pictures.size()]; };
  RunLibrary(embedder, pictures, 1);  // caches and clocks

  // In turns, so that both meet the same neighbours.
  double library = 0;
  Load load;
  for (int round = 0; round < 3; ++round) {
    library += RunLibrary(embedder, pictures, seconds / 3) / 3;
    Load more = RunClients(service, pictures, clients, seconds / 3, false);
    load.rate += more.rate / 3;
    std::ranges::copy(more.latencies, std::back_inserter(load.latencies));
  }
  std::ranges::sort(load.latencies);
  std::printf("Embedder::Run                 %8.1f pictures/s\n", library);
  std::printf("%4d clients                  %8.1f pictures/s  ratio %.3f\n", clients, load.rate,
              load.rate / library);
  std::printf("  p50, p99                    %8.1f %.1f ms, clients/rate %.1f ms\n",
              1000 * Quantile(load.latencies, 0.5), 1000 * Quantile(load.latencies, 0.99),
              1000 * clients / load.rate);

  constexpr int kCalls = 60;
  double alone = 0;
  double call = 0;
  for (int round = 0; round < 3; ++round) {
    call += Median(kCalls / 3, [&](size_t i) { embedder.Embed({picture(i)}); }) / 3;
    alone +=
        Median(kCalls / 3, [&](size_t i) { Ask(service, {picture(i)}, ServiceClass::kBulk); }) / 3;
  }
  std::printf("one picture, Embed            %8.2f ms\n", call);
  std::printf("one picture, service          %8.2f ms        ratio %.3f\n", alone, alone / call);
  if (!has_texts) return;

  const double text_call = Median(kCalls, [&](size_t) { embedder.EmbedTexts({"a red bicycle"}); });
  const double text_alone =
      Median(kCalls, [&](size_t) { Ask(service, {"a red bicycle"}, ServiceClass::kSearch); });
  const Load loaded = RunClients(service, pictures, clients, seconds, true);
  std::printf("one text, EmbedTexts          %8.2f ms\n", text_call);
  std::printf("one text, service             %8.2f ms\n", text_alone);
  std::printf("one text under that load      %8.2f %.2f ms (p50, p99)\n",
              1000 * Quantile(loaded.texts, 0.5), 1000 * Quantile(loaded.texts, 0.99));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s MODEL FOLDER [PRECISION [CLIENTS [SECONDS]]]\n", argv[0]);
    return 2;
  }
  try {
    Measure(argv[1], argv[2], argc > 3 ? argv[3] : "auto", argc > 4 ? std::atoi(argv[4]) : 32,
            argc > 5 ? std::atof(argv[5]) : 15);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
