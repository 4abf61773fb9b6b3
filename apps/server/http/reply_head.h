// What stands before the body of a reply.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "server/http/http_message.h"

namespace siglip::server {

/// Whether a reply of this status has a body: all but 204 and 304.
bool HasBody(int status);

/// First line and fields, final CRLFCRLF included. `id` becomes x-request-id, `close` "connection:
/// close", `now` the date. Throws Error (kInternal) when a status is not within 200..599, a name of
/// a field is no token or one that the server itself writes, or a value holds a byte that is
/// neither printable ASCII nor blank: nothing may break out of its line.
std::string ReplyHead(const Reply& reply, std::string_view id, bool close, std::time_t now);

}  // namespace siglip::server
