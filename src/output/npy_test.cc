// What NumPy finds in the files, as its format's description says.
#include "output/npy.h"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <iterator>

#include "scratch_folder.h"
#include "table_in_memory.h"

namespace siglip {
namespace {

std::string Read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(BuildNpyHeader, IsThatOfTheFormat) {
  const std::string header = BuildNpyHeader("<f4", {3, 768});
  EXPECT_EQ(header.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  EXPECT_EQ(header.size(), 128U);
  EXPECT_EQ(header.substr(8, 2), std::string("\x76\x00", 2));  // 118 bytes follow
  EXPECT_TRUE(header.substr(10).starts_with(
      "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 768, ), } "));
  EXPECT_EQ(header.back(), '\n');
}

// Elements that begin at a multiple of 64 can be mapped.
TEST(BuildNpyHeader, EndsAtAMultipleOf64) {
  for (int64_t extent = 1; extent < int64_t{1} << 62; extent *= 3) {
    for (const Shape& shape : {Shape{extent}, Shape{extent, extent}, Shape{1, extent, 1}}) {
      const std::string header = BuildNpyHeader("<f4", shape);
      EXPECT_EQ(header.size() % 64, 0U);
      EXPECT_EQ(header.back(), '\n');
      EXPECT_EQ(static_cast<size_t>(static_cast<uint8_t>(header[8])) +
                    256 * static_cast<size_t>(static_cast<uint8_t>(header[9])) + 10,
                header.size());
    }
  }
}

TEST(WriteNpy, RowsAndNames) {
  const ScratchFolder folder;
  TableInMemory table({{RowType::kText, "text:two\nlines"},
                       {RowType::kPicture, "text:a.jpg"},
                       {RowType::kPicture, "back\\slash\r\xff"}},
                      {{1, 2}, {3, 4}, {5, 6}}, {2});
  WriteNpy(table, folder / "out.npy", {});
  const std::array<float, 6> values = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(Read(folder / "out.npy"),
            BuildNpyHeader("<f4", {3, 2}) +
                std::string(reinterpret_cast<const char*>(values.data()), sizeof(values)));
  EXPECT_EQ(Read(NpyNamesPath(folder / "out.npy")),
            "text:two\\nlines\n./text:a.jpg\nback\\\\slash\\r\xff\n");
}

}  // namespace
}  // namespace siglip
