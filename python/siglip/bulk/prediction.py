"""What a job will take: the model of its cost, without any measuring.

A picture takes one core t = m + a Mpx seconds: m the model, a decoding and resizing of a megapixel. A machine does
min(C / t, network / bytes of a picture) pictures a second. A shard takes its worker T = k t seconds and costs it c
more (opening, listing, committing); a worker that dies once in MTBF loses half a shard: together c / T + T / (2 MTBF).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

A_DAY = 86_400.0
HOUR = 3600.0
#: Of a row of the result, beside its embedding: keys, hashes, sizes.
ROW_BYTES = 96
_GBIT = 1e9 / 8


@dataclass(frozen=True)
class Work:
    """What is to be done.

    Attributes
    ----------
    pictures : float
    shards : int
    megapixels : float
        Of a picture, on average; and so are those that follow.
    bytes_in, bytes_out : float
        Read and written for a picture.
    """

    pictures: float
    shards: int
    megapixels: float
    bytes_in: float
    bytes_out: float


@dataclass(frozen=True)
class Speed:
    """Of one core while all of its machine are busy.

    Attributes
    ----------
    model_seconds : float
        m, per picture: the model, and all else that does not depend on its size.
    megapixel_seconds : float
        a, of decoding and resizing, per megapixel.
    shard_seconds : float
        c, per shard.
    start_seconds : float
        Until a worker's first picture, once.
    """

    model_seconds: float
    megapixel_seconds: float
    shard_seconds: float = 2.0
    start_seconds: float = 0.0


@dataclass(frozen=True)
class Fleet:
    """Attributes
    ----------
    machines : int
    cores : int
        Of each.
    network : float or None
        Bytes per second that each can read. None: no bound.
    seconds_between_failures : float
        Of a worker, on average.
    """

    machines: int = 1
    cores: int = 1
    network: float | None = None
    seconds_between_failures: float = A_DAY


@dataclass(frozen=True)
class Prediction:
    """Attributes
    ----------
    hours : float
        From the start to the last result.
    picture_seconds : float
        t, of one core.
    bound : "cores" or "network"
        What decides the rate.
    overhead : float
        Part of the time that goes into shards instead of pictures.
    pictures_per_second, bytes_per_second : float
        Of all machines, overhead included; bytes of the input.
    network_per_machine : float
        Bytes per second that each reads.
    bytes_in, bytes_out : float
    pictures : float
    shards : int
    core_hours : (float, float)
        While there is work: from what was measured, and at half the rate: cores that are shared with others.
    cost : (float, float) or None
        The same in money, where a price of a core-hour is given.
    """

    hours: float
    picture_seconds: float
    bound: Literal["cores", "network"]
    overhead: float
    pictures_per_second: float
    bytes_per_second: float
    network_per_machine: float
    bytes_in: float
    bytes_out: float
    pictures: float
    shards: int
    core_hours: tuple[float, float]
    cost: tuple[float, float] | None


def predict(work: Work, speed: Speed, fleet: Fleet, *, price: float | None = None) -> Prediction:
    """Parameters
    ----------
    price : float, optional
        Of a core-hour.
    """
    seconds = speed.model_seconds + speed.megapixel_seconds * work.megapixels
    by_cores = fleet.cores / seconds
    by_network = math.inf if fleet.network is None else fleet.network / max(work.bytes_in, 1e-9)
    rate = min(by_cores, by_network)
    # Of one worker; more workers than shards have nothing to do, and the last round may be half empty.
    workers = fleet.machines * fleet.cores
    shard = work.pictures / max(work.shards, 1) * fleet.cores / rate
    overhead = speed.shard_seconds / shard + shard / (2 * fleet.seconds_between_failures)
    rounds = math.ceil(work.shards / workers)
    total = rounds * shard * (1 + overhead) + speed.start_seconds
    busy = work.shards * shard * (1 + overhead) + workers * speed.start_seconds
    core_hours = busy / HOUR
    return Prediction(
        hours=total / HOUR,
        picture_seconds=seconds,
        bound="cores" if by_cores <= by_network else "network",
        overhead=overhead,
        pictures_per_second=work.pictures / total,
        bytes_per_second=work.pictures * work.bytes_in / total,
        network_per_machine=work.pictures * work.bytes_in / total / fleet.machines,
        bytes_in=work.pictures * work.bytes_in,
        bytes_out=work.pictures * work.bytes_out,
        pictures=work.pictures,
        shards=work.shards,
        core_hours=(core_hours, 2 * core_hours),
        cost=None if price is None else (price * core_hours, 2 * price * core_hours),
    )


def best_shard_seconds(speed: Speed, fleet: Fleet) -> float:
    """T for which the overhead is least."""
    return math.sqrt(2 * speed.shard_seconds * fleet.seconds_between_failures)


def make_table(
    speed: Speed,
    *,
    megapixels: float,
    bytes_in: float,
    dimension: int,
    cores: int,
    gigabits: float,
    price: float,
) -> str:
    """Markdown for 10^6, 10^9 and 10^10 pictures in shards of 10,000, float16, on 1, 50 and 500 machines.

    Parameters
    ----------
    megapixels, bytes_in : float
        Of a picture.
    cores, gigabits : int, float
        Of a machine.
    price : float
        Of a core-hour, in dollars.
    """
    lines = [
        "| pictures | machines | pictures/s each | hours | shards | read | written | Gbit/s each | core-hours | price |",
        "|--|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for pictures, machines in ((10**6, 1), (10**9, 50), (10**10, 500)):
        work = Work(pictures, pictures // 10_000, megapixels, bytes_in, 2 * dimension + ROW_BYTES)
        fleet = Fleet(machines, cores, gigabits * _GBIT)
        found = predict(work, speed, fleet, price=price)
        assert found.cost is not None
        low, high = found.core_hours
        cells = [
            f"10^{round(math.log10(pictures))}",
            f"{machines}",
            f"{found.pictures_per_second / machines:,.0f}",
            f"{found.hours:,.1f}",
            f"{work.shards:,}",
            f"{found.bytes_in / 1e12:,.3g} TB",
            f"{found.bytes_out / 1e12:,.2g} TB",
            f"{found.network_per_machine / _GBIT:.1f}",
            f"{low:,.0f} to {high:,.0f}",
            f"${found.cost[0]:,.2f} to ${found.cost[1]:,.2f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
