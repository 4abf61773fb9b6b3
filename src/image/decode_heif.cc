// HEIC through libheif, the HEVC in it through libde265.
#include <libheif/heif.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "image/decode.h"
#include "image/exif.h"
#include "image/heif_references.h"
#include "image/pixels.h"
#include "image/releaser.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

using Context = std::unique_ptr<heif_context, Releaser<heif_context_free>>;
using Handle = std::unique_ptr<heif_image_handle, Releaser<heif_image_handle_release>>;
using Options = std::unique_ptr<heif_decoding_options, Releaser<heif_decoding_options_free>>;
using HeifImage = std::unique_ptr<heif_image, Releaser<heif_image_release>>;

void CheckError(const ImageSource& source, const heif_error& error) {
  if (error.code == heif_error_Ok) return;
  std::string_view message = error.message != nullptr ? error.message : "libheif refuses it";
  while (message.ends_with('\n')) message.remove_suffix(1);  // some have line ends
  if (error.code == heif_error_Memory_allocation_error) {
    throw Error(ErrorCode::kLimitExceeded,
                source.name + ": the picture needs more pixels or memory than its limits allow",
                "--max-pixels and --max-memory raise them, if the picture is trusted");
  }
  if (error.code == heif_error_Unsupported_feature ||
      error.code == heif_error_Unsupported_filetype) {
    ThrowUnsupported(source, ImageFormat::kHeic, message);
  }
  ThrowMalformed(source, ImageFormat::kHeic, message);
}

// Planes of up to 16 bits, a turned copy of them, and interleaved RGB.
constexpr int64_t kBytesPerPixel = 2 * 4 * 2 + 4;

// A grid may be larger than its header says, and only libheif sees that before allocating. Its
// limit is the square of the number it is given.
void SetLimit(const ImageSource& source, heif_context* context) {
  const DecodeLimits& limits = source.options.limits;
  const int64_t pixels =
      std::min(limits.max_pixels, limits.max_memory_bytes / (kBytesPerPixel + 3));
  const double side = std::ceil(std::sqrt(static_cast<double>(std::max<int64_t>(pixels, 1))));
  heif_context_set_maximum_image_size_limit(context, static_cast<int>(std::min(side, 65535.0)));
}

// libheif follows references without end and decodes an item as often as others are made of it.
// Returns whether any item is made of others.
bool CheckReferences(const ImageSource& source) {
  constexpr uint64_t kMostItems = 1 << 16;  // cameras make grids of some hundred tiles
  const auto items = CountHeifItems({reinterpret_cast<const char*>(source.data()), source.size()});
  if (!items) ThrowMalformed(source, ImageFormat::kHeic, "a picture in it is made of itself");
  if (*items <= kMostItems) return *items > 0;
  throw Error(ErrorCode::kLimitExceeded, source.name + ": expected a picture of at most " +
                                             std::to_string(kMostItems) + " tiles, found more");
}

// By name: which of several decoders for HEVC libheif prefers is a matter of how it was built. One
// name is all it takes: an item that is AV1 goes to the decoder that it prefers for that.
constexpr const char* kDecoder = "libde265";

// libheif itself would take another one in its place.
void RequireDecoder(const ImageSource& source) {
  std::array<const heif_decoder_descriptor*, 32> decoders = {};
  const int count = heif_get_decoder_descriptors(heif_compression_HEVC, decoders.data(),
                                                 static_cast<int>(decoders.size()));
  for (int i = 0; i < count; ++i) {
    const char* const id = heif_decoder_descriptor_get_id_name(decoders[static_cast<size_t>(i)]);
    if (id != nullptr && std::string_view(id) == kDecoder) return;
  }
  ThrowUnsupported(source, ImageFormat::kHeic, "the libheif in use has no libde265",
                   "convert it to PNG or JPEG first, or install libheif with libde265");
}

Context ReadContext(const ImageSource& source) {
  Context context(heif_context_alloc());
  if (context == nullptr) throw std::bad_alloc();
  SetLimit(source, context.get());
  CheckError(source, heif_context_read_from_memory_without_copy(context.get(), source.data(),
                                                                source.size(), nullptr));
  return context;
}

Handle PrimaryImage(const ImageSource& source, const Context& context) {
  heif_image_handle* handle = nullptr;
  CheckError(source, heif_context_get_primary_image_handle(context.get(), &handle));
  return Handle(handle);
}

// Empty where there is none.
std::vector<uint8_t> FindExif(const Handle& handle) {
  constexpr size_t kOffsetBytes = 4;  // in front: how many bytes to skip to the TIFF structure
  heif_item_id id = 0;
  if (heif_image_handle_get_list_of_metadata_block_IDs(handle.get(), "Exif", &id, 1) != 1) {
    return {};
  }
  const size_t size = heif_image_handle_get_metadata_size(handle.get(), id);
  std::vector<uint8_t> exif(size);
  if (size < kOffsetBytes ||
      heif_image_handle_get_metadata(handle.get(), id, exif.data()).code != heif_error_Ok) {
    return {};
  }
  size_t skipped = 0;
  for (size_t i = 0; i < kOffsetBytes; ++i) skipped = skipped << 8 | exif[i];
  if (skipped > size - kOffsetBytes) return {};
  exif.erase(exif.begin(), exif.begin() + static_cast<std::ptrdiff_t>(kOffsetBytes + skipped));
  return exif;
}

Options DecodingOptions() {
  Options options(heif_decoding_options_alloc());
  if (options == nullptr) throw std::bad_alloc();
  options->decoder_id = kDecoder;
  return options;
}

}  // namespace

DecodedImage DecodeHeic(const ImageSource& source) {
  RequireDecoder(source);
  const bool has_grids = CheckReferences(source);
  const Context context = ReadContext(source);
  const Handle handle = PrimaryImage(source, context);
  const int64_t width = heif_image_handle_get_width(handle.get());
  const int64_t height = heif_image_handle_get_height(handle.get());
  const int64_t pixels = SaturatingMultiply(width, height);
  CheckLimits(source, width, height, SaturatingMultiply(pixels, kBytesPerPixel));

  const bool composite = heif_image_handle_has_alpha_channel(handle.get()) != 0 &&
                         source.options.alpha == AlphaPolicy::kWhite;
  const Options options = DecodingOptions();
  heif_image* raw_image = nullptr;
  CheckError(source, heif_decode_image(
                         handle.get(), &raw_image, heif_colorspace_RGB,
                         composite ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB,
                         options.get()));
  const HeifImage decoded(raw_image);
  const int64_t decoded_width = heif_image_get_width(raw_image, heif_channel_interleaved);
  const int64_t decoded_height = heif_image_get_height(raw_image, heif_channel_interleaved);
  // What no tile of a grid covers would be whatever was in memory.
  if (has_grids && (decoded_width != width || decoded_height != height)) {
    ThrowMalformed(source, ImageFormat::kHeic,
                   "it says to be of " + std::to_string(width) + "x" + std::to_string(height) +
                       " pixels, its grid is of " + std::to_string(decoded_width) + "x" +
                       std::to_string(decoded_height));
  }
  Image image = AllocateImage(source, decoded_width, decoded_height, 0);
  int stride = 0;
  const uint8_t* rows = heif_image_get_plane_readonly(raw_image, heif_channel_interleaved, &stride);
  if (rows == nullptr) ThrowMalformed(source, ImageFormat::kHeic, "it holds no pixels");
  for (int64_t y = 0; y < image.height; ++y) {
    const uint8_t* row = rows + y * stride;
    uint8_t* rgb = image.rgb.data() + 3 * y * image.width;
    if (composite) {
      RgbaRowToRgb(row, image.width, source.options.alpha, rgb);
    } else {
      std::copy(row, row + 3 * image.width, rgb);
    }
  }
  // libheif has applied the container's rotation; EXIF repeats it and must not count twice.
  return {std::move(image), 1};
}

std::optional<TimeTaken> TimeTakenOfHeic(const ImageSource& source) {
  return ExifTimeTaken(FindExif(PrimaryImage(source, ReadContext(source))));
}

}  // namespace siglip
