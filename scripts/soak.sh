#!/usr/bin/env bash
# Runs what takes too long for continuous integration, stage by stage, with fixed seeds.
#   scripts/soak.sh [STAGE...]     all stages, or these
#   scripts/soak.sh --help         lists them
# The stages are those of scripts/soak_stages.sh. What one says is kept in build/soak/STAGE.log; its figures stand in
# the summary, which an interrupted run has, too. The exit status is 1 if a stage failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

names=() # of the stages, in the order they run
declare -A purposes patterns

# stage NAME PURPOSE PATTERN: the function NAME, with _ for -, is a stage. Lines of what it says that fit the pattern
# (of grep -E) are its figures.
stage() {
  names+=("$1")
  purposes[$1]=$2
  patterns[$1]=$3
}
source scripts/soak_stages.sh

list_stages() {
  local name
  for name in "${names[@]}"; do printf '  %-18s %s\n' "$name" "${purposes[$name]}"; done
}

chosen=()
for argument in "$@"; do
  if [[ $argument == -h || $argument == --help ]]; then
    printf 'usage: scripts/soak.sh [STAGE...]\n\n'
    printf 'Runs what takes too long for continuous integration. The stages, all by default:\n'
    list_stages
    exit 0
  fi
  if [[ -z ${purposes[$argument]-} ]]; then
    { printf 'soak: there is no stage "%s". There are:\n' "$argument"; list_stages; } >&2
    exit 2
  fi
  chosen+=("$argument")
done
if ((${#chosen[@]} == 0)); then chosen=("${names[@]}"); fi

readonly logs=build/soak
mkdir -p "$logs"
source scripts/stages.sh # its last lines, and what it does about signals
export TMPDIR=$scratch   # removed in the end, also after an interruption
chmod 755 "$scratch"     # some of what runs there is run as another user

summary=''
failures=()
running='' # the stage that runs, a group of processes

# end_stage OUTCOME
end_stage() {
  running=''
  summary+=$(printf '%-18s %-11s %6d s' "$stage" "$1" $((SECONDS - begin)))$'\n'
  summary+=$(sed 's/^ *//' "$logs/$stage.log" | grep -E -- "${patterns[$stage]}" | sed 's/^/    /')$'\n' || true
  if [[ $1 == passed ]]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    failures+=("$stage")
  fi
}

end() {
  local status=$?
  set +e
  if [[ -n $running ]]; then
    kill -TERM -- "-$running" 2> /dev/null
    wait "$running" 2> /dev/null
    end_stage interrupted
  fi
  printf '\n%s' "$summary" | sed '/^$/d'
  stage=${failures[*]}
  (exit "$status")
  finish
}
trap end EXIT

set -m # a group of its own for each stage, which a signal can end as a whole
for stage in "${chosen[@]}"; do
  begin=$SECONDS
  printf '=== %s (load %s): %s/%s.log\n' "$stage" "$(cut -d ' ' -f 1 /proc/loadavg)" "$logs" "$stage"
  (set -e; "${stage//-/_}") > "$logs/$stage.log" 2>&1 < /dev/null &
  running=$!
  status=0
  wait "$running" || status=$?
  if ((status == 0)); then
    end_stage passed
  else
    tail -n 5 "$logs/$stage.log"
    end_stage FAILED
  fi
done
exit $((failed > 0))
