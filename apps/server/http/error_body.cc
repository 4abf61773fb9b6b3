#include "server/http/error_body.h"

#include <nlohmann/json.hpp>

namespace siglip::server {

std::string ErrorBody(int status, std::string_view code, std::string_view message) {
  const nlohmann::ordered_json body = {
      {"error",
       {{"message", message}, {"type", ErrorType(status)}, {"param", nullptr}, {"code", code}}}};
  return body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string_view ErrorType(int status) {
  switch (status) {
    case 401: return "authentication_error";
    case 403: return "permission_error";
    case 404:
    case 410: return "not_found_error";
    case 429: return "rate_limit_error";
    default: return status < 500 ? "invalid_request_error" : "server_error";
  }
}

}  // namespace siglip::server
