"""`siglip bulk to-qdrant`."""

from __future__ import annotations

import argparse

from ..options import parse_options
from .ingestion import Lines, add_job

HELP = "put the results of a job into a collection of Qdrant"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Puts the rows of a job that have an embedding into a collection of Qdrant, as float32 with key, row, "
        "width, height and sha256. Repeated, it passes over shards that are there as a whole and puts the points "
        "of all others under the same ids: nothing is there twice, also after it was killed. "
        "Exit status 4: the job is incomplete. Needs pip install qdrant-client; a key is taken from "
        "QDRANT_API_KEY."
    )
    add_job(parser)
    parser.add_argument("url", metavar="URL", help="of the service, or a folder for the client alone")
    parser.add_argument("collection", metavar="COLLECTION", help="made where there is none")


def execute(arguments: argparse.Namespace) -> int:
    from ..ingest.qdrant import to_qdrant

    lines = Lines("to-qdrant")
    options = parse_options(arguments.output_option)
    return lines.finish(
        to_qdrant(
            arguments.output,
            arguments.url,
            arguments.collection,
            output_options=options,
            progress=lines,
        )
    )
