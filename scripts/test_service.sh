#!/usr/bin/env bash
# Tests `siglip serve` of build/release with clients that others have written: OpenAI's, schemathesis, promtool, a
# browser; with attacks, load and SIGTERM. Everything stays on this machine.
#   scripts/test_service.sh [--siglip PROGRAM]
# Needs what scripts/bootstrap.sh --dev installs. The last line counts the tests: "N passed, N failed".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

program=build/release/apps/cli/siglip
case "${1:-}" in
  '') ;;
  --siglip) program=$(realpath "${2:?usage: scripts/test_service.sh [--siglip PROGRAM]}") ;;
  *)
    printf 'usage: scripts/test_service.sh [--siglip PROGRAM]\n' >&2
    exit 2
    ;;
esac
readonly program env=build/service-env
source scripts/stages.sh
export XDG_CACHE_HOME=$scratch/cache TMPDIR=$scratch PYTHONDONTWRITEBYTECODE=1

service='' # its process
address='' # http://127.0.0.1:PORT

start_service() {
  "$program" index --index "$scratch/index" --model models/demo examples/images
  "$program" serve --index "$scratch/index" --port 0 2> "$scratch/service.log" &
  service=$!
  for _ in {1..300}; do
    address=$(sed -n 's|.*serving \(http://[^ ]*\)/$|\1|p' "$scratch/service.log")
    if [[ -n $address ]]; then return; fi
    kill -0 "$service" || break
    sleep 0.1
  done
  cat "$scratch/service.log"
  return 1
}

# A service that is still there after all that, and ends as it should.
end_service() {
  local status=0
  curl --silent --show-error --fail "$address/ready"
  kill -TERM "$service"
  wait "$service" || status=$?
  service=''
  if ((status != 0)); then
    printf 'the exit status of siglip serve is %d\n' "$status"
    tail -n 5 "$scratch/service.log"
    return 1
  fi
  passed=$((passed + 1))
}

end() {
  local status=$?
  set +e
  if [[ -n $service ]]; then kill -KILL "$service" 2> /dev/null || true; fi
  (exit "$status")
  finish
}
trap end EXIT

# counted PATTERN COMMAND...: each line that fits the pattern is a test that passed; failures are those of the status.
counted() {
  local log="$scratch/counted.log" status=0 pattern=$1
  "${@:2}" 2>&1 < /dev/null | tee "$log" || status=$?
  passed=$((passed + $(grep -cE -- "$pattern" "$log" || true)))
  if ((status != 0)); then failed=$((failed + 1)); fi
  return "$status"
}

# unittests SCRIPT [ARGUMENT...]
unittests() {
  counted ' \.\.\. ok$' "$env/bin/python" "$@" -v
}

check_metrics() {
  curl --silent --show-error --fail "$address/metrics" > "$scratch/metrics"
  promtool check metrics < "$scratch/metrics"
  "$env/bin/python" -c '
import sys
from prometheus_client.parser import text_string_to_metric_families
names = {family.name for family in text_string_to_metric_families(sys.stdin.read())}
assert "siglip_requests" in names and "siglip_request_seconds" in names, names
print(len(names), "metrics")' < "$scratch/metrics"
  passed=$((passed + 1))
}

# Every answer is one that /openapi.json foresees.
check_openapi() {
  (
    cd "$scratch" # where it leaves a folder
    PYTHONPATH=$OLDPWD/tests/server SCHEMATHESIS_HOOKS=schemathesis_hooks counted ' passed' \
      "$OLDPWD/$env/bin/schemathesis" run "$address/openapi.json" --max-examples 5 --seed 1 --workers 1 \
      --exclude-checks positive_data_acceptance --generation-database none --no-color
  )
  passed=$((passed + 1))
}

attack() {
  local host=${address#http://}
  counted "^ok " "$env/bin/python" tests/server/attack.py "${host%:*}" "${host##*:}" --hosts --pid "$service" \
    --slow 100 --only malformed --only hosts --only leaving --only large-bodies --only connections --only slow-headers
}

run_stage 'packages for tests' scripts/python_env.sh service
run_stage 'service' start_service
run_stage 'clients' unittests tests/server/test_clients.py --siglip "$program"
run_stage 'metrics' check_metrics
run_stage 'attacks' attack
run_stage 'page' unittests tests/server/test_page.py --service "$address"
run_stage 'openapi' check_openapi
run_stage 'end' end_service
run_stage 'recall, load and SIGTERM' counted '^[a-z]+ \(load ' "$env/bin/python" scripts/service_figures.py \
  --siglip "$program" --seconds 20 --times 2 recall load term
