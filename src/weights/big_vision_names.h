// Names of Google's big_vision (models/vit.py and models/proj/image_text in its repository).
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "weights/name_map.h"

namespace siglip {

/// Where big_vision's names of a part begin: "params/img/", "txt/", "", ... Where both parameters
/// and the state of an optimiser are stored, the parameters.
std::vector<Place> FindBigVisionPlaces(Part part, const NameSet& stored);

/// The name of a tensor in such a place. `canonical` comes without the root of its part.
std::optional<StoredName> BigVisionName(const Place& place, std::string_view canonical);

NameRole BigVisionRole(const Place& place, std::string_view stored);

}  // namespace siglip
