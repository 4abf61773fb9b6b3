"""How far a job is."""

from __future__ import annotations

import json
import textwrap
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import MalformedFile, NotFound, SiglipError
from .figures import format_bytes, format_duration, format_rate
from .job import ESTIMATE_FILE, Job
from .leftovers import list_leftovers
from .location import Location
from .plan_file import Plan, read_plan
from .results import Findings, Footer, Result, choose_evenly, find_results, read_footers

COMPLETE = 0
COMPLETE_WITH_FAILURES = 3
INCOMPLETE = 4

WINDOW = 15 * 60.0
MOST_FOOTERS = 2000
_LISTED = 5  # of a kind, in the text
_LABEL = 11


@dataclass(frozen=True)
class DamagedShard:
    """Attributes
    ----------
    shard : int
    path : str
        Of the result, below the output.
    damage : tuple of str
        What could not be read of the input: "member 0012.jpg: ...".
    """

    shard: int
    path: str
    damage: tuple[str, ...]


@dataclass(frozen=True)
class Prediction:
    """What `plan --estimate` said, beside what is.

    Attributes
    ----------
    bytes_per_second : float
        Of the input, of all machines together.
    hours : float
    hours_so_far : float
        From the first result to the last, or to now while there is work left.
    """

    bytes_per_second: float
    hours: float
    hours_so_far: float


@dataclass(frozen=True)
class Status:
    """Attributes
    ----------
    shards, done, missing : int
        Of the plan.
    bytes, bytes_done : int
        Of the input.
    bytes_per_second : float or None
        Of the input, over the last 15 minutes. None where fewer than two shards were done in them.
    seconds_left : float or None
    footers, results : int
        How many results were opened for what follows, of how many. Where it is not all, the choice is even.
    rows : int
        Of the results that were opened.
    counts : dict of str to int
        Rows by status.
    duplicate_keys : int
    classes : dict of str to int
        Results by the class of instruction sets that they were computed with.
    damaged : tuple of DamagedShard
    unreadable : tuple of str
        Results that cannot be read, and why.
    older : tuple of str
        Results that a later generation took the place of.
    stray : tuple of str
        Results of shards that are not in the plan.
    foreign : tuple of str
        Files among the results that are none.
    leftovers, leftover_bytes : int
        Files in tmp/: of workers at work, or of some that were killed.
    prediction : Prediction or None
    """

    shards: int
    done: int
    missing: int
    bytes: int
    bytes_done: int
    bytes_per_second: float | None
    seconds_left: float | None
    footers: int
    results: int
    rows: int
    counts: dict[str, int]
    duplicate_keys: int
    classes: dict[str, int]
    damaged: tuple[DamagedShard, ...]
    unreadable: tuple[str, ...]
    older: tuple[str, ...]
    stray: tuple[str, ...]
    foreign: tuple[str, ...]
    leftovers: int
    leftover_bytes: int
    prediction: Prediction | None

    @property
    def exit_status(self) -> int:
        """0 complete, 3 complete with failed rows or damage, 4 incomplete."""
        if self.missing:
            return INCOMPLETE
        failed = sum(self.counts.values()) - self.counts.get("ok", 0)
        return COMPLETE_WITH_FAILURES if failed or self.damaged or self.unreadable else COMPLETE

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1)


class StatusReader:
    """Reads the status of a job, also again and again: footers are read once.

    Parameters
    ----------
    output : Location
    deep : bool, optional
        Opens all results. Otherwise an even choice of 2,000 where there are more.
    """

    def __init__(self, output: Location, *, deep: bool = False) -> None:
        self._output = output
        self._deep = deep
        self._job = Job.open(output)
        self._estimate = read_estimate(output)
        self._footers: dict[tuple[str, str], Footer | SiglipError] = {}

    def read(self) -> Status:
        """One listing of the results."""
        # The plan, too, each time: inputs may be added meanwhile.
        with read_plan(self._output) as plan:
            found = find_results(self._output, self._job, plan)
            done = list(found.results.values())
            chosen = done if self._deep else choose_evenly(done, MOST_FOOTERS)
            return make_status(
                plan,
                found,
                self._read_footers(chosen),
                leftovers=[each.size for each in list_leftovers(self._output)],
                estimate=self._estimate,
                now=time.time(),
            )

    def _read_footers(self, results: Sequence[Result]) -> list[tuple[Result, Footer | SiglipError]]:
        known = self._footers
        new = [each for each in results if (each.path, each.version) not in known]
        for result, footer in read_footers(self._output, new):
            known[result.path, result.version] = footer
        self._footers = {
            (each.path, each.version): known[each.path, each.version] for each in results
        }
        return [(each, self._footers[each.path, each.version]) for each in results]


def read_status(output: Location, *, deep: bool = False) -> Status:
    """Once; see `StatusReader`."""
    return StatusReader(output, deep=deep).read()


def make_status(
    plan: Plan,
    found: Findings,
    footers: Iterable[tuple[Result, Footer | SiglipError]],
    *,
    leftovers: Sequence[int],
    estimate: dict[str, Any] | None,
    now: float,
) -> Status:
    """From what was read.

    Parameters
    ----------
    leftovers : sequence of int
        The sizes of the files in tmp/.
    estimate : dict or None
        What estimate.json says.
    now : float
        In seconds since 1970.
    """
    total, done, times = 0, 0, []
    for batch in plan.sizes.to_batches():
        numbers, sizes = batch["number"].to_pylist(), batch["size"].to_pylist()
        for number, size in zip(numbers, sizes, strict=True):
            total += size
            result = found.results.get(number)
            if result is not None:
                done += size
                if result.modified is not None:
                    times.append((result.modified, size))
    missing = len(plan) - len(found.results)
    rate = recent_rate(times, now)
    counts: Counter[str] = Counter()
    classes: Counter[str] = Counter()
    damaged, unreadable, duplicates, opened = [], [], 0, 0
    for result, footer in footers:
        opened += 1
        if isinstance(footer, SiglipError):
            unreadable.append(str(footer))
            continue
        counts.update(footer.counts)
        classes[footer.instruction_set_class] += 1
        duplicates += footer.duplicate_keys
        if footer.damage:
            reasons = tuple(f"{each.where}: {each.reason}" for each in footer.damage)
            damaged.append(DamagedShard(result.number, result.path, reasons))
    return Status(
        shards=len(plan),
        done=len(found.results),
        missing=missing,
        bytes=total,
        bytes_done=done,
        bytes_per_second=rate,
        seconds_left=(total - done) / rate if rate and missing else None,
        footers=opened,
        results=len(found.results),
        rows=sum(counts.values()),
        counts=dict(sorted(counts.items())),
        duplicate_keys=duplicates,
        classes=dict(sorted(classes.items())),
        damaged=tuple(damaged),
        unreadable=tuple(unreadable),
        older=tuple(path for each in found.results.values() for path in each.older),
        stray=tuple(path for each in found.stray for path in (*each.older, each.path)),
        foreign=found.foreign,
        leftovers=len(leftovers),
        leftover_bytes=sum(leftovers),
        prediction=_prediction(estimate, [when for when, _ in times], now if missing else None),
    )


def recent_rate(times: Iterable[tuple[float, int]], now: float) -> float | None:
    """Bytes per second over the last 15 minutes, or since the first shard that was done in them.

    Parameters
    ----------
    times : iterable of (float, int)
        When shards were done, and their bytes of input.
    now : float
        By this machine's clock; a store's may be ahead.

    Returns
    -------
    float or None
        None where fewer than two shards were done in the window: the first marks the begin only.
    """
    times = list(times)
    now = max([now, *(when for when, _ in times)])
    recent = sorted(each for each in times if each[0] >= now - WINDOW)
    if len(recent) < 2 or now <= recent[0][0]:
        return None
    return sum(size for _, size in recent[1:]) / (now - recent[0][0])


def read_estimate(output: Location) -> dict[str, Any] | None:
    """What estimate.json says; None where none was asked for."""
    try:
        text = output.read(ESTIMATE_FILE)
    except NotFound:
        return None
    try:
        estimate = json.loads(text)
        for name in ("bytes_per_second", "hours"):
            if not isinstance(estimate["predicted"][name], int | float):
                raise TypeError(f"{name} is no number")
    except (ValueError, KeyError, TypeError) as error:
        raise MalformedFile(f"{output.uri}/{ESTIMATE_FILE}: is no estimate: {error}") from error
    assert isinstance(estimate, dict)
    return estimate


def _prediction(
    estimate: dict[str, Any] | None, times: list[float], now: float | None
) -> Prediction | None:
    if estimate is None:
        return None
    so_far = 0.0 if not times else max([*times, now or 0.0]) - min(times)
    predicted = estimate["predicted"]
    return Prediction(predicted["bytes_per_second"], predicted["hours"], so_far / 3600)


def format_status(status: Status, width: int) -> str:
    """As lines of at most `width` columns, at least 40."""
    lines = []
    for label, texts in _sections(status):
        for index, text in enumerate(texts):
            lines += textwrap.wrap(
                text,
                width=max(width, 40),
                initial_indent=(label if index == 0 else "").ljust(_LABEL),
                subsequent_indent=" " * (_LABEL + (2 if index else 0)),
                break_on_hyphens=False,
            )
    return "\n".join(lines)


def _sections(status: Status) -> list[tuple[str, list[str]]]:
    part = status.bytes_done / status.bytes if status.bytes else 1.0
    share = f"{part:.1%}" if status.missing == 0 or part < 0.9995 else "99.9%"
    shards = f"{status.done:,} of {status.shards:,} done"
    if status.missing:
        shards += f", {status.missing:,} missing"
    sections = [
        ("shards", [shards]),
        (
            "input",
            [f"{format_bytes(status.bytes_done)} of {format_bytes(status.bytes)} ({share})"],
        ),
    ]
    if status.missing:
        if status.bytes_per_second is None:
            sections.append(("rate", ["too few shards done in the last 15 minutes"]))
        else:
            sections.append(("rate", [f"{format_rate(status.bytes_per_second)}, last 15 minutes"]))
            sections.append(("left", [format_duration(status.seconds_left or 0)]))
    if status.prediction is not None:
        sections += _prediction_sections(status, status.prediction)
    if status.footers:
        sections += _footer_sections(status)
    for label, what, paths in (
        ("unreadable", "results that cannot be read; siglip bulk verify", status.unreadable),
        ("older", "results of older generations; siglip bulk clean", status.older),
        ("stray", "results of no shard of the plan; siglip bulk clean --stray", status.stray),
        ("foreign", "files that are no results", status.foreign),
    ):
        if paths:
            sections.append((label, [f"{len(paths):,}: {what}", *_some(paths)]))
    if status.leftovers:
        text = f"{status.leftovers:,}: files in tmp/, {format_bytes(status.leftover_bytes)}"
        sections.append(("temporary", [text]))
    return sections


def _prediction_sections(status: Status, prediction: Prediction) -> list[tuple[str, list[str]]]:
    actual = f"{format_duration(prediction.hours_so_far * 3600)} so far"
    if not status.missing:
        actual = f"{format_duration(prediction.hours_so_far * 3600)} from first to last result"
    if status.bytes_per_second is not None:
        actual = f"{format_rate(status.bytes_per_second)}, {actual}"
    rate = format_rate(prediction.bytes_per_second)
    return [
        ("predicted", [f"{rate}, {format_duration(prediction.hours * 3600)} in all"]),
        ("actual", [actual]),
    ]


def _footer_sections(status: Status) -> list[tuple[str, list[str]]]:
    rows = f"{status.rows:,}"
    if status.footers < status.results:
        rows += f" in {status.footers:,} of {status.results:,} results, evenly chosen (--deep: all)"
    failed = {name: count for name, count in status.counts.items() if name != "ok"}
    sections = [("rows", [rows])]
    if failed:
        names = ", ".join(f"{name} {count:,}" for name, count in failed.items())
        sections.append(("failed", [f"{sum(failed.values()):,}: {names}"]))
    if status.duplicate_keys:
        sections.append(
            ("duplicate", [f"{status.duplicate_keys:,}: keys that came before in their shard"])
        )
    classes = ", ".join(f"{name} {count:,}" for name, count in status.classes.items())
    if classes:
        sections.append(("classes", [classes]))
    if status.damaged:
        texts = [f"shard {each.shard}: {each.damage[0]}" for each in status.damaged]
        title = f"{len(texts):,}: shards whose input could not be read in full"
        sections.append(("damaged", [title, *_some(texts)]))
    return sections


def _some(texts: Sequence[str]) -> list[str]:
    if len(texts) <= _LISTED:
        return list(texts)
    return [*texts[: _LISTED - 1], f"and {len(texts) - _LISTED + 1:,} more (--json: all)"]
