"""Into an array of numpy, as `siglip embed` writes one."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from ...errors import IOFailure, Mismatch, SiglipError
from ..results import read_footers
from ..table import OK
from .rows import Ingested, JobRows, Progress, RowNames, vectors

_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r"})


def to_npy(
    output: str,
    prefix: str,
    *,
    output_options: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Ingested:
    """Writes PREFIX.npy, [n, D] in the job's type, and PREFIX.npy.names.txt, a name per row, in the order of the plan.

    Both appear whole or not at all, and are made anew by each call.

    Parameters
    ----------
    output : str
        The job.
    prefix : str
        A path of this machine without its ending.

    Raises
    ------
    IOFailure
        Where they cannot be written.
    """
    rows = JobRows(output, output_options)
    counts = rows.begin()
    total = 0
    for _, footer in read_footers(rows.location, rows.results):
        if isinstance(footer, SiglipError):
            raise footer
        total += footer.counts.get(OK, 0)
    files = (Path(f"{prefix}.npy"), Path(f"{prefix}.npy.names.txt"))
    try:
        with _unfinished(files[0]) as array, _unfinished(files[1]) as names:
            _write_header(array, (total, rows.job.dimension), rows.job.dtype)
            _write_rows(rows, array, names, counts, progress)
            if counts.rows != total:
                raise Mismatch(
                    f"{rows.location.uri}: results were made anew meanwhile: expected {total} rows, found "
                    f"{counts.rows}",
                    "try it again",
                )
            for file in (array, names):
                file.flush()
                os.fsync(file.fileno())
            # Names without an array are no danger; an array with other names would be.
            files[0].unlink(missing_ok=True)
            os.rename(names.name, files[1])
            os.rename(array.name, files[0])
    except OSError as error:
        if isinstance(error, SiglipError):
            raise
        raise IOFailure(f"{files[0]}: cannot be written: {error.strerror}") from error
    return counts


@contextmanager
def _unfinished(path: Path) -> Iterator[IO[bytes]]:
    """An empty file beside `path`, which goes unless it is renamed. Also what a killed process left there."""
    with open(path.with_name(f".{path.name}.unfinished"), "ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise IOFailure(f"{path}: another process writes it") from error
        file.truncate(0)
        try:
            yield file
        finally:
            Path(file.name).unlink(missing_ok=True)


def _write_header(file: IO[bytes], shape: tuple[int, int], dtype: str) -> None:
    description = np.lib.format.dtype_to_descr(np.dtype(dtype).newbyteorder("<"))
    header: dict[str, Any] = {"descr": description, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


def _write_rows(
    rows: JobRows,
    array: IO[bytes],
    names: IO[bytes],
    counts: Ingested,
    progress: Progress | None,
) -> None:
    several = len(rows.job.inputs) > 1
    for result in rows.results:
        shard = rows.open(result)
        row_names = RowNames(shard.shard)
        prefix = f"{rows.job.inputs[shard.shard.input].uri}/" if several else ""
        for batch in shard.batches(["key", "row", "embedding"]):
            vectors(batch).tofile(array)
            lines = [(prefix + name).translate(_ESCAPES) + "\n" for name in row_names.of(batch)]
            names.write("".join(lines).encode())
            counts.rows += len(batch)
        counts.added += 1
        if progress is not None:
            progress(counts)
