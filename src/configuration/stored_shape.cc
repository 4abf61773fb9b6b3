#include "configuration/stored_shape.h"

#include "siglip/error.hpp"
#include "weights/quoted.h"

namespace siglip {

std::optional<Shape> StoredShape(const Checkpoint& checkpoint, const std::string& canonical) {
  const std::optional<Part> part = PartOf(canonical);
  const std::optional<Place> place = part ? checkpoint.Find(*part) : std::nullopt;
  if (!place) return std::nullopt;
  for (const StoredName& name : StoredNames(*place, canonical)) {
    if (const auto file = checkpoint.FileOf(name.name)) return file->Find(name.name)->shape;
  }
  return std::nullopt;
}

int64_t StoredExtent(const Checkpoint& checkpoint, const std::string& canonical, size_t axis) {
  const std::optional<Shape> shape = StoredShape(checkpoint, canonical);
  if (!shape) {
    throw Error(ErrorCode::kMismatch,
                checkpoint.path().string() + ": no tensor " + Quoted(canonical));
  }
  if (shape->size() != 2 || (*shape)[axis] < 1) {
    throw Error(ErrorCode::kMismatch, checkpoint.path().string() + ": tensor " + Quoted(canonical) +
                                          ": expected a matrix, found shape " + ToString(*shape));
  }
  return (*shape)[axis];
}

}  // namespace siglip
