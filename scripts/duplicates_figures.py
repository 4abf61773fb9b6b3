#!/usr/bin/env python3
"""Makes variants of pictures and counts which of them siglip duplicates finds.

    build/python-env/bin/python scripts/duplicates_figures.py --siglip build/release/apps/cli/siglip
    ... scripts/duplicates_figures.py --model DIR|NAME --thresholds 0.85 0.9 0.95 PICTURE_FOLDER...

Needs Pillow, which scripts/python_env.sh provides. Without folders, the pictures are those of
examples/images and tests/golden/demo-model-eval, and the model is the demo's.

A variant is found where it is in one group with its source. Wrong is a file whose group's first comes from
another source; precision is the share of files beside the first that are not wrong. What a kind is meant to
find is marked with "*", and recall is the share of these that is found. Sources count as different pictures,
though some look alike.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

try:
    from PIL import Image, ImageEnhance, ImageOps
except ImportError:
    sys.exit("duplicates_figures: needs Pillow: scripts/python_env.sh, then build/python-env/bin/python")

ROOT = pathlib.Path(__file__).resolve().parent.parent
ENDINGS = (".jpg", ".jpeg", ".png", ".webp")
KINDS = ("same-bytes", "same-picture", "similar")


def crop(image, share):
    """Without so much of each side."""
    width, height = image.size
    x, y = round(width * share), round(height * share)
    return image.crop((x, y, width - x, height - y))


def scale(image, factor):
    return image.resize([max(1, round(side * factor)) for side in image.size], Image.Resampling.LANCZOS)


# name -> (the first kind that is meant to find it, ending, options of the file, what is done)
VARIANTS = {
    "copy": ("same-bytes", None, {}, None),
    "JPEG, quality 85": ("same-picture", "jpg", {"quality": 85}, lambda image: image),
    "JPEG, quality 40": ("same-picture", "jpg", {"quality": 40}, lambda image: image),
    "WebP, quality 70": ("same-picture", "webp", {"quality": 70}, lambda image: image),
    "half the size": ("same-picture", "png", {}, lambda image: scale(image, 0.5)),
    "twice the size": ("same-picture", "jpg", {"quality": 90}, lambda image: scale(image, 2)),
    "cropped by 2% a side": ("similar", "png", {}, lambda image: crop(image, 0.02)),
    "cropped by 10% a side": ("similar", "png", {}, lambda image: crop(image, 0.1)),
    "mirrored": ("similar", "png", {}, ImageOps.mirror),
    "brighter by a quarter": ("similar", "png", {}, lambda image: ImageEnhance.Brightness(image).enhance(1.25)),
    "half as colourful": ("similar", "png", {}, lambda image: ImageEnhance.Color(image).enhance(0.5)),
    "turned by 3 degrees": ("similar", "png", {}, lambda image: image.rotate(3, Image.Resampling.BICUBIC)),
}


def make_set(sources, folder, seed):
    """Writes sources and variants under names without meaning; returns name -> (source, variant)."""
    names = list(range(len(sources) * (len(VARIANTS) + 1)))
    random.Random(seed).shuffle(names)
    made = {}
    for number, source in enumerate(sources):
        with Image.open(source) as opened:
            image = ImageOps.exif_transpose(opened).convert("RGB")
        for variant in (None, *VARIANTS):
            _, ending, options, change = VARIANTS.get(variant, (None, None, {}, None))
            path = folder / f"{names.pop():06}.{ending or source.suffix[1:]}"
            if change is None:
                shutil.copy(source, path)
            else:
                change(image).save(path, **options)
            made[str(path)] = (number, variant)
    return made


def find(arguments, index, kind, threshold=None):
    words = ["duplicates", "--index", index, "--json", "--kind", kind]
    if threshold is not None:
        words += ["--threshold", str(threshold)]
    result = subprocess.run([arguments.siglip, *map(str, words)], check=True, capture_output=True, text=True)
    return [[file["path"] for file in json.loads(line)["files"]] for line in result.stdout.splitlines()]


def is_meant(kind, variant):
    return KINDS.index(VARIANTS[variant][0]) <= KINDS.index(kind)


class Count:
    """What was found by one kind, with one threshold."""

    def __init__(self, groups, made, kind):
        self.kind = kind
        self.found, self.all = collections.Counter(), collections.Counter()
        self.spare = self.wrong = 0
        together = {}
        for group in groups:
            for path in group:
                together[path] = group
            self.spare += len(group) - 1
            self.wrong += sum(made[path][0] != made[group[0]][0] for path in group[1:])
        originals = {source: path for path, (source, variant) in made.items() if variant is None}
        for path, (source, variant) in made.items():
            if variant is None:
                continue
            self.all[variant] += 1
            group = together.get(path)
            self.found[variant] += group is not None and originals[source] in group

    def precision(self):
        return 1 - self.wrong / self.spare if self.spare else float("nan")

    def recall(self):
        meant = [variant for variant in VARIANTS if is_meant(self.kind, variant)]
        return sum(self.found[v] for v in meant) / sum(self.all[v] for v in meant)


def report(made, counts):
    print(f"{len(made)} files of {len({source for source, _ in made.values()})} pictures\n")
    print(f"{'with its source':24}" + "".join(f"{count.kind:>14}" for count in counts))
    for variant in VARIANTS:
        cells = (f"{count.found[variant] / count.all[variant]:.1%}" + " *"[is_meant(count.kind, variant)]
                 for count in counts)
        print(f"{variant:24}" + "".join(f"{cell:>14}" for cell in cells))
    print(f"{'recall of *':24}" + "".join(f"{count.recall():13.1%} " for count in counts))
    print(f"{'precision':24}" + "".join(f"{count.precision():13.1%} " for count in counts))
    print(f"{'wrong of files':24}" + "".join(f"{f'{count.wrong} of {count.spare}':>13} " for count in counts))


def main():
    parser = argparse.ArgumentParser(description="Counts which duplicates siglip finds.")
    parser.add_argument("folders", nargs="*", type=pathlib.Path,
                        default=[ROOT / "examples" / "images", ROOT / "tests" / "golden" / "demo-model-eval"])
    parser.add_argument("--siglip", default=str(ROOT / "build" / "release" / "apps" / "cli" / "siglip"))
    parser.add_argument("--model", default=str(ROOT / "models" / "demo"))
    parser.add_argument("--thresholds", type=float, nargs="*", default=[0.8, 0.85, 0.88, 0.9, 0.92, 0.94, 0.96, 0.98],
                        help="of similar and same-picture")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.siglip = os.path.abspath(arguments.siglip)
    sources = sorted(path for folder in arguments.folders for path in folder.rglob("*")
                     if path.suffix.lower() in ENDINGS)
    with tempfile.TemporaryDirectory(prefix="siglip-duplicates-") as name:
        folder, index = pathlib.Path(name) / "pictures", pathlib.Path(name) / "index"
        folder.mkdir()
        made = make_set(sources, folder, arguments.seed)
        subprocess.run([arguments.siglip, "index", "--quiet", "--index", index, "--model", arguments.model, folder],
                       check=True)
        report(made, [Count(find(arguments, index, kind), made, kind) for kind in KINDS])
        for kind in KINDS[1:]:
            print(f"\n{kind:14}{'precision':>11}{'recall':>9}{'wrong':>7}")
            for threshold in arguments.thresholds:
                count = Count(find(arguments, index, kind, threshold), made, kind)
                print(f"{threshold:<14}{count.precision():11.1%}{count.recall():9.1%}{count.wrong:7}")


if __name__ == "__main__":
    main()
