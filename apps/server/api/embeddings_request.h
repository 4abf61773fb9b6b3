// POST /v1/embeddings: the forms in which clients of several services write what is to be embedded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/api/input_item.h"

namespace siglip::server {

enum class EncodingFormat {
  kFloat,   ///< An array of numbers.
  kBase64,  ///< Of 32-bit floats, little-endian.
};

struct EmbeddingsRequest {
  std::optional<std::string> model;  ///< As the client called it; checked by the caller.
  std::string field = "input";       ///< The one that has them: or "inputs", "messages".
  std::vector<InputItem> items;      ///< In the order of the request, 1 to kMaxItems.
  EncodingFormat encoding_format = EncodingFormat::kFloat;
  bool normalize = true;
  /// Items that cannot be embedded are reported beside the embeddings of the others. Without it
  /// none is an ItemError here.
  bool partial = false;
};

/// The body of a request with `Content-Type: application/json`; `dimension` is D of the model. It
/// is
///
///   {"model", "input", "encoding_format": "float"|"base64", "dimensions", "modality": "text"|
///    "image", "normalize": true, "partial": false}
///
/// where all but `input` may be absent or null and other fields are ignored. `input`, also called
/// `inputs`, is one item or a list of them, mixed at will:
///
///   "words"                          a text; with "modality": "image" a picture, see below
///   "data:image/...;base64,..."      a picture
///   {"text": "words"}, {"image": P}
///   {"type": "text", "text": "words"}
///   {"type": "image_url" or "image", "image_url": URI or {"url": URI}}
///   {"type": "image_base64", "image_base64": P}
///   {"content": [PART]}              PART is one of the objects above
///
/// and in place of it `messages` may be given: [{"role": "user", "content": [PART] or "words"}].
/// URI is a data URI of a picture, P is one or bare base64. What kind of picture it is, its bytes
/// tell. Nothing in a request is ever fetched or opened.
///
/// Throws ApiError (400) naming the field for JSON that breaks the rules, is nested more than 16
/// deep or has equal keys, fields out of range, token numbers in place of text, and items that are
/// refused; with `partial` only where all of them are. Holds no more than the texts and the decoded
/// pictures: less than the size of `json`.
EmbeddingsRequest ReadEmbeddingsRequest(std::string_view json, int64_t dimension);

/// The body of a request with `Content-Type: image/*`: a picture, and nothing else is said. Throws
/// ApiError (400) for an empty one.
EmbeddingsRequest ReadPictureBody(std::string body);

}  // namespace siglip::server
