// JPEG through libjpeg, row by row: its default, exact decoding, or on request at a fraction of the
// size, which leaves out most of what follows the entropy decoding.
// The order matters: jpeglib.h needs what the two before it declare.
// clang-format off
#include <cstddef>
#include <cstdio>
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include <algorithm>
#include <csetjmp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "image/decode.h"
#include "image/exif.h"
#include "image/pixels.h"

namespace siglip {
namespace {

// Real progressive files have about ten scans; thousands of tiny ones are an attack on time.
constexpr int kMaxScans = 100;

constexpr int kEighths = 8;
// Reduced pictures stay this many times larger than what they are resized to: the resize then
// decides what they look like, not libjpeg's block-wise averaging.
constexpr int kMargin = 2;

// libjpeg reports failures through callbacks that must not return. They jump back to Guarded.
struct ErrorManager {
  jpeg_error_mgr base;  // first: libjpeg hands out a pointer to it
  jmp_buf escape;
  char message[JMSG_LENGTH_MAX];
  bool is_late;
};

struct ProgressManager {
  jpeg_progress_mgr base;  // the same
  const ImageSource* source;
};

/// What the file needs by its markers and libjpeg lacks; empty where the file is damaged instead.
std::string MissingFeature(const jpeg_error_mgr& failure) {
  const int value = failure.msg_parm.i[0];
  switch (failure.msg_code) {
    case JERR_ARITH_NOTIMPL: return "arithmetic coding";
    case JERR_BAD_PRECISION:
      return value > 8 && value <= 16 ? std::to_string(value) + " bits per sample" : "";
    case JERR_FRACT_SAMPLE_NOTIMPL: return "chroma at a fraction of the size that is no whole one";
    case JERR_CONVERSION_NOTIMPL: return "its colour space";
    case JERR_IMAGE_TOO_BIG: return "sides of more than " + std::to_string(value) + " pixels";
    case JERR_SOF_UNSUPPORTED:
    case JERR_UNKNOWN_MARKER: break;
    default: return "";
  }
  switch (value) {
    case 0xC3:
    case 0xCB: return "lossless JPEG";
    case 0xC5:
    case 0xC6:
    case 0xC7:
    case 0xCD:
    case 0xCE:
    case 0xCF:
    case 0xDE:
    case 0xDF: return "hierarchical JPEG";
    case 0xF7:
    case 0xF8: return "JPEG-LS";
    default: return value == 0xC8 || (value >= 0xF0 && value <= 0xFD) ? "an extension of JPEG" : "";
  }
}

void FailDecoding(j_common_ptr info) {
  auto* errors = reinterpret_cast<ErrorManager*>(info->err);
  errors->base.format_message(info, errors->message);
  longjmp(errors->escape, 1);
}

// Pillow carries on after libjpeg's warnings, and so do we, silently.
void IgnoreWarning(j_common_ptr, int) {}
void IgnoreMessage(j_common_ptr) {}

void IgnoreSourceEvent(j_decompress_ptr) {}
// No more bytes will come: suspends, which the caller takes for a truncated file.
boolean SuspendAtEnd(j_decompress_ptr) { return FALSE; }

void SkipInput(j_decompress_ptr info, long count) {
  if (count <= 0) return;
  const size_t skipped = std::min(static_cast<size_t>(count), info->src->bytes_in_buffer);
  info->src->next_input_byte += skipped;
  info->src->bytes_in_buffer -= skipped;
}

// Called for every row of blocks of every scan, and for the rows that are read.
void LimitScans(j_common_ptr info) {
  const auto* decompressor = reinterpret_cast<j_decompress_ptr>(info);
  auto* errors = reinterpret_cast<ErrorManager*>(info->err);
  if (IsLate(*reinterpret_cast<ProgressManager*>(info->progress)->source)) {
    errors->is_late = true;
    longjmp(errors->escape, 1);
  }
  if (decompressor->input_scan_number <= kMaxScans) return;
  errors->base.msg_code = 0;  // none of libjpeg's
  std::snprintf(errors->message, sizeof(errors->message), "more than %d scans", kMaxScans);
  longjmp(errors->escape, 1);
}

// Releases what libjpeg has allocated, also when the constructor of its owner throws.
struct Decompressor : jpeg_decompress_struct {
  Decompressor() : jpeg_decompress_struct{} {}
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
  ~Decompressor() { jpeg_destroy_decompress(this); }
};

class JpegReader : public RowDecoder {
 public:
  explicit JpegReader(const ImageSource& source);

  ImageSize stored_size() const override {
    return {.width = decompressor_.image_width, .height = decompressor_.image_height};
  }
  int orientation() const override { return orientation_; }
  std::optional<TimeTaken> time_taken() const override { return ExifTimeTaken(exif()); }
  void ReduceFor(const ImageSize& target) override;
  ImageSize size() const override {
    return {.width = decompressor_.output_width, .height = decompressor_.output_height};
  }
  int eighths() const override { return static_cast<int>(decompressor_.scale_num); }
  void Read(uint8_t* const* rows, int64_t count) override;

 private:
  // Runs calls of libjpeg; `work` must own nothing that a jump out of it would leak.
  template <typename Work>
  void Guarded(const Work& work) {
    if (setjmp(errors_.escape) != 0) ThrowFailure();
    work();
  }

  void ReadHeader();
  int64_t IntermediateBytes() const;
  void ReadMetadata();
  std::span<const uint8_t> exif() const {
    return {reinterpret_cast<const uint8_t*>(exif_.data()), exif_.size()};
  }
  void SetScale(int eighths);
  void Start();
  void ReadSamples(JSAMPLE* const* rows, int64_t count);
  void ReadInvertedCmyk(uint8_t* const* rows, int64_t count);
  bool is_cmyk() const { return decompressor_.num_components == 4; }
  [[noreturn]] void ThrowFailure() const;
  [[noreturn]] void ThrowTruncated(std::string_view where) const;

  const ImageSource source_;
  ErrorManager errors_ = {};
  jpeg_source_mgr input_ = {};
  ProgressManager progress_ = {};
  Decompressor decompressor_;
  std::string exif_;
  int orientation_ = 1;
  bool started_ = false;
  std::vector<JSAMPLE> cmyk_;  // one row
};

JpegReader::JpegReader(const ImageSource& source) : source_(source) {
  decompressor_.err = jpeg_std_error(&errors_.base);
  errors_.base.error_exit = FailDecoding;
  errors_.base.emit_message = IgnoreWarning;
  errors_.base.output_message = IgnoreMessage;
  input_.init_source = IgnoreSourceEvent;
  input_.fill_input_buffer = SuspendAtEnd;
  input_.skip_input_data = SkipInput;
  input_.resync_to_restart = jpeg_resync_to_restart;
  input_.term_source = IgnoreSourceEvent;
  input_.next_input_byte = source.data();
  input_.bytes_in_buffer = source.size();
  progress_.base.progress_monitor = LimitScans;
  progress_.source = &source_;
  ReadHeader();
  ReadMetadata();
  const auto [width, height] = stored_size();
  CheckLimits(source_, width, height, IntermediateBytes());
  SetScale(kEighths);
}

void JpegReader::ReadHeader() {
  int status = JPEG_SUSPENDED;
  Guarded([&] {
    jpeg_create_decompress(&decompressor_);
    decompressor_.src = &input_;
    decompressor_.progress = &progress_.base;
    jpeg_save_markers(&decompressor_, JPEG_APP0 + 1, 0xFFFF);
    do {
      status = jpeg_read_header(&decompressor_, FALSE);
    } while (status == JPEG_HEADER_TABLES_ONLY);
  });
  if (status == JPEG_SUSPENDED) ThrowTruncated("inside its header");
  const int components = decompressor_.num_components;
  if (components != 1 && components != 3 && components != 4) {
    ThrowUnsupported(source_, ImageFormat::kJpeg,
                     "expected 1, 3 or 4 components, found " + std::to_string(components));
  }
}

// libjpeg keeps all coefficients of a picture whose scans do not each complete it.
int64_t JpegReader::IntermediateBytes() const {
  constexpr int64_t kRowsOfWorkspace = 64;
  int64_t bytes = kRowsOfWorkspace * decompressor_.image_width * decompressor_.num_components;
  if (jpeg_has_multiple_scans(const_cast<Decompressor*>(&decompressor_))) {
    for (int i = 0; i < decompressor_.num_components; ++i) {
      const jpeg_component_info& component = decompressor_.comp_info[i];
      const int64_t blocks =
          int64_t{component.width_in_blocks + static_cast<JDIMENSION>(component.h_samp_factor)} *
          int64_t{component.height_in_blocks + static_cast<JDIMENSION>(component.v_samp_factor)};
      bytes += blocks * static_cast<int64_t>(sizeof(JBLOCK));
    }
  }
  return bytes;
}

void JpegReader::ReduceFor(const ImageSize& target) {
  SetScale(JpegEighths(stored_size(), target));
}

void JpegReader::SetScale(int eighths) {
  decompressor_.scale_num = static_cast<unsigned>(eighths);
  decompressor_.scale_denom = kEighths;
  Guarded([&] { jpeg_calc_output_dimensions(&decompressor_); });
}

void JpegReader::Read(uint8_t* const* rows, int64_t count) {
  if (!started_) Start();
  if (is_cmyk()) {
    ReadInvertedCmyk(rows, count);
  } else {
    ReadSamples(rows, count);
  }
  if (decompressor_.output_scanline < decompressor_.output_height) return;
  // Whether the end-of-image marker follows does not matter, what precedes it does.
  Guarded([&] { jpeg_finish_decompress(&decompressor_); });
}

void JpegReader::Start() {
  decompressor_.out_color_space = is_cmyk() ? JCS_CMYK : JCS_RGB;
  boolean started = FALSE;
  Guarded([&] { started = jpeg_start_decompress(&decompressor_); });
  if (!started) ThrowTruncated("before the last scan");
  started_ = true;
}

void JpegReader::ReadSamples(JSAMPLE* const* rows, int64_t count) {
  const auto first = static_cast<int64_t>(decompressor_.output_scanline);
  const auto done = [&] { return decompressor_.output_scanline - first; };
  Guarded([&] {
    while (done() < count) {
      const auto left = static_cast<JDIMENSION>(count - done());
      // libjpeg does not change the pointers, though it does not say so.
      if (jpeg_read_scanlines(&decompressor_, const_cast<JSAMPARRAY>(rows + done()), left) == 0) {
        return;
      }
    }
  });
  if (done() == count) return;
  ThrowTruncated("at row " + std::to_string(decompressor_.output_scanline) + " of " +
                 std::to_string(decompressor_.output_height));
}

// Four components are taken for Adobe's, stored inverted, whether or not the file says so.
void JpegReader::ReadInvertedCmyk(uint8_t* const* rows, int64_t count) {
  const int64_t width = decompressor_.output_width;
  cmyk_.resize(static_cast<size_t>(width * 4));
  JSAMPLE* const row = cmyk_.data();
  for (int64_t y = 0; y < count; ++y) {
    ReadSamples(&row, 1);
    for (JSAMPLE& value : cmyk_) value = static_cast<JSAMPLE>(255 - value);
    for (int64_t x = 0; x < width; ++x) StoreCmyk(row + 4 * x, rows[y] + 3 * x);
  }
}

void JpegReader::ReadMetadata() {
  constexpr std::string_view kExif("Exif\0\0", 6);
  constexpr std::string_view kXmp("http://ns.adobe.com/xap/1.0/\0", 29);
  std::string_view xmp;
  for (const jpeg_marker_struct* marker = decompressor_.marker_list; marker != nullptr;
       marker = marker->next) {
    const std::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
    if (data.starts_with(kExif)) exif_ += exif_.empty() ? data : data.substr(kExif.size());
    if (data.starts_with(kXmp)) xmp = data.substr(kXmp.size());
  }
  orientation_ = FindOrientation(exif(), xmp);
}

void JpegReader::ThrowFailure() const {
  if (errors_.is_late) CheckTime(source_);
  std::string feature = MissingFeature(errors_.base);
  const std::string_view bytes(reinterpret_cast<const char*>(source_.data()), source_.size());
  if (errors_.base.msg_code == JERR_EMPTY_IMAGE && decompressor_.image_height == 0 &&
      bytes.find(std::string_view("\xFF\xDC\0\4", 4)) != std::string_view::npos) {
    feature = "a height that is stated behind the pixels (DNL)";
  }
  if (feature.empty()) ThrowMalformed(source_, ImageFormat::kJpeg, errors_.message);
  ThrowUnsupported(
      source_, ImageFormat::kJpeg, feature,
      "convert it to PNG or to a baseline JPEG first, with the program that wrote it or "
      "for example with ffmpeg");
}

void JpegReader::ThrowTruncated(std::string_view where) const {
  ThrowMalformed(
      source_, ImageFormat::kJpeg,
      "the file ends after " + std::to_string(source_.size()) + " bytes, " + std::string(where));
}

}  // namespace

int JpegEighths(const ImageSize& stored, const ImageSize& target) {
  // Other fractions have no vector code in libjpeg: they take longer than the whole picture.
  for (const int eighths : {1, 2, 4}) {
    const auto reduced = [&](int64_t side) { return (side * eighths + kEighths - 1) / kEighths; };
    if (reduced(stored.width) / kMargin >= target.width &&
        reduced(stored.height) / kMargin >= target.height) {
      return eighths;
    }
  }
  return kEighths;
}

std::unique_ptr<RowDecoder> OpenJpeg(const ImageSource& source) {
  return std::make_unique<JpegReader>(source);
}

}  // namespace siglip
