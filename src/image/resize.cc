// Both passes of a resize, streamed row by row: what lies between the passes is a window of rows,
// never a whole picture. Sources: Pillow src/PIL/Image.py (resize), src/libImaging/Resample.c
// (ImagingResample); torchvision transforms/v2/functional/_geometry.py (resize_image); transformers
// image_processing_backends.py (TorchvisionBackend.resize).
#include "image/resize.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "image/resize_weights.h"
#include "siglip/error.h"

namespace siglip {
namespace {

/// Rows handed to the horizontal pass at once, so that it can share its weights among them.
constexpr int kRowBlock = 8;

void CheckSide(const std::string& what, int64_t side) {
  if (side >= 1 && side <= kMaxImageSide) return;
  throw Error(ErrorCode::kInvalidArgument, "resize: " + what + " must be 1 to " +
                                               std::to_string(kMaxImageSide) + ", found " +
                                               std::to_string(side));
}

void CheckPixels(const char* what, int64_t height, int64_t width) {
  if (height * width <= kMaxResizedPixels) return;
  throw Error(ErrorCode::kLimitExceeded, std::string("resize: ") + what + " of " +
                                             std::to_string(width) + " x " +
                                             std::to_string(height) + " pixels, allowed are " +
                                             std::to_string(kMaxResizedPixels));
}

Image MakeImage(int64_t height, int64_t width) {
  return {.width = width,
          .height = height,
          .rgb = std::vector<uint8_t>(static_cast<size_t>(height * width * 3))};
}

Image ResizeNearest(const Image& image, int64_t height, int64_t width, PreprocessMode mode) {
  const std::vector<int32_t> rows = NearestIndices(image.height, height, mode);
  const std::vector<int32_t> columns = NearestIndices(image.width, width, mode);
  Image result = MakeImage(height, width);
  uint8_t* out = result.rgb.data();
  for (const int32_t row : rows) {
    const uint8_t* in = image.rgb.data() + row * image.width * 3;
    for (const int32_t column : columns) {
      std::memcpy(out, in + int64_t{3} * column, 3);
      out += 3;
    }
  }
  return result;
}

/// The rows of a picture, readable kResizeRowSlack bytes past their end: rows too near the end of
/// the picture's memory are handed out as copies.
class SlackRows {
 public:
  explicit SlackRows(const Image& image)
      : image_(image),
        row_bytes_(image.width * 3),
        copied_(std::min(image.height, kResizeRowSlack / row_bytes_ + 1)),
        copies_(static_cast<size_t>(copied_ * row_bytes_ + kResizeRowSlack)) {
    const int64_t bytes = copied_ * row_bytes_;
    std::memcpy(copies_.data(), image.rgb.data() + image.rgb.size() - bytes,
                static_cast<size_t>(bytes));
  }

  const uint8_t* operator[](int64_t row) const {
    const int64_t first_copied = image_.height - copied_;
    if (row < first_copied) return image_.rgb.data() + row * row_bytes_;
    return copies_.data() + (row - first_copied) * row_bytes_;
  }

 private:
  const Image& image_;
  int64_t row_bytes_;
  int64_t copied_;
  std::vector<uint8_t> copies_;
};

Image ResizeColumns(const ResizeKernels& kernels, const Image& image, const ResizeTaps& taps,
                    int64_t height) {
  Image result = MakeImage(height, image.width);
  const int64_t row_bytes = image.width * 3;
  std::vector<const uint8_t*> rows(static_cast<size_t>(image.height));
  for (int64_t y = 0; y < image.height; ++y) rows[y] = image.rgb.data() + y * row_bytes;
  for (int64_t y = 0; y < height; ++y) {
    kernels.vertical(&taps, static_cast<int>(y), rows.data() + taps.start[y],
                     result.rgb.data() + y * row_bytes, row_bytes);
  }
  return result;
}

Image ResizeRows(const ResizeKernels& kernels, const Image& image, const ResizeTaps& taps,
                 int64_t width) {
  Image result = MakeImage(image.height, width);
  const SlackRows in(image);
  for (int64_t begin = 0; begin < image.height; begin += kRowBlock) {
    const int count = static_cast<int>(std::min<int64_t>(kRowBlock, image.height - begin));
    const uint8_t* in_rows[kRowBlock];
    uint8_t* out_rows[kRowBlock];
    for (int k = 0; k < count; ++k) {
      in_rows[k] = in[begin + k];
      out_rows[k] = result.rgb.data() + (begin + k) * width * 3;
    }
    kernels.horizontal(&taps, in_rows, out_rows, count, static_cast<int>(width));
  }
  return result;
}

/// Rows first. A ring holds the narrowed rows that the next output row needs, and up to a block
/// more: windows only move downwards, so that each input row is narrowed once.
Image ResizeRowsThenColumns(const ResizeKernels& kernels, const Image& image,
                            const ResizeTaps& horizontal, const ResizeTaps& vertical,
                            int64_t height, int64_t width) {
  Image result = MakeImage(height, width);
  const SlackRows in(image);
  const int64_t row_bytes = width * 3;
  const int64_t window_rows = *std::max_element(vertical.count, vertical.count + height);
  const int64_t ring_rows = window_rows + kRowBlock;
  std::vector<uint8_t> ring(static_cast<size_t>(ring_rows * row_bytes));
  const auto ring_row = [&](int64_t y) { return ring.data() + y % ring_rows * row_bytes; };
  std::vector<const uint8_t*> window(static_cast<size_t>(window_rows));
  int64_t next = 0;  // the first row not yet narrowed
  for (int64_t y = 0; y < height; ++y) {
    const int64_t start = vertical.start[y];
    const int64_t end = start + vertical.count[y];
    next = std::max(next, start);
    while (next < end) {
      const int count = static_cast<int>(std::min<int64_t>(kRowBlock, image.height - next));
      const uint8_t* in_rows[kRowBlock];
      uint8_t* out_rows[kRowBlock];
      for (int k = 0; k < count; ++k) {
        in_rows[k] = in[next + k];
        out_rows[k] = ring_row(next + k);
      }
      kernels.horizontal(&horizontal, in_rows, out_rows, count, static_cast<int>(width));
      next += count;
    }
    for (int64_t row = start; row < end; ++row) window[row - start] = ring_row(row);
    kernels.vertical(&vertical, static_cast<int>(y), window.data(),
                     result.rgb.data() + y * row_bytes, row_bytes);
  }
  return result;
}

/// Columns first: one row between the passes.
Image ResizeColumnsThenRows(const ResizeKernels& kernels, const Image& image,
                            const ResizeTaps& horizontal, const ResizeTaps& vertical,
                            int64_t height, int64_t width) {
  Image result = MakeImage(height, width);
  const int64_t row_bytes = image.width * 3;
  std::vector<const uint8_t*> rows(static_cast<size_t>(image.height));
  for (int64_t y = 0; y < image.height; ++y) rows[y] = image.rgb.data() + y * row_bytes;
  const int64_t between_bytes = row_bytes + kResizeRowSlack;
  std::vector<uint8_t> between(static_cast<size_t>(kRowBlock * between_bytes));
  for (int64_t begin = 0; begin < height; begin += kRowBlock) {
    const int count = static_cast<int>(std::min<int64_t>(kRowBlock, height - begin));
    const uint8_t* in_rows[kRowBlock];
    uint8_t* out_rows[kRowBlock];
    for (int k = 0; k < count; ++k) {
      const int y = static_cast<int>(begin + k);
      uint8_t* row = between.data() + k * between_bytes;
      kernels.vertical(&vertical, y, rows.data() + vertical.start[y], row, row_bytes);
      in_rows[k] = row;
      out_rows[k] = result.rgb.data() + y * width * 3;
    }
    kernels.horizontal(&horizontal, in_rows, out_rows, count, static_cast<int>(width));
  }
  return result;
}

}  // namespace

void CheckSides(const char* which, int64_t height, int64_t width) {
  CheckSide(std::string(which) + " height", height);
  CheckSide(std::string(which) + " width", width);
}

void CheckImage(const Image& image) {
  CheckSides("input", image.height, image.width);
  if (image.rgb.size() != static_cast<size_t>(image.height * image.width * 3)) {
    throw Error(ErrorCode::kInvalidArgument, "resize: a picture of " + std::to_string(image.width) +
                                                 " x " + std::to_string(image.height) +
                                                 " pixels must have 3 bytes for each, found " +
                                                 std::to_string(image.rgb.size()) + " bytes");
  }
}

void CheckOutputSize(int64_t height, int64_t width) {
  CheckSides("output", height, width);
  CheckPixels("a result", height, width);
}

const ResizeKernels& ResizeKernelsFor(InstructionSet isa) {
  switch (isa) {
    case InstructionSet::kGeneric: break;
    case InstructionSet::kAvx2:
    case InstructionSet::kAvx2Vnni: return *Avx2ResizeKernels();
    case InstructionSet::kAvx512:
    case InstructionSet::kAvx512Vnni:
    case InstructionSet::kAvx512Bf16: return *Avx512ResizeKernels();
  }
  return *GenericResizeKernels();
}

void CheckResampleSupported(Resample resample, PreprocessMode mode) {
  ToString(mode);  // refuses numbers that name nothing
  const std::string name(ToString(resample));
  if (mode != PreprocessMode::kTorchvision) return;
  if (resample != Resample::kBox && resample != Resample::kHamming) return;
  throw Error(ErrorCode::kUnsupported, "torchvision has no resampling filter '" + name + "'",
              "choose preprocessing mode pillow or pillow13, which have it");
}

bool VerticalPassFirst(int64_t in_height, int64_t in_width, int64_t height, int64_t width,
                       PreprocessMode mode) {
  if (mode != PreprocessMode::kPillow13) return false;
  const int64_t fewer_rows = in_height - height;
  return fewer_rows > 0 && fewer_rows > 2 * (in_width - width);
}

Image ResizeWith(const ResizeKernels& kernels, const Image& image, int64_t height, int64_t width,
                 Resample resample, PreprocessMode mode) {
  CheckImage(image);
  CheckOutputSize(height, width);
  CheckResampleSupported(resample, mode);
  const bool same_height = height == image.height;
  const bool same_width = width == image.width;
  if (same_height && same_width) return image;
  if (resample == Resample::kNearest) return ResizeNearest(image, height, width, mode);
  const bool columns_first = VerticalPassFirst(image.height, image.width, height, width, mode);
  // Nothing of this size is kept, but time, and with long windows memory, grow with it.
  CheckPixels("a picture between the passes", columns_first ? height : image.height,
              columns_first ? image.width : width);
  // A pass that would not change the size is left out.
  if (same_width) {
    const ResizeWeights weights(image.height, height, resample, mode);
    return ResizeColumns(kernels, image, weights.taps(), height);
  }
  const ResizeWeights horizontal(image.width, width, resample, mode);
  if (same_height) return ResizeRows(kernels, image, horizontal.taps(), width);
  const ResizeWeights vertical(image.height, height, resample, mode);
  const auto passes = columns_first ? ResizeColumnsThenRows : ResizeRowsThenColumns;
  return passes(kernels, image, horizontal.taps(), vertical.taps(), height, width);
}

Image Resize(const Image& image, int64_t height, int64_t width, Resample resample,
             PreprocessMode mode) {
  return ResizeWith(ResizeKernelsFor(ChooseInstructionSet()), image, height, width, resample, mode);
}

}  // namespace siglip
