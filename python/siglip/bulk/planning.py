"""Makes a job, or adds to it: lists the inputs once and writes plan.parquet and job.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidArgument, Mismatch, NotFound
from .inputs import Found, find_files
from .job import (
    JOB_FILE,
    PLAN_FILE,
    Dtype,
    Input,
    Job,
    canonical_json,
    make_fingerprint,
    parts_beside_model,
)
from .keys import key_of
from .location import Entry, Location
from .model_folder import PreparedModel, prepare_model
from .open_location import open_location
from .packing import file_shards, parquet_shards, tar_shard
from .plan_file import read_plan, write_plan
from .sample import ReadOptions
from .shard import Shard, ShardKind
from .table import make_schema

DEFAULT_SHARD_BYTES = 512 << 20
# A tar of more than so many times the wanted size is told: tars are not split.
_LARGE = 4


@dataclass(frozen=True)
class PlanSummary:
    """What was planned.

    Attributes
    ----------
    shards : int
    kinds : dict
        "tar", "parquet", "files" -> shards.
    files : int
        Tars, Parquet files and pictures that are files.
    size : int
        Bytes to read, about.
    rows : int
        Pictures to meet, of the shards of which that is known.
    rows_known : bool
        Whether that is all of them: nobody knows how many a tar has.
    kept, added, dropped : int
        Shards of an earlier plan that are in this one, new ones, and those that are no more, because their input
        changed or has gone.
    passed_over : int
        Files of folders that are neither pictures nor shards.
    warnings : tuple of str
    """

    shards: int
    kinds: dict[str, int]
    files: int
    size: int
    rows: int
    rows_known: bool
    kept: int
    added: int
    dropped: int
    passed_over: int
    warnings: tuple[str, ...]


def plan(
    inputs: Sequence[str],
    output: str,
    *,
    model: str,
    precision: str | None = None,
    isa: str | None = None,
    dtype: Dtype = "float16",
    shard_bytes: int = DEFAULT_SHARD_BYTES,
    image: Sequence[str] = (),
    key: str | None = None,
    keep: Sequence[str] = (),
    model_options: Mapping[str, Any] | None = None,
    input_options: Mapping[str, str] | None = None,
    output_options: Mapping[str, str] | None = None,
) -> PlanSummary:
    """Plans a job. The same inputs give the same files.

    Where there is a job of the same model and options, its shards keep their numbers and ids; new files become shards
    behind them. A shard of which a file changed or has gone is dropped, and what is left of its files is packed anew.
    Inputs that are not named again stay as they were planned.

    Parameters
    ----------
    inputs : sequence of str
        Folders and files, also as addresses; "@FILE": a list of them, one per line.
    output : str
        A folder or an address, beside the inputs.
    model : str
        As `siglip.load` takes it.
    precision : "f32", "bf16", "int8" or "auto", optional
        None: as stored, else f32.
    isa : str, optional
        The instruction set that all workers compute with, or "any". None: that of the job that is there, else this
        machine's best.
    dtype : "float16" or "float32"
        Of the embeddings in the result.
    shard_bytes : int
        How much of files and Parquet makes a shard. A tar is one whatever its size.
    image, key, keep
        See `ReadOptions`.
    model_options : mapping, optional
        Arguments of `siglip.load`: preprocess, alpha, fast_decode, max_num_patches.
    input_options, output_options : mapping, optional
        See `open_location`.

    Raises
    ------
    InvalidArgument
        Where nothing is found, or columns of Parquet files are missing or not told.
    NotFound
        For inputs that are not there.
    Mismatch
        For a job of another model, or of other options, at the output.
    TransportError
    """
    read_options = ReadOptions(tuple(image), key, tuple(keep))
    _check(inputs, dtype, shard_bytes, read_options)
    place = open_location(output, output_options)
    old = _old_job(place)
    if old is not None:
        # Before anything is listed, or a model packed.
        said = parts_beside_model(dtype, read_options)
        if precision not in (None, "auto"):
            said["embedding"] = {"precision": precision}
        _check_same(old, said, isa, place.uri)
    found = find_files(inputs, old.inputs if old else (), input_options or {}, place.uri)
    if old is not None and place.entry(PLAN_FILE) is not None:
        with read_plan(place) as old_plan:
            planned = _plan_shards(found, old_plan, read_options, shard_bytes)
    else:
        planned = _plan_shards(found, (), read_options, shard_bytes)
    if not planned.shards:
        raise InvalidArgument(
            f"{', '.join(inputs)}: no picture, tar or Parquet file was found", _told_instead(found)
        )
    prepared = prepare_model(
        place, model, precision, isa or (old.isa if old else None), model_options or {}
    )
    job = _make_job(prepared, old, found.inputs, model, dtype, read_options, model_options or {})
    if old is not None:
        _check_same(old, job.fingerprint, job.isa, place.uri)
    _write(place, PLAN_FILE, write_plan(planned.shards))
    _write(place, JOB_FILE, job.to_json().encode())
    return _summary(planned, found, shard_bytes)


@dataclass
class _Planned:
    shards: list[Shard]
    kept: int = 0
    dropped: int = 0


def _check(inputs: Sequence[str], dtype: str, shard_bytes: int, read_options: ReadOptions) -> None:
    if not inputs:
        raise InvalidArgument("inputs: expected at least one")
    if dtype not in ("float16", "float32"):
        raise InvalidArgument(f"dtype: expected float16 or float32, found {dtype!r}")
    if shard_bytes < 1:
        raise InvalidArgument(f"shard_bytes: expected at least 1, found {shard_bytes}")
    own = make_schema(1, "float16").names
    for name, count in Counter(read_options.keep).items():
        if name in own:
            raise InvalidArgument(
                f"keep: {name!r} is a column of every result, which has {', '.join(own)}",
                "rename the column of the input, or leave it out",
            )
        if count > 1:
            raise InvalidArgument(f"keep: {name!r} is named {count} times")


def _old_job(output: Location) -> Job | None:
    try:
        return Job.open(output)
    except NotFound:
        return None


def _plan_shards(
    found: Found, old: Iterable[Shard], options: ReadOptions, shard_bytes: int
) -> _Planned:
    planned = _Planned([])
    left: list[dict[str, Entry]] = [
        {path: entry for path, (_, entry) in entries.items()} for entries in found.entries
    ]
    # Files of shards that are dropped, which nobody asked for this time.
    again: list[dict[str, Entry]] = [{} for _ in left]
    number = 0
    for shard in old:
        number = shard.number + 1
        files = (shard.source,) if shard.source is not None else shard.files
        entries = found.entries[shard.input]
        there = [file for file in files if _is_there(file, shard.input, found)]
        if len(there) == len(files):
            planned.shards.append(shard)
            planned.kept += 1
            for file in files:
                left[shard.input].pop(file.path, None)
        else:
            planned.dropped += 1
            again[shard.input].update(
                {file.path: file for file in there if file.path not in entries}
            )
    for index, input in enumerate(found.inputs):
        kinds: dict[str, list[Entry]] = {"tar": [], "parquet": [], "picture": []}
        for path, entry in left[index].items():
            kinds[found.entries[index][path][0]].append(entry)
        kinds["picture"].extend(again[index].values())
        location = found.location(index) if kinds["parquet"] else None
        for shard in _new_shards(number, index, kinds, location, options, shard_bytes):
            planned.shards.append(shard)
            number = shard.number + 1
    return planned


def _is_there(file: Entry, input: int, found: Found) -> bool:
    """Whether it is what it was, or nobody looked."""
    now = found.entries[input].get(file.path)
    if now is None:
        return not found.was_looked_for(input, file.path)
    return now[1] == file


def _new_shards(
    number: int,
    input: int,
    kinds: Mapping[str, Sequence[Entry]],
    location: Location | None,
    options: ReadOptions,
    shard_bytes: int,
) -> Iterator[Shard]:
    for entry in kinds["tar"]:
        yield tar_shard(number, input, entry)
        number += 1
    if location is not None:
        for shard in parquet_shards(
            number, input, kinds["parquet"], location, options, shard_bytes
        ):
            yield shard
            number = shard.number + 1
    yield from file_shards(number, input, kinds["picture"], shard_bytes)


def _make_job(
    prepared: PreparedModel,
    old: Job | None,
    inputs: Sequence[Input],
    model: str,
    dtype: Dtype,
    read_options: ReadOptions,
    model_options: Mapping[str, Any],
) -> Job:
    return Job(
        fingerprint=make_fingerprint(prepared.fingerprint, prepared.isa, dtype, read_options),
        isa=prepared.isa,
        model=model,
        model_options=dict(model_options),
        model_folders={**(old.model_folders if old else {}), **prepared.folders},
        dimension=prepared.dimension,
        inputs=tuple(inputs),
    )


def _check_same(old: Job, fingerprint: Mapping[str, Any], isa: str | None, output: str) -> None:
    """Raises Mismatch that names all that differs of what is known."""
    before, now = _flat(old.fingerprint), _flat(fingerprint)
    before["isa"], now["isa"] = old.isa, isa or old.isa
    differ = [
        f"{name} {_told(before.get(name))} there, {_told(now[name])} here"
        for name in sorted(now)
        if before.get(name) != now[name]
    ]
    if differ:
        raise Mismatch(
            f"{output}: has a job that gives other results: {'; '.join(differ)}",
            "choose another output, or plan with the same model and options",
        )


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, each in value.items():
        if isinstance(each, Mapping):
            flat.update(_flat(each, f"{prefix}{name}."))
        else:
            flat[prefix + name] = each
    return flat


def _told(value: object) -> str:
    return "nothing" if value is None else canonical_json(value)


def _write(output: Location, path: str, body: bytes) -> None:
    """Leaves alone what is the same: workers may be reading it."""
    entry = output.entry(path)
    if entry is None or entry.size != len(body) or output.read(path) != body:
        output.replace(path, body)


def _told_instead(found: Found) -> str:
    told = []
    if found.passed_over:
        told.append(f"{found.passed_over} files are of other kinds")
    if found.compressed:
        told.append(f"{len(found.compressed)} tars are compressed, which are not read")
    if found.missing:
        told.append(f"{len(found.missing)} lines name nothing")
    return ", ".join(told)


def _summary(planned: _Planned, found: Found, shard_bytes: int) -> PlanSummary:
    shards = planned.shards
    sources = {(each.input, each.source.path) for each in shards if each.source is not None}
    kinds: Counter[ShardKind] = Counter(shard.kind for shard in shards)
    return PlanSummary(
        shards=len(shards),
        kinds={kind: kinds[kind] for kind in ("tar", "parquet", "files") if kinds[kind]},
        files=len(sources) + sum(len(shard.files) for shard in shards),
        size=sum(shard.size for shard in shards),
        rows=sum(shard.rows or 0 for shard in shards),
        rows_known=all(shard.rows is not None for shard in shards),
        kept=planned.kept,
        added=len(shards) - planned.kept,
        dropped=planned.dropped,
        passed_over=found.passed_over,
        warnings=tuple(_warnings(shards, found, shard_bytes)),
    )


def _warnings(shards: Sequence[Shard], found: Found, shard_bytes: int) -> Iterator[str]:
    large = [
        each.source.path
        for each in shards
        if each.kind == "tar" and each.source is not None and each.size > _LARGE * shard_bytes
    ]
    for paths, what in (
        (large, f"tars of more than {_LARGE} times the wanted size, which are not split"),
        (found.compressed, "compressed tars, which are not read: unpack them to .tar"),
        (found.missing, "lines of lists that name no file"),
    ):
        if paths:
            yield f"{len(paths)} {what}; the first is {key_of(paths[0])}"
    unread = [each for each in shards if each.kind == "parquet" and each.rows is None]
    if unread:
        yield f"{len(unread)} Parquet files without a footer that can be read"
