#!/usr/bin/env bash
# September 2019, from its scenario file to a result file and a fan chart. See --help.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/demo.sh

Installs what is missing (Debian, as root or with sudo), builds the release preset, runs the replay of
September 2019, prints its summary and draws the fan chart.

  -h, --help         this text

environment
  REPOQUAKE_OUTPUT   folder for both files (default: output/ of this project)
  PYTHON             a Python that imports numpy, h5py, matplotlib, xarray, netCDF4 and h5netcdf
TEXT
}

while (($# > 0)); do
  case $1 in
    -h | --help) usage; exit 0 ;;
    *) echo "demo.sh: unknown option $1" >&2; usage >&2; exit 2 ;;
  esac
done

output=$(realpath -m "${REPOQUAKE_OUTPUT:-$(dirname "${BASH_SOURCE[0]}")/../output}")
# shellcheck source=scripts/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
cd "$REPOQUAKE_ROOT"

build_preset release

mkdir -p "$output"
result=$output/sep_2019.h5
figure=$output/sep_2019_fan.png
build/release/repoquake run scenarios/sep_2019.yaml --output "$result" --force
quietly plot "$REPOQUAKE_PYTHON" scripts/plot_fan.py "$result" -o "$figure"

echo
echo "result: $result"
echo "figure: $figure"
