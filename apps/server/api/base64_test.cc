#include "server/api/base64.h"

#include <gmock/gmock.h>

#include <optional>

#include "output/text.h"

namespace siglip::server {
namespace {

using ::testing::HasSubstr;
using namespace std::string_literals;

/// In pieces of a size; nothing where it is refused.
std::optional<std::string> Decoded(const std::string& text, size_t piece = std::string::npos) {
  Base64Decoder decoder(text.size());
  for (size_t i = 0; i < text.size(); i += std::min(piece, text.size())) {
    if (!decoder.Append(std::string_view(text).substr(i, piece))) return std::nullopt;
  }
  if (!decoder.Finish()) return std::nullopt;
  return std::move(decoder).Take();
}

std::string ProblemOf(const std::string& text) {
  Base64Decoder decoder(text.size());
  if (decoder.Append(text)) decoder.Finish();
  return decoder.problem();
}

TEST(Base64DecoderTest, DecodesWhatPythonMade) {
  // base64.b64encode
  EXPECT_EQ(Decoded(""), "");
  EXPECT_EQ(Decoded("pQ=="), "\xa5");
  EXPECT_EQ(Decoded("Tco="), "\x4d\xca");
  EXPECT_EQ(Decoded("GCUw"), "\x18\x25\x30");
  EXPECT_EQ(Decoded("ux1tEw=="), "\xbb\x1d\x6d\x13");
  EXPECT_EQ(Decoded("LN7WI3s="), "\x2c\xde\xd6\x23\x7b");
  EXPECT_EQ(Decoded("LtkeP3IfyxlxFw=="), "\x2e\xd9\x1e\x3f\x72\x1f\xcb\x19\x71\x17");
  EXPECT_EQ(Decoded("+/+/AA=="), "\xfb\xff\xbf\0"s);
}

TEST(Base64DecoderTest, PaddingMayBeLeftOut) {
  EXPECT_EQ(Decoded("pQ"), "\xa5");
  EXPECT_EQ(Decoded("Tco"), "\x4d\xca");
}

TEST(Base64DecoderTest, ReadsAllBytesInPiecesOfAnySize) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i * 7);
  for (size_t size = 250; size <= 256; ++size) {
    const std::string part = bytes.substr(0, size);
    for (const size_t piece : {1, 2, 3, 4, 5, 7, 64}) {
      EXPECT_EQ(Decoded(Base64(part), piece), part) << size << " in pieces of " << piece;
    }
  }
}

TEST(Base64DecoderTest, RefusesWhatIsNotRightlyPadded) {
  for (const char* text : {"=", "A", "A=", "A===", "pQ=", "pQ===", "Tco==", "GCUw=", "GCUw====",
                           "pQ==GCUw", "pQ=A", "Tco=A", "=pQ="}) {
    EXPECT_EQ(Decoded(text), std::nullopt) << text;
    EXPECT_EQ(Decoded(text, 1), std::nullopt) << text;
  }
}

TEST(Base64DecoderTest, RefusesBitsThatAreLeftOver) {
  EXPECT_EQ(Decoded("pR=="), std::nullopt);
  EXPECT_EQ(Decoded("Tcp"), std::nullopt);
}

TEST(Base64DecoderTest, RefusesOtherCharactersAndSaysWhy) {
  EXPECT_THAT(ProblemOf("GCUwGC-w"), HasSubstr("'-' of the alphabet for URLs, behind 6 digits"));
  EXPECT_THAT(ProblemOf("GC_w"), HasSubstr("'_' of the alphabet for URLs"));
  EXPECT_THAT(ProblemOf("GCUw\nGCUw"), HasSubstr("line breaks, found one, behind 4 digits"));
  EXPECT_THAT(ProblemOf("GCUw%3D"), HasSubstr("percent-encoded"));
  EXPECT_THAT(ProblemOf("GC!w"), HasSubstr("found '!', behind 2 digits"));
  EXPECT_THAT(ProblemOf("GC\xc3\xa9"), HasSubstr("found byte 195"));
  EXPECT_THAT(ProblemOf("GC\0w"s), HasSubstr("found byte 0"));
  EXPECT_THAT(ProblemOf("GCUwG"), HasSubstr("it was cut"));
}

}  // namespace
}  // namespace siglip::server
