// See picture_plan.h. Sources: transformers image_transforms.py (get_resize_output_image_size,
// get_size_with_aspect_ratio, center_crop), image_utils.py (get_image_size_for_max_height_width)
// and image_processing_backends.py (center_crop, pad), version 5.24; timm data/transforms.py
// (ResizeKeepRatio, center_crop_or_pad), version 1.0.31; torchvision transforms/functional.py
// (center_crop); transformers models/siglip2/image_processing_siglip2.py
// (get_image_size_for_max_num_patches). All of them calculate with Python's numbers, hence in
// double.
#include "image/picture_plan.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "siglip/error.hpp"

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

/// Patches along a side of `size` pixels at this scale.
int64_t PatchesAt(double scale, int64_t size, int64_t patch_size) {
  return std::max<int64_t>(1, Cut(std::ceil(Real(size) * scale / Real(patch_size))));
}

/// Of whole patches.
ImageSize PatchedSize(const Siglip2ImageProcessorConfig& config, const ImageSize& image) {
  const int64_t patch = config.patch_size;
  if (!config.do_resize) {
    const bool fits = image.height % patch == 0 && image.width % patch == 0 &&
                      image.height / patch * (image.width / patch) <= config.max_num_patches;
    if (fits) return image;
    throw Error(ErrorCode::kMismatch,
                "image processor: without resizing, expected whole patches of " +
                    std::to_string(patch) + " x " + std::to_string(patch) + " pixels, " +
                    std::to_string(config.max_num_patches) + " at most, found a picture of " +
                    std::to_string(image.height) + " x " + std::to_string(image.width) + " pixels");
  }
  constexpr double kPrecision = 1e-5;
  double smallest = kPrecision / 10;
  double largest = 100.0;
  while (largest - smallest >= kPrecision) {
    const double scale = (smallest + largest) / 2;
    const int64_t patches =
        PatchesAt(scale, image.height, patch) * PatchesAt(scale, image.width, patch);
    (patches <= config.max_num_patches ? smallest : largest) = scale;
  }
  return {.width = PatchesAt(smallest, image.width, patch) * patch,
          .height = PatchesAt(smallest, image.height, patch) * patch};
}

}  // namespace

PicturePlan PlanPicture(const SiglipImageProcessor& processor, const ImageSize& picture) {
  const ImageProcessorConfig& config = processor.config();
  const PreprocessMode mode = processor.mode();
  CheckSides("input", picture.height, picture.width);
  const ImageSize resized = ResizedSize(config, picture);
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

PicturePlan PlanPicture(const Siglip2ImageProcessor& processor, const ImageSize& picture) {
  CheckSides("input", picture.height, picture.width);
  const ImageSize size = PatchedSize(processor.config(), picture);
  CheckOutputSize(size.height, size.width);
  return {.resize = {.height = size.height,
                     .width = size.width,
                     .resample = processor.config().resample,
                     .mode = processor.mode()},
          .canvas = size,
          .output = size};
}

}  // namespace siglip
