// The grammar of JSON. ParseJson and ParseStrictJson of json.h are what the rest calls.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace siglip {

enum class JsonRules {
  /// As json.loads of Python 3: of equal keys of an object the last counts; NaN, Infinity and
  /// -Infinity are numbers, those out of range infinite; an escaped surrogate may stand alone.
  kPython,
  /// RFC 8259 without what it leaves open: none of that.
  kStrict,
};

/// A whole text. Throws Error(kMalformedFile) naming `name`, line and column.
Json ReadJson(std::string_view text, JsonRules rules, const std::string& name);

}  // namespace siglip
