#!/usr/bin/env bash
# Runs a bulk job by a real Slurm of one node: the script that `siglip bulk script slurm` prints, with a task cancelled,
# one put back into the queue by its user, and one told that its time is over. Names and bytes of the results must be
# those of a local run.
#   scripts/bulk_slurm.sh [--install] PYTHON
# PYTHON is an interpreter with siglip[bulk]. --install: first gets Debian's Slurm and MUNGE by apt, unless they are
# there. Needs root; the daemons work in a folder of their own, and end with this script. Where that cannot be had, it
# says why, and runs the tests of the printed script under a stub instead (these need pytest).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

install=''
if [[ ${1:-} == --install ]]; then
  install=yes
  shift
fi
if (($# != 1)) || ! command -v "$1" > /dev/null; then
  printf 'usage: scripts/bulk_slurm.sh [--install] PYTHON\n' >&2
  exit 2
fi
# Not where a link leads: by its own path an interpreter finds its packages.
python=$(cd "$(dirname "$(command -v "$1")")" && pwd)/$(basename "$1")
readonly python
export PATH=$PATH:/usr/sbin:/sbin

folder=$(mktemp -d /tmp/siglip-slurm-XXXXXX) # paths of sockets must be short
readonly folder
daemons=()

end() {
  local status=$? index
  set +e
  # The last one started first, each while those it needs are there.
  for ((index = ${#daemons[@]} - 1; index >= 0; index--)); do
    kill "${daemons[index]}" && wait "${daemons[index]}"
  done 2> /dev/null
  rm -rf "$folder"
  exit "$status"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# fall_back REASON
fall_back() {
  printf 'slurm: not here: %s. Its script runs under a stub instead\n' "$1"
  if [[ -e $folder/said ]]; then tail -n 5 "$folder/said"; fi
  "$python" -m pytest -q -p no:cacheprovider python/tests/bulk/test_launcher_scripts.py -k slurm
  exit
}

missing() {
  local program
  for program in munged mungekey slurmctld slurmd sbatch squeue scancel scontrol; do
    command -v "$program" > /dev/null || printf '%s ' "$program"
  done
}

# until_true SECONDS COMMAND...
until_true() {
  local last=$((SECONDS + $1))
  shift
  until "$@"; do
    if ((SECONDS >= last)); then return 1; fi
    sleep 0.1
  done
}

# ---- A cluster ----

if ((EUID != 0)); then fall_back 'only root may start its daemons'; fi
if [[ -n $install && -n $(missing) ]]; then
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends slurm-wlm munge; } \
    > "$folder/said" 2>&1 < /dev/null || fall_back 'apt-get failed'
fi
if [[ -n $(missing) ]]; then fall_back "no programs $(missing)(--install gets them)"; fi

# start NAME COMMAND...: a daemon that stays in the foreground.
start() {
  "${@:2}" > "$folder/$1.said" 2>&1 < /dev/null &
  daemons+=($!)
}

free_ports() {
  "$python" - << 'END'
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(each.getsockname()[1] for each in sockets))
END
}

chmod 711 "$folder"
mkdir -m 755 "$folder/munge" "$folder/state" "$folder/spool"
mungekey --create --keyfile="$folder/munge/key"
start munged munged --foreground --force --key-file="$folder/munge/key" --socket="$folder/munge/socket" \
  --pid-file="$folder/munge/pid" --log-file="$folder/munge/log" --seed-file="$folder/munge/seed"
until_true 10 test -S "$folder/munge/socket" ||
  { mv "$folder/munged.said" "$folder/said"; fall_back 'munged does not start'; }

read -r controller_port node_port <<< "$(free_ports)"
name=$(hostname -s)
export SLURM_CONF=$folder/slurm.conf
# No cgroups, which a container need not have. What is requeued waits until its credential has expired: 2 minutes unless
# told otherwise.
cat > "$SLURM_CONF" << END
ClusterName=siglip
SlurmctldHost=$name(127.0.0.1)
SlurmctldPort=$controller_port
SlurmdPort=$node_port
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket,cred_expire=5
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_interval=1
MpiDefault=none
KillWait=5
ReturnToService=2
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
$(slurmd -C | head -n 1) NodeAddr=127.0.0.1 State=UNKNOWN
PartitionName=main Nodes=$name Default=YES MaxTime=INFINITE State=UP
END

is_idle() { [[ $(sinfo --noheader --format=%T 2> /dev/null) == idle ]]; }
start slurmctld slurmctld -D
start slurmd slurmd -D
if ! until_true 30 is_idle; then
  { sinfo && cat "$folder"/*.said "$folder"/*.log; } > "$folder/said" 2>&1 || true
  fall_back 'its node does not become idle'
fi

# ---- The job ----

# What a user's environment would have.
mkdir "$folder/bin"
printf '#!/bin/sh\nshift\nexec "%s" -m siglip.bulk "$@"\n' "$python" > "$folder/bin/siglip"
chmod +x "$folder/bin/siglip"
PATH=$folder/bin:$PATH
readonly output=$folder/out local=$folder/local
readonly tasks=8

PYTHONPATH=scripts${PYTHONPATH:+:$PYTHONPATH} "$python" -c \
  'import pathlib, sys, bulk_crash; bulk_crash.make_inputs(pathlib.Path(sys.argv[1]), 400)' "$folder/in"
siglip bulk plan "$folder/in" --output "$output" --model models/demo --precision f32 --shard-bytes 64KiB
cp -r "$output" "$local"
siglip bulk run "$local" --quiet && status=0 || status=$?
if ((status != 3)); then # one picture of each tar fails
  printf 'WRONG: the local run ended with status %d\n' "$status"
  exit 1
fi
siglip bulk script slurm "$output" --tasks "$tasks" --workers 1 > "$folder/job.sh"
cd "$folder"

results() { find "$output/data" -name '*.parquet' 2> /dev/null | wc -l; }
# results_of TASK: whose shards are those whose number leaves the rest TASK.
results_of() {
  find "$output/data" -name '*.parquet' -printf '%f\n' 2> /dev/null |
    awk -F - -v task="$1" -v tasks="$tasks" '$1 % tasks == task' | wc -l
}
is_running() { [[ $(squeue --noheader --jobs "$1" --format=%T 2> /dev/null) == RUNNING ]]; }
is_over() { [[ -z $(squeue --noheader) ]]; }
has_results() { (($(results_of "$1") > 0)); }
digests() { (cd "$1" && find data job.json plan.parquet -type f -print0 | sort -z | xargs -0 sha256sum); }
restarts() { scontrol show job "$1" | grep -o 'Restarts=[0-9]*'; }

# disturbed TASK COMMAND...: does something to a task that runs and has begun to write.
disturbed() {
  until_true 120 has_results "$1" || { squeue; printf 'WRONG: task %d writes nothing\n' "$1"; exit 1; }
  is_running "${job}_$1" || { squeue; printf 'WRONG: task %d was over too soon to be disturbed\n' "$1"; exit 1; }
  "${@:2}"
}

job=$(sbatch --parsable job.sh)
disturbed 0 scancel "${job}_0"
disturbed 2 scontrol requeue "${job}_2"
# As two minutes before the end of its time. scancel is told to try again, since the task is being requeued, and in the
# end that it is over: whether it was started again is seen below.
signal_end() { scancel --batch --signal=USR1 "$1" || true; }
disturbed 3 signal_end "${job}_3"
until_true 300 is_over || { squeue; printf 'WRONG: the array does not end\n'; exit 1; }
printf 'slurm %s: an array of %d tasks, task 0 cancelled, 2 (%s) and 3 (%s) requeued: %d results\n' \
  "$(sinfo --version | cut -d ' ' -f 2)" "$tasks" "$(restarts "${job}_2")" "$(restarts "${job}_3")" "$(results)"
wrong=0
for task in 2 3; do
  if [[ $(restarts "${job}_$task") != Restarts=[1-9] ]]; then
    printf 'WRONG: task %d was not started again\n' "$task"
    wrong=1
  fi
done
if (($(results) >= $(find "$local/data" -name '*.parquet' | wc -l))); then
  printf 'WRONG: the task that was cancelled had done everything: nothing was shown\n'
  wrong=1
fi
# Twice at once, which is always safe.
sbatch --parsable job.sh > /dev/null
sbatch --parsable job.sh > /dev/null
until_true 300 is_over || { squeue; printf 'WRONG: the second array does not end\n'; exit 1; }
if ! difference=$(diff <(digests "$local") <(digests "$output")); then
  printf 'WRONG: other files than by a local run:\n%s\n' "$(head -n 10 <<< "$difference")"
  tail -n 5 siglip-bulk-*.log
  exit 1
fi
printf 'slurm: submitted again, twice at once: all %d files are those of a local run\n' "$(digests "$local" | wc -l)"
exit "$wrong"
