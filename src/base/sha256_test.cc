// SHA-256 against values that NIST publishes, its examples for FIPS 180-4 and the short messages of
// its validation suite, and against those of Python's hashlib.
#include "base/sha256.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/cpu_features.h"
#include "base/hash_test_support.h"
#include "base/sha256_compress.h"

namespace siglip {
namespace {

std::string HashOf(std::string_view text, Sha256 hash = Sha256()) {
  hash.Add(text);
  return hash.Finish();
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

TEST(Sha256Test, SizesAroundTheBordersOfBlocks) {
  const std::vector<std::pair<size_t, std::string>> hashes = {
      {1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
      {3, "0f8f7dd276f172ec541e9cfbb686de7730c82ba9e25a36b279f53cb6707af020"},
      {55, "6b729e5afeccfbbc7c0ef2b989c7689c89167ab6ce33b42a6c50d5359ee87c4c"},
      {56, "6470b45aa1e65e29003c8bf208bb4bee8a42bd5187ba424afffc739ede20aad0"},
      {57, "ee0c45ff66758b704e932bb4e42ac694327e2260646f09e3f201238024361242"},
      {63, "0623959716f1b65a536b821a2bf0d5cb0979831fb0d36604d6bbb1d7f4ffc9ba"},
      {64, "1228b684478c8d26c2bf41f6158d8c842bb0593da54105878ab691a35b389092"},
      {65, "01ccd035e0dbc068a7099e8d080037c5118ec486a916a50c5c49cc22077483e7"},
      {119, "633ad9fc22b2064af44a430237fd57177734a429f3eac3be8213801bf530ec79"},
      {120, "827d1fe77eb655eb6319cf2f29fa80f53612f41e1df8ee216815123290a2efda"},
      {121, "9d011a58e80de76ae21cbcdc3f8ae0547e5db40d0536de3374e9e40091f51953"},
      {127, "a72a51a3ef661ca8c78c7dc16fa66ad6be3091bb22eb3a8e0c83604428f2d2f3"},
      {128, "84338c980745de3d86753cf9cd9230f79a14bda0f953c0b841ad9e0113ed71a2"},
      {129, "b8ab9a040639f5604d8c03628051602ec1a6a0b416fbfa2b02103c02a3ba48f4"},
      {1000, "cdd30c5af333122338511d65c285ff063144cb8465021aaf72e6499afbe679f1"},
  };
  for (const auto& [size, hash] : hashes) EXPECT_EQ(HashOf(VariedBytes(size)), hash) << size;
}

TEST(Sha256Test, PiecesAreOneText) {
  for (const size_t size : {0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129, 200}) {
    const std::string bytes = VariedBytes(size);
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
    const std::string bytes = VariedBytes(size);
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
