"""Runs siglip so that it dies before, or fails in, a chosen call that changes files (failing_calls.c)."""

import functools
import os
import pathlib
import subprocess
import tempfile

SOURCE = pathlib.Path(__file__).resolve().with_name("failing_calls.c")
_KEPT = tempfile.TemporaryDirectory(prefix="siglip-failing-calls-")


@functools.lru_cache(maxsize=1)
def library():
    path = pathlib.Path(_KEPT.name) / "failing_calls.so"
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-o", path, SOURCE,
                    "-ldl"], check=True)
    return path


def variables(log=None, kill=None, pause=None, full=None, refuse=()):
    """For the environment of `command_line.run`."""
    chosen = {"LD_PRELOAD": str(library())}
    # The sanitizer's library is content to come second.
    chosen["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    for name, value in (("LOG", log), ("KILL", kill), ("PAUSE", pause), ("FULL", full)):
        if value is not None:
            chosen[f"FAILING_CALLS_{name}"] = str(value)
    if refuse:
        chosen["FAILING_CALLS_REFUSE"] = ",".join(refuse)
    return chosen
