// See foreign_fields.h.
#include "weights/foreign_fields.h"

#include <utility>

#include "siglip/error.hpp"

namespace siglip {

ForeignFields::ForeignFields(const Json& object, std::string path, const std::string& name)
    : object_(object), path_(std::move(path)), name_(name) {
  if (!object_.is_object()) {
    throw Error(ErrorCode::kMalformedFile, name_ + ": field '" + path_ + "': expected an object");
  }
}

const Json* ForeignFields::Find(const char* key) const {
  const auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

std::string ForeignFields::PathOf(const char* key) const {
  return path_.empty() ? key : path_ + "." + key;
}

ForeignFields ForeignFields::Object(const char* key) const {
  static const Json empty = Json::object();
  const Json* found = Find(key);
  return {found == nullptr ? empty : *found, PathOf(key), name_};
}

std::optional<int64_t> ForeignFields::Integer(const char* key) const {
  const Json* found = Find(key);
  if (found == nullptr) return std::nullopt;
  return JsonInteger(*found, PathOf(key), name_);
}

std::optional<double> ForeignFields::Number(const char* key) const {
  const Json* found = Find(key);
  if (found == nullptr) return std::nullopt;
  return JsonNumber(*found, PathOf(key), name_);
}

std::optional<bool> ForeignFields::Bool(const char* key) const {
  const Json* found = Find(key);
  if (found == nullptr) return std::nullopt;
  return JsonBool(*found, PathOf(key), name_);
}

std::optional<std::string> ForeignFields::String(const char* key) const {
  const Json* found = Find(key);
  if (found == nullptr) return std::nullopt;
  return JsonString(*found, PathOf(key), name_);
}

std::optional<int64_t> ForeignFields::Side(const char* key) const {
  const Json* found = Find(key);
  if (found == nullptr || !found->is_array() || found->size() != 2) return Integer(key);
  const int64_t height = JsonInteger((*found)[0], PathOf(key), name_);
  if (height != JsonInteger((*found)[1], PathOf(key), name_)) {
    throw Error(ErrorCode::kUnsupported,
                name_ + ": field '" + PathOf(key) + "': expected a square, found " + found->dump());
  }
  return height;
}

}  // namespace siglip
