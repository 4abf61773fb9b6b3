// Pictures that are cut off, lie about themselves, or attack: each gives an Error with the right
// code, or, where Pillow shrugs a fault off, the picture.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "expect_error.h"
#include "image/encoded_image.h"
#include "picture_files.h"
#include "siglip/image.hpp"

namespace siglip {
namespace {

constexpr auto kMalformed = ErrorCode::kMalformedFile;
constexpr auto kUnsupported = ErrorCode::kUnsupported;
constexpr auto kLimit = ErrorCode::kLimitExceeded;
constexpr std::optional<ErrorCode> kAccepted = std::nullopt;

struct Case {
  std::string name;
  std::optional<ErrorCode> expected;
  std::string bytes;
};

void Check(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    if (LacksCodec(one.bytes)) continue;
    SCOPED_TRACE(one.name);
    for (const AlphaPolicy alpha : {AlphaPolicy::kDrop, AlphaPolicy::kWhite}) {
      DecodeOptions options;
      options.alpha = alpha;
      const auto decode = [&] { return DecodeImage(AsBytes(one.bytes), options, one.name); };
      DecodeOptions fast = options;
      fast.fast = true;
      const auto resize = [&] {
        EncodedImage(AsBytes(one.bytes), fast, one.name)
            .Resized(ChooseResizeKernels(), {.height = 2, .width = 3});
      };
      if (one.expected) {
        ExpectError(*one.expected, {one.name}, decode);
        ExpectError(*one.expected, {one.name}, resize);
      } else {
        EXPECT_NO_THROW(resize());
        EXPECT_NO_THROW({
          const Image image = decode();
          EXPECT_EQ(image.rgb.size(), static_cast<size_t>(image.width * image.height * 3));
          EXPECT_FALSE(image.rgb.empty());
        });
      }
    }
  }
}

std::string Cut(const std::string& bytes, size_t percent) {
  return bytes.substr(0, bytes.size() * percent / 100);
}

TEST(MalformedImageTest, CutOff) {
  const std::string pictures[] = {"cmyk-progressive.jpg",
                                  "restarts.jpg",
                                  "png-8-6.png",
                                  "png-16-6-interlaced.png",
                                  "png-4-3.png",
                                  "webp-lossy-alpha.webp",
                                  "webp-lossless-alpha.webp",
                                  "webp-animated-lossy.webp",
                                  "gif-interlaced.gif",
                                  "gif-grey.gif",
                                  "bmp-24.bmp",
                                  "bmp-os2-4.bmp",
                                  "bmp-rle8.bmp",
                                  "bmp-fields-565.bmp",
                                  "tiff-lzw.tiff",
                                  "tiff-planes.tiff",
                                  "tiff-uncompressed.tiff",
                                  "tiff-group4.tiff",
                                  "pnm-plain-3-255.pnm",
                                  "pnm-binary-3-1000.pnm",
                                  "pnm-binary-1.pnm",
                                  "avif-420.avif",
                                  "avif-alpha.avif"};
  for (const std::string& name : pictures) {
    const std::string bytes = ReadPicture(name);
    for (const size_t percent : {5, 10, 25, 50, 75, 90}) {
      const std::string what = name + " cut to " + std::to_string(percent) + "%";
      // The little that is left of tiny files may be too short to show its format.
      const bool known = DetectImageFormat(AsBytes(Cut(bytes, percent))).has_value();
      Check({{what, known ? kMalformed : kUnsupported, Cut(bytes, percent)}});
    }
  }
}

TEST(MalformedImageTest, CutAnywhere) {
  for (const std::string name : {"orientation-6.jpg", "png-2-3-interlaced.png", "gif-plain.gif",
                                 "webp-animated-lossless.webp", "bmp-4.bmp", "tiff-packbits.tiff",
                                 "pnm-plain-1.pnm", "avif-400.avif"}) {
    const std::string bytes = ReadPicture(name);
    if (LacksCodec(bytes)) continue;
    for (size_t length = 0; length < bytes.size(); ++length) {
      try {
        const Image image = DecodeImage(AsBytes(bytes.substr(0, length)), {}, name);
        // Only what follows the pixels may be missing.
        ASSERT_GT(length * 10, bytes.size() * 8) << name << " cut to " << length;
      } catch (const Error& error) {
        EXPECT_NE(error.code(), ErrorCode::kInternal) << error.what();
      }
    }
  }
}

TEST(MalformedImageTest, NoPicture) {
  std::vector<Case> cases = {{"empty", kMalformed, ""},
                             {"one byte", kUnsupported, "\xFF"},
                             {"zeros", kUnsupported, std::string(4096, '\0')},
                             {"text", kUnsupported, "Once upon a time"},
                             {"PNM of kind 7", kUnsupported, "P7\nWIDTH 1\n"}};
  std::mt19937 random(7);
  const std::string magics[] = {"\xFF\xD8\xFF",
                                std::string(kPngSignature),
                                "GIF89a",
                                "BM",
                                "P6\n",
                                std::string("II*\0", 4),
                                std::string("MM\0*", 4),
                                std::string("RIFF\xF8\1\0\0WEBPVP8 ", 16)};
  for (const std::string& magic : magics) {
    std::string bytes = magic;
    while (bytes.size() < 512) bytes += static_cast<char>(random() % 255);
    const bool bitmap = magic == "BM";  // its random header size is none we know
    cases.push_back(
        {"random bytes behind " + magic.substr(0, 2), bitmap ? kUnsupported : kMalformed, bytes});
    cases.push_back({"nothing behind " + magic.substr(0, 2), kMalformed, magic});
  }
  Check(cases);
}

TEST(MalformedImageTest, Png) {
  const std::string row(1 + 3 * 4, '\1');  // filter and four pixels
  const std::string rows = row + row;
  const std::string header = PngHeader(4, 2, 8, 2);
  const std::string good = header + PngPixels(rows);
  const std::string palette = PngChunk("PLTE", "\1\2\3\4\5\6");
  const std::string indexed = PngHeader(4, 1, 8, 3);
  const size_t pixels = Find(good, "IDAT");
  const size_t checksum = pixels + 4 + Deflated(rows).size();
  const std::string text = PngChunk("tEXt", std::string("key\0value", 9));
  const std::string stream = Deflated(rows);
  const size_t sum = stream.size() - 4;
  // One block that is stored, so that the last byte before the checksum belongs to the last row.
  const std::string plain =
      header +
      PngChunk("IDAT", std::string("\x78\x01\x01", 3) + LittleEndian(rows.size(), 2) +
                           LittleEndian(~rows.size() & 0xFFFF, 2) + rows +
                           BigEndian(adler32(1, reinterpret_cast<const Bytef*>(rows.data()),
                                             static_cast<uInt>(rows.size())),
                                     4)) +
      PngChunk("IEND", "");
  Check({
      {"good", kAccepted, good},
      {"60000 x 60000 of nothing", kLimit, PngHeader(60000, 60000, 8, 2) + PngPixels("")},
      {"2^31-1 x 2^31-1", kLimit, PngHeader(0x7FFFFFFF, 0x7FFFFFFF, 16, 6) + PngPixels("")},
      {"width 2^31", kMalformed, PngHeader(0x80000000, 1, 8, 2) + PngPixels(rows)},
      {"width zero", kMalformed, PngHeader(0, 2, 8, 2) + PngPixels(rows)},
      {"height zero", kMalformed, PngHeader(4, 0, 8, 2) + PngPixels(rows)},
      {"three bits", kMalformed, PngHeader(4, 2, 3, 0) + PngPixels(rows)},
      {"colour type 5", kMalformed, PngHeader(4, 2, 8, 5) + PngPixels(rows)},
      {"palette of 16 bits", kMalformed, PngHeader(4, 2, 16, 3) + palette + PngPixels(rows)},
      {"header checksum", kMalformed, Patched(good, 29, "\1")},
      {"palette checksum", kMalformed,
       indexed + Patched(palette, palette.size() - 1, "\7") + PngPixels(row)},
      {"text checksum", kMalformed,
       header + Patched(text, text.size() - 1, "\7") + PngPixels(rows)},
      {"pixel checksum", kAccepted, Patched(good, checksum, "1234")},
      {"no palette", kMalformed, indexed + PngPixels(row)},
      {"index beyond the palette", kAccepted, indexed + palette + PngPixels(std::string(5, '\1'))},
      {"index far beyond", kAccepted,
       indexed + palette + PngPixels(std::string("\0\xFF\xFF\xFF\xFF", 5))},
      {"no pixels", kMalformed, header + PngChunk("IEND", "")},
      {"one row of two", kMalformed, header + PngPixels(row)},
      {"no end", kAccepted, good.substr(0, good.size() - 12)},
      {"stream checksum", kMalformed, header + PngChunk("IDAT", Patched(stream, sum, "none"))},
      {"checksum of a stream cut behind it", kMalformed,
       header + BigEndian(4000, 4) + "IDAT" + Patched(stream, sum, "none")},
      {"half a stream checksum", kAccepted, header + PngChunk("IDAT", stream.substr(0, sum + 2))},
      {"cut in the last row", kMalformed, plain.substr(0, plain.size() - 12 - 4 - 4 - 1)},
      {"cut behind the last row", kAccepted, plain.substr(0, plain.size() - 12 - 4 - 4)},
      {"wrong window for its method", kMalformed,
       header + PngChunk("IDAT", "\x77" + stream.substr(1))},
      {"filter 9", kMalformed, header + PngPixels("\x09" + rows.substr(1))},
      {"no deflate", kMalformed, header + PngChunk("IDAT", "nonsense") + PngChunk("IEND", "")},
      {"endless chunk", kMalformed, header + "\xFF\xFF\xFF\xFFIDAT"},
      {"chunk of 2 GB", kMalformed, header + "\x7F\xFF\xFF\xFFtEXt"},
      {"unknown critical chunk", kMalformed, header + PngChunk("ABCD", "?") + PngPixels(rows)},
      {"EXIF garbage", kAccepted, header + PngChunk("eXIf", "MM\1\2garbage") + PngPixels(rows)},
      {"EXIF of 2 GB", kAccepted, good.substr(0, good.size() - 12) + "\x7F\xFF\xFF\xFF" + "eXIf"},
      {"profile garbage", kAccepted,
       header + PngChunk("iCCP", "no profile") + PngChunk("zTXt", "Raw profile type exif") +
           PngChunk("iTXt", "XML:com.adobe.xmp") + PngPixels(rows)},
      {"transparency for RGBA", kAccepted,
       PngHeader(1, 1, 8, 6) + PngChunk("tRNS", "\1\2") + PngPixels(std::string(5, '\0'))},
  });
}

// Where Pillow stops: a stream of gigabytes behind the last row would take minutes.
TEST(MalformedImageTest, PngIsInflatedNoFurtherThanItsLastRow) {
  std::string rows(2 * (1 + 3 * 4), '\1');
  z_stream deflater = {};
  ASSERT_EQ(deflateInit(&deflater, 9), Z_OK);
  std::string stream(1 << 16, '\0');
  std::string zeros(1 << 20, '\0');
  deflater.next_out = reinterpret_cast<Bytef*>(stream.data());
  deflater.avail_out = static_cast<uInt>(stream.size());
  const auto add = [&](std::string& data) {
    deflater.next_in = reinterpret_cast<Bytef*>(data.data());
    deflater.avail_in = static_cast<uInt>(data.size());
    ASSERT_EQ(deflate(&deflater, Z_FULL_FLUSH), Z_OK);
  };
  add(rows);
  const size_t head = stream.size() - deflater.avail_out;
  add(zeros);  // refers to nothing before it, so it can be repeated
  const std::string megabyte = stream.substr(head, stream.size() - deflater.avail_out - head);
  deflateEnd(&deflater);
  stream.resize(head);
  for (int i = 0; i < 16384; ++i) stream += megabyte;
  const std::string file = PngHeader(4, 2, 8, 2) + PngChunk("IDAT", stream) + PngChunk("IEND", "");
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_NO_THROW(DecodeImage(AsBytes(file), {}, "16 GiB"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(MalformedImageTest, Jpeg) {
  const std::string good = ReadPicture("rgb-stored.jpg");
  const std::string grey = ReadPicture("grey-progressive.jpg");
  const std::string soi = "\xFF\xD8";
  const size_t frame = Find(good, "\xFF\xC0");
  const size_t scan = Find(good, "\xFF\xDA");
  const std::string tail = good.substr(2);
  std::string without_huffman = good;
  for (size_t at = 0; (at = without_huffman.find("\xFF\xC4", at)) < scan; ++at) {
    without_huffman[at + 1] = '\xFE';  // a comment
  }
  std::string without_quantisation = good;
  without_quantisation[Find(good, "\xFF\xDB") + 1] = '\xFE';
  const size_t grey_scan = Find(grey, "\xFF\xDA");
  std::string many_scans = grey.substr(0, grey_scan);
  for (int i = 0; i < 150; ++i) many_scans += grey.substr(grey_scan, 10);
  const std::string exif("Exif\0\0", 6);
  Check({
      {"good", kAccepted, good},
      {"start and end", kMalformed, soi + "\xFF\xD9" + std::string(64, ' ')},
      {"no frame", kMalformed, soi + good.substr(scan)},
      {"width zero", kMalformed, Patched(good, frame + 7, std::string(2, '\0'))},
      {"height zero", kMalformed, Patched(good, frame + 5, std::string(2, '\0'))},
      {"60000 x 60000", kLimit, Patched(good, frame + 5, "\xEA\x60\xEA\x60")},
      {"65535 x 65535", kUnsupported, Patched(good, frame + 5, "\xFF\xFF\xFF\xFF")},
      {"12 bits", kUnsupported, Patched(good, frame + 4, "\x0C")},
      {"lossless", kUnsupported, Patched(good, frame + 1, "\xC3")},
      {"hierarchical", kUnsupported, Patched(good, frame + 1, "\xC5")},
      {"two components", kMalformed, Patched(good, frame + 9, "\2")},
      {"sampling factor 0", kMalformed, Patched(good, frame + 11, std::string(1, '\0'))},
      {"sampling factor 15", kMalformed, Patched(good, frame + 11, "\xFF")},
      {"no Huffman tables: the standard ones count", kAccepted, without_huffman},
      {"no quantisation tables", kMalformed, without_quantisation},
      {"Huffman table too long", kMalformed,
       soi + JpegSegment(0xC4, std::string(17, '\xFF')) + tail},
      {"segment length zero", kAccepted, soi + std::string("\xFF\xE0\0\0", 4) + tail},
      {"garbage in the pixels", kAccepted, Patched(good, scan + 40, "\x12\x34\x56\x78")},
      {"150 scans", kMalformed, many_scans + grey.substr(grey_scan)},
      {"EXIF garbage", kAccepted, soi + JpegSegment(0xE1, exif + "garbage") + tail},
      {"EXIF with a lying offset", kAccepted,
       soi + JpegSegment(0xE1, exif + "MM" + std::string("\0*\xFF\xFF\xFF\xFF", 6)) + tail},
      {"EXIF orientation 77", kAccepted,
       soi + JpegSegment(0xE1, exif + Tiff({{0x112, 3, 77}})) + tail},
      {"EXIF that ends in its prefix", kAccepted, soi + JpegSegment(0xE1, exif) + tail},
      {"no end marker", kMalformed, good.substr(0, good.size() - 2)},
  });
}

TEST(MalformedImageTest, Gif) {
  const std::string good = ReadPicture("gif-plain.gif");
  const size_t frame = Find(good, "," + std::string(4, '\0'));
  const auto sized = [](int width, int height) {
    return "GIF89a" + LittleEndian(width, 2) + LittleEndian(height, 2) + std::string(3, '\0');
  };
  const std::string pixel =
      "," + std::string(4, '\0') + std::string("\1\0\1\0\0", 5) + std::string("\2\2\x44\1\0;", 6);
  Check({
      {"good", kAccepted, good},
      {"one pixel", kAccepted, sized(1, 1) + pixel},
      {"no canvas", kAccepted, sized(0, 0) + pixel},
      {"canvas of 65535 x 65535", kLimit, sized(65535, 65535) + pixel},
      {"frame of 65535 x 65535", kLimit, Patched(good, frame + 5, "\xFF\xFF\xFF\xFF")},
      {"frame far away", kLimit, Patched(good, frame + 1, "\xFF\xFF\xFF\xFF")},
      {"frame of no width", kMalformed, Patched(good, frame + 5, std::string(2, '\0'))},
      {"no frame", kMalformed, sized(1, 1) + ";"},
      {"extension without end", kMalformed, sized(1, 1) + "!\xF9\x04"},
      {"extensions only", kMalformed, sized(1, 1) + std::string("!\xFE\1a\0;", 6)},
      {"unknown block", kMalformed, sized(1, 1) + "?"},
      {"unknown block before the frame", kAccepted, sized(1, 1) + "?" + pixel},
      {"code size 13", kMalformed, Patched(sized(1, 1) + pixel, 13 + 10, "\x0D")},
      {"no pixels", kMalformed, sized(1, 1) + pixel.substr(0, 11) + std::string("\0;", 2)},
      {"no terminator", kAccepted, sized(1, 1) + pixel.substr(0, pixel.size() - 2)},
      {"block of pixels cut", kMalformed, sized(1, 1) + pixel.substr(0, pixel.size() - 3)},
      {"zeros for the rest of a block", kMalformed,
       sized(1, 1) + Patched(pixel, 11, "\3").substr(0, pixel.size() - 2)},
      {"nothing but what is no block", kMalformed, sized(1, 1) + std::string(500, 'x')},
  });
}

TEST(MalformedImageTest, Bmp) {
  const std::string good = ReadPicture("bmp-os2-24.bmp");
  const std::string wide = ReadPicture("bmp-24.bmp");
  const std::string indexed = ReadPicture("bmp-8.bmp");
  const std::string fields = ReadPicture("bmp-fields-565.bmp");
  const std::string runs = ReadPicture("bmp-rle8.bmp");
  const auto four = [](uint64_t value) { return LittleEndian(value, 4); };
  Check({
      {"good", kAccepted, wide},
      {"header of 41 bytes", kUnsupported, Patched(wide, 14, four(41))},
      {"header of 4 GB", kUnsupported, Patched(wide, 14, four(0xFFFFFFFF))},
      {"three bits", kUnsupported, Patched(wide, 28, LittleEndian(3, 2))},
      {"64 bits", kUnsupported, Patched(wide, 28, LittleEndian(64, 2))},
      {"JPEG inside", kUnsupported, Patched(wide, 30, four(4))},
      {"run lengths of 24 bits", kUnsupported, Patched(wide, 30, four(1))},
      {"bit fields of 8 bits", kUnsupported, Patched(indexed, 30, four(3))},
      {"unusual bit fields", kUnsupported, Patched(fields, 54, four(0xF00))},
      {"width zero", kMalformed, Patched(wide, 18, four(0))},
      {"height zero", kMalformed, Patched(wide, 22, four(0))},
      {"OS/2 width zero", kMalformed, Patched(good, 18, LittleEndian(0, 2))},
      {"negative width", kLimit, Patched(wide, 18, four(0xFFFFFFFF))},
      {"height -2^31", kLimit, Patched(wide, 22, four(0x80000000))},
      {"60000 x 60000", kLimit, Patched(wide, 18, four(60000) + four(60000))},
      {"10000 x 10000", kMalformed, Patched(wide, 18, four(10000) + four(10000))},
      {"pixels behind the end", kMalformed, Patched(wide, 10, four(0x7FFFFFFF))},
      {"pixels at the end", kMalformed, Patched(wide, 10, four(wide.size()))},
      {"100000 colours", kMalformed, Patched(indexed, 46, four(100000))},
      {"run lengths end early", kMalformed, Patched(runs, 14 + 40 + 1024, std::string("\0\1", 2))},
      {"run lengths of 60000 x 60000", kLimit, Patched(runs, 18, four(60000) + four(60000))},
  });
}

TEST(MalformedImageTest, Pnm) {
  const std::string pixels(12, 'x');
  Check({
      {"good", kAccepted, "P6 2 2 255\n" + pixels},
      {"comments", kAccepted, "P6 #a\n2 #b\n2 255\n" + pixels},
      {"eleven digits", kMalformed, "P6 12345678901 2 255\n" + pixels},
      {"ten digits", kLimit, "P6 9999999999 9999999999 255\n" + pixels},
      {"60000 x 60000", kLimit, "P5 60000 60000 255\n" + pixels},
      {"10000 x 10000", kMalformed, "P5 10000 10000 255\n" + pixels},
      {"plain 10000 x 10000", kMalformed, "P2 10000 10000 255\n1 2 3"},
      {"width zero", kMalformed, "P6 0 2 255\n" + pixels},
      {"negative width", kMalformed, "P6 -2 2 255\n" + pixels},
      {"letters", kMalformed, "P6 two 2 255\n" + pixels},
      {"largest value zero", kMalformed, "P6 2 2 0\n" + pixels},
      {"largest value 65536", kMalformed, "P6 2 2 65536\n" + pixels + pixels},
      {"a byte too few", kMalformed, "P6 2 2 255\n" + pixels.substr(1)},
      {"half of 16 bits", kMalformed, "P6 2 2 256\n" + pixels},
      {"bits too few", kMalformed, "P4 16 2\nabc"},
      {"plain sample too large", kMalformed, "P2 2 1 15\n3 16 "},
      {"plain sample negative", kMalformed, "P2 2 1 15\n3 -1 "},
      {"plain samples too few", kMalformed, "P2 2 2 15\n1 2 3       "},
      {"plain bit of 2", kMalformed, "P1 2 1\n1 2"},
      {"comment to the end", kMalformed, "P2 2 2 #" + pixels},
      {"header only", kMalformed, "P6 2"},
  });
}

// All occurrences of `from` replaced; both have the same length.
std::string Replaced(std::string bytes, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = bytes.find(from, at)) != std::string::npos; at += to.size()) {
    bytes = Patched(bytes, at, to);
  }
  return bytes;
}

TEST(MalformedImageTest, Webp) {
  const std::string lossless = ReadPicture("webp-lossless-alpha.webp");
  const std::string lossy = ReadPicture("webp-lossy-alpha.webp");
  const std::string animated = ReadPicture("webp-animated-lossless.webp");
  const size_t frame = Find(animated, "ANMF");
  const size_t extended = Find(animated, "VP8X");
  const std::string riff = "RIFF";
  Check({
      {"good", kAccepted, animated},
      {"size of 4 GB", kMalformed, Patched(lossless, 4, "\xFF\xFF\xFF\xFF")},
      {"unknown chunk", kMalformed, Patched(lossless, Find(lossless, "VP8"), "ABCD")},
      {"no chunk", kMalformed, riff + LittleEndian(4, 4) + "WEBP"},
      {"animation without a frame", kMalformed, Replaced(animated, "ANMF", "ABCD")},
      {"frame outside its canvas", kMalformed, Patched(animated, frame + 8, "\xFF\xFF\xFF")},
      {"canvas of 16384 x 16384", kLimit,
       Patched(animated, extended + 12, std::string("\xFF\x3F\0\xFF\x3F\0", 6))},
      {"canvas of 2^24 x 2^24", kMalformed,
       Patched(animated, extended + 12, "\xFF\xFF\xFF\xFF\xFF\xFF")},
      {"damaged lossless data", kMalformed,
       Patched(lossless, 30, std::string(lossless.size() - 30, '\xFF'))},
      {"damaged lossy header", kMalformed, Patched(lossy, Find(lossy, "\x9D\1\x2A"), "???")},
  });
}

TEST(MalformedImageTest, Tiff) {
  // 4 x 2 grey pixels of 8 bits behind a directory of eight entries.
  const auto grey = [](uint32_t width, uint32_t height, uint32_t bits, uint32_t compression,
                       uint32_t offset = 8 + 2 + 9 * 12 + 4) {
    return Tiff({{256, 4, width},
                 {257, 4, height},
                 {258, 3, bits},
                 {259, 3, compression},
                 {262, 3, 1},
                 {273, 4, offset},
                 {277, 3, 1},
                 {278, 4, height},
                 {279, 4, 8}},
                "abcdefgh");
  };
  const std::string good = grey(4, 2, 8, 1);
  const std::string lzw = ReadPicture("tiff-lzw.tiff");
  std::string cyclic = good;
  cyclic.replace(8 + 2 + 9 * 12, 4, LittleEndian(8, 4));
  const auto entry = [](size_t index) { return 8 + 2 + index * 12; };
  // Of two samples a pixel and four extra ones, the last said to be alpha.
  constexpr int kMeanings = 8 + 2 + 10 * 12 + 4;
  std::string many_extras = Tiff({{256, 4, 4},
                                  {257, 4, 1},
                                  {258, 3, 8},
                                  {259, 3, 1},
                                  {262, 3, 1},
                                  {273, 4, kMeanings + 4},
                                  {277, 3, 2},
                                  {278, 4, 1},
                                  {279, 4, 8},
                                  {338, 3, 2 << 16}},
                                 std::string(4, '\0') + "abcdefgh");
  many_extras = Patched(many_extras, entry(9) + 4, LittleEndian(2, 4));
  Check({
      {"good", kAccepted, good},
      {"more extra samples than there are", kAccepted, many_extras},
      {"directories in a circle", kAccepted, cyclic},
      {"60000 x 60000", kLimit, grey(60000, 60000, 8, 1)},
      {"60000 x 60000 deflated", kLimit, grey(60000, 60000, 8, 8)},
      {"2^32-1 x 2^32-1", kMalformed, grey(0xFFFFFFFF, 0xFFFFFFFF, 8, 5)},
      {"10000 x 10000", kMalformed, grey(10000, 10000, 8, 1)},
      {"width zero", kMalformed, grey(0, 2, 8, 1)},
      {"height zero", kMalformed, grey(4, 0, 8, 1)},
      {"seven bits", kUnsupported, grey(4, 2, 7, 1)},
      {"64 bits", kUnsupported, grey(1, 1, 64, 1)},
      {"unknown compression", kUnsupported, grey(4, 2, 8, 12345)},
      {"pixels behind the end", kMalformed, grey(4, 2, 8, 1, 100000)},
      {"directory behind the end", kMalformed, Patched(good, 4, "\xFF\xFF\xFF\x7F")},
      {"directory at zero", kMalformed, Patched(good, 4, std::string(4, '\0'))},
      {"65535 entries", kMalformed, Patched(good, 8, "\xFF\xFF")},
      {"no entries", kMalformed, Patched(good, 8, std::string(2, '\0'))},
      {"entry of 2^32-1 values", kMalformed, Patched(good, entry(5) + 4, "\xFF\xFF\xFF\xFF")},
      {"65535 samples", kMalformed, Patched(good, entry(6) + 8, "\xFF\xFF")},
      {"palette without colours", kMalformed, Patched(good, entry(4) + 8, "\3")},
      {"CIELAB of one sample", kUnsupported, Patched(good, entry(4) + 8, "\x08")},
      {"no strips", kMalformed, Patched(good, entry(5), LittleEndian(999, 2))},
      {"damaged LZW", kMalformed, Patched(lzw, 8, std::string(40, '\xFF'))},
      {"orientation 99", kAccepted,
       Patched(
           good, entry(6),
           LittleEndian(274, 2) + LittleEndian(3, 2) + LittleEndian(1, 4) + LittleEndian(99, 4))},
  });
}

TEST(MalformedImageTest, AvifAndHeic) {
  const std::string good = ReadPicture("avif-444.avif");
  const std::string type = MediaBox("ftyp", std::string("avif\0\0\0\0avifmif1miaf", 20));
  std::string nested = "x";
  for (int depth = 0; depth < 2000; ++depth) nested = MediaBox("meta", nested);
  const size_t extents = Find(good, "ispe") + 8;
  const std::string heic = ReadPicture("colour.heic");
  const auto any_failure = [](const std::string& name, const std::string& bytes) {
    // Without its codec every file is unsupported.
    EXPECT_THROW(DecodeImage(AsBytes(bytes), {}, name), Error) << name;
  };
  Check({
      {"good", kAccepted, good},
      {"brand only", kMalformed, type},
      {"garbage behind the brand", kMalformed, type + std::string(500, '\x5A')},
      {"deep nesting", kMalformed, type + nested},
      {"endless box", kMalformed, type + "\xFF\xFF\xFF\xFFmeta"},
      {"no pixels", kMalformed, good.substr(0, Find(good, "mdat") + 4)},
      {"60000 x 60000", kMalformed,
       Patched(good, extents, BigEndian(60000, 4) + BigEndian(60000, 4))},
      {"16000 x 16000", kLimit, Patched(good, extents, BigEndian(16000, 4) + BigEndian(16000, 4))},
      {"size zero", kMalformed, Patched(good, extents, std::string(8, '\0'))},
  });
  any_failure("brand only", MediaBox("ftyp", std::string("heic\0\0\0\0mif1heic", 16)));
  any_failure("cut", Cut(heic, 60));
  any_failure("garbage", Patched(heic, 32, std::string(heic.size() - 32, '\x5A')));
  const std::string size = BigEndian(0, 4) + BigEndian(48, 4) + BigEndian(32, 4);
  const std::string lie = BigEndian(0, 4) + BigEndian(60000, 4) + BigEndian(60000, 4);
  any_failure("60000 x 60000", Replaced(heic, "ispe" + size, "ispe" + lie));
  // Of one tile: what it does not cover was whatever was in memory.
  const std::string grid = BigEndian(0, 4) + BigEndian(48, 2) + BigEndian(32, 2);
  const std::string larger = BigEndian(0, 4) + BigEndian(226, 2) + BigEndian(226, 2);
  any_failure("a grid larger than its tiles", Replaced(heic, "idat" + grid, "idat" + larger));
}

// What is not supported is named, with what can be done, and not said to be damaged.
TEST(MalformedImageTest, UnsupportedIsNamedAndNotDamaged) {
  const std::string jpeg = ReadPicture("rgb-stored.jpg");
  const size_t frame = Find(jpeg, "\xFF\xC0");
  const auto process = [&](const char* type) { return Patched(jpeg, frame + 1, type); };
  const std::string soi = "\xFF\xD8";
  const std::string dnl("\xFF\xDC\0\4\0\x11", 6);
  const auto tiff = [](uint32_t compression, uint32_t photometric, uint32_t bits = 8) {
    return Tiff({{256, 4, 4},
                 {257, 4, 2},
                 {258, 3, bits},
                 {259, 3, compression},
                 {262, 3, photometric},
                 {273, 4, 8 + 2 + 9 * 12 + 4},
                 {277, 3, 1},
                 {278, 4, 2},
                 {279, 4, 8}},
                "abcdefgh");
  };
  const std::string png = PngHeader(1, 1, 8, 2) + PngPixels(std::string(4, '\0'));
  struct Unsupported {
    std::string feature;
    std::string bytes;
  };
  const Unsupported cases[] = {
      {"lossless JPEG", process("\xC3")},
      {"lossless JPEG", process("\xCB")},
      {"hierarchical JPEG", process("\xC5")},
      {"hierarchical JPEG", process("\xC6")},
      {"hierarchical JPEG", process("\xC7")},
      {"hierarchical JPEG", process("\xCD")},
      {"hierarchical JPEG", soi + JpegSegment(0xDE, std::string(15, '\1')) + jpeg.substr(2)},
      {"JPEG-LS", process("\xF7")},
      {"JPEG-LS", soi + JpegSegment(0xF8, std::string(11, '\1')) + jpeg.substr(2)},
      {"12 bits per sample", Patched(jpeg, frame + 4, "\x0C")},
      {"DNL", Patched(jpeg, frame + 5, std::string(2, '\0')) + dnl},
      {"65500 pixels", Patched(jpeg, frame + 5, "\xFF\xFF")},
      {"CgBI", Patched(png, 12, "CgBI")},
      {"CgBI", png.substr(0, 8) + PngChunk("CgBI", std::string("P\0 \2", 4)) + png.substr(8)},
      {"JPEG 2000", tiff(34712, 1)},
      {"JPEG 2000 of Aperio", tiff(33005, 1)},
      {"JPEG XL", tiff(50002, 1)},
      {"JBIG2", tiff(34715, 1)},
      {"compression 12345", tiff(12345, 1)},
      {"colour filter array", tiff(1, 32803)},
      {"ICC L*a*b*", tiff(1, 9)},
      {"JPEG of 12 bits", tiff(7, 1, 12)},
      {"group 4 fax", tiff(4, 1)},
      {"ThunderScan", tiff(32809, 1)},
      {"SOF type 0xc3", Replaced(ReadPicture("tiff-jpeg.tiff"), "\xFF\xC0", "\xFF\xC3")},
      {"7 bits", tiff(1, 1, 7)},
      {"JPEG 2000", std::string("\0\0\0\x0CjP  \r\n\x87\n\0\0\0\x14", 16)},
      {"JPEG 2000", std::string("\xFF\x4F\xFF\x51\0\x2F", 6)},
      {"JPEG XL", "\xFF\x0A\xFA\x1F"},
      {"JPEG XL", std::string("\0\0\0\x0CJXL \r\n\x87\n\0\0\0\x14", 16)},
      {"PAM", "P7\nWIDTH 1\n"},
      {"DICOM", std::string(128, '\0') + "DICM"},
      {"video", std::string("\0\0\0\x18", 4) + "ftypisom"},
  };
  for (const Unsupported& one : cases) {
    if (LacksCodec(one.bytes)) continue;
    SCOPED_TRACE(one.feature);
    try {
      DecodeImage(AsBytes(one.bytes), {}, "picture");
      ADD_FAILURE() << "was read";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), kUnsupported) << error.what();
      EXPECT_NE(error.message().find(one.feature), std::string::npos) << error.what();
      EXPECT_NE(error.hint().find("first"), std::string::npos) << error.what();
      EXPECT_EQ(std::string(error.what()).find("damaged"), std::string::npos) << error.what();
    }
  }
}

TEST(MalformedImageTest, DamagedBytesNeverEscapeAsAnythingButAnError) {
  std::mt19937 random(11);
  for (const std::string name :
       {"cmyk-progressive.jpg", "png-8-3-interlaced.png", "webp-animated-lossy.webp",
        "gif-animated.gif", "bmp-rle4.bmp", "tiff-jpeg.tiff", "tiff-planes-alpha16.tiff",
        "pnm-plain-2-1000.pnm", "avif-premultiplied.avif", "colour.heic"}) {
    const std::string good = ReadPicture(name);
    for (int round = 0; round < 300; ++round) {
      std::string bytes = good;
      for (int change = 0; change < 1 + round % 8; ++change) {
        const size_t area = random() % 2 == 0 ? std::min<size_t>(bytes.size(), 100) : bytes.size();
        bytes[random() % area] = static_cast<char>(random());
      }
      DecodeOptions options;
      options.limits.max_pixels = 1 << 20;
      try {
        const Image image = DecodeImage(AsBytes(bytes), options, name);
        EXPECT_EQ(image.rgb.size(), static_cast<size_t>(image.width * image.height * 3));
      } catch (const Error& error) {
        EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
      }
    }
  }
}

}  // namespace
}  // namespace siglip
