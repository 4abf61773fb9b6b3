// Both passes of a resize, streamed row by row: what lies between the passes is a window of rows,
// never a whole picture. Sources: Pillow src/PIL/Image.py (resize), src/libImaging/Resample.c
// (ImagingResample); torchvision transforms/v2/functional/_geometry.py (resize_image); transformers
// image_processing_backends.py (TorchvisionBackend.resize).
#include "image/resize.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "image/orientation.h"
#include "image/resize_weights.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

/// Rows handed to the horizontal pass at once, so that it can share its weights among them.
constexpr int kRowBlock = 8;

void CheckSide(const std::string& what, int64_t side, int64_t most = kMaxImageSide) {
  if (side >= 1 && side <= most) return;
  throw Error(ErrorCode::kInvalidArgument, "resize: " + what + " must be 1 to " +
                                               std::to_string(most) + ", found " +
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

Image ResizeNearest(const ImageView& image, const ResizeRequest& request) {
  const std::vector<int32_t> rows = NearestIndices(image.height, request.height, request.mode);
  const std::vector<int32_t> columns = NearestIndices(image.width, request.width, request.mode);
  const CropWindow window = request.window();
  Image result = MakeImage(window.height, window.width);
  uint8_t* out = result.rgb.data();
  for (int64_t y = window.top; y < window.top + window.height; ++y) {
    const uint8_t* in = image.row(rows[y]);
    for (int64_t x = window.left; x < window.left + window.width; ++x) {
      std::memcpy(out, in + int64_t{3} * columns[x], 3);
      out += 3;
    }
  }
  return result;
}

/// The filters of both directions, of rows as they are stored.
struct PassTaps {
  ResizeTaps horizontal;
  ResizeTaps vertical;
};

int64_t MostTaps(const ResizeTaps& taps, int64_t outputs) {
  return *std::max_element(taps.count, taps.count + outputs);
}

/// One direction of a picture as stored.
struct Axis {
  int64_t in;
  double covered;  // by the picture
  int64_t out;
  // What is wanted of `out`, as stored.
  int64_t first;
  int64_t wanted;
  bool mirrored;  // when it is upright
};

/// Of an axis on which `first` counts as it is upright.
Axis StoredAxis(Axis axis) {
  if (axis.mirrored) axis.first = axis.out - axis.first - axis.wanted;
  return axis;
}

/// Nothing for a pass that would not change the size: it is left out.
std::optional<ResizeWeights> PassWeights(const Axis& axis, const ResizeRequest& request) {
  if (axis.in == axis.out) return std::nullopt;
  // The upright picture's weights, to the bit, whose roundings are not the same both ways. Where a
  // picture does not cover its last pixel nothing is exact.
  const bool mirror = axis.mirrored && axis.covered == static_cast<double>(axis.in);
  ResizeWeights weights({.in = axis.in,
                         .covered = axis.covered,
                         .out = axis.out,
                         .first = mirror ? axis.out - axis.first - axis.wanted : axis.first,
                         .wanted = axis.wanted},
                        request.resample, request.mode);
  if (mirror) weights.Mirror();
  return weights;
}

Image CropRows(RowWindow& in, const Axis& horizontal, const Axis& vertical) {
  Image result = MakeImage(vertical.wanted, horizontal.wanted);
  in.Reserve(1);
  const int64_t row_bytes = horizontal.wanted * 3;
  for (int64_t y = 0; y < vertical.wanted; ++y) {
    const int64_t row = vertical.first + y;
    std::memcpy(result.rgb.data() + y * row_bytes, in.Rows(row, row + 1)[0] + 3 * horizontal.first,
                static_cast<size_t>(row_bytes));
  }
  return result;
}

/// Columns only, from `left` on.
Image ResizeColumns(const ResizeKernels& kernels, RowWindow& in, const ResizeTaps& taps,
                    int64_t left, int64_t height, int64_t width) {
  Image result = MakeImage(height, width);
  const int64_t most = MostTaps(taps, height);
  in.Reserve(most);
  std::vector<const uint8_t*> window(static_cast<size_t>(most));
  for (int64_t y = 0; y < height; ++y) {
    const uint8_t* const* rows = in.Rows(taps.start[y], taps.start[y] + taps.count[y]);
    for (int32_t k = 0; k < taps.count[y]; ++k) window[k] = rows[k] + 3 * left;
    kernels.vertical(&taps, static_cast<int>(y), window.data(), result.rgb.data() + y * width * 3,
                     width * 3);
  }
  return result;
}

/// Rows only, from `top` on.
Image ResizeRows(const ResizeKernels& kernels, RowWindow& in, const ResizeTaps& taps, int64_t top,
                 int64_t height, int64_t width) {
  Image result = MakeImage(height, width);
  in.Reserve(kRowBlock);
  for (int64_t begin = 0; begin < height; begin += kRowBlock) {
    const int count = static_cast<int>(std::min<int64_t>(kRowBlock, height - begin));
    uint8_t* out_rows[kRowBlock];
    for (int k = 0; k < count; ++k) out_rows[k] = result.rgb.data() + (begin + k) * width * 3;
    kernels.horizontal(&taps, in.Rows(top + begin, top + begin + count), out_rows, count,
                       static_cast<int>(width));
  }
  return result;
}

/// Rows first. A ring holds the narrowed rows that the next output row needs, and up to a block
/// more: windows only move downwards, so that each input row is narrowed once.
Image ResizeRowsThenColumns(const ResizeKernels& kernels, RowWindow& in, const PassTaps& taps,
                            int64_t in_height, int64_t height, int64_t width) {
  Image result = MakeImage(height, width);
  in.Reserve(kRowBlock);
  const ResizeTaps& vertical = taps.vertical;
  const int64_t row_bytes = width * 3;
  const int64_t window_rows = MostTaps(vertical, height);
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
      const int count = static_cast<int>(std::min<int64_t>(kRowBlock, in_height - next));
      uint8_t* out_rows[kRowBlock];
      for (int k = 0; k < count; ++k) out_rows[k] = ring_row(next + k);
      kernels.horizontal(&taps.horizontal, in.Rows(next, next + count), out_rows, count,
                         static_cast<int>(width));
      next += count;
    }
    for (int64_t row = start; row < end; ++row) window[row - start] = ring_row(row);
    kernels.vertical(&vertical, static_cast<int>(y), window.data(),
                     result.rgb.data() + y * row_bytes, row_bytes);
  }
  return result;
}

/// Columns first: a block of rows between the passes.
Image ResizeColumnsThenRows(const ResizeKernels& kernels, RowWindow& in, const PassTaps& taps,
                            int64_t in_width, int64_t height, int64_t width) {
  Image result = MakeImage(height, width);
  const ResizeTaps& vertical = taps.vertical;
  in.Reserve(MostTaps(vertical, height));
  const int64_t row_bytes = in_width * 3;
  const int64_t between_bytes = row_bytes + kResizeRowSlack;
  std::vector<uint8_t> between(static_cast<size_t>(kRowBlock * between_bytes));
  for (int64_t begin = 0; begin < height; begin += kRowBlock) {
    const int count = static_cast<int>(std::min<int64_t>(kRowBlock, height - begin));
    const uint8_t* in_rows[kRowBlock];
    uint8_t* out_rows[kRowBlock];
    for (int k = 0; k < count; ++k) {
      const int y = static_cast<int>(begin + k);
      uint8_t* row = between.data() + k * between_bytes;
      kernels.vertical(&vertical, y,
                       in.Rows(vertical.start[y], vertical.start[y] + vertical.count[y]), row,
                       row_bytes);
      in_rows[k] = row;
      out_rows[k] = result.rgb.data() + y * width * 3;
    }
    kernels.horizontal(&taps.horizontal, in_rows, out_rows, count, static_cast<int>(width));
  }
  return result;
}

/// Of axes as stored: what is wanted of both.
Image ResizeAxes(const ResizeKernels& kernels, RowWindow& rows, const Axis& across,
                 const Axis& down, const ResizeRequest& request, bool columns_first) {
  const auto horizontal = PassWeights(across, request);
  const auto vertical = PassWeights(down, request);
  const int64_t height = down.wanted;
  const int64_t width = across.wanted;
  if (!horizontal && !vertical) return CropRows(rows, across, down);
  if (!horizontal) {
    return ResizeColumns(kernels, rows, vertical->taps(), across.first, height, width);
  }
  if (!vertical) return ResizeRows(kernels, rows, horizontal->taps(), down.first, height, width);
  const PassTaps taps = {horizontal->taps(), vertical->taps()};
  return columns_first ? ResizeColumnsThenRows(kernels, rows, taps, across.in, height, width)
                       : ResizeRowsThenColumns(kernels, rows, taps, down.in, height, width);
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

void CheckRequest(const ResizeRequest& request) {
  if (request.crop) {
    CheckSide("output height", request.height, kMaxCroppedSide);
    CheckSide("output width", request.width, kMaxCroppedSide);
  }
  const CropWindow window = request.window();
  CheckOutputSize(window.height, window.width);
  const bool inside = window.top >= 0 && window.top <= request.height - window.height &&
                      window.left >= 0 && window.left <= request.width - window.width;
  if (!inside) {
    throw Error(ErrorCode::kInvalidArgument, "resize: the part to be cut out does not lie inside");
  }
  CheckResampleSupported(request.resample, request.mode);
}

const ResizeKernels& ResizeKernelsFor(InstructionSet isa) {
  switch (isa) {
#if defined(__x86_64__)
    case InstructionSet::kAvx2:
    case InstructionSet::kAvx2Vnni: return *Avx2ResizeKernels();
    case InstructionSet::kAvx512:
    case InstructionSet::kAvx512Vnni:
    case InstructionSet::kAvx512Bf16:
    case InstructionSet::kAmx: return *Avx512ResizeKernels();
#elif defined(__aarch64__)
    case InstructionSet::kNeon:
    case InstructionSet::kNeonDot:
    case InstructionSet::kNeonMmla: return *NeonResizeKernels();
#endif
    default: return *GenericResizeKernels();
  }
}

const ResizeKernels& ChooseResizeKernels(std::string_view instruction_set) {
  return ResizeKernelsFor(ChooseInstructionSet(instruction_set));
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

Image ResizeStored(const ResizeKernels& kernels, RowWindow& rows, const StoredPicture& stored,
                   const ResizeRequest& request) {
  const int orientation = stored.orientation;
  const bool turned = SwapsSides(orientation);
  const auto& [width, height] = stored.size;
  const int64_t upright_height = turned ? width : height;
  const int64_t upright_width = turned ? height : width;
  const bool columns_first =
      VerticalPassFirst(upright_height, upright_width, request.height, request.width, request.mode);
  const CropWindow window = request.window();
  // Nothing of this size is kept, but time, and with long windows memory, grow with it.
  CheckPixels("a picture between the passes", columns_first ? window.height : upright_height,
              columns_first ? upright_width : window.width);
  Axis across = {.in = upright_width,
                 .covered = turned ? stored.covered_height : stored.covered_width,
                 .out = request.width,
                 .first = window.left,
                 .wanted = window.width,
                 .mirrored = MirrorsHorizontally(orientation)};
  Axis down = {.in = upright_height,
               .covered = turned ? stored.covered_width : stored.covered_height,
               .out = request.height,
               .first = window.top,
               .wanted = window.height,
               .mirrored = MirrorsVertically(orientation)};
  if (turned) std::swap(across, down);
  // From here on everything is as stored: upright rows may be columns of it.
  return ApplyOrientation(ResizeAxes(kernels, rows, StoredAxis(across), StoredAxis(down), request,
                                     columns_first != turned),
                          orientation);
}

Image ResizeWith(const ResizeKernels& kernels, const ImageView& image,
                 const ResizeRequest& request) {
  CheckSides("input", image.height, image.width);
  CheckRequest(request);
  const bool same_size = request.height == image.height && request.width == image.width;
  if (same_size && !request.crop) return ToImage(image);
  if (request.resample == Resample::kNearest) return ResizeNearest(image, request);
  ImageRows rows(image);
  const StoredPicture stored = {.size = image.size(),
                                .covered_width = static_cast<double>(image.width),
                                .covered_height = static_cast<double>(image.height),
                                .orientation = 1};
  return ResizeStored(kernels, rows, stored, request);
}

Image Resize(const Image& image, int64_t height, int64_t width, Resample resample,
             PreprocessMode mode) {
  CheckImage(image);
  return ResizeWith(ChooseResizeKernels(), image,
                    {.height = height, .width = width, .resample = resample, .mode = mode});
}

}  // namespace siglip
