"""Fetches pictures before they are needed: object stores answer late."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from .limits import AHEAD_BYTES, AHEAD_COUNT

Task = TypeVar("Task")
Result = TypeVar("Result")


def read_ahead(
    tasks: Iterator[Task], work: Callable[[Task], Result], size_of: Callable[[Task], int]
) -> Iterator[Result]:
    """Results in the order of the tasks, of which several are worked on by threads of this process.

    Parameters
    ----------
    size_of : callable
        Bytes that the result of a task will hold, about: all that are under way have at most `AHEAD_BYTES`, or are one.

    Raises
    ------
    Exception
        What `work` raises, when it is that result's turn.
    """
    waiting: deque[tuple[Future[Result], int]] = deque()
    total = 0
    pool = ThreadPoolExecutor(AHEAD_COUNT, "siglip-read-ahead")
    try:
        for task in tasks:
            size = size_of(task)
            while waiting and (len(waiting) == AHEAD_COUNT or total + size > AHEAD_BYTES):
                future, taken = waiting.popleft()
                total -= taken
                yield future.result()
            waiting.append((pool.submit(work, task), size))
            total += size
        while waiting:
            yield waiting.popleft()[0].result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
