"""Bars of tqdm, where it is installed."""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")


def _tqdm() -> Callable[..., Any]:
    from tqdm.auto import tqdm  # type: ignore[import-untyped,unused-ignore]

    bar: Callable[..., Any] = tqdm
    return bar


def wants_bar(show_progress: bool | None) -> bool:
    """None: where standard error is a terminal and tqdm is installed."""
    if show_progress is not None:
        return show_progress
    terminal = sys.stderr is not None and sys.stderr.isatty()
    return terminal and importlib.util.find_spec("tqdm") is not None


def with_bar(items: Iterator[T], total: int | None, unit: str) -> Iterator[T]:
    """The same items, counted by a bar."""
    bar: Iterator[T] = _tqdm()(items, total=total, unit=unit)
    return bar


class ByteBar:
    """A bar for a download; called with what `_siglip.pull_model` tells."""

    def __init__(self, name: str) -> None:
        self._bar = _tqdm()(desc=name, unit="B", unit_scale=True)

    def __call__(self, file: str, total: int, present: int, received: int) -> None:
        self._bar.total = total
        self._bar.update(present + received - self._bar.n)

    def __enter__(self) -> "ByteBar":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.close()


class CountBar:
    """A bar that is told how many there are by now, of nobody knows how many."""

    def __init__(self, unit: str) -> None:
        self._bar = _tqdm()(unit=unit)

    def show(self, count: int) -> None:
        self._bar.update(count - self._bar.n)

    def close(self) -> None:
        self._bar.close()
