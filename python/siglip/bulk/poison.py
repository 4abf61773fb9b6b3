"""Pictures that a process does not survive: which they are, learnt from the deaths of workers."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from pathlib import Path

#: Deaths on one shard before its pictures are embedded one by one.
DEATHS_OF_A_SHARD = 3
#: Deaths of a picture, alone in a process, before it counts as the cause.
DEATHS_OF_A_PICTURE = 2

_FATAL = {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT}


@dataclass
class ShardDeaths:
    """What is known of one shard. In memory only: who starts the job again begins anew."""

    deaths: int = 0
    deaths_of_rows: dict[int, int] = field(default_factory=dict)
    #: Row -> signal.
    poisoned: dict[int, int] = field(default_factory=dict)

    @property
    def one_by_one(self) -> bool:
        return self.deaths >= DEATHS_OF_A_SHARD

    @property
    def is_hopeless(self) -> bool:
        """Its worker dies without a picture that could be the cause."""
        return self.deaths >= 2 * DEATHS_OF_A_SHARD

    def add(self, number: int, row: int | None) -> None:
        """A worker died by this signal, for a reason of its own; `row` was the last one told, one by one."""
        if row is None:
            self.deaths += 1
            return
        self.deaths_of_rows[row] = self.deaths_of_rows.get(row, 0) + 1
        if self.deaths_of_rows[row] >= DEATHS_OF_A_PICTURE:
            self.poisoned[row] = number


class DeathJudge:
    """Tells deaths that a picture may have caused from those that others did: a scheduler that kills, a machine that
    is shut down."""

    def __init__(self) -> None:
        self._killed_for_memory = _oom_kills()

    def blames_the_work(self, number: int) -> bool:
        """Whether the death of a process by this signal counts. SIGKILL does if the cgroup has since counted one for
        lack of memory."""
        if number != signal.SIGKILL:
            return number in _FATAL
        kills = _oom_kills()
        rose = kills > self._killed_for_memory
        self._killed_for_memory = kills
        return rose


def _oom_kills() -> int:
    """Of this process' cgroup; 0 where that is not to be known."""
    for path in _event_files():
        try:
            lines = path.read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            name, _, count = line.partition(" ")
            if name == "oom_kill" and count.strip().isdigit():
                return int(count)
    return 0


def _event_files() -> list[Path]:
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    files = []
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if controllers == "":
            files.append(Path(f"/sys/fs/cgroup{group}/memory.events"))
        elif "memory" in controllers.split(","):
            files.append(Path(f"/sys/fs/cgroup/memory{group}/memory.oom_control"))
    return files
