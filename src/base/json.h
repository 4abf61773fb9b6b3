// Parsing of foreign JSON, capped in size and depth, and writing it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace siglip {

using Json = nlohmann::json;

inline constexpr size_t kMaxJsonBytes = size_t{100} << 20;
inline constexpr int kMaxJsonDepth = 64;

/// What Python's json.loads reads, since that is what the references call: of equal keys of an
/// object the last one counts, NaN, Infinity, -Infinity and numbers out of the range of double are
/// values of type double, and an escaped surrogate may stand alone. The functions below refuse such
/// values where one is used. A byte order mark of UTF-8 is passed over.
///
/// Throws Error(kMalformedFile) naming `name`, line and column, also for nesting deeper than
/// kMaxJsonDepth and invalid UTF-8; Error(kLimitExceeded) beyond kMaxJsonBytes.
Json ParseJson(std::string_view text, const std::string& name);

/// Without all of that: equal keys, numbers out of range and the like are refused.
Json ParseStrictJson(std::string_view text, const std::string& name);

/// Reads and parses a whole file of at most kMaxJsonBytes. Also throws kNotFound, kIo, and an Error
/// that tells what the file really is (file_kind.h).
Json ParseJsonFile(const std::filesystem::path& path);

/// The text of a value as Json::dump writes it, but for what it cannot write: numbers that are not
/// finite and surrogates that stand alone are written as Python does, so that ParseJson reads them.
/// Negative `indent`: on one line. With `only_ascii` other characters are escaped.
std::string JsonText(const Json& value, int indent = -1, bool only_ascii = false);

/// The value for a message: shortened, and safe to print even where the JSON is hostile.
std::string ShownJson(const Json& value);

/// The field of an object, or null where it is absent or null, or where there is no object.
const Json* JsonField(const Json& object, const char* key);

/// The field of an object as an integer: also a float without a fraction, as some tools write.
/// Throws Error(kMalformedFile) naming `name` and `key`, with the value found. A number must be
/// finite, a string valid UTF-8.
int64_t JsonInteger(const Json& value, std::string_view key, const std::string& name);
double JsonNumber(const Json& value, std::string_view key, const std::string& name);
bool JsonBool(const Json& value, std::string_view key, const std::string& name);
std::string JsonString(const Json& value, std::string_view key, const std::string& name);

/// The key of an object, where it is used as a text of its own: unchanged, once it is valid UTF-8.
const std::string& JsonKey(const std::string& text, std::string_view key, const std::string& name);

/// The field of an object that is an object or an array itself, checked to be one.
const Json& JsonObject(const Json& value, std::string_view key, const std::string& name);
const Json& JsonArray(const Json& value, std::string_view key, const std::string& name);

}  // namespace siglip
