"""Writes tests/data/faulty_images: pictures with faults that Pillow reads over, and its pixels.

Run with Pillow 13 installed, from anywhere:
    python tests/support/make_faulty_images.py
"""

import io
import pathlib
import struct
import warnings
import zlib

import numpy
import safetensors_io
from PIL import Image, ImageOps

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "data" / "faulty_images"
WIDTH, HEIGHT = 23, 17
XMP = b'<rdf:Description tiff:Orientation="7"/>'


def picture():
    """Rows of noise that recur after more than 256 bytes, for deflate to find."""
    part = numpy.random.default_rng(9).integers(0, 256, (5, WIDTH, 3)).astype(numpy.uint8)
    return numpy.concatenate([part] * 4)[:HEIGHT]


def encoded(kind, image=None, **options):
    stream = io.BytesIO()
    (image or Image.fromarray(picture())).save(stream, kind, **options)
    return stream.getvalue()


def save(name, data):
    (FOLDER / name).write_bytes(data)


def exif(kind=3, value=b"\0\6\0\0", count=1, behind=b"", before=()):
    """An EXIF block with an orientation of any type, behind other entries."""
    entries = [*before, (0x112, kind, count, value)]
    return (b"MM\0*" + struct.pack(">LH", 8, len(entries)) +
            b"".join(struct.pack(">HHL", *entry[:3]) + entry[3] for entry in entries) + behind)


# Values elsewhere begin behind the directory of one entry.
BEHIND = struct.pack(">L", 8 + 2 + 12)
EXIF = {
    "byte": exif(1, b"\6\0\0\0"),
    "text": exif(2, b"6\0\0\0"),
    "rational": exif(5, BEHIND, behind=struct.pack(">LL", 12, 2)),
    "signed-byte": exif(6, b"\6\0\0\0"),
    "signed-rational": exif(10, BEHIND, behind=struct.pack(">ll", -6, -1)),
    "float": exif(11, struct.pack(">f", 6)),
    "double": exif(12, BEHIND, behind=struct.pack(">d", 6)),
    "directory": exif(13, struct.pack(">L", 6)),
    "unknown-type": exif(14),
    "second-entry": exif(before=[(0x112, 14, 1, b"\0\3\0\0")]),
    "cut-entry": exif()[:-1],
    "behind-lost-values": exif(before=[(0x10F, 2, 9, b"\0\1\0\0")]),
}


# PNG ----------------------------------------------------------------------------------------------


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(deflated, size=None, colour_type=2, interlaced=False, before=b"", pieces=()):
    """With the deflated rows cut at `pieces` into chunks."""
    width, height = size or (WIDTH, HEIGHT)
    header = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, int(interlaced))
    cuts = [0, *pieces, len(deflated)]
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before +
            b"".join(chunk(b"IDAT", deflated[a:b]) for a, b in zip(cuts, cuts[1:])) +
            chunk(b"IEND", b""))


def rows_of(pixels):
    return b"".join(b"\0" + row.tobytes() for row in pixels)


def interlaced_rows(pixels):
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
              (0, 1, 1, 2)]  # fmt: skip
    return b"".join(rows_of(pixels[y::dy, x::dx]) for x, y, dx, dy in passes)


def claiming_window(deflated, bits):
    """The same stream with another window in its header: 256 bytes for 0, doubled by each step."""
    method = bits << 4 | 8
    return bytes([method, (31 - method * 256 % 31) % 31]) + deflated[2:]


def make_png():
    rows = rows_of(picture())
    whole = zlib.compress(rows, 9)
    for bits in (0, 1):
        save(f"png-window-{bits}.png", png(claiming_window(whole, bits)))
    turned = zlib.compress(interlaced_rows(picture()), 9)
    save("png-window-0-interlaced.png", png(claiming_window(turned, 0), interlaced=True))
    flushing = zlib.compressobj(9)
    unfinished = flushing.compress(rows) + flushing.flush(zlib.Z_SYNC_FLUSH)
    save("png-no-final-block.png", png(unfinished))
    stored = zlib.compressobj(0)
    save("png-stored-no-final-block.png",
         png(stored.compress(rows) + stored.flush(zlib.Z_SYNC_FLUSH)))
    save("png-no-checksum.png", png(whole[:-4]))
    save("png-half-checksum.png", png(whole[:-2]))
    # Pillow takes the checksum along with the last row, or never.
    save("png-wrong-checksum-apart.png", png(whole[:-4] + b"none", pieces=[len(whole) - 4]))
    save("png-garbage-behind-rows.png", png(unfinished + b"\xff" * 40, pieces=[len(unfinished)]))
    save("png-more-rows.png", png(zlib.compress(rows + rows)))
    file = png(whole)
    for lost in (1, 12, 13, 16, 18, 20):  # of IEND, of the pixels' checksum, of the stream's
        save(f"png-cut-{lost}.png", file[:-lost])
    save("png-cut-interlaced.png", png(turned, interlaced=True)[:-18])
    last = png(whole)[:-12]
    save("png-too-long-chunk.png", last.replace(chunk(b"IDAT", whole)[:4], b"\0\1\0\0", 1))
    save("png-text-exif.png", png(whole, before=chunk(b"tEXt", b"exif\0" + exif())))
    save("png-text-xmp.png", png(whole, before=chunk(b"tEXt", b"XML:com.adobe.xmp\0" + XMP)))
    save("png-deflated-xmp-cut.png",
         png(whole, before=chunk(b"zTXt", b"XML:com.adobe.xmp\0\0" + zlib.compress(XMP)[:-5])))
    for name, block in EXIF.items():
        text = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)
        save(f"png-exif-{name}.png", png(whole, before=chunk(b"eXIf", block) + text))


# GIF ----------------------------------------------------------------------------------------------


def gif_parts(interlaced):
    """Header with palette, image descriptor with code size, blocks of codes: a GIF without end."""
    image = Image.fromarray(picture()).quantize(16)
    file = encoded("GIF", image, interlace=int(interlaced), optimize=False)
    frame = file.index(b"," + b"\0" * 4, 13)
    start = frame + 11
    codes = b""
    while file[start]:
        codes += file[start + 1 : start + 1 + file[start]]
        start += 1 + file[start]
    return file[:frame], file[frame : frame + 11], codes


def blocks(codes, size=255):
    parts = [codes[i : i + size] for i in range(0, len(codes), size)]
    return b"".join(bytes([len(part)]) + part for part in parts)


def make_gif():
    for interlaced in (False, True):
        kind = "-interlaced" if interlaced else ""
        head, frame, codes = gif_parts(interlaced)
        pixels = frame + blocks(codes)
        comment = b"!\xfe\3abc\0"
        save(f"gif-no-terminator{kind}.gif", head + pixels)
        save(f"gif-trailer-for-terminator{kind}.gif", head + pixels + b";")
        save(f"gif-no-trailer{kind}.gif", head + pixels + b"\0")
        save(f"gif-second-frame-for-terminator{kind}.gif", head + pixels + pixels + b"\0;")
        save(f"gif-second-frame-cut{kind}.gif", head + pixels + b"\0" + pixels[:40])
        # The last code, which says that no more follow, apart from the pixels.
        save(f"gif-last-block-cut{kind}.gif", head + frame + blocks(codes[:-1]) + b"\2")
        for name, junk in (("zero", b"\0"), ("zeros", b"\0" * 300), ("text", b"Hello\r\n\xff")):
            save(f"gif-{name}-before-frame{kind}.gif", head + junk + pixels + b"\0;")
            save(f"gif-{name}-around-comment{kind}.gif",
                 head + junk + comment + junk + comment + junk + pixels + b"\0;")
    head, frame, codes = gif_parts(False)
    greys = b"".join(bytes([level] * 3) for level in range(4))
    header = head[:10] + bytes([head[10] & ~7 | 1]) + head[11:13]
    save("gif-short-grey-palette.gif", header + greys + frame + blocks(codes) + b"\0;")
    save("gif-short-palette.gif", header + head[13:25] + frame + blocks(codes) + b"\0;")
    control = b"!\xf9\4\1\0\0\5\0"
    save("gif-zero-behind-control.gif", head + control + b"\0" + frame + blocks(codes) + b"\0;")


# BMP ----------------------------------------------------------------------------------------------


def make_bmp():
    def with_colours(mode, count):
        file = bytearray(encoded("BMP", Image.fromarray(picture()).convert(mode)))
        file[46:50] = struct.pack("<L", count)
        return bytes(file)

    for mode, count in (("L", 4), ("P", 4), ("1", 1), ("1", 60000)):
        save(f"bmp-{mode}-of-{count}-colours.bmp", with_colours(mode, count))


# WebP ---------------------------------------------------------------------------------------------


def riff(chunks):
    return b"RIFF" + struct.pack("<L", len(chunks) + 4) + b"WEBP" + chunks


def make_webp():
    file = encoded("WEBP", lossless=True, exif=b"Exif\0\0" + exif(), xmp=XMP)
    for flags in range(4):  # EXIF: 8, XMP: 4
        flagged = bytearray(file)
        flagged[20] = file[20] & ~0x0C | flags << 2
        save(f"webp-flags-{flags}.webp", bytes(flagged))
    at = file.index(b"EXIF")
    save("webp-exif-behind-end.webp", riff(file[12:at]) + file[at:])
    plain = encoded("WEBP", lossless=True)
    block = exif()
    save("webp-exif-without-header.webp",
         riff(plain[12:] + b"EXIF" + struct.pack("<L", len(block)) + block))
    for name, block in EXIF.items():
        save(f"webp-exif-{name}.webp", encoded("WEBP", lossless=True, exif=block, xmp=XMP))


# AVIF ---------------------------------------------------------------------------------------------


def with_brands(file, major, compatible):
    """Another list of brands, and the offsets of pixels moved along with it."""
    length = int.from_bytes(file[:4], "big")
    box = b"ftyp" + major + b"\0" * 4 + b"".join(compatible)
    moved = len(box) + 4 - length
    at = file.index(b"iloc") + 4
    assert file[at : at + 6] == b"\0\0\0\0\x44\0"
    moving = bytearray(file)
    place = at + 8
    for _ in range(int.from_bytes(file[at + 6 : at + 8], "big")):
        assert file[place + 4 : place + 6] == b"\0\1"
        offset = int.from_bytes(file[place + 6 : place + 10], "big")
        moving[place + 6 : place + 10] = (offset + moved).to_bytes(4, "big")
        place += 14
    return struct.pack(">L", len(box) + 4) + box + bytes(moving[length:])


def make_avif():
    options = {"quality": 100, "subsampling": "4:4:4"}
    file = encoded("AVIF", **options)
    others = [b"mif1", b"miaf", b"MA1B", b"heix"]
    save("avif-brand-ninth.avif", with_brands(file, b"mif1", others + [b"avif"]))
    save("avif-brand-late.avif", with_brands(file, b"mif1", others * 60 + [b"avif"]))
    save("avif-brand-first.avif", with_brands(file, b"avif", others * 60))
    tags = {}
    for name, entries in (("6", {274: 6}), ("1", {271: "a", 274: 1}), ("other", {271: "a"})):
        tags[name] = Image.Exif()
        for tag, value in entries.items():
            tags[name][tag] = value
    save("avif-xmp.avif", encoded("AVIF", xmp=XMP, **options))
    for name, block in tags.items():
        save(f"avif-xmp-exif-{name}.avif",
             encoded("AVIF", xmp=XMP, exif=block.tobytes(), **options))


# JPEG ---------------------------------------------------------------------------------------------


def make_jpeg():
    file = encoded("JPEG", quality=95)

    def segment(data):
        return b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data

    for name, block in EXIF.items():
        xmp = b"http://ns.adobe.com/xap/1.0/\0" + XMP
        save(f"jpeg-exif-{name}.jpg",
             file[:2] + segment(b"Exif\0\0" + block) + segment(xmp) + file[20:])


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    for make in (make_png, make_gif, make_bmp, make_webp, make_avif, make_jpeg):
        make()
    expected = {}
    for path in sorted(FOLDER.iterdir()):
        if path.suffix == ".safetensors":
            continue
        with Image.open(path) as stored:
            image = ImageOps.exif_transpose(stored)
            expected[f"{path.name}/rgb"] = numpy.array(image.convert("RGB"))
            if "transparency" in image.info:
                image = image.convert("RGBA")
                white = Image.new("RGBA", image.size, "white")
                image = Image.alpha_composite(white, image).convert("RGB")
                expected[f"{path.name}/rgb.white"] = numpy.array(image)
    safetensors_io.write(FOLDER / "expected.safetensors", expected)


if __name__ == "__main__":
    main()
