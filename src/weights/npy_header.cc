// See npy_header.h.
#include "weights/npy_header.h"

#include <array>
#include <charconv>
#include <set>
#include <string_view>
#include <vector>

#include "siglip/error.hpp"
#include "weights/quoted.h"

namespace siglip {
namespace {

constexpr std::string_view kNpyMagic = "\x93NUMPY";
constexpr size_t kMostHeaderBytes = size_t{1} << 16;
constexpr size_t kMostNumpyExtents = 64;  // numpy's limit

/// The dictionary of a header: a Python literal of strings, booleans and one tuple of integers.
class LiteralParser {
 public:
  LiteralParser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  NpyHeader Parse() {
    NpyHeader header;
    std::set<std::string> seen;
    Expect('{');
    while (!Accept('}')) {
      const std::string key = ParseString();
      if (!seen.insert(key).second) throw Malformed("key " + Quoted(key) + " is there twice");
      Expect(':');
      if (key == "descr") {
        header.dtype = ParseDType();
      } else if (key == "fortran_order") {
        header.fortran_order = ParseBool();
      } else if (key == "shape") {
        header.shape = ParseShape();
      } else {
        throw Malformed("unknown key " + Quoted(key));
      }
      if (!Accept(',')) {
        Expect('}');
        break;
      }
    }
    SkipSpaces();
    if (!text_.empty()) throw Malformed("text after the dictionary");
    if (seen.size() != 3) throw Malformed("expected the keys descr, fortran_order and shape");
    return header;
  }

 private:
  Error Malformed(const std::string& what) const {
    return Error(ErrorCode::kMalformedFile, name_ + ": header: " + what);
  }

  void SkipSpaces() {
    while (!text_.empty() && (text_.front() == ' ' || text_.front() == '\n')) {
      text_.remove_prefix(1);
    }
  }

  bool Accept(char wanted) {
    SkipSpaces();
    if (!text_.starts_with(wanted)) return false;
    text_.remove_prefix(1);
    return true;
  }

  void Expect(char wanted) {
    if (Accept(wanted)) return;
    throw Malformed("expected '" + std::string(1, wanted) + "', found " +
                    (text_.empty() ? "the end" : Quoted(text_.substr(0, 1))));
  }

  std::string ParseString() {
    SkipSpaces();
    const char quote = text_.empty() ? '\0' : text_.front();
    if (quote != '\'' && quote != '"') throw Malformed("expected a string");
    text_.remove_prefix(1);
    const size_t end = text_.find(quote);
    if (end == std::string_view::npos) throw Malformed("a string without end");
    std::string value(text_.substr(0, end));
    text_.remove_prefix(end + 1);
    return value;
  }

  std::string ParseDType() {
    SkipSpaces();
    if (text_.starts_with('[')) {
      throw Error(ErrorCode::kUnsupported,
                  name_ + ": header: an array of records, expected one of numbers");
    }
    return ParseString();
  }

  bool ParseBool() {
    SkipSpaces();
    for (const auto& [word, value] : {std::pair("True", true), std::pair("False", false)}) {
      if (!text_.starts_with(word)) continue;
      text_.remove_prefix(std::string_view(word).size());
      return value;
    }
    throw Malformed("expected True or False");
  }

  Shape ParseShape() {
    Shape shape;
    Expect('(');
    while (!Accept(')')) {
      SkipSpaces();
      int64_t extent = 0;
      const auto [rest, error] = std::from_chars(text_.data(), text_.data() + text_.size(), extent);
      if (error != std::errc() || extent < 0) throw Malformed("expected an extent of the shape");
      if (shape.size() == kMostNumpyExtents) {
        throw Malformed("more than " + std::to_string(kMostNumpyExtents) + " extents");
      }
      shape.push_back(extent);
      text_.remove_prefix(static_cast<size_t>(rest - text_.data()));
      if (!Accept(',')) {
        Expect(')');
        break;
      }
    }
    return shape;
  }

  std::string_view text_;
  const std::string& name_;
};

}  // namespace

NpyHeader ReadNpyHeader(const std::function<void(std::span<std::byte>)>& read,
                        const std::string& name) {
  std::array<std::byte, 8> start;  // magic and version
  read(start);
  const std::string_view magic(reinterpret_cast<const char*>(start.data()), kNpyMagic.size());
  if (magic != kNpyMagic) throw Error(ErrorCode::kMalformedFile, name + ": no .npy file");
  const auto version = std::to_integer<int>(start[6]);
  if (version < 1 || version > 3) {
    throw Error(ErrorCode::kUnsupported, name + ": version " + std::to_string(version) +
                                             " of the .npy format, expected 1 to 3");
  }
  std::array<std::byte, 4> length_bytes = {};
  const size_t length_size = version == 1 ? 2 : 4;
  read(std::span(length_bytes).first(length_size));
  size_t length = 0;
  for (size_t i = 0; i < length_size; ++i) {
    length |= std::to_integer<size_t>(length_bytes[i]) << (8 * i);
  }
  if (length > kMostHeaderBytes) {
    throw Error(ErrorCode::kMalformedFile, name + ": header of " + std::to_string(length) +
                                               " bytes, allowed are " +
                                               std::to_string(kMostHeaderBytes));
  }
  std::string text(length, '\0');
  read(std::as_writable_bytes(std::span(text)));
  NpyHeader header = LiteralParser(text, name).Parse();
  header.data_begin = start.size() + length_size + length;
  return header;
}

}  // namespace siglip
