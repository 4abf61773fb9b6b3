#include "siglip/embedding_search.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <queue>
#include <system_error>
#include <utility>

#include "index/content_hash.h"
#include "index/search_filter.h"
#include "index/search_state.h"
#include "index/search_vectors.h"
#include "index/unit_vector.h"
#include "kernels/compute_runtime.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

/// Contents have ids from 1 on, rows are counted from 0.
constexpr int64_t kFirstId = 1;

class RowSource final : public HitSource {
 public:
  RowSource(const std::vector<int64_t>& ids, const std::vector<std::string>& paths)
      : ids_(ids), paths_(paths) {}

  // All vectors are held.
  bool ReadHalves(int64_t, std::span<uint16_t>) override { return false; }
  // Whether two pictures are the same is told by more than their vectors.
  bool Fold(const ScoredContent&, std::vector<Hit>&) override { return false; }
  Hit Read(const ScoredContent& content) override {
    Hit hit;
    hit.id = content.id - kFirstId;
    hit.score = content.score;
    const auto place = std::ranges::lower_bound(ids_, content.id) - ids_.begin();
    hit.path = paths_[static_cast<size_t>(place)];
    return hit;
  }

 private:
  const std::vector<int64_t>& ids_;  // ascending
  const std::vector<std::string>& paths_;
};

/// What paths of files are without links in the folders they lie in.
class CanonicalPaths {
 public:
  std::string operator()(const std::filesystem::path& path) {
    const std::filesystem::path absolute = std::filesystem::absolute(path).lexically_normal();
    const auto [folder, is_new] = folders_.try_emplace(absolute.parent_path());
    if (is_new) {
      std::error_code error;
      folder->second = std::filesystem::weakly_canonical(folder->first, error);
      if (error) folder->second = folder->first;
    }
    return (folder->second / absolute.filename()).string();
  }

 private:
  std::map<std::filesystem::path, std::filesystem::path> folders_;
};

std::optional<Passing> PassingUnder(const std::filesystem::path& folder,
                                    const std::vector<int64_t>& ids,
                                    const std::vector<std::string>& paths) {
  if (folder.empty()) return std::nullopt;
  const std::string prefix = PrefixOf(folder);
  CanonicalPaths canonical;
  Passing passing;
  for (size_t i = 0; i < paths.size(); ++i) {
    if (!canonical(paths[i]).starts_with(prefix)) continue;
    passing.contents.Add(ids[i]);
    ++passing.count;
  }
  return passing;
}

void CheckFilter(const SearchFilter& filter) {
  if (!filter.after && !filter.before && filter.format.empty() && filter.min_width <= 0) return;
  throw Error(ErrorCode::kInvalidArgument,
              "filter: embeddings without an index tell no time, format or width",
              "index the pictures: siglip index FOLDER");
}

}  // namespace

struct EmbeddingSearch::Parts {
  static constexpr size_t kMostSampled = 4096;

  /// Whether the newest row is one of the sample, whose place it then takes.
  void Sample(const std::string& path, std::span<const uint16_t> halves) {
    const ContentHash hash = HashContent(std::as_bytes(std::span(path)));
    size_t place = sampled.size();
    if (place == kMostSampled) {
      if (!(hash < sampled.top().first)) return;
      place = sampled.top().second;
      sampled.pop();
    } else {
      state.sample.resize(state.sample.size() + halves.size());
    }
    sampled.emplace(hash, place);
    std::ranges::copy(halves, state.sample.begin() + static_cast<int64_t>(place * halves.size()));
  }

  std::shared_ptr<const Runtime> runtime;
  SearchState state;
  std::vector<std::string> paths;  // of state.held_ids
  /// The hashes of the sample's paths, the largest on top, with their places in it.
  std::priority_queue<std::pair<ContentHash, size_t>> sampled;
};

EmbeddingSearch::EmbeddingSearch(int64_t dimension, const std::optional<SiglipLogits>& logits,
                                 std::shared_ptr<const Runtime> runtime)
    : parts_(std::make_unique<Parts>()) {
  if (dimension < 1) {
    throw Error(ErrorCode::kInvalidArgument,
                "dimension: expected at least 1, found " + std::to_string(dimension));
  }
  parts_->runtime = runtime ? std::move(runtime) : Runtime::Create();
  IndexSpace& space = parts_->state.space;
  space.fingerprint.dimension = dimension;
  if (logits) {
    space.logit_scale = logits->logit_scale();
    space.logit_bias = logits->logit_bias();
  }
}
EmbeddingSearch::EmbeddingSearch(EmbeddingSearch&&) noexcept = default;
EmbeddingSearch::~EmbeddingSearch() = default;

void EmbeddingSearch::Add(int64_t row, const std::string& path, std::span<const float> vector) {
  SearchState& state = parts_->state;
  const std::string where = "row " + std::to_string(row) + " (" + path + ")";
  const int64_t next = state.held_ids.empty() ? 0 : state.held_ids.back() - kFirstId + 1;
  if (row < next) {
    throw Error(ErrorCode::kInvalidArgument,
                where + ": expected row " + std::to_string(next) + " or a later one");
  }
  if (static_cast<int64_t>(vector.size()) != state.dimensions()) {
    throw Error(ErrorCode::kMismatch, where + ": expected " + std::to_string(state.dimensions()) +
                                          " numbers, found " + std::to_string(vector.size()));
  }
  const std::vector<uint16_t> halves = UnitHalves(vector, where);
  if (row >= ContentFilter::kMostId) {
    throw Error(ErrorCode::kLimitExceeded,
                where + ": expected less than " + std::to_string(ContentFilter::kMostId));
  }
  const int64_t id = row + kFirstId;
  state.present.Add(id);
  ++state.present_count;
  state.held_ids.push_back(id);
  state.held_halves.insert(state.held_halves.end(), halves.begin(), halves.end());
  parts_->paths.push_back(path);
  parts_->Sample(path, halves);
}

SearchResult EmbeddingSearch::Search(const std::vector<QueryPart>& parts,
                                     const SearchOptions& options) const {
  CheckFilter(options.filter);
  const std::optional<Passing> passing =
      PassingUnder(options.filter.under, parts_->state.held_ids, parts_->paths);
  RowSource source(parts_->state.held_ids, parts_->paths);
  return SearchVectors(ComputeRuntime::From(*parts_->runtime), parts_->state, passing, source,
                       parts, options);
}

}  // namespace siglip
