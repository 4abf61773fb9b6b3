"""Shards with damage or failed pictures, once more: a new generation takes the place of the result."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from ..errors import InvalidArgument, SiglipError
from .job import Job
from .location import Location
from .open_location import open_location
from .plan_file import read_plan
from .processes import WorkerPool
from .results import Footer, Result, find_results, read_footers
from .run import RunListener, RunSummary, Told
from .worker import Outcome


def retry(
    output: str,
    *,
    damaged: bool = False,
    statuses: Collection[str] = (),
    output_options: Mapping[str, str] | None = None,
    workers: int | None = None,
    listener: RunListener | None = None,
) -> RunSummary:
    """Embeds finished shards anew and removes their former results after the new ones are there.

    Killed between the two, both are there; the next call removes the former, and readers take the later.

    Parameters
    ----------
    output : str
        Where the job lies.
    damaged : bool, optional
        Shards of which a part of the input could not be read, and those whose result cannot.
    statuses : collection of str, optional
        Shards with rows of one of these: "io", "not_found", ...
    workers : int, optional
        Processes; None: one per core that this process may use.
    listener : RunListener, optional

    Returns
    -------
    RunSummary
        Of these shards only.
    """
    if not damaged and not statuses:
        raise InvalidArgument("nothing is chosen", "--damaged or --status says what to embed anew")
    place = open_location(output, output_options)
    job = Job.open(place)
    job.check_versions()
    with read_plan(place) as plan:
        results = find_results(place, job, plan).results
        sizes = plan.sizes
    for result in results.values():
        for path in result.older:
            place.delete(path)
    chosen = [
        result
        for result, footer in read_footers(place, results.values())
        if _is_chosen(footer, damaged, statuses)
    ]
    summary = RunSummary(shards=len(chosen))
    former = {result.number: result for result in chosen}

    told = _Replacing(place, former, summary, listener or RunListener())
    bytes_of = dict(zip(sizes["number"].to_pylist(), sizes["size"].to_pylist(), strict=True))
    told.listener.begins([(each.number, bytes_of[each.number]) for each in chosen], summary)
    for generation, numbers in sorted(_by_generation(chosen).items()):
        numbers.sort(key=lambda number: (-bytes_of[number], number))
        pool = WorkerPool(output, output_options=output_options, workers=workers)
        pool.run(numbers, told, generation)
    return summary


def _is_chosen(footer: Footer | SiglipError, damaged: bool, statuses: Collection[str]) -> bool:
    if isinstance(footer, SiglipError):
        return damaged
    return (damaged and bool(footer.damage)) or any(footer.counts.get(each) for each in statuses)


def _by_generation(results: Collection[Result]) -> dict[int, list[int]]:
    """The generation to make -> numbers of shards."""
    numbers: dict[int, list[int]] = defaultdict(list)
    for result in results:
        numbers[result.generation + 1].append(result.number)
    return numbers


class _Replacing(Told):
    """Removes the former result of a shard when it has a new one."""

    def __init__(
        self,
        output: Location,
        former: Mapping[int, Result],
        summary: RunSummary,
        listener: RunListener,
    ) -> None:
        super().__init__(summary, listener)
        self._output = output
        self._former = former

    def done(self, outcome: Outcome) -> None:
        self._output.delete(self._former[outcome.number].path)
        super().done(outcome)
