// What a request asks for: the target of its first line, decoded.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace siglip::server {

struct QueryPair {
  std::string name;
  std::string value;
};

/// Path and query with nothing left to decode: UTF-8 without control characters.
struct Target {
  std::string path;              ///< Begins with "/"; no segment is "." or "..".
  std::vector<QueryPair> query;  ///< In the order they came; a name may occur more than once.

  /// The first value of this name, or null.
  const std::string* Find(std::string_view name) const;
};

/// Reads "/path?name=value&name=value". Bytes written as %XX are decoded once, "+" in a query is a
/// blank. Throws Error (kInvalidArgument) for what is not of that form and for what would be read
/// in two ways: a
/// "%" without two hexadecimal digits, bytes that are no UTF-8, control characters, segments "."
/// and "..", an encoded "/" in the path, and "#".
Target ParseTarget(std::string_view text);

}  // namespace siglip::server
