// Files of embeddings from the first input to the last, over failures and interruptions.
#include "output/embedding_output.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "expect_error.h"
#include "scratch_folder.h"

namespace siglip {
namespace {

class FileOutputTest : public ::testing::Test {
 protected:
  std::unique_ptr<EmbeddingOutput> Open(Journal::Start start, bool replace = true) {
    return MakeFileOutput(path_, start, {{"alpha", "white"}}, {1}, {.replace = replace});
  }

  static void Add(EmbeddingOutput& writer, const std::string& name, float value) {
    writer.Add(RowType::kText, name, {&value, 1});
  }

  std::string Written() const {
    std::ifstream file(path_);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  const ScratchFolder folder_;
  const std::filesystem::path path_ = folder_ / "out.csv";
};

TEST_F(FileOutputTest, RowsAreInTheOrderOfTheInputsWithoutThoseThatFailed) {
  const auto writer = Open(Journal::Start::kNew);
  for (const char* name : {"a", "b", "c"}) EXPECT_FALSE(writer->Reuse(RowType::kText, name));
  Add(*writer, "a", 1);
  writer->Skip();
  Add(*writer, "c", 3);
  writer->Finish();
  EXPECT_EQ(Written(), "path,0\na,1\nc,3\n");
  EXPECT_FALSE(std::filesystem::exists(JournalPath(path_)));
}

TEST_F(FileOutputTest, ALaterRunReusesWhatItFindsAndKeepsItsOwnOrder) {
  {
    const auto writer = Open(Journal::Start::kNew);
    for (const char* name : {"a", "b"}) EXPECT_FALSE(writer->Reuse(RowType::kText, name));
    Add(*writer, "a", 1);
    Add(*writer, "b", 2);
  }
  EXPECT_EQ(Written(), "");
  const auto writer = Open(Journal::Start::kResume);
  EXPECT_FALSE(writer->Reuse(RowType::kText, "c"));
  EXPECT_TRUE(writer->Reuse(RowType::kText, "b"));
  EXPECT_FALSE(writer->Reuse(RowType::kPicture, "a"));  // a file of this name is something else
  EXPECT_TRUE(writer->Reuse(RowType::kText, "a"));
  Add(*writer, "c", 3);
  writer->Skip();
  writer->Finish();
  EXPECT_EQ(Written(), "path,0\nc,3\nb,2\na,1\n");
}

TEST_F(FileOutputTest, WithoutARowThereIsNoFile) {
  const auto writer = Open(Journal::Start::kNew);
  EXPECT_FALSE(writer->Reuse(RowType::kText, "a"));
  writer->Skip();
  writer->Finish();
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(FileOutputTest, NothingNewIsAddedWhereTheOutputIsThereAlready) {
  std::ofstream(path_) << "precious";
  const auto writer = Open(Journal::Start::kNew, /*replace=*/false);
  EXPECT_FALSE(writer->Reuse(RowType::kText, "a"));
  ExpectError(ErrorCode::kInvalidArgument, {path_.string(), "--force"},
              [&] { Add(*writer, "a", 1); });
  EXPECT_EQ(Written(), "precious");
}

}  // namespace
}  // namespace siglip
