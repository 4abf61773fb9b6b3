// What is wrong with a request, as it is told to the client.
#pragma once

#include <cstddef>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "siglip/error.hpp"

namespace siglip::server {

/// What is wrong with one item of a request; the others are none the worse for it.
struct ItemError {
  size_t index = 0;     ///< Of the item in the request, from 0.
  std::string code;     ///< As ApiError's.
  std::string message;  ///< What was expected and what was found, in one line.

  bool operator==(const ItemError&) const = default;
};

/// What is wrong with a whole request.
class ApiError : public std::exception {
 public:
  /// A status from 400; its type follows from it (see ErrorType). `param` names the field of the
  /// request, as in "input[3]" or "dimensions"; empty where it is none.
  ApiError(int status_code, std::string code_name, std::string text, std::string field = {})
      : status(status_code),
        code(std::move(code_name)),
        message(std::move(text)),
        param(std::move(field)) {}

  const char* what() const noexcept override { return message.c_str(); }

  int status;
  std::string code;              ///< In snake case: "invalid_argument", "malformed_json", ...
  std::string message;           ///< What was expected and what was found, in one line.
  std::string param;             ///< Empty: null in the reply.
  std::vector<ItemError> items;  ///< Of a request whose items were refused: all of these.
};

/// {"error":{"message","type","param","code"}} on one line; with items also
/// "items":[{"index","code","message"}]. Bytes that are no UTF-8 are replaced.
std::string ErrorJson(const ApiError& error);

/// [{"index","code","message"}], as it stands there and in the reply to a partial request.
std::string ItemErrorsJson(std::span<const ItemError> items);

/// "input[3]", for ApiError::param.
std::string ParamOf(std::string_view field, size_t index);

/// "malformed_file", ...: the name of the library's code as it stands in replies.
std::string CodeName(ErrorCode code);

/// What the library says of one item, with its hint.
ItemError ItemErrorOf(size_t index, const Error& error);

/// What the library says of a request: 404 for kNotFound, 500 for kIo and kInternal, 503 for
/// kCancelled, else 400.
ApiError ApiErrorOf(const Error& error, std::string param = {});

/// The 400 for a request with bad items, of which there is one at least: it names the first of
/// `field` ("input"), and lists all.
ApiError BadItems(std::string_view field, std::vector<ItemError> items);

}  // namespace siglip::server
