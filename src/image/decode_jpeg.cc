// JPEG through libjpeg: its default, exact decoding, straight into the picture.
// The order matters: jpeglib.h needs what the two before it declare.
// clang-format off
#include <cstddef>
#include <cstdio>
#include <jpeglib.h>
// clang-format on

#include <algorithm>
#include <csetjmp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "image/decode.h"
#include "image/exif.h"
#include "image/pixels.h"

namespace siglip {
namespace {

// Real progressive files have about ten scans; thousands of tiny ones are an attack on time.
constexpr int kMaxScans = 100;

// libjpeg reports failures through callbacks that must not return. They jump back to Guarded.
struct ErrorManager {
  jpeg_error_mgr base;  // first: libjpeg hands out a pointer to it
  jmp_buf escape;
  char message[JMSG_LENGTH_MAX];
};

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

void LimitScans(j_common_ptr info) {
  const auto* decompressor = reinterpret_cast<j_decompress_ptr>(info);
  if (decompressor->input_scan_number <= kMaxScans) return;
  auto* errors = reinterpret_cast<ErrorManager*>(info->err);
  std::snprintf(errors->message, sizeof(errors->message), "more than %d scans", kMaxScans);
  longjmp(errors->escape, 1);
}

class JpegReader {
 public:
  explicit JpegReader(const ImageSource& source);
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
  ~JpegReader() { jpeg_destroy_decompress(&decompressor_); }

  DecodedImage Read();

 private:
  // Runs calls of libjpeg; `work` must own nothing that a jump out of it would leak.
  template <typename Work>
  void Guarded(const Work& work) {
    if (setjmp(errors_.escape) != 0) ThrowMalformed(source_, ImageFormat::kJpeg, errors_.message);
    work();
  }

  void ReadHeader();
  int64_t IntermediateBytes() const;
  void ReadRows(Image& image);
  void ReadInvertedCmykRows(Image& image);
  void ReadRow(JSAMPLE* row, int64_t number);
  int Orientation() const;
  [[noreturn]] void ThrowTruncated(std::string_view where) const;

  const ImageSource& source_;
  ErrorManager errors_ = {};
  jpeg_source_mgr input_ = {};
  jpeg_progress_mgr progress_ = {};
  jpeg_decompress_struct decompressor_ = {};
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
  progress_.progress_monitor = LimitScans;
}

DecodedImage JpegReader::Read() {
  ReadHeader();
  const int orientation = Orientation();  // now: libjpeg frees the markers when it finishes
  Image image = AllocateImage(source_, decompressor_.image_width, decompressor_.image_height,
                              IntermediateBytes());
  const bool four_components = decompressor_.num_components == 4;
  decompressor_.out_color_space = four_components ? JCS_CMYK : JCS_RGB;
  boolean started = FALSE;
  Guarded([&] { started = jpeg_start_decompress(&decompressor_); });
  if (!started) ThrowTruncated("before the last scan");
  if (four_components) {
    ReadInvertedCmykRows(image);
  } else {
    ReadRows(image);
  }
  // Whether the end-of-image marker follows does not matter, what precedes it does.
  Guarded([&] { jpeg_finish_decompress(&decompressor_); });
  return {std::move(image), orientation};
}

void JpegReader::ReadHeader() {
  int status = JPEG_SUSPENDED;
  Guarded([&] {
    jpeg_create_decompress(&decompressor_);
    decompressor_.src = &input_;
    decompressor_.progress = &progress_;
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
  if (jpeg_has_multiple_scans(const_cast<j_decompress_ptr>(&decompressor_))) {
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

void JpegReader::ReadRow(JSAMPLE* row, int64_t number) {
  JDIMENSION rows = 0;
  Guarded([&] { rows = jpeg_read_scanlines(&decompressor_, &row, 1); });
  if (rows != 1) {
    ThrowTruncated("at row " + std::to_string(number) + " of " +
                   std::to_string(decompressor_.image_height));
  }
}

void JpegReader::ReadRows(Image& image) {
  for (int64_t y = 0; y < image.height; ++y) {
    ReadRow(image.rgb.data() + 3 * y * image.width, y);
  }
}

// Four components are taken for Adobe's, stored inverted, whether or not the file says so.
void JpegReader::ReadInvertedCmykRows(Image& image) {
  std::vector<uint8_t> row(static_cast<size_t>(image.width) * 4);
  for (int64_t y = 0; y < image.height; ++y) {
    ReadRow(row.data(), y);
    for (uint8_t& value : row) value = static_cast<uint8_t>(255 - value);
    uint8_t* rgb = image.rgb.data() + 3 * y * image.width;
    for (int64_t x = 0; x < image.width; ++x) StoreCmyk(row.data() + 4 * x, rgb + 3 * x);
  }
}

int JpegReader::Orientation() const {
  constexpr std::string_view kExif("Exif\0\0", 6);
  constexpr std::string_view kXmp("http://ns.adobe.com/xap/1.0/\0", 29);
  std::string exif;
  std::string_view xmp;
  for (const jpeg_marker_struct* marker = decompressor_.marker_list; marker != nullptr;
       marker = marker->next) {
    const std::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
    if (data.starts_with(kExif)) exif += exif.empty() ? data : data.substr(kExif.size());
    if (data.starts_with(kXmp)) xmp = data.substr(kXmp.size());
  }
  return FindOrientation({reinterpret_cast<const uint8_t*>(exif.data()), exif.size()}, xmp);
}

void JpegReader::ThrowTruncated(std::string_view where) const {
  ThrowMalformed(
      source_, ImageFormat::kJpeg,
      "the file ends after " + std::to_string(source_.size()) + " bytes, " + std::string(where));
}

}  // namespace

DecodedImage DecodeJpeg(const ImageSource& source) { return JpegReader(source).Read(); }

}  // namespace siglip
