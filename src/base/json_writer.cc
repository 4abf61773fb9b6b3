// JsonText and ShownJson. See json.h.
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "base/utf8.h"

namespace siglip {
namespace {

class Writer {
 public:
  Writer(int indent, bool only_ascii) : indent_(indent), only_ascii_(only_ascii) {}

  void Write(const Json& value, int depth) {
    if (value.is_object()) {
      const auto& members = value.get_ref<const Json::object_t&>();
      WriteList('{', members, '}', depth, [&](const auto& member) {
        WriteString(member.first);
        text_ += indent_ < 0 ? ":" : ": ";
        Write(member.second, depth + 1);
      });
    } else if (value.is_array()) {
      const auto& elements = value.get_ref<const Json::array_t&>();
      WriteList('[', elements, ']', depth, [&](const Json& element) { Write(element, depth + 1); });
    } else if (value.is_string()) {
      WriteString(value.get_ref<const std::string&>());
    } else if (value.is_number_float() && !std::isfinite(value.get<double>())) {
      const auto number = value.get<double>();
      text_ += std::isnan(number) ? "NaN" : number < 0 ? "-Infinity" : "Infinity";
    } else {
      text_ += value.dump();
    }
  }

  std::string&& text() { return std::move(text_); }

 private:
  template <typename List, typename WriteOne>
  void WriteList(char open, const List& list, char close, int depth, const WriteOne& write_one) {
    text_ += open;
    bool is_first = true;
    for (const auto& one : list) {
      if (!is_first) text_ += ',';
      is_first = false;
      StartLine(depth + 1);
      write_one(one);
    }
    if (!is_first) StartLine(depth);
    text_ += close;
  }

  void StartLine(int depth) {
    if (indent_ >= 0)
      text_.append(1, '\n').append(static_cast<size_t>(indent_) * static_cast<size_t>(depth), ' ');
  }

  void WriteString(std::string_view value) {
    text_ += '"';
    while (true) {
      const size_t valid = ValidUtf8Length(value);
      const std::string quoted = Json(value.substr(0, valid)).dump(-1, ' ', only_ascii_);
      text_ += std::string_view(quoted).substr(1, quoted.size() - 2);
      value.remove_prefix(valid);
      if (value.empty()) break;
      value.remove_prefix(WriteInvalid(value));
    }
    text_ += '"';
  }

  /// Writes a surrogate, which the reader leaves in three bytes, or else the replacement character;
  /// returns the bytes it stands for.
  size_t WriteInvalid(std::string_view value) {
    const auto byte = [&](size_t i) {
      return i < value.size() ? static_cast<unsigned>(static_cast<uint8_t>(value[i])) : 0;
    };
    const auto continues = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
    const bool is_surrogate = byte(0) == 0xED && continues(1) && continues(2);
    const unsigned unit = is_surrogate ? 0xD000 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F) : 0xFFFD;
    constexpr std::string_view kDigits = "0123456789abcdef";
    text_ += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) text_ += kDigits[unit >> shift & 15];
    return is_surrogate ? 3 : 1;
  }

  const int indent_;
  const bool only_ascii_;
  std::string text_;
};

}  // namespace

std::string JsonText(const Json& value, int indent, bool only_ascii) {
  Writer writer(indent, only_ascii);
  writer.Write(value, 0);
  return writer.text();
}

std::string ShownJson(const Json& value) {
  std::string text = JsonText(value, -1, /*only_ascii=*/true);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

}  // namespace siglip
