"""Slow clients, and large bodies in little memory."""

import os
import random
import subprocess
import sys

from index_figures import check, figure
from service import Service

from .requests import SERVER_TESTS, index_of


def attack(service, *words):
    """How many cases tests/server/attack.py ran, all of which must be good."""
    command = [sys.executable, "-B", SERVER_TESTS / "attack.py", "127.0.0.1", service.port, "--hosts",
               "--pid", service.process.pid, *words]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    for line in result.stdout.splitlines():
        print(f"  {line}", flush=True)
    check(result.returncode == 0, f"tests/server/attack.py: status {result.returncode} {result.stderr[-500:]}")
    return result.stdout.count("ok ")


def slow(siglip, scratch, arguments):
    pictures = scratch / "slow"
    pictures.mkdir()
    side = round((arguments.large_bytes / 3) ** 0.5)
    large = pictures / "large.ppm"
    large.write_bytes(b"P6 %d %d 255\n" % (side, side) + random.Random(1).randbytes(3 * side * side))
    index = index_of(siglip, scratch, pictures)
    words = ("--large", "/v1/images/1", "--large-bytes", large.stat().st_size)
    with Service("--index", index, program=siglip.program) as service:
        cases = attack(service, "--only", "slow-headers", "--only", "slow-bodies", "--only", "slow-readers", *words)
    with Service("--index", index, "--max-buffered", "128M", "--max-connections", 512,
                 program=siglip.program) as service:
        model = service.memory()
        bound = model + 128 + 128 * os.cpu_count() + 32
        figure("memory at first", f"{model:.0f} MiB; the peak may be {bound:.0f} MiB")
        cases += attack(service, "--only", "large-bodies", "--only", "slow-readers", "--slow", 256,
                        "--peak-mib", bound, *words)
        figure("summary", f"{cases} cases good, peak {service.memory('VmHWM'):.0f} MiB ({bound:.0f})")
