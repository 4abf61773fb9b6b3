// Tests of telling what a file really is.
#include "base/file_kind.h"

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <string_view>

#include "expect_error.h"

namespace siglip {
namespace {

using std::string_literals::operator""s;

FileKind KindOf(std::string_view file) { return DetectFileKind(std::as_bytes(std::span(file))); }

TEST(FileKind, IsToldByTheFirstBytes) {
  const std::string oid = "oid sha256:" + std::string(64, 'a') + "\n";
  EXPECT_EQ(KindOf(""), FileKind::kEmpty);
  EXPECT_EQ(KindOf("version https://git-lfs.github.com/spec/v1\n" + oid + "size 812672320\n"),
            FileKind::kLfsPointer);
  for (const char* page :
       {"<!DOCTYPE html><html>", "<html lang=\"en\">", "\xEF\xBB\xBF\r\n <!doctype HTML>",
        "<HEAD><title>Sign in", "<body>", "<!-- proxy --><html>", "<html><svg>",
        "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>"}) {
    EXPECT_EQ(KindOf(page), FileKind::kWebPage) << page;
  }
  for (const char* answer :
       {"Entry not found", "Repository not found", "Invalid username or password.",
        "404: Not Found", "404 page not found", "Not Found\n", "{\"error\":\"Entry not found\"}",
        "Access to model google/siglip is restricted and you are not in the authorized list."}) {
    EXPECT_EQ(KindOf(answer), FileKind::kServerMessage) << answer;
  }
  EXPECT_EQ(KindOf("\xFF\xFE{\0}\0"s), FileKind::kUtf16);
  EXPECT_EQ(KindOf("\xFF\xFE\0\0{\0\0\0"s), FileKind::kUtf32);
  EXPECT_EQ(KindOf("\0\0\xFE\xFF\0\0\0{"s), FileKind::kUtf32);
  EXPECT_EQ(KindOf("<svg xmlns=\"http://www.w3.org/2000/svg\">"), FileKind::kSvg);
  EXPECT_EQ(KindOf("<?xml version=\"1.0\"?>\n<!-- a --><svg>"), FileKind::kSvg);
  EXPECT_EQ(KindOf("%PDF-1.7"), FileKind::kPdf);
  EXPECT_EQ(KindOf("\x1F\x8B\x08\0"s), FileKind::kGzip);
  EXPECT_EQ(KindOf("\x89HDF\r\n\x1A\n"), FileKind::kHdf5);
  EXPECT_EQ(KindOf("GGUF\3\0\0\0"s), FileKind::kGguf);
  EXPECT_EQ(KindOf("\2\0\0\0\0\0\0\0{}"s), FileKind::kSafetensors);
}

// The bytes: pickle.dumps({"a": 1}, 2), (..., 4), and the first ones of torch.save in its old and
// in its new format, PyTorch 2.
TEST(FileKind, PicklesAreToldFromOtherArchives) {
  EXPECT_EQ(KindOf("\x80\x02}q\0X\1\0\0\0aq\1K\1s."s), FileKind::kPickle);
  EXPECT_EQ(KindOf("\x80\x04\x95\x0a\0\0\0\0\0\0\0}\x94\x8c\1a\x94K\1s."s), FileKind::kPickle);
  EXPECT_EQ(KindOf("\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20j\xa8P\x19."s), FileKind::kPickle);
  const std::string local = "PK\3\4\0\0\x08\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\x12\0"s;
  EXPECT_EQ(KindOf(local + "archive/data.pkl" + "FB\x0e\0ZZZ"s), FileKind::kTorchArchive);
  EXPECT_EQ(KindOf(local + "a/b/img/kern.npy"), FileKind::kZip);
  EXPECT_EQ(KindOf("PK\3\4"), FileKind::kZip);
}

TEST(FileKind, WhatIsNoneOfTheseIsUnknown) {
  // A safetensors file whose header has 640 bytes begins as a pickle does.
  for (const std::string& file :
       {"{}"s, "{\"a\": 1}"s, "\x0A\x0B"s, "\xFF\xD8\xFF"s, "P5\n1 1\n"s, "Once upon a time"s, "<"s,
        "< 5"s, "version 2"s, "a cat\nnot found"s, "\x80\2\0\0\0\0\0\0"s,
        "Not found" + std::string(4096, '.')}) {
    EXPECT_EQ(KindOf(file), FileKind::kUnknown) << file.substr(0, 20);
  }
}

TEST(FileKind, ErrorsNameTheFileWhatItIsAndWhatToDo) {
  const auto refuse = [](std::string_view file) {
    return [file] { RefuseForeignFile(std::as_bytes(std::span(file)), "x.bin", "a model"); };
  };
  constexpr auto kBad = ErrorCode::kMalformedFile;
  ExpectError(kBad, {"x.bin: expected a model, found an empty file", "download it again"},
              refuse(""));
  ExpectError(kBad, {"found a Git LFS pointer that stands for 812672320 bytes", "git lfs pull"},
              refuse("version https://git-lfs.github.com/spec/v1\noid sha256:a\nsize 812672320\n"));
  ExpectError(kBad, {"found a Git LFS pointer (run"},
              refuse("version https://git-lfs.github.com/spec/v1\nsize x\n"));
  ExpectError(kBad, {"HTML", "download it again"}, refuse("<html>"));
  ExpectError(kBad, {"found the answer of a server, 'Entry not found' (", "download it again"},
              refuse("Entry not found\nsecond line"));
  ExpectError(ErrorCode::kUnsupported, {"pickle", "save_pretrained"}, refuse("\x80\x02}q"));
  const std::string_view gguf = "GGUF";
  EXPECT_NO_THROW(RefuseForeignFile(std::as_bytes(std::span(gguf)), "x", "a", FileKind::kGguf));
}

}  // namespace
}  // namespace siglip
