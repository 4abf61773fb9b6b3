// The one file that includes sentencepiece.
#include "text/sentencepiece_model.h"

#include <sentencepiece_processor.h>

#include <exception>
#include <utility>

#include "siglip/error.h"
#include "text/sentencepiece_file.h"

namespace siglip {

struct SentencePieceModel::Library {
  sentencepiece::SentencePieceProcessor processor;
};

SentencePieceModel::SentencePieceModel(std::span<const std::byte> file, const std::string& name)
    : library_(std::make_unique<Library>()) {
  const std::string checked = CheckedSentencePieceFile(file, name);
  std::string problem;
  try {
    const auto status = library_->processor.LoadFromSerializedProto(checked);
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

int32_t SentencePieceModel::size() const { return library_->processor.GetPieceSize(); }

}  // namespace siglip
