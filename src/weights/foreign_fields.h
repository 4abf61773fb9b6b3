// Reading the fields of other projects' configurations.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/json.h"

namespace siglip {

/// An object within a configuration. A field that is null counts as absent. Throws
/// Error(kMalformedFile) naming file and field for a value of another type than asked for.
class ForeignFields {
 public:
  /// `path` leads to the object within the file, empty for the whole; `name` is the file's. Both
  /// the object and the name must outlive this.
  ForeignFields(const Json& object, std::string path, const std::string& name);

  /// Null when the field is absent.
  const Json* Find(const char* key) const;
  /// The field as errors call it: "text_cfg.width".
  std::string PathOf(const char* key) const;

  /// The fields of the object at `key`; none when it is absent.
  ForeignFields Object(const char* key) const;
  std::optional<int64_t> Integer(const char* key) const;
  std::optional<double> Number(const char* key) const;
  std::optional<bool> Bool(const char* key) const;
  std::optional<std::string> String(const char* key) const;
  /// An integer, or [height, width] with both equal: else also throws Error(kUnsupported).
  std::optional<int64_t> Side(const char* key) const;

  const std::string& name() const { return name_; }

 private:
  const Json& object_;
  std::string path_;
  const std::string& name_;
};

}  // namespace siglip
