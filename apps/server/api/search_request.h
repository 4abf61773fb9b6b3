// POST /v1/search: what to look for in the index, and how to show it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/api/input_item.h"
#include "siglip/index.hpp"

namespace siglip::server {

/// A content of the index, by its id.
struct LikeContent {
  int64_t id = 0;
};

/// One of the things that are looked for together.
struct SearchPart {
  std::variant<InputText, InputPicture, LikeContent> query;
  double weight = 1;  ///< Of what is given as "not": -0.5 unless said otherwise.
  std::string param;  ///< "text", "image[1]", ...: what errors of this part name.
};

struct SearchRequest {
  std::optional<std::string> model;  ///< As the client called it; checked by the caller.
  /// 1 to 64, in the order text, image, like, not.
  std::vector<SearchPart> parts;
  /// `top` (1 to 1,000) is how many hits are to be shown, behind the first `offset` of them; the
  /// index is asked for both together.
  SearchOptions options;
  int64_t offset = 0;  ///< 0 to 10,000.
};

/// {"model", "text", "image", "like", "not", "weights", "top": 20, "offset": 0, "under", "after",
/// "before", "format", "min_width", "min_score", "fold": true}; all may be absent or null but one
/// of text, image, like and not, and other fields are ignored. These are one or a list: texts,
/// pictures as ReadEmbeddingsRequest has them (plain strings are pictures), ids of contents, and
/// texts. "weights" is a list in the order text, image, like, not, or an object of these names with
/// a number or a list each, as long as what it weighs. "under" is an absolute path, "after" and
/// "before" are dates as the command line takes them: 2024, 2024-05, 2024-05-17,
/// 2024-05-17T09:30:00.
///
/// Throws ApiError (400) naming the field, also for a picture that is refused.
SearchRequest ReadSearchRequest(std::string_view json);

/// The body of a request with `Content-Type: image/*`: a picture to look for, all else as absent.
/// Throws ApiError (400) for an empty one.
SearchRequest ReadSearchPictureBody(std::string body);

}  // namespace siglip::server
