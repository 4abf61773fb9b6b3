#include "server/api/input_reader.h"

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "server/api/picture_text.h"
#include "server/api/request_fields.h"

namespace siglip::server {
namespace {

using Kind = JsonValue::Kind;

constexpr size_t kMaxParts = 16;
constexpr const char* kItemForms =
    "a string, {\"text\"}, {\"image\"}, {\"content\"} or a part with a \"type\" of \"text\", "
    "\"image_url\" or \"image_base64\"";

enum class Form { kText, kPictureUri, kPicture };

/// The string that an item is made of, before it is read.
struct Found {
  Form form;
  JsonValue string;
  std::string param;
};

bool IsPicture(Form form) { return form != Form::kText; }

Found StringFound(Form form, JsonValue value, std::string param) {
  if (value.kind() != Kind::kString) Refuse(param, "a string", value);
  return {form, value, std::move(param)};
}

/// "image_url" is a data URI, or an object with one.
Found UriFound(JsonValue value, const std::string& param) {
  if (value.kind() != Kind::kObject) return StringFound(Form::kPictureUri, value, param);
  const RequestFields fields(value, param);
  const std::optional<JsonValue> url = fields.Find("url");
  if (!url) Refuse(param, "{\"url\": \"data:image/...\"}", std::string("no \"url\""));
  return StringFound(Form::kPictureUri, *url, fields.ParamOf("url"));
}

[[noreturn]] void RefuseSeveral(const std::string& param, const std::string& found) {
  Refuse(param, "one text or one picture, which has an embedding of its own", found);
}
constexpr const char* kTextAndPicture = "a text and a picture together: send two items";

/// What an object with a "type" is made of.
Found TypedFound(const RequestFields& fields, const std::string& param) {
  struct Type {
    std::string_view name, field;
  };
  static constexpr std::array<Type, 4> kTypes = {{{"text", "text"},
                                                  {"image_url", "image_url"},
                                                  {"image", "image_url"},
                                                  {"image_base64", "image_base64"}}};
  static constexpr std::array<std::string_view, kTypes.size()> kNames = {
      kTypes[0].name, kTypes[1].name, kTypes[2].name, kTypes[3].name};
  const Type& type = kTypes[*fields.Word("type", kNames)];
  const std::optional<JsonValue> value = fields.Find(type.field);
  const std::string name = fields.ParamOf(type.field);
  if (!value) {
    Refuse(param,
           "\"" + std::string(type.field) + "\" beside the type \"" + std::string(type.name) + "\"",
           std::string("none"));
  }
  if (type.field == "image_url") return UriFound(*value, name);
  return StringFound(type.field == "text" ? Form::kText : Form::kPicture, *value, name);
}

bool IsEmptyText(JsonValue value) { return value.text() == "\"\""; }

/// An object without "content". Beside a picture there may be a text, if it is empty: SigLIP has no
/// embedding of both.
Found PartFound(const RequestFields& fields, const std::string& param) {
  const std::optional<JsonValue> text = fields.Find("text");
  const std::optional<JsonValue> image = fields.Find("image");
  if (!fields.Find("type")) {
    if (!text && !image) Refuse(param, kItemForms, std::string("an object with none of these"));
    if (!image) return StringFound(Form::kText, *text, fields.ParamOf("text"));
    if (text && !IsEmptyText(*text)) RefuseSeveral(param, kTextAndPicture);
    return StringFound(Form::kPicture, *image, fields.ParamOf("image"));
  }
  Found found = TypedFound(fields, param);
  if (IsPicture(found.form) ? text && !IsEmptyText(*text) : image.has_value()) {
    RefuseSeveral(param, kTextAndPicture);
  }
  if (image) RefuseSeveral(param, "two pictures");
  return found;
}

/// A list of parts, all of which but one are empty texts.
Found ContentFound(JsonValue content, const std::string& param) {
  if (content.kind() == Kind::kString) return StringFound(Form::kText, content, param);
  if (content.kind() != Kind::kArray) Refuse(param, "a string or a list of parts", content);
  std::optional<Found> found;
  VisitOneOrMany(content, param, kMaxParts, [&](JsonValue part, const std::string& name) {
    if (part.kind() != Kind::kObject) Refuse(name, "an object with a \"type\"", part);
    const RequestFields fields(part, name);
    if (fields.Find("content")) Refuse(name, "no \"content\" inside another", std::string("one"));
    Found one = PartFound(fields, name);
    if (!IsPicture(one.form) && IsEmptyText(one.string)) return;
    if (found) {
      RefuseSeveral(param, IsPicture(found->form) != IsPicture(one.form)
                               ? kTextAndPicture
                               : "several: send them as items of a list");
    }
    found.emplace(std::move(one));
  });
  if (!found) RefuseSeveral(param, "only empty texts");
  return *found;
}

Found ObjectFound(JsonValue value, const std::string& param) {
  const RequestFields fields(value, param);
  const std::optional<JsonValue> content = fields.Find("content");
  if (!content) return PartFound(fields, param);
  for (const char* name : {"type", "text", "image"}) {
    if (fields.Find(name)) {
      Refuse(param, "nothing beside \"content\"", "\"" + std::string(name) + "\"");
    }
  }
  return ContentFound(*content, fields.ParamOf("content"));
}

std::variant<InputText, InputPicture> Load(const Found& found) {
  if (!IsPicture(found.form)) {
    InputText text{found.string.String()};
    if (text.text.empty()) Refuse(found.param, "a text", std::string("an empty string"));
    return text;
  }
  PictureText picture(found.string.text().size(), found.form == Form::kPicture);
  found.string.VisitPieces([&](std::string_view piece) { return picture.Append(piece); });
  return InputPicture{std::move(picture).Finish(found.param)};
}

Form FormOf(JsonValue string, PlainString plain) {
  if (plain == PlainString::kPicture) return Form::kPicture;
  std::string beginning;  // slashes may be escaped
  string.VisitPieces([&](std::string_view piece) {
    beginning += piece.substr(0, 16);
    return beginning.size() < 16;
  });
  return IsPictureUri(beginning) ? Form::kPictureUri : Form::kText;
}

/// Token numbers, which clients made for OpenAI's models send in place of text.
void RefuseTokens(JsonValue value, const std::string& param) {
  if (value.kind() != Kind::kNumber && value.kind() != Kind::kArray) return;
  throw ApiError(400, "unsupported",
                 param + ": expected texts and pictures, found " + value.Described() +
                     ": token numbers cannot be read, since this model has a tokenizer of its own "
                     "(LangChain: OpenAIEmbeddings(check_embedding_ctx_length=False))",
                 param);
}

}  // namespace

std::variant<InputText, InputPicture> ReadItem(JsonValue value, const std::string& param,
                                               PlainString plain) {
  if (value.kind() == Kind::kString) return Load({FormOf(value, plain), value, param});
  if (value.kind() != Kind::kObject) Refuse(param, kItemForms, value);
  return Load(ObjectFound(value, param));
}

std::variant<InputText, InputPicture> ReadContent(JsonValue value, const std::string& param) {
  return Load(ContentFound(value, param));
}

std::vector<InputItem> ReadItems(JsonValue value, const std::string& param, PlainString plain) {
  if (value.kind() == Kind::kArray) {  // also where these are more than items may be
    value.VisitItems([&](size_t index, JsonValue item) {
      RefuseTokens(item, ParamOf(param, index));
      return false;
    });
  }
  std::vector<InputItem> items;
  VisitOneOrMany(value, param, kMaxItems, [&](JsonValue item, const std::string& name) {
    RefuseTokens(item, name);
    try {
      auto read = ReadItem(item, name, plain);
      std::visit([&](auto& one) { items.emplace_back(std::move(one)); }, read);
    } catch (const ApiError& error) {
      items.emplace_back(ItemError{items.size(), error.code, error.message});
    }
  });
  return items;
}

void CheckItems(std::string_view name, const std::vector<InputItem>& items, bool partial) {
  std::vector<ItemError> errors;
  for (const InputItem& item : items) {
    if (const auto* const error = std::get_if<ItemError>(&item)) errors.push_back(*error);
  }
  if (errors.empty() || (partial && errors.size() < items.size())) return;
  throw BadItems(name, std::move(errors));
}

}  // namespace siglip::server
