// The fields of an object in a request, by their names, with what is expected of them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/api/json_value.h"

namespace siglip::server {

/// Those that are null count as absent. All that is read throws ApiError(400, "invalid_argument")
/// naming the field.
class RequestFields {
 public:
  /// The fields of a whole body, which must be an object.
  static RequestFields OfBody(std::string_view body);
  /// Of an object inside it; errors name `where` and the field: "input[3].text".
  explicit RequestFields(JsonValue object, std::string where = {});

  std::optional<JsonValue> Find(std::string_view name) const;
  /// What errors call a field.
  std::string ParamOf(std::string_view name) const;

  std::optional<std::string> String(std::string_view name) const;
  /// One of a few words, by its index.
  std::optional<size_t> Word(std::string_view name, std::span<const std::string_view> words) const;
  bool Bool(std::string_view name, bool otherwise) const;
  std::optional<int64_t> Integer(std::string_view name, int64_t least, int64_t most) const;
  std::optional<double> Number(std::string_view name) const;
  /// A string, or a list of `most` at most; none is empty. Nothing where it is absent.
  std::vector<std::string> Strings(std::string_view name, size_t most) const;

 private:
  const std::string where_;
  std::vector<std::pair<std::string, JsonValue>> fields_;
};

/// The ApiError(400, "invalid_argument"): "PARAM: expected EXPECTED, found FOUND".
[[noreturn]] void Refuse(const std::string& param, const std::string& expected,
                         const std::string& found);
[[noreturn]] void Refuse(const std::string& param, const std::string& expected, JsonValue found);

/// Every element of a list or, where the value is none, the value itself, with what errors call
/// it. Throws ApiError for an empty list, and for more than `most`.
void VisitOneOrMany(JsonValue value, const std::string& param, size_t most,
                    const std::function<void(JsonValue value, const std::string& param)>& visit);

}  // namespace siglip::server
