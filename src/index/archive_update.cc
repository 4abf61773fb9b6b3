#include "index/archive_update.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include "index/unit_vector.h"

namespace siglip {
namespace {

constexpr size_t kLongestFormat = 16;

bool IsName(std::string_view text) {
  return !text.empty() && text.find('\0') == std::string_view::npos;
}

/// Formats become parts of HTTP headers.
bool IsFormat(std::string_view text) {
  return text.size() <= kLongestFormat && std::ranges::all_of(text, [](char letter) {
           return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9');
         });
}

bool IsSide(int64_t pixels) { return pixels >= 0 && pixels <= std::numeric_limits<int32_t>::max(); }

/// Throws unless all but the vector is as it should be.
void Check(const ArchivedPicture& picture, const std::string& where, int64_t dimension) {
  const auto wrong = [&](const std::string& what) {
    return Error(ErrorCode::kInvalidArgument, where + ": " + what);
  };
  if (!IsName(picture.path)) throw wrong("expected a path of bytes other than zero");
  if (!IsFormat(picture.format)) {
    throw wrong("expected a format of lower-case letters and digits");
  }
  if (!IsSide(picture.width) || !IsSide(picture.height) || picture.bytes < 0) {
    throw wrong("width, height or bytes are out of range");
  }
  if (std::ssize(picture.vector) != dimension) {
    throw wrong("expected a vector of " + std::to_string(dimension) + " numbers, found " +
                std::to_string(picture.vector.size()));
  }
}

}  // namespace

IndexSpace SpaceOfArchive(IndexSpace space) {
  const auto wrong = [](const std::string& what) {
    return Error(ErrorCode::kInvalidArgument, "archive: " + what);
  };
  const Fingerprint& fingerprint = space.fingerprint;
  if (!fingerprint.pictures) throw wrong("the fingerprint is that of texts, expected pictures");
  if (fingerprint.pictures->tokens) throw wrong("expected one vector for each picture, not tokens");
  if (space.logit_scale.has_value() != space.logit_bias.has_value() ||
      !std::isfinite(space.logit_scale.value_or(0)) ||
      !std::isfinite(space.logit_bias.value_or(0))) {
    throw wrong("expected scale and bias of logits, finite, or neither");
  }
  space.fingerprint.normalize = true;
  return space;
}

std::string WithoutSlashes(const std::string& name) {
  return name.substr(0, name.find_last_not_of('/') + 1);  // nothing where there is nothing else
}

std::string ArchiveName(const std::string& archive) {
  std::string name = WithoutSlashes(archive);
  if (IsName(name)) return name;
  throw Error(ErrorCode::kInvalidArgument,
              "archive: expected a name of bytes other than zero, found '" + archive + "'");
}

ArchiveUpdate::ArchiveUpdate(std::span<const ArchivedPicture> pictures, int64_t dimension)
    : pictures_(pictures) {
  halves_.reserve(pictures.size());
  for (const ArchivedPicture& picture : pictures) {
    const std::string where =
        "picture " + std::to_string(halves_.size()) + " of the archive (" + picture.path + ")";
    Check(picture, where, dimension);
    halves_.push_back(UnitHalves(picture.vector, where));
  }
}

void ArchiveUpdate::Put(FileTable& table, int64_t root) const {
  for (size_t i = 0; i < pictures_.size(); ++i) {
    const ArchivedPicture& picture = pictures_[i];
    const std::optional<KnownContent> known = table.FindContent(picture.hash);
    const int64_t content = known && known->has_vector ? known->id
                                                       : table.PutContent({.hash = picture.hash,
                                                                           .size = picture.bytes,
                                                                           .width = picture.width,
                                                                           .height = picture.height,
                                                                           .format = picture.format,
                                                                           .vector = halves_[i]});
    table.PutFile({.root = root, .path = picture.path, .size = picture.bytes}, content);
  }
}

}  // namespace siglip
