"""A job by processes of this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import InvalidArgument, SiglipError
from .job import Job
from .location import Location
from .open_location import open_location
from .plan_file import read_plan
from .processes import Listener, WorkerPool
from .results import find_results
from .worker import Outcome


@dataclass
class RunSummary:
    """What became of the shards of a run.

    Attributes
    ----------
    shards : int
        That were to be done.
    already : int
        Of these, done before.
    done : int
    rows, failed_rows : int
        Of the shards done: pictures met, and those of them without an embedding.
    damaged : int
        Shards of which a part of the input could not be read.
    failed : dict
        Number of a shard -> why it has no result.
    """

    shards: int = 0
    already: int = 0
    done: int = 0
    rows: int = 0
    failed_rows: int = 0
    damaged: int = 0
    failed: dict[int, SiglipError] = field(default_factory=dict)

    @property
    def exit_status(self) -> int:
        """0 all done, 1 shards without a result, 3 with failed pictures or damage."""
        if self.failed:
            return 1
        return 3 if self.failed_rows > 0 or self.damaged > 0 else 0

    def add(self, outcome: Outcome) -> None:
        self.done += 1
        self.rows += outcome.rows
        self.failed_rows += outcome.failed
        self.damaged += outcome.damaged


class RunListener(Listener):
    """What a caller of `run` may want to know."""

    def begins(self, todo: Sequence[tuple[int, int]], summary: RunSummary) -> None:
        """Number and bytes of the shards to do."""


def run(
    output: str,
    *,
    output_options: Mapping[str, str] | None = None,
    workers: int | None = None,
    index: int = 0,
    of: int = 1,
    listener: RunListener | None = None,
) -> RunSummary:
    """Embeds the shards of a job that have no result yet, the largest first, by one process per core.

    May be killed anywhere and started again, also several times at once, here or elsewhere: the files are those of
    one undisturbed run.

    Parameters
    ----------
    output : str
        Where the job lies.
    workers : int, optional
        Processes; None: one per core that this process may use.
    index, of : int
        Only the shards `index`, `index + of`, ...
    listener : RunListener, optional

    Raises
    ------
    NotFound
        Where nothing was planned.
    SiglipError
        Where workers cannot work at all: another version, a CPU without the instruction set.
    """
    if workers is not None and workers < 1:
        raise InvalidArgument(f"workers: expected at least 1, found {workers}")
    if not 0 <= index < of:
        raise InvalidArgument(f"index: expected 0 to {of - 1}, found {index}")
    todo, summary = find_work(open_location(output, output_options), index, of)
    told = Told(summary, listener or RunListener())
    told.listener.begins(todo, summary)
    if todo:
        pool = WorkerPool(output, output_options=output_options, workers=workers)
        pool.run([number for number, _ in todo], told)
    return summary


def find_work(
    output: Location, index: int = 0, of: int = 1
) -> tuple[list[tuple[int, int]], RunSummary]:
    """The shards without a result, number and bytes, the largest first, found by one listing."""
    job = Job.open(output)
    job.check_versions()
    with read_plan(output) as plan:
        there = find_results(output, job, plan).results
        mine, todo = 0, []
        for batch in plan.sizes.to_batches():
            numbers, sizes = batch["number"].to_pylist(), batch["size"].to_pylist()
            for number, size in zip(numbers, sizes, strict=True):
                if number % of == index:
                    mine += 1
                    if number not in there:
                        todo.append((number, size))
    todo.sort(key=lambda shard: (-shard[1], shard[0]))
    return todo, RunSummary(shards=mine, already=mine - len(todo))


class Told(Listener):
    """Counts, and passes on."""

    def __init__(self, summary: RunSummary, listener: RunListener) -> None:
        self._summary = summary
        self.listener = listener

    def advanced(self, rows: int, size: int) -> None:
        self.listener.advanced(rows, size)

    def done(self, outcome: Outcome) -> None:
        self._summary.add(outcome)
        self.listener.done(outcome)

    def failed(self, number: int, error: SiglipError) -> None:
        self._summary.failed[number] = error
        self.listener.failed(number, error)

    def died(self, number: int | None, signal_number: int, blamed: bool) -> None:
        self.listener.died(number, signal_number, blamed)
