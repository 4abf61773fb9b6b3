// The hits of a search as a page of pictures: one HTML file with thumbnails inside.
#pragma once

#include <filesystem>
#include <string>

#include "siglip/index.hpp"
#include "siglip/write_options.hpp"

namespace siglip::cli {

/// `title` is what was searched for. A picture that can no longer be read has no thumbnail but says
/// so. Nothing on the page is loaded from elsewhere, and no name can become part of its markup.
/// Thumbnails have at most 320 pixels a side; one picture at a time is in memory. Throws as
/// TextFile does.
void WriteContactSheet(const std::filesystem::path& path, const std::string& title,
                       const SearchResult& result, const WriteOptions& options);

}  // namespace siglip::cli
