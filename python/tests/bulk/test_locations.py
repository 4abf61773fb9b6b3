"""Folders, stores and what fsspec reads: one contract, and what each does when something fails."""

from __future__ import annotations

import errno
import hashlib
import logging
import multiprocessing
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("obstore")
pytest.importorskip("moto")

import boto3  # noqa: E402
from faulty_proxy import (  # noqa: E402
    CONFLICT,
    CUT,
    EXPIRED,
    FORBIDDEN,
    HANG,
    LOST,
    REFUSED,
    UNAVAILABLE,
    FaultyProxy,
)
from moto.server import ThreadedMotoServer  # noqa: E402

from siglip.bulk import local_location, object_location  # noqa: E402
from siglip.bulk.errors import BulkWarning, InputChanged, TransportError  # noqa: E402
from siglip.bulk.local_location import LocalLocation  # noqa: E402
from siglip.bulk.location import Entry, Location  # noqa: E402
from siglip.bulk.open_location import open_location  # noqa: E402
from siglip.errors import InvalidArgument, NotFound, Unsupported  # noqa: E402

SPAWN = multiprocessing.get_context("spawn")


# A store on this machine, and a bucket of its own for every test


@pytest.fixture(scope="session")
def store() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    os.environ["MOTO_S3_DEFAULT_MAX_KEYS"] = "7"
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("SIGLIP_BULK_PAUSE", "0.001")
    monkeypatch.setattr(object_location, "_warned", False)


@pytest.fixture
def client(store: str):
    return boto3.client("s3", endpoint_url=store, region_name="us-east-1")


@pytest.fixture
def bucket(client) -> str:
    name = f"bucket-{random.randrange(10**12)}"
    client.create_bucket(Bucket=name)
    return name


@pytest.fixture
def proxy(store: str) -> Iterator[FaultyProxy]:
    with FaultyProxy(store, hang_seconds=20) as running:
        yield running


def through(proxy: FaultyProxy | str, bucket: str, **options: str) -> Location:
    endpoint = proxy if isinstance(proxy, str) else proxy.url
    return open_location(
        f"s3://{bucket}/some folder/é", {"endpoint": endpoint, "allow_http": "true", **options}
    )


@pytest.fixture(params=["folder", "store"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    if request.param == "folder":
        return open_location(str(tmp_path / "new" / "out"))
    return through(request.getfixturevalue("store"), request.getfixturevalue("bucket"))


# The contract


def test_creates_once(location: Location) -> None:
    assert location.entry("data/1/a.parquet") is None
    assert location.create("data/1/a.parquet", b"first")
    assert not location.create("data/1/a.parquet", b"second")
    assert location.read("data/1/a.parquet") == b"first"
    entry = location.entry("data/1/a.parquet")
    assert entry is not None and (entry.path, entry.size) == ("data/1/a.parquet", 5)


def test_creates_of_any_buffer(location: Location) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    assert location.create("empty", b"")
    assert location.create("buffer", memoryview(pyarrow.py_buffer(b"abc")))
    assert (location.read("empty"), location.read("buffer")) == (b"", b"abc")


def test_replaces_and_deletes(location: Location) -> None:
    location.replace("job.json", b"1")
    before = location.entry("job.json")
    location.replace("job.json", b"22")
    assert location.read("job.json") == b"22"
    assert location.entry("job.json") != before
    location.delete("job.json")
    location.delete("job.json")
    with pytest.raises(NotFound, match="job.json"):
        location.read("job.json")


def test_lists_in_byte_order_without_hidden(location: Location) -> None:
    names = ["a/b", "a.b", "a/c/d", "a0", "ä", "😀", "\ufb01", "B", "a b#%20?+~", "z/y.x"]
    for name in [*names, ".hidden", "a/.hidden/x", "z/.y"]:
        location.create(name, name.encode())
    listed = list(location.list())
    assert [entry.path for entry in listed] == sorted(names, key=str.encode)
    assert [location.read(entry.path).decode() for entry in listed] == [
        entry.path for entry in listed
    ]
    assert [location.entry(entry.path) for entry in listed] == listed
    assert [entry.path for entry in location.list("a")] == ["a/b", "a/c/d"]
    assert [entry.path for entry in location.list("a/c/")] == ["a/c/d"]
    assert list(location.list("nothing")) == []


def test_reads_from_front_to_back_and_anywhere(location: Location) -> None:
    content = random.Random(1).randbytes(3_000_000)
    location.create("x", content)
    entry = location.entry("x")
    assert entry is not None
    with location.open(entry) as file:
        assert file.seekable() and file.readable()
        pieces = []
        while piece := file.read(70_001):
            pieces.append(piece)
        assert b"".join(pieces) == content
        for offset in (2_999_990, 5, 1_500_000, 0):
            assert file.seek(offset) == offset == file.tell()
            assert file.read(1000) == content[offset : offset + 1000]
        assert file.seek(-3, os.SEEK_END) == 2_999_997
        assert file.read() == content[-3:]
        assert file.seek(4_000_000) == 4_000_000 and file.read() == b""
    with pytest.raises(ValueError, match="closed"):
        file.read(1)


def test_missing_inputs_are_not_found(location: Location) -> None:
    with pytest.raises(NotFound, match="nothing.tar"):
        location.open(Entry("nothing.tar", 0, "1")).read()


@pytest.mark.parametrize("body", [b"other", b"longer than before", b""])
def test_a_changed_input_is_noticed(location: Location, body: bytes) -> None:
    location.create("x", b"hello")
    entry = location.entry("x")
    assert entry is not None
    location.replace("x", body)
    with pytest.raises(InputChanged, match="x: "):
        location.open(entry).read()


def test_an_empty_input_that_was_filled_is_noticed(location: Location) -> None:
    location.create("x", b"")
    entry = location.entry("x")
    assert entry is not None
    assert location.open(entry).read() == b""
    location.replace("x", b"1")
    with pytest.raises(InputChanged):
        location.open(entry).read()


def test_an_input_that_changes_while_it_is_read_is_noticed(location: Location) -> None:
    location.create("x", bytes(3 << 20))
    entry = location.entry("x")
    assert entry is not None
    file = location.open(entry)
    assert file.read(1000) == bytes(1000)
    if location.folder is None:
        location.replace("x", bytes(range(256)) * (3 << 12))
    else:
        with (location.folder / "x").open("r+b") as other:
            other.write(b"1")
    with pytest.raises(InputChanged):
        file.read()


def test_arrow_hands_our_errors_on(location: Location) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    location.create("x.parquet", b"PAR1" * 100)
    entry = location.entry("x.parquet")
    assert entry is not None
    location.replace("x.parquet", b"PAR1" * 99)
    with pytest.raises(InputChanged):
        parquet.ParquetFile(location.open(entry)).read()


# Folders


def test_folder_passes_over_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "x").write_bytes(b"1")
    (tmp_path / "linked").symlink_to("real")
    (tmp_path / "real" / "up").symlink_to("..")
    (tmp_path / "link").symlink_to("real/x")
    (tmp_path / "dangling").symlink_to("nothing")
    os.mkfifo(tmp_path / "pipe")
    assert [entry.path for entry in LocalLocation(tmp_path).list()] == ["link", "real/x"]


def test_folder_with_odd_names(tmp_path: Path) -> None:
    names = [b"new\nline", b"\xff\xfe.jpg", b"folder\n\xe4/x", b"back\\slash", b"-", b"\x01"]
    for name in names:
        full = os.path.join(os.fsencode(tmp_path), name)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        Path(os.fsdecode(full)).write_bytes(name)
    location = LocalLocation(tmp_path)
    entries = list(location.list())
    assert [os.fsencode(entry.path) for entry in entries] == sorted(names)
    assert [location.open(entry).read() for entry in entries] == sorted(names)
    assert [entry.path for entry in location.list(os.fsdecode(b"folder\n\xe4"))] == [
        os.fsdecode(b"folder\n\xe4/x")
    ]


def test_folders_in_folders_without_end(tmp_path: Path) -> None:
    depth = sys.getrecursionlimit() + 200
    current = os.open(tmp_path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=current)
        deeper = os.open("d", os.O_RDONLY, dir_fd=current)
        os.close(current)
        current = deeper
    os.close(os.open("x", os.O_CREAT | os.O_WRONLY, dir_fd=current))
    os.close(current)
    try:
        assert [entry.path for entry in LocalLocation(tmp_path).list()] == ["d/" * depth + "x"]
    finally:  # Python's own removing is recursive
        subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/passwd", "", "a//b", ".", "a\0b"])
def test_paths_stay_below_the_folder(tmp_path: Path, path: str) -> None:
    location = LocalLocation(tmp_path / "out")
    for action in (
        lambda: location.create(path, b"1"),
        lambda: location.read(path),
        lambda: location.entry(path),
        lambda: location.delete(path),
    ):
        with pytest.raises(InvalidArgument):
            action()
    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()

    def refuse(folder: bytes) -> None:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(TransportError, match=f"{tmp_path}: Stale file handle"):
        list(LocalLocation(tmp_path).list())


def test_file_that_cannot_be_read() -> None:
    # Reading at 0 of one's own memory is an input/output error on every Linux.
    entry = LocalLocation("/proc/self").entry("mem")
    assert entry is not None
    with pytest.raises(TransportError, match="/proc/self/mem: Input/output error"):
        LocalLocation("/proc/self").open(entry).read(1)
    with pytest.raises(TransportError, match="Input/output error"):
        LocalLocation("/proc/self").read("mem")


def leftovers(folder: Path) -> list[str]:
    return [entry.path for entry in LocalLocation(folder).list()]


def in_child(action: Callable[[], None]) -> None:
    """Runs it in a process of its own; what it raises fails the test."""
    child = os.fork()
    if child == 0:
        try:
            action()
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def test_a_file_that_does_not_fit_leaves_nothing(tmp_path: Path) -> None:
    location = LocalLocation(tmp_path)

    def create() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        with pytest.raises(TransportError, match="data/x: File too large"):
            location.create("data/x", bytes(100_001))
        assert location.create("data/y", bytes(100_000))

    in_child(create)
    assert leftovers(tmp_path) == ["data/y"]


def test_full_disk(tmp_path: Path) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", tmp_path], capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("file systems cannot be mounted here")
    try:
        location = LocalLocation(tmp_path)
        for _ in range(3):
            with pytest.raises(TransportError, match="data/x: No space left on device .make room"):
                location.create("data/x", bytes(300_000))
        assert leftovers(tmp_path) == []
        assert location.create("data/x", bytes(200_000))
    finally:
        subprocess.run(["umount", tmp_path], check=True)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_write_that_fails_late_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def fail(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    (tmp_path / "tmp").mkdir()
    with pytest.raises(TransportError, match=f"x: {os.strerror(code)}"):
        LocalLocation(tmp_path).create("x", b"1")
    assert leftovers(tmp_path) == []


def test_a_folder_that_cannot_be_written() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o555)

        def create() -> None:
            if os.getuid() == 0:
                os.setuid(65534)
            with pytest.raises(TransportError, match="/x: Permission denied"):
                LocalLocation(folder).create("x", b"1")

        in_child(create)
        assert os.listdir(folder) == []


def test_everything_is_durable_when_create_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    genuine = os.fsync

    def sync(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        genuine(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    LocalLocation(tmp_path / "out").create("data/0/x", b"1")
    out = str(tmp_path / "out")
    assert {str(tmp_path), out, f"{out}/data", f"{out}/data/0"} <= set(synced)
    assert synced[-1] == f"{out}/data/0"
    assert any(name.startswith(f"{out}/tmp/") for name in synced)


def no_links(code: int) -> Callable[..., None]:
    def link(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    return link


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK])
def test_without_links_files_are_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(os, "link", no_links(code))
    monkeypatch.setattr(os.path, "lexists", lambda _: False)  # as if another came in between
    location = LocalLocation(tmp_path)
    assert location.create("x", b"1")
    assert not location.create("x", b"2")
    assert (location.read("x"), leftovers(tmp_path)) == (b"1", ["x"])


def test_without_links_and_exclusive_renaming(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", no_links(errno.EPERM))
    monkeypatch.setattr(local_location, "rename_without_replacing", lambda *_: None)
    location = LocalLocation(tmp_path)
    with pytest.warns(BulkWarning, match="neither links nor exclusive"):
        assert location.create("x", b"1")
    assert not location.create("x", b"2")
    assert (location.read("x"), leftovers(tmp_path)) == (b"1", ["x"])


def test_a_temporary_folder_elsewhere_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", no_links(errno.EXDEV))
    with pytest.raises(TransportError, match="one file system"):
        LocalLocation(tmp_path).create("x", b"1")
    assert leftovers(tmp_path) == []


def create_all(folder: str, barrier: object, results: object, number: int) -> None:
    location = LocalLocation(folder)
    made = []
    for name in range(40):
        barrier.wait()  # type: ignore[attr-defined]
        if location.create(f"data/{name}", bytes([number]) * 100_000):
            made.append(name)
    results.put((number, made))  # type: ignore[attr-defined]


def test_of_processes_that_create_at_once_one_wins(tmp_path: Path) -> None:
    barrier, results = SPAWN.Barrier(3), SPAWN.Queue()
    processes = [
        SPAWN.Process(target=create_all, args=(str(tmp_path), barrier, results, number))
        for number in range(3)
    ]
    for process in processes:
        process.start()
    winners = dict(results.get(timeout=60) for _ in processes)
    for process in processes:
        process.join()
    assert sorted(name for made in winners.values() for name in made) == list(range(40))
    location = LocalLocation(tmp_path)
    for number, made in winners.items():
        for name in made:
            assert location.read(f"data/{name}") == bytes([number]) * 100_000
    assert len(leftovers(tmp_path)) == 40


def create_until_killed(folder: str, ready: object, seed: int) -> None:
    location = LocalLocation(folder)
    ready.set()  # type: ignore[attr-defined]
    generator = random.Random(seed)
    for number in range(1_000_000):
        body = generator.randbytes(generator.randrange(1, 1_000_000))
        location.create(f"data/{hashlib.sha256(body).hexdigest()}", body)


def test_killed_writers_leave_whole_files_only(tmp_path: Path) -> None:
    # Forked from one process, because starting Python 50 times is most of the time.
    script = (
        "import os, random, signal, sys, threading, time\n"
        "from test_locations import create_until_killed\n"
        "generator = random.Random(7)\n"
        "for trial in range(50):\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        create_until_killed(sys.argv[1], threading.Event(), trial)\n"
        "    time.sleep(generator.uniform(0.0, 0.1))\n"
        "    os.kill(child, signal.SIGKILL)\n"
        "    os.waitpid(child, 0)\n"
    )
    path = os.pathsep.join([os.path.dirname(__file__), *sys.path])
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    location = LocalLocation(tmp_path)
    whole = list(location.list("data"))
    assert len(whole) >= 10
    for entry in whole:
        assert entry.path == f"data/{hashlib.sha256(location.read(entry.path)).hexdigest()}"
    others = [path for path in leftovers(tmp_path) if not path.startswith("data/")]
    assert all(path.startswith("tmp/") for path in others)


# Stores that fail


def test_what_passes_is_tried_five_times(proxy: FaultyProxy, bucket: str) -> None:
    location = through(proxy, bucket)
    proxy.force(UNAVAILABLE, 4)
    assert location.create("x", b"1")
    assert proxy.counts["PUT"] == 5
    proxy.force(UNAVAILABLE, 5)
    with pytest.raises(TransportError, match="/x: answer 503: SlowDown.*tried 5 times"):
        location.read("x")
    assert proxy.counts["GET"] == 5  # and not five times as many as obstore tries
    for action in (lambda: location.entry("x"), lambda: list(location.list())):
        proxy.force(UNAVAILABLE, 4)
        assert action()


def test_refusals_are_not_tried_again(proxy: FaultyProxy, bucket: str) -> None:
    location = through(proxy, bucket)
    actions = (
        lambda: location.create("x", b"1"),
        lambda: location.read("x"),
        lambda: location.entry("x"),
        lambda: list(location.list()),
        lambda: location.delete("x"),
    )
    for number, action in enumerate(actions, 1):
        proxy.force(FORBIDDEN)
        with pytest.raises(TransportError, match="answer 403.*credentials"):
            action()
        assert len(proxy.requests) == number


def test_a_hanging_store_is_given_up(
    proxy: FaultyProxy, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGLIP_BULK_TIMEOUT", "0.3")
    location = through(proxy, bucket)
    proxy.force(HANG, 2)
    start = time.monotonic()
    assert location.create("x", b"1")
    assert 0.6 <= time.monotonic() - start < 5
    proxy.force(HANG, 5)
    with pytest.raises(TransportError, match="no answer in 0.3 s"):
        location.read("x")


def test_large_bodies_have_the_time_they_need(
    proxy: FaultyProxy, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGLIP_BULK_TIMEOUT", "0.3")
    monkeypatch.setattr(object_location, "_LARGE_BODY", 1000)
    monkeypatch.setattr(object_location, "_SLOWEST_UPLOAD", 1000)  # bytes a second
    location = through(proxy, bucket)
    proxy.hang_seconds = 1.0
    proxy.force(HANG)
    start = time.monotonic()
    assert location.create("x", bytes(2000))  # given 2.3 s; the server hangs up after 1
    assert 1.0 <= time.monotonic() - start < 2.3


def test_an_answer_cut_midway_goes_on_where_it_broke(proxy: FaultyProxy, bucket: str) -> None:
    content = random.Random(2).randbytes(4 << 20)
    location = through(proxy, bucket)
    location.create("x", content)
    entry = location.entry("x")
    assert entry is not None
    proxy.requests.clear()
    with location.open(entry) as file:
        proxy.force(CUT, 5, "GET")
        assert file.read() == content
    asked = [request.headers["range"][6:].split("-") for request in proxy.requests]
    starts = [int(start) for start, _ in asked]
    assert proxy.counts[CUT] == 5 and starts == sorted(starts) and starts.count(0) == 1
    proxy.force(CUT, 3, "GET")
    assert location.read("x") == content


def test_few_bytes_are_no_progress(proxy: FaultyProxy, bucket: str) -> None:
    location = through(proxy, bucket)
    location.create("x", bytes(120_000))
    entry = location.entry("x")
    assert entry is not None
    proxy.force(CUT, 5, "GET")
    with pytest.raises(TransportError, match="tried 5 times"):
        location.open(entry).read()


def test_a_long_listing_that_fails_midway(
    proxy: FaultyProxy, client, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server's pages hold seven, too: see the fixture.
    monkeypatch.setattr(object_location, "_PAGE", 7)
    names = [f"{number:03d}/x" for number in range(50)]
    for name in names:
        client.put_object(Bucket=bucket, Key=f"some folder/é/{name}", Body=b"1")
    location = through(proxy, bucket)
    assert [entry.path for entry in location.list()] == names
    pages = proxy.counts["GET"]
    assert pages >= 7
    listing = location.list()
    listed = [next(listing).path]
    proxy.force(UNAVAILABLE, 2)
    listed += [next(listing).path for _ in range(20)]
    proxy.force(CUT, 1)
    listed += [entry.path for entry in listing]
    assert listed == names and proxy.counts[UNAVAILABLE] == 2 and proxy.counts[CUT] == 1


def test_markers_of_folders_are_no_files(client, store: str, bucket: str) -> None:
    prefix = "some folder/é/"
    for key in ("a/", "a.x", "a/x", "b.x", "b/", "c/", "c/d/", "c/d/x", "e"):
        client.put_object(Bucket=bucket, Key=prefix + key, Body=b"")
    listed = [entry.path for entry in through(store, bucket).list()]
    assert listed == ["a.x", "a/x", "b.x", "c/d/x", "e"]


def test_an_answer_that_is_lost_is_found_there(proxy: FaultyProxy, bucket: str) -> None:
    location = through(proxy, bucket)
    proxy.force(LOST, 1, "PUT")
    assert not location.create("x", b"1")  # who made it cannot be known
    assert location.read("x") == b"1"


def test_a_conflict_is_no_proof_that_it_is_there(proxy: FaultyProxy, bucket: str) -> None:
    location = through(proxy, bucket)
    proxy.force(CONFLICT, 2, "PUT")
    assert location.create("x", b"1")
    proxy.force(CONFLICT, 1, "PUT")
    assert not location.create("x", b"2")
    assert location.read("x") == b"1"


@pytest.mark.parametrize("status", [501, 400])
def test_a_store_without_conditions(proxy: FaultyProxy, bucket: str, status: int) -> None:
    proxy.refuse_conditions = status
    location = through(proxy, bucket)
    with pytest.warns(BulkWarning, match="without one") as warned:
        assert location.create("x", b"1")
        assert not location.create("x", b"2")
        assert location.create("y", b"3")
        assert through(proxy, bucket).create("z", b"4")
    assert len(warned) == 1
    assert proxy.counts[REFUSED] == 2  # asked once per location
    assert [location.read(name) for name in "xyz"] == [b"1", b"3", b"4"]


def test_other_bad_requests_are_no_refusal(proxy: FaultyProxy, bucket: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(NotFound, match="no such bucket"):
            through(proxy, bucket + "-not").create("x", b"1")
        location = through(proxy, bucket)
        proxy.force(EXPIRED)
        with pytest.raises(TransportError, match="answer 400: ExpiredToken"):
            location.create("x", b"1")
    assert len(proxy.requests) == 2


def test_very_large_bodies_go_in_parts(
    proxy: FaultyProxy, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_location, "MULTIPART_ABOVE", 6 << 20)
    monkeypatch.setattr(object_location, "_PART", 5 << 20)
    body = random.Random(3).randbytes(7 << 20)
    location = through(proxy, bucket)
    assert location.create("x", body)
    assert location.read("x") == body and proxy.counts["PUT"] == 2
    assert not location.create("x", body)


def test_a_store_that_fails_now_and_then(
    store: str, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGLIP_BULK_TIMEOUT", "0.3")
    bodies = {f"{number:02d}": random.Random(number).randbytes(300_000) for number in range(30)}
    rates = {UNAVAILABLE: 0.05, HANG: 0.02, CUT: 0.05, LOST: 0.03}
    with FaultyProxy(store, seed=4, rates=rates) as proxy:
        location = through(proxy, bucket)
        for name, body in bodies.items():
            location.create(name, body)
        entries = list(location.list())
        assert [entry.path for entry in entries] == sorted(bodies)
        for entry in entries:
            assert location.open(entry).read() == bodies[entry.path]
        assert min(proxy.counts[fault] for fault in rates) > 0


def test_an_interrupt_is_heard_while_a_store_hangs(proxy: FaultyProxy, bucket: str) -> None:
    location = through(proxy, bucket)
    proxy.force(HANG)
    start = time.monotonic()
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        location.read("x")
    assert time.monotonic() - start < 2


def test_a_server_that_is_not_there(bucket: str) -> None:
    with pytest.raises(TransportError, match="Connection refused.*tried 5 times"):
        through("http://127.0.0.1:1", bucket).read("x")
    with pytest.raises(TransportError, match="allow_http=true"):
        open_location(f"s3://{bucket}", {"endpoint": "http://127.0.0.1:1"}).read("x")


# How stores are reached


def test_anonymous_requests_are_not_signed(proxy: FaultyProxy, bucket: str) -> None:
    through(proxy, bucket).entry("x")
    through(proxy, bucket, anonymous="true").entry("x")
    assert ["authorization" in request.headers for request in proxy.requests] == [True, False]


def test_requester_pays(proxy: FaultyProxy, bucket: str) -> None:
    through(proxy, bucket, requester_pays="true").entry("x")
    assert proxy.requests[-1].headers["x-amz-request-payer"] == "requester"
    google = open_location(
        "gs://pictures/x",
        {
            "endpoint": proxy.url,
            "allow_http": "true",
            "anonymous": "true",
            "requester_pays": "my-project",
        },
    )
    assert google.entry("y") is None
    assert proxy.requests[-1].path == "/pictures/x%2Fy"
    assert proxy.requests[-1].headers["x-goog-user-project"] == "my-project"


def test_addresses_of_the_web(proxy: FaultyProxy, client, bucket: str) -> None:
    content = random.Random(5).randbytes(1 << 20)
    client.put_object(Bucket=bucket, Key="a b.tar", Body=content, ACL="public-read")
    location = open_location(f"{proxy.url}/{bucket}/", read_only=True)
    entry = location.entry("a b.tar")
    assert entry is not None and entry.size == 1 << 20
    assert location.open(entry).read() == content
    assert location.entry("nothing") is None
    with pytest.raises(Unsupported, match="cannot list"):
        list(location.list())
    with pytest.raises(Unsupported, match="for reading only"):
        open_location(f"{proxy.url}/{bucket}")


def test_locations_by_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_location("a/../b/").uri == f"{tmp_path}/b"
    assert open_location(f"file://{tmp_path}/a%20b%FF").folder == tmp_path / "a b\udcff"
    assert open_location("s3://bucket/a%20b/").uri == "s3://bucket/a%20b"
    assert open_location("s3://bucket").folder is None
    for uri, options, error, message in (
        ("", {}, InvalidArgument, "found nothing"),
        ("s3://", {}, InvalidArgument, "names no bucket"),
        ("file://host/x", {}, InvalidArgument, "another machine"),
        ("x", {"region": "y"}, InvalidArgument, "no|not an option of folders"),
        ("s3://b", {"secret": "y"}, InvalidArgument, "anonymous, requester_pays, region"),
        ("gs://b", {"region": "y"}, InvalidArgument, "option of gs://"),
        ("s3://b", {"anonymous": "yes"}, InvalidArgument, "true or false"),
        ("az://container/x", {}, InvalidArgument, "Account must be specified"),
        ("memory://x", {}, Unsupported, "for reading only"),
    ):
        with pytest.raises(error, match=message):
            open_location(uri, options)
    with pytest.raises(Unsupported, match="nonsense"):
        open_location("nonsense://x", read_only=True)


@pytest.mark.parametrize("value", ["soon", "-1", "nan", "0"])
def test_settings_are_checked(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGLIP_BULK_TIMEOUT", value)
    with pytest.raises(InvalidArgument, match="SIGLIP_BULK_TIMEOUT"):
        open_location("s3://bucket")


# What fsspec reads


def test_fsspec_reads_and_never_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    content = random.Random(6).randbytes(1 << 20)
    for name in ("a/b", "a.b", "ä", ".hidden", "a/.hidden"):
        memory.pipe_file(f"/pictures/{name}", content)
    location = open_location("memory://pictures", read_only=True)
    entries = list(location.list())
    assert [entry.path for entry in entries] == ["a.b", "a/b", "ä"]
    assert [entry.path for entry in location.list("a")] == ["a/b"]
    assert list(location.list("nothing")) == []
    assert location.open(entries[1]).read() == content == location.read("a/b")
    assert location.entry("a/b") == entries[1] and location.entry("nothing") is None
    with pytest.raises(NotFound):
        location.read("nothing")
    for action in (
        lambda: location.create("x", b""),
        lambda: location.replace("x", b""),
        lambda: location.delete("a/b"),
    ):
        with pytest.raises(Unsupported, match="for reading only"):
            action()
    file = location.open(entries[1])
    assert file.read(1) == content[:1]
    memory.pipe_file("/pictures/a/b", content)
    with pytest.raises(InputChanged):
        file.read()


def test_fsspec_is_tried_again_and_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/pictures/x", b"12345")
    location = open_location("memory://pictures", read_only=True)
    genuine, failures = memory.cat_file, [ConnectionResetError("reset"), None, OSError(5, "bad")]

    def cat_file(*arguments: object, **options: object) -> bytes:
        if failures:
            failure = failures.pop()
            if failure is None:
                time.sleep(3)
            else:
                raise failure
        data: bytes = genuine(*arguments, **options)
        return data

    monkeypatch.setenv("SIGLIP_BULK_TIMEOUT", "0.2")
    monkeypatch.setattr(type(memory), "cat_file", staticmethod(cat_file))
    start = time.monotonic()
    assert location.read("x") == b"12345"
    assert time.monotonic() - start < 2
    failures[:] = [PermissionError("no")]
    with pytest.raises(TransportError, match="no"):
        location.read("x")
    failures[:] = [OSError(5, "bad")] * 5
    with pytest.raises(TransportError, match="bad.*tried 5 times"):
        location.read("x")
