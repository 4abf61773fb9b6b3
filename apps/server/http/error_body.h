// What a client is told when there is nothing else to tell: OpenAI's form of an error.
#pragma once

#include <string>
#include <string_view>

namespace siglip::server {

/// {"error":{"message","type","param":null,"code"}} on one line; the type follows from the status:
/// invalid_request_error, authentication_error (401), permission_error (403), not_found_error (404,
/// 410), rate_limit_error (429), server_error (5xx). Bytes that are no UTF-8 are replaced.
std::string ErrorBody(int status, std::string_view code, std::string_view message);

/// The type of errors with this status.
std::string_view ErrorType(int status);

}  // namespace siglip::server
