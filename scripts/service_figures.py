#!/usr/bin/env python3
"""Measures `siglip serve`: how fast it is beside the library, and what becomes of those who ask too much of it.

    scripts/service_figures.py [--siglip build/release/apps/cli/siglip] [--seconds 30] [PART...]

recall     the evaluation set of the demo model, found by its captions through the service, and by siglip embed
load       texts, pictures, searches and thumbnails asked for by a few clients: every answer is the right one
speed      32 clients with pictures, and one, beside the library on the same pictures; searches by words among
           100,000 vectors under that load
overload   four times as many pictures as can be computed; then a burst of OpenAI clients
mix        good, broken, huge, slow and leaving clients at once: no good one fails, memory stays. With a program that
           has sanitizers: nor does one of these report anything
slow       slow headers, bodies and readers, and large bodies with --max-buffered 128M (tests/server/attack.py)
term       SIGTERM under load: no accepted request is lost

All parts unless some are named; each is a function in scripts/service_stages/. speed and overload use a model of
base-patch16-224's size in int8, the others the demo model. Needs the packages of tests/server/requirements.txt; speed
needs wrk, too. Figures stand beside their target with "met" or "missed"; the last line of a part sums it up. The exit
status is 1 where a target is missed or a result is wrong.
"""

import argparse
import pathlib
import sys

from index_figures import ROOT, missed, run_parts
from service_stages.answers import load, recall
from service_stages.mix import mix
from service_stages.overload import overload
from service_stages.slow import slow
from service_stages.speed import speed
from service_stages.term import term

PARTS = {part.__name__: part for part in (recall, load, speed, overload, mix, slow, term)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; default: all")
    build = ROOT / "build" / "release"
    parser.add_argument("--siglip", type=pathlib.Path, default=build / "apps/cli/siglip")
    parser.add_argument("--bench", type=pathlib.Path, default=build / "bench/service_bench",
                        help="the library's calls, of speed")
    parser.add_argument("--seconds", type=int, default=30, help="of each measurement of load, speed and overload")
    parser.add_argument("--mix-seconds", type=int, default=600)
    parser.add_argument("--mix-texts", type=int, default=2048, help="in a request whose answer is read slowly")
    parser.add_argument("--pictures", type=int, default=100, help="of speed")
    parser.add_argument("--vectors", type=int, default=100_000, help="of speed")
    parser.add_argument("--large-bytes", type=int, default=20_000_000, help="of a reply that slow readers ask for")
    parser.add_argument("--times", type=int, default=20, help="SIGTERMs")
    parser.add_argument("--term-seconds", type=float, default=1.5, help="of load before each")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    status = run_parts(parser, arguments, PARTS, "siglip-service-figures-")
    if missed:
        print(f"missed: {', '.join(missed)}")
    return 1 if missed else status


if __name__ == "__main__":
    sys.exit(main())
