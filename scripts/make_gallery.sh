#!/usr/bin/env bash
# Draws the figures of docs/gallery.md anew from the release program. See --help.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/make_gallery.sh [--program FILE] [--output FOLDER]

Builds the release preset, runs the scenarios of docs/gallery.md, all their paths, and writes their figures. Look at
each figure and read its caption again before you commit it.

  --program FILE     use this program and build nothing
  --output FOLDER    where the figures go (default: docs/figures of this project)
  -h, --help         this text

environment
  PYTHON             a Python that imports numpy, h5py, matplotlib, xarray, netCDF4 and h5netcdf
TEXT
}

program=
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
figures=$root/docs/figures
while (($# > 0)); do
  case $1 in
    --program | --output)
      if (($# < 2)); then
        echo "make_gallery.sh: $1 needs a value" >&2
        exit 2
      fi
      if [[ $1 == --program ]]; then program=$(realpath "$2"); else figures=$(realpath -m "$2"); fi
      shift
      ;;
    -h | --help) usage; exit 0 ;;
    *) echo "make_gallery.sh: unknown option $1" >&2; usage >&2; exit 2 ;;
  esac
  shift
done

if [[ -z $program ]]; then
  # shellcheck source=scripts/setup.sh
  source "$root/scripts/setup.sh"
  build_preset release
  program=$root/build/release/repoquake
fi
python=${REPOQUAKE_PYTHON:-${PYTHON:-python3}}

cd "$root"
mkdir -p "$figures"
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

# run NAME SCENARIO OPTION...: a result of all the scenario's paths
run() {
  local name=$1 scenario=$2
  shift 2
  "$program" run "scenarios/$scenario.yaml" --quiet --output "$results/$name.h5" "$@" >/dev/null
}

# sweep NAME: a result of a sweep of the library, all its points
sweep() {
  "$program" sweep "scenarios/sweeps/$1.yaml" --quiet --output "$results/$1.h5" >/dev/null
}

# draw FIGURE SCRIPT ARGUMENT...: small enough for a page
draw() {
  local name=$1 script=$2
  shift 2
  "$python" "scripts/plot_$script.py" --dpi 105 "$@" --output "$figures/$name.png"
}

run sep_2019 sep_2019
run sep_2019_settled sep_2019 --set output.paths=none \
  --set 'simulate.stop={metric: peak_spread, half_width: 4 bp, min_paths: 2000}'
run mar_2020 mar_2020 --set output.variables=all
run mar_2020_worst mar_2020 --set 'output.paths={sample: 5, worst: {count: 8, by: max(sofr - iorb)}}'
run fall_2025 fall_2025
run fall_2025_no_facility fall_2025_no_facility
run quarter_end quarter_end
run joint_crisis joint_crisis
run joint_crisis_without_shocks joint_crisis --set '~shocks'
"$program" attribute scenarios/sep_2019_confluence.yaml --quiet --output "$results/sep_2019_confluence.h5" >/dev/null
sweep tga_x_reserves
sweep year_end_ceiling
"$program" reverse scenarios/year_end.yaml --along policy.tga.target --from '450 bn USD' --to '1350 bn USD' \
  --target 'P(max(sofr - iorb) > 100 bp) = 10 %' --over policy.standing_repo.enabled --values false,true \
  --quiet --force --output "$results/reverse_year_end.h5" >/dev/null
"$program" trace scenarios/sep_2019.yaml --path 7 --format json --quiet >"$results/sep_2019_path_7.json"

draw sep_2019_fan fan "$results/sep_2019.h5" --dpi 100
draw sep_2019_scores scores "$results/sep_2019.h5"
draw sep_2019_ledger ledger "$results/sep_2019_path_7.json"
draw sep_2019_convergence convergence "$results/sep_2019_settled.h5" --dpi 95
draw sep_2019_confluence attribution "$results/sep_2019_confluence.h5" --metric peak_spread
draw mar_2020_unwind unwind "$results/mar_2020.h5" --dpi 80
draw mar_2020_worst fan "$results/mar_2020_worst.h5" --worst 8 --dpi 85
draw fall_2025_exceedance exceedance "$results/fall_2025.h5" "$results/fall_2025_no_facility.h5" --threshold 25
draw quarter_end_fan fan "$results/quarter_end.h5"
draw joint_crisis_compare compare "$results/joint_crisis_without_shocks.h5" "$results/joint_crisis.h5" \
  --scale symlog --label "without the shocks" --label "with the shocks: build of 600 bn, volatility, sales by others"
draw tga_x_reserves sweep "$results/tga_x_reserves.h5" --dpi 100
draw year_end_ceiling sweep "$results/year_end_ceiling.h5" --metric p_above_75bp
draw reverse_year_end reverse "$results/reverse_year_end.h5"
