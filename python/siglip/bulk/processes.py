"""Worker processes of this machine: one per core, each with one thread, started again when they die."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, field
from typing import IO

from ..errors import SiglipError
from ..runtime import Runtime
from .child_process import start
from .poison import DeathJudge, ShardDeaths
from .worker import Outcome

#: Workers that end like this before they are ready, one after the other, end the run.
_MOST_FAILED_STARTS = 3


class Listener:
    """What a run is told; every method may be left out."""

    def advanced(self, rows: int, size: int) -> None:
        """So many pictures, of so many bytes, are done since the last call."""

    def done(self, outcome: Outcome) -> None:
        """The shard has a result."""

    def failed(self, number: int, error: SiglipError) -> None:
        """The shard has no result."""

    def died(self, number: int | None, signal_number: int, blamed: bool) -> None:
        """A worker was killed while it embedded a shard, which is done again. `blamed`: a picture may be the cause."""


def available_cores() -> list[int]:
    """The CPUs to pin workers to: as many as affinity and cgroup let this process use at once."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[: max(1, Runtime().threads)]


@dataclass
class _Task:
    number: int
    generation: int


@dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    cpu: int | None
    answers: IO[bytes]
    pending: bytearray = field(default_factory=bytearray)
    ready: bool = False
    task: _Task | None = None
    row: int | None = None  # the last one told, one by one
    fatal: SiglipError | None = None


class WorkerPool:
    """Embeds shards of one job by worker processes.

    Parameters
    ----------
    output : str
    output_options : mapping, optional
    workers : int, optional
        None: one per core.
    pin : bool
        To a core each. Not where something else divides the cores of the machine among several pools.
    """

    def __init__(
        self,
        output: str,
        *,
        output_options: Mapping[str, str] | None = None,
        workers: int | None = None,
        pin: bool = True,
    ) -> None:
        cores = available_cores()
        count = len(cores) if workers is None else workers
        # More workers than cores share them as the system sees fit.
        pin = pin and count <= len(cores)
        self._cpus: list[int | None] = [*cores[:count]] if pin else [None] * count
        self._output = output
        self._output_options = output_options
        self._selector = selectors.DefaultSelector()
        self._workers: list[_Worker] = []
        self._again: deque[_Task] = deque()
        self._numbers: Iterator[int] | None = None
        self._deaths: dict[int, ShardDeaths] = {}
        self._judge = DeathJudge()
        self._failed_starts = 0

    def run(self, numbers: Iterable[int], listener: Listener, generation: int = 1) -> None:
        """Embeds these shards, in this order. Returns when each is done or has failed.

        Each number is taken when a worker is free for it; of a pool with one worker, the iterator may wait for it.

        Whatever is raised, such as KeyboardInterrupt, no worker is left, and nothing is half-written.

        Raises
        ------
        SiglipError
            Where workers cannot work at all.
        """
        self._numbers = iter(numbers)
        self._generation = generation
        most = len(numbers) if isinstance(numbers, Sized) else len(self._cpus)
        try:
            for cpu in self._cpus[:most]:
                self._start(cpu)
            while self._workers:
                for key, _ in self._selector.select():
                    self._read(key.data, listener)
        finally:
            self._kill_all()

    def _start(self, cpu: int | None) -> None:
        process = start("worker_process", self._output, self._output_options, cpu)
        assert process.stdout is not None
        worker = _Worker(process, cpu, process.stdout)
        self._workers.append(worker)
        self._selector.register(process.stdout, selectors.EVENT_READ, worker)

    def _read(self, worker: _Worker, listener: Listener) -> None:
        # Not through its buffer, which select() knows nothing of.
        piece = os.read(worker.answers.fileno(), 1 << 16)
        if not piece:
            self._ended(worker, listener)
            return
        worker.pending += piece
        *lines, rest = worker.pending.split(b"\n")
        worker.pending = bytearray(rest)
        for line in lines:
            self._answered(worker, json.loads(line), listener)

    def _answered(self, worker: _Worker, answer: dict[str, object], listener: Listener) -> None:
        if "rows" in answer:
            listener.advanced(int(str(answer["rows"])), int(str(answer["bytes"])))
        elif "row" in answer:
            worker.row = int(str(answer["row"]))
        elif "ready" in answer:
            worker.ready = True
            self._failed_starts = 0
            self._give_next(worker)
        elif "outcome" in answer:
            outcome: dict[str, object] = answer["outcome"]  # type: ignore[assignment]
            worker.task = None
            listener.done(Outcome(**outcome))  # type: ignore[arg-type]
            if not answer["last"]:  # otherwise it ends by itself
                self._give_next(worker)
        else:
            error = SiglipError(str(answer["error"]), str(answer["hint"]))
            if answer.get("fatal"):
                worker.fatal = error
                return
            assert worker.task is not None
            listener.failed(worker.task.number, error)
            worker.task = None
            self._give_next(worker)

    def _give_next(self, worker: _Worker) -> None:
        stdin = worker.process.stdin
        assert stdin is not None
        try:
            worker.row = None
            worker.task = self._next_task()
            if worker.task is None:
                stdin.close()  # and it ends
                return
            deaths = self._deaths.get(worker.task.number, ShardDeaths())
            order = {
                "shard": worker.task.number,
                "generation": worker.task.generation,
                "one_by_one": deaths.one_by_one,
                "poisoned": deaths.poisoned,
            }
            stdin.write(json.dumps(order).encode() + b"\n")
            stdin.flush()
        except BrokenPipeError:
            pass  # it has ended, which is found out when its answers do

    def _next_task(self) -> _Task | None:
        if self._again:
            return self._again.popleft()
        if self._numbers is not None:
            for number in self._numbers:
                return _Task(number, self._generation)
        self._numbers = None
        return None

    def _ended(self, worker: _Worker, listener: Listener) -> None:
        status = self._forget(worker)
        if worker.fatal is not None and worker.task is None:
            raise worker.fatal
        if not worker.ready and (status > 0 or (status < 0 and self._judge.blames_the_work(-status))):
            self._failed_starts += 1
            if self._failed_starts == _MOST_FAILED_STARTS:
                raise SiglipError(
                    f"a worker process ended with status {status} before it was ready, "
                    f"{_MOST_FAILED_STARTS} times",
                    "what it said is above",
                )
        if worker.task is not None:
            self._put_back(worker, worker.task, status, listener)
        elif status < 0:  # before it had one, or behind the last
            listener.died(None, -status, False)
        if self._again or self._numbers is not None:
            self._start(worker.cpu)

    def _put_back(self, worker: _Worker, task: _Task, status: int, listener: Listener) -> None:
        """What a worker was at when it ended."""
        if worker.fatal is not None:
            listener.failed(task.number, worker.fatal)
            return
        if status >= 0:
            reason = f"its worker process ended with status {status}"
            listener.failed(task.number, SiglipError(reason, "what it said is above"))
            return
        blamed = self._judge.blames_the_work(-status)
        listener.died(task.number, -status, blamed)
        if blamed:
            deaths = self._deaths.setdefault(task.number, ShardDeaths())
            deaths.add(-status, worker.row)
            if deaths.is_hopeless:
                name = signal.Signals(-status).name
                listener.failed(
                    task.number,
                    SiglipError(f"its worker process died by {name}, whatever was tried"),
                )
                return
        self._again.appendleft(task)

    def _forget(self, worker: _Worker) -> int:
        self._selector.unregister(worker.answers)
        self._workers.remove(worker)
        worker.answers.close()
        if worker.process.stdin is not None:
            try:
                worker.process.stdin.close()
            except BrokenPipeError:
                pass
        return worker.process.wait()

    def _kill_all(self) -> None:
        for worker in self._workers:
            worker.process.kill()
        for worker in [*self._workers]:
            self._forget(worker)
        self._selector.close()
