#include "outputs/embedding_output.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "outputs/embedding_table.h"
#include "outputs/jsonl.h"
#include "outputs/output_file.h"
#include "outputs/output_format.h"
#include "siglip/error.h"
#include "terminal/standard_streams.h"

namespace siglip::cli {
namespace {

class StandardOutput : public EmbeddingOutput {
 public:
  explicit StandardOutput(const Shape& shape) : shape_(shape) {}

  bool Reuse(RowType, const std::string&) override { return false; }

  void Add(RowType type, const EmbedResult& result) override {
    if (result.error) return;
    WriteStandardOutput(JsonLine(type, result.name, shape_, result.embedding.floats()));
  }

  void Finish() override {}

 private:
  const Shape shape_;
};

/// A picture's file as it is now. Looked at before it is decoded: what changes later has another
/// time.
RowKey PictureKey(const std::string& path) {
  struct stat status = {};
  // Why there is none will be said by whoever opens it.
  if (::stat(path.c_str(), &status) != 0) return {RowType::kPicture, path, -1, 0};
  // Times beyond those that fit wrap around, and still differ when they differ.
  const uint64_t mtime = static_cast<uint64_t>(status.st_mtim.tv_sec) * 1'000'000'000U +
                         static_cast<uint64_t>(status.st_mtim.tv_nsec);
  return {RowType::kPicture, path, status.st_size, static_cast<int64_t>(mtime)};
}

class FileOutput : public EmbeddingOutput {
 public:
  FileOutput(const std::filesystem::path& path, Journal::Start start, const Settings& settings,
             const Shape& shape, const WriteOptions& options)
      : path_(path),
        settings_(settings),
        shape_(shape),
        options_(options),
        present_(OutputFiles(path)),
        journal_(JournalPath(path), start, settings, static_cast<size_t>(ElementCount(shape))) {
    journal_.Recover([&](const RowKey& key, uint64_t offset) {
      recovered_.emplace_back(std::hash<std::string>()(key.name), offset);
    });
    std::ranges::sort(recovered_);
  }

  bool Reuse(RowType type, const std::string& name) override {
    const RowKey key = type == RowType::kPicture ? PictureKey(name) : RowKey{type, name};
    const uint64_t offset = Find(key);
    const std::lock_guard lock(mutex_);
    offsets_.push_back(offset);
    if (offset == kAwaited) awaited_keys_.push_back(key);
    return offset != kAwaited;
  }

  void Add(RowType, const EmbedResult& result) override {
    const std::lock_guard lock(mutex_);
    while (offsets_[awaited_] != kAwaited) ++awaited_;
    // What an interrupted run has put in place itself holds nothing but what is reused.
    if (!result.error && !options_.replace) CheckThereIsNoOutput();
    offsets_[awaited_] =
        result.error ? kFailed : journal_.Append(awaited_keys_.front(), result.embedding.floats());
    awaited_keys_.pop_front();
  }

  void Finish() override {
    std::erase(offsets_, kFailed);
    if (!offsets_.empty()) {
      EmbeddingTable table(journal_, offsets_, shape_, settings_);
      WriteTable(table, path_, options_);
    }
    journal_.Remove();
  }

 private:
  // In place of an offset in the journal:
  static constexpr uint64_t kAwaited = UINT64_MAX;
  static constexpr uint64_t kFailed = UINT64_MAX - 1;

  /// Where an earlier run has put this, or kAwaited.
  uint64_t Find(const RowKey& key) const {
    const uint64_t hash = std::hash<std::string>()(key.name);
    auto found = std::ranges::lower_bound(recovered_, std::pair(hash, uint64_t{0}));
    for (; found != recovered_.end() && found->first == hash; ++found) {
      if (journal_.ReadKey(found->second) == key) return found->second;
    }
    return kAwaited;
  }

  void CheckThereIsNoOutput() const {
    if (present_.empty()) return;
    for (const std::filesystem::path& file : OutputFiles(path_)) CheckOutputFile(file, false);
  }

  const std::filesystem::path path_;
  const Settings settings_;
  const Shape shape_;
  const WriteOptions options_;
  const OutputFilesPresent present_;
  // Hashes of names, not names: a million of these are 16 MB, whatever the names.
  std::vector<std::pair<uint64_t, uint64_t>> recovered_;

  std::mutex mutex_;  // guards what follows
  Journal journal_;
  std::vector<uint64_t> offsets_;    // of every input
  size_t awaited_ = 0;               // no input before this one is awaited
  std::deque<RowKey> awaited_keys_;  // of the inputs awaited
};

}  // namespace

std::unique_ptr<EmbeddingOutput> MakeStandardOutput(const Shape& shape) {
  return std::make_unique<StandardOutput>(shape);
}

std::filesystem::path JournalPath(const std::filesystem::path& output) {
  return output.string() + ".partial";
}

std::unique_ptr<EmbeddingOutput> MakeFileOutput(const std::filesystem::path& path,
                                                Journal::Start start, const Settings& settings,
                                                const Shape& shape, const WriteOptions& options) {
  return std::make_unique<FileOutput>(path, start, settings, shape, options);
}

}  // namespace siglip::cli
