"""Other processes: fork, spawn, workers of others, signals, the program."""

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
from typing import Any

import numpy as np
import pytest
from conftest import DEMO, GOLDEN

import siglip

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork() here")


def embed(model: siglip.Model, files: list[str]) -> Any:
    return model.encode_image(files)


@pytest.mark.parametrize("method", [pytest.param("fork", marks=needs_fork), "spawn"])
def test_children_compute_the_same(method: str, pictures: list[str]) -> None:
    model = siglip.load(DEMO, threads=2)
    expected = model.encode_image(pictures)
    with multiprocessing.get_context(method).Pool(2) as pool:
        found = pool.starmap_async(embed, [(model, pictures)] * 4).get(timeout=120)
    assert all((rows == expected).all() for rows in found)
    assert (model.encode_image(pictures) == expected).all()


@needs_fork
def test_a_child_uses_what_its_parent_loaded(pictures: list[str]) -> None:
    model = siglip.load(DEMO, threads=2)
    tower = siglip.SiglipVisionModel.from_pretrained(GOLDEN / "vision-head", threads=2)
    pixels = np.ones((2, 3, 48, 48), np.float32)
    expected, pooled = model.encode_image(pictures), tower(pixels).pooler_output
    child = os.fork()
    if child == 0:
        same = (model.encode_image(pictures) == expected).all()
        same = same and (tower(pixels).pooler_output == pooled).all()
        same = same and siglip.load(DEMO).encode_text("a star").shape == (128,)
        os._exit(0 if same else 1)
    deadline = time.monotonic() + 60
    status: int | None = None
    while status is None and time.monotonic() < deadline:
        found, code = os.waitpid(child, os.WNOHANG)
        status = code if found else None
        time.sleep(0.02)
    if status is None:
        os.kill(child, signal.SIGKILL)
    assert status == 0


@needs_fork
def test_two_hundred_children_of_a_process_whose_threads_compute(pictures: list[str]) -> None:
    process = run(
        """
        import os, sys, threading, time
        import numpy as np
        import siglip

        model = siglip.load(sys.argv[1], threads=2)
        files = sys.argv[2:]
        expected = model.encode_image(files)
        done = threading.Event()
        rounds = [0, 0]

        def compute(index):
            while not done.is_set():
                assert (model.encode_image(files) == expected).all()
                rounds[index] += 1

        def child(number):
            row = number % len(files)
            same = (model.encode_image(files[row]) == expected[row]).all()
            if number % 4:
                os._exit(0 if same else 1)
            sys.exit(0 if same else 1)  # and what was loaded is destroyed

        threads = [threading.Thread(target=compute, args=(index,)) for index in range(2)]
        for thread in threads:
            thread.start()
        while not all(rounds):
            time.sleep(0.01)
        right, before = 0, list(rounds)
        for group in range(20):
            children = []
            for number in range(10):
                pid = os.fork()
                if pid == 0:
                    child(number)
                children.append(pid)
            for pid in children:
                right += os.waitpid(pid, 0)[1] == 0
        done.set()
        for thread in threads:
            thread.join()
        print(right, all(now > old for now, old in zip(rounds, before)))
        """,
        str(DEMO),
        *pictures[:2],
        leak_warnings=False,
        new_session=True,
    )
    try:
        printed, errors = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # children that hang, too
        pytest.fail("a child hangs")
    assert (printed, process.returncode) == ("200 True\n", 0), errors


def test_joblib(pictures: list[str]) -> None:
    joblib = pytest.importorskip("joblib")
    model = siglip.load(DEMO, threads=1)
    expected = model.encode_image(pictures)
    found = joblib.Parallel(n_jobs=2)(joblib.delayed(embed)(model, [file]) for file in pictures)
    assert (np.concatenate(found) == expected).all()


class Embedded:
    """A data set of pictures' embeddings. Of this module, so that workers by spawn find it."""

    def __init__(self, model: siglip.Model, files: list[str]) -> None:
        self.model, self.files = model, files

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Any:
        return self.model.encode_image(self.files[index])


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_data_loader(method: str, pictures: list[str]) -> None:
    data = pytest.importorskip("torch.utils.data")
    model = siglip.load(DEMO, threads=2)
    expected = model.encode_image(pictures)
    loader = data.DataLoader(
        Embedded(model, pictures), batch_size=2, num_workers=2, multiprocessing_context=method
    )
    found = np.concatenate([batch.numpy() for batch in loader])
    assert (found == expected).all()


def test_ray(pictures: list[str]) -> None:
    ray = pytest.importorskip("ray")
    model = siglip.load(DEMO, threads=1)
    expected = model.encode_image(pictures)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        remote = ray.remote(lambda model, files: model.encode_image(files))
        handed = ray.put(model)
        found = ray.get([remote.remote(handed, pictures[i : i + 3]) for i in (0, 3)], timeout=120)
    finally:
        ray.shutdown()
    assert (np.concatenate(found) == expected).all()


def run(
    program: str, *arguments: str, leak_warnings: bool = True, new_session: bool = False
) -> "subprocess.Popen[str]":
    environment = dict(os.environ)
    environment.pop("SIGLIP_LEAK_WARNINGS", None)
    if leak_warnings:
        environment["SIGLIP_LEAK_WARNINGS"] = "1"
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=new_session,
    )


@pytest.mark.parametrize(
    "call",
    [
        "for result in model.stream(endless()): print(result.index, flush=True)",
        "list(model.stream(waiting()))",
        "model.encode_image(endless())",
        "model.encode_image([sys.argv[2]] * 100_000)",
    ],
)
def test_ctrl_c_ends_at_once(call: str, pictures: list[str]) -> None:
    process = run(
        f"""
        import itertools, sys, threading, time
        import siglip
        model = siglip.load(sys.argv[1], threads=2)
        model.encode_image(sys.argv[2])
        def endless():
            for _ in itertools.count():
                yield sys.argv[2]
        def waiting():
            print("begun", flush=True)
            yield sys.argv[2]
            time.sleep(20)
        print("ready", flush=True)
        try:
            {call}
        except KeyboardInterrupt:
            print("stopped", flush=True)
        """,
        str(DEMO),
        pictures[0],
        leak_warnings=False,  # an iterator that sleeps keeps what it has
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.5)
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    for line in process.stdout:
        if line.endswith("stopped\n"):  # maybe behind a number whose line it broke off
            break
    else:
        pytest.fail(f"no KeyboardInterrupt: {process.communicate()[1]}")
    assert time.monotonic() - sent < 2
    _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, "")


def test_nothing_is_printed_at_exit(pictures: list[str]) -> None:
    process = run(
        """
        import sys, siglip
        model = siglip.load(sys.argv[1])
        stream = model.stream([sys.argv[2]] * 20)
        next(stream)
        tower = siglip.AutoModel.from_pretrained(sys.argv[1])
        """,
        str(DEMO),
        pictures[0],
    )
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0


def test_the_program() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "siglip", "inspect", str(DEMO)], capture_output=True, text=True
    )
    assert found.returncode == 0
    assert "Parameters" in found.stdout and "model_type siglip" in found.stdout
    wrong = subprocess.run(
        [sys.executable, "-m", "siglip", "--no-such-option"], capture_output=True, text=True
    )
    assert wrong.returncode == 2


def test_versions() -> None:
    assert siglip.__version__.count(".") == 2
    assert siglip.instruction_sets()[0] == "generic"


@needs_fork
def test_a_child_makes_a_runtime_while_its_parent_makes_another() -> None:
    from siglip import runtime

    with runtime._lock:  # as another thread of the parent may hold it
        child = os.fork()
        if child == 0:
            os._exit(runtime.shared_runtime(1).threads)
        deadline = time.monotonic() + 20
        while not (found := os.waitpid(child, os.WNOHANG))[0] and time.monotonic() < deadline:
            time.sleep(0.02)
        if not found[0]:
            os.kill(child, signal.SIGKILL)
    assert found[0] and os.waitstatus_to_exitcode(found[1]) == 1
