#include "preprocess_output.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "siglip/error.hpp"
#include "siglip/image.hpp"
#include "siglip/picture.hpp"
#include "siglip/tensor.hpp"
#include "siglip/transformers/image_processor.hpp"

namespace siglip::cli {
namespace {

std::string SizeInWords(const Tensor& pixels) {
  return std::to_string(pixels.dim(2)) + "x" + std::to_string(pixels.dim(3));
}

}  // namespace

PreprocessedRows::PreprocessedRows(ImageProcessor processor, const DecodeOptions& decode,
                                   int64_t pictures)
    : processor_(std::move(processor)), decode_(decode), pictures_(pictures) {
  if (processor_.naflex() == nullptr) return;
  const int64_t most = processor_.max_num_patches();
  pixel_values_ = Tensor(DType::kF32, {pictures, most, processor_.naflex()->patch_values()});
  mask_ = Tensor(DType::kI32, {pictures, most});
  shapes_ = Tensor(DType::kI64, {pictures, 2});
}

void PreprocessedRows::Set(int64_t row, const std::string& path) {
  processor_.Prepare(Picture::File(path), decode_, prepared_);
  if (processor_.naflex() == nullptr) {
    CheckSize(path);
  } else {
    SetShape(row);
  }
  const int64_t values = pixel_values_.size() / pictures_;
  std::ranges::copy(prepared_.pixel_values.floats(), pixel_values_.floats().begin() + row * values);
}

void PreprocessedRows::CheckSize(const std::string& path) {
  const Tensor& pixels = prepared_.pixel_values;
  if (pixel_values_.empty()) {
    pixel_values_ = Tensor(DType::kF32, {pictures_, 3, pixels.dim(2), pixels.dim(3)});
  }
  const std::string found = SizeInWords(pixels);
  const std::string expected = SizeInWords(pixel_values_);
  if (found == expected) return;
  throw Error(ErrorCode::kMismatch,
              path + ": becomes " + found + ", the pictures before it " + expected,
              "--size HxW makes them equal");
}

void PreprocessedRows::SetShape(int64_t row) {
  const auto mask = mask_.values<int32_t>().begin() + row * mask_.dim(1);
  std::fill_n(mask, prepared_.tokens(), 1);
  const auto shape = shapes_.values<int64_t>().begin() + 2 * row;
  shape[0] = prepared_.rows;
  shape[1] = prepared_.columns;
}

NamedTensors PreprocessedRows::tensors() const {
  NamedTensors tensors = {{"pixel_values", pixel_values_.view()}};
  if (processor_.naflex() != nullptr) {
    tensors.emplace_back("pixel_attention_mask", mask_.view());
    tensors.emplace_back("spatial_shapes", shapes_.view());
  }
  return tensors;
}

}  // namespace siglip::cli
