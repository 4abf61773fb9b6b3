#include "output/embedding_output.h"

#include <sys/stat.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "output/embedding_table.h"
#include "output/output_file.h"
#include "output/output_format.h"

namespace siglip {
namespace {

/// Rows of a journal, which must outlive this object, at these offsets.
class JournalTable final : public EmbeddingTable {
 public:
  JournalTable(const Journal& journal, std::vector<uint64_t> offsets, const Shape& row_shape,
               const EmbeddingSettings& settings)
      : EmbeddingTable(offsets.size(), row_shape, settings),
        journal_(journal),
        offsets_(std::move(offsets)),
        row_(static_cast<size_t>(ElementCount(row_shape))) {}

  RowKey Key(size_t row) const override { return journal_.ReadKey(offsets_[row]); }

  std::span<const float> Row(size_t row) override {
    journal_.ReadRow(offsets_[row], row_);
    return row_;
  }

 private:
  const Journal& journal_;
  const std::vector<uint64_t> offsets_;
  std::vector<float> row_;
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

class FileOutput final : public EmbeddingOutput {
 public:
  FileOutput(const std::filesystem::path& path, Journal::Start start,
             const EmbeddingSettings& settings, const Shape& shape, const WriteOptions& options)
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

  void Add(RowType, const std::string&, std::span<const float> row) override {
    const std::lock_guard lock(mutex_);
    // What an interrupted run has put in place itself holds nothing but what is reused.
    if (!options_.replace) CheckThereIsNoOutput();
    const RowKey& key = awaited_keys_.front();
    Settle(journal_.Append(key, row));
  }

  void Skip() override {
    const std::lock_guard lock(mutex_);
    Settle(kFailed);
  }

  void Finish() override {
    std::erase(offsets_, kFailed);
    if (!offsets_.empty()) {
      JournalTable table(journal_, offsets_, shape_, settings_);
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

  /// The first input that is awaited is no longer.
  void Settle(uint64_t offset) {
    while (offsets_[awaited_] != kAwaited) ++awaited_;
    offsets_[awaited_] = offset;
    awaited_keys_.pop_front();
  }

  void CheckThereIsNoOutput() const {
    if (present_.empty()) return;
    for (const std::filesystem::path& file : OutputFiles(path_)) CheckOutputFile(file, false);
  }

  const std::filesystem::path path_;
  const EmbeddingSettings settings_;
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

std::filesystem::path JournalPath(const std::filesystem::path& output) {
  return output.string() + ".partial";
}

std::unique_ptr<EmbeddingOutput> MakeFileOutput(const std::filesystem::path& path,
                                                Journal::Start start,
                                                const EmbeddingSettings& settings,
                                                const Shape& shape, const WriteOptions& options) {
  return std::make_unique<FileOutput>(path, start, settings, shape, options);
}

}  // namespace siglip
