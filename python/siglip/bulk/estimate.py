"""What a job will take, measured with some of its pictures on this machine."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from ..errors import InvalidArgument
from .figures import format_bytes, format_duration
from .job import ESTIMATE_FILE, Job
from .local_location import TEMPORARY_FOLDER
from .location import Location
from .measure import measure
from .open_location import open_location
from .picture_sample import sample_pictures
from .plan_file import read_plan
from .prediction import ROW_BYTES, Fleet, Speed, Work, predict

_MOST_PROBE_BYTES = 64 << 20


def estimate(
    output: str,
    *,
    output_options: Mapping[str, str] | None = None,
    machines: int | None = None,
    cores: int | None = None,
    network: float | None = None,
    price: float | None = None,
    seconds: float = 15.0,
) -> dict[str, Any]:
    """Measures for some seconds with all cores of this machine, and writes what comes out as estimate.json.

    Parameters
    ----------
    output : str
        Where the job lies.
    machines : int, optional
        That will work on it, each like this one but for its cores. None: one.
    cores : int, optional
        Of each. None: as many as this process may use.
    network : float, optional
        Bytes per second that each machine can read. None: as many as its workers read at the speed measured here.
    price : float, optional
        Of a core-hour.
    seconds : float, optional
        To measure for.

    Returns
    -------
    dict
        "measured": what was; "fleet": what it was asked for; "predicted": the fields of `Prediction`; "price".
    """
    for name, value in (("machines", machines), ("cores", cores)):
        if value is not None and value < 1:
            raise InvalidArgument(f"{name}: expected at least 1, found {value}")
    place = open_location(output, output_options)
    job = Job.open(place)
    with read_plan(place) as plan:
        shards = len(plan)
        sample = sample_pictures(job, plan)
    if not sample.pictures:
        raise InvalidArgument(
            f"{place.uri}: in the shards that were looked at, no picture could be read",
            "siglip bulk embed-shard --shard 0 tells why",
        )
    found = measure(output, sample.pictures, output_options=output_options, seconds=seconds)
    bytes_out = job.dimension * np.dtype(job.dtype).itemsize + ROW_BYTES
    work = Work(
        pictures=sample.pictures_in_all,
        shards=shards,
        megapixels=found.megapixels,
        bytes_in=sample.bytes_per_picture,
        bytes_out=bytes_out,
    )
    commit = _commit_seconds(place, round(bytes_out * work.pictures / shards))
    pixels = max(found.picture_seconds - found.model_seconds, 0.0)
    speed = Speed(
        # Where the pictures hardly take longer than those of a few pixels, noise decides which do.
        model_seconds=found.picture_seconds - pixels + sample.read_seconds,
        megapixel_seconds=pixels / found.megapixels if found.megapixels else 0.0,
        shard_seconds=sample.open_seconds + commit,
        start_seconds=found.start_seconds,
    )
    workers = cores or found.cores
    by_reading = sample.bytes_per_second * workers
    fleet = Fleet(machines or 1, workers, by_reading if network is None else min(network, by_reading))
    told = {
        "format": 1,
        "measured": {
            **asdict(speed),
            "cores": found.cores,
            "pictures": len(sample.pictures),
            "megapixels": found.megapixels,
            "bytes_per_picture": sample.bytes_per_picture,
            "read_seconds": sample.read_seconds,
            "read_bytes_per_second": sample.bytes_per_second,
        },
        "fleet": asdict(fleet),
        "predicted": asdict(predict(work, speed, fleet, price=price)),
        "price": price,
    }
    place.replace(ESTIMATE_FILE, (json.dumps(told, indent=1, sort_keys=True) + "\n").encode())
    return told


def format_estimate(told: Mapping[str, Any]) -> str:
    """Lines for a terminal. `told`: what `estimate` returns."""
    measured, fleet, predicted = told["measured"], told["fleet"], told["predicted"]
    low, high = predicted["core_hours"]
    model = measured["model_seconds"] * 1000
    pixels = measured["megapixel_seconds"] * 1000
    lines = [
        ("measured", f"{measured['pictures']:,} pictures, all {measured['cores']} cores busy"),
        (
            "picture",
            f"{measured['megapixels']:.2f} megapixels, "
            f"{format_bytes(measured['bytes_per_picture'])}",
        ),
        (
            "core time",
            f"{predicted['picture_seconds'] * 1000:.1f} ms a picture: model {model:.1f}, "
            f"decoding and resizing {pixels:.2f} a megapixel",
        ),
        ("pictures", f"about {predicted['pictures']:,.0f} in {predicted['shards']:,} shards"),
        (
            "time",
            f"{format_duration(predicted['hours'] * 3600)} on {fleet['machines']:,} machines "
            f"of {fleet['cores']:,} cores, {predicted['pictures_per_second']:,.0f} pictures/s",
        ),
        (
            "network",
            f"{predicted['network_per_machine'] * 8 / 1e9:.3f} Gbit/s a machine"
            + (", which reads no faster" if predicted["bound"] == "network" else ""),
        ),
        ("read", format_bytes(predicted["bytes_in"])),
        ("written", format_bytes(predicted["bytes_out"])),
        ("core-hours", f"{_figure(low)}; {_figure(high)} where cores are shared with others"),
    ]
    if predicted["cost"] is not None:
        low, high = predicted["cost"]
        lines.append(
            ("cost", f"{_figure(low)}; {_figure(high)} where cores are shared with others")
        )
    return "\n".join(f"{label:<11}{text}" for label, text in lines)


def _figure(value: float) -> str:
    """Three digits or more."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _commit_seconds(output: Location, size: int) -> float:
    """Of making an object like the result of a shard."""
    path = f"{TEMPORARY_FOLDER}/estimate-{secrets.token_hex(8)}"
    body = secrets.token_bytes(min(size, _MOST_PROBE_BYTES))
    begin = time.monotonic()
    try:
        output.create(path, body)
        return time.monotonic() - begin
    finally:
        output.delete(path)
