#!/usr/bin/env bash
# Writes tests/golden/ anew from the release build. See --help.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/update_golden.sh [SCENARIO...]

Builds the release preset and writes tests/golden/NAME/summary.csv of each scenario (default: all of scenarios/*.yaml).
Look at the difference before you commit it, and say in CHANGELOG.md which economics or which arithmetic changed.
TEXT
}

if [[ ${1:-} == -h || ${1:-} == --help ]]; then
  usage
  exit 0
fi

# shellcheck source=scripts/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
cd "$REPOQUAKE_ROOT"
build_preset release

scenarios=("$@")
if ((${#scenarios[@]} == 0)); then
  scenarios=(scenarios/*.yaml)
  rm -rf tests/golden
fi
"$REPOQUAKE_PYTHON" scripts/golden_summaries.py --program build/release/repoquake --output tests/golden "${scenarios[@]}"
git --no-pager diff --stat -- tests/golden
