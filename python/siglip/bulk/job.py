"""What a job is: job.json, and where its files lie below the output."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import pyarrow as pa

from .. import __version__
from ..errors import MalformedFile, Mismatch, NotFound
from .location import Location
from .sample import ReadOptions
from .shard import Shard

SCHEMA_VERSION = 1
_DATA_NAME = re.compile(
    r"\d{4,}/(?P<number>\d{8,})-(?P<id>[0-9a-f]{16})(-g(?P<generation>\d{1,6}))?\.parquet"
)
ANY = "any"
JOB_FILE = "job.json"
PLAN_FILE = "plan.parquet"
ESTIMATE_FILE = "estimate.json"

Dtype = Literal["float16", "float32"]


@dataclass(frozen=True)
class Input:
    """Attributes
    ----------
    uri : str
        A folder or prefix: of a single file, the one around it.
    options : mapping
        How it is reached: "anonymous", "requester_pays", "region", "endpoint". Never a secret.
    """

    uri: str
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """What job.json says.

    Attributes
    ----------
    fingerprint : dict
        What the bits of the result depend on: "embedding" (the engine's fingerprint; without the instruction-set class
        where `isa` is "any"), "dtype", "schema", "read", "siglip", "pyarrow".
    isa : str
        The instruction set that workers compute with, or "any".
    model : str
        As it was named.
    model_options : dict
        Arguments of `siglip.load` beside the precision: preprocess, alpha, fast_decode, max_num_patches.
    model_folders : dict
        Layout -> folder below the output.
    dimension : int
        D
    inputs : tuple of Input
    """

    fingerprint: dict[str, Any]
    isa: str
    model: str
    model_options: dict[str, Any]
    model_folders: dict[str, str]
    dimension: int
    inputs: tuple[Input, ...]

    @property
    def fingerprint_hash(self) -> str:
        """64 hexadecimal digits."""
        return hashlib.sha256(canonical_json(self.fingerprint).encode()).hexdigest()

    @property
    def precision(self) -> str:
        return str(self.fingerprint["embedding"]["precision"])

    @property
    def dtype(self) -> Dtype:
        dtype: Dtype = self.fingerprint["dtype"]
        return dtype

    @property
    def read_options(self) -> ReadOptions:
        read = self.fingerprint["read"]
        return ReadOptions(tuple(read["image"]), read["key"], tuple(read["keep"]))

    @property
    def data_folder(self) -> str:
        return f"data/{self.fingerprint_hash[:12]}"

    def data_path(self, shard: Shard, generation: int = 1) -> str:
        """Of a shard's result below the output."""
        return self._data_path(shard.number, shard.id, generation)

    def _data_path(self, number: int, shard_id: str, generation: int) -> str:
        suffix = "" if generation == 1 else f"-g{generation}"
        return f"{self.data_folder}/{number // 1000:04d}/{number:08d}-{shard_id}{suffix}.parquet"

    def parse_data_path(self, path: str) -> tuple[int, str, int] | None:
        """Number and id of the shard, and the generation; None for what no worker wrote."""
        found = _DATA_NAME.fullmatch(path.removeprefix(f"{self.data_folder}/"))
        if found is None:
            return None
        parsed = (int(found["number"]), found["id"], int(found["generation"] or 1))
        # One name per result: no "-g1", no zeros in front.
        return parsed if self._data_path(*parsed) == path else None

    def to_json(self) -> str:
        return json.dumps({"format": 1, **asdict(self)}, indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: bytes, name: str) -> Job:
        """Raises MalformedFile."""
        try:
            fields = json.loads(text)
            if fields.pop("format") != 1:
                raise MalformedFile(f"{name}: made by a newer siglip", "use that version")
            fields["inputs"] = tuple(Input(**each) for each in fields["inputs"])
            return cls(**fields)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, MalformedFile):
                raise
            raise MalformedFile(f"{name}: is no description of a bulk job: {error}") from error

    @classmethod
    def open(cls, output: Location) -> Job:
        """Raises NotFound where nothing was planned."""
        try:
            text = output.read(JOB_FILE)
        except NotFound as error:
            raise NotFound(
                f"{output.uri}: has no {JOB_FILE}", "siglip bulk plan INPUT... --output makes one"
            ) from error
        return cls.from_json(text, f"{output.uri}/{JOB_FILE}")

    def check_versions(self) -> None:
        """Raises Mismatch where this process would not write the same bytes."""
        for name, here in (("siglip", __version__), ("pyarrow", pa.__version__)):
            if self.fingerprint[name] != here:
                raise Mismatch(
                    f"{name}: the job was planned with {self.fingerprint[name]}, here is {here}",
                    "install that version, or plan a job of its own",
                )


def canonical_json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def make_fingerprint(embedding: str, isa: str, dtype: Dtype, read: ReadOptions) -> dict[str, Any]:
    """`embedding`: what `_siglip.Embedder.fingerprint` gives."""
    parts = json.loads(embedding)
    if isa == ANY:
        del parts["instruction_set_class"]
    return {"embedding": parts, **parts_beside_model(dtype, read)}


def parts_beside_model(dtype: Dtype, read: ReadOptions) -> dict[str, Any]:
    """What of a fingerprint is known without the model."""
    return {
        "dtype": dtype,
        "schema": SCHEMA_VERSION,
        "read": {"image": list(read.image), "key": read.key, "keep": list(read.keep)},
        "siglip": __version__,
        "pyarrow": pa.__version__,
    }
