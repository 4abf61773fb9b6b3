// Whether the body of a request is JSON, before anything of it is used.
#pragma once

#include <cstddef>
#include <string_view>

namespace siglip::server {

inline constexpr int kMaxJsonDepth = 16;
inline constexpr size_t kMaxJsonFields = 1000;    ///< Of one object.
inline constexpr size_t kMaxJsonKeyBytes = 1000;  ///< As it stands in the text.

/// A byte order mark is passed over: what follows it is what JsonValue reads.
std::string_view WithoutByteOrderMark(std::string_view text);

/// RFC 8259, and no more: one value, in UTF-8. Objects have no two equal keys and at most
/// kMaxJsonFields; arrays and objects are nested at most kMaxJsonDepth deep; an escaped surrogate
/// does not stand alone. Numbers may be of any size.
///
/// Throws ApiError(400, "malformed_json") naming the byte. Memory: the keys of the objects that are
/// open. No library's parser is used, since such keep every string twice while they read it, and
/// the strings here are pictures of many megabytes.
void CheckJson(std::string_view text);

}  // namespace siglip::server
