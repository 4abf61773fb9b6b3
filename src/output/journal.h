// The file a run keeps its embeddings in until it is complete: OUT.partial. Whatever ends the run,
// the embeddings made so far are in it, and a later run can go on from there.
//
// Layout, little-endian: "SIGLIPJ2", u32 size and u32 CRC-32 of the settings, the settings as JSON;
// then records: u32 size of the name, u32 CRC-32 of what follows, u64 type (a RowType), i64 size
// and i64 time of the picture, name, row (f32).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "output/embedding.h"

namespace siglip {

class Journal {
 public:
  enum class Start {
    kNew,      ///< Refuse to touch an existing journal.
    kResume,   ///< Go on with an existing journal if there is one.
    kReplace,  ///< Forget an existing journal.
  };

  /// Rows hold `row_size` floats. What is there and no journal, or a link, is never touched. Throws
  /// Error: kInvalidArgument for such a file and when Start::kNew meets a journal, kMismatch when a
  /// journal to resume was made with other settings or by another version, or is damaged, kIo, also
  /// when another run is writing to it.
  Journal(const std::filesystem::path& path, Start start, const EmbeddingSettings& settings,
          size_t row_size);
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  ~Journal();

  /// Writes a record; returns where it is. It survives the death of this process, and within
  /// seconds that of the machine.
  uint64_t Append(const RowKey& key, std::span<const float> row);

  /// Calls `visit` with every record that was there at the start. One that was cut off by a crash,
  /// or damaged, is dropped, and all after it.
  void Recover(const std::function<void(const RowKey& key, uint64_t offset)>& visit);

  RowKey ReadKey(uint64_t offset) const;
  void ReadRow(uint64_t offset, std::span<float> row) const;

  /// Deletes the file: the embeddings are safe elsewhere.
  void Remove();

 private:
  struct Head;

  void Open();
  void Lock() const;
  bool HasItsName() const;
  /// Whether the file begins as a journal does, or is the beginning of one.
  bool IsJournal() const;
  void WriteSettings(const EmbeddingSettings& settings);
  void CheckSettings(const EmbeddingSettings& settings);
  void Read(uint64_t offset, std::span<char> bytes) const;
  Head ReadHead(uint64_t offset) const;
  /// The key of the record at `offset`, if there is a whole and undamaged one.
  std::optional<RowKey> CheckRecord(uint64_t offset) const;
  [[noreturn]] void Fail(const char* action) const;

  const std::filesystem::path path_;
  const size_t row_bytes_;
  int file_ = -1;
  uint64_t begin_ = 0;  // of the records
  uint64_t end_ = 0;    // of the records
  std::chrono::steady_clock::time_point synced_ = std::chrono::steady_clock::now();
};

}  // namespace siglip
