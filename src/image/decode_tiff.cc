// TIFF through libtiff: the first directory, in the pixel modes that Pillow reads.
#include <tiffio.h>

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "image/decode.h"
#include "image/exif.h"
#include "image/tiff_names.h"
#include "image/tiff_pixels.h"
#include "siglip/error.hpp"

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
  using Kind = TiffPixels::Kind;

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
  std::optional<double> StatedNumber(uint32_t tag);
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
  bool states_subsampling_ = false;
  std::optional<double> stated_orientation_;

  int64_t width_ = 0;
  int64_t height_ = 0;
  int sample_format_ = SAMPLEFORMAT_UINT;
  int compression_ = COMPRESSION_NONE;
  bool through_rgba_ = false;
  TiffPixels pixels_;
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
  // As of memory, there is no other sign that a codec lacks something.
  for (const char* words :
       {"Unsupported JPEG", "Unsupported BitsPerSample", "not supported in decoder",
        "doesn't support", "only supports", "must be 1 for Group 3/4",
        "Inappropriate photometric interpretation"}) {
    if (detail.find(words) != std::string::npos) {
      Refuse(TiffCompressionName(compression_) + ": " + detail);
    }
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

// The first value of a tag as the file has it; 0 where Pillow takes it for bytes or text, nothing
// where there is none. For ReadStatedFields.
std::optional<double> TiffReader::StatedNumber(uint32_t tag) {
  const TIFFField* const field = TIFFFindField(tiff_.get(), tag, TIFF_ANY);
  uint32_t count = 0;
  const void* values = nullptr;
  if (field == nullptr || TIFFGetField(tiff_.get(), tag, &count, &values) != 1 || count == 0) {
    return std::nullopt;
  }
  const auto first = [values](auto value) {
    std::memcpy(&value, values, sizeof(value));
    return static_cast<double>(value);
  };
  switch (TIFFFieldDataType(field)) {
    case TIFF_SBYTE: return first(int8_t{});
    case TIFF_SHORT: return first(uint16_t{});
    case TIFF_SSHORT: return first(int16_t{});
    case TIFF_LONG: return first(uint32_t{});
    case TIFF_SLONG: return first(int32_t{});
    case TIFF_LONG8:
    case TIFF_IFD: return first(uint64_t{});
    case TIFF_RATIONAL:
    case TIFF_SRATIONAL:
    case TIFF_FLOAT: return first(float{});
    case TIFF_DOUBLE: return first(double{});
    case TIFF_BYTE:
    case TIFF_ASCII:
    case TIFF_UNDEFINED: return 0;
    default: return std::nullopt;  // Pillow does not know the type
  }
}

// libtiff invents extra samples where the file states none, takes the indices for grey where it
// cannot read the palette, and a tag of an unusual type for missing. Read as if it were of EXIF,
// the directory consists of tags that libtiff does not know and leaves as they are.
void TiffReader::ReadStatedFields() {
  TIFF* const tiff = tiff_.get();
  if (TIFFReadEXIFDirectory(tiff, TIFFCurrentDirOffset(tiff)) != 1) Fail();
  states_extra_samples_ = StatedNumber(TIFFTAG_EXTRASAMPLES).has_value();
  states_palette_ = StatedNumber(TIFFTAG_PHOTOMETRIC) == PHOTOMETRIC_PALETTE;
  states_subsampling_ = StatedNumber(TIFFTAG_YCBCRSUBSAMPLING).has_value();
  stated_orientation_ = StatedNumber(TIFFTAG_ORIENTATION);
  message_[0] = '\0';  // of tags that count for EXIF only
  too_large_ = false;
  if (TIFFSetDirectory(tiff, 0) != 1) Fail();
}

void TiffReader::ReadFields() {
  width_ = Field(TIFFTAG_IMAGEWIDTH, 0);
  height_ = Field(TIFFTAG_IMAGELENGTH, 0);
  pixels_.bits = ShortField(TIFFTAG_BITSPERSAMPLE, 1);
  pixels_.samples = ShortField(TIFFTAG_SAMPLESPERPIXEL, 1);
  sample_format_ = ShortField(TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT);
  pixels_.is_signed = sample_format_ == SAMPLEFORMAT_INT;
  pixels_.is_float = sample_format_ == SAMPLEFORMAT_IEEEFP;
  compression_ = ShortField(TIFFTAG_COMPRESSION, COMPRESSION_NONE);
  if (TIFFIsCODECConfigured(static_cast<uint16_t>(compression_)) != 1) {
    Refuse(TiffCompressionName(compression_));
  }
  if (compression_ == COMPRESSION_ADOBE_DEFLATE || compression_ == COMPRESSION_DEFLATE) {
    // The other one leaves out rows where the last strip is stored longer than it need be.
    TIFFSetField(tiff_.get(), TIFFTAG_DEFLATE_SUBCODEC, DEFLATE_SUBCODEC_ZLIB);
  }
  if (compression_ == COMPRESSION_JPEG && pixels_.bits != 8) {
    Refuse("JPEG of " + std::to_string(pixels_.bits) + " bits per sample");
  }
  pixels_.separate = pixels_.samples > 1 &&
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
  if (pixels_.separate) return false;
  if (compression_ == COMPRESSION_JPEG) {  // libjpeg converts, and better
    TIFFSetField(tiff_.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    pixels_.kind = Kind::kRgb;
    if (pixels_.samples != 3) Refuse("JPEG in TIFF of unusual samples");
    return true;
  }
  if (compression_ != COMPRESSION_NONE || pixels_.samples != 3 || pixels_.bits != 8) return false;
  const int64_t rows = std::min<int64_t>(Field(TIFFTAG_ROWSPERSTRIP, 0xFFFFFFFF), height_);
  if (!states_subsampling_ && TIFFIsTiled(tiff_.get()) == 0 &&
      static_cast<int64_t>(TIFFGetStrileByteCount(tiff_.get(), 0)) >=
          SaturatingMultiply(width_, 3 * rows)) {
    // libtiff takes two by two for granted, as the standard says; Pillow and this strip do not.
    TIFFSetField(tiff_.get(), TIFFTAG_YCBCRSUBSAMPLING, 1, 1);
  }
  uint16_t horizontal = 0;
  uint16_t vertical = 0;
  TIFFGetFieldDefaulted(tiff_.get(), TIFFTAG_YCBCRSUBSAMPLING, &horizontal, &vertical);
  pixels_.kind = Kind::kYcbcr;
  return horizontal == 1 && vertical == 1;
}

void TiffReader::ReadKind(int photometric) {
  int colours = 1;
  if (photometric != PHOTOMETRIC_PALETTE && states_palette_) {
    ThrowMalformed(source_, ImageFormat::kTiff, "expected a palette, found none");
  }
  switch (photometric) {
    case PHOTOMETRIC_MINISWHITE: pixels_.white_is_zero = true; break;
    case PHOTOMETRIC_MINISBLACK: break;
    case PHOTOMETRIC_PALETTE: pixels_.kind = Kind::kPalette; break;
    case PHOTOMETRIC_RGB: pixels_.kind = Kind::kRgb, colours = 3; break;
    case PHOTOMETRIC_SEPARATED: pixels_.kind = Kind::kCmyk, colours = 4; break;
    case PHOTOMETRIC_CIELAB: pixels_.kind = Kind::kCielab, colours = 3; break;
    default: Refuse(TiffPhotometricName(photometric));
  }
  if (pixels_.samples < colours) {
    Refuse("expected at least " + std::to_string(colours) + " samples per pixel, found " +
           std::to_string(pixels_.samples));
  }
  if (pixels_.kind == Kind::kPalette) ReadPalette();
  if (pixels_.samples > colours && pixels_.kind != Kind::kCmyk) ReadExtraSamples(colours);
}

void TiffReader::ReadExtraSamples(int colours) {
  uint16_t count = 0;
  const uint16_t* meanings = nullptr;
  TIFFGetFieldDefaulted(tiff_.get(), TIFFTAG_EXTRASAMPLES, &count, &meanings);
  if (states_extra_samples_ && meanings != nullptr) {
    // It may tell of more than there are.
    const uint16_t* const end = meanings + std::min<int>(count, pixels_.samples - colours);
    const uint16_t* const alpha =
        std::find_if(meanings, end, [](int meaning) { return meaning != EXTRASAMPLE_UNSPECIFIED; });
    if (alpha != end) {
      pixels_.alpha_sample = colours + static_cast<int>(alpha - meanings);
      pixels_.premultiplied = *alpha == EXTRASAMPLE_ASSOCALPHA;
    }
  } else if (pixels_.kind == Kind::kRgb && pixels_.samples == 4) {
    // Pillow takes it for alpha, associated where it reads planes through libtiff.
    pixels_.alpha_sample = colours;
    pixels_.premultiplied = pixels_.separate && compression_ != COMPRESSION_NONE;
  }
  if (pixels_.separate && pixels_.alpha_sample < 0) {
    pixels_.samples = colours;  // what is unspecified need not be read
  }
}

void TiffReader::ReadPalette() {
  uint16_t* red = nullptr;
  uint16_t* green = nullptr;
  uint16_t* blue = nullptr;
  if (pixels_.bits > 8) {
    Refuse("a palette with " + std::to_string(pixels_.bits) + " bits per pixel");
  }
  if (TIFFGetField(tiff_.get(), TIFFTAG_COLORMAP, &red, &green, &blue) != 1) {
    ThrowMalformed(source_, ImageFormat::kTiff, "expected a palette, found none");
  }
  for (int i = 0; i < 1 << pixels_.bits; ++i) {
    pixels_.palette.colours[i] = {static_cast<uint8_t>(red[i] >> 8),
                                  static_cast<uint8_t>(green[i] >> 8),
                                  static_cast<uint8_t>(blue[i] >> 8), 255};
  }
}

void TiffReader::CheckDepth() const {
  const bool is_unsigned = sample_format_ == SAMPLEFORMAT_UINT;
  const bool integer = is_unsigned || pixels_.is_signed;
  const bool small = pixels_.bits == 1 || pixels_.bits == 2 || pixels_.bits == 4;
  bool known = false;
  if (pixels_.kind == Kind::kCielab) {
    known = is_unsigned && pixels_.bits == 8 && pixels_.samples == 3;
  } else if (pixels_.samples > 1) {
    known = is_unsigned &&
            (pixels_.bits == 8 ||
             (pixels_.bits == 16 && (pixels_.kind == Kind::kRgb || pixels_.kind == Kind::kCmyk)));
  } else if (pixels_.kind == Kind::kPalette) {
    known = integer && (small || pixels_.bits == 8);
  } else {
    known = (integer && (small || pixels_.bits == 8 || pixels_.bits == 12 || pixels_.bits == 16 ||
                         pixels_.bits == 32)) ||
            (pixels_.is_float && pixels_.bits == 32);
  }
  if (!known) {
    Refuse(std::to_string(pixels_.samples) +
           (pixels_.samples == 1 ? " sample of " : " samples of ") + std::to_string(pixels_.bits) +
           " bits per pixel in sample format " + std::to_string(sample_format_) +
           (pixels_.is_float ? " (floating point)" : ""));
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
    CheckTime(source_);
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
  const int64_t row_samples = pixels_.separate ? 1 : pixels_.samples;
  const int64_t row_bits = SaturatingMultiply(block_width, row_samples * pixels_.bits);
  if (block_width < 1 || block_rows < 1 || row_bytes < row_bits / 8 || plane_bytes < 1 ||
      plane_bytes / row_bytes < block_rows) {
    ThrowMalformed(source_, ImageFormat::kTiff, "strips or tiles of an impossible size");
  }
  const int planes = pixels_.separate ? pixels_.samples : 1;
  if (compression_ == COMPRESSION_NONE) {
    const int64_t needed =
        SaturatingMultiply(width_ * height_ / 8, int64_t{pixels_.samples} * pixels_.bits);
    if (needed > static_cast<int64_t>(source_.size())) {
      ThrowMalformed(source_, ImageFormat::kTiff,
                     "expected at least " + std::to_string(needed) + " bytes of pixels, found " +
                         std::to_string(source_.size()));
    }
  }
  image = AllocateImage(source_, width_, height_, SaturatingMultiply(plane_bytes, planes + 1));
  std::vector<uint8_t> block(static_cast<size_t>(plane_bytes * planes));
  TiffRowConverter converter(pixels_, source_.options.alpha);
  for (int64_t y = 0; y < height_; y += block_rows) {
    for (int64_t x = 0; x < width_; x += block_width) {
      CheckTime(source_);
      ReadBlock(static_cast<uint32_t>(x), static_cast<uint32_t>(y), block, plane_bytes);
      const int64_t columns = std::min(block_width, width_ - x);
      for (int64_t row = 0; row < std::min(block_rows, height_ - y); ++row) {
        const uint8_t* stored =
            InterleavedRow(block.data() + row * row_bytes, plane_bytes, columns);
        converter.Convert(stored, columns, image.rgb.data() + 3 * ((y + row) * width_ + x));
      }
    }
  }
}

void TiffReader::ReadBlock(uint32_t x, uint32_t y, std::vector<uint8_t>& block,
                           int64_t plane_bytes) {
  for (int plane = 0; plane < (pixels_.separate ? pixels_.samples : 1); ++plane) {
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
  if (!pixels_.separate || pixels_.samples == 1) return block;
  const int bytes = pixels_.bits / 8;
  interleaved_.resize(static_cast<size_t>(columns * pixels_.samples * bytes));
  uint8_t* out = interleaved_.data();
  for (int64_t x = 0; x < columns; ++x) {
    for (int sample = 0; sample < pixels_.samples; ++sample, out += bytes) {
      std::memcpy(out, block + sample * plane_bytes + x * bytes, static_cast<size_t>(bytes));
    }
  }
  return interleaved_.data();
}

int TiffReader::Orientation() {
  if (stated_orientation_) {
    const double value = *stated_orientation_;
    return value >= 1 && value <= 8 && value == std::floor(value) ? static_cast<int>(value) : 1;
  }
  uint32_t size = 0;
  const char* xmp = nullptr;
  if (TIFFGetField(tiff_.get(), TIFFTAG_XMLPACKET, &size, &xmp) != 1 || xmp == nullptr) return 1;
  return FindOrientation({}, {xmp, size});
}

}  // namespace

DecodedImage DecodeTiff(const ImageSource& source) { return TiffReader(source).Read(); }

}  // namespace siglip
