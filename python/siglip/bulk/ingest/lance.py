"""Into a table of Lance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import lance
import pyarrow as pa
from lance.fragment import write_fragments

from ...errors import InvalidArgument, Mismatch
from .rows import Ingested, JobRows, Progress, ShardRows, name_of

_FINGERPRINT = b"siglip.fingerprint"
_SHARD = "shard"
_LEFT_OUT = ("status", "error")
#: A commit writes a list of all fragments, so there is not one for every shard.
_SHARDS_OF_A_COMMIT = 64


def to_lance(
    output: str,
    table: str,
    *,
    output_options: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Ingested:
    """Adds what a table lacks of a job: a fragment per shard, with the rows that have an embedding.

    The column "shard" tells which result a row is of. What is there is found by it alone, so that the call may be
    killed and repeated; a result that `retry` made anew takes the place of the older one. Only one at a time may
    write to a table.

    Parameters
    ----------
    output : str
        The job.
    table : str
        A folder, or an address that Lance can write to.

    Raises
    ------
    Mismatch
        Where the table is of another job, or none of a job.
    """
    rows = JobRows(output, output_options)
    counts = rows.begin()
    fingerprint = rows.job.fingerprint_hash
    dataset = _open(table, fingerprint)
    there = set() if dataset is None else _shards_in(dataset)
    fragments: list[Any] = []
    schema: pa.Schema | None = None if dataset is None else dataset.schema
    for result in rows.results:
        if name_of(result) in there:
            counts.already += 1
            continue
        shard = rows.open(result)
        found = _schema_of(shard, fingerprint)
        if schema is None:
            schema = found
        elif not found.equals(schema):
            raise Mismatch(
                f"{table}: expected the columns of {shard.name}, {found}, found {schema}"
            )
        if shard.count > 0:
            reader = pa.RecordBatchReader.from_batches(found, _batches(shard, found))
            fragments += write_fragments(reader, table, mode="append")
        counts.added += 1
        counts.rows += shard.count
        if len(fragments) >= _SHARDS_OF_A_COMMIT:
            dataset = _commit(table, dataset, schema, fragments)
            fragments = []
        if progress is not None:
            progress(counts)
    if fragments:
        dataset = _commit(table, dataset, schema, fragments)
    if dataset is not None:
        _remove_older(dataset, there, {name_of(result) for result in rows.results})
    return counts


def _open(table: str, fingerprint: str) -> Any:
    try:
        dataset = lance.dataset(table)
    except (ValueError, FileNotFoundError):  # there is none
        return None
    found = (dataset.schema.metadata or {}).get(_FINGERPRINT, b"").decode()
    if found != fingerprint:
        raise Mismatch(
            f"{table}: holds embeddings of another kind: expected the fingerprint {fingerprint}, found "
            f"{found or 'none'}",
            "a table takes the results of one job",
        )
    return dataset


def _shards_in(dataset: Any) -> set[str]:
    names: set[str] = set()
    for batch in dataset.scanner(columns=[_SHARD]).to_batches():
        names.update(batch.column(_SHARD).unique().to_pylist())
    return names


def _schema_of(shard: ShardRows, fingerprint: str) -> pa.Schema:
    fields = [field for field in shard.schema if field.name not in _LEFT_OUT]
    if any(field.name == _SHARD for field in fields):
        raise InvalidArgument(f"{_SHARD}: a kept column has the name of one that is added")
    fields.insert(0, pa.field(_SHARD, pa.string(), nullable=False))
    return pa.schema(fields, {_FINGERPRINT: fingerprint.encode()})


def _batches(shard: ShardRows, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in shard.batches():
        names = pa.repeat(pa.scalar(shard.name), len(batch))
        arrays = [names, *(batch.column(field.name) for field in list(schema)[1:])]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _commit(table: str, dataset: Any, schema: pa.Schema, fragments: list[Any]) -> Any:
    if dataset is None:
        return lance.LanceDataset.commit(table, lance.LanceOperation.Overwrite(schema, fragments))
    operation = lance.LanceOperation.Append(fragments)
    return lance.LanceDataset.commit(dataset, operation, read_version=dataset.version)


def _remove_older(dataset: Any, there: set[str], results: set[str]) -> None:
    """Of shards whose result was made anew, rows of the older ones."""
    shards = {_without_generation(name) for name in results}
    for name in sorted(there - results):
        if _without_generation(name) in shards:
            dataset.delete(f"{_SHARD} = '{name}'")


def _without_generation(name: str) -> str:
    return "-".join(name.split("-")[:2])
