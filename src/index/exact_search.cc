#include "index/exact_search.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <queue>
#include <string>
#include <unordered_set>
#include <utility>

#include "index/byte_vector.h"
#include "index/rounded_query.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

/// Rows that a thread takes at once: some hundred KiB in a row.
constexpr int64_t kRowsTaken = 512;
/// Rows whose sums are computed before they are looked at, while their ends are near.
constexpr int64_t kRowsSummed = 64;
/// Candidates of a thread before those that have been overtaken are dropped.
constexpr size_t kFewCandidates = 4096;

constexpr double kNothing = -std::numeric_limits<double>::infinity();

/// A content of the scan file that may be a hit.
struct Candidate {
  double upper;  // no score of it is higher
  int64_t id;
};

/// The k-th largest of the numbers offered.
class KthLargest {
 public:
  explicit KthLargest(size_t k) : k_(k) {}

  void Offer(double value) {
    if (largest_.size() == k_) {
      if (value <= largest_.top()) return;
      largest_.pop();
    }
    largest_.push(value);
  }
  /// kNothing before there were k.
  double value() const { return largest_.size() == k_ ? largest_.top() : kNothing; }

 private:
  size_t k_;  // at least 1
  std::priority_queue<double, std::vector<double>, std::greater<>> largest_;
};

/// The first k of the hits offered, by ComesBefore.
class BestHits {
 public:
  explicit BestHits(size_t k) : k_(k) {}

  void Offer(const ScoredContent& hit) {
    if (hits_.size() < k_) {
      hits_.push_back(hit);
      std::ranges::push_heap(hits_, ComesBefore);
    } else if (ComesBefore(hit, hits_.front())) {
      std::ranges::pop_heap(hits_, ComesBefore);
      hits_.back() = hit;
      std::ranges::push_heap(hits_, ComesBefore);
    }
  }
  /// Whether k hits have higher scores than `upper`.
  bool AllExceed(double upper) const { return hits_.size() == k_ && upper < hits_.front().score; }
  const std::vector<ScoredContent>& hits() const { return hits_; }
  std::vector<ScoredContent> Sorted() && {
    std::ranges::sort_heap(hits_, ComesBefore);
    return std::move(hits_);
  }

 private:
  size_t k_;                         // at least 1
  std::vector<ScoredContent> hits_;  // a heap, the last one in front
};

ScoredContent Checked(const ScoredContent& content) {
  if (std::isfinite(content.score)) return content;
  throw Error(ErrorCode::kMalformedFile, "content " + std::to_string(content.id) +
                                             ": its vector is not finite or far too long");
}

/// One look at all vectors.
class Pass {
 public:
  Pass(const ComputeRuntime& runtime, const SearchedVectors& vectors, std::span<const float> query,
       const RoundedQuery& rounded, size_t k, const ContentFilter* filter,
       const std::unordered_set<int64_t>& missing)
      : kernels_(runtime.kernels()),
        vectors_(vectors),
        query_(query),
        rounded_(rounded),
        filter_(filter),
        missing_(missing),
        held_rows_(static_cast<int64_t>(vectors.held_ids.size())),
        scanned_rows_(vectors.scan_file == nullptr ? 0 : vectors.scan_file->rows()),
        hits_(k),
        parts_(static_cast<size_t>(runtime.threads()), Part(k)) {
    runtime.pool().Run([&](int rank) { Work(parts_[static_cast<size_t>(rank)]); });
  }

  /// The hits, after the candidates have been read; ids of the scan file that could not be are
  /// added to `missing`, and then the hits are those of another pass.
  std::vector<ScoredContent> Finish(std::unordered_set<int64_t>& missing) && {
    std::vector<Candidate> candidates;
    for (const Part& part : parts_) {
      for (const ScoredContent& hit : part.held.hits()) hits_.Offer(hit);
      std::ranges::copy_if(part.candidates, std::back_inserter(candidates),
                           [&](const Candidate& candidate) { return candidate.upper >= least_; });
    }
    std::ranges::sort(candidates, std::greater<>(), &Candidate::upper);
    std::vector<uint16_t> halves(query_.size());
    for (const Candidate& candidate : candidates) {
      if (hits_.AllExceed(candidate.upper)) break;
      if (!vectors_.read(candidate.id, halves)) {
        missing.insert(candidate.id);
        continue;
      }
      ScoredContent hit = {candidate.id, 0};
      kernels_.dot_halves(query_.data(), query_.size(), halves.data(), halves.size(), 1,
                          &hit.score);
      hits_.Offer(Checked(hit));
    }
    return std::move(hits_).Sorted();
  }

 private:
  /// What one thread has found.
  struct alignas(64) Part {
    explicit Part(size_t k) : held(k), lower(k) {}

    BestHits held;
    KthLargest lower;  // of bounds below scores
    std::vector<Candidate> candidates;
    size_t most_candidates = kFewCandidates;
  };

  bool IsWanted(int64_t id) const {
    return (filter_ == nullptr || filter_->Contains(id)) &&
           (missing_.empty() || !missing_.contains(id));
  }

  void Work(Part& part) {
    const int64_t rows = held_rows_ + scanned_rows_;
    for (int64_t begin = 0; (begin = next_.fetch_add(kRowsTaken)) < rows;) {
      const int64_t end = std::min(begin + kRowsTaken, rows);
      if (begin < held_rows_) ScoreHeld(part, begin, std::min(end, held_rows_));
      if (end > held_rows_) {
        Scan(part, std::max<int64_t>(begin - held_rows_, 0), end - held_rows_);
      }
      Raise(part.lower.value());
    }
  }

  /// A thread that has k scores of at least `bound` tells the others.
  void Raise(double bound) {
    double least = least_;
    while (bound > least && !least_.compare_exchange_weak(least, bound)) {
    }
  }

  void ScoreHeld(Part& part, int64_t begin, int64_t end) const {
    float scores[kRowsTaken];
    const size_t size = query_.size();
    kernels_.dot_halves(query_.data(), size,
                        vectors_.held_halves.data() + static_cast<size_t>(begin) * size, size,
                        static_cast<size_t>(end - begin), scores);
    for (int64_t row = begin; row < end; ++row) {
      const int64_t id = vectors_.held_ids[static_cast<size_t>(row)];
      if (!IsWanted(id)) continue;
      const ScoredContent hit = Checked({id, scores[row - begin]});
      part.held.Offer(hit);
      part.lower.Offer(hit.score);
    }
  }

  void Scan(Part& part, int64_t begin, int64_t end) const {
    const ScanFile& file = *vectors_.scan_file;
    const std::span<const int8_t> bytes = rounded_.bytes();
    double least = std::max(least_.load(), part.lower.value());
    for (; begin < end; begin += kRowsSummed) {
      int32_t sums[kRowsSummed];
      const int64_t count = std::min(kRowsSummed, end - begin);
      kernels_.dot_bytes(bytes.data(), bytes.size(), file.record(begin), file.record_bytes(),
                         static_cast<size_t>(count), sums);
      for (int64_t i = 0; i < count; ++i) {
        const int64_t row = begin + i;
        const double estimate = rounded_.Estimate(sums[i], file.scale(row));
        const double bound = rounded_.Bound(file.residual(row));
        if (!(estimate + bound >= least)) continue;
        const int64_t id = file.id(row);
        if (!IsWanted(id)) continue;
        part.candidates.push_back({estimate + bound, id});
        part.lower.Offer(estimate - bound);
        least = std::max(least, part.lower.value());
      }
    }
    if (part.candidates.size() > part.most_candidates) {
      std::erase_if(part.candidates,
                    [&](const Candidate& candidate) { return candidate.upper < least; });
      part.most_candidates = std::max(kFewCandidates, 2 * part.candidates.size());
    }
  }

  const Kernels& kernels_;
  const SearchedVectors& vectors_;
  const std::span<const float> query_;
  const RoundedQuery& rounded_;
  const ContentFilter* const filter_;
  const std::unordered_set<int64_t>& missing_;
  const int64_t held_rows_;
  const int64_t scanned_rows_;
  BestHits hits_;
  std::vector<Part> parts_;               // by rank
  std::atomic<int64_t> next_ = 0;         // row, held ones first
  std::atomic<double> least_ = kNothing;  // k contents have scores of at least this
};

void Check(const SearchedVectors& vectors, std::span<const float> query) {
  const auto dimensions = static_cast<size_t>(vectors.dimensions);
  if (query.size() != dimensions ||
      (vectors.scan_file != nullptr && vectors.scan_file->dimensions() != vectors.dimensions)) {
    throw Error(ErrorCode::kMismatch, "query: expected " + std::to_string(vectors.dimensions) +
                                          " dimensions, found " + std::to_string(query.size()));
  }
  if (vectors.held_halves.size() != vectors.held_ids.size() * dimensions) {
    throw Error(ErrorCode::kMismatch,
                "vectors in memory: expected " + std::to_string(vectors.held_ids.size()) +
                    " rows, found " + std::to_string(vectors.held_halves.size()) + " numbers");
  }
}

}  // namespace

void ContentFilter::Add(int64_t id) {
  if (id < 1 || id > kMostId) {
    throw Error(ErrorCode::kLimitExceeded, "content id: expected 1 to " + std::to_string(kMostId) +
                                               ", found " + std::to_string(id));
  }
  const auto place = static_cast<size_t>(id);
  if (place / 64 >= words_.size()) words_.resize(place / 64 + 1);
  words_[place / 64] |= uint64_t{1} << (place % 64);
}

std::vector<ScoredContent> ExactSearch(const ComputeRuntime& runtime,
                                       const SearchedVectors& vectors, std::span<const float> query,
                                       size_t k, const ContentFilter* filter) {
  Check(vectors, query);
  const RoundedQuery rounded(
      query, vectors.scan_file == nullptr ? 0.0 : vectors.scan_file->largest_norm());
  if (k == 0) return {};
  std::unordered_set<int64_t> missing;
  for (;;) {
    const size_t known = missing.size();
    Pass pass(runtime, vectors, query, rounded, k, filter, missing);
    std::vector<ScoredContent> hits = std::move(pass).Finish(missing);
    // Those that are missing have kept others from being candidates.
    if (missing.size() == known) return hits;
  }
}

}  // namespace siglip
