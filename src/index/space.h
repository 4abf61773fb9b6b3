// The one row that says in which space the vectors of an index lie.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "index/database.h"
#include "siglip/index.hpp"

namespace siglip {

/// What tells an index and the files derived from it from any other.
using SpaceId = std::array<uint8_t, 16>;

std::optional<IndexSpace> ReadSpace(const Database& database);
/// Of an index that has a space.
SpaceId ReadSpaceId(const Database& database);
void WriteSpace(Database& database, const IndexSpace& space);

/// What an embedder puts into an index.
IndexSpace SpaceOf(const Embedder& embedder, const std::string& model);

/// Throws Error(kMismatch) naming what differs.
void CheckComparable(const IndexSpace& index, const Fingerprint& embedder,
                     FingerprintRelation relation, const std::string& name);

/// For an index without a space.
Error NothingIndexed(const std::string& name);

}  // namespace siglip
