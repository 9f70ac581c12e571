#!/usr/bin/env bash
# What demo.sh and test.sh share. Run or sourced, it installs the Debian packages that are missing and picks a Python
# that can read result files; sourced, it also leaves REPOQUAKE_ROOT, REPOQUAKE_PYTHON and the functions below.
set -euo pipefail

REPOQUAKE_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export REPOQUAKE_ROOT

packages=(
  g++ cmake ninja-build ccache
  libeigen3-dev libboost-dev libtbb-dev libyaml-cpp-dev libhdf5-dev libssl-dev libdeflate-dev
  libfmt-dev libcli11-dev nlohmann-json3-dev
  catch2 hdf5-tools netcdf-bin
  python3 python3-numpy python3-h5py python3-matplotlib python3-xarray python3-netcdf4 python3-h5netcdf
  python3-jsonschema python3-yaml
)

# The fuzz targets, built by `test.sh --full` only.
if [[ ${REPOQUAKE_SETUP_FUZZ:-0} == 1 ]]; then
  packages+=(clang libclang-rt-dev)
fi

# What judges the sources and counts what the tests run through, for `test.sh --full` only.
if [[ ${REPOQUAKE_SETUP_CHECKS:-0} == 1 ]]; then
  packages+=(clang-format clang-tidy cppcheck gcovr valgrind)
fi

# A cross compiler and what runs its programs; for scripts/test_aarch64.sh.
if [[ ${REPOQUAKE_SETUP_AARCH64:-0} == 1 ]]; then
  packages+=(g++-aarch64-linux-gnu qemu-user)
fi

# For the preset bench and bench/baseline_numba.py.
if [[ ${REPOQUAKE_SETUP_BENCH:-0} == 1 ]]; then
  packages+=(libbenchmark-dev python3-numba)
fi

# R and Octave, 300 MB on disk, run the scripts of tests/readers; for `test.sh --full` only.
if [[ ${REPOQUAKE_SETUP_READERS:-0} == 1 ]]; then
  packages+=(r-base-core r-cran-ncdf4 r-bioc-rhdf5 octave octave-netcdf)
fi

# quietly LOG COMMAND...: runs the command with its output in build/LOG.log; shows the end of it only on failure.
quietly() {
  local log=$REPOQUAKE_ROOT/build/$1.log status=0
  shift
  mkdir -p "${log%/*}"
  "$@" >"$log" 2>&1 || status=$?
  if ((status != 0)); then
    tail -n 60 "$log" >&2
    echo "failed ($status): $*" >&2
    echo "whole output: $log" >&2
  fi
  return "$status"
}

install_missing_packages() {
  local missing=() as_root=()
  if ! command -v dpkg-query >/dev/null; then
    echo "setup: not a Debian system; these packages are needed under whatever name: ${packages[*]}" >&2
    return 0
  fi
  mapfile -t missing < <(
    comm -23 <(printf '%s\n' "${packages[@]}" | sort) \
      <(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null |
        sed -n 's/^installed //p' | sort -u)
  )
  if ((${#missing[@]} == 0)); then
    return 0
  fi
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
      echo "setup: neither root nor sudo; please install: ${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  echo "setup: installing ${missing[*]}" >&2
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
  quietly apt-update "${apt[@]}" update
  quietly apt-install "${apt[@]}" install -y --no-install-recommends "${missing[@]}"
}

# The first python3 on the PATH may not see Debian's packages.
pick_python() {
  local candidate
  local probe='import importlib.util as u, numpy, h5py, matplotlib
raise SystemExit(not all(map(u.find_spec, ("xarray", "netCDF4", "h5netcdf", "jsonschema", "yaml"))))'
  for candidate in "${PYTHON:-}" python3 /usr/bin/python3; do
    if [[ -n $candidate ]] && "$candidate" -c "$probe" 2>/dev/null; then
      REPOQUAKE_PYTHON=$(command -v "$candidate")
      export REPOQUAKE_PYTHON
      return 0
    fi
  done
  echo "setup: no Python that imports numpy, h5py, matplotlib, xarray, netCDF4, h5netcdf, jsonschema and yaml; set PYTHON" >&2
  return 1
}

# build_preset PRESET: configures when that was not done since the presets changed (ninja sees all other changes), builds.
build_preset() {
  local preset=$1 dir=$REPOQUAKE_ROOT/build/$1
  local stamp=$dir/configured
  (
    cd "$REPOQUAKE_ROOT"
    if [[ ! -e $stamp || CMakePresets.json -nt $stamp ]] || ! grep -qsxF "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "$dir/CMakeCache.txt"; then
      quietly "configure-$preset" cmake --preset "$preset" --fresh || exit
      touch "$stamp"
    fi
    quietly "build-$preset" cmake --build --preset "$preset" --parallel "$(nproc)"
  )
}

# Without a home to write to, caches live in the build folder.
if [[ -z ${HOME:-} || ! -w ${HOME:-} ]]; then
  export CCACHE_DIR=${CCACHE_DIR:-$REPOQUAKE_ROOT/build/ccache}
  export MPLCONFIGDIR=${MPLCONFIGDIR:-$REPOQUAKE_ROOT/build/matplotlib}
  mkdir -p "$CCACHE_DIR" "$MPLCONFIGDIR"
fi

install_missing_packages
pick_python
