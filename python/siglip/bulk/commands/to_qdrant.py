"""siglip bulk to-qdrant"""

from __future__ import annotations

import argparse

from .ingestion import ingest, require
from .job_arguments import add_job_arguments

HELP = "put the results of a job into a collection of Qdrant"
_EPILOG = """Only rows that have an embedding: the vector, and key, row, width, height, sha256 and result as payload. Repeated,
it passes over shards that are there and puts the points of all others under the same ids: nothing is there twice, also
after it was killed. A key of the service is taken from QDRANT_API_KEY. Needs pip install qdrant-client. Exit status 4:
not all shards have a result yet.

  siglip bulk to-qdrant out http://localhost:6333 photos"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_job_arguments(parser)
    parser.add_argument(
        "url", metavar="URL", help="of the service; or a folder, which the client uses by itself"
    )
    parser.add_argument("collection", metavar="COLLECTION", help="made where there is none")
    parser.epilog = _EPILOG


def execute(arguments: argparse.Namespace) -> int:
    require("qdrant_client", "qdrant-client")
    from ..ingest.qdrant import to_qdrant

    return ingest(arguments, to_qdrant, arguments.url, arguments.collection)
