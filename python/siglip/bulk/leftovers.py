"""Temporary files: of workers at work, and of those that were killed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from .local_location import TEMPORARY_FOLDER
from .location import Location


@dataclass(frozen=True)
class Leftover:
    """Attributes
    ----------
    path : str
        Below the output.
    size : int
    modified : float
        In seconds since 1970.
    file : (int, int)
        Device and number of the file.
    """

    path: str
    size: int
    modified: float
    file: tuple[int, int]


def list_leftovers(output: Location) -> list[Leftover]:
    """The files in tmp/, by name: only outputs that are folders have any."""
    if output.folder is None:
        return []
    found = []
    for folder, _, names in os.walk(output.folder / TEMPORARY_FOLDER):
        for name in names:
            path = os.path.join(folder, name)
            try:
                status = os.lstat(path)
            except FileNotFoundError:  # a worker has just committed it
                continue
            below = os.path.relpath(path, output.folder)
            file = (status.st_dev, status.st_ino)
            found.append(Leftover(below, status.st_size, status.st_mtime, file))
    return sorted(found, key=lambda each: each.path)


def open_files() -> set[tuple[int, int]]:
    """Device and number of the files that processes of this machine hold open, as far as this user may know."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            status = os.stat(link)
        except OSError:  # ended meanwhile, or another user's
            continue
        found.add((status.st_dev, status.st_ino))
    return found
