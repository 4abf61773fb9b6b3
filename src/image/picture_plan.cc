// See picture_plan.h. Sources: transformers image_transforms.py (get_resize_output_image_size,
// get_size_with_aspect_ratio, center_crop), image_utils.py (get_image_size_for_max_height_width)
// and image_processing_backends.py (center_crop, pad), version 5.24; timm data/transforms.py
// (ResizeKeepRatio, center_crop_or_pad), version 1.0.31; torchvision transforms/functional.py
// (center_crop). All of them calculate with Python's numbers, hence in double.
#include "image/picture_plan.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "siglip/error.h"

namespace siglip {
namespace {

double Real(int64_t number) { return static_cast<double>(number); }

/// Python's int(), of what is never negative.
int64_t Cut(double number) { return static_cast<int64_t>(number); }

/// Python's round().
int64_t Round(double number) { return static_cast<int64_t>(std::nearbyint(number)); }

/// The shorter side becomes `edge` unless the longer one would be more than `most`.
ImageSize ResizedByEdges(const ImageSize& image, int64_t edge, int64_t most) {
  const int64_t shorter = std::min(image.height, image.width);
  const int64_t longer = std::max(image.height, image.width);
  int64_t new_longer = Cut(Real(edge * longer) / Real(shorter));
  if (most != 0 && Real(longer) / Real(shorter) * Real(edge) > Real(most)) {
    const double exact = Real(most) * Real(shorter) / Real(longer);
    edge = Round(exact);
    new_longer = Cut(exact * Real(longer) / Real(shorter));
  }
  if (most != 0 && shorter == edge) new_longer = longer;
  return image.width <= image.height ? ImageSize{.width = edge, .height = new_longer}
                                     : ImageSize{.width = new_longer, .height = edge};
}

/// transformers multiplies and rounds down ...
ImageSize FittedDown(const ImageSize& image, const ImageProcessorConfig& config) {
  const double scale = std::min(Real(config.max_height) / Real(image.height),
                                Real(config.max_width) / Real(image.width));
  return {.width = Cut(Real(image.width) * scale), .height = Cut(Real(image.height) * scale)};
}

/// ... the others divide and round to even.
ImageSize DividedBy(const ImageSize& image, double ratio) {
  return {.width = Round(Real(image.width) / ratio), .height = Round(Real(image.height) / ratio)};
}

ImageSize ResizedSize(const ImageProcessorConfig& config, const ImageSize& image) {
  if (!config.do_resize) return image;
  if (config.shortest_edge != 0) {
    return ResizedByEdges(image, config.shortest_edge, config.longest_edge);
  }
  if (config.max_height != 0) {
    if (config.rounding == PixelRounding::kDown) return FittedDown(image, config);
    return DividedBy(image, std::max(Real(image.height) / Real(config.max_height),
                                     Real(image.width) / Real(config.max_width)));
  }
  if (config.min_height != 0) {
    return DividedBy(image, std::min(Real(image.height) / Real(config.min_height),
                                     Real(image.width) / Real(config.min_width)));
  }
  return {.width = config.width, .height = config.height};
}

/// Which pixels of one axis are kept, and where they lie among as many as are wanted.
struct CentredAxis {
  int64_t first = 0;
  int64_t count = 0;
  int64_t at = 0;
};

CentredAxis Centre(int64_t side, int64_t wanted, PixelRounding rounding, PreprocessMode mode) {
  if (side >= wanted) {
    const int64_t margins = side - wanted;
    const bool up = rounding == PixelRounding::kHalfEven && margins % 4 == 3;
    return {margins / 2 + (up ? 1 : 0), wanted, 0};
  }
  const bool up = rounding == PixelRounding::kDown && mode != PreprocessMode::kTorchvision;
  return {0, side, (wanted - side + (up ? 1 : 0)) / 2};
}

std::string InWords(const ImageSize& size) {
  return std::to_string(size.width) + "x" + std::to_string(size.height);
}

ImageSize PaddedSize(const ImageProcessorConfig& config, const ImageSize& canvas) {
  if (!config.do_pad || config.pad_height == 0) return canvas;
  const ImageSize padded = {.width = config.pad_width, .height = config.pad_height};
  if (canvas.width <= padded.width && canvas.height <= padded.height) return padded;
  throw Error(ErrorCode::kMismatch,
              "image processor: a picture becomes " + InWords(canvas) + " pixels, more than the " +
                  InWords(padded) + " that it is to be padded to",
              "size and pad_size of preprocessor_config.json");
}

}  // namespace

PicturePlan PlanPicture(const ImageProcessorConfig& config, PreprocessMode mode, int64_t height,
                        int64_t width) {
  CheckSides("input", height, width);
  const ImageSize resized = ResizedSize(config, {.width = width, .height = height});
  PicturePlan plan;
  plan.resize = {.height = resized.height, .width = resized.width, .mode = mode};
  if (config.do_resize) plan.resize.resample = config.resample;
  plan.canvas = resized;
  if (config.do_center_crop) {
    const CentredAxis down = Centre(resized.height, config.crop_height, config.rounding, mode);
    const CentredAxis across = Centre(resized.width, config.crop_width, config.rounding, mode);
    plan.top = down.at;
    plan.left = across.at;
    plan.canvas = {.width = config.crop_width, .height = config.crop_height};
    if (down.count != resized.height || across.count != resized.width) {
      plan.resize.crop = CropWindow{
          .top = down.first, .left = across.first, .height = down.count, .width = across.count};
    }
  }
  CheckRequest(plan.resize);
  plan.output = PaddedSize(config, plan.canvas);
  CheckOutputSize(plan.output.height, plan.output.width);
  return plan;
}

}  // namespace siglip
