"""How fast this machine embeds some pictures, with all its cores busy as in a run."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from ..errors import SiglipError
from .child_process import start
from .processes import available_cores


@dataclass(frozen=True)
class Measurement:
    """Attributes
    ----------
    cores : int
        That were busy.
    picture_seconds : float
        Of one core, for a picture of the sample.
    model_seconds : float
        For a picture of hardly any pixels.
    megapixels : float
        Of a picture of the sample, on average.
    start_seconds : float
        Until a worker was ready.
    """

    cores: int
    picture_seconds: float
    model_seconds: float
    megapixels: float
    start_seconds: float


def measure(
    output: str,
    pictures: Sequence[bytes],
    *,
    output_options: Mapping[str, str] | None = None,
    seconds: float = 15.0,
) -> Measurement:
    """Embeds pictures again and again by as many one-thread processes as there are cores, each on its own.

    Parameters
    ----------
    output : str
        With the job, whose model is used.
    pictures : sequence of bytes
        Encoded; at least one.
    seconds : float, optional
        To measure for, beside the start.
    """
    cores = available_cores()
    with tempfile.TemporaryDirectory(prefix="siglip-estimate-") as folder, ExitStack() as stack:
        processes = []
        for index, cpu in enumerate(cores):
            mine = Path(folder, str(index))
            mine.mkdir()
            # More processes than pictures share them.
            for number, data in enumerate(pictures[index % len(pictures) :: len(cores)]):
                (mine / f"{number:04d}").write_bytes(data)
            words = [str(mine), "--seconds", str(seconds), "--begin", str(time.time())]
            process = start("measure_process", output, output_options, cpu, *words)
            stack.enter_context(process)
            stack.callback(process.kill)
            processes.append(process)
        ready = [_answer(process)["ready"] for process in processes]
        # Only now, so that no core is idle while another is measured.
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(b"go\n")
            process.stdin.flush()
        answers = [_answer(process) for process in processes]
    count = sum(each["pictures"] for each in answers)
    return Measurement(
        cores=len(cores),
        picture_seconds=sum(each["seconds"] for each in answers) / count,
        model_seconds=fmean(each["model_seconds"] for each in answers),
        megapixels=sum(each["megapixels"] for each in answers) / count,
        start_seconds=fmean(ready),
    )


def _answer(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise SiglipError(
            f"a measuring process ended with status {process.wait()}", "what it said is above"
        )
    answer: dict[str, Any] = json.loads(line)
    if "error" in answer:
        raise SiglipError(answer["error"], answer["hint"])
    return answer
