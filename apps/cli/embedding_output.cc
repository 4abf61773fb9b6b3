#include "embedding_output.h"

#include <algorithm>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "embedding_table.h"
#include "jsonl.h"
#include "output_format.h"
#include "siglip/error.h"
#include "standard_streams.h"

namespace siglip::cli {
namespace {

class StandardOutput : public EmbeddingOutput {
 public:
  explicit StandardOutput(const Shape& shape) : shape_(shape) {}

  bool Reuse(const std::string&) override { return false; }

  void Add(const EmbedResult& result) override {
    if (result.error) return;
    WriteStandardOutput(JsonLine(result.path, shape_, result.embedding.floats()));
  }

  void Finish() override {}

 private:
  const Shape shape_;
};

class FileOutput : public EmbeddingOutput {
 public:
  FileOutput(const std::filesystem::path& path, Journal::Start start, const Settings& settings,
             const Shape& shape)
      : path_(path),
        settings_(settings),
        shape_(shape),
        journal_(path.string() + ".partial", start, settings,
                 static_cast<size_t>(ElementCount(shape))) {
    journal_.Recover([&](const std::string& name, uint64_t offset) {
      recovered_.emplace_back(std::hash<std::string>()(name), offset);
    });
    std::ranges::sort(recovered_);
  }

  bool Reuse(const std::string& path) override {
    const uint64_t offset = Find(path);
    const std::lock_guard lock(mutex_);
    offsets_.push_back(offset);
    return offset != kAwaited;
  }

  void Add(const EmbedResult& result) override {
    const std::lock_guard lock(mutex_);
    while (offsets_[awaited_] != kAwaited) ++awaited_;
    offsets_[awaited_] =
        result.error ? kFailed : journal_.Append(result.path, result.embedding.floats());
  }

  void Finish() override {
    std::erase(offsets_, kFailed);
    if (!offsets_.empty()) {
      EmbeddingTable table(journal_, std::move(offsets_), shape_, settings_);
      WriteTable(table, path_);
    }
    journal_.Remove();
  }

 private:
  // In place of an offset in the journal:
  static constexpr uint64_t kAwaited = UINT64_MAX;
  static constexpr uint64_t kFailed = UINT64_MAX - 1;

  /// Where an earlier run has put this picture, or kAwaited.
  uint64_t Find(const std::string& path) const {
    const uint64_t hash = std::hash<std::string>()(path);
    auto found = std::ranges::lower_bound(recovered_, std::pair(hash, uint64_t{0}));
    for (; found != recovered_.end() && found->first == hash; ++found) {
      if (journal_.ReadName(found->second) == path) return found->second;
    }
    return kAwaited;
  }

  const std::filesystem::path path_;
  const Settings settings_;
  const Shape shape_;
  // Hashes of names, not names: a million of these are 16 MB, whatever the names.
  std::vector<std::pair<uint64_t, uint64_t>> recovered_;

  std::mutex mutex_;  // guards what follows
  Journal journal_;
  std::vector<uint64_t> offsets_;  // of every input
  size_t awaited_ = 0;             // no input before this one is awaited
};

}  // namespace

std::unique_ptr<EmbeddingOutput> MakeStandardOutput(const Shape& shape) {
  return std::make_unique<StandardOutput>(shape);
}

std::unique_ptr<EmbeddingOutput> MakeFileOutput(const std::filesystem::path& path,
                                                Journal::Start start, const Settings& settings,
                                                const Shape& shape) {
  return std::make_unique<FileOutput>(path, start, settings, shape);
}

}  // namespace siglip::cli
