#include "output/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "base/json.h"
#include "base/write_fully.h"
#include "output/crc32.h"
#include "output/output_file.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

constexpr std::string_view kMagic = "SIGLIPJ2";
constexpr std::string_view kAnyMagic = "SIGLIPJ";  // of this and other versions
constexpr uint32_t kMaxSettingsBytes = 1 << 16;
constexpr uint32_t kMaxNameBytes = 1 << 20;
constexpr std::chrono::seconds kBetweenSyncs(5);
constexpr int kAttempts = 100;

using Pair = std::array<uint32_t, 2>;  // a size and a CRC-32
constexpr uint64_t kPairBytes = sizeof(Pair);

void AppendPair(std::string& bytes, Pair pair) {
  bytes.append(reinterpret_cast<const char*>(pair.data()), kPairBytes);
}

uint64_t FileSize(int file) {
  struct stat status = {};
  return ::fstat(file, &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
}

EmbeddingSettings ParseSettings(const std::string& json, const std::string& name) {
  const Json fields = ParseStrictJson(json, name);
  EmbeddingSettings settings;
  for (const auto& [key, value] : JsonObject(fields, "settings", name).items()) {
    settings[key] = JsonString(value, key, name);
  }
  return settings;
}

}  // namespace

/// What precedes a name.
struct Journal::Head {
  uint32_t name_bytes = 0;
  uint32_t crc = 0;
  // What the CRC is of begins here.
  uint64_t type = 0;
  int64_t size = 0;
  int64_t mtime = 0;
};

Journal::Journal(const std::filesystem::path& path, Start start, const EmbeddingSettings& settings,
                 size_t row_size)
    : path_(path), row_bytes_(row_size * sizeof(float)) {
  Open();
  try {
    const bool is_new = FileSize(file_) == 0;
    if (!is_new && !IsJournal()) {
      throw Error(ErrorCode::kInvalidArgument, path_.string() + ": not the journal of a run",
                  "it is left as it is; move it away or write to another file");
    }
    if (start == Start::kNew && !is_new) {
      throw Error(ErrorCode::kInvalidArgument,
                  path_.string() + ": an interrupted run has left its embeddings here",
                  "--resume goes on with them, --force starts over");
    }
    if (start == Start::kResume && !is_new) {
      CheckSettings(settings);
    } else {
      WriteSettings(settings);
    }
  } catch (...) {
    ::close(file_);
    throw;
  }
}

Journal::~Journal() { ::close(file_); }

void Journal::Open() {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
    struct stat status = {};
    const bool is_link = file_ < 0 && errno == ELOOP;
    if (!is_link && (file_ < 0 || ::fstat(file_, &status) != 0)) Fail("open");
    try {
      if (is_link || !S_ISREG(status.st_mode) || status.st_nlink > 1) {
        throw Error(ErrorCode::kInvalidArgument,
                    path_.string() + ": a link or no regular file, not the journal of a run",
                    "it is left as it is; move it away or write to another file");
      }
      Lock();
    } catch (...) {
      if (file_ >= 0) ::close(file_);
      throw;
    }
    if (HasItsName()) return;
    ::close(file_);  // the run that it was of has just removed it
  }
  errno = EAGAIN;
  Fail("open");
}

void Journal::Lock() const {
  if (::flock(file_, LOCK_EX | LOCK_NB) == 0) return;
  if (errno != EWOULDBLOCK) Fail("lock");
  throw Error(ErrorCode::kIo, path_.string() + ": another run is writing this output");
}

bool Journal::HasItsName() const {
  struct stat named = {};
  struct stat opened = {};
  return ::lstat(path_.c_str(), &named) == 0 && ::fstat(file_, &opened) == 0 &&
         Identify(named) == Identify(opened);
}

bool Journal::IsJournal() const {
  std::string magic(std::min<uint64_t>(FileSize(file_), kAnyMagic.size()), '\0');
  Read(0, magic);
  return kAnyMagic.starts_with(magic);
}

void Journal::WriteSettings(const EmbeddingSettings& settings) {
  const std::string json = Json(settings).dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string header(kMagic);
  AppendPair(header, {static_cast<uint32_t>(json.size()), Crc32(json)});
  header += json;
  if (::ftruncate(file_, 0) != 0 || !WriteFully(file_, std::as_bytes(std::span(header)), 0)) {
    const int reason = errno;
    ::unlink(path_.c_str());  // part of a header would only be in the way
    errno = reason;
    Fail("write");
  }
  begin_ = end_ = header.size();
}

void Journal::CheckSettings(const EmbeddingSettings& settings) {
  const Error damaged(ErrorCode::kMismatch, path_.string() + ": not the journal of a run",
                      "--force without --resume starts over");
  const uint64_t size = FileSize(file_);
  if (size < kMagic.size() + kPairBytes) throw damaged;
  std::string magic(kMagic.size(), '\0');
  Read(0, magic);
  if (magic != kMagic) {
    throw Error(ErrorCode::kMismatch,
                path_.string() +
                    ": the journal of another version of siglip, of which it cannot "
                    "be told whether pictures have changed since",
                "--force without --resume starts over");
  }
  Pair pair;
  Read(kMagic.size(), {reinterpret_cast<char*>(pair.data()), kPairBytes});
  begin_ = end_ = kMagic.size() + kPairBytes + pair[0];
  if (pair[0] > kMaxSettingsBytes || begin_ > size) throw damaged;
  std::string json(pair[0], '\0');
  Read(kMagic.size() + kPairBytes, json);
  if (Crc32(json) != pair[1]) throw damaged;

  EmbeddingSettings found;
  try {
    found = ParseSettings(json, path_.string());
  } catch (const Error&) {
    throw damaged;
  }
  for (const auto& [name, value] : settings) {
    const auto other = found.find(name);
    const std::string made_with = other == found.end() ? "nothing" : other->second;
    if (made_with == value) continue;
    throw Error(ErrorCode::kMismatch,
                path_.string() + ": made with another setting: " + name + " was " + made_with +
                    ", is now " + value,
                "resume with the same settings, or start over with --force instead of --resume");
  }
}

uint64_t Journal::Append(const RowKey& key, std::span<const float> row) {
  Head head = {static_cast<uint32_t>(key.name.size()), 0, static_cast<uint64_t>(key.type), key.size,
               key.mtime};
  std::string record(reinterpret_cast<const char*>(&head), sizeof(head));
  record += key.name;
  record.append(reinterpret_cast<const char*>(row.data()), row.size_bytes());
  head.crc = Crc32(std::string_view(record).substr(offsetof(Head, type)));
  record.replace(0, sizeof(head), reinterpret_cast<const char*>(&head), sizeof(head));
  const uint64_t offset = end_;
  if (!WriteFully(file_, std::as_bytes(std::span(record)), offset)) Fail("write");
  end_ += record.size();
  const auto now = std::chrono::steady_clock::now();
  if (now - synced_ > kBetweenSyncs) {
    if (::fdatasync(file_) != 0) Fail("flush");
    synced_ = now;
  }
  return offset;
}

void Journal::Recover(const std::function<void(const RowKey&, uint64_t)>& visit) {
  end_ = begin_;
  while (const std::optional<RowKey> key = CheckRecord(end_)) {
    visit(*key, end_);
    end_ += sizeof(Head) + key->name.size() + row_bytes_;
  }
  if (::ftruncate(file_, static_cast<off_t>(end_)) != 0) Fail("cut");
}

std::optional<RowKey> Journal::CheckRecord(uint64_t offset) const {
  const uint64_t left = FileSize(file_) - offset;
  if (left < sizeof(Head)) return std::nullopt;
  const Head head = ReadHead(offset);
  if (head.name_bytes > kMaxNameBytes || left - sizeof(Head) < head.name_bytes + row_bytes_) {
    return std::nullopt;
  }
  std::string payload(sizeof(Head) - offsetof(Head, type) + head.name_bytes + row_bytes_, '\0');
  Read(offset + offsetof(Head, type), payload);
  const auto type = static_cast<RowType>(head.type);
  const bool is_known = type == RowType::kPicture || type == RowType::kText;
  if (Crc32(payload) != head.crc || !is_known) return std::nullopt;
  return ReadKey(offset);
}

Journal::Head Journal::ReadHead(uint64_t offset) const {
  Head head;
  Read(offset, {reinterpret_cast<char*>(&head), sizeof(head)});
  return head;
}

RowKey Journal::ReadKey(uint64_t offset) const {
  const Head head = ReadHead(offset);
  RowKey key = {static_cast<RowType>(head.type), std::string(head.name_bytes, '\0'), head.size,
                head.mtime};
  Read(offset + sizeof(Head), key.name);
  return key;
}

void Journal::ReadRow(uint64_t offset, std::span<float> row) const {
  Read(offset + sizeof(Head) + ReadHead(offset).name_bytes,
       {reinterpret_cast<char*>(row.data()), row.size_bytes()});
}

void Journal::Remove() {
  if (HasItsName() && ::unlink(path_.c_str()) != 0) Fail("remove");
}

void Journal::Read(uint64_t offset, std::span<char> bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = ::pread(file_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) errno = EIO;  // cut by somebody else meanwhile
    if (count <= 0) Fail("read");
    bytes = bytes.subspan(static_cast<size_t>(count));
    offset += static_cast<uint64_t>(count);
  }
}

void Journal::Fail(const char* action) const {
  throw Error(ErrorCode::kIo, path_.string() + ": cannot " + action + ": " + std::strerror(errno));
}

}  // namespace siglip
