#include "server/http/header_scan.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "server/http/header_text.h"
#include "siglip/error.hpp"

namespace siglip::server {
namespace {

// Thrown and caught within this file.
struct HeaderRefusal {
  HeaderFault fault;
};

[[noreturn]] void RefuseHeader(int status, std::string code, std::string message) {
  throw HeaderRefusal{{status, std::move(code), std::move(message)}};
}

[[noreturn]] void RefuseMalformed(std::string message) {
  RefuseHeader(400, "malformed_request", std::move(message));
}

bool IsPrintable(char byte) { return byte > ' ' && byte < 0x7F; }

bool IsToken(std::string_view text) {
  constexpr std::string_view kSeparators = "\"(),/:;<=>?@[\\]{}";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char byte) {
    return IsPrintable(byte) && kSeparators.find(byte) == kSeparators.npos;
  });
}

/// The next line without its CRLF, which every block has.
std::string_view TakeLine(std::string_view& block) {
  const size_t end = block.find("\r\n");
  if (end == block.npos) RefuseMalformed("the header does not end with an empty line");
  const std::string_view line = block.substr(0, end);
  block.remove_prefix(end + 2);
  return line;
}

/// Whether the version is 1.1; the other one that is taken is 1.0.
bool IsVersion11(std::string_view version) {
  const auto is_digit = [](char byte) { return byte >= '0' && byte <= '9'; };
  if (version.size() != 8 || !version.starts_with("HTTP/") || !is_digit(version[5]) ||
      version[6] != '.' || !is_digit(version[7])) {
    RefuseMalformed("the first line must be a method, a target and a version, one blank apart");
  }
  if (version != "HTTP/1.0" && version != "HTTP/1.1") {
    RefuseHeader(505, "http_version", "HTTP/1.1 and HTTP/1.0 are spoken here");
  }
  return version.back() == '1';
}

bool ReadFirstLine(std::string_view line, RequestHead& head) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == line.npos || first == last) {
    RefuseMalformed("the first line must be a method, a target and a version, one blank apart");
  }
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const bool is_version_11 = IsVersion11(line.substr(last + 1));
  if (!IsToken(method)) RefuseMalformed("the method is no token");
  if (method == "CONNECT" || method == "TRACE") {
    RefuseHeader(405, "method_not_allowed", "CONNECT and TRACE are not served");
  }
  if (target.size() > kMaxTargetBytes) RefuseMalformed("the target is longer than 8 KiB");
  if (!std::all_of(target.begin(), target.end(), IsPrintable)) {
    RefuseMalformed("the target holds a byte that must be written as %XX");
  }
  try {
    head.resource = ParseTarget(target);
  } catch (const Error& error) {
    RefuseMalformed(error.message());
  }
  head.method = method;
  head.target = target;
  return is_version_11;
}

HttpField ReadField(std::string_view line) {
  if (IsBlank(line.front())) RefuseMalformed("a folded line");
  const size_t colon = line.find(':');
  if (colon == line.npos) RefuseMalformed("a line without a colon");
  if (!IsToken(line.substr(0, colon))) RefuseMalformed("the name of a field is no token");
  const std::string_view value = WithoutBlanks(line.substr(colon + 1));
  if (!std::all_of(value.begin(), value.end(),
                   [](char byte) { return IsPrintable(byte) || IsBlank(byte); })) {
    RefuseMalformed("the value of a field holds a byte that is not printable ASCII");
  }
  return {Lower(line.substr(0, colon)), std::string(value)};
}

/// Two of these could be read by one program this way and by another that way.
void CheckSingleFields(const std::vector<HttpField>& fields) {
  constexpr std::array<std::string_view, 12> kSingle = {
      "host",           "content-length", "transfer-encoding",
      "content-type",   "authorization",  "origin",
      "cookie",         "expect",         "content-encoding",
      "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"};
  for (const std::string_view name : kSingle) {
    const auto count = std::count_if(fields.begin(), fields.end(),
                                     [&](const HttpField& field) { return field.name == name; });
    if (count > 1) RefuseMalformed("more than one " + std::string(name));
  }
}

uint64_t ReadLength(const std::string& text) {
  if (text.empty() || text.find_first_not_of("0123456789") != text.npos) {
    RefuseMalformed("content-length is not a number of digits only");
  }
  uint64_t length = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), length);
  return read.ec == std::errc() ? length : std::numeric_limits<uint64_t>::max();
}

void ReadFraming(bool is_version_11, ScannedHeader& header) {
  const std::string* const length = header.head.Find("content-length");
  const std::string* const encoding = header.head.Find("transfer-encoding");
  if (length && encoding) RefuseMalformed("both content-length and transfer-encoding");
  if (length) header.content_length = ReadLength(*length);
  if (encoding) {
    if (!is_version_11) RefuseMalformed("HTTP/1.0 knows no transfer-encoding");
    if (Lower(*encoding) != "chunked") {
      RefuseHeader(501, "transfer_encoding", "of all transfer encodings only chunked is taken");
    }
    header.chunked = true;
  }
}

bool HasToken(const std::vector<HttpField>& fields, std::string_view name, std::string_view token) {
  for (const HttpField& field : fields) {
    if (field.name != name) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find(','), rest.size());
      if (Lower(WithoutBlanks(rest.substr(0, end))) == token) return true;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return false;
}

ScannedHeader Scan(std::string_view block) {
  ScannedHeader header;
  RequestHead& head = header.head;
  const bool is_version_11 = ReadFirstLine(TakeLine(block), head);
  for (std::string_view line = TakeLine(block); !line.empty(); line = TakeLine(block)) {
    if (head.fields.size() == kMaxFields) {
      RefuseHeader(431, "header_too_large", "more than 100 fields in the header");
    }
    head.fields.push_back(ReadField(line));
  }
  if (!block.empty()) RefuseMalformed("bytes behind the header");
  CheckSingleFields(head.fields);
  if (!head.Find("host")) RefuseMalformed("no host");
  ReadFraming(is_version_11, header);
  header.keep_alive = is_version_11 && !HasToken(head.fields, "connection", "close");
  if (const std::string* const expect = head.Find("expect")) {
    if (Lower(*expect) != "100-continue") {
      RefuseHeader(417, "expectation_failed", "the only expectation that is met is 100-continue");
    }
    header.expects_continue = is_version_11;
  }
  return header;
}

}  // namespace

std::variant<std::monostate, size_t, HeaderFault> FindHeaderEnd(std::string_view bytes,
                                                                size_t& seen) {
  const size_t end = std::min(bytes.size(), kMaxHeaderBytes);
  for (; seen < end; ++seen) {
    const char byte = bytes[seen];
    const bool after_return = seen > 0 && bytes[seen - 1] == '\r';
    if ((byte == '\n') != after_return) {
      return HeaderFault{400, "malformed_request", "a line that does not end with CR and LF"};
    }
    if (byte == '\n' && seen >= 3 && bytes.substr(seen - 3, 4) == "\r\n\r\n") return ++seen;
    if (!IsPrintable(byte) && !IsBlank(byte) && byte != '\r' && byte != '\n') {
      return HeaderFault{400, "malformed_request",
                         "a byte in the header that is neither printable ASCII nor blank"};
    }
  }
  if (bytes.size() >= kMaxHeaderBytes) {
    return HeaderFault{431, "header_too_large", "the header is longer than 16 KiB"};
  }
  return std::monostate();
}

std::variant<ScannedHeader, HeaderFault> ScanHeader(std::string_view block) {
  try {
    return Scan(block);
  } catch (HeaderRefusal& refusal) {
    return std::move(refusal.fault);
  }
}

}  // namespace siglip::server
