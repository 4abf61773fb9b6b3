// SHA-256 against values that NIST publishes: its examples for FIPS 180-4 and the short messages of
// its validation suite.
#include "base/sha256.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/cpu_features.h"
#include "base/sha256_compress.h"

namespace siglip {
namespace {

std::string HashOf(std::string_view text, Sha256 hash = Sha256()) {
  hash.Add(text);
  return hash.Finish();
}

std::string Bytes(size_t count) {
  std::string bytes;
  for (size_t i = 0; i < count; ++i) bytes += static_cast<char>(i * 131 + (i >> 5));
  return bytes;
}

TEST(Sha256Test, PublishedVectors) {
  const std::vector<std::pair<std::string, std::string>> vectors = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmn"
       "o"
       "pqrsmnopqrstnopqrstu",
       "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
      {"\xd3", "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1"},
      {"\x11\xaf", "5ca7133fa735326081558ac312c620eeca9970d1e70a4b95533d956f072d1f98"},
  };
  for (const auto& [text, hash] : vectors) EXPECT_EQ(Sha256Of(text), hash) << text;
}

TEST(Sha256Test, AMillionLetters) {
  Sha256 hash;
  const std::string thousand(1000, 'a');
  for (int i = 0; i < 1000; ++i) hash.Add(thousand);
  EXPECT_EQ(hash.Finish(), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256Test, PiecesAreOneText) {
  for (const size_t size : {0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129, 200}) {
    const std::string bytes = Bytes(size);
    const std::string whole = HashOf(bytes);
    for (size_t cut = 0; cut <= size; ++cut) {
      Sha256 hash;
      hash.Add(std::string_view(bytes).substr(0, cut));
      hash.Add(std::string_view(bytes).substr(cut));
      EXPECT_EQ(hash.Finish(), whole) << size << " cut at " << cut;
    }
    Sha256 hash;
    for (const char byte : bytes) hash.Add(std::string_view(&byte, 1));
    EXPECT_EQ(hash.Finish(), whole) << size << " byte by byte";
  }
}

#if defined(__x86_64__)
TEST(Sha256Test, ImplementationsAgree) {
  if (!HasShaExtensions()) GTEST_SKIP() << "this CPU has no SHA extensions";
  for (size_t size = 0; size < 400; ++size) {
    const std::string bytes = Bytes(size);
    EXPECT_EQ(HashOf(bytes, Sha256(Sha256CompressShaNi)),
              HashOf(bytes, Sha256(Sha256CompressGeneric)))
        << size;
  }
  for (const std::string_view text : {"", "abc"}) {
    EXPECT_EQ(HashOf(text, Sha256(Sha256CompressGeneric)), Sha256Of(text));
  }
}
#endif

}  // namespace
}  // namespace siglip
