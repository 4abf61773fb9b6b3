#include "server/api/embeddings_request.h"

#include <array>
#include <utility>

#include "server/api/input_reader.h"
#include "server/api/request_fields.h"

namespace siglip::server {
namespace {

using Kind = JsonValue::Kind;

/// What vLLM takes: a conversation, here of one message.
InputItem ReadMessages(JsonValue messages) {
  if (messages.kind() != Kind::kArray) Refuse("messages", "a list of one message", messages);
  std::optional<JsonValue> message;
  size_t count = 0;
  messages.VisitItems([&](size_t index, JsonValue value) {
    message = value;
    count = index + 1;
    return count < 2;
  });
  const std::string param = ParamOf("messages", 0);
  if (count != 1) {
    Refuse("messages", "one message, of the role \"user\"",
           std::string(count == 0 ? "none" : "more"));
  }
  if (message->kind() != Kind::kObject) Refuse(param, "an object with \"content\"", *message);
  const RequestFields fields(*message, param);
  static constexpr std::array<std::string_view, 1> kRoles = {"user"};
  fields.Word("role", kRoles);
  const std::optional<JsonValue> content = fields.Find("content");
  if (!content) Refuse(param, "\"content\"", std::string("none"));
  auto item = ReadContent(*content, fields.ParamOf("content"));
  return std::visit([](auto& one) { return InputItem(std::move(one)); }, item);
}

/// Which of them says what is to be embedded.
std::string_view InputName(const RequestFields& fields) {
  std::string_view name;
  for (const std::string_view candidate : {"input", "inputs", "messages"}) {
    if (!fields.Find(candidate)) continue;
    if (!name.empty()) {
      Refuse(std::string(candidate), "one of \"input\", \"inputs\" and \"messages\"",
             "also \"" + std::string(name) + "\"");
    }
    name = candidate;
  }
  if (name.empty()) Refuse("input", "texts or pictures to embed", std::string("none"));
  return name;
}

void CheckDimensions(const RequestFields& fields, int64_t dimension) {
  const std::optional<JsonValue> value = fields.Find("dimensions");
  if (!value) return;
  if (value->kind() == Kind::kNumber && value->Integer() == dimension) return;
  Refuse(
      "dimensions",
      std::to_string(dimension) + " or nothing, since embeddings of this model cannot be shortened",
      *value);
}

}  // namespace

EmbeddingsRequest ReadEmbeddingsRequest(std::string_view json, int64_t dimension) {
  static constexpr std::array<std::string_view, 2> kFormats = {"float", "base64"};
  static constexpr std::array<std::string_view, 2> kModalities = {"text", "image"};
  const RequestFields fields = RequestFields::OfBody(json);
  EmbeddingsRequest request;
  request.model = fields.String("model");
  if (fields.Word("encoding_format", kFormats) == 1) {
    request.encoding_format = EncodingFormat::kBase64;
  }
  const bool are_pictures = fields.Word("modality", kModalities) == 1;
  request.normalize = fields.Bool("normalize", true);
  request.partial = fields.Bool("partial", false);
  CheckDimensions(fields, dimension);

  const std::string_view name = InputName(fields);
  request.field = name;
  const JsonValue input = *fields.Find(name);
  if (name == "messages") {
    request.items.push_back(ReadMessages(input));
    return request;
  }
  request.items = ReadItems(input, std::string(name),
                            are_pictures ? PlainString::kPicture : PlainString::kText);
  CheckItems(name, request.items, request.partial);
  return request;
}

EmbeddingsRequest ReadPictureBody(std::string body) {
  if (body.empty()) {
    throw ApiError(400, "invalid_argument", "expected a picture as the body, found an empty one");
  }
  EmbeddingsRequest request;
  request.items.emplace_back(InputPicture{std::move(body)});
  return request;
}

}  // namespace siglip::server
