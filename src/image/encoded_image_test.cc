// Resizing while decoding: the same bits as one after the other, the same errors; and what fast
// decoding makes of JPEGs.
#include "image/encoded_image.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "expect_error.h"
#include "image/picture_file.h"
#include "picture_files.h"
#include "source_folders.h"

namespace siglip {
namespace {

Image ResizedFile(const std::filesystem::path& path, const DecodeOptions& options,
                  const ResizeRequest& request) {
  const std::string name = path.string();
  const PictureFile file(path, options.limits);
  return EncodedImage(file.bytes(), options, name).Resized(ChooseResizeKernels(), request);
}

void ExpectSamePicture(const Image& found, const Image& expected) {
  EXPECT_EQ(found.width, expected.width);
  EXPECT_EQ(found.height, expected.height);
  EXPECT_TRUE(found.rgb == expected.rgb);
}

Image Cut(const Image& image, const CropWindow& window) {
  Image part{.width = window.width, .height = window.height, .rgb = {}};
  for (int64_t y = window.top; y < window.top + window.height; ++y) {
    const auto row = image.rgb.begin() + (y * image.width + window.left) * 3;
    part.rgb.insert(part.rgb.end(), row, row + window.width * 3);
  }
  return part;
}

std::vector<std::filesystem::path> JpegsIn(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".jpg") paths.push_back(entry.path());
  }
  return paths;
}

// Smaller, larger, one side as it is (either way up), columns first in Pillow 13.
std::vector<ResizeRequest> RequestsFor(const Image& image, PreprocessMode mode) {
  std::vector<ResizeRequest> requests;
  for (const Resample resample : {Resample::kBicubic, Resample::kLanczos, Resample::kNearest}) {
    for (const ImageSize& size :
         {ImageSize{.width = 12, .height = 10}, ImageSize{.width = 7, .height = 190},
          ImageSize{.width = 200, .height = 3}, ImageSize{.width = image.width, .height = 5},
          ImageSize{.width = 5, .height = image.height},
          ImageSize{.width = image.width, .height = image.height},
          ImageSize{.width = image.width - 1, .height = 1}}) {
      requests.push_back(
          {.height = size.height, .width = size.width, .resample = resample, .mode = mode});
    }
  }
  return requests;
}

TEST(EncodedImageTest, ResizesToTheBitsOfDecodingFirst) {
  std::vector<std::filesystem::path> paths = JpegsIn(kGoldenImages);
  for (const auto& path : JpegsIn(PictureFolder())) paths.push_back(path);
  for (const char* other : {"rgb.png", "alpha.webp"}) {
    if (!LacksCodec(ReadBytes(kGoldenImages / other))) paths.push_back(kGoldenImages / other);
  }
  ASSERT_GE(paths.size(), 23u);
  for (const std::filesystem::path& path : paths) {
    for (const bool upright : {true, false}) {
      DecodeOptions options;
      options.apply_exif_orientation = upright;
      const Image decoded = DecodeImageFile(path, options);
      for (const auto mode :
           {PreprocessMode::kTorchvision, PreprocessMode::kPillow, PreprocessMode::kPillow13}) {
        for (const ResizeRequest& request : RequestsFor(decoded, mode)) {
          SCOPED_TRACE(path.filename().string() + " to " + std::to_string(request.width) + " x " +
                       std::to_string(request.height) + ", " +
                       std::string(ToString(request.resample)) + ", " +
                       std::string(ToString(mode)));
          ExpectSamePicture(ResizedFile(path, options, request),
                            Resize(decoded, request.height, request.width, request.resample, mode));
        }
      }
    }
  }
}

TEST(EncodedImageTest, CutsOutWhatCroppingAfterwardsWould) {
  for (const char* name : {"rgb.jpg", "exif-3.jpg", "exif-6.jpg", "exif-7.jpg", "rgb.png"}) {
    const Image decoded = DecodeImageFile(kGoldenImages / name);
    for (const auto mode :
         {PreprocessMode::kTorchvision, PreprocessMode::kPillow, PreprocessMode::kPillow13}) {
      for (ResizeRequest request : RequestsFor(decoded, mode)) {
        const Image whole = Resize(decoded, request.height, request.width, request.resample, mode);
        const int64_t height = (request.height + 1) / 2;
        const int64_t width = (request.width + 2) / 3;
        for (const auto& [top, left] : {std::pair<int64_t, int64_t>{0, 0},
                                        {request.height - height, request.width - width},
                                        {request.height / 4, request.width / 3}}) {
          request.crop = CropWindow{.top = top, .left = left, .height = height, .width = width};
          SCOPED_TRACE(std::string(name) + " to " + std::to_string(request.width) + " x " +
                       std::to_string(request.height) + ", from " + std::to_string(left) + ", " +
                       std::to_string(top) + ", " + std::string(ToString(request.resample)) + ", " +
                       std::string(ToString(mode)));
          ExpectSamePicture(ResizedFile(kGoldenImages / name, {}, request),
                            Cut(whole, *request.crop));
        }
      }
    }
  }
}

TEST(EncodedImageTest, MirrorsFiltersThatAreNotSymmetric) {
  // At 2.5 pixels to one, windows of Pillow's box filter end in the middle of a pixel, which counts
  // on one side only.
  for (const char* name : {"exif-3.jpg", "exif-6.jpg", "exif-7.jpg"}) {
    SCOPED_TRACE(name);
    const Image decoded = DecodeImageFile(kGoldenImages / name);
    const ResizeRequest request = {.height = decoded.height * 2 / 5,
                                   .width = decoded.width * 2 / 5,
                                   .resample = Resample::kBox,
                                   .mode = PreprocessMode::kPillow};
    ExpectSamePicture(
        ResizedFile(kGoldenImages / name, {}, request),
        Resize(decoded, request.height, request.width, request.resample, request.mode));
  }
}

TEST(EncodedImageTest, KnowsTheUprightSize) {
  DecodeOptions options;
  const std::string bytes = ReadBytes(kGoldenImages / "exif-6.jpg");  // 140 x 90 as stored
  const std::string name = "turned";
  EXPECT_EQ(EncodedImage(AsBytes(bytes), options, name).size().width, 90);
  EXPECT_EQ(EncodedImage(AsBytes(bytes), options, name).size().height, 140);
  options.apply_exif_orientation = false;
  EXPECT_EQ(EncodedImage(AsBytes(bytes), options, name).size().width, 140);
}

TEST(EncodedImageTest, FailsAsDecodingDoes) {
  const std::string whole = ReadBytes(kGoldenImages / "rgb.jpg");
  const std::string name = "cut.jpg";
  for (const size_t percent : {3, 10, 40, 70, 99}) {
    const std::string bytes = whole.substr(0, whole.size() * percent / 100);
    DecodeOptions options;
    std::string message;
    try {
      DecodeImage(AsBytes(bytes), options, name);
      FAIL() << percent;
    } catch (const Error& error) {
      message = error.message();
    }
    const ResizeRequest request = {.height = 10, .width = 10};
    ExpectError(ErrorCode::kMalformedFile, {message}, [&] {
      EncodedImage(AsBytes(bytes), options, name).Resized(ChooseResizeKernels(), request);
    });
    options.fast = true;
    ExpectError(ErrorCode::kMalformedFile, {name, "malformed JPEG"}, [&] {
      EncodedImage(AsBytes(bytes), options, name).Resized(ChooseResizeKernels(), request);
    });
  }
}

TEST(EncodedImageTest, FailsForRowsThatNoWindowReaches) {
  // An eighth of 90 rows is 11 and a quarter: columns first, the box filter leaves
  // the twelfth out.
  const std::string whole = ReadBytes(kGoldenImages / "rgb-444.jpg");
  const std::string bytes = whole.substr(0, whole.size() - 60);
  const std::string name = "cut.jpg";
  DecodeOptions options;
  options.fast = true;
  ExpectError(ErrorCode::kMalformedFile, {name, "at row 11 of 12"}, [&] {
    EncodedImage(AsBytes(bytes), options, name)
        .Resized(ChooseResizeKernels(), {.height = 1,
                                         .width = 4,
                                         .resample = Resample::kBox,
                                         .mode = PreprocessMode::kPillow13});
  });
}

TEST(EncodedImageTest, RefusesWhatResizeRefuses) {
  const std::string bytes = ReadBytes(kGoldenImages / "rgb.jpg");
  const std::string name = "rgb.jpg";
  const DecodeOptions options;
  const auto resize = [&](const ResizeRequest& request) {
    EncodedImage(AsBytes(bytes), options, name).Resized(ChooseResizeKernels(), request);
  };
  ExpectError(ErrorCode::kInvalidArgument, {"output height"},
              [&] { resize({.height = 0, .width = 5}); });
  ExpectError(ErrorCode::kLimitExceeded, {"result"},
              [&] { resize({.height = 60000, .width = 60000}); });
  ExpectError(ErrorCode::kInvalidArgument, {"part", "inside"}, [&] {
    resize({.height = 5,
            .width = 5,
            .crop = CropWindow{.top = 1, .left = 0, .height = 5, .width = 5}});
  });
  ExpectError(ErrorCode::kInvalidArgument, {"output width", "16777216"}, [&] {
    resize({.height = 5,
            .width = INT64_MAX,
            .crop = CropWindow{.top = 0, .left = 0, .height = 5, .width = 5}});
  });
  ExpectError(ErrorCode::kUnsupported, {"box"},
              [&] { resize({.height = 5, .width = 5, .resample = Resample::kBox}); });
}

TEST(JpegEighthsTest, TakesTheFewestThatLeaveTwiceTheTarget) {
  const ImageSize square = {.width = 224, .height = 224};
  EXPECT_EQ(JpegEighths({.width = 640, .height = 480}, square), 8);
  EXPECT_EQ(JpegEighths({.width = 1920, .height = 1080}, square), 4);
  EXPECT_EQ(JpegEighths({.width = 4000, .height = 3000}, square), 2);
  EXPECT_EQ(JpegEighths({.width = 8000, .height = 6000}, square), 1);
  // Both sides count.
  EXPECT_EQ(JpegEighths({.width = 8000, .height = 500}, square), 8);
  EXPECT_EQ(JpegEighths({.width = 500, .height = 8000}, square), 8);
  // Exactly twice is enough; libjpeg rounds sizes up.
  EXPECT_EQ(JpegEighths({.width = 3584, .height = 3584}, square), 1);
  EXPECT_EQ(JpegEighths({.width = 3577, .height = 3577}, square), 1);
  EXPECT_EQ(JpegEighths({.width = 3576, .height = 3577}, square), 2);
  EXPECT_EQ(JpegEighths({.width = 10, .height = 10}, square), 8);
  EXPECT_EQ(JpegEighths({.width = 65500, .height = 65500}, {.width = INT64_MAX, .height = 1}), 8);
}

TEST(FastDecodeTest, ReducesTheSidesThatOrientationExchanges) {
  const std::string bytes = ReadBytes(kGoldenImages / "exif-6.jpg");  // 140 x 90 as stored
  const std::string name = "turned";
  const DecodeOptions options;
  const auto rows = OpenJpeg({AsBytes(bytes), name, options});
  rows->ReduceFor({.width = 35, .height = 22});
  EXPECT_EQ(rows->eighths(), 4);
  EXPECT_EQ(rows->size().width, 70);
  EXPECT_EQ(rows->size().height, 45);
  EXPECT_EQ(rows->stored_size().width, 140);
}

double MeanDifference(const Image& left, const Image& right) {
  double sum = 0;
  for (size_t i = 0; i < left.rgb.size(); ++i) sum += std::abs(left.rgb[i] - right.rgb[i]);
  return sum / static_cast<double>(left.rgb.size());
}

TEST(FastDecodeTest, EveryKindOfJpegLooksTheSame) {
  for (const std::filesystem::path& path : JpegsIn(kGoldenImages)) {
    SCOPED_TRACE(path.filename());
    const Image decoded = DecodeImageFile(path);
    for (const int64_t divisor : {4, 8, 16}) {  // from half, a quarter, an eighth
      const ResizeRequest request = {.height = decoded.height / divisor,
                                     .width = decoded.width / divisor};
      DecodeOptions options;
      const Image exact = ResizedFile(path, options, request);
      options.fast = true;
      const Image fast = ResizedFile(path, options, request);
      ASSERT_EQ(fast.width, request.width);
      ASSERT_EQ(fast.height, request.height);
      EXPECT_FALSE(fast.rgb == exact.rgb) << "not reduced";
      EXPECT_LT(MeanDifference(fast, exact), 4.0) << divisor;
    }
  }
}

TEST(FastDecodeTest, SmallJpegsOtherFormatsAndDecodingAloneAreExact) {
  DecodeOptions fast;
  fast.fast = true;
  ExpectSamePicture(DecodeImageFile(kGoldenImages / "rgb.jpg", fast),
                    DecodeImageFile(kGoldenImages / "rgb.jpg"));
  const ResizeRequest large = {.height = 60, .width = 60};  // of 311 x 203 pixels
  ExpectSamePicture(ResizedFile(kGoldenImages / "rgb.jpg", fast, large),
                    ResizedFile(kGoldenImages / "rgb.jpg", {}, large));
  const ResizeRequest tiny = {.height = 3, .width = 3};
  for (const char* other : {"rgb.png", "alpha.webp"}) {
    if (LacksCodec(ReadBytes(kGoldenImages / other))) continue;
    ExpectSamePicture(ResizedFile(kGoldenImages / other, fast, tiny),
                      ResizedFile(kGoldenImages / other, {}, tiny));
  }
}

TEST(FastDecodeTest, LimitsAreThoseOfTheWholePicture) {
  const std::string bytes = ReadBytes(kGoldenImages / "rgb.jpg");
  const std::string name = "large";
  DecodeOptions options;
  options.fast = true;
  options.limits.max_pixels = 311 * 203 - 1;
  ExpectError(ErrorCode::kLimitExceeded, {"large", "311 x 203", "--max-pixels"},
              [&] { EncodedImage(AsBytes(bytes), options, name); });
}

}  // namespace
}  // namespace siglip
