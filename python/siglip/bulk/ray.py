"""A job by the machines of a Ray cluster.

Ray only schedules: an actor per core, each over a worker process, and counts come back. What is done lies in the
output and nowhere else, so that driver, actors and machines may be lost at any time.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict
from typing import Any

import ray

from ..errors import InvalidArgument, SiglipError
from .open_location import open_location
from .processes import Listener, WorkerPool
from .run import RunListener, RunSummary, Told, find_work
from .worker import Outcome

_SHARDS_IN_FLIGHT = 2  # of an actor: the next is there when one is done


def run(
    output: str,
    *,
    output_options: Mapping[str, str] | None = None,
    actors: int | None = None,
    listener: RunListener | None = None,
) -> RunSummary:
    """Embeds the shards of a job that have no result yet, the largest first, by actors of Ray.

    Connects to a cluster as `ray.init()` does, unless that was done. May be killed anywhere and started again, also
    beside other launchers: the files are those of one undisturbed run.

    Parameters
    ----------
    output : str
        Where the job lies: an address, or a folder that all machines have under the same path.
    output_options : mapping, optional
        How it is reached, see `open_location`.
    actors : int, optional
        Each takes one CPU, and begins when there is one. None: as many as the cluster has CPUs now.
    listener : RunListener, optional
        Called in the thread of the caller. `died` tells what happened before the shard was done.

    Raises
    ------
    NotFound
        Where nothing was planned.
    SiglipError
        Where actors cannot work at all: another version, a CPU without the instruction set.
    """
    if actors is not None and actors < 1:
        raise InvalidArgument(f"actors: expected at least 1, found {actors}")
    place = open_location(output, output_options)
    todo, summary = find_work(place)
    told = Told(summary, listener or RunListener())
    told.listener.begins(todo, summary)
    if not todo:
        return summary
    if not ray.is_initialized():
        ray.init()
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call,unused-ignore]
    count = actors or max(1, int(resources.get("CPU", 1)))
    driver = _Driver(todo, told)
    try:
        driver.start(min(count, len(todo)), place.uri, dict(output_options or {}))
        driver.wait()
    except ray.exceptions.RayError as error:
        raise SiglipError(f"ray: {error}", "siglip bulk run needs no Ray") from error
    finally:
        driver.stop()
    return summary


class _Driver:
    """Keeps actors busy. One that waits for a free CPU, or for another machine after it lost its own, holds up
    nobody: it is given no shard before it runs, and those that have nothing left to do make room."""

    def __init__(self, todo: Sequence[tuple[int, int]], told: Told) -> None:
        self._todo = deque(todo)
        self._sizes = dict(todo)
        self._told = told
        self._busy: dict[Any, int] = {}  # actor -> shards in flight
        self._waiting: dict[Any, tuple[Any, int | None]] = {}  # call -> actor, shard

    def start(self, count: int, output: str, output_options: dict[str, str]) -> None:
        options: Any = {"num_cpus": 1, "max_restarts": -1, "max_task_retries": -1}
        options["max_concurrency"] = _SHARDS_IN_FLIGHT
        actor_class: Any = ray.remote(**options)(_Actor)
        for _ in range(count):
            actor = actor_class.remote(output, output_options)
            self._busy[actor] = 0
            self._waiting[actor.begin.remote()] = actor, None

    def wait(self) -> None:
        while self._todo or any(self._busy.values()):
            ready, _ = ray.wait(list(self._waiting))
            for call in ready:
                actor, number = self._waiting.pop(call)
                answer = ray.get(call)
                if number is not None:
                    self._busy[actor] -= 1
                    self._tell(number, answer)
                while self._busy[actor] < _SHARDS_IN_FLIGHT and self._give_next(actor):
                    pass
                if self._busy[actor] == 0:  # nothing is left for it
                    self._stop(actor)

    def stop(self) -> None:
        for actor in [*self._busy]:
            self._stop(actor)

    def _give_next(self, actor: Any) -> bool:
        if not self._todo:
            return False
        number, _ = self._todo.popleft()
        self._waiting[actor.embed.remote(number)] = actor, number
        self._busy[actor] += 1
        return True

    def _tell(self, number: int, answer: dict[str, Any]) -> None:
        for signal_number, blamed in answer["deaths"]:
            self._told.died(number, signal_number, blamed)
        if "outcome" in answer:
            outcome = Outcome(**answer["outcome"])
            self._told.advanced(outcome.rows, self._sizes[number])
            self._told.done(outcome)
            return
        error = SiglipError(answer["error"], answer["hint"])
        if answer["fatal"]:
            raise error
        self._told.failed(number, error)

    def _stop(self, actor: Any) -> None:
        del self._busy[actor]
        ray.kill(actor)


class _Actor:
    """Over one worker process, whose deaths it sees and counts: Ray does not tell by which signal a process of its
    own died."""

    def __init__(self, output: str, output_options: dict[str, str]) -> None:
        self._numbers: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._answers = _Answers()
        # Ray divides the cores of a machine, and pins nothing.
        pool = WorkerPool(output, output_options=output_options, workers=1, pin=False)
        threading.Thread(target=self._serve, args=(pool,), daemon=True).start()

    def begin(self) -> None:
        """Returns when it runs."""

    def embed(self, number: int) -> dict[str, Any]:
        """Counts, or why there is no result."""
        answer = self._answers.expect(number)
        self._numbers.put(number)
        return answer.result()

    def _serve(self, pool: WorkerPool) -> None:
        try:
            pool.run(iter(self._numbers.get, None), self._answers)
        except SiglipError as error:
            self._answers.end(error)


class _Answers(Listener):
    """What a pool tells, for those who wait for a shard."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._expected: dict[int, Future[dict[str, Any]]] = {}
        self._deaths: dict[int, list[tuple[int, bool]]] = {}
        self._end: SiglipError | None = None

    def expect(self, number: int) -> Future[dict[str, Any]]:
        with self._lock:
            answer: Future[dict[str, Any]] = Future()
            if self._end is None:
                self._expected[number] = answer
            else:
                answer.set_result(_failure(self._end, fatal=True))
            return answer

    def died(self, number: int | None, signal_number: int, blamed: bool) -> None:
        if number is not None:
            self._deaths.setdefault(number, []).append((signal_number, blamed))

    def done(self, outcome: Outcome) -> None:
        self._answer(outcome.number, {"outcome": asdict(outcome)})

    def failed(self, number: int, error: SiglipError) -> None:
        self._answer(number, _failure(error, fatal=False))

    def end(self, error: SiglipError) -> None:
        """The pool cannot work."""
        with self._lock:
            self._end = error
            numbers = [*self._expected]
        for number in numbers:
            self._answer(number, _failure(error, fatal=True))

    def _answer(self, number: int, answer: dict[str, Any]) -> None:
        with self._lock:
            expected = self._expected.pop(number)
        expected.set_result({**answer, "deaths": self._deaths.pop(number, [])})


def _failure(error: SiglipError, *, fatal: bool) -> dict[str, Any]:
    return {"error": error.message, "hint": error.hint, "fatal": fatal, "deaths": []}
