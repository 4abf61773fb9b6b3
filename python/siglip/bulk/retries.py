"""What may pass is tried again; how often, how long, and how to wait so that Ctrl-C is heard."""

from __future__ import annotations

import math
import os
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from ..errors import InvalidArgument
from .errors import TransportError

Result = TypeVar("Result")

TRIES = 5
GROWTH = 4.0  # of the pauses: 0.5, 2, 8 and 30 s outlive a server's restart
TIMEOUT_VARIABLE = "SIGLIP_BULK_TIMEOUT"
PAUSE_VARIABLE = "SIGLIP_BULK_PAUSE"


class Transient(Exception):
    """What an action raises for a failure that may pass; its text is the reason."""


@dataclass(frozen=True)
class Patience:
    """In seconds.

    Attributes
    ----------
    read : float
        Of silence, until a request is given up. SIGLIP_BULK_TIMEOUT.
    connect : float
        Until a connection stands.
    first_pause, longest_pause : float
        Between tries. SIGLIP_BULK_PAUSE is the first.
    """

    read: float = 60.0
    connect: float = 10.0
    first_pause: float = 0.5
    longest_pause: float = 30.0

    @classmethod
    def from_environment(cls) -> Patience:
        """Raises InvalidArgument."""
        read = _seconds(TIMEOUT_VARIABLE, cls.read)
        return cls(
            read=read,
            connect=min(cls.connect, read),
            first_pause=_seconds(PAUSE_VARIABLE, cls.first_pause),
        )

    def pause(self, tries: int) -> float:
        """After so many tries; a part of it is random, so that workers that failed together do not
        return together."""
        longest = min(self.longest_pause, self.first_pause * math.pow(GROWTH, tries - 1))
        return longest * random.uniform(0.5, 1.0)


def retried(what: str, action: Callable[[], Result]) -> Result:
    """The result of `action`, which is called up to five times as long as it raises `Transient`.

    Parameters
    ----------
    what : str
        The address, for the message.

    Raises
    ------
    TransportError
        With the last reason. Whatever else `action` raises passes at once.
    """
    patience = Patience.from_environment()
    tries = 1
    while True:
        try:
            return action()
        except Transient as failure:
            if tries == TRIES:
                raise TransportError(f"{what}: {failure}", f"tried {tries} times") from failure
        time.sleep(patience.pause(tries))
        tries += 1


def interruptible(action: Callable[[], Result], seconds: float | None = None) -> Result:
    """The result of `action`, while signals are handled although it waits in native code.

    Python handles signals in the main thread and between its own instructions only, so what may
    wait for a minute is done in another thread. That one is left alone when a signal or the time
    ends the wait.

    Parameters
    ----------
    seconds : float or None
        After which it is given up as `Transient`. None: `action` bounds its time itself.
    """
    if seconds is None and threading.current_thread() is not threading.main_thread():
        return action()
    background = Background(action)
    if not background.wait(seconds):
        raise Transient(f"no answer in {seconds:g} s")
    return background.result()


class Background(Generic[Result]):
    """An action under way in a thread of its own, which never holds up the end of the process."""

    def __init__(self, action: Callable[[], Result]) -> None:
        self._action = action
        self._done = threading.Event()
        self._value: list[Result] = []
        self._error: BaseException | None = None
        threading.Thread(target=self._run, name="siglip bulk", daemon=True).start()

    def _run(self) -> None:
        try:
            self._value.append(self._action())
        except BaseException as error:  # handed over to whoever waits
            self._error = error
        finally:
            self._done.set()

    def wait(self, seconds: float | None = None) -> bool:
        return self._done.wait(seconds)

    def result(self) -> Result:
        """Waits."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._value[0]


def _seconds(variable: str, default: float) -> float:
    text = os.environ.get(variable)
    if not text:
        return default
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.001 <= seconds <= 86400:
        raise InvalidArgument(f"{variable}: expected seconds, found {text!r}")
    return seconds
