#include "base/json.h"

#include <cmath>
#include <set>
#include <vector>

#include "base/mapped_file.h"
#include "siglip/error.h"

namespace siglip {
namespace {

/// The value for a message: shortened, and safe to print even where the JSON is hostile.
std::string Shown(const Json& value) {
  std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

Error WrongType(const Json& value, std::string_view key, const std::string& name,
                const char* expected) {
  return Error(ErrorCode::kMalformedFile, name + ": field '" + std::string(key) + "': expected " +
                                              expected + ", found " + Shown(value));
}

}  // namespace

Json ParseJson(std::string_view text, const std::string& name) {
  if (text.size() > kMaxJsonBytes) {
    throw Error(ErrorCode::kLimitExceeded, name + ": JSON of " + std::to_string(text.size()) +
                                               " bytes, allowed are " +
                                               std::to_string(kMaxJsonBytes));
  }
  // The parser takes a zero byte for the end of the text and would ignore what follows.
  if (text.find('\0') != std::string_view::npos) {
    throw Error(ErrorCode::kMalformedFile, name + ": not valid JSON: it holds a zero byte");
  }
  // The keys of every object that is still open, to notice one that comes twice.
  std::vector<std::set<std::string>> open_objects;
  const auto callback = [&](int depth, Json::parse_event_t event, Json& parsed) {
    const bool opens =
        event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
    if (opens && depth >= kMaxJsonDepth) {
      throw Error(ErrorCode::kMalformedFile,
                  name + ": JSON nested deeper than " + std::to_string(kMaxJsonDepth));
    }
    switch (event) {
      case Json::parse_event_t::object_start: open_objects.emplace_back(); break;
      case Json::parse_event_t::object_end: open_objects.pop_back(); break;
      case Json::parse_event_t::key:
        if (!open_objects.back().insert(parsed.get<std::string>()).second) {
          throw Error(ErrorCode::kMalformedFile, name + ": duplicate key " + Shown(parsed));
        }
        break;
      default: break;
    }
    return true;
  };
  try {
    return Json::parse(text, callback);
  } catch (const Json::exception& exception) {
    throw Error(ErrorCode::kMalformedFile, name + ": not valid JSON: " + exception.what());
  }
}

Json ParseJsonFile(const std::filesystem::path& path) {
  const MappedFile file = MappedFile::Open(path);
  const auto bytes = file.bytes();
  return ParseJson({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path.string());
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
  return value.get<std::string>();
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
