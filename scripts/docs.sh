#!/usr/bin/env bash
# Builds the documentation as a site, build/site, and fails on any warning.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/python_env.sh docs
# It is told by its makers that mkdocs will be followed by another program: no warning about the pages.
NO_MKDOCS_2_WARNING=1 build/docs-env/bin/mkdocs build --strict --quiet
printf 'docs: build/site/index.html, %s pages\n' "$(find build/site -name index.html | wc -l)"
