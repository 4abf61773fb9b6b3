// Paths that were given as a model but hold none that loads: what they are instead, as the names of
// their files tell. Every part of a model is looked for through these, so that the same mistake is
// told in the same words, whatever was wanted of the model.
#pragma once

#include <filesystem>

#include "siglip/error.hpp"

namespace siglip {

/// Throws Error for a path that is neither a folder nor a file that models come in (.npz, .gguf), a
/// folder that cannot be read, one with nothing of a model in it, and one that holds an adapter
/// without the model it belongs to.
void CheckModelPath(const std::filesystem::path& path);

/// What to say of a folder that lacks something: `otherwise`, unless it has no weights that load
/// and its files show why: it lies above the folder that was meant, belongs to
/// sentence-transformers, holds an adapter, or has its weights in another format or under other
/// names.
Error DiagnoseFolder(const std::filesystem::path& folder, const Error& otherwise);

}  // namespace siglip
