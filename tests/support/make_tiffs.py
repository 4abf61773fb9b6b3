"""Writes tests/data/tiff: TIFF and BigTIFF pictures of all meanings of extra samples, in all
arrangements, CIELAB and YCbCr, and what Pillow makes of them.

Run with Pillow 13 installed, from anywhere:
    python tests/support/make_tiffs.py
Pillow does not read BigTIFF in big-endian order, and uncompressed planes of 16 bits not as they are
meant; what is expected of such a file are the pixels of a classic or a deflated one with the same
samples.
"""

import io

import numpy
import safetensors_io
from make_images import FOLDER, HEIGHT, WIDTH, expected_pixels, tiff

TIFFS = FOLDER.parent / "tiff"
RANDOM = numpy.random.default_rng(9)
COLOUR_MAP = (320, RANDOM.integers(0, 65536, 768).tolist())
RAW, DEFLATED = 1, 8

# name: bits, photometric interpretation, colours, extra samples, planes, compressions
KINDS = {
    "grey-unspecified": (8, 1, 1, [0], 1, (RAW, DEFLATED)),
    "grey-alpha": (8, 1, 1, [2], 1, (RAW, DEFLATED)),
    "palette-unspecified": (8, 3, 1, [0], 1, (RAW,)),
    "palette-alpha": (8, 3, 1, [2], 1, (DEFLATED,)),
    "rgb-unstated": (8, 2, 4, [], 1, (RAW, DEFLATED)),
    "rgb-unspecified": (8, 2, 3, [0], 1, (RAW, DEFLATED)),
    "rgb-associated": (8, 2, 3, [1], 1, (RAW, DEFLATED)),
    "rgb-alpha": (8, 2, 3, [2], 1, (RAW, DEFLATED)),
    "rgb-corel": (8, 2, 3, [999], 1, (RAW,)),
    "rgb-unspecified3": (8, 2, 3, [0, 0, 0], 1, (RAW,)),
    "rgb-associated3": (8, 2, 3, [1, 0, 0], 1, (DEFLATED,)),
    "rgb-alpha2": (8, 2, 3, [2, 0], 1, (RAW,)),
    "rgb16-unspecified": (16, 2, 3, [0], 1, (RAW,)),
    "rgb16-associated": (16, 2, 3, [1], 1, (RAW,)),
    "rgb16-alpha": (16, 2, 3, [2], 1, (DEFLATED,)),
    "cmyk-unspecified": (8, 5, 4, [0], 1, (RAW,)),
    "planes-unstated": (8, 2, 4, [], 2, (DEFLATED,)),
    "planes-unspecified": (8, 2, 3, [0], 2, (DEFLATED,)),
    "planes-associated": (8, 2, 3, [1], 2, (DEFLATED,)),
    "planes-alpha": (8, 2, 3, [2], 2, (RAW, DEFLATED)),
    "planes16-alpha": (16, 2, 3, [2], 2, (RAW,)),
    "planes16-associated": (16, 2, 3, [1], 2, (DEFLATED,)),
    "planes-grey-unspecified": (8, 1, 1, [0, 0], 2, (DEFLATED,)),
    "lab": (8, 8, 3, [], 1, (RAW, DEFLATED)),
    "ycbcr": (8, 6, 3, [], 1, (RAW,)),
    "ycbcr-unstated": (8, 6, 3, [], 1, (RAW,)),
    "grey32": (32, 1, 1, [], 1, (RAW,)),
}


def samples_of(bits, colours, extras):
    samples = RANDOM.integers(0, 1 << bits, (HEIGHT, WIDTH, colours + len(extras)))
    if bits == 32:
        samples[::2] %= 300
    if extras:
        alpha = samples[:, :, [colours]]
        alpha[:3], alpha[3:6] = 0, (1 << bits) - 1
        if extras[0] == 1:
            samples[:, :, :colours] = samples[:, :, :colours] * alpha // ((1 << bits) - 1)
    return samples


def main():
    TIFFS.mkdir(parents=True, exist_ok=True)
    expected = {}
    for index, (kind, fields) in enumerate(KINDS.items()):
        bits, photometric, colours, extras, planar, compressions = fields
        more = [(338, extras)] if extras else []
        if photometric == 3:
            more.append(COLOUR_MAP)
        if kind == "ycbcr":
            more.append((530, [1, 1]))
        for compression in compressions:
            samples = samples_of(bits, colours, extras)
            for order, big in (("<", False), ("<", True), (">", True)):
                if kind == "grey32" and order == ">":
                    continue  # read by Pillow in neither form
                # Strips and tiles in turn.
                tile = 16 if (index + compression + big) % 2 and kind != "ycbcr-unstated" else None
                options = {"planar": planar, "tile": tile, "more": more, "compression": compression}
                data = tiff(samples, bits, photometric, order, big=big, **options)
                name = f"{kind}-{'raw' if compression == RAW else 'deflated'}"
                name += f"{'-big' if big else ''}{'-mm' if order == '>' else ''}.tiff"
                (TIFFS / name).write_bytes(data)
                if planar == 2 and bits == 16:
                    options["compression"] = DEFLATED
                readable = tiff(samples, bits, photometric, order, big=big and order == "<",
                                **options)
                expected.update(expected_pixels(name, io.BytesIO(readable)))
    safetensors_io.write(TIFFS / "expected.safetensors", expected)


if __name__ == "__main__":
    main()
