#!/usr/bin/env python3
"""Shows what was found, from what `siglip search --json` prints, beside captions that it does not see.

    siglip search --json WORDS | hits.py captions.json
"""

import json
import shutil
import sys
import textwrap
from pathlib import Path

from neighbours import read_captions


def main():
    captions = read_captions(sys.argv[1])
    room = max(12, shutil.get_terminal_size((100, 24)).columns - 27)
    for hit in json.load(sys.stdin)["data"]:
        name = Path(hit["path"]).stem
        caption = textwrap.shorten(captions.get(name, ""), room, placeholder=" …")
        print(f"     {hit['score']:6.3f}  {100 * hit['probability']:5.1f} %  {name}  {caption}")


if __name__ == "__main__":
    main()
