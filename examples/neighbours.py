#!/usr/bin/env python3
"""Shows each picture's nearest neighbours, from what `siglip compare --json` prints.

    siglip compare --model DIR --json *.jpg | neighbours.py captions.json [NAME...]

Only the pictures named (without folder and ending) are shown, or all of them.
"""

import json
import re
import shutil
import sys
import textwrap
from pathlib import Path

NEIGHBOURS = 3


def read_captions(path):
    """Name without ending -> caption, without the words that say nothing about the picture."""
    entries = json.loads(Path(path).read_text(encoding="utf-8"))
    return {Path(entry["file"]).stem: re.sub("^an? (photo|picture|image|drawing) of ", "",
                                             entry["caption"])
            for entry in entries}


def main():
    captions = read_captions(sys.argv[1])
    comparison = json.load(sys.stdin)
    names = [Path(path).stem for path in comparison["paths"]]
    bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
    room = max(20, shutil.get_terminal_size((100, 24)).columns - 20)

    def describe(name):
        return f"{name}  {textwrap.shorten(captions.get(name, ''), room, placeholder=' …')}"

    for shown in sys.argv[2:] or names:
        row = comparison["cosines"][names.index(shown)]
        print(f"   {bold}{describe(shown)}{plain}")
        others = [(cosine, name) for cosine, name in zip(row, names) if name != shown]
        for cosine, name in sorted(others, reverse=True)[:NEIGHBOURS]:
            print(f"       {cosine:6.3f}  {describe(name)}")


if __name__ == "__main__":
    main()
