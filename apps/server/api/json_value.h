// Values of JSON, read where they stand: there is no tree, and no string is copied before it is
// asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace siglip::server {

/// A value in a text that CheckJson has passed, and that lives longer. Cheap to copy.
class JsonValue {
 public:
  enum class Kind { kNull, kBool, kNumber, kString, kArray, kObject };

  /// Exactly the text of one value, without blanks around it, of a text that was checked.
  explicit JsonValue(std::string_view text) : text_(text) {}
  /// Checks a whole body and returns its value. Throws what CheckJson does.
  static JsonValue Parse(std::string_view body);

  Kind kind() const;
  /// As it stands in the body.
  std::string_view text() const { return text_; }

  bool Bool() const { return text_.front() == 't'; }  ///< Of kBool.
  /// Of kNumber: nothing where it is too large for the type or, as an integer, has a fraction. 2.0
  /// and 2e3 are integers, too.
  std::optional<double> Number() const;
  std::optional<int64_t> Integer() const;

  /// Of kString, without escapes.
  std::string String() const;
  /// The same in pieces, which together are the string, until `visit` returns false.
  void VisitPieces(const std::function<bool(std::string_view piece)>& visit) const;

  /// Of kArray, until `visit` returns false.
  void VisitItems(const std::function<bool(size_t index, JsonValue value)>& visit) const;
  /// Of kObject.
  void VisitFields(const std::function<void(std::string key, JsonValue value)>& visit) const;

  /// "a list", "the number 3", "the string \"cat\"": for messages, shortened.
  std::string Described() const;

 private:
  std::string_view text_;
};

}  // namespace siglip::server
