// TIFF through libtiff: the first directory, in the pixel modes that Pillow reads.
#include <tiffio.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "image/decode.h"
#include "image/exif.h"
#include "image/pixels.h"
#include "siglip/error.h"

namespace siglip {
namespace {

struct TiffCloser {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};
struct OptionsFreer {
  void operator()(TIFFOpenOptions* options) const { TIFFOpenOptionsFree(options); }
};

class TiffReader {
 public:
  explicit TiffReader(const ImageSource& source) : source_(source) {}

  DecodedImage Read();

 private:
  enum class Kind { kGrey, kPalette, kRgb, kCmyk };

  // What libtiff calls: the file is in memory, so reading maps it.
  static tmsize_t OnRead(thandle_t handle, void* out, tmsize_t count);
  static tmsize_t OnWrite(thandle_t, void*, tmsize_t) { return 0; }
  static toff_t OnSeek(thandle_t handle, toff_t offset, int whence);
  static int OnClose(thandle_t) { return 0; }
  static toff_t OnSize(thandle_t handle);
  static int OnMap(thandle_t handle, void** base, toff_t* size);
  static void OnUnmap(thandle_t, void*, toff_t) {}
  static int OnError(TIFF*, void* reader, const char* module, const char* format, va_list values);
  static int OnWarning(TIFF*, void*, const char*, const char*, va_list) { return 1; }

  void Open();
  void ReadFields();
  void ReadKind(int photometric);
  void ReadPalette();
  void CheckDepth() const;
  void ReadThroughRgba(Image& image, int64_t block_rows);
  void ReadBlocks(Image& image);
  void ReadBlock(uint32_t x, uint32_t y, std::vector<uint8_t>& block, int64_t plane_bytes);
  const uint8_t* InterleavedRow(const uint8_t* block, int64_t plane_bytes, int64_t columns);
  void ConvertRow(const uint8_t* row, int64_t columns, uint8_t* rgb);
  void ConvertSingleSampleRow(const uint8_t* row, int64_t columns, uint8_t* rgb);
  void UnpackGrey(const uint8_t* row, int64_t columns);
  uint8_t ColourSample(const uint8_t* pixel, int sample) const;
  int Orientation();
  uint32_t Field(uint32_t tag, uint32_t fallback);
  uint16_t ShortField(uint32_t tag, uint16_t fallback);
  [[noreturn]] void Fail() const;
  [[noreturn]] void Refuse(const std::string& detail) const {
    ThrowUnsupported(source_, ImageFormat::kTiff, detail);
  }

  const ImageSource& source_;
  toff_t position_ = 0;
  char message_[256] = {};
  bool too_large_ = false;
  std::unique_ptr<TIFF, TiffCloser> tiff_;

  int64_t width_ = 0;
  int64_t height_ = 0;
  int bits_ = 1;
  int samples_ = 1;
  int sample_format_ = SAMPLEFORMAT_UINT;
  int compression_ = COMPRESSION_NONE;
  bool separate_ = false;  // one plane per sample
  bool through_rgba_ = false;
  Kind kind_ = Kind::kGrey;
  bool white_is_zero_ = false;
  int alpha_sample_ = -1;
  bool premultiplied_ = false;
  Palette palette_;
  std::vector<uint8_t> unpacked_;
  std::vector<uint8_t> interleaved_;
};

tmsize_t TiffReader::OnRead(thandle_t handle, void* out, tmsize_t count) {
  auto* reader = static_cast<TiffReader*>(handle);
  if (reader->position_ >= reader->source_.size() || count <= 0) return 0;
  const size_t left = reader->source_.size() - static_cast<size_t>(reader->position_);
  const size_t taken = std::min(left, static_cast<size_t>(count));
  std::memcpy(out, reader->source_.data() + reader->position_, taken);
  reader->position_ += taken;
  return static_cast<tmsize_t>(taken);
}

toff_t TiffReader::OnSeek(thandle_t handle, toff_t offset, int whence) {
  auto* reader = static_cast<TiffReader*>(handle);
  if (whence == SEEK_CUR) offset += reader->position_;
  if (whence == SEEK_END) offset += reader->source_.size();
  reader->position_ = offset;
  return offset;
}

toff_t TiffReader::OnSize(thandle_t handle) {
  return static_cast<TiffReader*>(handle)->source_.size();
}

int TiffReader::OnMap(thandle_t handle, void** base, toff_t* size) {
  const auto* reader = static_cast<TiffReader*>(handle);
  *base = const_cast<uint8_t*>(reader->source_.data());  // read-only: the file is opened for that
  *size = reader->source_.size();
  return 1;
}

// Keeps the first message; what follows are consequences.
int TiffReader::OnError(TIFF*, void* user, const char*, const char* format, va_list values) {
  auto* reader = static_cast<TiffReader*>(user);
  if (reader->message_[0] == '\0') {
    // The only sign of it: libtiff has no error codes.
    reader->too_large_ = std::strstr(format, "Memory allocation of") != nullptr;
    std::vsnprintf(reader->message_, sizeof(reader->message_), format, values);
  }
  return 1;
}

void TiffReader::Fail() const {
  std::string detail = message_[0] != '\0' ? message_ : "libtiff refuses it";
  std::replace(detail.begin(), detail.end(), '\n', ' ');
  if (too_large_) {
    throw Error(ErrorCode::kLimitExceeded, source_.name + ": " + detail,
                "--max-memory raises the limit, if the picture is trusted");
  }
  ThrowMalformed(source_, ImageFormat::kTiff, detail);
}

void TiffReader::Open() {
  const std::unique_ptr<TIFFOpenOptions, OptionsFreer> options(TIFFOpenOptionsAlloc());
  if (options == nullptr) throw std::bad_alloc();
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), OnError, this);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), OnWarning, this);
  TIFFOpenOptionsSetMaxSingleMemAlloc(
      options.get(), static_cast<tmsize_t>(source_.options.limits.max_memory_bytes));
  tiff_.reset(TIFFClientOpenExt("picture", "r", this, OnRead, OnWrite, OnSeek, OnClose, OnSize,
                                OnMap, OnUnmap, options.get()));
  if (tiff_ == nullptr) Fail();
}

uint32_t TiffReader::Field(uint32_t tag, uint32_t fallback) {
  uint32_t value = fallback;
  return TIFFGetField(tiff_.get(), tag, &value) == 1 ? value : fallback;
}

uint16_t TiffReader::ShortField(uint32_t tag, uint16_t fallback) {
  uint16_t value = fallback;
  return TIFFGetFieldDefaulted(tiff_.get(), tag, &value) == 1 ? value : fallback;
}

void TiffReader::ReadFields() {
  width_ = Field(TIFFTAG_IMAGEWIDTH, 0);
  height_ = Field(TIFFTAG_IMAGELENGTH, 0);
  bits_ = ShortField(TIFFTAG_BITSPERSAMPLE, 1);
  samples_ = ShortField(TIFFTAG_SAMPLESPERPIXEL, 1);
  sample_format_ = ShortField(TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT);
  compression_ = ShortField(TIFFTAG_COMPRESSION, COMPRESSION_NONE);
  separate_ = samples_ > 1 &&
              ShortField(TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG) == PLANARCONFIG_SEPARATE;
  const int photometric = ShortField(TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISWHITE);
  if (photometric == PHOTOMETRIC_YCBCR || compression_ == COMPRESSION_OJPEG) {
    // libtiff undoes the subsampling; within JPEG libjpeg does, and better.
    through_rgba_ = compression_ != COMPRESSION_JPEG || separate_;
    if (!through_rgba_) {
      TIFFSetField(tiff_.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
      kind_ = Kind::kRgb;
      if (samples_ != 3 || bits_ != 8) Refuse("JPEG in TIFF of unusual samples");
    }
    return;
  }
  ReadKind(photometric);
  CheckDepth();
}

void TiffReader::ReadKind(int photometric) {
  int colours = 1;
  // libtiff takes the indices for grey where it cannot read the palette.
  if (photometric != PHOTOMETRIC_PALETTE &&
      TiffTagValue({source_.data(), source_.size()}, TIFFTAG_PHOTOMETRIC) == PHOTOMETRIC_PALETTE) {
    ThrowMalformed(source_, ImageFormat::kTiff, "expected a palette, found none");
  }
  switch (photometric) {
    case PHOTOMETRIC_MINISWHITE: white_is_zero_ = true; break;
    case PHOTOMETRIC_MINISBLACK: break;
    case PHOTOMETRIC_PALETTE: kind_ = Kind::kPalette; break;
    case PHOTOMETRIC_RGB: kind_ = Kind::kRgb, colours = 3; break;
    case PHOTOMETRIC_SEPARATED: kind_ = Kind::kCmyk, colours = 4; break;
    default: Refuse("photometric interpretation " + std::to_string(photometric));
  }
  if (samples_ < colours) {
    Refuse("expected at least " + std::to_string(colours) + " samples per pixel, found " +
           std::to_string(samples_));
  }
  if (kind_ == Kind::kPalette) ReadPalette();
  if (samples_ == colours || kind_ == Kind::kCmyk) return;
  // libtiff invents the tag where it is missing; then Pillow takes the fourth sample for alpha.
  uint16_t extra_count = 0;
  uint16_t* extras = nullptr;
  TIFFGetFieldDefaulted(tiff_.get(), TIFFTAG_EXTRASAMPLES, &extra_count, &extras);
  const bool stated =
      extra_count > 0 && extras != nullptr &&
      TiffTagValue({source_.data(), source_.size()}, TIFFTAG_EXTRASAMPLES).has_value();
  if (stated && extras[0] == EXTRASAMPLE_UNSPECIFIED) return;
  alpha_sample_ = colours;
  premultiplied_ = stated && extras[0] == EXTRASAMPLE_ASSOCALPHA;
}

void TiffReader::ReadPalette() {
  uint16_t* red = nullptr;
  uint16_t* green = nullptr;
  uint16_t* blue = nullptr;
  if (bits_ > 8) Refuse("a palette with " + std::to_string(bits_) + " bits per pixel");
  if (TIFFGetField(tiff_.get(), TIFFTAG_COLORMAP, &red, &green, &blue) != 1) {
    ThrowMalformed(source_, ImageFormat::kTiff, "expected a palette, found none");
  }
  for (int i = 0; i < 1 << bits_; ++i) {
    palette_.colours[i] = {static_cast<uint8_t>(red[i] >> 8), static_cast<uint8_t>(green[i] >> 8),
                           static_cast<uint8_t>(blue[i] >> 8), 255};
  }
}

void TiffReader::CheckDepth() const {
  const bool integer = sample_format_ == SAMPLEFORMAT_UINT || sample_format_ == SAMPLEFORMAT_INT;
  const bool small = bits_ == 1 || bits_ == 2 || bits_ == 4;
  bool known = false;
  if (samples_ > 1) {
    known = sample_format_ == SAMPLEFORMAT_UINT &&
            (bits_ == 8 || (bits_ == 16 && (kind_ == Kind::kRgb || kind_ == Kind::kCmyk)));
  } else if (kind_ == Kind::kPalette) {
    known = integer && (small || bits_ == 8);
  } else {
    known = (integer && (small || bits_ == 8 || bits_ == 12 || bits_ == 16 || bits_ == 32)) ||
            (sample_format_ == SAMPLEFORMAT_IEEEFP && bits_ == 32);
  }
  if (!known) {
    Refuse(std::to_string(samples_) + " samples of " + std::to_string(bits_) + " bits in format " +
           std::to_string(sample_format_));
  }
}

DecodedImage TiffReader::Read() {
  Open();
  ReadFields();
  CheckLimits(source_, width_, height_, 0);
  Image image;
  if (through_rgba_) {
    const uint32_t tag = TIFFIsTiled(tiff_.get()) ? TIFFTAG_TILELENGTH : TIFFTAG_ROWSPERSTRIP;
    const int64_t block_rows = std::clamp<int64_t>(Field(tag, 0xFFFFFFFF), 1, height_);
    // libtiff keeps the stored block beside ours.
    const int64_t block = SaturatingMultiply(SaturatingMultiply(width_, block_rows), 4);
    image = AllocateImage(source_, width_, height_, SaturatingMultiply(block, 3));
    ReadThroughRgba(image, block_rows);
  } else {
    ReadBlocks(image);
  }
  return {std::move(image), Orientation()};
}

void TiffReader::ReadThroughRgba(Image& image, int64_t block_rows) {
  char message[1024] = {};
  TIFFRGBAImage rgba = {};
  if (TIFFRGBAImageOK(tiff_.get(), message) != 1 ||
      TIFFRGBAImageBegin(&rgba, tiff_.get(), 1, message) != 1) {
    ThrowMalformed(source_, ImageFormat::kTiff, message);
  }
  const std::unique_ptr<TIFFRGBAImage, decltype(&TIFFRGBAImageEnd)> end(&rgba, TIFFRGBAImageEnd);
  rgba.orientation = ORIENTATION_TOPLEFT;  // turned upright later, as every format
  rgba.req_orientation = ORIENTATION_TOPLEFT;
  std::vector<uint32_t> block(static_cast<size_t>(width_ * block_rows));
  for (int64_t y = 0; y < height_; y += block_rows) {
    const int64_t rows = std::min(block_rows, height_ - y);
    rgba.row_offset = static_cast<int>(y);
    if (TIFFRGBAImageGet(&rgba, block.data(), static_cast<uint32_t>(width_),
                         static_cast<uint32_t>(rows)) != 1) {
      Fail();
    }
    uint8_t* out = image.rgb.data() + 3 * y * width_;
    for (int64_t i = 0; i < rows * width_; ++i, out += 3) {
      out[0] = static_cast<uint8_t>(TIFFGetR(block[i]));
      out[1] = static_cast<uint8_t>(TIFFGetG(block[i]));
      out[2] = static_cast<uint8_t>(TIFFGetB(block[i]));
    }
  }
}

// Strips are blocks of full width.
void TiffReader::ReadBlocks(Image& image) {
  const bool tiled = TIFFIsTiled(tiff_.get()) != 0;
  const int64_t block_width = tiled ? Field(TIFFTAG_TILEWIDTH, 0) : width_;
  const int64_t stated_rows =
      tiled ? Field(TIFFTAG_TILELENGTH, 0) : Field(TIFFTAG_ROWSPERSTRIP, 0xFFFFFFFF);
  const int64_t block_rows = tiled ? stated_rows : std::min(stated_rows, height_);
  const auto plane_bytes =
      static_cast<int64_t>(tiled ? TIFFTileSize64(tiff_.get()) : TIFFStripSize64(tiff_.get()));
  const auto row_bytes = static_cast<int64_t>(tiled ? TIFFTileRowSize64(tiff_.get())
                                                    : TIFFScanlineSize64(tiff_.get()));
  const int64_t row_samples = separate_ ? 1 : samples_;
  const int64_t row_bits = SaturatingMultiply(block_width, row_samples * bits_);
  if (block_width < 1 || block_rows < 1 || row_bytes < row_bits / 8 || plane_bytes < 1 ||
      plane_bytes / row_bytes < block_rows) {
    ThrowMalformed(source_, ImageFormat::kTiff, "strips or tiles of an impossible size");
  }
  const int planes = separate_ ? samples_ : 1;
  if (compression_ == COMPRESSION_NONE) {
    const int64_t needed = SaturatingMultiply(width_ * height_ / 8, int64_t{samples_} * bits_);
    if (needed > static_cast<int64_t>(source_.size())) {
      ThrowMalformed(source_, ImageFormat::kTiff,
                     "expected at least " + std::to_string(needed) + " bytes of pixels, found " +
                         std::to_string(source_.size()));
    }
  }
  image = AllocateImage(source_, width_, height_, SaturatingMultiply(plane_bytes, planes + 1));
  std::vector<uint8_t> block(static_cast<size_t>(plane_bytes * planes));
  for (int64_t y = 0; y < height_; y += block_rows) {
    for (int64_t x = 0; x < width_; x += block_width) {
      ReadBlock(static_cast<uint32_t>(x), static_cast<uint32_t>(y), block, plane_bytes);
      const int64_t columns = std::min(block_width, width_ - x);
      for (int64_t row = 0; row < std::min(block_rows, height_ - y); ++row) {
        const uint8_t* stored =
            InterleavedRow(block.data() + row * row_bytes, plane_bytes, columns);
        ConvertRow(stored, columns, image.rgb.data() + 3 * ((y + row) * width_ + x));
      }
    }
  }
}

void TiffReader::ReadBlock(uint32_t x, uint32_t y, std::vector<uint8_t>& block,
                           int64_t plane_bytes) {
  for (int plane = 0; plane < (separate_ ? samples_ : 1); ++plane) {
    uint8_t* out = block.data() + plane * plane_bytes;
    const auto number = static_cast<uint16_t>(plane);
    const tmsize_t count =
        TIFFIsTiled(tiff_.get()) != 0
            ? TIFFReadTile(tiff_.get(), out, x, y, 0, number)
            : TIFFReadEncodedStrip(tiff_.get(), TIFFComputeStrip(tiff_.get(), y, number), out,
                                   static_cast<tmsize_t>(plane_bytes));
    if (count < 0) Fail();
  }
}

// A row with all samples of a pixel together.
const uint8_t* TiffReader::InterleavedRow(const uint8_t* block, int64_t plane_bytes,
                                          int64_t columns) {
  if (!separate_) return block;
  const int bytes = bits_ / 8;
  interleaved_.resize(static_cast<size_t>(columns * samples_ * bytes));
  uint8_t* out = interleaved_.data();
  for (int64_t x = 0; x < columns; ++x) {
    for (int sample = 0; sample < samples_; ++sample, out += bytes) {
      std::memcpy(out, block + sample * plane_bytes + x * bytes, static_cast<size_t>(bytes));
    }
  }
  return interleaved_.data();
}

// 8 bits, or the high byte of 16 in the machine's order.
uint8_t TiffReader::ColourSample(const uint8_t* pixel, int sample) const {
  if (bits_ == 8) return pixel[sample];
  uint16_t value = 0;
  std::memcpy(&value, pixel + 2 * sample, sizeof(value));
  return static_cast<uint8_t>(value >> 8);
}

void TiffReader::ConvertRow(const uint8_t* row, int64_t columns, uint8_t* rgb) {
  if (samples_ == 1) return ConvertSingleSampleRow(row, columns, rgb);
  for (int64_t x = 0; x < columns; ++x, row += samples_ * (bits_ / 8), rgb += 3) {
    if (kind_ == Kind::kCmyk) {
      const uint8_t cmyk[] = {ColourSample(row, 0), ColourSample(row, 1), ColourSample(row, 2),
                              ColourSample(row, 3)};
      StoreCmyk(cmyk, rgb);
      continue;
    }
    const int step = kind_ == Kind::kRgb ? 1 : 0;
    Rgba pixel = {ColourSample(row, 0), ColourSample(row, step), ColourSample(row, 2 * step), 255};
    if (kind_ == Kind::kPalette) pixel = palette_.colours[pixel[0]];
    if (kind_ == Kind::kGrey && white_is_zero_) {
      for (int channel = 0; channel < 3; ++channel) pixel[channel] ^= 0xFF;
    }
    if (alpha_sample_ >= 0) pixel[3] = ColourSample(row, alpha_sample_);
    if (premultiplied_ && pixel[3] != 255) {
      for (int channel = 0; channel < 3; ++channel) {
        const int colour = pixel[3] == 0 ? 0 : pixel[channel] * 255 / pixel[3];
        pixel[channel] = static_cast<uint8_t>(std::min(colour, 255));
      }
    }
    StoreRgba(pixel, source_.options.alpha, rgb);
  }
}

void TiffReader::ConvertSingleSampleRow(const uint8_t* row, int64_t columns, uint8_t* rgb) {
  unpacked_.resize(static_cast<size_t>(columns));
  if (kind_ == Kind::kPalette) {
    UnpackBits(row, columns, bits_, unpacked_.data());
    PaletteRowToRgb(unpacked_.data(), columns, palette_, source_.options.alpha, rgb);
    return;
  }
  UnpackGrey(row, columns);
  GreyRowToRgb(unpacked_.data(), columns, rgb);
}

template <typename T>
uint8_t ClippedSample(const uint8_t* row, int64_t index) {
  T value;
  std::memcpy(&value, row + index * static_cast<int64_t>(sizeof(T)), sizeof(T));
  if (!(value > 0)) return 0;
  return value >= T{255} ? 255 : static_cast<uint8_t>(value);
}

// Up to 8 bits are scaled to 8; more are clipped at 255, as Pillow's wide modes are.
void TiffReader::UnpackGrey(const uint8_t* row, int64_t columns) {
  if (bits_ <= 8) {
    const int scale = 255 / ((1 << bits_) - 1);
    UnpackBits(row, columns, bits_, unpacked_.data());
    for (uint8_t& value : unpacked_) {
      value = static_cast<uint8_t>(white_is_zero_ ? 255 - value * scale : value * scale);
    }
    return;
  }
  const bool is_signed = sample_format_ == SAMPLEFORMAT_INT;
  for (int64_t x = 0; x < columns; ++x) {
    if (bits_ == 12) {
      const uint8_t* pair = row + x / 2 * 3;
      const int value = x % 2 == 0 ? pair[0] << 4 | pair[1] >> 4 : (pair[1] & 15) << 8 | pair[2];
      unpacked_[x] = static_cast<uint8_t>(std::min(value, 255));
    } else if (bits_ == 16) {
      unpacked_[x] = is_signed ? ClippedSample<int16_t>(row, x) : ClippedSample<uint16_t>(row, x);
    } else if (sample_format_ == SAMPLEFORMAT_IEEEFP) {
      unpacked_[x] = ClippedSample<float>(row, x);
    } else {
      unpacked_[x] = is_signed ? ClippedSample<int32_t>(row, x) : ClippedSample<uint32_t>(row, x);
    }
  }
}

int TiffReader::Orientation() {
  uint16_t orientation = 0;
  if (TIFFGetField(tiff_.get(), TIFFTAG_ORIENTATION, &orientation) == 1) return orientation;
  uint32_t size = 0;
  const char* xmp = nullptr;
  if (TIFFGetField(tiff_.get(), TIFFTAG_XMLPACKET, &size, &xmp) != 1 || xmp == nullptr) return 1;
  return FindOrientation({}, {xmp, size});
}

}  // namespace

DecodedImage DecodeTiff(const ImageSource& source) { return TiffReader(source).Read(); }

}  // namespace siglip
