#include "journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string_view>

#include "siglip/error.h"
#include "write_fully.h"

namespace siglip::cli {
namespace {

constexpr std::string_view kMagic = "SIGLIPJ1";
constexpr uint32_t kMaxSettingsBytes = 1 << 16;
constexpr uint32_t kMaxNameBytes = 1 << 20;
constexpr std::chrono::seconds kBetweenSyncs(5);

using Pair = std::array<uint32_t, 2>;  // a size and a CRC-32
constexpr uint64_t kPairBytes = sizeof(Pair);

uint32_t Crc(std::string_view bytes) {
  return static_cast<uint32_t>(
      ::crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

void AppendPair(std::string& bytes, Pair pair) {
  bytes.append(reinterpret_cast<const char*>(pair.data()), kPairBytes);
}

uint64_t FileSize(int file) {
  struct stat status = {};
  return ::fstat(file, &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
}

}  // namespace

Journal::Journal(const std::filesystem::path& path, Start start, const Settings& settings,
                 size_t row_size)
    : path_(path), row_bytes_(row_size * sizeof(float)) {
  file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file_ < 0) Fail("open");
  try {
    Lock();
    if (start == Start::kNew && FileSize(file_) > 0) {
      throw Error(ErrorCode::kInvalidArgument,
                  path_.string() + ": an interrupted run has left its embeddings here",
                  "--resume goes on with them, --force starts over");
    }
    if (start == Start::kResume && FileSize(file_) > 0) {
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

void Journal::Lock() const {
  if (::flock(file_, LOCK_EX | LOCK_NB) == 0) return;
  if (errno != EWOULDBLOCK) Fail("lock");
  throw Error(ErrorCode::kIo, path_.string() + ": another run is writing this output");
}

void Journal::WriteSettings(const Settings& settings) {
  const std::string json =
      nlohmann::json(settings).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::string header(kMagic);
  AppendPair(header, {static_cast<uint32_t>(json.size()), Crc(json)});
  header += json;
  if (::ftruncate(file_, 0) != 0 || !WriteFully(file_, header, 0)) Fail("write");
  begin_ = end_ = header.size();
}

void Journal::CheckSettings(const Settings& settings) {
  const Error foreign(ErrorCode::kMismatch, path_.string() + ": not the journal of a run",
                      "--force without --resume starts over");
  const uint64_t size = FileSize(file_);
  if (size < kMagic.size() + kPairBytes) throw foreign;
  std::string magic(kMagic.size(), '\0');
  Read(0, magic);
  Pair pair;
  Read(kMagic.size(), {reinterpret_cast<char*>(pair.data()), kPairBytes});
  begin_ = end_ = kMagic.size() + kPairBytes + pair[0];
  if (magic != kMagic || pair[0] > kMaxSettingsBytes || begin_ > size) throw foreign;
  std::string json(pair[0], '\0');
  Read(kMagic.size() + kPairBytes, json);
  if (Crc(json) != pair[1]) throw foreign;

  const Settings found = nlohmann::json::parse(json).get<Settings>();
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

uint64_t Journal::Append(const std::string& name, std::span<const float> row) {
  std::string payload = name;
  payload.append(reinterpret_cast<const char*>(row.data()), row.size_bytes());
  std::string record;
  AppendPair(record, {static_cast<uint32_t>(name.size()), Crc(payload)});
  record += payload;
  const uint64_t offset = end_;
  if (!WriteFully(file_, record, offset)) Fail("write");
  end_ += record.size();
  const auto now = std::chrono::steady_clock::now();
  if (now - synced_ > kBetweenSyncs) {
    if (::fdatasync(file_) != 0) Fail("flush");
    synced_ = now;
  }
  return offset;
}

void Journal::Recover(const std::function<void(const std::string&, uint64_t)>& visit) {
  end_ = begin_;
  while (const std::optional<std::string> name = CheckRecord(end_)) {
    visit(*name, end_);
    end_ += kPairBytes + name->size() + row_bytes_;
  }
  if (::ftruncate(file_, static_cast<off_t>(end_)) != 0) Fail("cut");
}

std::optional<std::string> Journal::CheckRecord(uint64_t offset) const {
  const uint64_t left = FileSize(file_) - offset;
  if (left < kPairBytes) return std::nullopt;
  Pair pair;
  Read(offset, {reinterpret_cast<char*>(pair.data()), kPairBytes});
  const auto [name_bytes, crc] = pair;
  if (name_bytes > kMaxNameBytes || left - kPairBytes < name_bytes + row_bytes_) {
    return std::nullopt;
  }
  std::string payload(name_bytes + row_bytes_, '\0');
  Read(offset + kPairBytes, payload);
  if (Crc(payload) != crc) return std::nullopt;
  payload.resize(name_bytes);
  return payload;
}

std::string Journal::ReadName(uint64_t offset) const {
  Pair pair;
  Read(offset, {reinterpret_cast<char*>(pair.data()), kPairBytes});
  std::string name(pair[0], '\0');
  Read(offset + kPairBytes, name);
  return name;
}

void Journal::ReadRow(uint64_t offset, std::span<float> row) const {
  Pair pair;
  Read(offset, {reinterpret_cast<char*>(pair.data()), kPairBytes});
  Read(offset + kPairBytes + pair[0], {reinterpret_cast<char*>(row.data()), row.size_bytes()});
}

void Journal::Remove() {
  if (::unlink(path_.c_str()) != 0) Fail("remove");
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

}  // namespace siglip::cli
