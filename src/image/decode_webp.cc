// WebP through libwebp and its demuxer: the first frame on its canvas.
#include <webp/decode.h>
#include <webp/demux.h>

#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "image/decode.h"
#include "image/exif.h"
#include "image/pixels.h"
#include "image/releaser.h"

namespace siglip {
namespace {

uint32_t ReadLittleEndian(const uint8_t* data) {
  return uint32_t{data[3]} << 24 | uint32_t{data[2]} << 16 | uint32_t{data[1]} << 8 | data[0];
}

constexpr size_t kChunkHeader = 8;
constexpr size_t kRiffHeader = 12;

using Demuxer = std::unique_ptr<WebPDemuxer, Releaser<WebPDemuxDelete>>;
using FrameIterator = std::unique_ptr<WebPIterator, Releaser<WebPDemuxReleaseIterator>>;
using ChunkIterator = std::unique_ptr<WebPChunkIterator, Releaser<WebPDemuxReleaseChunkIterator>>;

const char* Describe(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY: return "libwebp found too little memory";
    case VP8_STATUS_NOT_ENOUGH_DATA: return "the file ends too early";
    case VP8_STATUS_UNSUPPORTED_FEATURE: return "an unknown feature of the format";
    case VP8_STATUS_BITSTREAM_ERROR: return "a damaged bit stream";
    default: return "libwebp refuses it";
  }
}

void CheckStatus(const ImageSource& source, VP8StatusCode status) {
  if (status == VP8_STATUS_OUT_OF_MEMORY) throw std::bad_alloc();
  if (status != VP8_STATUS_OK) ThrowMalformed(source, ImageFormat::kWebp, Describe(status));
}

// Decodes one frame into rows of `stride` bytes.
void DecodeFrame(const ImageSource& source, std::span<const uint8_t> frame, WEBP_CSP_MODE mode,
                 uint8_t* out, int64_t stride, size_t size) {
  if (stride > std::numeric_limits<int>::max()) {
    ThrowUnsupported(source, ImageFormat::kWebp, "rows longer than 2 GiB");
  }
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) {
    ThrowUnsupported(source, ImageFormat::kWebp, "libwebp of another version");
  }
  config.output.colorspace = mode;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = out;
  config.output.u.RGBA.stride = static_cast<int>(stride);
  config.output.u.RGBA.size = size;
  CheckStatus(source, WebPDecode(frame.data(), frame.size(), &config));
}

Demuxer OpenDemuxer(const ImageSource& source) {
  const WebPData data = {source.data(), source.size()};
  if (source.size() < kRiffHeader ||
      ReadLittleEndian(source.data() + 4) > source.size() - kChunkHeader) {
    ThrowMalformed(source, ImageFormat::kWebp, Describe(VP8_STATUS_NOT_ENOUGH_DATA));
  }
  Demuxer demuxer(WebPDemux(&data));
  if (demuxer == nullptr) {
    ThrowMalformed(source, ImageFormat::kWebp, "its chunks do not make up a picture");
  }
  return demuxer;
}

// EXIF and XMP count only where the file's header announces them, which libwebp sees to.
std::span<const uint8_t> FirstChunk(const Demuxer& demuxer, const char* name) {
  WebPChunkIterator chunk = {};
  const ChunkIterator release(&chunk);
  if (WebPDemuxGetChunk(demuxer.get(), name, 1, &chunk) == 0) return {};
  return {chunk.chunk.bytes, chunk.chunk.size};  // in the bytes of the file
}

int Orientation(const Demuxer& demuxer) {
  const std::span<const uint8_t> xmp = FirstChunk(demuxer, "XMP ");
  return FindOrientation(FirstChunk(demuxer, "EXIF"),
                         {reinterpret_cast<const char*>(xmp.data()), xmp.size()});
}

}  // namespace

DecodedImage DecodeWebp(const ImageSource& source) {
  const Demuxer demuxer = OpenDemuxer(source);
  WebPBitstreamFeatures file = {};
  CheckStatus(source, WebPGetFeatures(source.data(), source.size(), &file));
  WebPIterator frame = {};
  const FrameIterator release(&frame);
  if (WebPDemuxGetFrame(demuxer.get(), 1, &frame) == 0) {
    ThrowMalformed(source, ImageFormat::kWebp, "it holds no frame");
  }
  const std::span<const uint8_t> stored(frame.fragment.bytes, frame.fragment.size);
  WebPBitstreamFeatures features = {};
  CheckStatus(source, WebPGetFeatures(stored.data(), stored.size(), &features));
  const int64_t width = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH);
  const int64_t height = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT);
  if (int64_t{frame.x_offset} + features.width > width ||
      int64_t{frame.y_offset} + features.height > height) {
    ThrowMalformed(source, ImageFormat::kWebp, "a frame larger than its canvas");
  }

  const bool composite = file.has_alpha != 0 && source.options.alpha == AlphaPolicy::kWhite;
  // libwebp keeps the picture as 4 bytes per pixel (lossless) or less while it decodes.
  const int64_t pixels = int64_t{features.width} * features.height;
  Image image = AllocateImage(source, width, height, pixels * (composite ? 8 : 4));
  const int64_t stride = 3 * width;
  uint8_t* out = image.rgb.data() + frame.y_offset * stride + 3 * int64_t{frame.x_offset};
  if (!composite) {
    const auto size = static_cast<size_t>(image.rgb.data() + image.rgb.size() - out);
    DecodeFrame(source, stored, MODE_RGB, out, stride, size);
  } else {
    // Outside the first frame the canvas is transparent.
    std::memset(image.rgb.data(), 255, image.rgb.size());
    std::vector<uint8_t> rgba(static_cast<size_t>(pixels) * 4);
    const int64_t rgba_stride = 4 * int64_t{features.width};
    DecodeFrame(source, stored, MODE_RGBA, rgba.data(), rgba_stride, rgba.size());
    for (int64_t y = 0; y < features.height; ++y) {
      RgbaRowToRgb(rgba.data() + y * rgba_stride, features.width, source.options.alpha,
                   out + y * stride);
    }
  }
  return {std::move(image), Orientation(demuxer)};
}

std::optional<TimeTaken> TimeTakenOfWebp(const ImageSource& source) {
  return ExifTimeTaken(FirstChunk(OpenDemuxer(source), "EXIF"));
}

}  // namespace siglip
