#include "server/http/reply_head.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "siglip/error.hpp"

namespace siglip::server {
namespace {

std::string_view ReasonPhrase(int status) {
  switch (status) {
    // clang-format off
    case 200: return "OK";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 410: return "Gone";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default: return "Other";
      // clang-format on
  }
}

/// As RFC 9110 has it, whatever the locale.
std::string HttpDate(std::time_t now) {
  constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc = {};
  gmtime_r(&now, &utc);
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                kDays.at(utc.tm_wday), utc.tm_mday, kMonths.at(utc.tm_mon), utc.tm_year + 1900,
                utc.tm_hour, utc.tm_min, utc.tm_sec);
  return text.data();
}

bool IsFieldName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-';
  });
}

bool IsFieldValue(std::string_view value) {
  return std::all_of(value.begin(), value.end(),
                     [](char byte) { return (byte >= ' ' && byte < 0x7F) || byte == '\t'; });
}

void Add(std::string& head, std::string_view name, std::string_view value) {
  if (!IsFieldName(name) || !IsFieldValue(value)) {
    throw Error(ErrorCode::kInternal, "a field of a reply breaks the rules of HTTP");
  }
  head.append(name).append(": ").append(value).append("\r\n");
}

void CheckIsNotOurs(std::string_view name) {
  constexpr std::array<std::string_view, 7> kOurs = {
      "connection",        "content-length", "content-type",          "date",
      "transfer-encoding", "x-request-id",   "x-content-type-options"};
  if (std::find(kOurs.begin(), kOurs.end(), name) != kOurs.end()) {
    throw Error(ErrorCode::kInternal, "a reply brings the field " + std::string(name) +
                                          ", which the server writes itself");
  }
}

}  // namespace

bool HasBody(int status) { return status != 204 && status != 304; }

std::string ReplyHead(const Reply& reply, std::string_view id, bool close, std::time_t now) {
  if (reply.status < 200 || reply.status > 599) {
    throw Error(ErrorCode::kInternal, "a reply with status " + std::to_string(reply.status));
  }
  std::string head = "HTTP/1.1 " + std::to_string(reply.status) + " ";
  head.append(ReasonPhrase(reply.status)).append("\r\n");
  Add(head, "date", HttpDate(now));
  if (HasBody(reply.status)) {
    Add(head, "content-length", std::to_string(reply.source ? reply.size : reply.body.size()));
    if (!reply.content_type.empty()) Add(head, "content-type", reply.content_type);
  }
  for (const HttpField& field : reply.fields) {
    CheckIsNotOurs(field.name);
    Add(head, field.name, field.value);
  }
  Add(head, "x-request-id", id);
  Add(head, "x-content-type-options", "nosniff");
  if (close) Add(head, "connection", "close");
  return head + "\r\n";
}

}  // namespace siglip::server
