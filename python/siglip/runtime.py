"""Threads and kernels: a `Runtime` per number of threads, shared by all models of the process."""

import os
import threading
from typing import TYPE_CHECKING

from .errors import InvalidArgument

if TYPE_CHECKING:
    from . import _siglip

_shared: "dict[int, Runtime]" = {}
_lock = threading.Lock()


class Runtime:
    """Threads and kernels, shared by the models made with it.

    Models made without one share those of the process, so few programs need this class.

    Parameters
    ----------
    threads : int, optional
        Worker threads, the calling one included. None: the environment variable SIGLIP_THREADS,
        else as many as this process may use.
    instruction_set : str, optional
        One of `siglip.instruction_sets`. None: the environment variable SIGLIP_ISA, else the best
        one of this CPU, but never amx.

    Raises
    ------
    InvalidArgument
        For a number of threads or an instruction set that cannot be.
    Unsupported
        For an instruction set that this CPU lacks.
    """

    def __init__(self, threads: int | None = None, *, instruction_set: str | None = None) -> None:
        from . import _siglip

        self._asked = (threads, instruction_set)
        count = _threads_of_environment() if threads is None else threads
        self._native = _siglip.Runtime(count, instruction_set or "")

    @property
    def threads(self) -> int:
        """Worker threads, the calling one included."""
        return self._native.threads

    @property
    def instruction_set(self) -> str:
        """The name of the kernels."""
        return self._native.instruction_set

    @property
    def native(self) -> "_siglip.Runtime":
        """Of this package's own use."""
        return self._native

    def __repr__(self) -> str:
        return f"Runtime(threads={self.threads}, instruction_set={self.instruction_set!r})"

    def __reduce__(self) -> tuple[object, ...]:
        return (_make, self._asked)


def _make(threads: int | None, instruction_set: str | None) -> Runtime:
    return Runtime(threads, instruction_set=instruction_set)


def _threads_of_environment() -> int:
    text = os.environ.get("SIGLIP_THREADS", "")
    if not text:
        return 0
    if not (text.isascii() and text.isdigit()):
        raise InvalidArgument(f"SIGLIP_THREADS: expected a number of threads, found {text!r}")
    return int(text)


def shared_runtime(threads: int | None = None) -> Runtime:
    """The process' own runtime with so many threads (None: the default), made on first use and
    kept."""
    count = _threads_of_environment() if threads is None else threads
    with _lock:
        if count not in _shared:
            _shared[count] = Runtime(count)
        return _shared[count]


def choose_runtime(runtime: Runtime | None, threads: int | None) -> Runtime:
    """What the arguments `runtime` and `threads` of a model mean."""
    if runtime is None:
        return shared_runtime(threads)
    if threads is not None:
        raise InvalidArgument("runtime and threads: expected one of them, found both")
    return runtime


def _renew_lock() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    # Another thread of the parent may have held it.
    os.register_at_fork(after_in_child=_renew_lock)
