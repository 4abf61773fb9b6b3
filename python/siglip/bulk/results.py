"""What there is of a job: its results, by one listing of names, and what their footers tell."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, TypeVar

from ..errors import MalformedFile, NotFound, SiglipError
from . import table
from .errors import InputChanged
from .job import Job
from .location import Entry, Location
from .plan_file import Plan, read_plan
from .sample import Damage

T = TypeVar("T")

_FOOTERS_AT_ONCE = 16
_FOOTERS_PER_ROUND = 1024


@dataclass(frozen=True, slots=True)
class Result:
    """An object below data/ that is the result of a shard.

    Attributes
    ----------
    number : int
    id : str
        Of the shard it was made from.
    generation : int
        From 1; the highest there is.
    path : str
        Below the output.
    size : int
        In bytes.
    version : str
    modified : float or None
        When it was made, in seconds since 1970.
    older : tuple of str
        Paths of lower generations that are there, too: what `retry` left when it was killed.
    """

    number: int
    id: str
    generation: int
    path: str
    size: int
    version: str
    modified: float | None = None
    older: tuple[str, ...] = ()

    @property
    def entry(self) -> Entry:
        return Entry(self.path, self.size, self.version)


@dataclass(frozen=True)
class Findings:
    """What one listing found, beside a plan.

    Attributes
    ----------
    results : dict of int to Result
        Of shards of the plan, by number.
    stray : tuple of Result
        Of shards that are not in the plan: planning again dropped them.
    foreign : tuple of str
        Paths of files that have no name of a result.
    """

    results: dict[int, Result]
    stray: tuple[Result, ...]
    foreign: tuple[str, ...]


@dataclass(frozen=True)
class Footer:
    """What a result tells of itself, under the key "siglip" of its Parquet metadata.

    Attributes
    ----------
    schema : int
    fingerprint : dict
        Its parts, as in job.json.
    fingerprint_hash : str
    shard : int
    id : str
    input : dict
        "kind", "path" (None of files), "size", "version", "row_groups", "files" (how many).
    generation : int
    rows : int
    counts : dict of str to int
        Rows by status.
    duplicate_keys : int
    damage : tuple of Damage
    instruction_set_class : str
        What it was computed with.
    embedding_sha256 : str
    """

    schema: int
    fingerprint: dict[str, Any]
    fingerprint_hash: str
    shard: int
    id: str
    input: dict[str, Any]
    generation: int
    rows: int
    counts: dict[str, int]
    duplicate_keys: int
    damage: tuple[Damage, ...]
    instruction_set_class: str
    embedding_sha256: str

    @property
    def failed(self) -> int:
        """Rows whose status is not "ok"."""
        return sum(count for status, count in self.counts.items() if status != "ok")


def find_results(output: Location, job: Job, plan: Plan) -> Findings:
    """By one listing; no result is opened."""
    found, foreign = _list_data(output, job)
    results = {}
    for batch in plan.sizes.to_batches():
        numbers, ids = batch["number"].to_pylist(), batch["id"].to_pylist()
        for number, shard_id in zip(numbers, ids, strict=True):
            result = found.pop((number, shard_id), None)
            if result is not None:
                results[number] = result
    return Findings(results, tuple(found.values()), tuple(foreign))


def list_results(output: Location, job: Job) -> dict[int, Result]:
    """The results of the shards that are in the plan, by number: of each the highest generation."""
    with read_plan(output) as plan:
        return find_results(output, job, plan).results


def _list_data(output: Location, job: Job) -> tuple[dict[tuple[int, str], Result], list[str]]:
    results: dict[tuple[int, str], Result] = {}
    foreign = []
    for entry in output.list(job.data_folder):
        parsed = job.parse_data_path(entry.path)
        if parsed is None:
            foreign.append(entry.path)
            continue
        number, shard_id, generation = parsed
        result = Result(
            number, shard_id, generation, entry.path, entry.size, entry.version, entry.modified
        )
        other = results.get((number, shard_id))
        if other is not None:
            lower, result = sorted((other, result), key=lambda each: each.generation)
            older = (*other.older, lower.path)
            result = replace(result, older=older)
        results[number, shard_id] = result
    return results, foreign


def read_footer(output: Location, result: Result) -> Footer:
    """Reads only the end of the object.

    Raises MalformedFile where it is no result, NotFound or InputChanged where it was replaced since it was listed.
    """
    name = f"{output.uri}/{result.path}"
    with output.open(result.entry) as file:
        fields = table.read_footer(file, name)
    try:
        footer = Footer(**{**fields, "damage": tuple(Damage(**each) for each in fields["damage"])})
        numbers = (footer.shard, footer.generation, footer.rows, *footer.counts.values())
        if not all(isinstance(number, int) for number in numbers):
            raise TypeError("a count is no number")
    except (KeyError, TypeError, AttributeError) as error:
        raise MalformedFile(f"{name}: its footer is none of a result: {error}") from error
    return footer


def read_footers(
    output: Location, results: Iterable[Result]
) -> Iterator[tuple[Result, Footer | SiglipError]]:
    """Several at once, in the order of `results`. What is wrong with one result comes in place of its footer;
    TransportError is raised."""

    def read(result: Result) -> Footer | SiglipError:
        try:
            return read_footer(output, result)
        except (MalformedFile, NotFound, InputChanged) as error:
            return error

    remaining = iter(results)
    with ThreadPoolExecutor(_FOOTERS_AT_ONCE) as threads:
        # In rounds: a future for each of 10^6 results would take more memory than the results.
        while piece := list(islice(remaining, _FOOTERS_PER_ROUND)):
            yield from zip(piece, threads.map(read, piece), strict=True)


def choose_evenly(items: Sequence[T], count: int) -> Sequence[T]:
    """At most `count` of them, always the same ones."""
    if len(items) <= count:
        return items
    return [items[index * len(items) // count] for index in range(count)]


def choose_part(items: Sequence[T], fraction: float) -> Sequence[T]:
    """So large a part of them, evenly chosen; at least one."""
    return choose_evenly(items, math.ceil(len(items) * fraction))
