// The header of a request and the bytes behind it, as a server gets them: refused, or read with one
// meaning.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "server/http/header_scan.h"
#include "server/http/http_body_parser.h"

namespace siglip::server {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

bool IsText(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char byte) { return byte == '\t' || (byte >= ' ' && byte < 0x7F); });
}

void CheckHeader(const ScannedHeader& header, size_t size) {
  const RequestHead& head = header.head;
  Require(!head.method.empty() && IsText(head.method) &&
          head.method.find(' ') == std::string::npos);
  Require(head.target.starts_with('/') && head.target.size() <= kMaxTargetBytes);
  Require(head.resource.path.starts_with('/') && head.fields.size() <= kMaxFields);
  Require(!(header.content_length && header.chunked));
  size_t hosts = 0;
  size_t bytes = 0;
  for (const HttpField& field : head.fields) {
    Require(!field.name.empty() && IsText(field.value));
    Require(std::none_of(field.name.begin(), field.name.end(), [](char byte) {
      return byte <= ' ' || byte >= 0x7F || byte == ':' || (byte >= 'A' && byte <= 'Z');
    }));
    hosts += field.name == "host";
    bytes += field.name.size() + field.value.size();
  }
  Require(hosts == 1 && bytes < size);
}

/// However the bytes are cut, the same body comes out.
void CheckBody(std::string_view header, std::string_view bytes) {
  std::string whole;
  HttpBodyParser parser;
  // Beast may find fault with what the scan let through, never the other way round.
  if (!parser.Begin(header)) return;
  std::string_view rest = bytes;
  const auto result = parser.Parse(rest, [&](std::string_view piece) {
    whole += piece;
    return true;
  });
  Require(whole.size() <= bytes.size() && rest.size() <= bytes.size());
  if (result != HttpBodyParser::Result::kWhole) return;
  Require(parser.is_whole());

  std::string in_pieces;
  HttpBodyParser slow;
  Require(slow.Begin(header));
  std::string unread;
  auto slow_result = HttpBodyParser::Result::kMore;
  for (size_t i = 0; i < bytes.size() && slow_result == HttpBodyParser::Result::kMore; ++i) {
    unread += bytes[i];
    std::string_view view = unread;
    slow_result = slow.Parse(view, [&](std::string_view piece) {
      in_pieces += piece;
      return true;
    });
    unread = std::string(view);
  }
  Require(slow.is_whole() && in_pieces == whole);
}

void Run(std::string_view bytes) {
  size_t seen = 0;
  const auto end = FindHeaderEnd(bytes, seen);
  // It is found wherever the bytes are cut.
  size_t seen_in_pieces = 0;
  auto piecewise = FindHeaderEnd({}, seen_in_pieces);
  for (size_t size = 1; size <= bytes.size() && piecewise.index() == 0; size += 1 + size / 8) {
    piecewise = FindHeaderEnd(bytes.substr(0, size), seen_in_pieces);
  }
  if (piecewise.index() != 0) Require(piecewise.index() == end.index());

  const size_t* const size = std::get_if<size_t>(&end);
  const std::string_view block = size ? bytes.substr(0, *size) : bytes;
  const auto scanned = ScanHeader(block);
  if (const auto* const fault = std::get_if<HeaderFault>(&scanned)) {
    Require(fault->status >= 400 && fault->status <= 599 && !fault->code.empty());
    Require(IsText(fault->message) && fault->message.size() < 200);
    return;
  }
  Require(size != nullptr && *size <= kMaxHeaderBytes);
  CheckHeader(std::get<ScannedHeader>(scanned), *size);
  CheckBody(block, bytes.substr(*size));
}

}  // namespace
}  // namespace siglip::server

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  siglip::server::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
