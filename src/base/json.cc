#include "base/json.h"

#include <cmath>
#include <span>

#include "base/file_kind.h"
#include "base/json_reader.h"
#include "base/mapped_file.h"
#include "base/utf8.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

constexpr char kContent[] = "JSON";

Error WrongType(const Json& value, std::string_view key, const std::string& name,
                const char* expected) {
  return Error(ErrorCode::kMalformedFile, name + ": field '" + std::string(key) + "': expected " +
                                              expected + ", found " + ShownJson(value));
}

void CheckSize(std::string_view text, const std::string& name) {
  if (text.size() <= kMaxJsonBytes) return;
  throw Error(ErrorCode::kLimitExceeded, name + ": JSON of " + std::to_string(text.size()) +
                                             " bytes, allowed are " +
                                             std::to_string(kMaxJsonBytes));
}

}  // namespace

Json ParseJson(std::string_view text, const std::string& name) {
  CheckSize(text, name);
  try {
    return ReadJson(text, JsonRules::kPython, name);
  } catch (const Error&) {
    RefuseForeignFile(std::as_bytes(std::span(text)), name, kContent);
    throw;
  }
}

Json ParseStrictJson(std::string_view text, const std::string& name) {
  CheckSize(text, name);
  return ReadJson(text, JsonRules::kStrict, name);
}

Json ParseJsonFile(const std::filesystem::path& path) {
  const MappedFile file = MappedFile::Open(path);
  const auto bytes = file.bytes();
  RefuseForeignFile(bytes, path.string(), kContent);
  return ParseJson({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path.string());
}

const Json* JsonField(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

int64_t JsonInteger(const Json& value, std::string_view key, const std::string& name) {
  if (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX) {
    throw WrongType(value, key, name, "an integer below 2^63");
  }
  if (value.is_number_integer()) return value.get<int64_t>();
  if (value.is_number_float()) {
    const double number = value.get<double>();
    if (std::floor(number) == number && std::abs(number) < 9e15) {
      return static_cast<int64_t>(number);
    }
  }
  throw WrongType(value, key, name, "an integer");
}

double JsonNumber(const Json& value, std::string_view key, const std::string& name) {
  if (!value.is_number()) throw WrongType(value, key, name, "a number");
  const double number = value.get<double>();
  if (!std::isfinite(number)) throw WrongType(value, key, name, "a finite number");
  return number;
}

bool JsonBool(const Json& value, std::string_view key, const std::string& name) {
  if (!value.is_boolean()) throw WrongType(value, key, name, "true or false");
  return value.get<bool>();
}

std::string JsonString(const Json& value, std::string_view key, const std::string& name) {
  if (!value.is_string()) throw WrongType(value, key, name, "a string");
  return JsonKey(value.get_ref<const std::string&>(), key, name);
}

const std::string& JsonKey(const std::string& text, std::string_view key, const std::string& name) {
  if (ValidUtf8Length(text) == text.size()) return text;
  throw WrongType(text, key, name, "text without a lone surrogate");
}

const Json& JsonObject(const Json& value, std::string_view key, const std::string& name) {
  if (!value.is_object()) throw WrongType(value, key, name, "an object");
  return value;
}

const Json& JsonArray(const Json& value, std::string_view key, const std::string& name) {
  if (!value.is_array()) throw WrongType(value, key, name, "an array");
  return value;
}

}  // namespace siglip
