// POST /v1/classify: pictures, and the labels they are compared with.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/api/input_item.h"

namespace siglip::server {

struct ClassifyRequest {
  std::optional<std::string> model;    ///< As the client called it; checked by the caller.
  std::vector<InputItem> items;        ///< 1 to kMaxItems pictures; with `partial` also errors.
  std::vector<std::string> labels;     ///< 1 to 1,000, all different, none empty.
  std::vector<std::string> templates;  ///< 1 to 16, each with "{}" where the label goes.
  bool partial = false;                ///< As EmbeddingsRequest's.
};

/// {"model", "input", "labels": ["cat", ...], "template": "This is a photo of {}." or a list,
/// "partial": false}; `input` as ReadEmbeddingsRequest has it, but plain strings are pictures, and
/// texts are refused. Throws ApiError as it does.
ClassifyRequest ReadClassifyRequest(std::string_view json);

}  // namespace siglip::server
