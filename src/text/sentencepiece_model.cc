// The one file that includes sentencepiece.
#include "text/sentencepiece_model.h"

#include <sentencepiece_processor.h>

#include <exception>
#include <utility>

#include "siglip/error.hpp"
#include "text/sentencepiece_file.h"

namespace siglip {

struct SentencePieceModel::Library {
  sentencepiece::SentencePieceProcessor processor;
  int32_t pieces = 0;  // those of the file
  bool has_extra_bytes = false;
};

SentencePieceModel::SentencePieceModel(std::span<const std::byte> file, const std::string& name)
    : library_(std::make_unique<Library>()) {
  const SentencePieceFile checked = CheckSentencePieceFile(file, name);
  library_->pieces = checked.pieces;
  library_->has_extra_bytes = checked.has_extra_bytes;
  std::string problem;
  try {
    const auto status = library_->processor.LoadFromSerializedProto(checked.bytes);
    if (status.ok()) return;
    problem = status.ToString();
  } catch (const std::exception& exception) {
    problem = exception.what();
  }
  throw Error(ErrorCode::kMalformedFile, name + ": not a sentencepiece model: " + problem);
}

SentencePieceModel::SentencePieceModel(SentencePieceModel&&) noexcept = default;
SentencePieceModel::~SentencePieceModel() = default;

std::vector<int> SentencePieceModel::Encode(std::string_view text) const {
  std::vector<int> ids;
  const auto status = library_->processor.Encode(text, &ids);
  if (!status.ok()) throw Error(ErrorCode::kInternal, "sentencepiece: " + status.ToString());
  if (!library_->has_extra_bytes) return ids;
  // A run of unknown characters is one unknown piece.
  const int unknown = library_->processor.unk_id();
  size_t kept = 0;
  bool in_run = false;
  for (const int id : ids) {
    const bool is_extra = id >= library_->pieces;
    if (!is_extra || !in_run) ids[kept++] = is_extra ? unknown : id;
    in_run = is_extra;
  }
  ids.resize(kept);
  return ids;
}

std::optional<int32_t> SentencePieceModel::Find(std::string_view piece) const {
  if (piece.empty()) return std::nullopt;
  const int id = library_->processor.PieceToId(piece);
  // The library answers with the unknown piece where there is none.
  if (id < 0 || id >= size() || library_->processor.IdToPiece(id) != piece) return std::nullopt;
  return id;
}

std::string SentencePieceModel::Piece(int32_t id) const {
  return library_->processor.IdToPiece(id);
}

int32_t SentencePieceModel::size() const { return library_->pieces; }

}  // namespace siglip
