#include "index/archive_update.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <fstream>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "engine/embedder_test_support.h"
#include "expect_error.h"
#include "index/index_test_support.h"
#include "index/schema.h"
#include "index/search_test_support.h"
#include "siglip/index.hpp"
#include "siglip/transformers/siglip_model.hpp"

namespace siglip {
namespace {

constexpr const char* kBucket = "s3://bucket/out";

using Paths = std::vector<std::string>;

/// An index of folders and archives. A number tells a picture: its bytes, hash, name and vector.
class ArchiveTest : public EmbedderTest {
 protected:
  void SetUp() override { std::filesystem::create_directory(pictures_); }

  static std::string BytesOf(int number) {
    std::mt19937 generator(static_cast<uint32_t>(number));
    std::string bytes = "P6\n20 12\n255\n";
    for (int i = 0; i < 20 * 12 * 3; ++i) bytes += static_cast<char>(generator() % 256);
    return bytes;
  }
  static std::vector<float> VectorOf(int number) {
    std::mt19937 generator(static_cast<uint32_t>(number));
    return RandomDirection(kDimensions, generator);
  }
  /// Vectors must outlive it.
  static ArchivedPicture PictureOf(int number, const std::vector<float>& vector) {
    const std::string bytes = BytesOf(number);
    return {.path = std::to_string(number) + ".ppm",
            .hash = HashContent(std::as_bytes(std::span(bytes))),
            .format = "pnm",
            .width = 20,
            .height = 12,
            .bytes = static_cast<int64_t>(bytes.size()),
            .vector = vector};
  }

  std::string Write(const std::string& name, int number) const {
    return WriteBytes("pictures/" + name, BytesOf(number));
  }
  static IndexSpace SpaceOf(const Embedder& embedder) {
    return {.model = "demo",
            .fingerprint = embedder.fingerprint(EmbeddingContent::kPicturesAndTexts),
            .logit_scale = embedder.logits().logit_scale(),
            .logit_bias = embedder.logits().logit_bias()};
  }
  void AddTo(IndexWriter& writer, int begin, int end, const std::string& archive = kBucket) const {
    std::vector<std::vector<float>> vectors;
    std::vector<ArchivedPicture> pictures;
    vectors.reserve(static_cast<size_t>(end - begin));
    for (int i = begin; i < end; ++i)
      pictures.push_back(PictureOf(i, vectors.emplace_back(VectorOf(i))));
    writer.AddArchive(archive, space_, pictures);
  }
  void Add(int begin, int end, const std::string& archive = kBucket) const {
    IndexWriter writer(folder_);
    AddTo(writer, begin, end, archive);
  }
  void AddOne(const ArchivedPicture& picture, const std::string& archive = kBucket) const {
    IndexWriter(folder_).AddArchive(archive, space_, std::span(&picture, 1));
  }
  UpdateCounts Update() const { return IndexWriter(folder_).Update(embedder_, "demo", pictures_); }
  Index Open() const { return Index(folder_, Threads(2)); }

  static SearchResult Search(const Index& index, const SearchFilter& filter = {}) {
    return index.Search({{.vector = VectorOf(3)}}, {.top = 1'000, .filter = filter});
  }
  static Paths Found(const Index& index, const SearchFilter& filter = {}) {
    Paths paths;
    for (const Hit& hit : Search(index, filter).hits) {
      paths.push_back(hit.path);
      paths.insert(paths.end(), hit.copies.begin(), hit.copies.end());
    }
    std::ranges::sort(paths);
    return paths;
  }
  static Paths PathsOf(const DuplicateGroup& group) {
    Paths paths;
    for (const DuplicateFile& file : group.files) paths.push_back(file.path);
    return paths;
  }
  /// Every row of the tables, as text.
  std::string Tables() const {
    const Database database = OpenIndexDatabase(folder_, Database::Access::kRead);
    std::string text;
    for (const char* const table : {"root", "content", "vector", "file", "gone"}) {
      Statement names = database.Prepare(
          "SELECT group_concat('quote(' || name || ')', '||') "
          "FROM pragma_table_info(?1)");
      names.Bind(table).Step();
      Statement rows =
          database.Prepare("SELECT " + names.Text(0) + " FROM " + table + " ORDER BY 1");
      while (rows.Step()) text += std::string(table) + " " + rows.Text(0) + "\n";
    }
    return text;
  }

  const std::filesystem::path folder_ = scratch_ / "index";
  const std::filesystem::path pictures_ = std::filesystem::canonical(scratch_.path()) / "pictures";
  const Embedder embedder_ = OpenDemo();
  const IndexSpace space_ = SpaceOf(embedder_);
};

TEST_F(ArchiveTest, IsFoundAndShown) {
  Add(0, 40);
  const Index index = Open();
  EXPECT_EQ(index.Verify(), Paths());
  const SearchResult found = Search(index);
  EXPECT_EQ(found.total, 40);
  const Hit& best = found.hits.at(0);
  EXPECT_EQ(best.path, "s3://bucket/out/3.ppm");
  EXPECT_TRUE(best.archived);
  EXPECT_EQ(best.format, "pnm");
  EXPECT_EQ(best.width, 20);
  EXPECT_EQ(best.height, 12);
  EXPECT_FALSE(best.taken);
  EXPECT_NEAR(best.score, 1, 1e-3);

  const std::optional<IndexedContent> content = index.Content(best.id);
  ASSERT_TRUE(content);
  EXPECT_EQ(content->hash, best.hash);
  ASSERT_EQ(content->files.size(), 1U);
  EXPECT_EQ(content->files[0].folder, kBucket);
  EXPECT_EQ(content->files[0].path, "3.ppm");
  EXPECT_EQ(content->files[0].bytes, static_cast<int64_t>(BytesOf(3).size()));
  EXPECT_TRUE(content->files[0].archived);
  EXPECT_EQ(index.ContentOf("s3://bucket/out/3.ppm"), best.id);

  const IndexStatus status = index.status();
  ASSERT_EQ(status.folders.size(), 1U);
  EXPECT_EQ(status.folders[0].path, kBucket);
  EXPECT_TRUE(status.folders[0].is_archive);
  EXPECT_EQ(status.folders[0].files, 40);
  EXPECT_EQ(status.contents, 40);
  EXPECT_EQ(status.space->model, "demo");
  EXPECT_TRUE(status.space->fingerprint.normalize);
  EXPECT_EQ(status.space->logit_bias, embedder_.logits().logit_bias());
}

/// Within the rounding of binary16, whatever the norm was.
TEST_F(ArchiveTest, VectorsAreDividedByTheirNorms) {
  std::vector<float> vector = VectorOf(1);
  double squares = 0;
  for (float& value : vector) squares += std::pow(value *= 1e-3F, 2);
  AddOne(PictureOf(1, vector));
  int count = 0;
  Open().ForEachFile([&](const IndexedFile& file) {
    EXPECT_EQ(file.path, "s3://bucket/out/1.ppm");
    for (size_t i = 0; i < kDimensions; ++i) {
      EXPECT_NEAR(file.vector[i], vector[i] / std::sqrt(squares), 0x1p-11 * 0.5);
    }
    ++count;
    return true;
  });
  EXPECT_EQ(count, 1);
}

TEST_F(ArchiveTest, TheSameAgainChangesNothing) {
  Add(0, 20);
  const std::string before = Tables();
  Add(0, 20);
  Add(5, 10, std::string(kBucket) + "//");
  EXPECT_EQ(Tables(), before);
  EXPECT_EQ(Search(Open()).total, 20);
}

TEST_F(ArchiveTest, APathAgainTakesThePlaceOfWhatItWas) {
  Add(0, 3);
  const std::vector<float> vector = VectorOf(7);
  ArchivedPicture other = PictureOf(7, vector);
  other.path = "1.ppm";
  AddOne(other);
  const Index index = Open();
  EXPECT_EQ(Found(index),
            Paths({"s3://bucket/out/0.ppm", "s3://bucket/out/1.ppm", "s3://bucket/out/2.ppm"}));
  EXPECT_EQ(index.Search({{.vector = vector}}).hits.at(0).path, "s3://bucket/out/1.ppm");
  EXPECT_EQ(index.Verify(), Paths());
  IndexWriter(folder_).Prune();
  EXPECT_EQ(index.status().contents, 3);
  EXPECT_EQ(index.Verify(), Paths());
}

TEST_F(ArchiveTest, SharesContentsWithFolders) {
  Write("a.ppm", 1);
  Write("b.ppm", 2);
  Update();
  const std::vector<float> before = Open().Vector(1);
  Add(0, 2);  // of which one is known
  const Index index = Open();
  EXPECT_EQ(index.Vector(1), before);
  EXPECT_EQ(Found(index), Paths({pictures_ / "a.ppm", pictures_ / "b.ppm", "s3://bucket/out/0.ppm",
                                 "s3://bucket/out/1.ppm"}));
  EXPECT_EQ(Search(index).total, 3);
  for (const Hit& hit : Search(index).hits) {
    // What can be opened comes first.
    if (hit.copies.empty()) continue;
    EXPECT_EQ(hit.path, pictures_ / "a.ppm");
    EXPECT_FALSE(hit.archived);
  }
  EXPECT_EQ(index.Verify(), Paths());

  std::filesystem::remove(pictures_ / "a.ppm");
  EXPECT_EQ(Update().missing, 1U);
  EXPECT_EQ(IndexWriter(folder_).Prune(), 1U);
  EXPECT_EQ(Search(index).total, 3);
  EXPECT_EQ(index.Verify(), Paths());
}

/// Of what came from an archive, a folder tells what only originals do.
TEST_F(ArchiveTest, AFolderTellsWhatAnArchiveDoesNot) {
  Add(1, 3);
  const Index index = Open();
  const std::vector<float> vector = index.Vector(1);
  const auto greys = [&] {
    return OpenIndexDatabase(folder_, Database::Access::kRead)
        .Integer("SELECT count(*) FROM content WHERE greys IS NOT NULL");
  };
  EXPECT_EQ(greys(), 0);
  Write("a.ppm", 1);
  Update();
  EXPECT_EQ(greys(), 1);
  EXPECT_EQ(index.Vector(1), vector);
  EXPECT_EQ(index.status().contents, 2);
  EXPECT_EQ(index.Verify(), Paths());
  EXPECT_EQ(Update().embedded, 0U);
}

TEST_F(ArchiveTest, AContentThatCouldNotBeDecodedGetsAVector) {
  WriteBytes("pictures/broken.jpg", "no picture");
  Update();
  const std::vector<float> vector = VectorOf(1);
  ArchivedPicture picture = PictureOf(1, vector);
  const std::string bytes = "no picture";
  picture.hash = HashContent(std::as_bytes(std::span(bytes)));
  AddOne(picture);
  EXPECT_EQ(Found(Open()), Paths({pictures_ / "broken.jpg", "s3://bucket/out/1.ppm"}));
  EXPECT_EQ(Open().Verify(), Paths());
  Update();
  EXPECT_EQ(Open().Verify(), Paths());
}

TEST_F(ArchiveTest, UnderAnArchive) {
  Add(0, 2);
  Add(2, 4, "/data/out");
  Write("a.ppm", 5);
  Update();
  std::vector<float> vector = VectorOf(6);
  ArchivedPicture deeper = PictureOf(6, vector);
  deeper.path = "sub/6.ppm";
  AddOne(deeper);
  const Index index = Open();
  const auto under = [&](const std::filesystem::path& folder) {
    return Found(index, {.under = folder});
  };
  const Paths all = {"s3://bucket/out/0.ppm", "s3://bucket/out/1.ppm", "s3://bucket/out/sub/6.ppm"};
  EXPECT_EQ(under(kBucket), all);
  EXPECT_EQ(under("s3://bucket/"), all);
  EXPECT_EQ(under("s3://bucket/ou"), Paths());
  EXPECT_EQ(under("s3://bucket/out/sub"), Paths({"s3://bucket/out/sub/6.ppm"}));
  EXPECT_EQ(under("/data"), Paths({"/data/out/2.ppm", "/data/out/3.ppm"}));
  EXPECT_EQ(under(pictures_), Paths({pictures_ / "a.ppm"}));
  EXPECT_EQ(under("/").size(), 3U);
  // Nothing tells when these were taken.
  EXPECT_EQ(Found(index, {.after = std::numeric_limits<int64_t>::min()}), Paths());
  EXPECT_EQ(Found(index, {.under = kBucket, .min_width = 20}), all);
}

TEST_F(ArchiveTest, IsNeverMissingAndNeverWalked) {
  Add(0, 150, "/data/out");
  Write("a.ppm", 200);
  Update();
  EXPECT_EQ(Update().missing, 0U);
  IndexWriter writer(folder_);
  EXPECT_EQ(writer.folders(), Paths({pictures_}));
  EXPECT_EQ(writer.archives(), Paths({"/data/out"}));
  EXPECT_EQ(writer.Prune(), 0U);
  EXPECT_EQ(Search(Open()).total, 151);
}

TEST_F(ArchiveTest, IsRemovedByItsName) {
  Add(0, 5);
  Add(3, 8, "/data/out");
  Write("a.ppm", 0);
  Update();
  IndexWriter writer(folder_);
  ExpectError(ErrorCode::kNotFound, {"no folder of the index", kBucket, "/data/out"},
              [&] { writer.Remove("s3://bucket"); });
  writer.Remove("s3://bucket/out/");
  EXPECT_EQ(Search(Open()).total, 6);
  writer.Remove("/data/out");
  EXPECT_EQ(Found(Open()), Paths({pictures_ / "a.ppm"}));
  EXPECT_EQ(Open().status().contents, 1);
  EXPECT_EQ(Open().Verify(), Paths());
}

TEST_F(ArchiveTest, AFolderAndAnArchiveHaveDifferentNames) {
  Write("a.ppm", 1);
  Update();
  ExpectError(ErrorCode::kInvalidArgument, {pictures_, "is a folder of the index"},
              [&] { Add(0, 1, pictures_); });
  // In one another they may lie.
  Add(0, 1, pictures_ / "out");
  Add(1, 2, scratch_ / "other");
  std::filesystem::create_directory(scratch_ / "other");
  ExpectError(ErrorCode::kInvalidArgument, {scratch_ / "other", "is an archive of the index"},
              [&] { IndexWriter(folder_).Update(embedder_, "demo", scratch_ / "other"); });
}

TEST_F(ArchiveTest, SameBytesAndSimilarAreDuplicates) {
  Write("a.ppm", 1);
  Update();
  Add(1, 3);
  const std::vector<float> vector = VectorOf(2);
  ArchivedPicture alike = PictureOf(9, vector);
  alike.width = 10;
  AddOne(alike);
  const Index index = Open();
  const auto same = index.FindDuplicates({.kind = DuplicateKind::kSameBytes});
  ASSERT_EQ(same.size(), 1U);
  EXPECT_EQ(PathsOf(same[0]), Paths({pictures_ / "a.ppm", "s3://bucket/out/1.ppm"}));
  EXPECT_FALSE(same[0].files[0].archived);
  EXPECT_TRUE(same[0].files[1].archived);
  EXPECT_EQ(same[0].files[1].mtime_ns, 0);
  const auto similar = index.FindDuplicates({.kind = DuplicateKind::kSimilar});
  ASSERT_EQ(similar.size(), 2U);
  EXPECT_EQ(PathsOf(similar[1]), Paths({"s3://bucket/out/2.ppm", "s3://bucket/out/9.ppm"}));
  // Nothing tells whether they show the same.
  EXPECT_EQ(index.FindDuplicates().size(), 1U);
  EXPECT_EQ(Search(index).hits.size(), 3U);
}

/// Of equal size those of folders come before those that only archives have, by their own times.
TEST_F(ArchiveTest, FilesOfFoldersRepresentDuplicates) {
  const auto age = [&](const std::string& path, int hours) {
    std::filesystem::last_write_time(
        path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(hours));
  };
  const std::string first = Write("first.ppm", 1);
  std::string bytes = BytesOf(1);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  const std::string second = WriteBytes("pictures/second.ppm", bytes);
  age(first, 2);
  age(second, 1);
  Update();
  Add(1, 2);
  const std::vector<float> vector = Open().Vector(1);
  AddOne(PictureOf(9, vector));
  const auto groups = Open().FindDuplicates({.kind = DuplicateKind::kSimilar, .threshold = 0.99F});
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_EQ(PathsOf(groups[0]),
            Paths({first, "s3://bucket/out/1.ppm", second, "s3://bucket/out/9.ppm"}));
}

TEST_F(ArchiveTest, AnotherKindOfEmbeddingsIsRefused) {
  Write("a.ppm", 1);
  Update();
  const std::string before = Tables();
  const std::vector<float> vector = VectorOf(1);
  const ArchivedPicture picture = PictureOf(1, vector);
  IndexSpace other = space_;
  other.fingerprint.precision = Precision::kInt8;
  ExpectError(ErrorCode::kMismatch, {folder_, "precision", "f32", "int8"},
              [&] { IndexWriter(folder_).AddArchive(kBucket, other, std::span(&picture, 1)); });
  EXPECT_EQ(Tables(), before);
  // Normalised or not, of pictures alone or of texts too: they can be compared.
  other = space_;
  other.fingerprint.texts.reset();
  other.fingerprint.normalize = true;
  IndexWriter(folder_).AddArchive(kBucket, other, std::span(&picture, 1));
  EXPECT_EQ(Search(Open()).total, 1);
}

TEST_F(ArchiveTest, ASpaceWithoutPicturesIsRefused) {
  const auto expect_refused = [&](const IndexSpace& space, const std::string& words) {
    ExpectError(ErrorCode::kInvalidArgument, {words},
                [&] { IndexWriter(folder_).AddArchive(kBucket, space, {}); });
  };
  IndexSpace space = space_;
  space.fingerprint.pictures->tokens = true;
  expect_refused(space, "tokens");
  space = space_;
  space.fingerprint.pictures.reset();
  expect_refused(space, "texts");
  space = space_;
  space.logit_bias.reset();
  expect_refused(space, "logits");
  EXPECT_FALSE(IndexWriter(folder_).space());
}

TEST_F(ArchiveTest, APictureThatIsNoneIsNamedAndNothingIsAdded) {
  const std::vector<float> vector = VectorOf(1);
  const std::vector<float> shorter(kDimensions - 1, 1.0F);
  const std::vector<float> zero(kDimensions, 0.0F);
  std::vector<float> infinite = vector;
  infinite[5] = std::numeric_limits<float>::infinity();
  std::vector<float> not_a_number = vector;
  not_a_number[7] = std::numeric_limits<float>::quiet_NaN();
  std::vector<ArchivedPicture> wrong;
  const std::vector<const std::vector<float>*> bad = {&shorter, &zero, &infinite, &not_a_number};
  for (const std::vector<float>* const values : bad) wrong.push_back(PictureOf(2, *values));
  const ArchivedPicture good = PictureOf(1, vector);
  for (int i = 0; i < 5; ++i) wrong.push_back(PictureOf(2, vector));
  wrong[4].format = "x\r\ny";
  wrong[5].width = -1;
  wrong[6].bytes = -1;
  wrong[7].path = "";
  wrong[8].path = std::string("a\0b", 3);
  for (const ArchivedPicture& picture : wrong) {
    const std::vector<ArchivedPicture> pictures = {good, picture};
    ExpectError(ErrorCode::kInvalidArgument, {"picture 1 of the archive", picture.path.c_str()},
                [&] { IndexWriter(folder_).AddArchive(kBucket, space_, pictures); });
  }
  for (const std::string& name : {std::string(), std::string("//"), std::string("a\0", 2)}) {
    ExpectError(ErrorCode::kInvalidArgument, {"expected a name"}, [&] { AddOne(good, name); });
  }
  const IndexWriter writer(folder_);
  EXPECT_FALSE(writer.space());
  EXPECT_EQ(writer.archives(), Paths());
}

/// Whatever ends the process, a batch is there as a whole or not at all.
TEST_F(ArchiveTest, ABatchIsAddedAsAWhole) {
  constexpr int kOfABatch = 60;
  for (int round = 0; round < 8; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(60);
      try {
        IndexWriter writer(folder_);
        const std::string archive = "archive " + std::to_string(round);
        for (int i = 0;; i += kOfABatch) AddTo(writer, i, i + kOfABatch, archive);
      } catch (...) {
      }
      ::_exit(1);
    }
    // At other places each time: there is something to see only after the first commit.
    ::usleep(static_cast<useconds_t>(20'000 + 7'000 * round));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    {
      const IndexWriter writer(folder_);  // also where the child had not begun
    }
    const Index index = Open();
    for (const IndexedFolder& archive : index.status().folders) {
      EXPECT_GT(archive.files, 0);
      EXPECT_EQ(archive.files % kOfABatch, 0) << archive.path;
    }
    EXPECT_EQ(index.status().contents % kOfABatch, 0);
    // The scan file may lack what was committed last.
    for (const std::string& fault : index.Verify()) {
      EXPECT_NE(fault.find("scan.i8"), std::string::npos) << fault;
    }
  }
  Add(0, kOfABatch, "last");
  EXPECT_EQ(Open().Verify(), Paths());
}

/// An index says version 2 once it has an archive, and is what it was before until then.
TEST_F(ArchiveTest, OlderVersionsRefuseAnIndexWithArchives) {
  const auto version = [&] {
    return OpenIndexDatabase(folder_, Database::Access::kRead).Integer("PRAGMA user_version");
  };
  Write("a.ppm", 1);
  Update();
  EXPECT_EQ(version(), 1);
  Update();
  EXPECT_EQ(version(), 1);
  ExpectError(ErrorCode::kInvalidArgument, {"expected a name"}, [&] { Add(0, 1, ""); });
  EXPECT_EQ(version(), 1);
  Add(0, 2);
  EXPECT_EQ(version(), 2);
  EXPECT_EQ(Update().unchanged + Update().known, 1U);
  EXPECT_EQ(version(), 2);
}

}  // namespace
}  // namespace siglip
