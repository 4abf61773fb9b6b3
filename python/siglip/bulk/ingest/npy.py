"""Into an array of numpy, as `siglip embed` writes one."""

from __future__ import annotations

import os
from collections.abc import Mapping
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
    array_file, names_file = Path(f"{prefix}.npy"), Path(f"{prefix}.npy.names.txt")
    unfinished = [
        path.with_name(f".{path.name}.{os.getpid()}") for path in (array_file, names_file)
    ]
    try:
        with open(unfinished[0], "wb") as array, open(unfinished[1], "wb") as names:
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
        array_file.unlink(missing_ok=True)
        unfinished[1].rename(names_file)
        unfinished[0].rename(array_file)
    except OSError as error:
        if isinstance(error, SiglipError):
            raise
        raise IOFailure(f"{array_file}: cannot be written: {error.strerror}") from error
    finally:
        for path in unfinished:
            path.unlink(missing_ok=True)
    return counts


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
