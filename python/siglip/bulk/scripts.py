"""The files that other people's schedulers take: each runs `siglip bulk task` for the parts of a job."""

from __future__ import annotations

import hashlib
import json
import math
import shlex
from collections.abc import Callable, Mapping
from typing import Literal

from ..errors import InvalidArgument
from .job import PLAN_FILE, Job
from .location import Location
from .open_location import open_location
from .plan_file import read_plan

Scheduler = Literal["slurm", "k8s", "parallel"]

#: Slurm refuses larger arrays as it is installed (MaxArraySize 1001).
MOST_TASKS = 1000


def make_script(
    scheduler: Scheduler,
    output: str,
    *,
    tasks: int | None = None,
    workers: int = 8,
    output_options: Mapping[str, str] | None = None,
) -> str:
    """The file for a scheduler, complete but for what only its user knows, which is marked with CHANGE.

    Parameters
    ----------
    scheduler : "slurm", "k8s" or "parallel"
        A batch script with an array; an indexed Job of Kubernetes; a script that calls GNU parallel.
    output : str
        The job, which must have been planned.
    tasks : int, optional
        Into how many parts the job is divided: 1 to 1,000. None: so many that each worker has a shard, at most 1,000.
    workers : int
        Processes of a task, and cores that it asks for.
    output_options : mapping, optional
        How the output is reached, see `open_location`.

    Raises
    ------
    NotFound
        Where nothing was planned.
    InvalidArgument
        For numbers out of their range.
    """
    location = open_location(output, output_options, read_only=True)
    Job.open(location)
    shards = len(read_plan(location))
    if workers < 1:
        raise InvalidArgument(f"workers: expected at least 1, found {workers}")
    if tasks is None:
        tasks = max(1, min(MOST_TASKS, math.ceil(shards / workers)))
    if not 1 <= tasks <= MOST_TASKS:
        raise InvalidArgument(f"tasks: expected 1 to {MOST_TASKS}, found {tasks}")
    makers: dict[str, Callable[[_Parts], str]] = {
        "slurm": _slurm,
        "k8s": _kubernetes,
        "parallel": _parallel,
    }
    if scheduler not in makers:
        raise InvalidArgument(f"scheduler: expected {', '.join(makers)}, found {scheduler!r}")
    return makers[scheduler](_Parts(location, tasks, workers, dict(output_options or {})))


class _Parts:
    """What the files have in common."""

    def __init__(
        self, location: Location, tasks: int, workers: int, output_options: Mapping[str, str]
    ) -> None:
        self.uri = location.uri
        self.is_folder = location.folder is not None
        self.tasks = tasks
        self.workers = workers
        self._options = output_options
        plan = location.entry(PLAN_FILE)
        identity = [location.uri, tasks, None if plan is None else plan.version]
        self.identity = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:8]

    def command(self, index: str) -> str:
        """For a shell. `index`: as it is to stand there."""
        words = ["siglip", "bulk", "task", self.uri]
        for name, value in sorted(self._options.items()):
            words += ["--output-option", f"{name}={value}"]
        return f"{shlex.join(words)} --index {index} --of {self.tasks} --workers {self.workers}"

    def comment(self, text: str) -> str:
        """A line of a comment: a name cannot end it."""
        return "# " + text.replace("\n", " ").replace("\r", " ")


# Waits for the task, hands signals on, and leaves its status in $status. A shell waits no longer when a signal comes,
# and may be asked again for the status of what has ended meanwhile.
_WAIT = """\
task=$!
while :; do
  came=''
  wait "$task"
  status=$?
  [ -n "$came" ] || break
done
"""


def _slurm(parts: _Parts) -> str:
    return f"""\
#!/bin/bash
{parts.comment(f"The bulk job {parts.uri} as an array of {parts.tasks} tasks: sbatch FILE")}
# Submitting it again is always safe, also while it runs: what is done is passed over.
#
# CHANGE what your cluster needs: --partition, --account, --time; %N after the array limits how many run at a time.
#SBATCH --job-name=siglip-bulk
#SBATCH --array=0-{parts.tasks - 1}
#SBATCH --ntasks=1
#SBATCH --cpus-per-task={parts.workers}
#SBATCH --mem-per-cpu=1G
#SBATCH --time=24:00:00
#SBATCH --output=siglip-bulk-%A_%a.log
#SBATCH --open-mode=append
# After preemption, or when a node fails, a task goes on from the shards that are done,
#SBATCH --requeue
# and so it does when its time is over: two minutes before, the script gets USR1.
#SBATCH --signal=B:USR1@120

# CHANGE: what makes the command siglip known, such as: source /path/to/venv/bin/activate

task='' requeue=''
trap 'came=yes; kill -TERM "$task"' TERM INT
trap 'came=yes; requeue=yes; kill -TERM "$task"' USR1

{parts.command('"$SLURM_ARRAY_TASK_ID"')} &
{_WAIT}
if [ -n "$requeue" ] && [ "$status" -eq 143 ]; then
  exec scontrol requeue "${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID"
fi
# 3: all is done, but some pictures have no embedding; siglip bulk status tells which.
[ "$status" -ne 3 ] || status=0
exit "$status"
"""


def _kubernetes(parts: _Parts) -> str:
    shell = f"""\
task=''
trap 'came=yes; kill -TERM "$task"' TERM INT
{parts.command('"$JOB_COMPLETION_INDEX"')} &
{_WAIT}# 3: all is done, but some pictures have no embedding.
[ "$status" -ne 3 ] || status=0
exit "$status"
"""
    indented = "".join(f"              {line}\n" for line in shell.splitlines())
    memory = f"{parts.workers}Gi"
    return f"""\
{parts.comment(f"The bulk job {parts.uri} as an indexed Job of {parts.tasks} pods: kubectl apply -f FILE")}
# Needs Kubernetes 1.29. Deleting and applying it again is always safe: what is done is passed over.
#
# CHANGE the image: any that has Python 3.10 or later and pip install "siglip[bulk]", in the versions of the plan.
apiVersion: batch/v1
kind: Job
metadata:
  name: siglip-bulk-{parts.identity}
spec:
  completionMode: Indexed
  completions: {parts.tasks}
  parallelism: {parts.tasks}
  # A pod that fails (an input that cannot be reached) is tried again, whatever becomes of the others.
  backoffLimitPerIndex: 6
  maxFailedIndexes: {parts.tasks}
  podFailurePolicy:
    rules:
      # A pod that had to leave its node did not fail.
      - action: Ignore
        onPodConditions:
          - type: DisruptionTarget
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 60
      containers:
        - name: siglip
          image: CHANGE/siglip-bulk:CHANGE
          command: ["/bin/sh", "-c"]
          args:
            - |
{indented}          resources:
            requests: {{cpu: "{parts.workers}", memory: {memory}}}
            limits: {{cpu: "{parts.workers}", memory: {memory}}}
{_kubernetes_access(parts)}"""


def _kubernetes_access(parts: _Parts) -> str:
    if not parts.is_folder:
        return """\
          # Keys of the object stores, as environment variables (AWS_ACCESS_KEY_ID, ...); none are needed where the
          # service account of the pod may read and write. kubectl create secret generic siglip-bulk --from-literal=...
          envFrom:
            - secretRef: {name: siglip-bulk, optional: true}
"""
    return f"""\
          volumeMounts:
            - {{name: job, mountPath: {json.dumps(parts.uri)}}}
      volumes:
        - name: job
          # CHANGE the claim: a volume that all nodes may write to (ReadWriteMany). Inputs in folders need one, too.
          persistentVolumeClaim: {{claimName: CHANGE}}
"""


def _parallel(parts: _Parts) -> str:
    # GNU parallel replaces its own words wherever they stand: braces of names are taken apart.
    command = parts.command("INDEX").replace("{", "{''").replace("INDEX", "{}")
    return f"""\
#!/bin/bash
{parts.comment(f"The bulk job {parts.uri} as {parts.tasks} tasks of GNU parallel, one after the other per machine.")}
# Arguments go to parallel: bash FILE --sshlogin node1,node2 (where siglip is on the PATH and the job's paths are the
# same). Running it again is always safe: the log tells parallel what is done, and siglip knows it anyway. After the job
# was planned anew, print this file anew.
set -eu
# 3: all is done, but some pictures have no embedding.
command={shlex.quote(command + " || [ $? -eq 3 ]")}
seq 0 {parts.tasks - 1} | parallel --jobs 1 --joblog siglip-bulk-{parts.identity}.joblog --resume-failed \\
  --retries 3 --termseq TERM,10000,KILL,25 "$@" "$command"
"""
