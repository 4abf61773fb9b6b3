// Searching a file that siglip embed wrote.
#pragma once

#include <filesystem>

#include "commands/index_arguments.h"
#include "siglip/embedder.hpp"
#include "siglip/embedding_search.hpp"

namespace siglip::cli {

/// Throws a usage error where a search without an index lacks a model, or is told what only an
/// index has.
void CheckEmbeddingsArguments(const IndexEmbedderArguments& arguments);

struct SearchedEmbeddings {
  Embedder embedder;
  EmbeddingSearch search;  ///< Of the rows of pictures.
};

/// What the file records of how it was made is the default of options, and must fit the embedder.
/// Throws Error naming the file: kMismatch for embeddings of another D or another kind, kNotFound
/// where there are none of pictures; and as EmbeddingFile does.
SearchedEmbeddings OpenEmbeddings(const std::filesystem::path& file,
                                  const IndexEmbedderArguments& arguments, const EmbedderUse& use);

}  // namespace siglip::cli
