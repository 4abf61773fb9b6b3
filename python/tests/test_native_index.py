"""siglip.Index: against the command line, numpy, and the files that are there."""

import json
import multiprocessing
import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import astuple
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import DEMO, EXAMPLES

import siglip
from siglip import _siglip

CLI = [os.environ["SIGLIP_CLI"]] if "SIGLIP_CLI" in os.environ else [sys.executable, "-m", "siglip"]
WORDS = "two red circles"
ALL = sorted(EXAMPLES.glob("*.jpg"))


def copy_pictures(folder: Path, pictures: list[Path]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for picture in pictures:
        shutil.copy(picture, folder)
    return folder


@pytest.fixture(scope="module")
def model() -> siglip.Model:
    return siglip.load(DEMO, threads=2)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All examples, one of them twice, and what is no picture."""
    folder = copy_pictures(tmp_path_factory.mktemp("photos"), ALL)
    copy_pictures(folder / "more", ALL[:1])
    (folder / "broken.jpg").write_bytes(b"no picture")
    for file in folder.rglob("*.jpg"):
        os.utime(file, (1e9, 1e9))  # what has just been changed is read again
    return folder


@pytest.fixture(scope="module")
def index(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> siglip.Index:
    index = siglip.Index(tmp_path_factory.mktemp("index"), model=DEMO, threads=2)
    index.add(photos)
    return index


@pytest.fixture
def small(tmp_path: Path, model: siglip.Model) -> siglip.Index:
    """An index that may be changed, of a folder with six pictures."""
    index = siglip.Index(tmp_path / "index", model=model)
    index.add(copy_pictures(tmp_path / "photos", ALL[:6]))
    return index


def paths(hits: siglip.SearchResult) -> list[str]:
    return [Path(hit.path).name for hit in hits]


# ---- adding ----


def test_what_became_of_the_files_is_told(photos: Path, tmp_path: Path, model: siglip.Model) -> None:
    index = siglip.Index(tmp_path / "index", model=model)
    first = index.add(photos)
    assert (first.embedded, first.known, first.failed, first.unchanged) == (len(ALL), 1, 1, 0)
    assert [failure.path for failure in first.failures] == [str(photos / "broken.jpg")]
    assert isinstance(first.failures[0].error, siglip.Unsupported)
    again = index.add(photos)
    assert (again.embedded, again.unchanged, again.failed_earlier) == (0, len(ALL) + 1, 1)
    assert again.failures == []


def test_callbacks(photos: Path, tmp_path: Path, model: siglip.Model) -> None:
    index = siglip.Index(tmp_path / "index", model=model)
    counts: list[siglip.UpdateCounts] = []
    failed, passed_over = [], []
    result = index.add(
        photos,
        exclude=["more", "0*.jpg"],
        progress=counts.append,
        on_error=lambda path, error: failed.append((path, error.code)),
        on_passed_over=lambda path, reason: passed_over.append(path),
    )
    assert failed == [(str(photos / "broken.jpg"), "unsupported")]
    assert result.failures == []
    assert result.embedded == sum(not file.name.startswith("0") for file in ALL) == counts[-1].embedded
    assert str(photos / "00.jpg") in passed_over


def test_a_bar_counts(photos: Path, tmp_path: Path, model: siglip.Model, capfd: Any) -> None:
    pytest.importorskip("tqdm")
    siglip.Index(tmp_path / "index", model=model).add(photos, progress=True)
    assert f"{len(ALL) + 2}picture" in capfd.readouterr().err


def test_ctrl_c_keeps_what_was_done(small: siglip.Index, tmp_path: Path) -> None:
    folder = copy_pictures(tmp_path / "photos", ALL)

    sent: list[int] = []

    def interrupt(counts: siglip.UpdateCounts) -> None:
        if counts.embedded >= 4 and not sent:
            sent.append(counts.embedded)
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # shells ignore it for some
    try:
        with pytest.raises(KeyboardInterrupt):
            small.add(folder, progress=interrupt)
    finally:
        signal.signal(signal.SIGINT, before)
    done = small.status().contents - 6
    assert done >= 4
    assert small.verify() == []
    assert small.add(folder).embedded == len(ALL) - 6 - done


def test_what_a_callback_raises_ends_it(small: siglip.Index, tmp_path: Path) -> None:
    folder = copy_pictures(tmp_path / "photos", ALL[6:10])
    (folder / "zz.jpg").write_bytes(b"no picture")

    def refuse(path: str, error: siglip.SiglipError) -> None:
        raise LookupError(path)

    with pytest.raises(LookupError, match="zz.jpg"):
        small.add(folder, on_error=refuse)
    assert small.status().contents >= 10


def test_one_writer_at_a_time(small: siglip.Index, tmp_path: Path) -> None:
    found: list[BaseException] = []

    def remove(counts: siglip.UpdateCounts) -> None:
        try:
            small.remove(tmp_path / "photos")
        except siglip.IOFailure as error:
            found.append(error)

    small.add(copy_pictures(tmp_path / "photos", ALL[6:7]), progress=remove)
    assert found and str(os.getpid()) in str(found[0])


def test_missing_files_are_forgotten(small: siglip.Index, tmp_path: Path) -> None:
    (tmp_path / "photos" / ALL[0].name).unlink()
    assert small.add(tmp_path / "photos").missing == 1
    assert small.prune(timedelta(days=1)) == 0
    assert small.status().folders == [siglip.IndexedFolder(str(tmp_path / "photos"), 5, 1, 0)]
    assert small.prune() == 1
    small.remove(tmp_path / "photos")
    assert small.status().folders == []
    assert small.status().contents == 0
    with pytest.raises(siglip.NotFound, match="is no folder of the index"):
        small.remove(tmp_path / "photos")


# ---- reading ----


def test_vectors_are_those_of_the_model(
    index: siglip.Index, photos: Path, model: siglip.Model
) -> None:
    found = dict(index)
    files = sorted([*photos.glob("*[0-9].jpg"), *photos.glob("more/*.jpg")], key=os.fsencode)
    assert list(found) == [str(file) for file in files]
    expected = model.encode_image(files, normalize=True).astype(np.float16)
    np.testing.assert_array_equal(np.stack(list(found.values())), expected.astype(np.float32))


def test_hits_are_those_of_a_full_comparison(index: siglip.Index, model: siglip.Model) -> None:
    found = index.search(WORDS, top=len(ALL), all=True)
    query = model.encode_text(WORDS, normalize=True).astype(np.float64)
    scores = {path: float(vector @ query) for path, vector in index}
    assert found.total == len(found) == len(ALL)
    for hit in found:
        assert hit.score == pytest.approx(scores[hit.path], abs=1e-6)
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)
    assert found[0] is found.hits[0] and found[:2] == found.hits[:2]
    copied = next(hit for hit in found if Path(hit.path).name == ALL[0].name)
    assert [Path(path).parent.name for path in copied.copies] == ["more"]
    low = index.search(WORDS, top=len(ALL), min_score=found[5].score, all=True)
    assert paths(low) == paths(found)[:6]


def test_what_shows_the_same_is_folded(tmp_path: Path, model: siglip.Model) -> None:
    image = pytest.importorskip("PIL.Image")
    folder = copy_pictures(tmp_path / "photos", ALL[:3])
    image.open(ALL[0]).save(folder / "again.jpg", quality=90)
    index = siglip.Index(tmp_path / "index", model=model)
    index.add(folder)
    every = {hit.id: Path(hit.path).name for hit in index.search(WORDS, all=True)}
    assert len(every) == 4
    (folded,) = [hit for hit in index.search(WORDS) if hit.alike]
    assert {Path(folded.path).name, every[folded.alike[0]]} == {"again.jpg", ALL[0].name}


def cli_search(index: siglip.Index, *arguments: str) -> dict[str, Any]:
    command = [*CLI, "search", "--json", "--index", index.folder, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode in (0, 1), result.stderr
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


PICTURE = str(EXAMPLES / "03.jpg")
SEARCHES: list[tuple[list[str], dict[str, Any]]] = [
    ([WORDS], {"words": WORDS}),
    (["--image", PICTURE, "--top", "5"], {"image": PICTURE, "top": 5}),
    ([WORDS, "--all", "--format", "jpeg"], {"words": WORDS, "all": True, "format": "jpeg"}),
    ([WORDS, "--not", "a blue star"], {"words": WORDS, "not_": "a blue star"}),
    (["--not", WORDS, "--all"], {"not_": WORDS, "all": True}),
    (
        [WORDS, "--weight", "2", "a star", "--image", PICTURE, "--weight", "0.5"],
        {"words": [(WORDS, 2), "a star"], "image": [(PICTURE, 0.5)]},
    ),
    (
        [WORDS, "--under", "/", "--min-width", "10", "--min-score", "-1"],
        {"words": WORDS, "under": "/", "min_width": 10, "min_score": -1},
    ),
]


@pytest.mark.parametrize(("arguments", "options"), SEARCHES)
def test_hits_are_those_of_the_command_line(
    index: siglip.Index, arguments: list[str], options: dict[str, Any]
) -> None:
    expected = cli_search(index, *arguments)
    found = index.search(**options)
    assert found.total == expected["total"]
    assert (found.mean, found.deviation) == (expected["mean"], expected["deviation"])
    for hit, other in zip(found, expected["data"], strict=True):
        assert other.pop("taken") is None
        assert other.pop("probability", None) == hit.probability
        assert np.float32(other.pop("score")) == np.float32(hit.score)
        for name, value in other.items():
            field = getattr(hit, name)
            assert value == (list(field) if isinstance(field, tuple) else field), name


def test_an_index_of_the_command_line_goes_on(tmp_path: Path) -> None:
    folder = copy_pictures(tmp_path / "photos", ALL[:3])
    command = [*CLI, "index", "--quiet", "--index", str(tmp_path / "index"), "--model", str(DEMO)]
    subprocess.run([*command, "--precision", "int8", str(folder)], check=True)
    index = siglip.Index(tmp_path / "index")
    assert index.model.precision == "int8"
    assert index.add(copy_pictures(folder, ALL[:5])).embedded == 2
    status = index.status()
    assert (status.model, status.contents, status.undecodable) == (str(DEMO), 5, 0)
    assert status.fingerprint is not None and status.fingerprint["precision"] == "int8"
    assert status.bytes == sum(file.stat().st_size for file in Path(index.folder).iterdir())


def test_embeddings_as_queries(index: siglip.Index, model: siglip.Model) -> None:
    text = model.encode_text(WORDS, normalize=True)
    picture = model.encode_image(PICTURE, normalize=True)
    assert index.search(text) == index.search(WORDS)
    assert index.search(image=picture) == index.search(image=PICTURE)
    both = index.search([(text, 2)], image=[picture], not_=text)
    assert both == index.search([(WORDS, 2)], image=[PICTURE], not_=WORDS)


def test_pixels_as_queries(index: siglip.Index) -> None:
    image = pytest.importorskip("PIL.Image")
    assert index.search(image=image.open(PICTURE))[0].path.endswith("03.jpg")


@pytest.fixture
def dated(tmp_path: Path, model: siglip.Model) -> siglip.Index:
    """One picture taken at 9:30 in a zone two hours ahead, one at no known time."""
    image = pytest.importorskip("PIL.Image")
    exif = image.Exif()
    exif.get_ifd(0x8769).update({0x9003: "2024:05:17 09:30:00", 0x9011: "+02:00"})
    folder = copy_pictures(tmp_path / "photos", ALL[:1])
    image.open(ALL[1]).save(folder / "dated.jpg", exif=exif)
    index = siglip.Index(tmp_path / "index", model=model)
    index.add(folder)
    return index


@pytest.mark.parametrize("when", ["2024-05-17", "2024-05-17T09:30:00", date(2024, 5, 17),
                                  datetime(2024, 5, 17, 9, 30), datetime(2024, 5, 17, 9, 29, 59, 1),
                                  datetime(2024, 5, 17, 9, 30, tzinfo=timezone.utc)])  # fmt: skip
def test_times(dated: siglip.Index, when: Any) -> None:
    taken = {Path(hit.path).name: hit.taken for hit in dated.search(WORDS)}
    assert taken == {ALL[0].name: None, "dated.jpg": datetime(2024, 5, 17, 7, 30, tzinfo=timezone.utc)}
    assert taken["dated.jpg"] is not None and taken["dated.jpg"].hour == 9
    assert paths(dated.search(WORDS, after=when)) == ["dated.jpg"]
    assert paths(dated.search(WORDS, before=when)) == []


def test_a_moment_later_is_later(dated: siglip.Index) -> None:
    assert paths(dated.search(WORDS, after=datetime(2024, 5, 17, 9, 30, 0, 1))) == []
    assert paths(dated.search(WORDS, before=datetime(2024, 5, 17, 9, 30, 0, 1))) == ["dated.jpg"]


def test_names_that_are_no_utf8(tmp_path: Path, model: siglip.Model) -> None:
    folder = copy_pictures(tmp_path / "photos", ALL[:1])
    odd = folder / os.fsdecode(b"\xff\xfe")
    odd.mkdir()
    name = str(odd / os.fsdecode(b"caf\xe9.jpg"))
    shutil.copy(ALL[1], name)
    Path(os.fsdecode(os.fsencode(odd) + b"/\xe9broken.jpg")).write_bytes(b"no picture")
    index = siglip.Index(tmp_path / os.fsdecode(b"index\xff"), model=model)
    failures = index.add(folder).failures
    assert [os.path.basename(os.fsencode(each.path)) for each in failures] == [b"\xe9broken.jpg"]
    assert [hit.path for hit in index.search(WORDS, under=odd)] == [name]
    assert name in dict(index)


def test_duplicates_are_those_of_the_command_line(tmp_path: Path, model: siglip.Model) -> None:
    image = pytest.importorskip("PIL.Image")
    folder = copy_pictures(tmp_path / "photos", ALL)
    copy_pictures(folder / "more", ALL[:1])
    image.open(ALL[1]).save(folder / "again.jpg", quality=90)
    index = siglip.Index(tmp_path / "index", model=model)
    index.add(folder)
    for kind, threshold in (("same-bytes", None), ("same-picture", None), ("similar", 0.8)):
        command = [*CLI, "duplicates", "--json", "--index", index.folder, "--kind", kind]
        command += [] if threshold is None else ["--threshold", str(threshold)]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        expected = [json.loads(line)["files"] for line in lines.splitlines()]
        found = index.duplicates(kind, threshold=threshold)  # type: ignore[arg-type]
        paths_of = [[file.path for file in group] for group in found]
        assert paths_of == [[file["path"] for file in group] for group in expected]
        assert [str(folder / "00.jpg"), str(folder / "more" / "00.jpg")] in paths_of or kind == "similar"
    groups = [{Path(file.path).name for file in group} for group in index.duplicates()]
    assert {"again.jpg", ALL[1].name} in groups
    first, other = next(group for group in index.duplicates() if "again.jpg" in str(group))
    assert (first.score, first.width) == (1, image.open(ALL[1]).width)
    assert 0.96 <= other.score < 1 and os.stat(other.path).st_size == other.bytes
    for options in ({"kind": "alike"}, {"threshold": 2.0}, {"kind": "same-bytes", "threshold": 0.9}):
        with pytest.raises(siglip.InvalidArgument):
            index.duplicates(**options)  # type: ignore[arg-type]


# ---- errors ----


def test_errors(tmp_path: Path, index: siglip.Index, photos: Path) -> None:
    new = siglip.Index(tmp_path / "new")
    for use in (lambda: new.search(WORDS), new.status, new.verify, lambda: list(new), new.prune):
        with pytest.raises(siglip.NotFound):
            use()
    assert not (tmp_path / "new").exists()
    with pytest.raises(siglip.InvalidArgument, match="a new index needs model="):
        new.add(photos)
    for options, words in (
        ({}, "words, image and not_"),
        ({"words": WORDS, "top": 0}, "top"),
        ({"words": 5}, "words"),
        ({"words": [(WORDS, "1")]}, "words"),
        ({"words": []}, "words, image and not_"),
        ({"words": WORDS, "after": "17.5.2024"}, "date"),
        ({"words": np.zeros(128, np.float32)}, "not all zero"),
        ({"image": 5}, "image"),
    ):
        with pytest.raises(siglip.InvalidArgument, match=words):
            index.search(**options)  # type: ignore[arg-type]
    with pytest.raises(siglip.Mismatch, match="128"):
        index.search(np.ones(5, np.float32))
    with pytest.raises(siglip.Mismatch):
        index.search(np.ones(128, np.int64))
    with pytest.raises(siglip.PictureError):
        index.search(image=str(photos / "broken.jpg"))
    with pytest.raises(siglip.NotFound):
        index.add(tmp_path / "nowhere")
    with pytest.raises(siglip.InvalidArgument, match="lies in"):
        index.add(photos / "more")


def test_another_model_is_refused(index: siglip.Index, photos: Path) -> None:
    other = siglip.Index(index.folder, model=siglip.load(DEMO, precision="int8"))
    with pytest.raises(siglip.Mismatch, match="precision was f32, is now int8"):
        other.add(photos)
    other = siglip.Index(index.folder, model=siglip.load(DEMO, preprocess="pillow"))
    with pytest.raises(siglip.Mismatch, match="preprocess"):
        other.search(image=PICTURE)
    assert len(other.search(WORDS)) > 0  # texts are not preprocessed


def test_a_damaged_index_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "index.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(siglip.MalformedFile):
        siglip.Index(tmp_path)


def test_closed(small: siglip.Index) -> None:
    with small:
        assert len(small.search(WORDS)) > 0
    for use in (lambda: small.search(WORDS), lambda: small.model, lambda: iter(small), small.status):
        with pytest.raises(siglip.InvalidArgument, match="the index is closed"):
            use()


def test_where_it_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SIGLIP_INDEX", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert siglip.Index().folder == str(tmp_path / "siglip" / "index")
    monkeypatch.setenv("SIGLIP_INDEX", str(tmp_path / "other"))
    assert siglip.Index().folder == str(tmp_path / "other")


# ---- threads and processes ----


def test_reading_while_it_is_read_and_changed(small: siglip.Index, tmp_path: Path) -> None:
    folder = copy_pictures(tmp_path / "photos", ALL)
    expected = small.search(image=PICTURE, under=folder, top=3)
    seen: list[str] = []
    for path, _ in small:  # one state, whatever is done meanwhile
        if not seen:
            small.add(folder)
        assert len(small.search(image=PICTURE, top=3)) > 0
        seen.append(path)
    assert len(seen) == 6
    assert len(list(small)) == len(ALL)
    found: list[siglip.SearchResult] = []
    threads = [
        threading.Thread(target=lambda: found.extend(small.search(image=PICTURE) for _ in range(5)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 20 and all(each == found[0] for each in found)
    assert expected[0].path == found[0][0].path


def search(index: siglip.Index) -> siglip.SearchResult:
    return index.search(WORDS, image=PICTURE)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children(index: siglip.Index, method: str) -> None:
    expected = search(index)
    reading = iter(index)
    next(reading)
    with multiprocessing.get_context(method).Pool(2) as pool:
        found = pool.map_async(search, [index] * 4).get(timeout=120)
    assert found == [expected] * 4
    assert search(index) == expected
    assert len(list(reading)) == len(ALL)


def test_a_child_of_fork_opens_its_own(index: siglip.Index) -> None:
    expected = search(index)
    reading = iter(index)
    child = os.fork()
    if child == 0:
        same = search(index) == expected and len(list(index)) == len(ALL) + 1
        same = same and index._native.is_of_this_process
        try:
            next(reading)
        except siglip.Unsupported:
            del reading
            os._exit(0 if same else 1)
        os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert len(list(reading)) == len(ALL) + 1
    assert search(index) == expected


def test_pickles_are_small(index: siglip.Index, small: siglip.Index) -> None:
    assert len(pickle.dumps(small)) < 1000
    again = pickle.loads(pickle.dumps(index))
    assert again.search(WORDS) == index.search(WORDS)
    assert astuple(pickle.loads(pickle.dumps(index.search(WORDS)))) == astuple(index.search(WORDS))


# ---- hashes ----


def test_the_hash_of_a_content(index: siglip.Index) -> None:
    # Values of the program xxhsum -H2, version 0.8.1.
    assert _siglip.content_hash(b"").hex() == "99aa06d3014798d86001c324468d497f"
    expected = bytes.fromhex("06b05ab6733a618578af5f94892f3950")
    for data in (b"abc", bytearray(b"abc"), memoryview(b"abc"), np.frombuffer(b"abc", np.int8)):
        assert _siglip.content_hash(data) == expected
    (hit,) = index.search(WORDS, top=1)
    assert _siglip.content_hash(Path(hit.path).read_bytes()).hex() == hit.hash
    large = np.arange(1 << 20, dtype=np.int32).reshape(1 << 10, -1)
    assert _siglip.content_hash(large) == _siglip.content_hash(large.tobytes())
    with pytest.raises(TypeError):
        _siglip.content_hash("abc")


# ---- archives ----


def add_archive(index: siglip.Index, model: siglip.Model, names: list[str], vectors: np.ndarray) -> None:
    count = len(names)
    logits = model._native.logits
    _siglip.add_archive_to_index(
        index.folder,
        "s3://bucket/out",
        str(DEMO),
        model._native.fingerprint(True, True),
        logits.logit_scale,
        logits.logit_bias,
        names,
        b"".join(_siglip.content_hash(os.fsencode(name)) for name in names),
        ["jpeg"] * count,
        [64] * count,
        [48] * count,
        [1000] * count,
        vectors,
    )


def test_pictures_of_an_archive_are_found(tmp_path: Path, model: siglip.Model) -> None:
    vectors = 3 * model.encode_image([str(file) for file in ALL])
    names = [file.name for file in ALL[:-1]] + ["sub/caf\udce9.jpg"]
    index = siglip.Index(tmp_path / "index", model=model)
    for _ in range(2):  # the second time changes nothing
        add_archive(index, model, names, vectors)
    (folder,) = index.status().folders
    assert folder == siglip.IndexedFolder("s3://bucket/out", len(ALL), 0, 0, True)
    for number, name in enumerate(names):
        (hit,) = index.search(image=vectors[number], top=1)
        assert (hit.path, hit.archived) == (f"s3://bucket/out/{name}", True)
        assert (hit.format, hit.width, hit.height, hit.taken) == ("jpeg", 64, 48, None)
        assert hit.score == pytest.approx(1, abs=1e-3)
    assert index.search(WORDS, top=1)[0].probability is not None
    assert [hit.path for hit in index.search(WORDS, under="s3://bucket/out/sub")] == [
        "s3://bucket/out/sub/caf\udce9.jpg"
    ]
    assert index.verify() == []
    stored = dict(index)
    assert len(stored) == len(names)
    assert np.linalg.norm(stored[f"s3://bucket/out/{names[0]}"]) == pytest.approx(1, abs=1e-3)

    index.add(copy_pictures(tmp_path / "photos", ALL[:2]))
    groups = index.duplicates(kind="similar", threshold=0.999)
    assert sorted(file.archived for group in groups for file in group) == [False] * 2 + [True] * 2
    assert all(not group[0].archived for group in groups)
    index.remove("s3://bucket/out/")
    assert [Path(path).name for path in dict(index)] == [file.name for file in ALL[:2]]


def test_an_archive_that_is_none_is_refused(tmp_path: Path, model: siglip.Model) -> None:
    index = siglip.Index(tmp_path / "index", model=model)
    vectors = model.encode_image([str(file) for file in ALL[:2]])
    with pytest.raises(siglip.Mismatch, match="vectors"):
        add_archive(index, model, ["a"], vectors)
    with pytest.raises(siglip.Mismatch, match=r"\[pictures, D\]"):
        add_archive(index, model, ["a", "b"], vectors[0])
    with pytest.raises(TypeError):
        add_archive(index, model, ["a", "b"], vectors.astype(np.float16))
    vectors[1, 5] = np.nan
    with pytest.raises(siglip.InvalidArgument, match=r"picture 1 of the archive \(b\)"):
        add_archive(index, model, ["a", "b"], vectors)
    assert index.status().folders == []
