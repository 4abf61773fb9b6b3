// The reply to POST /v1/classify, in pieces, as embeddings_reply.h has it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "server/api/api_error.h"

namespace siglip::server {

/// What a picture has in common with one label.
struct ScoredLabel {
  size_t label = 0;       ///< Its index in the request.
  float score = 0;        ///< The cosine.
  float probability = 0;  ///< The sigmoid of the logit: those of a picture need not add up to one.
};

/// {"object":"list","model":"...","data":[
std::string ClassifyReplyBegin(std::string_view model);

/// Appends {"index":3,"labels":[{"label":"cat","score":0.1,"probability":0.9}]} to `text`, behind a
/// comma unless nothing of "data" stands before it. `scores` in the order in which they are to
/// stand. Throws Error(kInternal) for a number that is not finite.
void AppendClassification(size_t index, std::span<const ScoredLabel> scores,
                          std::span<const std::string> labels, bool is_first, std::string& text);

/// What closes the reply: the errors of a partial request, if any.
std::string ClassifyReplyEnd(std::span<const ItemError> errors);

/// The most bytes that a whole reply for so many pictures has, each with all the labels; without
/// the errors.
uint64_t ClassifyReplyBytes(std::string_view model, size_t pictures,
                            std::span<const std::string> labels);

}  // namespace siglip::server
