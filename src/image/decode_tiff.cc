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

#include "image/cielab.h"
#include "image/decode.h"
#include "image/exif.h"
#include "image/pixels.h"
#include "image/tiff_names.h"
#include "siglip/error.h"

namespace siglip {
namespace {

constexpr const char* kConvert =
    "convert it to a TIFF or PNG of 8-bit RGB first, for example with ImageMagick";

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
  enum class Kind { kGrey, kPalette, kRgb, kCmyk, kYcbcr, kCielab };

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
  void ReadStatedFields();
  void ReadFields();
  bool ReadYcbcr();
  void ReadKind(int photometric);
  void ReadExtraSamples(int colours);
  void ReadPalette();
  void CheckDepth() const;
  void ReadThroughRgba(Image& image, int64_t block_rows);
  void ReadBlocks(Image& image);
  void ReadBlock(uint32_t x, uint32_t y, std::vector<uint8_t>& block, int64_t plane_bytes);
  const uint8_t* InterleavedRow(const uint8_t* block, int64_t plane_bytes, int64_t columns);
  void ConvertRow(const uint8_t* row, int64_t columns, uint8_t* rgb);
  void ConvertCielabRow(const uint8_t* row, int64_t columns, uint8_t* rgb);
  void ConvertSingleSampleRow(const uint8_t* row, int64_t columns, uint8_t* rgb);
  void UnpackGrey(const uint8_t* row, int64_t columns);
  uint8_t ColourSample(const uint8_t* pixel, int sample) const;
  int Orientation();
  uint32_t Field(uint32_t tag, uint32_t fallback);
  uint16_t ShortField(uint32_t tag, uint16_t fallback);
  [[noreturn]] void Fail() const;
  [[noreturn]] void Refuse(const std::string& detail) const {
    ThrowUnsupported(source_, ImageFormat::kTiff, detail, kConvert);
  }

  const ImageSource& source_;
  toff_t position_ = 0;
  char message_[256] = {};
  bool too_large_ = false;
  std::unique_ptr<TIFF, TiffCloser> tiff_;

  // What the file says where libtiff mends it.
  bool states_palette_ = false;
  bool states_extra_samples_ = false;

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
  std::unique_ptr<CielabToRgb> cielab_;
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
                "raise DecodeLimits::max_memory_bytes");
  }
  // As of memory, no other sign: the JPEG inside is of a kind that libjpeg does not read.
  if (detail.starts_with("Unsupported JPEG")) Refuse(detail);
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

// libtiff invents extra samples where the file states none, and takes the indices for grey where it
// cannot read the palette. Read as if it were of EXIF, the directory consists of tags that libtiff
// does not know and leaves as they are.
void TiffReader::ReadStatedFields() {
  TIFF* const tiff = tiff_.get();
  if (TIFFReadEXIFDirectory(tiff, TIFFCurrentDirOffset(tiff)) != 1) Fail();
  uint32_t count = 0;
  const void* values = nullptr;
  states_extra_samples_ =
      TIFFGetField(tiff, TIFFTAG_EXTRASAMPLES, &count, &values) == 1 && count > 0;
  const TIFFField* const field = TIFFFindField(tiff, TIFFTAG_PHOTOMETRIC, TIFF_ANY);
  if (field != nullptr && TIFFFieldDataType(field) == TIFF_SHORT &&
      TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &count, &values) == 1 && count > 0) {
    states_palette_ = *static_cast<const uint16_t*>(values) == PHOTOMETRIC_PALETTE;
  }
  message_[0] = '\0';  // of tags that count for EXIF only
  too_large_ = false;
  if (TIFFSetDirectory(tiff, 0) != 1) Fail();
}

void TiffReader::ReadFields() {
  width_ = Field(TIFFTAG_IMAGEWIDTH, 0);
  height_ = Field(TIFFTAG_IMAGELENGTH, 0);
  bits_ = ShortField(TIFFTAG_BITSPERSAMPLE, 1);
  samples_ = ShortField(TIFFTAG_SAMPLESPERPIXEL, 1);
  sample_format_ = ShortField(TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT);
  compression_ = ShortField(TIFFTAG_COMPRESSION, COMPRESSION_NONE);
  if (TIFFIsCODECConfigured(static_cast<uint16_t>(compression_)) != 1) {
    Refuse(TiffCompressionName(compression_));
  }
  if (compression_ == COMPRESSION_JPEG && bits_ != 8) {
    Refuse("JPEG of " + std::to_string(bits_) + " bits per sample");
  }
  separate_ = samples_ > 1 &&
              ShortField(TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG) == PLANARCONFIG_SEPARATE;
  const int photometric = ShortField(TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISWHITE);
  const bool is_ycbcr = photometric == PHOTOMETRIC_YCBCR || compression_ == COMPRESSION_OJPEG;
  through_rgba_ = is_ycbcr && !ReadYcbcr();
  if (through_rgba_) return;
  if (!is_ycbcr) ReadKind(photometric);
  CheckDepth();
}

// Whether rows can be read without libtiff's conversion to RGB, which also undoes subsampling.
bool TiffReader::ReadYcbcr() {
  if (separate_) return false;
  if (compression_ == COMPRESSION_JPEG) {  // libjpeg converts, and better
    TIFFSetField(tiff_.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    kind_ = Kind::kRgb;
    if (samples_ != 3) Refuse("JPEG in TIFF of unusual samples");
    return true;
  }
  uint16_t horizontal = 0;
  uint16_t vertical = 0;
  TIFFGetFieldDefaulted(tiff_.get(), TIFFTAG_YCBCRSUBSAMPLING, &horizontal, &vertical);
  kind_ = Kind::kYcbcr;
  return compression_ == COMPRESSION_NONE && samples_ == 3 && bits_ == 8 && horizontal == 1 &&
         vertical == 1;
}

void TiffReader::ReadKind(int photometric) {
  int colours = 1;
  if (photometric != PHOTOMETRIC_PALETTE && states_palette_) {
    ThrowMalformed(source_, ImageFormat::kTiff, "expected a palette, found none");
  }
  switch (photometric) {
    case PHOTOMETRIC_MINISWHITE: white_is_zero_ = true; break;
    case PHOTOMETRIC_MINISBLACK: break;
    case PHOTOMETRIC_PALETTE: kind_ = Kind::kPalette; break;
    case PHOTOMETRIC_RGB: kind_ = Kind::kRgb, colours = 3; break;
    case PHOTOMETRIC_SEPARATED: kind_ = Kind::kCmyk, colours = 4; break;
    case PHOTOMETRIC_CIELAB: kind_ = Kind::kCielab, colours = 3; break;
    default: Refuse(TiffPhotometricName(photometric));
  }
  if (samples_ < colours) {
    Refuse("expected at least " + std::to_string(colours) + " samples per pixel, found " +
           std::to_string(samples_));
  }
  if (kind_ == Kind::kPalette) ReadPalette();
  if (samples_ > colours && kind_ != Kind::kCmyk) ReadExtraSamples(colours);
}

void TiffReader::ReadExtraSamples(int colours) {
  uint16_t count = 0;
  const uint16_t* meanings = nullptr;
  TIFFGetFieldDefaulted(tiff_.get(), TIFFTAG_EXTRASAMPLES, &count, &meanings);
  if (states_extra_samples_ && meanings != nullptr) {
    const uint16_t* const end = meanings + count;
    const uint16_t* const alpha =
        std::find_if(meanings, end, [](int meaning) { return meaning != EXTRASAMPLE_UNSPECIFIED; });
    if (alpha != end) {
      alpha_sample_ = colours + static_cast<int>(alpha - meanings);
      premultiplied_ = *alpha == EXTRASAMPLE_ASSOCALPHA;
    }
  } else if (kind_ == Kind::kRgb && samples_ == 4) {
    // Pillow takes it for alpha, associated where it reads planes through libtiff.
    alpha_sample_ = colours;
    premultiplied_ = separate_ && compression_ != COMPRESSION_NONE;
  }
  if (separate_ && alpha_sample_ < 0) samples_ = colours;  // what is unspecified need not be read
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
  if (kind_ == Kind::kCielab) {
    known = sample_format_ == SAMPLEFORMAT_UINT && bits_ == 8 && samples_ == 3;
  } else if (samples_ > 1) {
    known = sample_format_ == SAMPLEFORMAT_UINT &&
            (bits_ == 8 || (bits_ == 16 && (kind_ == Kind::kRgb || kind_ == Kind::kCmyk)));
  } else if (kind_ == Kind::kPalette) {
    known = integer && (small || bits_ == 8);
  } else {
    known = (integer && (small || bits_ == 8 || bits_ == 12 || bits_ == 16 || bits_ == 32)) ||
            (sample_format_ == SAMPLEFORMAT_IEEEFP && bits_ == 32);
  }
  if (!known) {
    Refuse(std::to_string(samples_) + (samples_ == 1 ? " sample of " : " samples of ") +
           std::to_string(bits_) +
           (sample_format_ == SAMPLEFORMAT_IEEEFP ? "-bit numbers" : " bits") +
           " per pixel in sample format " + std::to_string(sample_format_));
  }
}

DecodedImage TiffReader::Read() {
  Open();
  ReadStatedFields();
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
    Refuse(message);
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
  if (!separate_ || samples_ == 1) return block;
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
  if (kind_ == Kind::kCielab) return ConvertCielabRow(row, columns, rgb);
  for (int64_t x = 0; x < columns; ++x, row += samples_ * (bits_ / 8), rgb += 3) {
    if (kind_ == Kind::kCmyk) {
      const uint8_t cmyk[] = {ColourSample(row, 0), ColourSample(row, 1), ColourSample(row, 2),
                              ColourSample(row, 3)};
      StoreCmyk(cmyk, rgb);
      continue;
    }
    if (kind_ == Kind::kYcbcr) {
      StoreYcbcr(row, rgb);
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

// a* and b* are signed; Pillow does not take them so where they are in planes of their own.
void TiffReader::ConvertCielabRow(const uint8_t* row, int64_t columns, uint8_t* rgb) {
  if (cielab_ == nullptr) cielab_ = std::make_unique<CielabToRgb>();
  unpacked_.assign(row, row + 3 * columns);
  if (!separate_) {
    for (size_t i = 0; i < unpacked_.size(); ++i) unpacked_[i] ^= i % 3 == 0 ? 0 : 0x80;
  }
  cielab_->ConvertRow(unpacked_.data(), columns, rgb);
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
    } else {  // Pillow takes unsigned ones for signed, too
      unpacked_[x] = ClippedSample<int32_t>(row, x);
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
