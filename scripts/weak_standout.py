#!/usr/bin/env python3
"""Where the line "weaker matches" of siglip search is to be drawn, by the evaluation set of the demo model.

    scripts/weak_standout.py [--siglip build/release/apps/cli/siglip]

Searches the 400 pictures of tests/golden/demo-model-eval for each of its prompts, "a photo of a red circle", and
prints how much the first hits stand out that show such a shape, and the highest threshold that at least 95 % of them
reach. kWeakStandout (apps/common/search_json.h) is that, rounded down.
"""

import argparse
import json
import math
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
EVAL = ROOT / "tests" / "golden" / "demo-model-eval"
KEPT = 0.95


def shows(picture, prompt):
    """Whether a shape of the picture is what the prompt asks for: "a photo of a red circle"."""
    colour, shape = prompt.split()[-2:]
    return any((group["colour"], group["shape"]) == (colour, shape) for group in picture["groups"])


def first_hits(siglip, prompts):
    with tempfile.TemporaryDirectory() as scratch:
        def run(*words):
            return subprocess.run([siglip, *words, "--index", scratch], check=True, capture_output=True,
                                  text=True).stdout
        run("index", "--quiet", "--model", ROOT / "models" / "demo", EVAL)
        for prompt in prompts:
            yield json.loads(run("search", "--json", "--top", "2", "--all", prompt))["data"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--siglip", default=ROOT / "build" / "release" / "apps" / "cli" / "siglip")
    siglip = parser.parse_args().siglip
    prompts = json.loads((EVAL / "prompts.json").read_text())
    pictures = {picture["file"]: picture for picture in json.loads((EVAL / "labels.json").read_text())}
    shown = [prompt for prompt in prompts if any(shows(picture, prompt) for picture in pictures.values())]
    right, wrong = [], []
    for prompt, hits in zip(prompts, first_hits(siglip, prompts)):
        first = hits[0]
        picture = pictures[pathlib.Path(first["path"]).name]
        (right if shows(picture, prompt) else wrong).append(first["standout"])
    right.sort()
    kept = math.ceil(KEPT * len(right))
    print(f"{len(prompts)} prompts, {len(shown)} of them for what a picture shows; "
          f"{len(right)} have a right first hit")
    print(f"standout of right first hits: {right[0]:.2f} to {right[-1]:.2f}, median {right[len(right) // 2]:.2f}")
    print(f"standout of wrong first hits: {', '.join(f'{value:.2f}' for value in sorted(wrong)) or 'none'}")
    print(f"{kept} of {len(right)} right first hits reach {right[len(right) - kept]:.3f}")
    for threshold in (2, 2.5, 2.7, 3):
        reach = [sum(value >= threshold for value in values) for values in (right, wrong)]
        print(f"at least {threshold}: {reach[0]} of {len(right)} right, {reach[1]} of {len(wrong)} wrong")


if __name__ == "__main__":
    main()
