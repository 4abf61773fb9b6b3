// What an index holds: for people and for programs, and as a file of embeddings.
#pragma once

#include <filesystem>
#include <string>

#include "siglip/index.hpp"
#include "siglip/tensor.hpp"
#include "siglip/write_options.hpp"

namespace siglip::cli {

std::string StatusText(const IndexStatus& status);
/// One object on one line, see docs/cli.md.
std::string StatusJson(const IndexStatus& status);

/// A row for every file that is there and has a vector, in byte order of the paths, as siglip embed
/// writes them. `dtype` is kF32 or kF16. Returns how many.
size_t ExportIndex(const Index& index, const std::filesystem::path& path, DType dtype,
                   const WriteOptions& options);

}  // namespace siglip::cli
