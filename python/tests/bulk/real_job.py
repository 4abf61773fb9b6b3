"""Jobs over tars, with the model of the repository, that real workers embed."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

from siglip.bulk.job import Input, Job, make_fingerprint
from siglip.bulk.location import Location
from siglip.bulk.model_folder import prepare_model
from siglip.bulk.open_location import open_location
from siglip.bulk.plan_file import write_plan
from siglip.bulk.sample import ReadOptions
from siglip.bulk.shard import Shard
from siglip.bulk.worker import Outcome, ShardEmbedder

REPOSITORY = Path(__file__).resolve().parents[3]
DEMO = REPOSITORY / "models" / "demo"
PICTURES = [file.read_bytes() for file in sorted((REPOSITORY / "examples/images").glob("*.jpg"))]


class RealJob:
    """Of tars, each given as name -> contents. Planned by hand, not by the planner."""

    def __init__(self, folder: Path, tars: Sequence[Mapping[str, bytes]]) -> None:
        self.uri = str(folder / "out")
        self.input = folder / "in"
        self.input.mkdir()
        self.output: Location = open_location(self.uri)
        place = open_location(str(self.input), read_only=True)
        self.shards = []
        for number, members in enumerate(tars):
            file = self.input / f"{number}.tar"
            with tarfile.open(file, "w") as tar:
                for name, data in members.items():
                    header = tarfile.TarInfo(name)
                    header.size = len(data)
                    tar.addfile(header, BytesIO(data))
            entry = place.entry(file.name)
            assert entry is not None
            self.shards.append(Shard(number, 0, "tar", entry, (), (), entry.size, None))
        model = prepare_model(self.output, str(DEMO), "f32", None, {})
        self.job = Job(
            fingerprint=make_fingerprint(model.fingerprint, model.isa, "float16", ReadOptions()),
            isa=model.isa,
            model=str(DEMO),
            model_options={},
            model_folders=model.folders,
            dimension=model.dimension,
            inputs=(Input(str(self.input)),),
        )
        self.output.replace("job.json", self.job.to_json().encode())
        self.output.replace("plan.parquet", write_plan(self.shards))

    def embed(self, number: int) -> Outcome:
        return ShardEmbedder(self.uri).embed(number)

    def file(self, number: int, generation: int = 1) -> Path:
        """Of a result."""
        return Path(self.uri) / self.job.data_path(self.shards[number], generation)

    def results(self) -> list[str]:
        data = Path(self.uri) / "data"
        return sorted(file.name for file in data.rglob("*") if file.is_file())
