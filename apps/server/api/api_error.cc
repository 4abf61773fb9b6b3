#include "server/api/api_error.h"

#include "output/text.h"
#include "server/http/error_body.h"

namespace siglip::server {
namespace {

int StatusOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotFound: return 404;
    case ErrorCode::kIo:
    case ErrorCode::kInternal: return 500;
    case ErrorCode::kCancelled: return 503;
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kMalformedFile:
    case ErrorCode::kUnsupported:
    case ErrorCode::kMismatch:
    case ErrorCode::kLimitExceeded: return 400;
  }
  return 500;
}

}  // namespace

std::string ItemErrorsJson(std::span<const ItemError> items) {
  std::string text = "[";
  for (const ItemError& item : items) {
    if (text.size() > 1) text += ",";
    text += "{\"index\":" + std::to_string(item.index) + ",\"code\":" + JsonQuoted(item.code) +
            ",\"message\":" + JsonQuoted(item.message) + "}";
  }
  return text + "]";
}

std::string ErrorJson(const ApiError& error) {
  std::string text = "{\"error\":{\"message\":" + JsonQuoted(error.message) +
                     ",\"type\":" + JsonQuoted(ErrorType(error.status)) +
                     ",\"param\":" + (error.param.empty() ? "null" : JsonQuoted(error.param)) +
                     ",\"code\":" + JsonQuoted(error.code);
  if (!error.items.empty()) text += ",\"items\":" + ItemErrorsJson(error.items);
  return text + "}}\n";
}

std::string ParamOf(std::string_view field, size_t index) {
  return std::string(field) + "[" + std::to_string(index) + "]";
}

std::string CodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return "invalid_argument";
    case ErrorCode::kNotFound: return "not_found";
    case ErrorCode::kIo: return "io_error";
    case ErrorCode::kMalformedFile: return "malformed_file";
    case ErrorCode::kUnsupported: return "unsupported";
    case ErrorCode::kMismatch: return "mismatch";
    case ErrorCode::kLimitExceeded: return "limit_exceeded";
    case ErrorCode::kCancelled: return "cancelled";
    case ErrorCode::kInternal: return "internal_error";
  }
  return "internal_error";
}

ItemError ItemErrorOf(size_t index, const Error& error) {
  return {index, CodeName(error.code()), error.what()};
}

ApiError ApiErrorOf(const Error& error, std::string param) {
  return {StatusOf(error.code()), CodeName(error.code()), error.what(), std::move(param)};
}

ApiError BadItems(std::string_view field, std::vector<ItemError> items) {
  const ItemError& first = items.front();
  std::string message = first.message;
  if (items.size() > 1) {
    message += "; so many items were refused: " + std::to_string(items.size());
  }
  ApiError error(400, first.code, std::move(message), ParamOf(field, first.index));
  error.items = std::move(items);
  return error;
}

}  // namespace siglip::server
