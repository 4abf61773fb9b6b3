// Files on disk: reading, writing whole and piece by piece.
#include "siglip/safetensors.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "expect_error.h"
#include "file_bytes.h"
#include "scratch_folder.h"
#include "weights/safetensors_writer.h"

namespace siglip {
namespace {

TEST(Safetensors, RoundTripsEveryDType) {
  const ScratchFolder scratch;
  std::vector<Tensor> tensors;
  NamedTensors named;
  for (DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kF64, DType::kI64, DType::kI32,
                      DType::kI16, DType::kI8, DType::kU8, DType::kBool}) {
    Tensor tensor(dtype, {3, 5});
    for (size_t i = 0; i < tensor.bytes().size(); ++i) tensor.bytes()[i] = std::byte(i * 7 + 1);
    tensors.push_back(tensor);
  }
  tensors.emplace_back(DType::kF32, Shape{});
  tensors.emplace_back(DType::kF32, Shape{0, 4});
  for (size_t i = 0; i < tensors.size(); ++i) {
    named.emplace_back("tensor " + std::to_string(i), tensors[i]);
  }
  WriteSafetensors(scratch / "x.safetensors", named, {{"format", "pt"}, {"note", "\"\u00e9\n"}});

  const SafetensorsFile file = SafetensorsFile::Open(scratch / "x.safetensors");
  EXPECT_EQ(file.metadata().at("note"), "\"\u00e9\n");
  ASSERT_EQ(file.names().size(), named.size());
  for (size_t i = 0; i < named.size(); ++i) {
    const TensorView view = file.Get(named[i].first);
    EXPECT_EQ(view.dtype(), tensors[i].dtype());
    EXPECT_EQ(view.shape(), tensors[i].shape());
    ASSERT_EQ(view.bytes().size(), tensors[i].bytes().size());
    EXPECT_TRUE(std::equal(view.bytes().begin(), view.bytes().end(), tensors[i].bytes().begin()));
  }
}

TEST(Safetensors, WritesInTheOrderGiven) {
  const ScratchFolder scratch;
  const Tensor tensor({1}, {1.0F});
  WriteSafetensors(scratch / "x", {{"z", tensor}, {"a", tensor}});
  EXPECT_EQ(SafetensorsFile::Open(scratch / "x").names(), (std::vector<std::string>{"z", "a"}));
}

TEST(Safetensors, EmptyFileOfTensors) {
  const ScratchFolder scratch;
  WriteSafetensors(scratch / "x", {});
  EXPECT_TRUE(SafetensorsFile::Open(scratch / "x").names().empty());
}

TEST(Safetensors, PagesReleasedComeBack) {
  const ScratchFolder scratch;
  std::vector<float> values(100'000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  const Tensor tensor({100'000}, values);
  WriteSafetensors(scratch / "x", {{"a", tensor}});
  const SafetensorsFile file = SafetensorsFile::Open(scratch / "x");
  std::vector<float> read(values.size());
  for (int round = 0; round < 2; ++round) {
    ConvertToFloat(file.Get("a"), read);
    EXPECT_EQ(read, values);
    file.ReleasePages(file.Get("a"));
  }
}

TEST(Safetensors, OpenErrorsNameTheFile) {
  const ScratchFolder scratch;
  ExpectError(ErrorCode::kNotFound, {"missing.safetensors"},
              [&] { SafetensorsFile::Open(scratch / "missing.safetensors"); });
  ExpectError(ErrorCode::kIo, {scratch.path().string()},
              [&] { SafetensorsFile::Open(scratch.path()); });
  std::ofstream(scratch / "empty.safetensors");
  ExpectError(ErrorCode::kMalformedFile, {"empty.safetensors"},
              [&] { SafetensorsFile::Open(scratch / "empty.safetensors"); });
}

TEST(Safetensors, GetErrorsNameTheTensor) {
  const ScratchFolder scratch;
  const std::string header = R"({"a":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}})";
  std::ofstream(scratch / "x", std::ios::binary)
      << static_cast<char>(header.size()) << std::string(7, '\0') << header << "ab";
  const SafetensorsFile file = SafetensorsFile::Open(scratch / "x");
  EXPECT_TRUE(file.contains("a"));
  EXPECT_FALSE(file.contains("b"));
  ExpectError(ErrorCode::kUnsupported, {"'a'", "F8_E4M3"}, [&] { file.Get("a"); });
  ExpectError(ErrorCode::kNotFound, {"'b'"}, [&] { file.Get("b"); });
}

TEST(Safetensors, RefusesNamesTakenTwiceAndLeavesNoFile) {
  const ScratchFolder scratch;
  const Tensor tensor({2}, {1.0F, 2.0F});
  ExpectError(ErrorCode::kInvalidArgument, {"x.safetensors", "'a'", "taken"}, [&] {
    WriteSafetensors(scratch / "x.safetensors", {{"a", tensor}, {"a", tensor}});
  });
  EXPECT_TRUE(std::filesystem::is_empty(scratch.path()));
  ExpectError(ErrorCode::kIo, {"no-such-folder"},
              [&] { WriteSafetensors(scratch / "no-such-folder" / "x", {}); });
}

TEST(SafetensorsWriter, PiecesMakeTheSameFile) {
  const ScratchFolder scratch;
  std::vector<float> values(300'000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 1000);
  const Tensor tensor({300, 1000}, values);
  const Tensor empty(DType::kF32, {0});
  WriteSafetensors(scratch / "whole", {{"e", empty}, {"a", tensor}, {"b", tensor}});
  SafetensorsWriter writer(
      scratch / "pieces", {{"e", "F32", {0}}, {"a", "F32", {300, 1000}}, {"b", "F32", {300, 1000}}},
      {});
  const auto bytes = tensor.bytes();
  writer.Append("a", bytes.first(12));
  writer.Append("a", bytes.subspan(12));
  writer.Append("b", bytes);
  EXPECT_FALSE(std::filesystem::exists(scratch / "pieces"));
  writer.Commit();
  EXPECT_EQ(ReadBytes(scratch / "whole"), ReadBytes(scratch / "pieces"));
}

TEST(SafetensorsWriter, RefusesWrongOrderAndSizes) {
  const ScratchFolder scratch;
  const std::vector<std::byte> bytes(8);
  SafetensorsWriter writer(scratch / "x", {{"a", "F32", {1}}, {"b", "F32", {2}}}, {});
  const ErrorCode code = ErrorCode::kInvalidArgument;
  ExpectError(code, {"'b'", "turn"}, [&] { writer.Append("b", bytes); });
  ExpectError(code, {"'a'", "more bytes"}, [&] { writer.Append("a", bytes); });
  writer.Append("a", std::span(bytes).first(4));
  ExpectError(code, {"'a'", "turn"}, [&] { writer.Append("a", bytes); });
  ExpectError(code, {"'b'", "missing"}, [&] { writer.Commit(); });
  writer.Append("b", bytes);
  ExpectError(code, {"'c'", "turn"}, [&] { writer.Append("c", bytes); });
  writer.Commit();
  EXPECT_TRUE(std::filesystem::exists(scratch / "x"));
}

}  // namespace
}  // namespace siglip
