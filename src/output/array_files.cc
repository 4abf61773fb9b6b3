#include "output/array_files.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mapped_file.h"
#include "base/utf8.h"
#include "output/npy.h"
#include "output/safetensors_table.h"
#include "output/text.h"
#include "siglip/error.hpp"
#include "siglip/safetensors.hpp"
#include "siglip/tensor.hpp"
#include "weights/malformed.h"
#include "weights/npy_header.h"
#include "weights/npz_reader.h"
#include "weights/zip_archive.h"

namespace siglip {
namespace {

/// Throws unless it is [n, D].
void CheckShape(const Shape& shape, const std::string& name) {
  if (shape.size() == 3) {
    throw Error(ErrorCode::kUnsupported,
                name + ": holds the vectors of all patches (--tokens), expected one per picture");
  }
  if (shape.size() != 2 || shape[1] < 1) {
    throw Malformed(name, "embeddings of shape " + ToString(shape) + ", expected [n, D]");
  }
}

RowType TypeOf(const std::string& name) {
  return name.starts_with("text:") ? RowType::kText : RowType::kPicture;
}

/// Rows and their names, one after the other from the first.
void VisitRows(const Shape& shape, const std::function<void(int64_t, std::span<float>)>& read,
               const std::function<std::string(int64_t)>& name_of,
               const EmbeddingFile::Visit& visit) {
  if (shape[0] == 0) return;
  std::vector<float> row(static_cast<size_t>(shape[1]));
  for (int64_t i = 0; i < shape[0]; ++i) {
    const std::string name = name_of(i);
    read(i, row);
    visit(TypeOf(name), name, row);
  }
}

// --- .npy

/// What EscapedLine of npy.cc has made of a name.
std::string Unescaped(std::string_view line, const std::string& where) {
  std::string name;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\') {
      name += line[i];
      continue;
    }
    const char next = ++i < line.size() ? line[i] : '\0';
    switch (next) {
      case '\\': name += '\\'; break;
      case 'n': name += '\n'; break;
      case 'r': name += '\r'; break;
      default: throw Malformed(where, "a backslash before something else than \\, n and r");
    }
  }
  return name;
}

class NpyEmbeddings final : public EmbeddingFile {
 public:
  explicit NpyEmbeddings(const std::filesystem::path& path)
      : name_(path.string()),
        names_name_(NpyNamesPath(path).string()),
        file_(MappedFile::Open(path)),
        names_(MappedFile::Open(NpyNamesPath(path))) {
    std::span<const std::byte> rest = file_.bytes();
    header_ = ReadNpyHeader(
        [&](std::span<std::byte> bytes) {
          if (rest.size() < bytes.size()) throw Malformed(name_, "ends within its header");
          std::ranges::copy(rest.first(bytes.size()), bytes.begin());
          rest = rest.subspan(bytes.size());
        },
        name_);
    if (header_.dtype != NpyDescr(DType::kF32) && header_.dtype != NpyDescr(DType::kF16)) {
      throw Malformed(name_, "expected numbers of type <f4 or <f2, found " + header_.dtype);
    }
    dtype_ = header_.dtype == NpyDescr(DType::kF32) ? DType::kF32 : DType::kF16;
    CheckShape(header_.shape, name_);
    if (header_.fortran_order) {
      throw Error(ErrorCode::kUnsupported, name_ + ": columns come first, expected rows");
    }
    int64_t bytes = SizeOf(dtype_);
    for (const int64_t extent : header_.shape) {
      if (__builtin_mul_overflow(bytes, extent, &bytes)) bytes = -1;
      if (bytes < 0) break;
    }
    if (bytes < 0 || static_cast<uint64_t>(bytes) != rest.size()) {
      throw Malformed(name_, "shape " + ToString(header_.shape) + " does not fit its " +
                                 std::to_string(rest.size()) + " bytes of numbers");
    }
    elements_ = rest;
    const auto lines = std::ranges::count(names_.bytes(), std::byte{'\n'});
    if (lines != header_.shape[0]) {
      throw Malformed(names_name_, "expected " + std::to_string(header_.shape[0]) +
                                       " lines, found " + std::to_string(lines));
    }
  }

  void ForEachRow(const Visit& visit) const override {
    std::string_view lines(reinterpret_cast<const char*>(names_.bytes().data()),
                           names_.bytes().size());
    const auto row_bytes = static_cast<size_t>(header_.shape[1] * SizeOf(dtype_));
    VisitRows(
        header_.shape,
        [&](int64_t row, std::span<float> values) {
          const auto bytes = elements_.subspan(static_cast<size_t>(row) * row_bytes, row_bytes);
          ConvertToFloat({dtype_, {header_.shape[1]}, bytes}, values);
        },
        [&](int64_t row) {
          const size_t end = lines.find('\n');
          const std::string_view line = lines.substr(0, end);
          lines.remove_prefix(end + 1);
          return Unescaped(line, names_name_ + ": line " + std::to_string(row + 1));
        },
        visit);
  }

 private:
  const std::string name_;
  const std::string names_name_;
  const MappedFile file_;
  const MappedFile names_;
  NpyHeader header_;
  DType dtype_ = DType::kF32;
  std::span<const std::byte> elements_;
};

// --- .npz

/// What TakeCodePoint has made of a name, zeros behind it.
std::string Encoded(std::u32string_view characters, const std::string& where) {
  while (!characters.empty() && characters.back() == U'\0') characters.remove_suffix(1);
  std::string name;
  for (const char32_t character : characters) {
    if (character > 0xDC7F && character <= 0xDCFF) {
      name += static_cast<char>(character - 0xDC00);
    } else if (character > 0x10FFFF || (character >= 0xD800 && character <= 0xDFFF)) {
      throw Malformed(where, "a name with a number that is no character");
    } else {
      AppendUtf8(character, name);
    }
  }
  return name;
}

class NpzEmbeddings final : public EmbeddingFile {
 public:
  explicit NpzEmbeddings(const std::filesystem::path& path)
      : name_(path.string()),
        file_(MappedFile::Open(path)),
        reader_(file_.bytes(), name_),
        embeddings_(Find(kEmbeddings)),
        names_(Find("names")) {
    const NpzArray& embeddings = reader_.arrays()[embeddings_];
    CheckShape(embeddings.header.shape, name_);
    if (embeddings.dtype != DType::kF32 && embeddings.dtype != DType::kF16) {
      throw Malformed(name_,
                      "embeddings of type " + embeddings.header.dtype + ", expected <f4 or <f2");
    }
    if (embeddings.header.fortran_order) {
      throw Error(ErrorCode::kUnsupported, name_ + ": columns come first, expected rows");
    }
    CheckNames();
  }

  void ForEachRow(const Visit& visit) const override {
    const Shape& shape = reader_.arrays()[embeddings_].header.shape;
    const NpzArray& names = reader_.arrays()[names_];
    ZipStream stream(file_.bytes(), names.member, name_ + ": names");
    stream.Skip(names.header.data_begin);
    std::u32string characters(width_, U'\0');
    VisitRows(
        shape,
        [&](int64_t row, std::span<float> values) {
          reader_.Read(embeddings_, row * shape[1], values);
        },
        [&](int64_t row) {
          stream.Read(std::as_writable_bytes(std::span(characters)));
          return Encoded(characters, name_ + ": row " + std::to_string(row));
        },
        visit);
  }

 private:
  size_t Find(std::string_view wanted) const {
    const auto& arrays = reader_.arrays();
    const auto found = std::ranges::find(arrays, wanted, &NpzArray::name);
    if (found != arrays.end()) return static_cast<size_t>(found - arrays.begin());
    throw Malformed(name_, "has no array '" + std::string(wanted) + "', as siglip embed writes it");
  }

  /// Whether there is one of a fixed width for each row.
  void CheckNames() {
    const NpzArray& names = reader_.arrays()[names_];
    const int64_t rows = reader_.arrays()[embeddings_].header.shape[0];
    const std::string& dtype = names.header.dtype;
    if (names.header.shape != Shape{rows}) {
      throw Malformed(name_, "names of shape " + ToString(names.header.shape) + " for " +
                                 std::to_string(rows) + " rows");
    }
    const char* const end = dtype.data() + dtype.size();
    const bool is_text = dtype.starts_with("<U");
    const auto [rest, error] = std::from_chars(dtype.data() + (is_text ? 2 : 0), end, width_);
    uint64_t bytes = sizeof(char32_t);
    if (!is_text || error != std::errc() || rest != end ||
        __builtin_mul_overflow(bytes, width_, &bytes) ||
        __builtin_mul_overflow(bytes, static_cast<uint64_t>(rows), &bytes) ||
        bytes != names.member.bytes - names.header.data_begin) {
      throw Malformed(name_, "names of type " + dtype + " do not fit their " +
                                 std::to_string(names.member.bytes - names.header.data_begin) +
                                 " bytes");
    }
    if (rows == 0) width_ = 0;  // whatever it says
  }

  const std::string name_;
  const MappedFile file_;
  const NpzReader reader_;
  const size_t embeddings_;
  const size_t names_;
  uint64_t width_ = 0;  // of a name, in characters
};

// --- .safetensors

class SafetensorsEmbeddings final : public EmbeddingFile {
 public:
  explicit SafetensorsEmbeddings(const std::filesystem::path& path)
      : name_(path.string()),
        file_(SafetensorsFile::Open(path)),
        embeddings_(Find(kEmbeddings, {DType::kF32, DType::kF16})),
        names_(Find("names_utf8", {DType::kU8})),
        offsets_(Find("names_offsets", {DType::kI64})) {
    CheckShape(embeddings_.shape(), name_);
    const int64_t rows = embeddings_.shape()[0];
    if (names_.shape().size() != 1 || offsets_.shape().size() != 1 || offsets_.size() - 1 != rows) {
      throw Malformed(name_, "names do not fit its " + std::to_string(rows) + " rows");
    }
    int64_t last = 0;
    for (int64_t row = 0; row <= rows; ++row) {
      const int64_t offset = Offset(row);
      if (offset < last || offset > names_.size() || (row == 0 && offset != 0) ||
          (row == rows && offset != names_.size())) {
        throw Malformed(name_, "names_offsets: " + std::to_string(offset) + " at " +
                                   std::to_string(row) + " lies outside its names");
      }
      last = offset;
    }
  }

  EmbeddingSettings settings() const override { return file_.metadata(); }

  void ForEachRow(const Visit& visit) const override {
    const Shape& shape = embeddings_.shape();
    const auto row_bytes = static_cast<size_t>(shape[1] * SizeOf(embeddings_.dtype()));
    VisitRows(
        shape,
        [&](int64_t row, std::span<float> values) {
          const auto begin = static_cast<size_t>(row) * row_bytes;
          ConvertToFloat(
              {embeddings_.dtype(), {shape[1]}, embeddings_.bytes().subspan(begin, row_bytes)},
              values);
        },
        [&](int64_t row) {
          const auto begin = static_cast<size_t>(Offset(row));
          const auto bytes =
              names_.bytes().subspan(begin, static_cast<size_t>(Offset(row + 1)) - begin);
          return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        },
        visit);
  }

 private:
  TensorView Find(std::string_view wanted, std::initializer_list<DType> types) const {
    if (!file_.contains(wanted)) {
      throw Malformed(name_,
                      "has no tensor '" + std::string(wanted) + "', as siglip embed writes it");
    }
    TensorView view = file_.Get(wanted);
    if (std::ranges::find(types, view.dtype()) != types.end()) return view;
    throw Malformed(name_, "tensor '" + std::string(wanted) + "': unexpected type " +
                               std::string(ToString(view.dtype())));
  }

  /// They need not be aligned.
  int64_t Offset(int64_t row) const {
    int64_t offset = 0;
    std::memcpy(&offset, offsets_.bytes().data() + static_cast<size_t>(row) * sizeof(offset),
                sizeof(offset));
    return offset;
  }

  const std::string name_;
  const SafetensorsFile file_;
  const TensorView embeddings_;
  const TensorView names_;
  const TensorView offsets_;
};

}  // namespace

std::unique_ptr<EmbeddingFile> OpenNpyEmbeddings(const std::filesystem::path& path) {
  return std::make_unique<NpyEmbeddings>(path);
}

std::unique_ptr<EmbeddingFile> OpenNpzEmbeddings(const std::filesystem::path& path) {
  return std::make_unique<NpzEmbeddings>(path);
}

std::unique_ptr<EmbeddingFile> OpenSafetensorsEmbeddings(const std::filesystem::path& path) {
  return std::make_unique<SafetensorsEmbeddings>(path);
}

}  // namespace siglip
