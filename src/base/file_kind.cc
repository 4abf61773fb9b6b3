#include "base/file_kind.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace siglip {
namespace {

constexpr size_t kHeadBytes = 1024;
constexpr size_t kLongestMessage = 512;  // of a server
constexpr size_t kLongestQuote = 60;
constexpr char kDownloadAgain[] = "download it again";

constexpr std::string_view kLfsBegin = "version https://git-lfs.github.com/spec/";
constexpr std::string_view kLfsSize = "\nsize ";

/// How answers begin that servers give in place of a file, in lower case: the Hugging Face hub,
/// GitHub, and what status codes are called.
constexpr std::array<std::string_view, 16> kServerMessages = {
    "entry not found",     "repository not found",
    "revision not found",  "invalid username",
    "invalid credentials", "access to model",
    "access to dataset",   "this repository",
    "not found",           "404",
    "403 forbidden",       "401 unauthorized",
    "forbidden",           "unauthorized",
    "too many requests",   "{\"error\":"};

struct Signature {
  FileKind kind;
  std::string_view bytes;
};

/// The first that fits: the mark of UTF-32 begins with that of UTF-16.
constexpr std::array<Signature, 9> kSignatures = {{{FileKind::kPdf, "%PDF-"},
                                                   {FileKind::kZip, "PK\3\4"},
                                                   {FileKind::kGzip, "\x1F\x8B\x08"},
                                                   {FileKind::kHdf5, "\x89HDF\r\n\x1A\n"},
                                                   {FileKind::kGguf, "GGUF"},
                                                   {FileKind::kUtf32, {"\xFF\xFE\0\0", 4}},
                                                   {FileKind::kUtf32, {"\0\0\xFE\xFF", 4}},
                                                   {FileKind::kUtf16, "\xFF\xFE"},
                                                   {FileKind::kUtf16, "\xFE\xFF"}}};

std::string Lowered(std::string_view text) {
  std::string lowered(text);
  std::ranges::transform(lowered, lowered.begin(), [](char character) {
    return character >= 'A' && character <= 'Z' ? static_cast<char>(character + ('a' - 'A'))
                                                : character;
  });
  return lowered;
}

/// The text without a byte order mark and white space before it.
std::string_view Stripped(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const size_t begin = text.find_first_not_of(" \t\r\n");
  return begin == text.npos ? std::string_view() : text.substr(begin);
}

/// A length that is allowed, and a header that begins with '{'.
bool IsSafetensors(std::string_view head) {
  constexpr uint64_t kMaxHeaderBytes = 100'000'000;
  if (head.size() < 9 || head[8] != '{') return false;
  uint64_t length = 0;
  for (size_t i = 8; i-- > 0;) length = length << 8 | static_cast<uint8_t>(head[i]);
  return length <= kMaxHeaderBytes;
}

/// Protocol 2 or later, and one of the operations that torch.save, pickle.dump and joblib.dump
/// begin with: FRAME, LONG1, EMPTY_DICT, EMPTY_LIST, MARK, GLOBAL, SHORT_BINUNICODE, BINUNICODE.
bool IsPickle(std::string_view head) {
  return head.size() >= 3 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5 &&
         std::string_view("\x95\x8A}](c\x8CX").find(head[2]) != std::string_view::npos;
}

/// The name of the first member stands behind 30 bytes of its header.
bool IsTorchArchive(std::string_view head) {
  constexpr size_t kNameLength = 26;
  constexpr size_t kName = 30;
  if (head.size() < kName) return false;
  const auto length = static_cast<size_t>(static_cast<uint8_t>(head[kNameLength]) |
                                          static_cast<uint8_t>(head[kNameLength + 1]) << 8);
  return head.substr(kName, length).ends_with("data.pkl");
}

/// No other format begins with an angle bracket.
std::optional<FileKind> DetectMarkup(std::string_view text) {
  const std::string lowered = Lowered(text);
  const bool is_markup =
      lowered.size() > 1 && lowered[0] == '<' &&
      (lowered[1] == '!' || lowered[1] == '?' || (lowered[1] >= 'a' && lowered[1] <= 'z'));
  if (!is_markup) return std::nullopt;
  return lowered.find("<svg") < lowered.find("<html") ? FileKind::kSvg : FileKind::kWebPage;
}

bool IsServerMessage(std::string_view text, size_t file_bytes) {
  if (file_bytes > kLongestMessage) return false;
  const std::string lowered = Lowered(text);
  return std::ranges::any_of(kServerMessages,
                             [&](std::string_view begin) { return lowered.starts_with(begin); });
}

std::string_view Head(std::span<const std::byte> file) {
  return {reinterpret_cast<const char*>(file.data()), std::min(file.size(), kHeadBytes)};
}

/// The first line of a text, as far as it can be printed.
std::string Quote(std::string_view text) {
  std::string quote;
  for (const char character : text.substr(0, kLongestQuote)) {
    if (character == '\n' || character == '\r') break;
    quote += character >= ' ' && character <= '~' ? character : '?';
  }
  return "'" + quote + (text.size() > kLongestQuote ? "...'" : "'");
}

/// "a Git LFS pointer" and how many bytes it stands for.
std::string LfsPointer(std::string_view head) {
  std::string what = "a Git LFS pointer";
  const size_t begin = head.find(kLfsSize);
  if (begin == head.npos) return what;
  const std::string_view rest = head.substr(begin + kLfsSize.size());
  const std::string_view digits = rest.substr(0, rest.find_first_not_of("0123456789"));
  if (digits.empty() || digits.size() > 18) return what;
  return what + " that stands for " + std::string(digits) + " bytes";
}

struct Words {
  std::string found;
  std::string hint;
  ErrorCode code;
};

Words Describe(FileKind kind, std::string_view head) {
  constexpr auto kDamaged = ErrorCode::kMalformedFile;
  constexpr auto kOther = ErrorCode::kUnsupported;
  constexpr char kUnpack[] = "unpack it first";
  constexpr char kOnlyPython[] =
      "only Python can read it: load the weights there and save them as safetensors, with "
      "transformers by model.save_pretrained(folder)";
  switch (kind) {
    case FileKind::kUnknown: break;
    case FileKind::kEmpty: return {"an empty file", kDownloadAgain, kDamaged};
    case FileKind::kLfsPointer:
      return {LfsPointer(head), "run `git lfs pull` in its folder, or download the file itself",
              kDamaged};
    case FileKind::kWebPage:
      return {"a web page (HTML or XML)",
              "a server answered with it in place of the file: download it again, logged in where "
              "that is needed",
              kDamaged};
    case FileKind::kServerMessage:
      return {"the answer of a server, " + Quote(Stripped(head)),
              "download it again; a wrong name, or a login that is needed, ends like this",
              kDamaged};
    case FileKind::kUtf32: return {"text in UTF-32", "save it as UTF-8", kDamaged};
    case FileKind::kUtf16: return {"text in UTF-16", "save it as UTF-8", kDamaged};
    case FileKind::kSvg: return {"an SVG drawing", "convert it to PNG", kOther};
    case FileKind::kPdf: return {"a PDF document", "convert its pages to PNG", kOther};
    case FileKind::kPickle: return {"a pickle of Python", kOnlyPython, kOther};
    case FileKind::kTorchArchive:
      return {"a pickle of PyTorch in a zip archive", kOnlyPython, kOther};
    case FileKind::kZip: return {"a zip archive", kUnpack, kOther};
    case FileKind::kGzip: return {"a gzip archive", kUnpack, kOther};
    case FileKind::kHdf5: return {"an HDF5 file, as Keras writes", kOnlyPython, kOther};
    case FileKind::kGguf: return {"a GGUF file", "let its name end in .gguf", kOther};
    case FileKind::kSafetensors:
      return {"a safetensors file", "let its name end in .safetensors", kOther};
  }
  return {};
}

}  // namespace

FileKind DetectFileKind(std::span<const std::byte> file) {
  if (file.empty()) return FileKind::kEmpty;
  const std::string_view head = Head(file);
  if (IsSafetensors(head)) return FileKind::kSafetensors;
  if (head.starts_with(kLfsBegin)) return FileKind::kLfsPointer;
  if (IsPickle(head)) return FileKind::kPickle;
  for (const Signature& signature : kSignatures) {
    if (!head.starts_with(signature.bytes)) continue;
    const bool is_torch = signature.kind == FileKind::kZip && IsTorchArchive(head);
    return is_torch ? FileKind::kTorchArchive : signature.kind;
  }
  const std::string_view text = Stripped(head);
  if (const auto markup = DetectMarkup(text)) return *markup;
  return IsServerMessage(text, file.size()) ? FileKind::kServerMessage : FileKind::kUnknown;
}

void RefuseForeignFile(std::span<const std::byte> file, const std::string& name,
                       std::string_view expected, FileKind own) {
  const FileKind kind = DetectFileKind(file);
  if (kind == FileKind::kUnknown || kind == own) return;
  const Words words = Describe(kind, Head(file));
  throw Error(words.code, name + ": expected " + std::string(expected) + ", found " + words.found,
              words.hint);
}

Error CutShort(const std::string& name, const std::string& what) {
  return Error(ErrorCode::kMalformedFile, name + ": " + what + " (cut short?)", kDownloadAgain);
}

}  // namespace siglip
