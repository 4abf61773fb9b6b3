#!/usr/bin/env python3
"""Damages pictures of every format and compares what siglip reads of them with Pillow 13.

    build/python-env/bin/python scripts/damage_pictures.py                  1,400 pictures
    build/python-env/bin/python scripts/damage_pictures.py --trials 100 --seed 7 --save found

Needs Pillow 13, which scripts/python_env.sh provides. Pillow writes the pictures; bytes of them are
changed, lost, repeated and put in, by a seed: the same seed and number give the same file. Each is
decoded by Pillow (turned upright, converted to RGB) and by `siglip preprocess --rgb`.

What Pillow reads and siglip refuses, or reads to other pixels, is listed with its reason; --save
keeps these files. The status is 1 where a reason is missing, where siglip crashes or where it takes
longer than --timeout. What siglip reads and Pillow refuses is counted only: metadata and what
follows the pixels never fail a picture here.
"""

import argparse
import collections
import concurrent.futures
import contextlib
import io
import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
import warnings
import zlib
from pathlib import Path

from PIL import Image, ImageOps

ROOT = Path(__file__).resolve().parent.parent
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "AVIF")

# Pillow reads it, siglip does not or differently, and that is as it should be: which formats, what
# siglip says (OTHER where it reads other pixels), and why.
OTHER = "other pixels"
REASONS = (
    ("PNG", "Not enough image data", "rows are missing, which Pillow leaves black"),
    ("PNG", "unhandled critical chunk", "an unknown chunk is said to be needed for understanding"),
    ("PNG", "Invalid IHDR data", "a method of compression or interlacing that does not exist"),
    ("AVIF", "BMFF parsing failed", "libavif 0.11 does not know boxes that reach to the end"),
    ("GIF", "Image is defective|Image EOF detected",
     "pixels are missing before the end of codes or blocks, behind which Pillow reads on"),
    ("BMP", OTHER, "Pillow reads bits where a grey palette of two is too small for its pixels"),
    ("JPEG", OTHER, "libjpeg-turbo 3, which Pillow brings, guesses what is lost a little otherwise"),
    ("TIFF", "expected at least .* bytes of pixels", "rows are missing, which Pillow leaves black"),
    ("TIFF", "malformed TIFF", "libtiff 4.5 refuses a directory of which Pillow looks at less"),
    ("", "resize: input .* must be 1 to", "sides above 65,536 pixels are not resized"),
)

# The pictures -------------------------------------------------------------------------------------


def drawing(mode, width=61, height=43):
    """Waves and some noise, which neither compress too well nor too badly."""
    noise = random.Random(5)
    image = Image.new("RGBA", (width, height))
    image.putdata([
        (x * 255 // width, y * 255 // height, (x * y // 3 + noise.randrange(24)) % 256,
         255 if (x // 8 + y // 8) % 3 else 90)
        for y in range(height) for x in range(width)])  # fmt: skip
    if mode == "P":
        return image.convert("RGB").quantize(60)
    if mode == "I;16":
        return image.convert("I").convert("I;16")
    return image.convert(mode)


def turned(orientation=6):
    exif = Image.Exif()
    exif[0x10F] = "a maker of cameras"
    exif[0x112] = orientation
    return exif


def pictures():
    """Names and bytes."""
    xmp = b'<rdf:Description tiff:Orientation="3"/>'
    plans = [("PNG", mode, {}) for mode in ("RGB", "RGBA", "L", "LA", "P", "1", "I;16")]
    plans += [("PNG", "RGB", {"compress_level": 0}), ("PNG", "RGB", {"exif": turned()})]
    plans += [("PNG", "P", {"transparency": 3, "bits": 8})]
    plans += [("JPEG", mode, {"quality": 90}) for mode in ("RGB", "L", "CMYK")]
    plans += [("JPEG", "RGB", {"progressive": True}), ("JPEG", "RGB", {"exif": turned()})]
    plans += [("JPEG", "RGB", {"subsampling": 0, "restart_marker_blocks": 3})]
    plans += [("GIF", mode, {}) for mode in ("P", "L")]
    plans += [("GIF", "P", {"interlace": 0}), ("GIF", "P", {"transparency": 2})]
    plans += [("GIF", "P", {"save_all": True, "append_images": [drawing("P", 30, 20)]})]
    plans += [("WEBP", mode, {"lossless": True}) for mode in ("RGB", "RGBA")]
    plans += [("WEBP", mode, {"quality": 80}) for mode in ("RGB", "RGBA")]
    plans += [("WEBP", "RGB", {"lossless": True, "exif": turned(), "xmp": xmp})]
    plans += [("WEBP", "RGBA", {"save_all": True, "append_images": [drawing("L")]})]
    plans += [("TIFF", mode, {}) for mode in ("RGB", "RGBA", "L", "P", "1", "I;16", "CMYK")]
    plans += [("TIFF", "RGB", {"compression": name})
              for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")]  # fmt: skip
    plans += [("TIFF", "1", {"compression": "group4"}), ("TIFF", "RGB", {"exif": turned()})]
    plans += [("TIFF", "RGB", {"big_tiff": True})]
    plans += [("AVIF", mode, {"quality": 80, "speed": 10}) for mode in ("RGB", "RGBA", "L")]
    plans += [("AVIF", "RGB", {"quality": 80, "speed": 10, "exif": turned(), "xmp": xmp})]
    plans += [("BMP", mode, {}) for mode in ("RGB", "RGBA", "L", "P", "1")]
    plans += [("PPM", mode, {}) for mode in ("RGB", "L", "1", "I;16")]
    for number, (kind, mode, options) in enumerate(plans):
        stream = io.BytesIO()
        drawing(mode).save(stream, kind, **options)
        words = [kind.lower(), mode.replace(";", "-"), *options]
        yield kind, f"{number:02}-" + "-".join(words), stream.getvalue()


# The damage ---------------------------------------------------------------------------------------


def somewhere(chance, size):
    """A place in a file: anywhere, or where formats keep what matters most."""
    where = chance.randrange(4)
    if where == 0:
        return chance.randrange(min(size, 64))
    if where == 1:
        return size - 1 - chance.randrange(min(size, 40))
    return chance.randrange(size)


def flip_bits(chance, data):
    for _ in range(chance.choice((1, 1, 2, 5))):
        data[somewhere(chance, len(data))] ^= 1 << chance.randrange(8)


def change_bytes(chance, data):
    for _ in range(chance.choice((1, 1, 3, 8))):
        data[somewhere(chance, len(data))] = chance.choice((0, 1, 127, 255, chance.randrange(256)))


def cut(chance, data):
    del data[somewhere(chance, len(data)) :]


def lose_bytes(chance, data):
    at = somewhere(chance, len(data))
    del data[at : at + chance.choice((1, 2, 7, 100))]


def put_in(chance, data):
    at = somewhere(chance, len(data))
    count = chance.choice((1, 2, 7, 100))
    data[at:at] = bytes(count) if chance.randrange(2) else chance.randbytes(count)


def repeat_bytes(chance, data):
    at, count = somewhere(chance, len(data)), chance.choice((1, 4, 30))
    data[at:at] = data[at : at + count]


def clear_bytes(chance, data):
    at = somewhere(chance, len(data))
    for i in range(at, min(len(data), at + chance.choice((4, 16, 64)))):
        data[i] = 0


def repair_checksums(data):
    """Those of PNG chunks, without which damage inside them would not be looked at."""
    at = 8
    while at + 12 <= len(data):
        (length,) = struct.unpack(">L", data[at : at + 4])
        end = at + 8 + length
        if end + 4 > len(data):
            return
        data[end : end + 4] = struct.pack(">L", zlib.crc32(data[at + 4 : end]))
        at = end + 4


DAMAGES = (flip_bits, flip_bits, change_bytes, change_bytes, cut, cut, lose_bytes, put_in,
           repeat_bytes, clear_bytes)  # fmt: skip


def damaged(chance, kind, original):
    """What was done, and the bytes that are left."""
    data = bytearray(original)
    damage = chance.choice(DAMAGES)
    damage(chance, data)
    name = damage.__name__
    if kind == "PNG" and chance.randrange(2):
        repair_checksums(data)
        name += " and repair_checksums"
    return name, bytes(data)


# The comparison -----------------------------------------------------------------------------------


def read_by_pillow(path):
    """(height, width), pixels; or None and what Pillow says."""
    try:
        # From memory: pixels that Pillow maps from a file are those of another picture where TIFF
        # turns them.
        with Image.open(io.BytesIO(path.read_bytes()), formats=FORMATS) as stored:
            image = ImageOps.exif_transpose(stored).convert("RGB")
        return (image.height, image.width), image.tobytes()
    except Exception as error:  # Pillow throws errors of many types over damaged files
        return None, f"{type(error).__name__}: {error}"


def read_safetensors(path):
    """The decoded picture of a file by siglip preprocess --rgb."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if name.endswith("/rgb"):
            begin, end = entry["data_offsets"]
            return tuple(entry["shape"][:2]), data[8 + length + begin : 8 + length + end]
    raise ValueError("siglip wrote no decoded picture")


class Crash(Exception):
    """siglip ended otherwise than by success or a message."""


def read_by_siglip(program, path, timeout):
    output = path.with_suffix(".safetensors")
    command = [program, "preprocess", "--model", ROOT / "models" / "demo", "--alpha", "drop",
               "--rgb", "--force", "--output", output, path]  # fmt: skip
    try:
        result = subprocess.run(command, capture_output=True, text=True, errors="replace",
                                timeout=timeout, check=False)  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Crash(f"still running after {timeout} s") from None
    if result.returncode == 0:
        picture = read_safetensors(output)
        output.unlink()
        return picture
    said = [line for line in result.stderr.splitlines() if line.startswith("siglip: ")]
    if result.returncode != 1 or not said or re.search("internal error|Sanitizer", result.stderr):
        raise Crash(f"status {result.returncode}: {result.stderr[-2000:].strip()}")
    return None, said[0].replace(f"siglip: {path}: ", "")


def compare(program, path, timeout):
    """The kind of outcome and what is to be said about it."""
    expected, pixels = read_by_pillow(path)
    try:
        found, answer = read_by_siglip(program, path, timeout)
    except Crash as crash:
        return "crashes", str(crash)
    if expected is None:
        return ("both refuse", "") if found is None else ("siglip only", pixels)
    if found is None:
        return "Pillow only", answer
    if found != expected:
        return OTHER, f"{found} instead of {expected}"
    if answer == pixels:
        return "both read", ""
    differences = [abs(a - b) for a, b in zip(answer, pixels)]
    return OTHER, f"{sum(d > 0 for d in differences)} values, by {max(differences)} at most"


def reason_for(kind, outcome, said):
    for known_kind, pattern, reason in REASONS:
        if known_kind in ("", kind) and re.search(pattern, OTHER if outcome == OTHER else said):
            return reason
    return None


OUTCOMES = ("both read", "both refuse", "siglip only", "Pillow only", OTHER, "crashes")


def run(arguments, folder):
    """Counts of outcomes by format, and lines about what is not as in Pillow."""
    originals = list(pictures())

    def attempt(number):
        chance = random.Random(f"{arguments.seed}/{number}")
        kind, name, original = originals[number % len(originals)]
        # A round of pictures as they are: what differs there is no matter of damage.
        undamaged = number < len(originals)
        damage, data = ("nothing", original) if undamaged else damaged(chance, kind, original)
        path = folder / f"{number}-{name}"
        path.write_bytes(data)
        outcome, said = compare(arguments.siglip, path, arguments.timeout)
        if arguments.save and outcome not in OUTCOMES[:3]:
            (arguments.save / path.name).write_bytes(data)
        path.unlink()
        return kind, outcome, f"{path.name} ({damage})", said

    counts = collections.Counter()
    lines, unexplained = [], 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for kind, outcome, name, said in pool.map(attempt, range(arguments.trials)):
            counts[kind, outcome] += 1
            if outcome in OUTCOMES[:3]:
                continue
            reason = None if outcome == "crashes" else reason_for(kind, outcome, said)
            unexplained += reason is None
            lines.append(f"{outcome}: {name}: {said}\n    {reason or 'NO REASON IS KNOWN'}")
    return counts, lines, unexplained


@contextlib.contextmanager
def silenced():
    """The libraries inside Pillow write to standard error what they think of damaged files."""
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--siglip", default=ROOT / "build/release/apps/cli/siglip", type=Path)
    parser.add_argument("--trials", default=1400, type=int)
    parser.add_argument("--seed", default=1, type=int)
    parser.add_argument("--timeout", default=60.0, type=float, help="seconds for each picture")
    parser.add_argument("--save", type=Path, help="folder for the pictures that are listed")
    arguments = parser.parse_args()
    if not Image.__version__.startswith("13."):
        parser.error(f"expected Pillow 13, found {Image.__version__}")
    if arguments.save:
        arguments.save.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    Image.init()
    with tempfile.TemporaryDirectory(prefix="siglip-damage-") as folder, silenced():
        counts, lines, unexplained = run(arguments, Path(folder))
    print(f"{'':6}" + "".join(f"{outcome:>13}" for outcome in OUTCOMES))
    for kind in sorted({kind for kind, _ in counts}):
        print(f"{kind:6}" + "".join(f"{counts[kind, outcome]:13}" for outcome in OUTCOMES))
    print(*lines, sep="\n")
    print(f"{arguments.trials} damaged pictures, {len(lines)} not as in Pillow, "
          f"{unexplained} of them without a reason")  # fmt: skip
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
