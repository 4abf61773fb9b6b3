// GIF through giflib: the first frame on its canvas, as Pillow shows it.
#include <gif_lib.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "image/decode.h"
#include "image/pixels.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

class GifReader {
 public:
  explicit GifReader(const ImageSource& source) : source_(source) {}
  GifReader(const GifReader&) = delete;
  GifReader& operator=(const GifReader&) = delete;
  ~GifReader() { DGifCloseFile(gif_, nullptr); }

  DecodedImage Read();

 private:
  static int OnRead(GifFileType* gif, GifByteType* out, int count);
  void SeekFirstFrame();
  void SkipToBlock();
  void FindEndOfPixels();
  void ReadExtension();
  void ReadFrame(std::vector<uint8_t>& canvas, int64_t canvas_width);
  Palette FramePalette() const;
  void Check(int status) const;

  const ImageSource& source_;
  size_t position_ = 0;
  std::optional<size_t> end_of_pixels_;  // once the frame was found
  GifFileType* gif_ = nullptr;
  std::optional<uint8_t> transparent_;
};

int GifReader::OnRead(GifFileType* gif, GifByteType* out, int count) {
  auto* reader = static_cast<GifReader*>(gif->UserData);
  const auto wanted = static_cast<size_t>(std::max(count, 0));
  const size_t end = reader->end_of_pixels_.value_or(reader->source_.size());
  const size_t taken = std::min(end - reader->position_, wanted);
  std::memcpy(out, reader->source_.data() + reader->position_, taken);
  reader->position_ += taken;
  if (!reader->end_of_pixels_) return static_cast<int>(taken);
  std::fill(out + taken, out + wanted, GifByteType{0});
  return count;
}

void GifReader::Check(int status) const {
  if (status != GIF_ERROR) return;
  const char* message = GifErrorString(gif_->Error);
  ThrowMalformed(source_, ImageFormat::kGif, message != nullptr ? message : "giflib refuses it");
}

DecodedImage GifReader::Read() {
  int error = 0;
  gif_ = DGifOpen(this, OnRead, &error);
  if (gif_ == nullptr) {
    const char* message = GifErrorString(error);
    ThrowMalformed(source_, ImageFormat::kGif, message != nullptr ? message : "no GIF header");
  }
  SeekFirstFrame();
  FindEndOfPixels();
  const GifImageDesc& frame = gif_->Image;
  // A frame that leaves the canvas enlarges it.
  const int64_t width = std::max<int64_t>(gif_->SWidth, int64_t{frame.Left} + frame.Width);
  const int64_t height = std::max<int64_t>(gif_->SHeight, int64_t{frame.Top} + frame.Height);
  Image image = AllocateImage(source_, width, height, SaturatingMultiply(width, height));
  std::vector<uint8_t> canvas(static_cast<size_t>(width * height), transparent_.value_or(0));
  ReadFrame(canvas, width);
  const Palette palette = FramePalette();
  PaletteRowToRgb(canvas.data(), width * height, palette, source_.options.alpha, image.rgb.data());
  return {std::move(image), 1};
}

void GifReader::SeekFirstFrame() {
  for (;;) {
    SkipToBlock();
    GifRecordType record = UNDEFINED_RECORD_TYPE;
    Check(DGifGetRecordType(gif_, &record));
    switch (record) {
      case EXTENSION_RECORD_TYPE: ReadExtension(); break;
      case IMAGE_DESC_RECORD_TYPE: Check(DGifGetImageDesc(gif_)); return;
      default: ThrowMalformed(source_, ImageFormat::kGif, "it holds no frame");
    }
  }
}

// What is no block between two blocks is not meant for decoders: GIF87a has them pass over it.
void GifReader::SkipToBlock() {
  constexpr std::string_view kBeginnings = ",!;";
  const auto begins_block = [&](uint8_t byte) {
    return kBeginnings.find(static_cast<char>(byte)) != std::string_view::npos;
  };
  const uint8_t* end = source_.data() + source_.size();
  position_ = std::find_if(source_.data() + position_, end, begins_block) - source_.data();
  if (position_ == source_.size()) {
    ThrowMalformed(source_, ImageFormat::kGif, "it holds no frame");
  }
}

// Like Pillow: pixels come in blocks that are whole, and what follows the last of these does not
// matter once all are there. giflib gets zeros for it, which are terminators: it would insist on
// one.
void GifReader::FindEndOfPixels() {
  size_t end = position_;
  while (end < source_.size()) {
    const size_t block = 1 + size_t{source_.data()[end]};
    if (block == 1 || block > source_.size() - end) break;
    end += block;
  }
  end_of_pixels_ = end;
}

void GifReader::ReadExtension() {
  int code = 0;
  GifByteType* block = nullptr;
  Check(DGifGetExtension(gif_, &code, &block));
  // block[0] is the length; the first block says which index is transparent, if any.
  if (code == GRAPHICS_EXT_FUNC_CODE && block != nullptr && block[0] >= 4 && (block[1] & 1) != 0) {
    transparent_ = block[4];
  }
  while (block != nullptr) Check(DGifGetExtensionNext(gif_, &block));
}

void GifReader::ReadFrame(std::vector<uint8_t>& canvas, int64_t canvas_width) {
  const GifImageDesc& frame = gif_->Image;
  if (frame.Width <= 0 || frame.Height <= 0) {
    ThrowMalformed(source_, ImageFormat::kGif, "its first frame is empty");
  }
  const auto read_row = [&](int64_t y) {
    CheckTime(source_);
    uint8_t* row = canvas.data() + (frame.Top + y) * canvas_width + frame.Left;
    Check(DGifGetLine(gif_, row, frame.Width));
  };
  if (!frame.Interlace) {
    for (int64_t y = 0; y < frame.Height; ++y) read_row(y);
    return;
  }
  constexpr int kStart[] = {0, 4, 2, 1};
  constexpr int kStep[] = {8, 8, 4, 2};
  for (int pass = 0; pass < 4; ++pass) {
    for (int64_t y = kStart[pass]; y < frame.Height; y += kStep[pass]) read_row(y);
  }
}

// The frame's own colours, else the file's, else levels of grey.
Palette GifReader::FramePalette() const {
  Palette palette;
  const ColorMapObject* map = gif_->Image.ColorMap;
  if (map == nullptr) map = gif_->SColorMap;
  const int count = map == nullptr ? 0 : std::min(map->ColorCount, 256);
  for (int i = 0; i < count; ++i) {
    const GifColorType& colour = map->Colors[i];
    palette.colours[i] = {colour.Red, colour.Green, colour.Blue, 255};
  }
  ContinueGreys(palette, static_cast<size_t>(count));
  if (transparent_) palette.colours[*transparent_][3] = 0;
  return palette;
}

}  // namespace

DecodedImage DecodeGif(const ImageSource& source) { return GifReader(source).Read(); }

}  // namespace siglip
