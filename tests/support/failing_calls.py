"""Runs siglip so that it dies before, or fails in, a chosen call that changes files (failing_calls.c),
or loses what is not synced by then (unsynced_files.c)."""

import functools
import os
import pathlib
import subprocess
import tempfile

SOURCES = [pathlib.Path(__file__).resolve().with_name(name)
           for name in ("failing_calls.c", "unsynced_files.c")]
_KEPT = tempfile.TemporaryDirectory(prefix="siglip-failing-calls-")


@functools.lru_cache(maxsize=1)
def library():
    path = pathlib.Path(_KEPT.name) / "failing_calls.so"
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-o", path, *SOURCES,
                    "-ldl", "-lpthread"], check=True)
    return path


def variables(log=None, kill=None, pause=None, full=None, refuse=(), folder=None, lose=None,
              seed=None, no_sync=None):
    """For the environment of `command_line.run`; what they mean is said in failing_calls.c."""
    chosen = {"LD_PRELOAD": str(library())}
    # The sanitizer's library is content to come second.
    chosen["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    for name, value in (("LOG", log), ("KILL", kill), ("PAUSE", pause), ("FULL", full),
                        ("FOLDER", folder), ("LOSE", lose), ("SEED", seed),
                        ("NO_SYNC", no_sync)):
        if value is not None:
            chosen[f"FAILING_CALLS_{name}"] = str(value)
    if refuse:
        chosen["FAILING_CALLS_REFUSE"] = ",".join(refuse)
    return chosen
