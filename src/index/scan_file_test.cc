#include "index/scan_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "expect_error.h"
#include "index/byte_vector.h"
#include "index/content_hash.h"
#include "scratch_folder.h"
#include "tensor/float16.h"

namespace siglip {
namespace {

constexpr size_t kHashedBytes = 56;  // those of the header before its hash
constexpr size_t kHeaderBytes = 4096;

struct Row {
  int64_t id;
  std::vector<uint16_t> halves;
};

std::vector<Row> RandomRows(const std::vector<int64_t>& ids, size_t dimensions) {
  std::mt19937 generator(static_cast<uint32_t>(dimensions));
  std::normal_distribution<float> normal;
  std::vector<Row> rows;
  for (const int64_t id : ids) {
    rows.push_back({id, std::vector<uint16_t>(dimensions)});
    for (uint16_t& half : rows.back().halves) half = FloatToFloat16(normal(generator));
  }
  return rows;
}

ScanRowSource SourceOf(const std::vector<Row>& rows) {
  return [&rows, next = size_t{0}]() mutable -> std::optional<ScanRow> {
    if (next == rows.size()) return std::nullopt;
    const Row& row = rows[next++];
    return ScanRow{row.id, row.halves};
  };
}

class ScanFileTest : public testing::Test {
 protected:
  static ScanSpace Space(int64_t dimensions) {
    ScanSpace space = {.uuid = {}, .dimensions = dimensions};
    space.uuid.fill(0xAB);
    return space;
  }

  void Write(const std::vector<Row>& rows, int64_t dimensions) const {
    ScanFileWriter(path_, Space(dimensions)).WriteAnew(SourceOf(rows));
  }
  void Append(const std::vector<Row>& rows, int64_t dimensions) const {
    ScanFileWriter(path_, Space(dimensions)).Append(SourceOf(rows));
  }
  std::string Bytes() const {
    std::ifstream in(path_, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  void Put(const std::string& bytes) const { std::ofstream(path_, std::ios::binary) << bytes; }

  /// Overwrites bytes of the file; those of the header get a hash that fits unless `keep_hash`.
  template <class Value>
  void Patch(size_t offset, Value value, bool keep_hash = false) const {
    std::string bytes = Bytes();
    std::memcpy(bytes.data() + offset, &value, sizeof(value));
    if (!keep_hash) {
      const ContentHash hash = HashContent(std::as_bytes(std::span(bytes)).first(kHashedBytes));
      std::memcpy(bytes.data() + kHashedBytes, hash.data(), hash.size());
    }
    Put(bytes);
  }

  void ExpectHolds(const std::vector<Row>& rows, int64_t dimensions) const {
    const ScanFile file = ScanFile::Open(path_, Space(dimensions));
    ASSERT_EQ(file.rows(), static_cast<int64_t>(rows.size()));
    EXPECT_EQ(file.dimensions(), dimensions);
    EXPECT_EQ(file.last_id(), rows.empty() ? 0 : rows.back().id);
    EXPECT_EQ(file.record_bytes() % 64, 0);
    float largest = 0;
    for (int64_t row = 0; row < file.rows(); ++row) {
      const Row& expected = rows[static_cast<size_t>(row)];
      std::vector<int8_t> bytes(expected.halves.size());
      const ByteVector vector = RoundToBytes(expected.halves, bytes, [] { return std::string(); });
      EXPECT_EQ(file.id(row), expected.id);
      EXPECT_EQ(file.scale(row), vector.scale);
      EXPECT_EQ(file.residual(row), vector.residual);
      EXPECT_EQ(std::vector(file.record(row), file.record(row) + dimensions), bytes);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(file.record(row)) % 64, 0);
      largest = std::max(largest, vector.norm);
    }
    EXPECT_EQ(file.largest_norm(), largest);
  }

  void ExpectUnusable(ErrorCode code, const std::string& reason, int64_t dimensions = 3) const {
    ExpectError(code, {path_.string(), reason}, [&] { ScanFile::Open(path_, Space(dimensions)); });
  }

  const ScratchFolder folder_;
  const std::filesystem::path path_ = folder_.path() / "scan.i8";
};

TEST_F(ScanFileTest, HoldsWhatIsWrittenAndAppended) {
  for (int64_t dimensions : {1, 3, 48, 49, 64, 128, 768}) {
    const auto size = static_cast<size_t>(dimensions);
    std::vector<Row> rows = RandomRows({1, 2, 7, 1000}, size);
    Write(rows, dimensions);
    ExpectHolds(rows, dimensions);
    for (const Row& more : RandomRows({1001, int64_t{1} << 40}, size)) {
      Append({more}, dimensions);
      rows.push_back(more);
      ExpectHolds(rows, dimensions);
    }
    Append({}, dimensions);
    ExpectHolds(rows, dimensions);
    rows = RandomRows({5}, size);
    Write(rows, dimensions);
    ExpectHolds(rows, dimensions);
  }
}

TEST_F(ScanFileTest, MayBeEmptyAndThenGrow) {
  Write({}, 3);
  ExpectHolds({}, 3);
  const std::vector<Row> rows = RandomRows({4}, 3);
  Append(rows, 3);
  ExpectHolds(rows, 3);
}

TEST_F(ScanFileTest, ManyRowsAreWrittenInPieces) {
  std::vector<int64_t> ids;
  for (int64_t id = 1; id <= 3000; ++id) ids.push_back(2 * id);
  const std::vector<Row> rows = RandomRows(ids, 768);
  Write({}, 768);
  Append(rows, 768);
  ExpectHolds(rows, 768);
}

TEST_F(ScanFileTest, AReaderKeepsTheRowsItOpened) {
  const std::vector<Row> rows = RandomRows({1, 2}, 3);
  Write(rows, 3);
  const ScanFile reader = ScanFile::Open(path_, Space(3));
  Append(RandomRows({3}, 3), 3);
  EXPECT_EQ(reader.rows(), 2);
  Write(RandomRows({9}, 3), 3);
  EXPECT_EQ(reader.id(1), 2);
}

TEST_F(ScanFileTest, RowsThatDoNotFitChangeNothing) {
  const std::vector<Row> rows = RandomRows({1, 5}, 3);
  Write(rows, 3);
  const std::vector<std::pair<Row, std::string>> bad = {
      {RandomRows({5}, 3)[0], "above 5"},
      {RandomRows({-1}, 3)[0], "above 5"},
      {RandomRows({7}, 4)[0], "content 7: expected 3 dimensions, found 4"},
      {Row{7, {0x3C00, 0x7C00, 0x3C00}}, "content 7: a vector holds inf"},
  };
  const Row good = RandomRows({6}, 3)[0];
  for (const auto& [bad_row, reason] : bad) {
    const Row row = bad_row;  // clang 14 captures no structured bindings
    ExpectError(ErrorCode::kInvalidArgument, {reason}, [&] { Append({row}, 3); });
    // A good one before it is not there either.
    ExpectError(ErrorCode::kInvalidArgument, {}, [&] { Append({good, row}, 3); });
    ExpectError(ErrorCode::kInvalidArgument, {}, [&] { Write({good, row}, 3); });
    ExpectHolds(rows, 3);
  }
  ExpectError(ErrorCode::kInvalidArgument, {"above 0, found 0"},
              [&] { Write(RandomRows({0}, 3), 3); });
}

TEST_F(ScanFileTest, LeftoversOfADeadWriterAreIgnoredAndOverwritten) {
  std::vector<Row> rows = RandomRows({1, 2}, 3);
  Write(rows, 3);
  Put(Bytes() + std::string(100, '\x7F'));
  ExpectHolds(rows, 3);
  rows.push_back(RandomRows({3}, 3)[0]);
  Append({rows.back()}, 3);
  ExpectHolds(rows, 3);
}

TEST_F(ScanFileTest, AFileOfAnotherSpaceIsTold) {
  ExpectUnusable(ErrorCode::kNotFound, "");
  Write(RandomRows({1}, 3), 3);
  ExpectUnusable(ErrorCode::kMismatch, "expected 4 dimensions, found 3", 4);
  ScanSpace other = Space(3);
  other.uuid[15] ^= 1;
  ExpectError(ErrorCode::kMismatch, {"another index"}, [&] { ScanFile::Open(path_, other); });
  ExpectError(ErrorCode::kMismatch, {"another index"},
              [&] { ScanFileWriter(path_, other).Append([] { return std::nullopt; }); });
  Patch(8, uint32_t{2});
  ExpectUnusable(ErrorCode::kMismatch, "expected version 1, found 2");
  std::filesystem::remove(path_);
  ExpectError(ErrorCode::kNotFound, {}, [&] { Append({}, 3); });
  for (int64_t dimensions : {int64_t{0}, int64_t{-1}, kMostDimensions + 1}) {
    ExpectError(ErrorCode::kInvalidArgument, {"dimensions"},
                [&] { ScanFile::Open(path_, Space(dimensions)); });
    ExpectError(ErrorCode::kInvalidArgument, {"dimensions"},
                [&] { ScanFileWriter(path_, Space(dimensions)); });
  }
}

TEST_F(ScanFileTest, ADamagedHeaderIsTold) {
  const std::vector<Row> rows = RandomRows({1, 2}, 3);
  Write(rows, 3);
  const std::string good = Bytes();
  const auto expect = [&](const std::string& reason) {
    ExpectUnusable(ErrorCode::kMalformedFile, reason);
    Put(good);
  };
  for (size_t size : {size_t{0}, size_t{1}, kHashedBytes, kHeaderBytes - 1}) {
    Put(good.substr(0, size));
    ExpectError(ErrorCode::kMalformedFile, {}, [&] { Append({}, 3); });
    expect("expected at least 4096 bytes");
  }
  Patch(0, 'X');
  expect("does not begin as one");
  for (size_t offset = 12; offset < kHashedBytes + sizeof(ContentHash); ++offset) {
    Patch(offset, static_cast<char>(good[offset] ^ 1), true);
    expect("hash");
  }
  // More rows than there are, also so many that their size does not fit into 64 bits.
  for (uint64_t count : {uint64_t{3}, uint64_t{1} << 58, (uint64_t{1} << 58) + 2, ~uint64_t{0}}) {
    Patch(32, count);
    ExpectError(ErrorCode::kMalformedFile, {"room for 2"}, [&] { Append({}, 3); });
    expect("room for 2");
  }
  for (int64_t last : {int64_t{-1}, int64_t{0}, int64_t{1}, int64_t{3}}) {
    Patch(40, last);
    expect("last content id");
  }
  Patch(32, uint64_t{0});
  expect("0 records with the last content id 2");
  for (float norm : {NAN, INFINITY, -1.0F}) {
    Patch(48, norm);
    expect("largest norm");
  }
  Put(good.substr(0, good.size() - 1));
  expect("room for 1");
  ExpectHolds(rows, 3);
}

TEST_F(ScanFileTest, ADamagedRecordIsTold) {
  const std::vector<Row> rows = RandomRows({3, 4}, 3);
  Write(rows, 3);
  const std::string good = Bytes();
  const auto expect = [&](const std::string& reason) {
    ExpectUnusable(ErrorCode::kMalformedFile, reason);
    Put(good);
  };
  for (float value : {NAN, INFINITY, -1.0F}) {
    Patch(kHeaderBytes + 3, value);
    expect("record 0: scale");
    Patch(kHeaderBytes + 64 + 7, value);
    expect("record 1: scale");
  }
  for (int64_t id : {int64_t{3}, int64_t{2}, int64_t{0}, int64_t{-5}}) {
    Patch(kHeaderBytes + 64 + 11, id);
    expect("after 3");
  }
  Patch(kHeaderBytes + 11, int64_t{0});
  expect("after 0");
  Patch(kHeaderBytes + 64 + 11, int64_t{5});
  expect("expected the last content id 4, found 5");
  ExpectHolds(rows, 3);
}

TEST_F(ScanFileTest, WhatIsNoFileIsAnError) {
  std::filesystem::create_directory(path_);
  ExpectUnusable(ErrorCode::kIo, "regular file");
  ExpectError(ErrorCode::kIo, {}, [&] { Append({}, 3); });
  ExpectError(ErrorCode::kIo, {}, [&] { Write({}, 3); });
}

}  // namespace
}  // namespace siglip
