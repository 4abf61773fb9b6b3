"""Writes tests/data/images: small pictures of every kind, and what Pillow makes of them.

Run with Pillow 13 installed, from anywhere:
    python tests/support/make_images.py
Pillow cannot write JPEG of unusual subsampling or with arithmetic coding: jpeg-*.jpg were written
by libjpeg-turbo and are kept as they are. The HEIC pictures, which Pillow cannot read, were
written by libheif and have no expected values here.
"""

import pathlib
import struct
import warnings
import zlib

import numpy
import safetensors_io
from PIL import Image, ImageOps, PngImagePlugin

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "data" / "images"
WIDTH, HEIGHT = 23, 17
RANDOM = numpy.random.default_rng(20)


def noise(channels, largest=255):
    return RANDOM.integers(0, largest + 1, (HEIGHT, WIDTH, channels))


def smooth(channels=3):
    y, x = numpy.mgrid[0:HEIGHT, 0:WIDTH]
    waves = [numpy.sin(x / (5 + i)) + numpy.cos(y / (7 + 2 * i)) for i in range(channels)]
    return numpy.clip(numpy.stack(waves, -1) * 60 + 128, 0, 255).astype(numpy.uint8)


def colour(mode="RGB"):
    return Image.fromarray(smooth(len(mode)), mode)


def pack(row, bits, order=">"):
    """Samples of one row as bytes; those below 8 bits most significant first."""
    if bits >= 8:
        return row.astype(f"{order}u{bits // 8}").tobytes()
    text = "".join(format(int(value), f"0{bits}b") for value in row.reshape(-1))
    text += "0" * (-len(text) % 8)
    return bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))


def save(name, data):
    (FOLDER / name).write_bytes(data)


# PNG ----------------------------------------------------------------------------------------------

ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2)]
ADAM7 += [(0, 1, 1, 2)]


def png_chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(samples, bits, colour_type, palette=None, transparency=None, interlaced=False):
    passes = [samples]
    if interlaced:
        passes = [samples[y::dy, x::dx] for x, y, dx, dy in ADAM7]
    rows = b"".join(b"\0" + pack(row, bits) for part in passes if part.size for row in part)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, colour_type, 0, 0, int(interlaced))
    chunks = png_chunk(b"IHDR", header)
    if palette is not None:
        chunks += png_chunk(b"PLTE", palette)
    if transparency is not None:
        chunks += png_chunk(b"tRNS", transparency)
    chunks += png_chunk(b"IDAT", zlib.compress(rows, 9)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def make_png():
    for bits, colour_type, channels in [
        (1, 0, 1), (2, 0, 1), (4, 0, 1), (8, 0, 1), (16, 0, 1), (8, 2, 3), (16, 2, 3), (1, 3, 1),
        (2, 3, 1), (4, 3, 1), (8, 3, 1), (8, 4, 2), (16, 4, 2), (8, 6, 4), (16, 6, 4),
    ]:  # fmt: skip
        samples = noise(channels, (1 << bits) - 1 if (bits, colour_type) != (16, 0) else 400)
        palette = transparency = None
        if colour_type == 0:
            transparency = struct.pack(">H", samples[0, 0, 0])
        if colour_type == 2:
            transparency = struct.pack(">3H", *samples[0, 0])
        if colour_type == 3:
            palette = noise(1)[:, :, 0].astype(numpy.uint8).tobytes()[: 3 * min(1 << bits, 40)]
            transparency = bytes([0, 128, 255, 7][: len(palette) // 3])
        for interlaced in (False, True):
            name = f"png-{bits}-{colour_type}{'-interlaced' if interlaced else ''}.png"
            save(name, png(samples, bits, colour_type, palette, transparency, interlaced))
    frames = [Image.fromarray(noise(4).astype(numpy.uint8), "RGBA") for _ in range(2)]
    frames[0].save(FOLDER / "png-animated.png", save_all=True, append_images=frames[1:])


# BMP ----------------------------------------------------------------------------------------------


def bmp(bits, data, palette=b"", header=40, compression=0, masks=b"", top_down=False):
    if header == 12:
        fields = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, bits)
    else:
        height = -HEIGHT if top_down else HEIGHT
        fields = struct.pack("<IiiHHIIiiII", header, WIDTH, height, 1, bits, compression,
                             len(data), 0, 0, 0, 0)  # fmt: skip
        fields += masks + bytes(max(0, header - 40 - len(masks)))
    offset = 14 + len(fields) + len(palette)
    return b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset) + fields + palette + data


def run_lengths(bits):
    """Runs, literal pixels, skips and row ends, in turn."""
    data = b""
    for row in range(HEIGHT):
        data += bytes([7, RANDOM.integers(0, 256), 0, 5])
        data += bytes(RANDOM.integers(0, 256, 3 if bits == 4 else 5).tolist()) + b"\0"
        data += bytes([0, 2, 4, 0, WIDTH - 16 + row % 3, 0x5A, 0, 0])
    return data + b"\0\1"


def make_bmp():
    for bits in (1, 4, 8, 16, 24, 32):
        data = RANDOM.bytes((WIDTH * bits + 31) // 32 * 4 * HEIGHT)
        colours = 1 << bits if bits <= 8 else 0
        save(f"bmp-{bits}.bmp", bmp(bits, data, RANDOM.bytes(4 * colours), 124, top_down=bits == 8))
        save(f"bmp-os2-{bits}.bmp", bmp(bits, data, RANDOM.bytes(3 * colours), 12))
    for name, bits, header, masks in [
        ("565", 16, 40, (0xF800, 0x7E0, 0x1F)),
        ("555", 16, 56, (0x7C00, 0x3E0, 0x1F, 0)),
        ("rgba", 32, 108, (0xFF, 0xFF00, 0xFF0000, 0xFF000000)),
        ("bgra", 32, 124, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
        ("xbgr", 32, 52, (0xFF000000, 0xFF0000, 0xFF00)),
    ]:
        data = RANDOM.bytes((WIDTH * bits + 31) // 32 * 4 * HEIGHT)
        packed = struct.pack(f"<{len(masks)}I", *masks)
        save(f"bmp-fields-{name}.bmp", bmp(bits, data, header=header, compression=3, masks=packed))
    save("bmp-rle4.bmp", bmp(4, run_lengths(4), RANDOM.bytes(64), compression=2))
    save("bmp-rle8.bmp", bmp(8, run_lengths(8), RANDOM.bytes(1024), compression=1))


# TIFF ---------------------------------------------------------------------------------------------


def tiff_blocks(plane, bits, order, tile, rows_per_strip):
    if tile is None:
        parts = [plane[y : y + rows_per_strip] for y in range(0, HEIGHT, rows_per_strip)]
    else:
        padding = [(0, -HEIGHT % tile), (0, -WIDTH % tile), (0, 0)]
        full = numpy.pad(plane, padding)
        parts = [
            full[y : y + tile, x : x + tile]
            for y in range(0, HEIGHT, tile)
            for x in range(0, WIDTH, tile)
        ]
    return [b"".join(pack(row, bits, order) for row in part) for part in parts]


def tiff(samples, bits, photometric, order="<", planar=1, tile=None, rows_per_strip=5, more=(),
         compression=8, big=False):
    """A TIFF or BigTIFF file, deflated or, with compression 1, as it is."""
    channels = samples.shape[2]
    planes = [samples] if planar == 1 else [samples[:, :, [i]] for i in range(channels)]
    blocks = [b for plane in planes for b in tiff_blocks(plane, bits, order, tile, rows_per_strip)]
    if compression == 8:
        blocks = [zlib.compress(block, 9) for block in blocks]
    body, offsets = b"", []
    for block in blocks:
        offsets.append((16 if big else 8) + len(body))
        body += block + b"\0" * (len(block) % 2)
    lengths = [len(block) for block in blocks]
    entries = [(256, [WIDTH]), (257, [HEIGHT]), (258, [bits] * channels), (259, [compression])]
    entries += [(262, [photometric]), (277, [channels]), (284, [planar]), *more]
    if tile is None:
        entries += [(273, offsets), (278, [rows_per_strip]), (279, lengths)]
    else:
        entries += [(322, [tile]), (323, [tile]), (324, offsets), (325, lengths)]
    count, word = ("Q", "Q") if big else ("H", "I")
    in_place = struct.calcsize(word)
    start = (16 if big else 8) + len(body)
    directory, values = struct.pack(order + count, len(entries)), b""
    values_at = start + len(directory) + (4 + 2 * in_place) * len(entries) + in_place
    for tag, numbers in sorted(entries):
        data = struct.pack(f"{order}{len(numbers)}H", *numbers)
        directory += struct.pack(order + "HH" + word, tag, 3, len(numbers))
        if len(data) <= in_place:
            directory += data.ljust(in_place, b"\0")
        else:
            directory += struct.pack(order + word, values_at + len(values))
            values += data
    magic = b"II" if order == "<" else b"MM"
    magic += struct.pack(order + "HHH", 43, 8, 0) if big else struct.pack(order + "H", 42)
    return magic + struct.pack(order + word, start) + body + directory + bytes(in_place) + values


def make_tiff():
    colour_map = (320, RANDOM.integers(0, 65536, 768).tolist())
    for name, channels, bits, photometric, options in [
        ("grey1-white0", 1, 1, 0, {}),
        ("grey2", 1, 2, 1, {}),
        ("grey4-white0", 1, 4, 0, {"tile": 16}),
        ("grey16", 1, 16, 1, {}),
        ("grey-alpha", 2, 8, 1, {"more": [(338, [2])]}),
        ("palette-alpha", 2, 8, 3, {"more": [colour_map, (338, [2])]}),
        ("palette", 1, 8, 3, {"more": [colour_map], "tile": 16}),
        ("rgb16", 3, 16, 2, {"order": ">"}),
        ("rgba-premultiplied", 4, 8, 2, {"more": [(338, [1])]}),
        ("rgba-unstated", 4, 8, 2, {}),
        ("rgbx", 4, 8, 2, {"more": [(338, [0])]}),
        ("planes", 3, 8, 2, {"planar": 2, "tile": 16}),
        ("planes-alpha16", 4, 16, 2, {"planar": 2, "more": [(338, [2])]}),
        ("cmyk", 4, 8, 5, {}),
        ("ycbcr", 3, 8, 6, {"more": [(530, [1, 1])]}),
    ]:
        largest = 500 if name == "grey16" else (1 << bits) - 1
        save(f"tiff-{name}.tiff", tiff(noise(channels, largest), bits, photometric, **options))
    for name, mode, compression in [
        ("lzw", "RGB", "tiff_lzw"),
        ("packbits", "P", "packbits"),
        ("jpeg", "RGB", "jpeg"),
        ("group3", "1", "group3"),
        ("group4", "1", "group4"),
        ("uncompressed", "RGBA", "raw"),
        ("float", "F", "raw"),
    ]:
        image = colour("RGBA").convert("RGB").convert(mode)
        image.save(FOLDER / f"tiff-{name}.tiff", compression=compression)
    colour().save(FOLDER / "tiff-big.tiff", big_tiff=True)


# The rest -----------------------------------------------------------------------------------------


def make_pnm():
    for largest in (1, 100, 255, 1000, 65535):
        for kind, channels in ((2, 1), (3, 3)):
            samples = noise(channels, largest)
            text = "\n".join(" ".join(map(str, row.reshape(-1))) for row in samples)
            header = f"P{kind} # comment\n{WIDTH} {HEIGHT}\n{largest}\n"
            save(f"pnm-plain-{kind}-{largest}.pnm", (header + text + "\n").encode())
            binary = pack(samples, 16 if largest > 255 else 8)
            header = f"P{kind + 3}\n{WIDTH} {HEIGHT}\n{largest}\n"
            save(f"pnm-binary-{kind}-{largest}.pnm", header.encode() + binary)
    bits = noise(1, 1)
    text = "\n".join("".join(map(str, row.reshape(-1))) for row in bits)
    save("pnm-plain-1.pnm", f"P1\n{WIDTH} {HEIGHT}\n{text}".encode())
    save("pnm-binary-1.pnm", f"P4\n{WIDTH} {HEIGHT}\n".encode() + b"".join(pack(r, 1) for r in bits))


def make_gif():
    few = colour().quantize(20)
    few.save(FOLDER / "gif-interlaced.gif", transparency=3)
    few.save(FOLDER / "gif-plain.gif", interlace=0)
    colour().convert("L").save(FOLDER / "gif-grey.gif", transparency=100)
    frames = [Image.fromarray(noise(3).astype(numpy.uint8)).quantize(8) for _ in range(2)]
    frames[0].save(FOLDER / "gif-animated.gif", save_all=True, append_images=frames[1:], disposal=2)
    data = bytearray((FOLDER / "gif-interlaced.gif").read_bytes())
    frame = data.find(b"," + struct.pack("<4H", 0, 0, WIDTH, HEIGHT))
    data[frame + 1 : frame + 5] = struct.pack("<2H", 5, 3)
    save("gif-beyond-canvas.gif", data)
    data[6:10] = struct.pack("<2H", WIDTH + 9, HEIGHT + 8)
    save("gif-inside-canvas.gif", data)


def make_webp():
    rgba = Image.fromarray(noise(4).astype(numpy.uint8), "RGBA")
    rgba.save(FOLDER / "webp-lossy-alpha.webp", quality=60)
    rgba.save(FOLDER / "webp-lossless-alpha.webp", lossless=True, exact=True)
    part = numpy.zeros((HEIGHT, WIDTH, 4), numpy.uint8)
    part[4:9, 6:20] = [200, 100, 50, 255]
    second = part.copy()
    second[10:, 3:] = [9, 99, 200, 128]
    frames = [Image.fromarray(part), Image.fromarray(second)]
    for lossless in (False, True):
        name = f"webp-animated-{'lossless' if lossless else 'lossy'}.webp"
        frames[0].save(FOLDER / name, save_all=True, append_images=frames[1:], lossless=lossless,
                       minimize_size=True)  # fmt: skip


def make_avif():
    for subsampling in ("4:2:0", "4:2:2", "4:4:4", "4:0:0"):
        name = f"avif-{subsampling.replace(':', '')}.avif"
        colour().save(FOLDER / name, subsampling=subsampling, range="limited")
    colour("RGBA").save(FOLDER / "avif-alpha.avif")
    colour("RGBA").save(FOLDER / "avif-premultiplied.avif", alpha_premultiplied=True)


def make_orientations():
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x112] = orientation
        for ending in ("jpg", "png", "webp", "tiff", "avif"):
            more = {"lossless": True} if ending == "webp" else {}
            colour().save(FOLDER / f"orientation-{orientation}.{ending}", exif=exif, **more)
    xmp = b'<rdf:Description tiff:Orientation="6"/>'
    for ending in ("jpg", "webp"):
        colour().save(FOLDER / f"orientation-xmp.{ending}", xmp=xmp)
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", xmp.decode(), zip=True)
    colour().save(FOLDER / "orientation-xmp.png", pnginfo=text)
    exif = Image.Exif()
    exif[0x112] = 8
    raw = exif.tobytes()
    text = PngImagePlugin.PngInfo()
    text.add_text("Raw profile type exif", f"\nexif\n{len(raw):8}\n{raw.hex()}\n", zip=True)
    colour().save(FOLDER / "orientation-raw-profile.png", pnginfo=text)


def make_jpeg():
    ink = Image.fromarray(noise(4).astype(numpy.uint8), "CMYK")
    ink.save(FOLDER / "cmyk-progressive.jpg", progressive=True)
    colour().save(FOLDER / "rgb-stored.jpg", keep_rgb=True)
    colour().save(FOLDER / "restarts.jpg", restart_marker_blocks=1, subsampling=1)
    colour().convert("L").save(FOLDER / "grey-progressive.jpg", progressive=True)


def on_white(image):
    """transformers.image_transforms.convert_to_rgb."""
    if "A" in image.getbands() or image.info.get("transparency") is not None:
        image = image.convert("RGBA")
        background = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(background, image)
    return image.convert("RGB")


def expected_pixels(name, file):
    """What Pillow reads, without alpha and, where that differs, on white."""
    with Image.open(file) as stored:
        image = ImageOps.exif_transpose(stored)
        drop, white = numpy.array(image.convert("RGB")), numpy.array(on_white(image))
    same = numpy.array_equal(drop, white)
    return {f"{name}/rgb": drop} | ({} if same else {f"{name}/rgb.white": white})


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    for make in (make_png, make_bmp, make_tiff, make_pnm, make_gif, make_webp, make_avif,
                 make_orientations, make_jpeg):  # fmt: skip
        make()
    expected = {}
    for path in sorted(FOLDER.iterdir()):
        if path.suffix not in (".safetensors", ".heic"):
            expected.update(expected_pixels(path.name, path))
    safetensors_io.write(FOLDER / "expected.safetensors", expected)


if __name__ == "__main__":
    main()
