"""The files for Slurm, Kubernetes and GNU parallel: read by what reads them, and run where that can be had."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from made_job import MadeJob
from real_job import PICTURES, RealJob

from siglip.bulk.open_location import open_location
from siglip.bulk.run import run
from siglip.bulk.scripts import make_script
from siglip.errors import InvalidArgument, NotFound

# In place of siglip: writes down how it was called, and ends as it is told; with "wait" on SIGTERM only.
STUB = f"""#!{sys.executable}
import json, os, signal, sys, time
folder = os.environ["STUB_FOLDER"]
number = sys.argv[sys.argv.index("--index") + 1]
with open(os.path.join(folder, f"calls-{{number}}"), "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
status_file = os.path.join(folder, f"status-{{number}}")
status = open(status_file).read() if os.path.exists(status_file) else "0"
if status == "wait":
    def stop(number, frame):
        time.sleep(0.2)
        sys.exit(143)
    signal.signal(signal.SIGTERM, stop)
    open(os.path.join(folder, "waits"), "w").close()
    time.sleep(60)
sys.exit(int(status))
"""
# A folder that a shell must not look into.
STRANGE = 'it\'s {} {#} $HOME `a` "b"\nnew'


class Machine:
    """Where a script runs: a job, and stubs for what it calls."""

    def __init__(self, folder: Path, name: str = "job") -> None:
        self.folder = folder
        self.job = MadeJob(folder / name, 8)
        self.programs = folder / "programs"
        self.programs.mkdir()
        self.calls = folder / "calls"
        self.calls.mkdir()
        self.add_program("siglip", STUB)
        self.add_program("scontrol", '#!/bin/sh\necho "$@" >> "$STUB_FOLDER/scontrol"\n')

    def add_program(self, name: str, text: str) -> None:
        file = self.programs / name
        file.write_text(text)
        file.chmod(0o755)

    def write(self, name: str, text: str) -> str:
        file = self.folder / name
        file.write_text(text)
        return str(file)

    def environment(self, **variables: object) -> dict[str, str]:
        path = f"{self.programs}{os.pathsep}{os.environ['PATH']}"
        given = {name: str(value) for name, value in variables.items()}
        return {**os.environ, "PATH": path, "STUB_FOLDER": str(self.calls), **given}

    def run(self, *command: str, **variables: object) -> int:
        return subprocess.run(
            command, cwd=self.folder, env=self.environment(**variables), timeout=60
        ).returncode

    def set_status(self, index: int, status: object) -> None:
        (self.calls / f"status-{index}").write_text(str(status))

    def called(self) -> dict[int, int]:
        """Task -> how often it was called, always as it must be."""
        import json

        found = {}
        for file in self.calls.glob("calls-*"):
            lines = [json.loads(line) for line in file.read_text().splitlines()]
            index = int(file.name.removeprefix("calls-"))
            for words in lines:
                assert words[:3] == ["bulk", "task", self.job.uri]
                assert words[3:5] == ["--index", str(index)]
                assert words[5:] == ["--of", "4", "--workers", "2"]
            found[index] = len(lines)
        return found


@pytest.fixture(params=["job", STRANGE], ids=["plain", "strange"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
    return Machine(tmp_path, request.param)


def check_shell(file: str) -> None:
    subprocess.run(["bash", "-n", file], check=True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", "--severity=warning", file], check=True)


def wait_for(file: Path) -> None:
    for _ in range(600):
        if file.exists():
            return
        time.sleep(0.05)
    raise AssertionError(f"{file.name} does not come")


# ---- Slurm ----


def test_slurm_runs_every_task(machine: Machine) -> None:
    file = machine.write("job.sh", make_script("slurm", machine.job.uri, workers=2))
    check_shell(file)
    assert "#SBATCH --array=0-3\n" in Path(file).read_text()
    assert "#SBATCH --cpus-per-task=2\n" in Path(file).read_text()
    machine.set_status(1, 3)  # pictures failed: done all the same
    machine.set_status(2, 1)
    ended = [machine.run("bash", file, SLURM_ARRAY_TASK_ID=index) for index in range(4)]
    assert ended == [0, 0, 1, 0]
    assert machine.called() == {0: 1, 1: 1, 2: 1, 3: 1}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_slurm_hands_signals_on(tmp_path: Path, number: signal.Signals) -> None:
    """USR1 comes before the time is over, and the task is put back; TERM comes with scancel."""
    machine = Machine(tmp_path)
    file = machine.write("job.sh", make_script("slurm", machine.job.uri, workers=2))
    machine.set_status(2, "wait")
    environment = machine.environment(SLURM_ARRAY_TASK_ID=2, SLURM_ARRAY_JOB_ID=77)
    with subprocess.Popen(["bash", file], env=environment) as process:
        wait_for(machine.calls / "waits")
        process.send_signal(number)
        status = process.wait(timeout=30)
    put_back = machine.calls / "scontrol"
    if number == signal.SIGUSR1:
        assert put_back.read_text() == "requeue 77_2\n"
        assert status == 0
    else:
        assert not put_back.exists()
        assert status == 143


# ---- Kubernetes ----


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_kubernetes_runs_every_task(machine: Machine, shell: str) -> None:
    yaml = pytest.importorskip("yaml")
    job = yaml.safe_load(make_script("k8s", machine.job.uri, workers=2))
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
    spec = job["spec"]
    assert (spec["completionMode"], spec["completions"]) == ("Indexed", 4)
    assert spec["backoffLimitPerIndex"] > 0
    pod = spec["template"]["spec"]
    assert pod["restartPolicy"] == "Never"  # which backoffLimitPerIndex needs
    (container,) = pod["containers"]
    assert "CHANGE" in container["image"]
    assert container["resources"]["limits"] == {"cpu": "2", "memory": "2Gi"}
    assert container["volumeMounts"] == [{"name": "job", "mountPath": machine.job.uri}]
    assert container["command"] == ["/bin/sh", "-c"]
    (text,) = container["args"]
    machine.set_status(1, 3)
    machine.set_status(2, 1)
    ended = [machine.run(shell, "-c", text, JOB_COMPLETION_INDEX=index) for index in range(4)]
    assert ended == [0, 0, 1, 0]
    assert machine.called() == {0: 1, 1: 1, 2: 1, 3: 1}


def test_kubernetes_ends_a_pod_within_its_grace(tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    machine = Machine(tmp_path)
    job = yaml.safe_load(make_script("k8s", machine.job.uri, workers=2))
    (text,) = job["spec"]["template"]["spec"]["containers"][0]["args"]
    machine.set_status(0, "wait")
    with subprocess.Popen(
        ["sh", "-c", text], env=machine.environment(JOB_COMPLETION_INDEX=0)
    ) as process:
        wait_for(machine.calls / "waits")
        process.terminate()
        assert process.wait(timeout=30) == 143


# ---- GNU parallel ----


def has_gnu_parallel() -> bool:
    """There is another program of this name."""
    if shutil.which("parallel") is None:
        return False
    said = subprocess.run(["parallel", "--version"], capture_output=True, text=True)
    return "GNU parallel" in said.stdout


@pytest.mark.skipif(not has_gnu_parallel(), reason="GNU parallel is not installed")
def test_parallel_runs_every_task_and_again_what_failed(machine: Machine) -> None:
    text = make_script("parallel", machine.job.uri, workers=2)
    file = machine.write("job.sh", text)
    check_shell(file)
    machine.set_status(1, 3)
    machine.set_status(2, 1)
    home = machine.folder / "home"  # parallel keeps things there
    home.mkdir()
    assert machine.run("bash", file, HOME=home) == 1
    assert machine.called() == {0: 1, 1: 1, 2: 3, 3: 1}
    machine.set_status(2, 0)
    assert machine.run("bash", file, HOME=home) == 0
    assert machine.called() == {0: 1, 1: 1, 2: 4, 3: 1}


def test_parallel_under_a_stub(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    # Runs the last argument for each line, with the line in place of {}.
    machine.add_program(
        "parallel",
        f"""#!{sys.executable}
import subprocess, sys
assert "--resume-failed" in sys.argv and "--joblog" in sys.argv
lines = sys.stdin.read().split()
sys.exit(max(subprocess.run(["sh", "-c", sys.argv[-1].replace("{{}}", line)]).returncode for line in lines))
""",
    )
    machine.set_status(1, 3)
    file = machine.write("job.sh", make_script("parallel", machine.job.uri, workers=2))
    assert machine.run("bash", file) == 0
    assert machine.called() == {0: 1, 1: 1, 2: 1, 3: 1}


def test_the_log_of_another_plan_is_another_one(tmp_path: Path) -> None:
    def log(job: MadeJob, tasks: int) -> str:
        text = make_script("parallel", job.uri, tasks=tasks)
        return text.partition("--joblog ")[2].split()[0]

    small, large = MadeJob(tmp_path / "a", 8), MadeJob(tmp_path / "b", 9)
    assert len({log(small, 4), log(small, 5), log(large, 4)}) == 3
    assert log(small, 4) == log(small, 4)


# ---- all ----


def test_real_tasks_give_the_files_of_a_run(tmp_path: Path) -> None:
    job = RealJob(tmp_path, [{"0.jpg": data} for data in PICTURES[:5]])
    run_here = tmp_path / "here"
    shutil.copytree(job.uri, run_here)
    assert run(str(run_here)).done == 5
    program = tmp_path / "siglip"
    program.write_text(
        f'#!/bin/sh\n[ "$1" = bulk ] && shift && exec {sys.executable} -m siglip.bulk "$@"\n'
    )
    program.chmod(0o755)
    text = make_script("slurm", job.uri, tasks=3, workers=1)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    for index in (2, 0, 1, 0):
        environment = {**os.environ, "PATH": path, "SLURM_ARRAY_TASK_ID": str(index)}
        subprocess.run(["bash", "-c", text], env=environment, check=True, timeout=100)
    for file in (run_here / "data").rglob("*.parquet"):
        assert file.read_bytes() == Path(job.uri, file.relative_to(run_here)).read_bytes()
    assert len(job.results()) == 5


def test_tasks_have_a_shard_for_each_worker_and_are_at_most_a_thousand(tmp_path: Path) -> None:
    job = MadeJob(tmp_path, 2001)
    for workers, last in ((1, 999), (3, 666), (2001, 0), (5000, 0)):
        text = make_script("slurm", job.uri, workers=workers)
        assert f"#SBATCH --array=0-{last}\n" in text
        assert f"--of {last + 1} " in text


def test_a_job_in_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its options are passed on, its credentials are not."""
    yaml = pytest.importorskip("yaml")
    moto = pytest.importorskip("moto.server")
    boto3 = pytest.importorskip("boto3")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "a-secret")
    server = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        boto3.client("s3", endpoint_url=url, region_name="eu").create_bucket(
            Bucket="some", CreateBucketConfiguration={"LocationConstraint": "eu"}
        )
        options = {"endpoint": url, "allow_http": "true", "region": "eu"}
        job, uri = MadeJob(tmp_path, 2), "s3://some/my out"
        for name in ("job.json", "plan.parquet"):
            open_location(uri, options).replace(name, job.output.read(name))
        text = make_script("k8s", uri, workers=2, output_options=options)
        slurm = make_script("slurm", uri, workers=2, output_options=options)
    finally:
        server.stop()
    expected = (
        "siglip bulk task 's3://some/my out' --output-option allow_http=true "
        f"--output-option endpoint={url} --output-option region=eu --index"
    )
    pod = yaml.safe_load(text)["spec"]["template"]["spec"]
    assert expected in pod["containers"][0]["args"][0]
    assert pod["containers"][0]["envFrom"] == [
        {"secretRef": {"name": "siglip-bulk", "optional": True}}
    ]
    assert "volumes" not in pod
    assert expected in slurm
    assert "a-secret" not in text + slurm


def test_what_is_refused(tmp_path: Path) -> None:
    job = MadeJob(tmp_path, 2)
    for options, message in (
        ({"tasks": 0}, "tasks: expected 1 to 1000, found 0"),
        ({"tasks": 1001}, "tasks: expected 1 to 1000, found 1001"),
        ({"workers": 0}, "workers: expected at least 1, found 0"),
    ):
        with pytest.raises(InvalidArgument, match=message):
            make_script("slurm", job.uri, **options)
    with pytest.raises(NotFound, match="siglip bulk plan"):
        make_script("slurm", str(tmp_path / "nothing"))
