// See siglip/fingerprint.hpp. Every field is listed once, in VisitFields.
#include "siglip/fingerprint.hpp"

#include <algorithm>
#include <charconv>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/sha256.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

/// A SHA-256, which may be left out.
template <class Text>
struct HashField {
  Text& digits;
};
template <class Text>
HashField(Text&) -> HashField<Text>;  // clang 14 cannot tell

/// Calls `visit` with the name of every field, that of the JSON, and the field.
template <class Fields, class Visit>
void VisitPictureFields(Fields&& fields, const Visit& visit) {
  visit("image_weights", HashField{fields.image_weights});
  visit("image_architecture", fields.image_architecture);
  visit("preprocess", fields.preprocess);
  visit("preprocessing", fields.preprocessing);
  visit("alpha", fields.alpha);
  visit("exif_orientation", fields.exif_orientation);
  visit("fast_decode", fields.fast_decode);
  visit("max_num_patches", fields.max_num_patches);
  visit("tokens", fields.tokens);
}

template <class Fields, class Visit>
void VisitTextFields(Fields&& fields, const Visit& visit) {
  visit("text_weights", HashField{fields.text_weights});
  visit("text_architecture", fields.text_architecture);
  visit("tokenizer", HashField{fields.tokenizer});
}

constexpr std::string_view kInstructionSetClass = "instruction_set_class";
constexpr std::string_view kNormalize = "normalize";
constexpr std::string_view kPrecision = "precision";

template <class Fields, class Visit>
void VisitFields(Fields& fields, const Visit& visit) {
  if (fields.pictures) VisitPictureFields(*fields.pictures, visit);
  if (fields.texts) VisitTextFields(*fields.texts, visit);
  visit("dimension", fields.dimension);
  visit(kPrecision, fields.precision);
  visit(kInstructionSetClass, fields.instruction_set_class);
  visit(kNormalize, fields.normalize);
}

/// Null for a hash left out.
Json ToJsonValue(HashField<const std::string> hash) {
  return hash.digits.empty() ? Json() : Json(hash.digits);
}
Json ToJsonValue(const std::string& text) { return text; }
Json ToJsonValue(bool flag) { return flag; }
Json ToJsonValue(int64_t number) { return number; }
template <class Enum>
requires std::is_enum_v<Enum> Json ToJsonValue(Enum value) { return std::string(ToString(value)); }

enum class Hashes { kRequired, kMayBeLeftOut };

/// Reads the fields of an object, each of which must be there, and nothing else.
class FieldReader {
 public:
  FieldReader(const Json& object, const std::string& name, Hashes hashes = Hashes::kRequired)
      : object_(object), name_(name), hashes_(hashes) {}

  void operator()(std::string_view key, HashField<std::string> hash) const {
    if (hashes_ == Hashes::kMayBeLeftOut && !object_.contains(key)) return;
    hash.digits = Text(key);
    if (!IsSha256(hash.digits)) throw Wrong(key, "64 hexadecimal digits");
  }
  void operator()(std::string_view key, std::string& text) const {
    text = Text(key);
    const bool printable = std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
    if (text.empty() || text.size() > kLongestText || !printable) {
      throw Wrong(key, "1 to " + std::to_string(kLongestText) + " printable characters of ASCII");
    }
  }
  void operator()(std::string_view key, bool& flag) const {
    if (!Field(key).is_boolean()) throw Wrong(key, "true or false");
    flag = Field(key).get<bool>();
  }
  void operator()(std::string_view key, int64_t& number) const {
    if (!Field(key).is_number_unsigned() || Field(key).get<uint64_t>() < 1 ||
        Field(key).get<uint64_t>() > kLargestNumber) {
      throw Wrong(key, "a number from 1 to " + std::to_string(kLargestNumber));
    }
    number = Field(key).get<int64_t>();
  }
  void operator()(std::string_view key, Precision& value) const {
    ParseInto(key, ParsePrecision, value);
  }
  void operator()(std::string_view key, PreprocessMode& value) const {
    ParseInto(key, ParsePreprocessMode, value);
  }
  void operator()(std::string_view key, AlphaPolicy& value) const {
    ParseInto(key, ParseAlphaPolicy, value);
  }

  void RefuseOthers(const Fingerprint& fields) const {
    std::vector<std::string_view> known;
    VisitFields(fields, [&](std::string_view key, const auto&) { known.push_back(key); });
    for (const auto& [key, value] : object_.items()) {
      if (std::ranges::find(known, key) == known.end()) throw Wrong(key, "no such field");
    }
  }

 private:
  static constexpr uint64_t kLargestNumber = uint64_t{1} << 32;
  static constexpr size_t kLongestText = 4096;

  const Json& Field(std::string_view key) const {
    const auto found = object_.find(key);
    if (found != object_.end()) return *found;
    throw Error(ErrorCode::kMalformedFile, name_ + ": field '" + std::string(key) + "' is missing");
  }
  std::string Text(std::string_view key) const { return JsonString(Field(key), key, name_); }
  Error Wrong(std::string_view key, const std::string& expected) const {
    return Error(ErrorCode::kMalformedFile, name_ + ": field '" + std::string(key) +
                                                "': expected " + expected + ", found " +
                                                ShownJson(Field(key)));
  }
  template <class Value>
  void ParseInto(std::string_view key, Value (*parse)(std::string_view), Value& value) const {
    try {
      value = parse(Text(key));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kInvalidArgument) throw;
      throw Error(ErrorCode::kMalformedFile,
                  name_ + ": field '" + std::string(key) + "': " + error.message(), error.hint());
    }
  }

  const Json& object_;
  const std::string& name_;
  const Hashes hashes_;
};

/// Of an object with some of the fields those of pictures or texts whose fields it has.
Fingerprint WithParts(const Json& object) {
  Fingerprint fingerprint;
  VisitPictureFields(PictureFingerprint(), [&](std::string_view key, const auto&) {
    if (object.contains(key)) fingerprint.pictures.emplace();
  });
  VisitTextFields(TextFingerprint(), [&](std::string_view key, const auto&) {
    if (object.contains(key)) fingerprint.texts.emplace();
  });
  return fingerprint;
}

struct Field {
  std::string key;
  Json value;
};

/// In their order.
std::vector<Field> FieldsOf(const Fingerprint& fingerprint) {
  std::vector<Field> fields;
  VisitFields(fingerprint, [&](std::string_view key, const auto& field) {
    fields.push_back({std::string(key), ToJsonValue(field)});
  });
  return fields;
}

std::string KeyInWords(std::string key) {
  std::ranges::replace(key, '_', ' ');
  return key;
}

std::string ValueInWords(const Json& value) {
  if (value.is_null()) return "left out";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  return value.dump();
}

/// What ValueInWords has made of a value like `field`. Words that are none such stay words.
template <class Value>
Json FromWordsOf(const Value& field, const std::string& words) {
  if constexpr (std::is_same_v<Value, bool>) {
    if (words == "yes" || words == "no") return words == "yes";
  } else if constexpr (std::is_same_v<Value, int64_t>) {
    uint64_t number = 0;
    const char* const end = words.data() + words.size();
    const auto [rest, error] = std::from_chars(words.data(), end, number);
    if (error == std::errc() && rest == end) return number;
  }
  static_cast<void>(field);
  return words;
}

const Json* Find(const std::vector<Field>& fields, const std::string& key) {
  const auto found = std::ranges::find(fields, key, &Field::key);
  return found == fields.end() ? nullptr : &found->value;
}

bool Counts(const std::string& key, FingerprintRelation relation) {
  if (relation == FingerprintRelation::kSameBits) return true;
  if (key == kInstructionSetClass || key == kNormalize) return false;
  return key != kPrecision || relation == FingerprintRelation::kComparable;
}

std::string ContentInWords(const Fingerprint& fingerprint) {
  if (!fingerprint.texts) return "pictures";
  return fingerprint.pictures ? "pictures and texts" : "texts";
}

bool HaveContentInCommon(const Fingerprint& one, const Fingerprint& other) {
  return (one.pictures && other.pictures) || (one.texts && other.texts);
}

}  // namespace

std::string Fingerprint::ToJson() const {
  Json object = Json::object();
  for (Field& field : FieldsOf(*this)) {
    if (field.value.is_null()) {
      throw Error(ErrorCode::kInvalidArgument,
                  "fingerprint: '" + field.key + "' is left out, so it tells no models apart");
    }
    object[field.key] = std::move(field.value);
  }
  return JsonText(object);
}

Fingerprint Fingerprint::FromJson(std::string_view json, const std::string& name) {
  const Json object = ParseStrictJson(json, name);
  if (!object.is_object()) {
    throw Error(ErrorCode::kMalformedFile, name + ": expected a JSON object");
  }
  Fingerprint fingerprint = WithParts(object);
  if (!fingerprint.pictures && !fingerprint.texts) {
    throw Error(ErrorCode::kMalformedFile, name + ": no field of pictures or of texts");
  }
  const FieldReader reader(object, name);
  VisitFields(fingerprint, reader);
  reader.RefuseOthers(fingerprint);
  return fingerprint;
}

std::map<std::string, std::string> Fingerprint::InWords() const {
  std::map<std::string, std::string> words;
  for (const Field& field : FieldsOf(*this)) {
    if (field.value.is_null()) continue;
    words.emplace(KeyInWords(field.key), ValueInWords(field.value));
  }
  return words;
}

std::optional<Fingerprint> Fingerprint::FromWords(const std::map<std::string, std::string>& words,
                                                  const std::string& name) {
  Fingerprint all;
  all.pictures.emplace();
  all.texts.emplace();
  Json object = Json::object();
  VisitFields(all, [&](std::string_view key, const auto& field) {
    const auto found = words.find(KeyInWords(std::string(key)));
    if (found != words.end()) object[std::string(key)] = FromWordsOf(field, found->second);
  });
  Fingerprint fingerprint = WithParts(object);
  if (!fingerprint.pictures && !fingerprint.texts) return std::nullopt;
  VisitFields(fingerprint, FieldReader(object, name, Hashes::kMayBeLeftOut));
  return fingerprint;
}

std::string ToString(const FingerprintDifference& difference) {
  return difference.name + " was " + difference.expected + ", is now " + difference.found;
}

std::optional<FingerprintDifference> FirstDifference(const Fingerprint& expected,
                                                     const Fingerprint& found,
                                                     FingerprintRelation relation) {
  const bool same_content = expected.pictures.has_value() == found.pictures.has_value() &&
                            expected.texts.has_value() == found.texts.has_value();
  const bool fits = relation == FingerprintRelation::kSameBits
                        ? same_content
                        : HaveContentInCommon(expected, found);
  if (!fits) {
    return FingerprintDifference{"content", ContentInWords(expected), ContentInWords(found)};
  }
  const std::vector<Field> others = FieldsOf(found);
  for (const Field& field : FieldsOf(expected)) {
    const Json* other = Find(others, field.key);
    if (other == nullptr || *other == field.value || !Counts(field.key, relation)) continue;
    return FingerprintDifference{KeyInWords(field.key), ValueInWords(field.value),
                                 ValueInWords(*other)};
  }
  return std::nullopt;
}

}  // namespace siglip
