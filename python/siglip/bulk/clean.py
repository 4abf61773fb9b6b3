"""Removes what a job has left behind."""

from __future__ import annotations

import time
from dataclasses import dataclass

from .job import Job
from .leftovers import list_leftovers, open_files
from .location import Location
from .plan_file import read_plan
from .results import find_results

A_DAY = 86_400.0


@dataclass(frozen=True)
class Cleaned:
    """Paths below the output.

    Attributes
    ----------
    temporary : tuple of str
        Files in tmp/ that are old and that nobody holds.
    older : tuple of str
        Results that a later generation took the place of.
    stray : tuple of str
        Results of shards that are not in the plan.
    """

    temporary: tuple[str, ...]
    older: tuple[str, ...]
    stray: tuple[str, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        return (*self.temporary, *self.older, *self.stray)


def clean(
    output: Location, *, older_than: float = A_DAY, stray: bool = False, dry_run: bool = False
) -> Cleaned:
    """Removes temporary files and results of older generations. Workers may be at work meanwhile.

    Parameters
    ----------
    older_than : float, optional
        Seconds for which a temporary file was not written to. Other machines' open files are not known here, so
        keep it above what one shard takes.
    stray : bool, optional
        Also removes results of shards that are not in the plan.
    dry_run : bool, optional
        Only tells.

    Returns
    -------
    Cleaned
        What was removed.
    """
    job = Job.open(output)
    with read_plan(output) as plan:
        found = find_results(output, job, plan)
    older = [path for result in found.results.values() for path in result.older]
    of_no_shard = [path for result in found.stray for path in (*result.older, result.path)]
    cleaned = Cleaned(
        temporary=tuple(_old_leftovers(output, time.time() - older_than)),
        older=tuple(older),
        stray=tuple(of_no_shard) if stray else (),
    )
    if not dry_run:
        for path in cleaned.paths:
            output.delete(path)
    return cleaned


def _old_leftovers(output: Location, before: float) -> list[str]:
    old = [each for each in list_leftovers(output) if each.modified <= before]
    held = open_files() if old else set()
    return [each.path for each in old if each.file not in held]
