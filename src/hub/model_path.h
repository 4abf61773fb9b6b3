// The way into a model for everything that reads one: its path, or its name on the hub.
#pragma once

#include <filesystem>

#include "siglip/hub.hpp"

namespace siglip {

/// Where a model lies: `model` itself if it is there, else what the cache of the hub holds under
/// this name. Throws Error as ResolveModel and CheckModelPath do.
std::filesystem::path FindModel(const std::filesystem::path& model,
                                ModelFiles needed = ModelFiles::kAll);

}  // namespace siglip
