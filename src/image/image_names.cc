// The names of the enumerations of siglip/image.hpp, as users write and read them.

#include <array>
#include <string>
#include <utility>

#include "siglip/error.hpp"
#include "siglip/image.hpp"

namespace siglip {
namespace {

template <typename Enum, size_t kCount>
using Names = std::array<std::pair<Enum, std::string_view>, kCount>;

constexpr Names<ImageFormat, 9> kImageFormats = {{{ImageFormat::kJpeg, "JPEG"},
                                                  {ImageFormat::kPng, "PNG"},
                                                  {ImageFormat::kWebp, "WebP"},
                                                  {ImageFormat::kGif, "GIF"},
                                                  {ImageFormat::kBmp, "BMP"},
                                                  {ImageFormat::kTiff, "TIFF"},
                                                  {ImageFormat::kPnm, "PNM"},
                                                  {ImageFormat::kAvif, "AVIF"},
                                                  {ImageFormat::kHeic, "HEIC"}}};

constexpr Names<AlphaPolicy, 2> kAlphaPolicies = {
    {{AlphaPolicy::kWhite, "white"}, {AlphaPolicy::kDrop, "drop"}}};

constexpr Names<Resample, 6> kResamples = {{{Resample::kNearest, "nearest"},
                                            {Resample::kLanczos, "lanczos"},
                                            {Resample::kBilinear, "bilinear"},
                                            {Resample::kBicubic, "bicubic"},
                                            {Resample::kBox, "box"},
                                            {Resample::kHamming, "hamming"}}};

constexpr Names<PreprocessMode, 3> kPreprocessModes = {
    {{PreprocessMode::kTorchvision, "torchvision"},
     {PreprocessMode::kPillow, "pillow"},
     {PreprocessMode::kPillow13, "pillow13"}}};

template <typename Enum, size_t kCount>
std::string_view NameOf(const Names<Enum, kCount>& names, Enum value, const char* what) {
  for (const auto& [known, name] : names) {
    if (known == value) return name;
  }
  throw Error(ErrorCode::kInvalidArgument,
              std::string(what) + " has no value " + std::to_string(static_cast<int>(value)));
}

template <typename Enum, size_t kCount>
Enum Parse(const Names<Enum, kCount>& names, std::string_view wanted, const char* what) {
  std::string known;
  for (const auto& [value, name] : names) {
    if (name == wanted) return value;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  throw Error(ErrorCode::kInvalidArgument,
              "unknown " + std::string(what) + " '" + std::string(wanted) + "'", "known: " + known);
}

}  // namespace

std::string_view ToString(ImageFormat format) {
  return NameOf(kImageFormats, format, "image format");
}

AlphaPolicy ParseAlphaPolicy(std::string_view name) {
  return Parse(kAlphaPolicies, name, "alpha policy");
}

std::string_view ToString(AlphaPolicy policy) {
  return NameOf(kAlphaPolicies, policy, "alpha policy");
}

Resample ParseResample(std::string_view name) {
  return Parse(kResamples, name, "resampling filter");
}

std::string_view ToString(Resample resample) {
  return NameOf(kResamples, resample, "resampling filter");
}

PreprocessMode ParsePreprocessMode(std::string_view name) {
  return Parse(kPreprocessModes, name, "preprocessing mode");
}

std::string_view ToString(PreprocessMode mode) {
  return NameOf(kPreprocessModes, mode, "preprocessing mode");
}

}  // namespace siglip
