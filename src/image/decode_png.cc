// PNG through libpng. Rows come as stored; their meaning follows Pillow's modes and rounding.
#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <new>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "image/decode.h"
#include "image/pixels.h"
#include "image/png_chunks.h"
#include "image/png_metadata.h"

namespace siglip {
namespace {

class PngReader {
 public:
  explicit PngReader(const ImageSource& source) : source_(source) {}
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }

  DecodedImage Read();

 private:
  // libpng reports failures through a callback that must not return; it jumps back to Try. `work`
  // must own nothing that a jump out of it would leak.
  template <typename Work>
  bool Try(const Work& work) {
    if (setjmp(escape_) != 0) return false;
    work();
    return true;
  }
  static void OnError(png_structp png, png_const_charp message);
  static void OnWarning(png_structp, png_const_charp) {}
  static void OnRead(png_structp png, png_bytep out, size_t count);

  void FindCutPixels();
  void ReadHeader();
  void ReadPalette();
  void ReadTransparentColour();
  void ReadRows(Image& image);
  bool HasAllRows() const;
  void ConvertRow(const uint8_t* row, int64_t width, uint8_t* rgb);
  void ConvertGreyRow(const uint8_t* row, int64_t width, uint8_t* rgb);
  void ConvertColourRow(const uint8_t* row, int64_t width, uint8_t* rgb) const;
  bool IsDirect() const;

  const ImageSource& source_;
  size_t position_ = 0;
  // The header of an IDAT chunk that the end of the file cuts, and how much data it has.
  std::optional<size_t> cut_pixels_;
  uint32_t cut_length_ = 0;
  jmp_buf escape_;
  char message_[128] = {};
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;

  int colour_type_ = 0;
  int bit_depth_ = 0;
  Palette palette_;
  // The colour that tRNS declares transparent, as Pillow compares it: with 8-bit values.
  std::optional<Rgba> transparent_;
  std::vector<uint8_t> unpacked_;
};

void PngReader::OnError(png_structp png, png_const_charp message) {
  auto* reader = static_cast<PngReader*>(png_get_error_ptr(png));
  std::snprintf(reader->message_, sizeof(reader->message_), "%s", message);
  longjmp(reader->escape_, 1);
}

void PngReader::OnRead(png_structp png, png_bytep out, size_t count) {
  auto* reader = static_cast<PngReader*>(png_get_io_ptr(png));
  // Left alone, libpng would inflate what follows the last row, however much that is.
  if (reader->HasAllRows()) png_error(png, "all rows are there");
  if (count > reader->source_.size() - reader->position_) {
    png_error(png, "the file ends too early");
  }
  std::memcpy(out, reader->source_.data() + reader->position_, count);
  if (reader->position_ == reader->cut_pixels_ && count >= sizeof(png_uint_32)) {
    png_save_uint_32(out, reader->cut_length_);
  }
  reader->position_ += count;
}

// libpng takes a chunk's data in large pieces or not at all. So that it gets what a cut chunk still
// holds, that chunk is given the length it has.
void PngReader::FindCutPixels() {
  PngChunkWalk walk({source_.data(), source_.size()});
  while (const std::optional<PngChunk> chunk = walk.Next()) {
    if (!chunk->is_cut_short || chunk->name != "IDAT") continue;
    cut_pixels_ = chunk->begin;
    cut_length_ = static_cast<uint32_t>(chunk->data.size());
  }
}

DecodedImage PngReader::Read() {
  FindCutPixels();
  ReadHeader();
  const int64_t width = png_get_image_width(png_, info_);
  const int64_t height = png_get_image_height(png_, info_);
  const int64_t row_bytes = SaturatingMultiply(width, 8);  // 4 channels of 16 bits
  const bool interlaced = png_get_interlace_type(png_, info_) != PNG_INTERLACE_NONE;
  const int64_t stored_rows = interlaced && !IsDirect() ? height : 4;
  Image image = AllocateImage(source_, width, height, SaturatingMultiply(row_bytes, stored_rows));
  ReadRows(image);
  return {std::move(image), PngOrientation({source_.data(), source_.size()})};
}

void PngReader::ReadHeader() {
  const bool succeeded = Try([&] {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, OnError, OnWarning);
    if (png_ == nullptr) return;
    info_ = png_create_info_struct(png_);
    if (info_ == nullptr) return;
    png_set_read_fn(png_, this, OnRead);
    png_set_benign_errors(png_, 1);
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // CheckLimits comes later
    png_set_chunk_malloc_max(png_, 0);  // no limit, as no chunk that could need one is read
    // Like Pillow: the largest window, whatever the file claims to need, and pieces of its size,
    // which decide whether a checksum in the last one is seen along with the last row.
    png_set_option(png_, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON);
    png_set_compression_buffer_size(png_, 65536);
    // Skips all chunks but IHDR, PLTE, tRNS, IDAT and IEND: they cannot fail a picture.
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    // Like Pillow: every checksum before the pixels counts, none from there on.
    png_set_crc_action(png_, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_read_info(png_, info_);
    png_set_crc_action(png_, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
  });
  if (!succeeded) ThrowMalformed(source_, ImageFormat::kPng, message_);
  if (info_ == nullptr) throw std::bad_alloc();
  colour_type_ = png_get_color_type(png_, info_);
  bit_depth_ = png_get_bit_depth(png_, info_);
  if (colour_type_ == PNG_COLOR_TYPE_PALETTE) {
    ReadPalette();
  } else {
    ReadTransparentColour();
  }
}

void PngReader::ReadPalette() {
  png_colorp colours = nullptr;
  int count = 0;
  png_get_PLTE(png_, info_, &colours, &count);
  for (int i = 0; i < std::min(count, 256); ++i) {
    palette_.colours[i] = {colours[i].red, colours[i].green, colours[i].blue, 255};
  }
  png_bytep alpha = nullptr;
  int alpha_count = 0;
  png_get_tRNS(png_, info_, &alpha, &alpha_count, nullptr);
  for (int i = 0; alpha != nullptr && i < std::min(alpha_count, 256); ++i) {
    palette_.colours[i][3] = alpha[i];
  }
}

void PngReader::ReadTransparentColour() {
  png_color_16p colour = nullptr;
  int count = 0;
  if (png_get_tRNS(png_, info_, nullptr, &count, &colour) == 0 || colour == nullptr) return;
  if ((colour_type_ & PNG_COLOR_MASK_ALPHA) != 0) return;
  if (colour_type_ == PNG_COLOR_TYPE_RGB) {
    transparent_ = {static_cast<uint8_t>(colour->red), static_cast<uint8_t>(colour->green),
                    static_cast<uint8_t>(colour->blue), 0};
    return;
  }
  // Pillow scales grey of 2 and 4 bits to 8, but not the transparent value that goes with it.
  const uint16_t value = bit_depth_ == 1 && colour->gray != 0 ? 255 : colour->gray;
  const auto grey = static_cast<uint8_t>(value);
  transparent_ = {grey, grey, grey, 0};
}

// Whether stored rows are already those of the picture.
bool PngReader::IsDirect() const {
  return colour_type_ == PNG_COLOR_TYPE_RGB && bit_depth_ == 8 && !transparent_;
}

void PngReader::ReadRows(Image& image) {
  const size_t row_bytes = png_get_rowbytes(png_, info_);
  const bool interlaced = png_get_interlace_type(png_, info_) != PNG_INTERLACE_NONE;
  const bool direct = IsDirect();
  // Passes of an interlaced picture fill in each other's gaps, so all rows must be kept.
  std::vector<uint8_t> rows(direct ? 0 : row_bytes * (interlaced ? image.height : 1));
  const auto destination = [&](int64_t y) {
    if (direct) return image.rgb.data() + 3 * y * image.width;
    return rows.data() + (interlaced ? y * row_bytes : 0);
  };
  int passes = 1;
  bool succeeded = Try([&] {
    passes = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
  });
  for (int pass = 0; succeeded && pass < passes; ++pass) {
    for (int64_t y = 0; succeeded && y < image.height; ++y) {
      CheckTime(source_);
      // As in Pillow, nothing that follows the last row can fail the picture.
      succeeded = Try([&] { png_read_row(png_, destination(y), nullptr); }) || HasAllRows();
      if (succeeded && !direct && pass == passes - 1) {
        ConvertRow(destination(y), image.width, image.rgb.data() + 3 * y * image.width);
      }
    }
  }
  if (!succeeded) ThrowMalformed(source_, ImageFormat::kPng, message_);
}

bool PngReader::HasAllRows() const {
  constexpr int kPasses = 7;
  const png_uint_32 height = png_get_image_height(png_, info_);  // 0 until the header was read
  return png_get_interlace_type(png_, info_) == PNG_INTERLACE_NONE
             ? height > 0 && png_get_current_row_number(png_) >= height
             : png_get_current_pass_number(png_) >= kPasses;
}

void PngReader::ConvertRow(const uint8_t* row, int64_t width, uint8_t* rgb) {
  switch (colour_type_) {
    case PNG_COLOR_TYPE_PALETTE:
      unpacked_.resize(width);
      UnpackBits(row, width, bit_depth_, unpacked_.data());
      PaletteRowToRgb(unpacked_.data(), width, palette_, source_.options.alpha, rgb);
      break;
    case PNG_COLOR_TYPE_GRAY: ConvertGreyRow(row, width, rgb); break;
    default: ConvertColourRow(row, width, rgb); break;
  }
}

void PngReader::ConvertGreyRow(const uint8_t* row, int64_t width, uint8_t* rgb) {
  unpacked_.resize(width);
  if (bit_depth_ == 16) {
    // Pillow's mode I;16 clips instead of scaling.
    for (int64_t x = 0; x < width; ++x) unpacked_[x] = row[2 * x] == 0 ? row[2 * x + 1] : 255;
  } else {
    const int scale = 255 / ((1 << bit_depth_) - 1);
    UnpackBits(row, width, bit_depth_, unpacked_.data());
    for (uint8_t& value : unpacked_) value = static_cast<uint8_t>(value * scale);
  }
  if (transparent_ && source_.options.alpha == AlphaPolicy::kWhite) {
    std::replace(unpacked_.begin(), unpacked_.end(), (*transparent_)[0], uint8_t{255});
  }
  GreyRowToRgb(unpacked_.data(), width, rgb);
}

// Grey with alpha, RGB and RGBA; of 16-bit values the high byte counts.
void PngReader::ConvertColourRow(const uint8_t* row, int64_t width, uint8_t* rgb) const {
  const bool grey = (colour_type_ & PNG_COLOR_MASK_COLOR) == 0;
  const bool has_alpha = (colour_type_ & PNG_COLOR_MASK_ALPHA) != 0;
  const int bytes = bit_depth_ / 8;
  const int channels = (grey ? 1 : 3) + (has_alpha ? 1 : 0);
  for (int64_t x = 0; x < width; ++x, row += channels * bytes, rgb += 3) {
    Rgba pixel = {row[0], row[grey ? 0 : bytes], row[grey ? 0 : 2 * bytes], 255};
    if (has_alpha) {
      pixel[3] = row[(channels - 1) * bytes];
    } else if (transparent_ &&
               std::equal(pixel.begin(), pixel.begin() + 3, transparent_->begin())) {
      pixel[3] = 0;
    }
    StoreRgba(pixel, source_.options.alpha, rgb);
  }
}

}  // namespace

DecodedImage DecodePng(const ImageSource& source) {
  // A first chunk of its own announces what libpng would take for damage: no zlib header, blue
  // before red, colours multiplied by alpha.
  constexpr size_t kFirstChunk = 12;
  const std::string_view bytes(reinterpret_cast<const char*>(source.data()), source.size());
  if (bytes.size() >= kFirstChunk && bytes.substr(kFirstChunk).starts_with("CgBI")) {
    ThrowUnsupported(source, ImageFormat::kPng, "CgBI, Apple's variant for iPhones",
                     "turn it into a PNG first, for example with "
                     "pngcrush -revert-iphone-optimizations IN OUT");
  }
  return PngReader(source).Read();
}

}  // namespace siglip
