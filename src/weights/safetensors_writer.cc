// See safetensors_writer.h.
#include "weights/safetensors_writer.h"

#include <algorithm>
#include <utility>

#include "siglip/error.hpp"
#include "weights/quoted.h"
#include "weights/safetensors_header.h"

namespace siglip {
namespace {

/// AtomicFile collects what it is handed before it writes; small pieces keep that small.
constexpr size_t kPieceBytes = size_t{1} << 18;

}  // namespace

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path& path,
                                     std::vector<SafetensorsEntry> entries,
                                     const std::map<std::string, std::string>& metadata,
                                     const WriteOptions& options)
    : path_(path.string()), entries_(std::move(entries)), file_(path, options) {
  file_.Write(BuildSafetensorsHeader(entries_, metadata, path_));
  SkipFinished();
}

void SafetensorsWriter::Append(std::string_view name, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  const bool in_turn = current_ < entries_.size() && entries_[current_].name == name;
  if (!in_turn || bytes.size() > entries_[current_].end - written_) {
    throw Error(ErrorCode::kInvalidArgument,
                path_ + ": tensor " + Quoted(name) +
                    (in_turn ? ": more bytes than its shape needs" : ": not its turn"));
  }
  for (size_t begin = 0; begin < bytes.size(); begin += kPieceBytes) {
    file_.Write(bytes.subspan(begin, std::min(kPieceBytes, bytes.size() - begin)));
  }
  written_ += bytes.size();
  SkipFinished();
}

AtomicFile& SafetensorsWriter::Finish() {
  if (current_ < entries_.size()) {
    throw Error(ErrorCode::kInvalidArgument,
                path_ + ": tensor " + Quoted(entries_[current_].name) + ": bytes are missing");
  }
  return file_;
}

void SafetensorsWriter::SkipFinished() {
  while (current_ < entries_.size() && entries_[current_].end == written_) ++current_;
}

}  // namespace siglip
