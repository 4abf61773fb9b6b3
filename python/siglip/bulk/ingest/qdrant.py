"""Into a collection of Qdrant."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from qdrant_client import QdrantClient, models

from ...errors import Mismatch
from .rows import Ingested, JobRows, Progress, ShardRows, as_float32, vectors

_NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # of addresses
_PAYLOAD = ["key", "row", "width", "height", "sha256"]
_FINGERPRINT = "siglip_fingerprint"
_POINTS_OF_A_REQUEST = 256
_SECONDS = 300  # that an answer may take


def to_qdrant(
    output: str,
    url: str,
    collection: str,
    *,
    output_options: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Ingested:
    """Puts the rows of a job that have an embedding into a collection, which is made where there is none.

    A point's id is made of its shard and row, so that the call may be killed and repeated: the same points are put
    there again. Shards whose last point is there are passed over, since points are put there in order.

    Parameters
    ----------
    output : str
        The job.
    url : str
        Of the service, "http://localhost:6333" (a key is taken from QDRANT_API_KEY), or a folder: then the client
        itself keeps the collection there.
    collection : str

    Raises
    ------
    Mismatch
        Where the collection holds other vectors.
    """
    rows = JobRows(output, output_options)
    counts = rows.begin()
    with _Collection(url, collection, rows.job.fingerprint_hash, rows.job.dimension) as target:
        for result in rows.results:
            shard = rows.open(result)
            if target.has(shard):
                counts.already += 1
                continue
            for batch in shard.batches([*_PAYLOAD, "embedding"]):
                target.put(shard, batch)
            counts.added += 1
            counts.rows += shard.count
            if progress is not None:
                progress(counts)
    return counts


class _Collection:
    def __init__(self, url: str, name: str, fingerprint: str, dimension: int) -> None:
        if "://" in url:
            key = os.environ.get("QDRANT_API_KEY")
            self._client = QdrantClient(url=url, api_key=key, timeout=_SECONDS)
        else:
            self._client = QdrantClient(path=url)
        self._name = name
        try:
            if not self._client.collection_exists(name):
                self._client.create_collection(
                    name,
                    models.VectorParams(size=dimension, distance=models.Distance.COSINE),
                    metadata={_FINGERPRINT: fingerprint},
                )
            metadata = self._client.get_collection(name).config.metadata or {}
            found = metadata.get(_FINGERPRINT)
            if found != fingerprint:
                raise Mismatch(
                    f"{name}: holds embeddings of another kind: expected the fingerprint {fingerprint}, found "
                    f"{found or 'none'}",
                    "a collection takes the results of one job; Qdrant before 1.16 cannot keep a fingerprint",
                )
        except BaseException:
            self._client.close()
            raise

    def __enter__(self) -> _Collection:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def has(self, shard: ShardRows) -> bool:
        """Whether its last point is there, and of this result."""
        last = None
        for batch in shard.batches(["row"]):
            last = batch.column("row")[len(batch) - 1].as_py()
        if last is None:
            return True
        points = self._client.retrieve(self._name, [_id_of(shard, last)], with_payload=["result"])
        return bool(points) and (points[0].payload or {}).get("result") == shard.name

    def put(self, shard: ShardRows, batch: pa.RecordBatch) -> None:
        for begin in range(0, len(batch), _POINTS_OF_A_REQUEST):
            piece = batch.slice(begin, _POINTS_OF_A_REQUEST)
            numbers = piece.column("row").to_pylist()
            points = models.Batch(
                ids=[_id_of(shard, row) for row in numbers],
                vectors=as_float32(vectors(piece)).tolist(),
                payloads=[_payload(shard, row) for row in piece.select(_PAYLOAD).to_pylist()],
            )
            # Acknowledged before the next: the last point is there only when all are.
            self._client.upsert(self._name, points, wait=True)


def _id_of(shard: ShardRows, row: int) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"siglip:{shard.shard.id}:{row}"))


def _payload(shard: ShardRows, row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "sha256": row["sha256"].hex(), "result": shard.name}
