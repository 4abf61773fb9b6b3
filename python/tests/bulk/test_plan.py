"""Planning: which shards inputs become, the same every time, and what planning again keeps."""

from __future__ import annotations

import argparse
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_inputs import PICTURES, REPOSITORY, Folder, make_tar

from siglip.bulk import planning
from siglip.bulk.commands import plan as command
from siglip.bulk.endings import PICTURE_ENDINGS, kind_of
from siglip.bulk.job import Job
from siglip.bulk.location import Entry, Location
from siglip.bulk.model_folder import PreparedModel, prepare_model
from siglip.bulk.open_location import open_location
from siglip.bulk.plan_file import read_plan, write_plan
from siglip.bulk.planning import PlanSummary, plan
from siglip.bulk.shard import Shard
from siglip.errors import InvalidArgument, MalformedFile, Mismatch, NotFound, Unsupported

DEMO = REPOSITORY / "models" / "demo"


def made_fingerprint(precision: str = "int8") -> str:
    return (
        '{"dimension": 128, "image_weights": "abc", "instruction_set_class": "avx2", '
        f'"precision": "{precision}"}}'
    )


@pytest.fixture(autouse=True)
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planning without packing a model."""

    def prepare(
        output: Location, model: str, precision: str | None, isa: str | None, options: Any
    ) -> PreparedModel:
        folder = f"model/{model}"
        return PreparedModel(
            made_fingerprint(precision or "int8"), isa or "avx2", {"16x1": folder}, 128
        )

    monkeypatch.setattr(planning, "prepare_model", prepare)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "input")


class Output:
    """Where tests plan to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.location = open_location(str(path))

    def plan(self, *inputs: Path | str, **options: Any) -> PlanSummary:
        arguments = {"model": "m", **options}
        return plan([str(each) for each in inputs], str(self.path), **arguments)

    @property
    def shards(self) -> list[Shard]:
        with read_plan(self.location) as opened:
            return list(opened)

    @property
    def files(self) -> dict[str, bytes]:
        return {name: (self.path / name).read_bytes() for name in ("job.json", "plan.parquet")}

    @property
    def job(self) -> Job:
        return Job.open(self.location)


@pytest.fixture
def output(tmp_path: Path) -> Output:
    return Output(tmp_path / "output")


def parquet(columns: Mapping[str, Any], rows_of_group: int = 100, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(
        pa.table(dict(columns)), sink, row_group_size=rows_of_group, compression="none", **options
    )
    return sink.getvalue()


def names(shard: Shard) -> list[str]:
    return [file.path for file in shard.files]


def test_endings_are_those_of_the_library() -> None:
    source = Path(__file__).parents[3] / "src" / "image" / "image_format.cc"
    text = source.read_text().partition("kEndings = {")[2].partition("}")[0]
    assert sorted(PICTURE_ENDINGS) == sorted(word.strip(' \n".') for word in text.split(","))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("a/b.JPeG", "picture"),
        ("a.tar", "tar"),
        ("a.tar.gz", "compressed tar"),
        ("a.TGZ", "compressed tar"),
        ("a.parquet", "parquet"),
        ("a.jpg/b", None),
        ("jpg", None),
        ("_SUCCESS", None),
    ],
)
def test_kinds(path: str, kind: str | None) -> None:
    assert kind_of(path) == kind


def test_a_folder(folder: Folder, output: Output) -> None:
    tar = folder.add("t/0.tar", make_tar([("a.jpg", b"A")]))
    table = folder.add("p.parquet", parquet({"jpg": [b"x"] * 3}))
    pictures = [folder.add(name, b"x" * 10) for name in ("B.PNG", "a.jpg", "sub/c.webp")]
    for name in ("notes.txt", "_SUCCESS", ".hidden.jpg", ".git/x.jpg"):
        folder.add(name, b"x")
    folder.add("old.tar.gz", b"x")
    summary = output.plan(folder.path)
    assert [shard.kind for shard in output.shards] == ["tar", "parquet", "files"]
    first, second, third = output.shards
    assert first.source == tar and first.rows is None and first.size == tar.size
    assert second.source == table and second.row_groups == (0,) and second.rows == 3
    # Byte order: capitals first.
    assert third.files == tuple(pictures) and third.rows == 3 and third.size == 30
    assert output.job.inputs[0].uri == str(folder.path)
    assert (summary.shards, summary.files, summary.passed_over) == (3, 5, 2)
    assert summary.kinds == {"tar": 1, "parquet": 1, "files": 1}
    assert summary.rows == 6 and not summary.rows_known
    assert len(summary.warnings) == 1 and "old.tar.gz" in summary.warnings[0]


def test_files_are_packed_by_bytes(folder: Folder, output: Output) -> None:
    for name, size in (("a", 40), ("b", 60), ("c", 1), ("d", 200), ("e", 99), ("f", 1)):
        folder.add(name + ".jpg", bytes(size))
    output.plan(folder.path, shard_bytes=100)
    found = [[name[0] for name in names(shard)] for shard in output.shards]
    assert found == [["a", "b"], ["c"], ["d"], ["e", "f"]]
    assert [shard.number for shard in output.shards] == [0, 1, 2, 3]


def test_files_are_packed_by_number() -> None:
    from siglip.bulk.packing import file_shards

    entries = [Entry(f"{number:05d}.jpg", 1, "v") for number in range(20_001)]
    shards = list(file_shards(7, 0, reversed(entries), 1 << 30))
    assert [len(shard.files) for shard in shards] == [10_000, 10_000, 1]
    assert [shard.number for shard in shards] == [7, 8, 9]
    assert [file for shard in shards for file in shard.files] == entries


def test_row_groups_are_packed_by_bytes_of_pictures(folder: Folder, output: Output) -> None:
    rows = [os.urandom(10_000) for _ in range(50)]
    columns = {"image": [{"bytes": row, "path": "x"} for row in rows], "other": [b"x" * 99] * 50}
    folder.add("a.parquet", parquet(columns, 10, use_dictionary=False))
    output.plan(folder.path, shard_bytes=210_000)
    shards = output.shards
    assert [shard.row_groups for shard in shards] == [(0, 1), (2, 3), (4,)]
    assert [shard.rows for shard in shards] == [20, 20, 10]
    assert all(200_000 < shard.size < 202_000 for shard in shards[:2])
    assert len({shard.id for shard in shards}) == 3


def test_parquet_without_a_footer_is_a_shard(folder: Folder, output: Output) -> None:
    folder.add("a.parquet", parquet({"image": [b"x"]})[:-5])
    summary = output.plan(folder.path)
    (shard,) = output.shards
    assert shard.row_groups == () and shard.rows is None
    assert summary.warnings == ("1 Parquet files without a footer that can be read",)


@pytest.mark.parametrize(
    ("columns", "options", "told"),
    [
        ({"jpg": [b"x"], "png": [b"x"]}, {}, "jpg, png"),
        ({"first": [b"x"], "second": [b"x"]}, {}, "first, second"),
        ({"caption": ["x"], "n": [1]}, {}, "caption (string), n (int64)"),
        ({"jpg": [b"x"]}, {"image": ["png"]}, "jpg (binary)"),
        ({"jpg": [b"x"], "n": [1]}, {"image": ["n"]}, "int64"),
        ({"jpg": [b"x"]}, {"key": "id"}, "'id'"),
        ({"jpg": [b"x"], "id": [0.5]}, {"key": "id"}, "double"),
        ({"jpg": [b"x"]}, {"keep": ["caption"]}, "'caption'"),
        ({"jpg": [b"x"], "boxes": [[1]]}, {"keep": ["boxes"]}, "list"),
        ({"jpg": [b"x"], "width": [1]}, {"keep": ["width"]}, "'width'"),
        ({"jpg": [b"x"], "n": [1]}, {"keep": ["n", "n"]}, "'n'"),
    ],
)
def test_columns_that_are_missing_or_not_told(
    folder: Folder, output: Output, columns: Any, options: Any, told: str
) -> None:
    folder.add("a.parquet", parquet(columns))
    with pytest.raises(InvalidArgument) as raised:
        output.plan(folder.path, **options)
    assert told in raised.value.message
    assert not output.path.exists()


def test_planning_twice_gives_the_same_bytes(
    folder: Folder, output: Output, tmp_path: Path
) -> None:
    folder.add("0.tar", make_tar([("a.jpg", b"A")]))
    folder.add("a.jpg", b"A")
    folder.add("p.parquet", parquet({"jpg": [b"x"]}))
    output.plan(folder.path)
    files = output.files
    times = {name: (output.path / name).stat().st_mtime_ns for name in files}
    summary = output.plan(folder.path)
    assert output.files == files
    # Not even written again: workers may be reading them.
    assert {name: (output.path / name).stat().st_mtime_ns for name in files} == times
    assert (summary.kept, summary.added, summary.dropped) == (3, 0, 0)
    other = Output(tmp_path / "other")
    other.plan(folder.path)
    assert other.files == files


def test_ids_do_not_depend_on_where_the_input_lies(folder: Folder, output: Output) -> None:
    folder.add("0.tar", make_tar([("a.jpg", b"A")]))
    output.plan(folder.path)
    moved = folder.path.rename(folder.path.parent / "moved")
    again = Output(output.path.parent / "again")
    again.plan(moved)
    assert [shard.id for shard in again.shards] == [shard.id for shard in output.shards]


def test_additions_keep_what_is_there(folder: Folder, output: Output) -> None:
    folder.add("b.tar", b"x" * 1024)
    folder.add("b.jpg", b"x")
    output.plan(folder.path)
    before = output.shards
    folder.add("a.tar", b"y" * 1024)
    folder.add("a.jpg", b"x")
    summary = output.plan(folder.path, shard_bytes=1)
    after = output.shards
    assert after[:2] == before
    assert [(shard.number, shard.kind) for shard in after[2:]] == [(2, "tar"), (3, "files")]
    assert names(after[3]) == ["a.jpg"]
    assert (summary.kept, summary.added, summary.dropped) == (2, 2, 0)


def test_changed_and_removed_files_drop_their_shard(folder: Folder, output: Output) -> None:
    for name in "abcdef":
        folder.add(f"{name}.jpg", b"12345")
    folder.add("t.tar", b"x" * 1024)
    output.plan(folder.path, shard_bytes=10)
    before = output.shards
    assert [names(shard) for shard in before[1:]] == [
        ["a.jpg", "b.jpg"],
        ["c.jpg", "d.jpg"],
        ["e.jpg", "f.jpg"],
    ]
    (folder.path / "a.jpg").unlink()
    folder.add("d.jpg", b"123")
    folder.add("t.tar", b"y" * 2048)
    summary = output.plan(folder.path, shard_bytes=10)
    assert (summary.kept, summary.added, summary.dropped) == (1, 3, 3)
    after = output.shards
    assert after[0] == before[3]
    assert [(shard.number, shard.kind) for shard in after[1:]] == [
        (4, "tar"),
        (5, "files"),
        (6, "files"),
    ]
    assert [names(shard) for shard in after[2:]] == [["b.jpg", "c.jpg"], ["d.jpg"]]
    assert not {shard.id for shard in after[1:]} & {shard.id for shard in before}


def test_inputs_that_are_not_named_again_stay(tmp_path: Path, output: Output) -> None:
    first, second = Folder(tmp_path / "first"), Folder(tmp_path / "second")
    first.add("a.jpg", b"x")
    second.add("b.jpg", b"x")
    output.plan(first.path)
    before = output.shards
    (first.path / "a.jpg").unlink()  # nobody looks
    output.plan(second.path)
    assert output.shards[:1] == before
    assert [each.uri for each in output.job.inputs] == [str(first.path), str(second.path)]
    assert [(shard.number, shard.input) for shard in output.shards] == [(0, 0), (1, 1)]


def test_each_file_is_planned_once(folder: Folder, output: Output) -> None:
    folder.add("a/1.jpg", b"x")
    folder.add("a/2.tar", b"x")
    folder.add("3.jpg", b"x")
    output.plan(folder.path / "a" / "2.tar", folder.path / "a", folder.path / "a" / "1.jpg")
    before = output.shards
    output.plan(folder.path)
    assert output.shards[: len(before)] == before
    assert [shard.number for shard in output.shards] == [0, 1, 2]
    assert names(output.shards[2]) == ["3.jpg"]
    files = output.files
    output.plan(folder.path, folder.path / "a")
    assert output.files == files


def test_names_that_begin_alike(folder: Folder, output: Output) -> None:
    folder.add("a/1.jpg", b"x")
    folder.add("ab/2.jpg", b"x")
    output.plan(folder.path / "a", folder.path / "ab")
    assert [each.uri for each in output.job.inputs] == [f"{folder.path}/a", f"{folder.path}/ab"]
    assert [names(shard) for shard in output.shards] == [["1.jpg"], ["2.jpg"]]


def test_single_files_are_below_the_folder_around_them(folder: Folder, output: Output) -> None:
    entry = folder.add("x.tar", b"x")
    folder.add("y.tar", b"x")
    picture = folder.add("strange.name", b"x")
    output.plan(folder.path / "x.tar", folder.path / "strange.name")
    assert [shard.source for shard in output.shards] == [entry, None]
    assert output.shards[1].files == (picture,)
    assert [each.uri for each in output.job.inputs] == [str(folder.path)]


def test_lists(folder: Folder, output: Output, tmp_path: Path) -> None:
    for name in ("a/1.jpg", "a/2.jpg", "b/3.jpg", "c/4.tar", "d/5.jpg"):
        folder.add(name, b"x")
    lines = ["b/3.jpg", "a/1.jpg", "c/4.tar", "gone.jpg", "d"]
    listing = tmp_path / "list"
    listing.write_text("".join(f"{folder.path}/{line}\r\n" for line in lines))
    summary = output.plan(f"@{listing}")
    kinds = {shard.kind: shard for shard in output.shards}
    assert kinds["tar"].source is not None and kinds["tar"].source.path == "c/4.tar"
    # The folder of the list is an input of its own; the files have one, the folder around them.
    assert [each.uri for each in output.job.inputs] == [f"{folder.path}/d", str(folder.path)]
    assert [names(shard) for shard in output.shards if shard.kind == "files"] == [
        ["5.jpg"],
        ["a/1.jpg", "b/3.jpg"],
    ]
    assert len(summary.warnings) == 1 and "gone.jpg" in summary.warnings[0]
    files = output.files
    output.plan(f"@{listing}")
    assert output.files == files


def test_relative_paths_are_of_the_current_folder(
    folder: Folder, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.add("a/1.jpg", b"x")
    monkeypatch.chdir(folder.path)
    output.plan("a")
    assert [each.uri for each in output.job.inputs] == [f"{folder.path}/a"]


def test_large_tars_are_told(folder: Folder, output: Output) -> None:
    folder.add("a.tar", bytes(401))
    folder.add("b.tar", bytes(400))
    (warning,) = output.plan(folder.path, shard_bytes=100).warnings
    assert warning.startswith("1 tars") and warning.endswith("a.tar")


def test_what_cannot_be_planned(folder: Folder, output: Output, tmp_path: Path) -> None:
    folder.add("notes.txt", b"x")
    folder.add("sub/a.tar.gz", b"x")
    with pytest.raises(InvalidArgument) as raised:
        output.plan(folder.path)
    told = "1 files are of other kinds, 1 tars are compressed, which are not read"
    assert raised.value.hint == told
    with pytest.raises(NotFound):
        output.plan(tmp_path / "nothing")
    with pytest.raises(NotFound):
        output.plan(f"@{tmp_path}/nothing")
    with pytest.raises(Unsupported):
        output.plan(folder.path / "sub" / "a.tar.gz")
    with pytest.raises(InvalidArgument):
        output.plan()
    folder.add("a.jpg", b"x")
    with pytest.raises(InvalidArgument, match="region"):
        output.plan(folder.path, input_options={"region": "x"})
    assert not output.path.exists()


@pytest.mark.parametrize("place", ["input/output", "input", "."])
def test_the_output_is_no_input(folder: Folder, tmp_path: Path, place: str) -> None:
    folder.add("a.jpg", b"x")
    with pytest.raises(InvalidArgument, match="output"):
        Output(tmp_path / place).plan(folder.path)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"precision": "bf16"}, 'embedding.precision "int8" there, "bf16" here'),
        ({"dtype": "float32"}, 'dtype "float16" there, "float32" here'),
        ({"keep": ["json"]}, 'read.keep [] there, ["json"] here'),
        ({"isa": "any"}, 'isa "avx2" there, "any" here'),
    ],
)
def test_another_job_is_refused(folder: Folder, output: Output, options: Any, told: str) -> None:
    folder.add("a.jpg", b"x")
    output.plan(folder.path)
    files = output.files
    with pytest.raises(Mismatch) as raised:
        output.plan(folder.path, **options)
    assert told in raised.value.message
    assert output.files == files


def test_additions_have_the_instruction_set_of_the_job(folder: Folder, output: Output) -> None:
    folder.add("a.jpg", b"x")
    output.plan(folder.path, isa="any")
    output.plan(folder.path)
    assert output.job.isa == "any"


def test_the_plan_file(tmp_path: Path) -> None:
    strange = Entry("caf\udce9/é.jpg", 3, "1")
    made: Sequence[Shard] = [
        Shard(0, 0, "tar", Entry("a.tar", 1 << 40, "etag"), (), (), 1 << 40, None),
        Shard(3, 1, "parquet", Entry("p", 7, "v"), (2, 3), (), 5, 11),
        Shard(4, 0, "parquet", Entry("q", 7, "v"), (), (), 5, None),
        Shard(9, 2, "files", None, (), (strange, Entry("b", 0, "")), 3, 2),
    ]
    location = open_location(str(tmp_path))
    location.replace("plan.parquet", write_plan(made))
    with read_plan(location) as opened:
        assert len(opened) == 4 and list(opened) == list(made)
        assert [opened[number] for number in (9, 0, 4, 3)] == [made[3], made[0], made[2], made[1]]
        for number in (1, 10, -1):
            with pytest.raises(InvalidArgument):
                opened[number]
        assert opened.sizes.to_pydict() == {
            "number": [0, 3, 4, 9],
            "id": [shard.id for shard in made],
            "size": [1 << 40, 5, 5, 3],
        }


def test_shards_beyond_a_row_group(tmp_path: Path) -> None:
    one = Shard(0, 0, "tar", Entry("a.tar", 1, "v"), (), (), 1, None)
    location = open_location(str(tmp_path))
    location.replace("plan.parquet", write_plan(replace(one, number=2 * n) for n in range(5000)))
    with read_plan(location) as opened:
        assert len(opened) == 5000
        assert [opened[number].number for number in (0, 8190, 8192, 9998)] == [0, 8190, 8192, 9998]
        assert [shard.number for shard in opened] == list(range(0, 10_000, 2))


def test_files_that_are_no_plan(tmp_path: Path) -> None:
    location = open_location(str(tmp_path))
    with pytest.raises(NotFound):
        read_plan(location)
    for body in (b"", b"PAR1PAR1", parquet({"a": [1]})):
        location.replace("plan.parquet", body)
        with pytest.raises(MalformedFile):
            read_plan(location)


def test_the_model_is_packed_beside_the_job(
    folder: Folder, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "prepare_model", prepare_model)
    folder.add("a.jpg", PICTURES[0].read_bytes())
    output.plan(folder.path, model=str(DEMO), precision="int8")
    job = output.job
    assert (job.precision, job.dimension, job.dtype) == ("int8", 128, "float16")
    (model,) = job.model_folders.values()
    assert (output.path / model / "config.json").is_file()
    files = output.files
    output.plan(folder.path, model=str(DEMO), precision="int8")
    assert output.files == files
    with pytest.raises(Mismatch, match="precision"):
        output.plan(folder.path, model=str(DEMO), precision="bf16")
    # Told before anything is written.
    assert [each.name for each in (output.path / "model").iterdir()] == [Path(model).name]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512MiB", 512 << 20),
        ("1GB", 10**9),
        ("64m", 64 << 20),
        ("1.5 KiB", 1536),
        ("1000", 1000),
        ("7b", 7),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert command.parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "-1", "1XB", "MiB", "1e3", "nan"])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        command.parse_size(text)


def run_command(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.execute(parser.parse_args(arguments))


def test_the_command(folder: Folder, output: Output, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg", "d.txt", "e.tgz"):
        folder.add(name, b"12345")
    words = (str(folder.path), "--output", str(output.path), "--model", "m", "--shard-bytes", "10")
    assert run_command(*words, "--keep", "json", "--dtype", "float32", "--fast-decode") == 0
    printed = capsys.readouterr()
    assert printed.out == (
        "2 shards (2 of files): 3 files, 15 B, 3 pictures\n"
        "1 file passed over: neither pictures nor shards\n"
    )
    assert "e.tgz" in printed.err and printed.err.startswith("siglip bulk plan: warning: ")
    job = output.job
    assert job.read_options.keep == ("json",) and job.dtype == "float32"
    assert job.model_options == {"fast_decode": True}


def test_the_command_estimates(
    folder: Folder,
    output: Output,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: dict[str, Any] = {}

    def made(place: str, **options: Any) -> dict[str, Any]:
        asked.update(options, place=place)
        return {}

    monkeypatch.setattr("siglip.bulk.estimate.estimate", made)
    monkeypatch.setattr("siglip.bulk.estimate.format_estimate", lambda _: "an estimate")
    folder.add("a.jpg", b"x")
    words = (str(folder.path), "--output", str(output.path), "--model", "m", "--quiet")
    assert run_command(*words, "--estimate", "--cores", "64", "--network", "1.25GB") == 0
    assert capsys.readouterr().out == "an estimate\n"
    assert asked == {
        "place": str(output.path),
        "output_options": {},
        "machines": 1,
        "cores": 64,
        "network": 1_250_000_000,
        "price": None,
    }


@pytest.mark.parametrize("words", [("--price", "1"), ("--estimate", "--machines", "0")])
def test_the_command_refuses(folder: Folder, output: Output, words: Sequence[str]) -> None:
    with pytest.raises(InvalidArgument):
        run_command(str(folder.path), "--output", str(output.path), "--model", "m", *words)
    assert not output.path.exists()
