// Searches an index over and over while it is being changed, and says how long each search took.
//
//   index_reader FOLDER      until its standard input ends; scripts/index_figures.py runs it
//
// The first line is "ready", each line of the others is about one search: milliseconds from begin
// to end, of these spent computing, of these spent ready to compute while others did; how many
// pictures were searched; and whether the state was another than before.
#include <poll.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <ctime>
#include <exception>
#include <fstream>
#include <vector>

#include "siglip/error.hpp"
#include "siglip/index.hpp"
#include "siglip/runtime.hpp"

namespace siglip {
namespace {

double MillisecondsOf(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return 1e3 * static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_nsec);
}

/// How long the calling thread has waited for a processor.
double MillisecondsReady() {
  std::ifstream file("/proc/thread-self/schedstat");
  double running = 0;
  double ready = 0;
  if (!(file >> running >> ready)) throw Error(ErrorCode::kIo, "/proc/thread-self/schedstat");
  return 1e-6 * ready;
}

bool InputEnded() {
  pollfd input = {.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  return ::poll(&input, 1, 0) > 0;
}

struct Timing {
  double all;
  double computing;
  double ready;
  int64_t total;
};

void Run(const char* folder) {
  // One thread, whose times then say everything.
  const Index index(folder, Runtime::Create({.threads = 1, .instruction_set = {}}));
  std::vector<float> query;
  index.ForEachFile([&](const IndexedFile& file) {
    query = file.vector;
    return false;
  });
  const std::vector<QueryPart> parts = {{.vector = query, .weight = 1, .is_text = false}};
  int64_t total = index.Search(parts).total;
  std::puts("ready");
  std::fflush(stdout);
  std::vector<Timing> timings;
  while (!InputEnded()) {
    const double ready = MillisecondsReady();
    const double computing = MillisecondsOf(CLOCK_THREAD_CPUTIME_ID);
    const double begin = MillisecondsOf(CLOCK_MONOTONIC);
    const int64_t found = index.Search(parts).total;
    timings.push_back({MillisecondsOf(CLOCK_MONOTONIC) - begin,
                       MillisecondsOf(CLOCK_THREAD_CPUTIME_ID) - computing,
                       MillisecondsReady() - ready, found});
  }
  for (const Timing& timing : timings) {
    std::printf("%.3f %.3f %.3f %lld %d\n", timing.all, timing.computing, timing.ready,
                static_cast<long long>(timing.total), timing.total == total ? 0 : 1);
    total = timing.total;
  }
}

}  // namespace
}  // namespace siglip

int main(int argc, char** argv) {
  try {
    if (argc != 2) throw siglip::Error(siglip::ErrorCode::kInvalidArgument, "FOLDER is missing");
    siglip::Run(argv[1]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "index_reader: %s\n", error.what());
    return 1;
  }
}
