// The journal: what it gives back, and what becomes of one that was cut, damaged or made otherwise.
#include "output/journal.h"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include "expect_error.h"
#include "output/crc32.h"
#include "scratch_folder.h"

namespace siglip {
namespace {

using Start = Journal::Start;
using Found = std::vector<std::pair<RowKey, std::vector<float>>>;

const EmbeddingSettings kSettings = {{"alpha", "white"}, {"precision", "f32"}};
const Found kRows = {{{RowType::kText, "text:a cat"}, {1, 2, 3}},
                     {{RowType::kPicture, "cat\n\xff.jpg", 1234, -5}, {-0.5F, 0, 1e30F}},
                     {{RowType::kPicture, "", -1, 0}, {4, 5, 6}}};

class JournalTest : public ::testing::Test {
 protected:
  Journal Open(Start start, const EmbeddingSettings& settings = kSettings) {
    return {path_, start, settings, 3};
  }

  Found Recover(Journal journal) {
    Found found;
    journal.Recover([&](const RowKey& key, uint64_t offset) {
      EXPECT_EQ(journal.ReadKey(offset), key);
      std::vector<float> row(3);
      journal.ReadRow(offset, row);
      found.emplace_back(key, row);
    });
    return found;
  }

  /// The whole file, and in `ends` where each record ends, the head of the file counted as one.
  std::string WriteRows(std::vector<size_t>& ends) {
    Journal journal = Open(Start::kReplace);
    ends = {Bytes().size()};
    for (const auto& [key, row] : kRows) {
      EXPECT_EQ(journal.Append(key, row), ends.back());
      ends.push_back(Bytes().size());
    }
    return Bytes();
  }

  std::string Bytes() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  void SetBytes(std::string_view bytes) const {
    std::ofstream(path_, std::ios::binary).write(bytes.data(), static_cast<int64_t>(bytes.size()));
  }

  /// A journal without records whose settings are this text, with the right check sum.
  static std::string WithSettings(std::string_view json) {
    const std::array<uint32_t, 2> pair = {static_cast<uint32_t>(json.size()), Crc32(json)};
    std::string bytes = "SIGLIPJ2";
    bytes.append(reinterpret_cast<const char*>(pair.data()), sizeof(pair));
    return bytes.append(json);
  }

  const ScratchFolder folder_;
  const std::filesystem::path path_ = folder_ / "out.npy.partial";
};

TEST_F(JournalTest, GivesBackWhatWasAppended) {
  std::vector<size_t> ends;
  WriteRows(ends);
  EXPECT_EQ(Recover(Open(Start::kResume)), kRows);
}

TEST_F(JournalTest, GoesOnBehindWhatItRecovered) {
  std::vector<size_t> ends;
  WriteRows(ends);
  const RowKey key = {RowType::kText, "text:later"};
  {
    Journal journal = Open(Start::kResume);
    journal.Recover([](const RowKey&, uint64_t) {});
    EXPECT_EQ(journal.Append(key, std::vector<float>{7, 8, 9}), ends.back());
  }
  const Found found = Recover(Open(Start::kResume));
  ASSERT_EQ(found.size(), kRows.size() + 1);
  EXPECT_EQ(found.back(), Found::value_type(key, {7, 8, 9}));
}

TEST_F(JournalTest, WhatIsCutAnywhereLosesOneRecord) {
  std::vector<size_t> ends;
  const std::string whole = WriteRows(ends);
  for (size_t size = ends.front(); size < whole.size(); ++size) {
    SetBytes(std::string_view(whole).substr(0, size));
    size_t left = 0;
    while (ends[left + 1] <= size) ++left;
    EXPECT_EQ(Recover(Open(Start::kResume)), Found(kRows.begin(), kRows.begin() + left)) << size;
    EXPECT_EQ(Bytes().size(), ends[left]) << "cut at " << size;
  }
}

TEST_F(JournalTest, WhatIsDamagedAnywhereEndsBeforeThatRecord) {
  std::vector<size_t> ends;
  const std::string whole = WriteRows(ends);
  for (size_t place = ends.front(); place < whole.size(); ++place) {
    std::string damaged = whole;
    damaged[place] = static_cast<char>(damaged[place] ^ 0x80);
    SetBytes(damaged);
    size_t left = 0;
    while (ends[left + 1] <= place) ++left;
    EXPECT_EQ(Recover(Open(Start::kResume)), Found(kRows.begin(), kRows.begin() + left)) << place;
  }
}

TEST_F(JournalTest, ADamagedHeadIsRefusedAndKept) {
  std::vector<size_t> ends;
  const std::string whole = WriteRows(ends);
  for (size_t place = 0; place < ends.front(); ++place) {
    std::string damaged = whole;
    damaged[place] = static_cast<char>(damaged[place] ^ 0x80);
    SetBytes(damaged);
    EXPECT_THROW(Open(Start::kResume), Error) << place;
    EXPECT_EQ(Bytes(), damaged);
  }
  for (size_t size = 1; size < ends.front(); ++size) {
    SetBytes(std::string_view(whole).substr(0, size));
    ExpectError(ErrorCode::kMismatch, {path_.string(), "not the journal of a run"},
                [&] { Open(Start::kResume); });
  }
}

// A check sum protects from damage, not from whoever can compute one.
TEST_F(JournalTest, SettingsOfAnotherKindAreRefused) {
  for (const std::string_view json :
       {"", "{", "[]", "1", "null", "[\"alpha\"]", "{\"alpha\":1}", "{\"alpha\":{}}",
        "{\"alpha\":\"\\ud800\"}", "{\"a\":\"\xff\"}"}) {
    SetBytes(WithSettings(json));
    ExpectError(ErrorCode::kMismatch, {path_.string(), "not the journal of a run", "--force"},
                [&] { Open(Start::kResume); });
  }
  SetBytes(WithSettings(std::string(60'000, '[')));
  ExpectError(ErrorCode::kMismatch, {"not the journal"}, [&] { Open(Start::kResume); });
  SetBytes(WithSettings(R"({"alpha":"white","precision":"f32"})"));
  EXPECT_TRUE(Recover(Open(Start::kResume)).empty());
}

TEST_F(JournalTest, AnotherSettingIsNamedWithBothValues) {
  std::vector<size_t> ends;
  const std::string whole = WriteRows(ends);
  ExpectError(ErrorCode::kMismatch, {"precision was f32, is now bf16", "--force"}, [&] {
    Open(Start::kResume, {{"alpha", "white"}, {"precision", "bf16"}});
  });
  ExpectError(ErrorCode::kMismatch, {"normalize was nothing, is now yes"}, [&] {
    Open(Start::kResume, {{"alpha", "white"}, {"normalize", "yes"}});
  });
  EXPECT_EQ(Bytes(), whole);
}

TEST_F(JournalTest, AnotherVersionIsNoDamage) {
  std::vector<size_t> ends;
  std::string bytes = WriteRows(ends);
  bytes[7] = '1';
  SetBytes(bytes);
  ExpectError(ErrorCode::kMismatch, {"another version of siglip"}, [&] { Open(Start::kResume); });
  EXPECT_EQ(Bytes(), bytes);
}

TEST_F(JournalTest, ANewRunTakesNoOldJournal) {
  std::vector<size_t> ends;
  const std::string whole = WriteRows(ends);
  ExpectError(ErrorCode::kInvalidArgument, {path_.string(), "--resume"},
              [&] { Open(Start::kNew); });
  EXPECT_EQ(Bytes(), whole);
  EXPECT_TRUE(Recover(Open(Start::kReplace)).empty());
}

TEST_F(JournalTest, TwoDoNotShareAFile) {
  Journal first = Open(Start::kNew);
  ExpectError(ErrorCode::kIo, {path_.string(), "another run"}, [&] { Open(Start::kReplace); });
  first.Remove();
  EXPECT_FALSE(std::filesystem::exists(path_));
  Open(Start::kNew);
}

TEST_F(JournalTest, WhatIsNoJournalIsLeftAlone) {
  const std::filesystem::path other = folder_ / "thesis.txt";
  std::ofstream(other) << "SIGLIPJ2 is how it begins";
  std::filesystem::create_symlink(other, path_);
  for (const Start start : {Start::kNew, Start::kResume, Start::kReplace}) {
    ExpectError(ErrorCode::kInvalidArgument, {path_.string(), "a link"}, [&] { Open(start); });
  }
  EXPECT_EQ(std::filesystem::file_size(other), 25U);
  std::filesystem::remove(path_);
  SetBytes("a letter");
  for (const Start start : {Start::kNew, Start::kResume, Start::kReplace}) {
    ExpectError(ErrorCode::kInvalidArgument, {path_.string(), "not the journal"},
                [&] { Open(start); });
    EXPECT_EQ(Bytes(), "a letter");
  }
}

}  // namespace
}  // namespace siglip
