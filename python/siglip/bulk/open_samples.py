"""Which reader a shard is read with."""

from __future__ import annotations

from ..errors import NotFound
from .errors import InputChanged
from .file_samples import FileSamples
from .job import Job
from .location import Location
from .parquet_samples import ParquetSamples
from .sample import SampleReader
from .shard import Shard
from .tar_samples import TarSamples


def open_samples(shard: Shard, job: Job, input_location: Location) -> SampleReader:
    """Opens a shard.

    Parameters
    ----------
    input_location : Location
        `job.inputs[shard.input]`, opened.

    Raises
    ------
    InputChanged, TransportError
        Here or while iterating.
    """
    try:
        if shard.kind == "tar":
            return TarSamples(shard, job.read_options, input_location)
        if shard.kind == "parquet":
            return ParquetSamples(shard, job.read_options, input_location)
        return FileSamples(shard, job.read_options, input_location)
    except NotFound as error:
        raise InputChanged(f"{error.message}: it was there when the job was planned") from error
