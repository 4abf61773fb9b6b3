#include "output/text_rows.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/mapped_file.h"
#include "output/text.h"
#include "siglip/error.hpp"
#include "weights/malformed.h"

namespace siglip {
namespace {

class TextRows : public EmbeddingFile {
 public:
  explicit TextRows(const std::filesystem::path& path)
      : name_(path.string()), file_(MappedFile::Open(path)) {}

 protected:
  std::string_view text() const {
    return {reinterpret_cast<const char*>(file_.bytes().data()), file_.bytes().size()};
  }
  /// The `count`-th line, as errors call it.
  std::string Where(size_t count) const { return name_ + ": line " + std::to_string(count); }
  const std::string& name() const { return name_; }

 private:
  const std::string name_;
  const MappedFile file_;
};

/// Every row has as many numbers as the first.
class RowWidth {
 public:
  void Check(size_t found, const std::string& where) {
    if (found == 0) throw Malformed(where, "expected numbers, found none");
    if (!width_) width_ = found;
    if (*width_ == found) return;
    throw Malformed(
        where, "expected " + std::to_string(*width_) + " numbers, found " + std::to_string(found));
  }

 private:
  std::optional<size_t> width_;
};

// --- JSON lines

float FloatOf(const Json& value, const std::string& where) {
  if (value.is_array()) {
    throw Error(ErrorCode::kUnsupported,
                where + ": holds the vectors of all patches (--tokens), expected one per picture");
  }
  const double number = JsonNumber(value, "embedding", where);
  if (std::abs(number) > std::numeric_limits<float>::max()) {
    throw Malformed(where, "a number out of the range of float");
  }
  return static_cast<float>(number);
}

const Json& FieldOf(const Json& line, const char* key, const std::string& where) {
  const auto found = line.find(key);
  if (found != line.end()) return *found;
  throw Malformed(where, "field '" + std::string(key) + "' is missing");
}

class JsonLines final : public TextRows {
 public:
  using TextRows::TextRows;

  void ForEachRow(const Visit& visit) const override {
    std::string_view rest = text();
    RowWidth width;
    std::vector<float> row;
    for (size_t count = 1; !rest.empty(); ++count) {
      const std::string where = Where(count);
      const size_t end = std::min(rest.find('\n'), rest.size());
      const Json line = ParseStrictJson(rest.substr(0, end), where);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (!line.is_object()) throw Malformed(where, "expected a JSON object");
      const Json& values = JsonArray(FieldOf(line, "embedding", where), "embedding", where);
      row.clear();
      for (const Json& value : values) row.push_back(FloatOf(value, where));
      width.Check(row.size(), where);
      visit(TypeOf(line, where), NameOf(line, where), row);
    }
  }

 private:
  static RowType TypeOf(const Json& line, const std::string& where) {
    const std::string type = JsonString(FieldOf(line, "type", where), "type", where);
    if (type == "text") return RowType::kText;
    if (type == "picture") return RowType::kPicture;
    throw Malformed(where, "field 'type': expected picture or text");
  }
  static std::string NameOf(const Json& line, const std::string& where) {
    if (!line.contains("path_base64")) {
      return JsonString(FieldOf(line, "path", where), "path", where);
    }
    const auto bytes = FromBase64(JsonString(line["path_base64"], "path_base64", where));
    if (!bytes) throw Malformed(where, "field 'path_base64': no base64");
    return *bytes;
  }
};

// --- CSV

/// Fields of a record, one after the other.
class CsvReader {
 public:
  explicit CsvReader(std::string_view text) : rest_(text) {}

  bool is_at_end() const { return rest_.empty(); }

  /// The next record, which ends with a line end or the text.
  void Read(std::vector<std::string>& fields, const std::string& where) {
    fields.clear();
    do {
      fields.push_back(ReadField(where));
    } while (Accept(','));
    if (!rest_.empty() && !Accept('\n')) throw Malformed(where, "text behind a quoted field");
  }

 private:
  bool Accept(char wanted) {
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string ReadField(const std::string& where) {
    if (!Accept('"')) {
      const size_t size = std::min(rest_.find_first_of(",\n"), rest_.size());
      std::string field(rest_.substr(0, size));
      rest_.remove_prefix(size);
      return field;
    }
    std::string field;
    do {
      const size_t size = rest_.find('"');
      if (size == std::string_view::npos) throw Malformed(where, "a quote without its end");
      field += rest_.substr(0, size);
      rest_.remove_prefix(size + 1);
      if (!rest_.starts_with('"')) return field;
      field += '"';
    } while (Accept('"'));
    return field;
  }

  std::string_view rest_;
};

class CsvEmbeddings final : public TextRows {
 public:
  using TextRows::TextRows;

  void ForEachRow(const Visit& visit) const override {
    CsvReader reader(text());
    std::vector<std::string> fields;
    reader.Read(fields, name());
    if (fields.front() != "path") {
      throw Malformed(name(), "expected a first line that begins with 'path'");
    }
    RowWidth width;
    width.Check(fields.size() - 1, name());
    std::vector<float> row;
    for (int64_t count = 0; !reader.is_at_end(); ++count) {
      const std::string where = name() + ": row " + std::to_string(count);  // lines may be in names
      reader.Read(fields, where);
      width.Check(fields.size() - 1, where);
      row.clear();
      for (size_t i = 1; i < fields.size(); ++i) row.push_back(FloatOf(fields[i], where));
      const bool is_text = fields.front().starts_with("text:");
      visit(is_text ? RowType::kText : RowType::kPicture, fields.front(), row);
    }
  }

 private:
  static float FloatOf(const std::string& field, const std::string& where) {
    float value = 0;
    const char* const end = field.data() + field.size();
    const auto [rest, error] = std::from_chars(field.data(), end, value);
    if (error != std::errc() || rest != end) throw Malformed(where, "a field that is no number");
    return value;
  }
};

}  // namespace

std::unique_ptr<EmbeddingFile> OpenJsonLines(const std::filesystem::path& path) {
  return std::make_unique<JsonLines>(path);
}

std::unique_ptr<EmbeddingFile> OpenCsvEmbeddings(const std::filesystem::path& path) {
  return std::make_unique<CsvEmbeddings>(path);
}

}  // namespace siglip
