// Checksums against published values: FIPS 180-4 and what `git hash-object` prints.
#include "hub/checksum.h"

#include <gtest/gtest.h>

#include <fstream>

#include "expect_error.h"
#include "scratch_folder.h"

namespace siglip {
namespace {

const std::string kSha256(64, '0');
const std::string kGit(40, '0');

std::string ChecksumOf(const std::string& bytes, const std::string& kind) {
  const ScratchFolder scratch;
  std::ofstream(scratch / "file", std::ios::binary) << bytes;
  return FileChecksum(scratch / "file", kind);
}

TEST(Checksum, Sha256) {
  EXPECT_EQ(ChecksumOf("", kSha256),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(ChecksumOf("abc", kSha256),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  // Several pieces.
  EXPECT_EQ(ChecksumOf(std::string(20'000'000, 'a'), kSha256),
            "aded0ea9b4d06589b13d00bab483faf479d61ed5de21f1760aa7018a28e330e5");
}

TEST(Checksum, NamesThatGitGives) {
  EXPECT_EQ(ChecksumOf("", kGit), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  EXPECT_EQ(ChecksumOf("hello\n", kGit), "ce013625030ba8dba906f756967f9e9ca394464a");
  // Several pieces.
  EXPECT_EQ(ChecksumOf(std::string(20'000'000, 'a'), kGit),
            "f96911eb032563c514571410657df077bc7e62de");
}

TEST(Checksum, OnlyTheseTwoKinds) {
  EXPECT_TRUE(IsChecksum(kSha256));
  EXPECT_TRUE(IsChecksum(kGit));
  for (const std::string& etag :
       {std::string(), std::string(41, '0'), std::string(63, '0'), std::string(64, 'A'),
        std::string("../") + std::string(61, '0'), std::string(39, '0') + "/"}) {
    EXPECT_FALSE(IsChecksum(etag)) << etag;
  }
}

TEST(Checksum, OfNoFile) {
  ExpectError(ErrorCode::kNotFound, {"nowhere"}, [] { FileChecksum("/nowhere", kGit); });
}

}  // namespace
}  // namespace siglip
