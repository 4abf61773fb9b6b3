// Embeddings in a safetensors file, as SafetensorsFile reads it.
#include "output/safetensors_table.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "scratch_folder.h"
#include "siglip/safetensors.hpp"
#include "table_in_memory.h"

namespace siglip {
namespace {

template <typename Value>
std::vector<Value> Values(const TensorView& view) {
  const auto values = view.values<Value>();
  return {values.begin(), values.end()};
}

TEST(WriteSafetensorsTable, NamesCanBeCutOutOfTheirBytes) {
  const ScratchFolder folder;
  TableInMemory table({{RowType::kPicture, "b\xc3\xa4r.jpg"},
                       {RowType::kPicture, ""},
                       {RowType::kText, "text:\xff"}},
                      {{1, 2}, {3, 4}, {5, 6}}, {2}, {{"precision", "f32"}});
  WriteSafetensorsTable(table, folder / "a.safetensors", {});
  const SafetensorsFile file = SafetensorsFile::Open(folder / "a.safetensors");
  EXPECT_EQ(file.metadata(), table.settings());
  EXPECT_EQ(file.Get("embeddings").shape(), (Shape{3, 2}));
  EXPECT_EQ(Values<float>(file.Get("embeddings")), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(Values<int64_t>(file.Get("names_offsets")), (std::vector<int64_t>{0, 8, 8, 14}));
  const std::vector<uint8_t> names = Values<uint8_t>(file.Get("names_utf8"));
  EXPECT_EQ(std::string(names.begin(), names.end()), "b\xc3\xa4r.jpgtext:\xff");
}

TEST(WriteSafetensorsTable, RowsOfTokens) {
  const ScratchFolder folder;
  TableInMemory table({{RowType::kPicture, "a"}}, {{1, 2, 3, 4, 5, 6}}, {3, 2});
  WriteSafetensorsTable(table, folder / "a.safetensors", {});
  const SafetensorsFile file = SafetensorsFile::Open(folder / "a.safetensors");
  EXPECT_EQ(file.Get("embeddings").shape(), (Shape{1, 3, 2}));
  EXPECT_TRUE(file.metadata().empty());
}

}  // namespace
}  // namespace siglip
