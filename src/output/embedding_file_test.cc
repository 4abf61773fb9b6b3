// Files of embeddings read back: as they were written, and damaged in every way that is looked for.
#include "output/embedding_file.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "expect_error.h"
#include "output/npy.h"
#include "output/output_format.h"
#include "output/zip_writer.h"
#include "scratch_folder.h"
#include "siglip/error.hpp"
#include "siglip/safetensors.hpp"
#include "table_in_memory.h"

namespace siglip {
namespace {

struct Row {
  RowType type;
  std::string name;
  std::vector<float> values;

  bool operator==(const Row&) const = default;
};

std::vector<Row> ReadRows(const std::filesystem::path& path) {
  std::vector<Row> rows;
  OpenEmbeddingFile(path)->ForEachRow(
      [&](RowType type, const std::string& name, std::span<const float> row) {
        rows.push_back({type, name, {row.begin(), row.end()}});
      });
  return rows;
}

void Write(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string Bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

template <class Value>
std::string BytesOf(const std::vector<Value>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(Value)};
}

const char* const kEndings[] = {".npy", ".npz", ".safetensors", ".jsonl", ".csv"};

TEST(EmbeddingFile, WhatIsWrittenIsReadBack) {
  const ScratchFolder folder;
  const std::vector<float> numbers = {1.0F / 3, -std::numeric_limits<float>::denorm_min()};
  const std::vector<std::pair<std::string, RowType>> names = {
      {"text:two\nlines, \"quoted\"", RowType::kText},
      {"b\xc3\xa4r \xf0\x9f\x90\xbb.jpg", RowType::kPicture},
      {"back\\slash\r\xff\xed\xa0\x80.jpg", RowType::kPicture},
      {"\"", RowType::kPicture}};
  std::vector<RowKey> keys;
  std::vector<Row> expected;
  for (const auto& [name, type] : names) {
    keys.push_back({type, name});
    expected.push_back({type, name, {numbers[0] * static_cast<float>(keys.size()), numbers[1]}});
  }
  for (const char* const ending : kEndings) {
    std::vector<std::vector<float>> rows;
    for (const Row& row : expected) rows.push_back(row.values);
    TableInMemory table(keys, rows, {2}, {{"precision", "f32"}});
    const std::filesystem::path path = folder / ("a" + std::string(ending));
    WriteTable(table, path, {});
    EXPECT_EQ(ReadRows(path), expected) << ending;
    const EmbeddingSettings settings = OpenEmbeddingFile(path)->settings();
    EXPECT_EQ(settings.empty(), std::string(ending) != ".safetensors");
  }
}

TEST(EmbeddingFile, APictureThatLooksLikeATextIsOne) {
  const ScratchFolder folder;
  for (const char* const ending : kEndings) {
    TableInMemory table({{RowType::kPicture, "text:a.jpg"}}, {{1}}, {1});
    const std::filesystem::path path = folder / ("a" + std::string(ending));
    WriteTable(table, path, {});
    EXPECT_EQ(ReadRows(path).at(0).type, RowType::kPicture) << ending;
  }
}

TEST(EmbeddingFile, VectorsOfAllPatchesAreRefused) {
  const ScratchFolder folder;
  for (const char* const ending : {".npy", ".npz", ".safetensors", ".jsonl"}) {
    TableInMemory table({{RowType::kPicture, "a"}}, {{1, 2, 3, 4}}, {2, 2});
    const std::filesystem::path path = folder / ("a" + std::string(ending));
    WriteTable(table, path, {});
    ExpectError(ErrorCode::kUnsupported, {path.string(), "--tokens"}, [&] { ReadRows(path); });
  }
}

TEST(EmbeddingFile, EveryCutIsNoticed) {
  const ScratchFolder folder;
  for (const char* const ending : {".npy", ".npz", ".safetensors"}) {
    TableInMemory table({{RowType::kPicture, "a"}, {RowType::kPicture, "b"}}, {{1, 2}, {3, 4}},
                        {2});
    const std::filesystem::path path = folder / ("a" + std::string(ending));
    WriteTable(table, path, {});
    const std::string whole = Bytes(path);
    for (size_t size = 0; size < whole.size(); ++size) {
      Write(path, whole.substr(0, size));
      EXPECT_THROW(ReadRows(path), Error) << ending << " " << size;
    }
  }
}

TEST(EmbeddingFile, DamagedJsonLines) {
  const ScratchFolder folder;
  const std::filesystem::path path = folder / "a.jsonl";
  const std::string good = R"({"type":"picture","path":"a","embedding":[1,2]})";
  for (const auto& [line, said] : std::vector<std::pair<std::string, std::string>>{
           {"", "line 2"},
           {"[]", "object"},
           {R"({"type":"picture","path":"a"})", "'embedding'"},
           {R"({"type":"picture","path":"a","embedding":{}})", "embedding"},
           {R"({"type":"picture","path":"a","embedding":[1,"2"]})", "embedding"},
           {R"({"type":"picture","path":"a","embedding":[1,1e39]})", "range"},
           {R"({"type":"picture","path":"a","embedding":[1]})", "expected 2 numbers, found 1"},
           {R"({"type":"picture","path":"a","embedding":[]})", "none"},
           {R"({"type":"sound","path":"a","embedding":[1,2]})", "'type'"},
           {R"({"path":"a","embedding":[1,2]})", "'type'"},
           {R"({"type":"picture","embedding":[1,2]})", "'path'"},
           {R"({"type":"picture","path":5,"embedding":[1,2]})", "path"},
           {R"({"type":"picture","path":"a","path_base64":"_w==","embedding":[1,2]})", "base64"},
           {R"({"type":"picture","path":"a","path_base64":"/w=","embedding":[1,2]})", "base64"},
           {R"({"type":"picture","path":"a","path_base64":"/x==","embedding":[1,2]})", "base64"}}) {
    Write(path, good + "\n" + line + "\n");
    ExpectError(ErrorCode::kMalformedFile, {path.string() + ": line 2", said},
                [&] { ReadRows(path); });
  }
}

TEST(EmbeddingFile, DamagedCsv) {
  const ScratchFolder folder;
  const std::filesystem::path path = folder / "a.csv";
  for (const auto& [text, said] :
       std::vector<std::pair<std::string, std::string>>{{"", "'path'"},
                                                        {"name,0\na,1\n", "'path'"},
                                                        {"path\na\n", "none"},
                                                        {"path,0\na\n", "none"},
                                                        {"path,0\na,1,2\n", "found 2"},
                                                        {"path,0\na,x\n", "no number"},
                                                        {"path,0\na,1x\n", "no number"},
                                                        {"path,0\na,\n", "no number"},
                                                        {"path,0\na,1e39\n", "no number"},
                                                        {"path,0\n\"a,1\n", "quote"},
                                                        {"path,0\n\"a\"b,1\n", "quoted"}}) {
    Write(path, text);
    ExpectError(ErrorCode::kMalformedFile, {path.string(), said}, [&] { ReadRows(path); });
  }
}

TEST(EmbeddingFile, DamagedNpy) {
  const ScratchFolder folder;
  const std::filesystem::path path = folder / "a.npy";
  const auto expect = [&](const std::string& descr, const Shape& shape, const std::string& names,
                          const std::string& said) {
    Write(path, BuildNpyHeader(descr, shape) + BytesOf(std::vector<float>{1, 2}));
    Write(NpyNamesPath(path), names);
    ExpectError(ErrorCode::kMalformedFile, {path.string(), said}, [&] { ReadRows(path); });
  };
  expect("<f8", {1, 1}, "a\n", "<f8");
  expect("<f4", {2}, "a\n", "[n, D]");
  expect("<f4", {1, 0}, "a\n", "[n, D]");
  expect("<f4", {1, 3}, "a\n", "does not fit");
  expect("<f4", {int64_t{1} << 62, 2}, "a\n", "does not fit");
  expect("<f4", {1, 2}, "", "expected 1 lines, found 0");
  expect("<f4", {1, 2}, "a\nb\n", "expected 1 lines, found 2");
  expect("<f4", {1, 2}, "a\\t\n", "line 1");
  expect("<f4", {1, 2}, "a\\\n", "line 1");
  std::filesystem::remove(NpyNamesPath(path));
  ExpectError(ErrorCode::kNotFound, {NpyNamesPath(path).string()}, [&] { ReadRows(path); });
}

TEST(EmbeddingFile, DamagedNpz) {
  const ScratchFolder folder;
  const std::filesystem::path path = folder / "a.npz";
  const auto expect = [&](const std::string& names_member, const std::string& descr,
                          const Shape& shape, const std::vector<char32_t>& names,
                          const std::string& said) {
    {
      AtomicFile output(path, {.replace = true});
      ZipWriter zip(output);
      for (const auto& [member, bytes] :
           {std::pair(std::string("embeddings.npy"),
                      BuildNpyHeader("<f4", {2, 1}) + BytesOf(std::vector<float>{1, 2})),
            std::pair(names_member, BuildNpyHeader(descr, shape) + BytesOf(names))}) {
        zip.Begin(member, bytes.size());
        zip.Write(bytes);
      }
      zip.Finish();
      output.Commit();
    }
    ExpectError(ErrorCode::kMalformedFile, {path.string(), said}, [&] { ReadRows(path); });
  };
  expect("others.npy", "<U1", {2}, {'a', 'b'}, "'names'");
  expect("names.npy", "<U1", {1}, {'a'}, "for 2 rows");
  expect("names.npy", "<U1", {2, 1}, {'a', 'b'}, "for 2 rows");
  expect("names.npy", "|S4", {2}, {'a', 'b'}, "|S4");
  expect("names.npy", "<U2", {2}, {'a', 'b'}, "do not fit");
  expect("names.npy", "<U9223372036854775808", {2}, {'a', 'b'}, "do not fit");
  expect("names.npy", "<U2305843009213693953", {2}, {'a', 'b'}, "do not fit");  // 2^61 + 1
  expect("names.npy", "<U1", {2}, {'a', 0x110000}, "no character");
  expect("names.npy", "<U1", {2}, {'a', 0xD800}, "no character");
}

TEST(EmbeddingFile, DamagedSafetensors) {
  const ScratchFolder folder;
  const std::filesystem::path path = folder / "a.safetensors";
  const std::vector<float> rows = {1, 2};
  const std::vector<uint8_t> names = {'a', 'b'};
  const auto expect = [&](const std::vector<int64_t>& offsets, const std::string& said) {
    WriteSafetensors(
        path,
        {{"embeddings", TensorView(DType::kF32, {2, 1}, std::as_bytes(std::span(rows)))},
         {"names_utf8", TensorView(DType::kU8, {2}, std::as_bytes(std::span(names)))},
         {"names_offsets", TensorView(DType::kI64, {static_cast<int64_t>(offsets.size())},
                                      std::as_bytes(std::span(offsets)))}},
        {}, {.replace = true});
    ExpectError(ErrorCode::kMalformedFile, {path.string(), said}, [&] { ReadRows(path); });
  };
  expect({0, 2}, "2 rows");
  expect({}, "2 rows");
  expect({0, 3, 2}, "3 at 1");
  expect({0, -1, 2}, "-1 at 1");
  expect({1, 1, 2}, "1 at 0");
  expect({0, 1, 1}, "1 at 2");
  WriteSafetensors(path, {{"other", TensorView(DType::kU8, {2}, std::as_bytes(std::span(names)))}},
                   {}, {.replace = true});
  ExpectError(ErrorCode::kMalformedFile, {path.string(), "'embeddings'"}, [&] { ReadRows(path); });
}

TEST(EmbeddingFile, OtherEndings) {
  ExpectError(ErrorCode::kInvalidArgument, {"a.parquet", ".npz"},
              [] { OpenEmbeddingFile("a.parquet"); });
}

}  // namespace
}  // namespace siglip
