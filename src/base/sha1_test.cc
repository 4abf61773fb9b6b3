// SHA-1 against published values (RFC 3174, FIPS 180) and those of Python's hashlib.
#include "base/sha1.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash_test_support.h"

namespace siglip {
namespace {

std::string Sha1Of(std::string_view text) {
  Sha1 hash;
  hash.Add(text);
  return hash.Finish();
}

TEST(Sha1Test, PublishedVectors) {
  EXPECT_EQ(Sha1Of(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(Sha1Of("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(Sha1Of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  Sha1 hash;
  for (int i = 0; i < 80; ++i) hash.Add("01234567");
  EXPECT_EQ(hash.Finish(), "dea356a2cddd90c7a7ecedc5ebb563934f460452");
}

TEST(Sha1Test, AMillionLetters) {
  Sha1 hash;
  const std::string thousand(1000, 'a');
  for (int i = 0; i < 1000; ++i) hash.Add(thousand);
  EXPECT_EQ(hash.Finish(), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

TEST(Sha1Test, SizesAroundTheBordersOfBlocks) {
  const std::vector<std::pair<size_t, std::string>> hashes = {
      {1, "5ba93c9db0cff93f52b521d7420e43f6eda2784f"},
      {3, "4f6563ca938c3e40578254b1d963bba48efe5508"},
      {55, "433abd6e2e5fff34f649c50c787d7271c43a9a1b"},
      {56, "71cec7cf4e4df6e7a0a5b113cb189e47afd80670"},
      {57, "bbf786907106fd64eacb390af87a9045c5ea36fd"},
      {63, "03a1878661415ce42628c1f9e7957e3651bf73bc"},
      {64, "d55639e343d1289282871e6fa2770b52f9fe6e2b"},
      {65, "398f064f576272c174fd1a83f9c4b4598e706423"},
      {119, "72ca63886e78548fb3f127f6d2c9f662850cc274"},
      {120, "615e75ca3bd97a6452f161bb55db2467778e4659"},
      {121, "3fe3f5872c3f6a239d6af5be669e232a0f711f0f"},
      {127, "08ac3dc32f8fd9895eccc249307ec3bd1293fe7b"},
      {128, "6632f0847a466b3abb61075abe6f6b80a3debe4a"},
      {129, "f560515208bef7674bdd999f69a0c471bc049bb4"},
      {1000, "fced997dd29de4705a6d3ef9e518d83841110a42"},
  };
  for (const auto& [size, hash] : hashes) EXPECT_EQ(Sha1Of(VariedBytes(size)), hash) << size;
}

TEST(Sha1Test, PiecesAreOneText) {
  for (const size_t size : {1, 63, 64, 65, 128, 200}) {
    const std::string bytes = VariedBytes(size);
    const std::string whole = Sha1Of(bytes);
    for (size_t cut = 0; cut <= size; ++cut) {
      Sha1 hash;
      hash.Add(std::string_view(bytes).substr(0, cut));
      hash.Add(std::string_view(bytes).substr(cut));
      EXPECT_EQ(hash.Finish(), whole) << size << " cut at " << cut;
    }
  }
}

}  // namespace
}  // namespace siglip
