// The exact search of an index beside a comparison with every vector and beside the bandwidth of
// memory, all in one run.
//
//   search_bench [--rows N] [--dimensions D] [--queries Q] [--k K] [--pairs N]
//                [--pread] [--sets]
//
// Vectors are made: clusters of uneven sizes with a decaying spectrum and a common mean; half of
// the 2 * Q queries lie near a vector as pictures do, half far from all of them as texts do. They
// are read from memory, with --pread from a file. --sets searches on all instruction sets of the
// CPU. Targets stand beside their figures; it fails where results differ or a search takes more
// than 64 MB of memory, never for being slow.
#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <memory>
#include <new>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/cpu_features.h"
#include "index/all_pairs.h"
#include "index/exact_search.h"
#include "index/rounded_query.h"
#include "index/scan_file.h"
#include "siglip/error.hpp"
#include "tensor/float16.h"

namespace {

std::atomic<size_t> memory_now = 0;
std::atomic<size_t> memory_peak = 0;

}  // namespace

// Counts what is allocated, so that a search can be asked for its peak.
[[gnu::noinline]] void* operator new(size_t size) {
  void* const memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  const size_t now = memory_now += malloc_usable_size(memory);
  size_t peak = memory_peak;
  while (now > peak && !memory_peak.compare_exchange_weak(peak, now)) {
  }
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  if (memory != nullptr) memory_now -= malloc_usable_size(memory);
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t /*size*/) noexcept {
  operator delete(memory);
}

namespace siglip {
namespace {

struct Options {
  int64_t rows = 1'000'000;
  int64_t dimensions = 768;
  size_t queries = 1000;
  size_t k = 20;
  int64_t pairs = 0;
  bool reads_file = false;
  bool all_sets = false;
};

double SecondsOf(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Wall clock, and what all threads computed, which other load on the machine changes less.
struct Time {
  double wall;
  double computed;
};

template <class Work>
Time TimeOf(Work work) {
  const double wall = SecondsOf(CLOCK_MONOTONIC);
  const double computed = SecondsOf(CLOCK_PROCESS_CPUTIME_ID);
  work();
  return {SecondsOf(CLOCK_MONOTONIC) - wall, SecondsOf(CLOCK_PROCESS_CPUTIME_ID) - computed};
}

double Quantile(std::vector<double> values, double share) {
  std::ranges::sort(values);
  return values[std::min(values.size() - 1,
                         static_cast<size_t>(share * static_cast<double>(values.size())))];
}

/// Of the times of one thing, in milliseconds.
class Times {
 public:
  void Add(const Time& time) {
    wall_.push_back(1e3 * time.wall);
    computed_.push_back(1e3 * time.computed);
  }
  double wall(double share) const { return Quantile(wall_, share); }
  double computed(double share) const { return Quantile(computed_, share); }

 private:
  std::vector<double> wall_;
  std::vector<double> computed_;
};

uint64_t Scramble(uint64_t state) {  // splitmix64
  state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9U;
  state = (state ^ (state >> 27)) * 0x94D049BB133111EBU;
  return state ^ (state >> 31);
}

/// About normal, of deviation 1, and quickly made.
void FillNoise(uint64_t seed, std::vector<float>& noise) {
  for (size_t i = 0; i < noise.size(); i += 4) {
    const uint64_t bits = Scramble(seed + 0x9E3779B97F4A7C15U * (i + 1));
    for (size_t j = 0; j < 4 && i + j < noise.size(); ++j) {
      const uint64_t two = bits >> (16 * j);
      noise[i + j] =
          (static_cast<float>(two & 0xFF) + static_cast<float>(two >> 8 & 0xFF) - 255.0F) / 104.5F;
    }
  }
}

void Normalize(std::vector<float>& vector) {
  double squares = 0;
  for (const float value : vector) squares += static_cast<double>(value) * value;
  for (float& value : vector) value = static_cast<float>(value / std::sqrt(squares));
}

/// The vectors and queries of a run.
class World {
 public:
  World(const ComputeRuntime& runtime, const Options& options)
      : size_(static_cast<size_t>(options.dimensions)),
        mean_(size_),
        spectrum_(size_),
        halves_(static_cast<size_t>(options.rows) * size_) {
    FillNoise(1, mean_);
    for (size_t i = 0; i < size_; ++i) {
      spectrum_[i] = 1.0F / std::sqrt(std::sqrt(1.0F + static_cast<float>(i * 389 % size_)));
      mean_[i] *= spectrum_[i];
    }
    runtime.pool().ForEach((options.rows + 999) / 1000, [&](int64_t block) {
      for (int64_t row = 1000 * block; row < std::min(1000 * (block + 1), options.rows); ++row) {
        MakeRow(static_cast<uint64_t>(row));
      }
    });
  }

  const std::vector<uint16_t>& halves() const { return halves_; }
  std::span<const uint16_t> row(int64_t index) const {
    return std::span(halves_).subspan(static_cast<size_t>(index) * size_, size_);
  }
  int64_t rows() const { return static_cast<int64_t>(halves_.size() / size_); }

  std::vector<float> Query(uint64_t number, bool is_text) const {
    std::vector<float> query(size_);
    FillNoise(Scramble(number ^ 0x5EED), query);
    if (is_text) {
      for (size_t i = 0; i < size_; ++i) query[i] = spectrum_[i] * query[i] - 0.05F * mean_[i];
    }
    Normalize(query);
    const auto near = static_cast<int64_t>(Scramble(number) % static_cast<uint64_t>(rows()));
    const float lean = is_text ? 0.05F : 3.0F;
    for (size_t i = 0; i < size_; ++i) query[i] += lean * Float16ToFloat(row(near)[i]);
    Normalize(query);
    return query;
  }

 private:
  void MakeRow(uint64_t row) {
    // Clusters of sizes that fall off as a power: the square of a uniform number.
    const double place = static_cast<double>(Scramble(row) >> 11) * 0x1p-53;
    const auto cluster = static_cast<uint64_t>(place * place * 5000);
    std::vector<float> vector(size_);
    std::vector<float> noise(size_);
    FillNoise(Scramble(cluster + (uint64_t{1} << 40)), vector);
    FillNoise(Scramble(row + (uint64_t{1} << 50)), noise);
    for (size_t i = 0; i < size_; ++i) {
      vector[i] = mean_[i] + spectrum_[i] * (0.8F * vector[i] + 0.7F * noise[i]);
    }
    Normalize(vector);
    std::ranges::transform(vector, halves_.begin() + static_cast<std::ptrdiff_t>(row * size_),
                           FloatToFloat16);
  }

  size_t size_;
  std::vector<float> mean_;
  std::vector<float> spectrum_;
  std::vector<uint16_t> halves_;
};

/// Bytes that a search may allocate.
constexpr size_t kMostMemory = 64'000'000;

/// Beside a figure of this many vectors or more: what it should be on a machine that does nothing
/// else. With fewer, what is measured is the caches and the start of the threads.
std::string Judged(int64_t rows, const char* target, bool met) {
  if (rows < 1'000'000) return {};
  return std::string(" (target ") + target + (met ? ": met)" : ": missed)");
}

/// The rows that a thread takes at once in what follows.
constexpr int64_t kRowsTaken = 512;

/// Calls work(first row, end) for parts of all rows, on all threads.
template <class Work>
void ForRows(const ComputeRuntime& runtime, int64_t rows, Work work) {
  std::atomic<int64_t> next = 0;
  runtime.pool().Run([&](int) {
    for (int64_t begin = 0; (begin = next.fetch_add(kRowsTaken)) < rows;) {
      work(begin, std::min(begin + kRowsTaken, rows));
    }
  });
}

#if defined(__x86_64__)
#define SIGLIP_WIDEST_LOADS [[gnu::target_clones("avx512f", "avx2", "default")]]
#else
#define SIGLIP_WIDEST_LOADS
#endif

/// Adds up all words of so many lines, of 64 bytes each, as fast as memory delivers: by the widest
/// loads there are, of four pages at once, each into a sum of its own. Fetching ahead makes that no
/// faster; without several pages at once, or with narrow loads, it is slower.
SIGLIP_WIDEST_LOADS uint64_t SumOfLines(const int8_t* lines, size_t count) {
  using Line [[gnu::vector_size(64)]] = uint64_t;
  constexpr size_t kAtOnce = 4;
  constexpr size_t kPageLines = 64;
  const auto* line = reinterpret_cast<const Line*>(lines);
  Line sums[kAtOnce] = {};
  for (; count >= kAtOnce * kPageLines; count -= kAtOnce * kPageLines) {
    for (size_t i = 0; i < kPageLines; ++i) {
#pragma GCC unroll 4
      for (size_t j = 0; j < kAtOnce; ++j) sums[j] += line[j * kPageLines + i];
    }
    line += kAtOnce * kPageLines;
  }
  for (size_t i = 0; i < count; ++i) sums[0] += line[i];
  uint64_t total = 0;
  for (const Line& sum : sums) {
    for (size_t i = 0; i < sizeof(Line) / sizeof(uint64_t); ++i) total += sum[i];
  }
  return total;
}

/// No more than reading all records.
void ReadPlainly(const ComputeRuntime& runtime, const ScanFile& file) {
  std::atomic<uint64_t> total = 0;
  ForRows(runtime, file.rows(), [&](int64_t begin, int64_t end) {
    total +=
        SumOfLines(file.record(begin), static_cast<size_t>(end - begin) * file.record_bytes() / 64);
  });
  if (total == 1) std::puts("");  // keeps the loop from being dropped
}

/// The sums of a scan, without looking at them.
void ScanOnly(const ComputeRuntime& runtime, const ScanFile& file, const RoundedQuery& query) {
  ForRows(runtime, file.rows(), [&](int64_t begin, int64_t end) {
    int32_t sums[kRowsTaken];
    runtime.kernels().dot_bytes(query.bytes().data(), query.bytes().size(), file.record(begin),
                                file.record_bytes(), static_cast<size_t>(end - begin), sums);
  });
}

/// A comparison with all vectors, contiguous in memory.
std::vector<ScoredContent> FullScan(const ComputeRuntime& runtime, const World& world,
                                    const std::vector<float>& query, size_t k) {
  std::vector<std::vector<ScoredContent>> best(static_cast<size_t>(runtime.threads()));
  std::atomic<int64_t> next = 0;
  runtime.pool().Run([&](int rank) {
    std::vector<ScoredContent>& heap = best[static_cast<size_t>(rank)];
    for (int64_t begin = 0; (begin = next.fetch_add(kRowsTaken)) < world.rows();) {
      const int64_t end = std::min(begin + kRowsTaken, world.rows());
      float scores[kRowsTaken];
      runtime.kernels().dot_halves(query.data(), query.size(), world.row(begin).data(),
                                   query.size(), static_cast<size_t>(end - begin), scores);
      for (int64_t row = begin; row < end; ++row) {
        const ScoredContent hit = {row + 1, scores[row - begin]};
        if (heap.size() < k) {
          heap.push_back(hit);
          std::ranges::push_heap(heap, ComesBefore);
        } else if (ComesBefore(hit, heap.front())) {
          std::ranges::pop_heap(heap, ComesBefore);
          heap.back() = hit;
          std::ranges::push_heap(heap, ComesBefore);
        }
      }
    }
  });
  std::vector<ScoredContent> hits;
  for (const auto& part : best) hits.insert(hits.end(), part.begin(), part.end());
  std::ranges::sort(hits, ComesBefore);
  hits.resize(std::min(hits.size(), k));
  return hits;
}

/// The vectors as a database gives them: by id, from memory or from a file.
class Store {
 public:
  Store(const World& world, const std::filesystem::path& path, bool reads_file) : world_(world) {
    if (!reads_file) return;
    file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
    const std::span bytes = std::as_bytes(std::span(world.halves()));
    for (size_t done = 0; done < bytes.size();) {
      const ssize_t count = ::write(file_, bytes.data() + done, bytes.size() - done);
      if (count <= 0) throw Error(ErrorCode::kIo, path.string() + ": cannot write");
      done += static_cast<size_t>(count);
    }
  }
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  ~Store() {
    if (file_ >= 0) ::close(file_);
  }

  bool Read(int64_t id, std::span<uint16_t> halves) {
    ++reads_;
    if (file_ < 0) {
      std::ranges::copy(world_.row(id - 1), halves.begin());
      return true;
    }
    const auto size = static_cast<int64_t>(halves.size_bytes());
    return ::pread(file_, halves.data(), halves.size_bytes(), (id - 1) * size) == size;
  }

  size_t reads_ = 0;

 private:
  const World& world_;
  int file_ = -1;
};

struct Answer {
  std::vector<float> query;
  std::vector<ScoredContent> truth;
};

/// What one instruction set shows.
class Measurement {
 public:
  Measurement(const World& world, const ScanFile& file, Store& store, const Options& options,
              InstructionSet isa)
      : world_(world),
        file_(file),
        store_(store),
        options_(options),
        runtime_(Runtime::Create({.threads = 0, .instruction_set = std::string(ToString(isa))})),
        compute_(ComputeRuntime::From(*runtime_)) {
    std::printf("%s, %d threads\n", std::string(ToString(isa)).c_str(), compute_.threads());
  }

  /// In turns, as the machine's speed changes.
  void Bandwidth(const std::vector<float>& query) const {
    const RoundedQuery rounded(query, file_.largest_norm());
    Times plain;
    Times scan;
    for (int repeat = 0; repeat < 41; ++repeat) {
      plain.Add(TimeOf([&] { ReadPlainly(compute_, file_); }));
      scan.Add(TimeOf([&] { ScanOnly(compute_, file_, rounded); }));
    }
    const double bytes =
        static_cast<double>(file_.rows()) * static_cast<double>(file_.record_bytes());
    const auto print = [&](const char* name, const Times& times) {
      std::printf("  %s: median %.2f ms, %.1f GB/s, computed %.2f ms\n", name, times.wall(0.5),
                  bytes * 1e-6 / times.wall(0.5), times.computed(0.5));
    };
    print("plain read", plain);
    print("scan", scan);
    const double share = plain.wall(0.5) / scan.wall(0.5);
    std::printf("  bandwidth of the scan over that of reading: %.2f%s, by time computed %.2f\n",
                share, Judged(world_.rows(), "0.85 or more", share >= 0.85).c_str(),
                plain.computed(0.5) / scan.computed(0.5));
  }

  /// `answers` get their truth where they have none; `compare` measures the full scan, too. Returns
  /// the most bytes that a search allocated.
  size_t Queries(const char* kind, std::vector<Answer>& answers, bool compare) const {
    Times search;
    Times full;
    std::vector<double> checked;
    size_t differing = 0;
    size_t memory = 0;
    const SearchedVectors vectors = {
        .dimensions = options_.dimensions,
        .scan_file = &file_,
        .held_ids = {},
        .held_halves = {},
        .read = [&](int64_t id, std::span<uint16_t> halves) { return store_.Read(id, halves); }};
    for (Answer& answer : answers) {
      store_.reads_ = 0;
      const size_t before = memory_now;
      memory_peak = before;
      std::vector<ScoredContent> hits;
      search.Add(TimeOf([&] { hits = ExactSearch(compute_, vectors, answer.query, options_.k); }));
      memory = std::max(memory, memory_peak - before);
      checked.push_back(static_cast<double>(store_.reads_));
      if (compare) {
        std::vector<ScoredContent> truth;
        full.Add(TimeOf([&] { truth = FullScan(compute_, world_, answer.query, options_.k); }));
        if (answer.truth.empty()) answer.truth = std::move(truth);
      }
      differing += hits == answer.truth ? 0 : 1;
    }
    const double tail = search.wall(0.99) / search.wall(0.5);
    std::printf("  %s: search median %.2f ms, p99 %.2f ms, %.2f x%s, computed %.2f and %.2f ms\n",
                kind, search.wall(0.5), search.wall(0.99), tail,
                Judged(world_.rows(), "2 or less", tail <= 2).c_str(), search.computed(0.5),
                search.computed(0.99));
    if (compare) {
      const double share = search.wall(0.5) / full.wall(0.5);
      std::printf(
          "    full scan median %.2f ms, p99 %.2f x, computed %.2f: search takes %.2f%s, computed "
          "%.2f\n",
          full.wall(0.5), full.wall(0.99) / full.wall(0.5), full.computed(0.5), share,
          Judged(world_.rows(), "0.70 or less", share <= 0.70).c_str(),
          search.computed(0.5) / full.computed(0.5));
    }
    std::printf("    checked median %.0f, p99 %.0f; memory %.1f MB; %zu of %zu differ\n",
                Quantile(checked, 0.5), Quantile(checked, 0.99), static_cast<double>(memory) * 1e-6,
                differing, answers.size());
    if (differing != 0) throw Error(ErrorCode::kInternal, "results differ");
    if (memory > kMostMemory) {
      throw Error(ErrorCode::kInternal, "a search took " + std::to_string(memory) +
                                            " bytes of memory, expected at most " +
                                            std::to_string(kMostMemory));
    }
    return memory;
  }

  /// All pairs of the first rows, as duplicates are looked for.
  void Pairs() const {
    const int64_t rows = std::min<int64_t>(options_.pairs, world_.rows());
    const ComparedVectors vectors = {.rows = rows,
                                     .dimensions = options_.dimensions,
                                     .read = [&](int64_t row, std::span<uint16_t> halves) {
                                       std::ranges::copy(world_.row(row), halves.begin());
                                     }};
    const size_t before = memory_now;
    memory_peak = before;
    size_t groups = 0;
    const Time time = TimeOf([&] {
      groups = GroupByRepresentative(compute_, vectors, 0.96F, [](int64_t, int64_t) {
                 return true;
               }).size();
    });
    const double work = static_cast<double>(rows) * static_cast<double>(rows) *
                        static_cast<double>(options_.dimensions);  // two operations, half the pairs
    double flop = 0;
    const Time peak = TimeOf(
        [&] { flop = compute_.kernels().peak[static_cast<int>(OperandType::kInt8)](1 << 24); });
    std::printf(
        "  all pairs of %lld: %.2f s, computed %.2f s, %.0f GOP per second computed, %.2f of "
        "the instruction's; memory %.1f MB; %zu groups\n",
        static_cast<long long>(rows), time.wall, time.computed, work * 1e-9 / time.computed,
        work / time.computed / (flop / peak.computed),
        static_cast<double>(memory_peak - before) * 1e-6, groups);
  }

 private:
  const World& world_;
  const ScanFile& file_;
  Store& store_;
  const Options& options_;
  const std::shared_ptr<const Runtime> runtime_;
  const ComputeRuntime& compute_;
};

Options Parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const auto value = [&] {
      if (++i == argc) throw Error(ErrorCode::kInvalidArgument, name + ": a number is missing");
      return std::stoll(argv[i]);
    };
    if (name == "--rows") {
      options.rows = value();
    } else if (name == "--dimensions") {
      options.dimensions = value();
    } else if (name == "--queries") {
      options.queries = static_cast<size_t>(value());
    } else if (name == "--k") {
      options.k = static_cast<size_t>(value());
    } else if (name == "--pairs") {
      options.pairs = value();
    } else if (name == "--pread") {
      options.reads_file = true;
    } else if (name == "--sets") {
      options.all_sets = true;
    } else {
      throw Error(ErrorCode::kInvalidArgument, "unknown option " + name);
    }
  }
  return options;
}

void Run(const Options& options, const std::filesystem::path& folder) {
  const auto runtime = Runtime::Create();
  const World world(ComputeRuntime::From(*runtime), options);
  const ScanSpace space = {.uuid = {}, .dimensions = options.dimensions};
  const std::filesystem::path path = folder / "scan.i8";
  const Time written = TimeOf([&] {
    ScanFileWriter(path, space)
        .WriteAnew([&, next = int64_t{0}]() mutable -> std::optional<ScanRow> {
          if (next == world.rows()) return std::nullopt;
          const int64_t row = next++;
          return ScanRow{row + 1, world.row(row)};
        });
  });
  std::optional<ScanFile> file;
  const Time opened = TimeOf([&] { file.emplace(ScanFile::Open(path, space)); });
  std::printf("%lld x %lld: scan file written in %.1f s, opened in %.3f s\n",
              static_cast<long long>(options.rows), static_cast<long long>(options.dimensions),
              written.wall, opened.wall);
  Store store(world, folder / "halves", options.reads_file);

  std::vector<Answer> pictures(options.queries);
  std::vector<Answer> texts(options.queries);
  for (size_t i = 0; i < options.queries; ++i) {
    pictures[i].query = world.Query(i, false);
    texts[i].query = world.Query(i, true);
  }
  const InstructionSet best = ParseInstructionSet(runtime->instruction_set());
  size_t memory = 0;
  const auto measure = [&](InstructionSet isa) {
    const Measurement measurement(world, *file, store, options, isa);
    measurement.Bandwidth(pictures.front().query);
    memory = std::max(memory, measurement.Queries("pictures", pictures, isa == best));
    memory = std::max(memory, measurement.Queries("texts", texts, isa == best));
    if (options.pairs > 0 && isa == best) measurement.Pairs();
  };
  measure(best);
  const auto scores = [](const std::vector<Answer>& answers) {
    std::vector<double> first;
    for (const Answer& answer : answers) first.push_back(answer.truth.front().score);
    return Quantile(first, 0.5);
  };
  std::printf("  best score, median: pictures %.2f, texts %.2f\n", scores(pictures), scores(texts));
  size_t sets = 1;
  for (const InstructionSet isa : SupportedInstructionSets()) {
    if (!options.all_sets || isa == best) continue;
    measure(isa);
    ++sets;
  }
  std::printf("%zu searches, instruction sets: %zu, differing results: 0, most memory: %.1f MB\n",
              sets * (pictures.size() + texts.size()), sets, static_cast<double>(memory) * 1e-6);
}

}  // namespace
}  // namespace siglip

int main(int argc, char** argv) {
  std::string folder = (std::filesystem::temp_directory_path() / "search-bench-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return 1;
  int status = 0;
  try {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    siglip::Run(siglip::Parse(argc, argv), folder);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "search_bench: %s\n", error.what());
    status = 1;
  }
  std::filesystem::remove_all(folder);
  return status;
}
