#!/usr/bin/env python3
"""Figures of bulk jobs beside their targets, on an idle machine.

    PYTHON scripts/bulk_figures.py estimate [--model FOLDER] [--precision P] [--seconds 20]

PYTHON is an interpreter with siglip[bulk] and Pillow.

estimate    what `siglip bulk plan --estimate` predicts, by what `siglip bulk run` takes: within 0.85 to 1.15 for
            pictures of 200 x 200, of 640 x 480 and of 12 megapixels
"""

import argparse
import io
import itertools
import pathlib
import tarfile
import tempfile
import time

from PIL import Image, ImageFilter

from siglip.bulk.estimate import estimate
from siglip.bulk.planning import plan
from siglip.bulk.run import run

ROOT = pathlib.Path(__file__).resolve().parent.parent
EXAMPLES = sorted((ROOT / "examples" / "images").glob("*.jpg"))
SHARDS = 8
# Width, height, different pictures; they come again and again.
MIXES = {"200 x 200": (200, 200, 20), "640 x 480": (640, 480, 20), "12 MP": (4000, 3000, 8)}
LEAST, MOST = 0.85, 1.15


def make_picture(file, width, height):
    """A photograph in another size, with the detail that enlarging does not give."""
    picture = Image.open(file).convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    noise = Image.effect_noise((width, height), 24).filter(ImageFilter.GaussianBlur(1))
    picture = Image.blend(picture, Image.merge("RGB", [noise] * 3), 0.15)
    body = io.BytesIO()
    picture.save(body, "JPEG", quality=88)
    return body.getvalue()


def make_tars(folder, pictures, count):
    folder.mkdir()
    for number in range(SHARDS):
        chosen = itertools.islice(itertools.cycle(pictures), number, number + count)
        with tarfile.open(folder / f"{number:04d}.tar", "w") as tar:
            for index, data in enumerate(chosen):
                member = tarfile.TarInfo(f"{index:05d}.jpg")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))


def estimate_figures(arguments):
    wrong = 0
    for name, (width, height, different) in MIXES.items():
        pictures = [make_picture(file, width, height) for file in EXAMPLES[:different]]
        with tempfile.TemporaryDirectory(prefix="siglip-figures-") as scratch:
            folder = pathlib.Path(scratch)
            # As many as take the wanted time, which a first job of few tells.
            make_tars(folder / "few", pictures, different)
            output = str(folder / "few-out")
            options = {"model": arguments.model, "precision": arguments.precision}
            plan([str(folder / "few")], output, **options)
            first = estimate(output, seconds=3)
            each = first["predicted"]["picture_seconds"] / first["measured"]["cores"]
            count = max(1, round(arguments.seconds / each / SHARDS))
            make_tars(folder / "in", pictures, count)
            output = str(folder / "out")
            plan([str(folder / "in")], output, **options)
            told = estimate(output, seconds=arguments.seconds / 2)
            begin = time.monotonic()
            summary = run(output)
            measured = time.monotonic() - begin
            wrong += summary.exit_status != 0 or summary.rows != SHARDS * count
        predicted = told["predicted"]["hours"] * 3600
        ratio = predicted / measured
        verdict = "met" if LEAST <= ratio <= MOST else "missed"
        print(
            f"estimate {name}: {summary.rows} pictures, predicted {predicted:.1f} s, took {measured:.1f} s, "
            f"ratio {ratio:.2f} ({LEAST} to {MOST}: {verdict})",
            flush=True,
        )
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = {"estimate": estimate_figures}
    parser.add_argument("part", choices=parts)
    parser.add_argument("--model", default=str(ROOT / "models" / "demo"))
    parser.add_argument("--precision", help="default: as stored")
    parser.add_argument("--seconds", type=float, default=20.0, help="that one run shall take, about")
    arguments = parser.parse_args()
    return parts[arguments.part](arguments)


if __name__ == "__main__":
    raise SystemExit(main())
