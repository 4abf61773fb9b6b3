// The items of a request, in the forms that the clients of several services have.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/api/input_item.h"
#include "server/api/json_value.h"

namespace siglip::server {

/// What a string is that does not begin as a data URI of a picture does.
enum class PlainString { kText, kPicture };

/// One item, as ReadEmbeddingsRequest has it. Throws ApiError(400) naming `param`.
std::variant<InputText, InputPicture> ReadItem(JsonValue value, const std::string& param,
                                               PlainString plain);

/// What {"content": ...} has: a string, or a list of parts of which one is to be embedded. Throws
/// as ReadItem does.
std::variant<InputText, InputPicture> ReadContent(JsonValue value, const std::string& param);

/// One item, or a list of them. Throws ApiError(400) for an empty list, one of more than kMaxItems
/// and for token numbers; all else that is wrong is an ItemError.
std::vector<InputItem> ReadItems(JsonValue value, const std::string& param, PlainString plain);

/// Throws ApiError(400) where items of the field `name` are bad: any or, for a partial request, all
/// of them.
void CheckItems(std::string_view name, const std::vector<InputItem>& items, bool partial);

}  // namespace siglip::server
