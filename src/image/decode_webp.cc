// WebP through libwebp; the RIFF structure around it is ours: the first frame and its place.
#include <webp/decode.h>

#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "image/decode.h"
#include "image/exif.h"
#include "image/pixels.h"

namespace siglip {
namespace {

uint32_t ReadLittleEndian(const uint8_t* data, int bytes) {
  uint32_t value = 0;
  for (int i = bytes - 1; i >= 0; --i) value = value << 8 | data[i];
  return value;
}

constexpr size_t kChunkHeader = 8;
constexpr size_t kRiffHeader = 12;
constexpr size_t kFrameHeader = 16;

struct Chunk {
  std::string_view name;
  std::span<const uint8_t> data;
};

// The chunks between RIFF header and end, in order; a last one that is cut off is left out.
class ChunkWalk {
 public:
  explicit ChunkWalk(std::span<const uint8_t> bytes) : rest_(bytes) {}

  std::optional<Chunk> Next() {
    if (rest_.size() < kChunkHeader) return std::nullopt;
    const size_t size = ReadLittleEndian(rest_.data() + 4, 4);
    if (size > rest_.size() - kChunkHeader) return std::nullopt;
    const Chunk chunk = {{reinterpret_cast<const char*>(rest_.data()), 4},
                         rest_.subspan(kChunkHeader, size)};
    const size_t padded = kChunkHeader + size + size % 2;
    rest_ = rest_.subspan(std::min(padded, rest_.size()));
    return chunk;
  }

 private:
  std::span<const uint8_t> rest_;
};

// What a WebP file with extensions says beside its pixels.
struct Layout {
  bool animated = false;
  int64_t canvas_width = 0;
  int64_t canvas_height = 0;
  // The first frame of an animation, and where it lies on the canvas.
  std::span<const uint8_t> frame;
  int64_t frame_x = 0;
  int64_t frame_y = 0;
  std::span<const uint8_t> exif;
  std::string_view xmp;
};

Layout ReadLayout(const ImageSource& source) {
  Layout layout;
  ChunkWalk walk({source.data() + kRiffHeader, source.size() - kRiffHeader});
  while (const std::optional<Chunk> chunk = walk.Next()) {
    const std::span<const uint8_t> data = chunk->data;
    if (chunk->name == "VP8X" && data.size() >= 10) {
      layout.animated = (data[0] & 0x02) != 0;
      layout.canvas_width = int64_t{ReadLittleEndian(data.data() + 4, 3)} + 1;
      layout.canvas_height = int64_t{ReadLittleEndian(data.data() + 7, 3)} + 1;
    } else if (chunk->name == "ANMF" && data.size() > kFrameHeader && layout.frame.empty()) {
      layout.frame_x = 2 * int64_t{ReadLittleEndian(data.data(), 3)};
      layout.frame_y = 2 * int64_t{ReadLittleEndian(data.data() + 3, 3)};
      layout.frame = data.subspan(kFrameHeader);
    } else if (chunk->name == "EXIF" && layout.exif.empty()) {
      layout.exif = data;
    } else if (chunk->name == "XMP " && layout.xmp.empty()) {
      layout.xmp = {reinterpret_cast<const char*>(data.data()), data.size()};
    }
  }
  return layout;
}

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

}  // namespace

DecodedImage DecodeWebp(const ImageSource& source) {
  if (source.size() < kRiffHeader ||
      ReadLittleEndian(source.data() + 4, 4) > source.size() - kChunkHeader) {
    ThrowMalformed(source, ImageFormat::kWebp, Describe(VP8_STATUS_NOT_ENOUGH_DATA));
  }
  const Layout layout = ReadLayout(source);
  const std::span<const uint8_t> whole(source.data(), source.size());
  WebPBitstreamFeatures file = {};
  CheckStatus(source, WebPGetFeatures(whole.data(), whole.size(), &file));

  const std::span<const uint8_t> frame = layout.animated ? layout.frame : whole;
  if (frame.empty()) ThrowMalformed(source, ImageFormat::kWebp, "an animation without a frame");
  WebPBitstreamFeatures features = {};
  CheckStatus(source, WebPGetFeatures(frame.data(), frame.size(), &features));
  const int64_t width = layout.animated ? layout.canvas_width : features.width;
  const int64_t height = layout.animated ? layout.canvas_height : features.height;
  if (layout.frame_x + features.width > width || layout.frame_y + features.height > height) {
    ThrowMalformed(source, ImageFormat::kWebp, "a frame larger than its canvas");
  }

  const bool composite = file.has_alpha != 0 && source.options.alpha == AlphaPolicy::kWhite;
  // libwebp keeps the picture as 4 bytes per pixel (lossless) or less while it decodes.
  const int64_t pixels = int64_t{features.width} * features.height;
  Image image = AllocateImage(source, width, height, pixels * (composite ? 8 : 4));
  const int64_t stride = 3 * width;
  uint8_t* out = image.rgb.data() + layout.frame_y * stride + 3 * layout.frame_x;
  if (!composite) {
    const auto size = static_cast<size_t>(image.rgb.data() + image.rgb.size() - out);
    DecodeFrame(source, frame, MODE_RGB, out, stride, size);
  } else {
    // Outside the first frame the canvas is transparent.
    std::memset(image.rgb.data(), 255, image.rgb.size());
    std::vector<uint8_t> rgba(static_cast<size_t>(pixels) * 4);
    const int64_t rgba_stride = 4 * int64_t{features.width};
    DecodeFrame(source, frame, MODE_RGBA, rgba.data(), rgba_stride, rgba.size());
    for (int64_t y = 0; y < features.height; ++y) {
      RgbaRowToRgb(rgba.data() + y * rgba_stride, features.width, source.options.alpha,
                   out + y * stride);
    }
  }
  return {std::move(image), FindOrientation(layout.exif, layout.xmp)};
}

}  // namespace siglip
