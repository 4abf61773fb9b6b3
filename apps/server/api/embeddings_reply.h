// The reply to POST /v1/embeddings, in pieces, so that a large one never is in memory as a whole:
//
//   std::string text = EmbeddingsReplyBegin(model);
//   for (...) AppendEmbedding(index, embedding, format, is_first, text);
//   text += EmbeddingsReplyEnd(tokens, errors);
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "server/api/api_error.h"
#include "server/api/embeddings_request.h"

namespace siglip::server {

/// {"object":"list","model":"...","data":[
std::string EmbeddingsReplyBegin(std::string_view model);

/// Appends {"object":"embedding","index":3,"embedding":[...]} to `text`, behind a comma unless
/// nothing of "data" stands before it. Numbers are the shortest that read back as the same float.
/// Throws Error(kInternal) for an embedding [D] with a number that is not finite.
void AppendEmbedding(size_t index, std::span<const float> embedding, EncodingFormat format,
                     bool is_first, std::string& text);

/// What closes the reply: the usage, in tokens of all texts, and the errors of a partial request,
/// if any, in the order of their indices: "errors":[{"index":3,"code":"...","message":"..."}].
std::string EmbeddingsReplyEnd(int64_t tokens, std::span<const ItemError> errors);

/// The most bytes that AppendEmbedding appends for an embedding [dimension].
uint64_t EmbeddingBytes(int64_t dimension, EncodingFormat format);

/// The most bytes that a whole reply with `embeddings` of them has; the errors are known only
/// later, so that what they need is asked for then, by the size of their text.
uint64_t EmbeddingsReplyBytes(std::string_view model, size_t embeddings, int64_t dimension,
                              EncodingFormat format);

}  // namespace siglip::server
