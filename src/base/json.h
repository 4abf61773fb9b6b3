// Parsing of foreign JSON: capped in size and depth, duplicate keys refused.
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

/// Throws Error(kMalformedFile) naming `name`. Numbers out of the range of double, nesting deeper
/// than kMaxJsonDepth, duplicate keys and invalid UTF-8 are refused.
Json ParseJson(std::string_view text, const std::string& name);

/// Reads and parses a whole file of at most kMaxJsonBytes. Also throws kNotFound, kIo.
Json ParseJsonFile(const std::filesystem::path& path);

/// The field of an object as an integer: also a float without a fraction, as some tools write.
/// Throws Error(kMalformedFile) naming `name` and `key`, with the value found.
int64_t JsonInteger(const Json& value, std::string_view key, const std::string& name);
double JsonNumber(const Json& value, std::string_view key, const std::string& name);
bool JsonBool(const Json& value, std::string_view key, const std::string& name);
std::string JsonString(const Json& value, std::string_view key, const std::string& name);

/// The field of an object that is an object or an array itself, checked to be one.
const Json& JsonObject(const Json& value, std::string_view key, const std::string& name);
const Json& JsonArray(const Json& value, std::string_view key, const std::string& name);

}  // namespace siglip
