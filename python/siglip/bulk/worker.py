"""From a shard to its Parquet object: what every launcher calls."""

from __future__ import annotations

import hashlib
import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass

from .. import _siglip
from ..errors import Mismatch, SiglipError
from .job import ANY, Job
from .keys import key_of
from .location import Location
from .model_folder import job_runtime, local_model, open_embedder
from .open_location import open_location
from .open_samples import open_samples
from .plan_file import read_plan
from .sample import Sample, SampleReader
from .shard import Shard
from .table import OK, ShardTable, read_footer


@dataclass(frozen=True)
class Outcome:
    """What became of a shard.

    Attributes
    ----------
    number : int
        The shard's.
    already : bool
        It was there: by an earlier run, or because another process was faster.
    rows, failed : int
        Pictures met, and those of them without an embedding. Where it was there before: 0.
    damaged : bool
        A part of the input could not be read.
    size : int
        Bytes of the object.
    seconds : float
    """

    number: int
    already: bool
    rows: int = 0
    failed: int = 0
    damaged: bool = False
    size: int = 0
    seconds: float = 0.0


#: Called with the row that comes next, before anything is done with it.
BeforeRow = Callable[[int], object]
#: Called with rows and bytes of pictures since the last call.
Progress = Callable[[int, int], object]


class ShardEmbedder:
    """Embeds shards of one job, one after the other. The model is loaded when the first shard needs it.

    Parameters
    ----------
    output : str
        Where the job lies: a folder, or an address such as "s3://bucket/prefix".
    output_options : mapping, optional
        How it is reached, see `open_location`.
    threads : int, optional
        None: as many as this process may use. Changes no byte of a result.
    """

    def __init__(
        self,
        output: str,
        *,
        output_options: Mapping[str, str] | None = None,
        threads: int | None = 1,
    ) -> None:
        self.output: Location = open_location(output, output_options)
        self.job = Job.open(self.output)
        self.plan = read_plan(self.output)
        self._threads = threads
        self._inputs: dict[int, Location] = {}
        self._embedder: _siglip.Embedder | None = None

    def embed(
        self,
        number: int,
        *,
        generation: int = 1,
        poisoned: Mapping[int, int] | None = None,
        before: BeforeRow | None = None,
        progress: Progress | None = None,
    ) -> Outcome:
        """Makes the result of a shard, unless it is there.

        Parameters
        ----------
        number : int
            The shard's.
        generation : int
            Above 1 for one that takes the place of earlier ones, which do not count as being there.
        poisoned : mapping of int to int, optional
            Row -> the signal by which processes died of it: it is not touched, and becomes a failed row.
        before : callable, optional
            With it pictures are embedded one by one, so that a process that dies died of the last row told.
        progress : callable, optional

        Raises
        ------
        TransportError, InputChanged
            Nothing was committed.
        Mismatch
            Where this machine or what is installed would not give the job's bits, or another process gave others.
        """
        begin = time.monotonic()
        shard = self.plan[number]
        there = self._generations(shard)
        if any(each >= generation for each in there):
            return Outcome(number, already=True)
        embedder = self.embedder
        with open_samples(shard, self.job, self._input(shard)) as reader:
            table = ShardTable(self.job.dimension, self.job.dtype, reader.kept_fields)
            rows = RowEmbedder(table, embedder, poisoned or {}, progress)
            if before is None:
                rows.embed_all(reader)
            else:
                rows.embed_one_by_one(reader, before)
            footer = self._footer(shard, generation, table, reader)
        body = table.to_parquet(footer)
        path = self.job.data_path(shard, generation)
        already = not self.output.create(path, body)
        if already:
            self._check_same(path, footer)
        return Outcome(
            number,
            already,
            rows=len(table),
            failed=len(table) - table.counts.get(OK, 0),
            damaged=bool(reader.damage),
            size=len(body),
            seconds=time.monotonic() - begin,
        )

    @property
    def embedder(self) -> _siglip.Embedder:
        """The model, with the job's bits. Loaded at the first call."""
        if self._embedder is None:
            self.job.check_versions()
            runtime = job_runtime(self.job, self._threads or 0)
            folder = local_model(self.output, self.job, runtime)
            embedder = open_embedder(folder, runtime, self.job.model_options)
            found = json.loads(embedder.fingerprint(True, False))
            self._instruction_set_class: str = found["instruction_set_class"]
            for name, expected in self.job.fingerprint["embedding"].items():
                if found[name] != expected:
                    raise Mismatch(
                        f"{name}: the job was planned with {expected}, here is {found[name]}",
                        "plan a job of its own for other models and machines",
                    )
            self._embedder = embedder
        return self._embedder

    def _input(self, shard: Shard) -> Location:
        if shard.input not in self._inputs:
            there = self.job.inputs[shard.input]
            self._inputs[shard.input] = open_location(there.uri, there.options, read_only=True)
        return self._inputs[shard.input]

    def _generations(self, shard: Shard) -> list[int]:
        folder = self.job.data_path(shard).rpartition("/")[0]
        found = []
        for entry in self.output.list(folder):
            parsed = self.job.parse_data_path(entry.path)
            if parsed is not None and parsed[:2] == (shard.number, shard.id):
                found.append(parsed[2])
        return found

    def _footer(
        self, shard: Shard, generation: int, table: ShardTable, reader: SampleReader
    ) -> dict[str, object]:
        source = shard.source
        return {
            "schema": self.job.fingerprint["schema"],
            "fingerprint": self.job.fingerprint,
            "fingerprint_hash": self.job.fingerprint_hash,
            "shard": shard.number,
            "id": shard.id,
            "input": {
                "kind": shard.kind,
                "path": None if source is None else key_of(source.path),
                "size": shard.size if source is None else source.size,
                "version": None if source is None else source.version,
                "row_groups": list(shard.row_groups),
                "files": len(shard.files),
            },
            "generation": generation,
            "rows": len(table),
            "counts": dict(sorted(table.counts.items())),
            "duplicate_keys": reader.duplicate_keys,
            "damage": [vars(damage) for damage in reader.damage],
            "instruction_set_class": self._instruction_set_class,
            "embedding_sha256": table.embedding_hash(),
        }

    def _check_same(self, path: str, footer: Mapping[str, object]) -> None:
        """Of a result that another process committed meanwhile."""
        name = f"{self.output.uri}/{path}"
        entry = self.output.entry(path)
        if entry is None:  # and another one removed it, for a later generation
            return
        with self.output.open(entry) as stream:
            there = read_footer(stream, name)
        may_differ = {"instruction_set_class", "embedding_sha256"} if self.job.isa == ANY else set()
        for field, value in json.loads(json.dumps(footer)).items():
            if field not in may_differ and there.get(field) != value:
                raise Mismatch(
                    f"{name}: another process wrote it with another {field}: expected {value}, found "
                    f"{there.get(field)}"
                )


class RowEmbedder:
    """Adds the rows of one shard to its table."""

    def __init__(
        self,
        table: ShardTable,
        embedder: _siglip.Embedder,
        poisoned: Mapping[int, int],
        progress: Progress | None,
    ) -> None:
        self._table = table
        self._embedder = embedder
        self._poisoned = poisoned
        self._progress = progress

    def embed_all(self, reader: Iterable[Sample]) -> None:
        # Appended to by the thread that takes pictures, in the order in which results come.
        taken: deque[_Taken] = deque()

        def pictures() -> Iterator[_siglip.Picture]:
            for sample in reader:
                item = self._take(sample)
                taken.append(item)
                yield item.picture

        with closing(self._embedder.stream(pictures(), details=True)) as results:
            for result in results:
                self._add(taken.popleft(), result)

    def embed_one_by_one(self, reader: SampleReader, before: BeforeRow) -> None:
        for sample in reader:
            before(sample.row)
            item = self._take(sample)
            with closing(self._embedder.stream(iter([item.picture]), details=True)) as results:
                self._add(item, next(results))

    def _take(self, sample: Sample) -> _Taken:
        error, hashes = sample.error, None
        if sample.row in self._poisoned:
            signal = self._poisoned[sample.row]
            error = SiglipError(f"{sample.key}: the process died (signal {signal})")
        elif sample.data is not None:
            hashes = (hashlib.sha256(sample.data).digest(), _siglip.content_hash(sample.data))
        # What has an error holds the place of its result, so that memory stays bounded here too.
        data = sample.data if error is None and sample.data is not None else b""
        return _Taken(sample, error, hashes, _siglip.Picture.bytes(data, sample.key))

    def _add(self, item: _Taken, result: _siglip.EmbedResult) -> None:
        error = item.error
        if error is None and result.error is not None:
            if not isinstance(result.error, SiglipError):
                raise result.error
            error = result.error
        self._table.add(
            item.sample,
            item.hashes,
            None if error is not None else result.embedding,
            error,
            (result.format, result.width, result.height) if item.error is None else ("", 0, 0),
        )
        if self._progress is not None:
            self._progress(1, 0 if item.sample.data is None else len(item.sample.data))


@dataclass(frozen=True)
class _Taken:
    sample: Sample
    error: SiglipError | None
    hashes: tuple[bytes, bytes] | None
    picture: _siglip.Picture

