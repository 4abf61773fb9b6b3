#include "outputs/preprocess_output.h"

#include <algorithm>
#include <optional>

#include "siglip/error.h"

namespace siglip::cli {
namespace {

void PutRow(const Tensor& one, int64_t row, Tensor& all) {
  const size_t size = one.bytes().size();
  std::ranges::copy(one.bytes(), all.bytes().begin() + static_cast<size_t>(row) * size);
}

/// All pictures come to one size.
class EqualRows final : public PreprocessedRows {
 public:
  EqualRows(const SiglipImageProcessor& processor, const DecodeOptions& decode, int64_t pictures)
      : processor_(processor), decode_(decode), pictures_(pictures) {}

  void Set(int64_t row, const std::string& path) override {
    const Tensor pixels = processor_.PreprocessFile(path, decode_);
    const int64_t height = pixels.dim(1);
    const int64_t width = pixels.dim(2);
    if (!pixel_values_) pixel_values_.emplace(DType::kF32, Shape{pictures_, 3, height, width});
    if (pixel_values_->dim(2) != height || pixel_values_->dim(3) != width) {
      throw Error(ErrorCode::kMismatch,
                  path + ": becomes " + std::to_string(height) + "x" + std::to_string(width) +
                      ", the pictures before it " + std::to_string(pixel_values_->dim(2)) + "x" +
                      std::to_string(pixel_values_->dim(3)),
                  "--size HxW makes them equal");
    }
    PutRow(pixels, row, *pixel_values_);
  }

  NamedTensors tensors() const override { return {{"pixel_values", pixel_values_->view()}}; }

 private:
  const SiglipImageProcessor processor_;
  const DecodeOptions decode_;
  const int64_t pictures_;
  std::optional<Tensor> pixel_values_;  // made at the first picture
};

/// Pictures keep their shape; rows behind their patches stay zero.
class PatchRows final : public PreprocessedRows {
 public:
  PatchRows(const Siglip2ImageProcessor& processor, const DecodeOptions& decode, int64_t pictures)
      : processor_(processor),
        decode_(decode),
        pixel_values_(DType::kF32,
                      {pictures, processor.config().max_num_patches, processor.patch_values()}),
        mask_(DType::kI32, {pictures, processor.config().max_num_patches}),
        shapes_(DType::kI64, {pictures, 2}) {}

  void Set(int64_t row, const std::string& path) override {
    const VisionInputs one = processor_.PreprocessFile(path, decode_);
    PutRow(one.pixel_values, row, pixel_values_);
    PutRow(one.pixel_attention_mask, row, mask_);
    PutRow(one.spatial_shapes, row, shapes_);
  }

  NamedTensors tensors() const override {
    return {{"pixel_values", pixel_values_.view()},
            {"pixel_attention_mask", mask_.view()},
            {"spatial_shapes", shapes_.view()}};
  }

 private:
  const Siglip2ImageProcessor processor_;
  const DecodeOptions decode_;
  Tensor pixel_values_;
  Tensor mask_;
  Tensor shapes_;
};

}  // namespace

std::unique_ptr<PreprocessedRows> NewRows(const SiglipImageProcessor& processor,
                                          const DecodeOptions& decode, int64_t pictures) {
  return std::make_unique<EqualRows>(processor, decode, pictures);
}

std::unique_ptr<PreprocessedRows> NewRows(const Siglip2ImageProcessor& processor,
                                          const DecodeOptions& decode, int64_t pictures) {
  return std::make_unique<PatchRows>(processor, decode, pictures);
}

}  // namespace siglip::cli
