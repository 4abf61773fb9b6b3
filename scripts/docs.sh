#!/usr/bin/env bash
# Builds the documentation as a site, build/site, and fails on any warning.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/python_env.sh docs
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Not --quiet, which hides warnings from --strict as well. It is told by its makers that mkdocs will be followed by
# another program: no warning about the pages.
if ! NO_MKDOCS_2_WARNING=1 build/docs-env/bin/mkdocs build --strict > "$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
printf 'docs: build/site/index.html, %s pages\n' "$(find build/site -name index.html | wc -l)"
