#include "index/space.h"

#include <algorithm>
#include <random>
#include <span>

#include "index/content_hash.h"
#include "siglip/runtime.hpp"
#include "siglip/transformers/siglip_model.hpp"

namespace siglip {
namespace {

SpaceId NewSpaceId() {
  std::random_device random;
  SpaceId id;
  std::ranges::generate(id, [&] { return static_cast<uint8_t>(random()); });
  return id;
}

std::optional<double> RealIfAny(const Statement& statement, int column) {
  if (statement.IsNull(column)) return std::nullopt;
  return statement.Real(column);
}

}  // namespace

std::optional<IndexSpace> ReadSpace(const Database& database) {
  Statement statement =
      database.Prepare("SELECT model, fingerprint, logit_scale, logit_bias FROM space");
  if (!statement.Step()) return std::nullopt;
  return IndexSpace{.model = statement.Text(0),
                    .fingerprint = Fingerprint::FromJson(statement.Text(1), database.name()),
                    .logit_scale = RealIfAny(statement, 2),
                    .logit_bias = RealIfAny(statement, 3)};
}

SpaceId ReadSpaceId(const Database& database) {
  Statement statement = database.Prepare("SELECT uuid FROM space");
  return statement.Step() ? ContentHashFromBytes(statement.Blob(0)) : SpaceId();
}

void WriteSpace(Database& database, const IndexSpace& space) {
  Statement statement = database.Prepare(
      "INSERT INTO space(id, uuid, model, fingerprint, dimensions, logit_scale, logit_bias, "
      "made_by)"
      " VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)");
  const SpaceId id = NewSpaceId();
  const std::string fingerprint = space.fingerprint.ToJson();
  const std::string made_by = "siglip " + std::string(Version());
  statement
      .Bind(std::as_bytes(std::span(id)), space.model, fingerprint, space.fingerprint.dimension,
            space.logit_scale, space.logit_bias, made_by)
      .Run();
}

IndexSpace SpaceOf(const Embedder& embedder, const std::string& model) {
  const bool texts = embedder.compares_texts();
  IndexSpace space;
  space.model = model;
  space.fingerprint = embedder.fingerprint(
      texts ? EmbeddingContent::kPicturesAndTexts : EmbeddingContent::kPictures,
      {.normalize = true});
  if (texts) {
    space.logit_scale = embedder.logits().logit_scale();
    space.logit_bias = embedder.logits().logit_bias();
  }
  return space;
}

void CheckComparable(const IndexSpace& index, const Fingerprint& embedder,
                     FingerprintRelation relation, const std::string& name) {
  const auto difference = FirstDifference(index.fingerprint, embedder, relation);
  if (!difference) return;
  throw Error(ErrorCode::kMismatch,
              name + ": the index was made with " + index.model + "; " + ToString(*difference),
              "use what it was made with, or make it anew: siglip index --rebuild");
}

Error NothingIndexed(const std::string& name) {
  return {ErrorCode::kNotFound, name + ": nothing was indexed yet",
          "index a folder: siglip index FOLDER"};
}

}  // namespace siglip
