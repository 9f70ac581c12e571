#!/usr/bin/env bash
# The whole test suite; the last line counts. See --help.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/test.sh [--asan] [--full]
       scripts/test.sh --list-controls

Installs what is missing (Debian, as root or with sudo), builds the dev preset, runs its tests, checks that
scripts/demo.sh ends with its two files, and tries the faults of docs/reliability.md on the release program. The last line
is "N passed, N failed"; the exit code is 1 if any failed.

  --asan             also all tests under AddressSanitizer and UndefinedBehaviorSanitizer
  --full             --asan, and: clang-format, cppcheck and clang-tidy on every source (a test each; they are
                     installed), the tests that use threads under ThreadSanitizer, lines and branches that the tests
                     run through (one test: not a point below what README.md says; installs gcovr), instructions that
                     the kernels take (one test: not 5 % more than stated; installs valgrind), the fuzz targets for 20
                     s each (a target is one test; installs clang; what they find is kept in build/fuzz/found/), runs
                     and sweeps killed at some 1,100 moments instead of some 80 (three tests), memory, open files and
                     time estimates of 10 million paths and of sweeps of 2,000 points (one test), no reader of results
                     is left out (installs R and Octave), and the kernel's tests built for 64-bit Arm (one test;
                     installs a cross compiler and qemu)
  --list-controls    print the negative controls, one "file:line: name" per line, and their number; builds nothing. A
                     control shows that a statistical test can fail: it is a TEST_CASE or a SECTION whose name begins
                     with "control: ", and a wrong claim inside it must be found out
  -h, --help         this text

environment
  REPOQUAKE_SKIP_DEMO=1   leave the demo and the faults out, which need the release build
  PYTHON                  a Python that imports numpy, h5py, matplotlib, xarray, netCDF4, h5netcdf, jsonschema and yaml
TEXT
}

# Reads the sources of the tests, so that nothing need be installed or built.
list_controls() {
  cd "$(dirname "${BASH_SOURCE[0]}")/.."
  find tests -name '*_test.cpp' -print0 | LC_ALL=C sort -z | xargs -0 awk '
    match($0, /"control: [^"]+"/) {
      print FILENAME ":" FNR ": " substr($0, RSTART + 10, RLENGTH - 11)
      ++count
    }
    END { print count + 0 " controls" }'
}

asan=0
full=0
while (($# > 0)); do
  case $1 in
    --asan) asan=1 ;;
    --full) asan=1 full=1 ;;
    --list-controls) list_controls; exit 0 ;;
    -h | --help) usage; exit 0 ;;
    *) echo "test.sh: unknown option $1" >&2; usage >&2; exit 2 ;;
  esac
  shift
done

REPOQUAKE_SETUP_FUZZ=$full
REPOQUAKE_SETUP_CHECKS=$full
REPOQUAKE_SETUP_READERS=$full
# shellcheck source=scripts/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
cd "$REPOQUAKE_ROOT"
export REPOQUAKE_ALL_READERS=$full  # 1: tests/python/test_readers.py fails where it would skip

passed=0
failed=0
skipped=0

# Prints the output of what failed, then "passed failed skipped" of a ctest result file.
read -r -d '' tally <<'PYTHON' || true
import sys, xml.etree.ElementTree as tree

count = {"passed": 0, "failed": 0, "skipped": 0}
for case in tree.parse(sys.argv[1]).getroot().iter("testcase"):
    skip = case.find("skipped")
    deliberate = skip is not None and skip.get("message", "").startswith(("SKIP_", "Disabled"))
    status = case.get("status")
    outcome = "passed" if status == "run" else "skipped" if status == "disabled" or deliberate else "failed"
    count[outcome] += 1
    if outcome == "failed":
        reason = case.find("failure")
        why = (reason if reason is not None else skip if skip is not None else case).get("message") or "failed or timed out"
        print(f"\nFAILED {case.get('name')}: {why}\n{case.findtext('system-out', '').strip()}", file=sys.stderr)
print(count["passed"], count["failed"], count["skipped"])
PYTHON

# run_preset PRESET SECONDS [CTEST-OPTION...]: builds the preset and runs its tests, at most for so long.
run_preset() {
  local preset=$1 limit=$2 results=$REPOQUAKE_ROOT/build/$1/results.xml counts=(0 0 0) status=0
  shift 2
  echo "test: $preset" >&2
  if ! build_preset "$preset"; then
    failed=$((failed + 1))
    return 0
  fi
  rm -f "$results"
  ctest --preset "$preset" --parallel "$(nproc)" --stop-time "$(date -d "+$limit seconds" +%T)" \
    --output-junit "$results" "$@" >"build/test-$preset.log" 2>&1 || status=$?
  if [[ -s $results ]]; then
    read -r -a counts < <("$REPOQUAKE_PYTHON" -c "$tally" "$results")
  fi
  if ((status != 0 && counts[1] == 0)); then  # no test failed, but not all were run
    tail -n 20 "build/test-$preset.log" >&2
    echo "FAILED the tests of $preset did not finish within $limit s" >&2
    counts[1]=1
  fi
  passed=$((passed + counts[0]))
  failed=$((failed + counts[1]))
  skipped=$((skipped + counts[2]))
}

check_demo() {
  local folder
  echo "test: demo" >&2
  folder=$(mktemp -d)
  if REPOQUAKE_OUTPUT=$folder scripts/demo.sh >build/test-demo.log 2>&1 &&
    [[ -s $folder/sep_2019.h5 && -s $folder/sep_2019_fan.png ]]; then
    passed=$((passed + 1))
  else
    tail -n 60 build/test-demo.log >&2
    echo "FAILED scripts/demo.sh does not end with a result and a figure" >&2
    failed=$((failed + 1))
  fi
  rm -rf "$folder"
}

# What is promised of the program as it is used: how it is hardened, the same bits on every instruction set, and every
# cell of the fault matrix.
check_release() {
  echo "test: release" >&2
  export REPOQUAKE_PROGRAM=$REPOQUAKE_ROOT/build/release/repoquake
  step hardening "$REPOQUAKE_PYTHON" tests/python/test_hardening.py
  step instruction_sets env REPOQUAKE_SOURCE_DIR="$REPOQUAKE_ROOT" "$REPOQUAKE_PYTHON" tests/python/test_instruction_sets.py
  step faults "$REPOQUAKE_PYTHON" scripts/fault_matrix.py --check
  if ((full)); then
    step long_use "$REPOQUAKE_PYTHON" scripts/long_use.py
  fi
  unset REPOQUAKE_PROGRAM
}

# step NAME COMMAND...: one test of its own; its output is shown only when it fails.
step() {
  local log=build/test-$1.log name=$1
  shift
  if "$@" >"$log" 2>&1; then
    passed=$((passed + 1))
  else
    tail -n 60 "$log" >&2
    echo "FAILED $name" >&2
    failed=$((failed + 1))
  fi
}

# seed_expressions FOLDER: one file for each quoted text of the page on expressions, the scenarios and the tests.
seed_expressions() {
  mkdir -p "$1"
  grep -hoE '"[^"]+"' docs/scenario_expressions.md scenarios/*.yaml tests/reject/expression_*.yaml \
    tests/unit/scenario/expression_test.cpp |
    tr -d '"' | LC_ALL=C sort -u | awk -v folder="$1" '{ file = folder "/" NR; printf "%s", $0 > file; close(file) }'
}

# fuzz_target NAME SEED...: feeds build/fuzz/NAME_fuzz for 20 s, with tests/fuzz/NAME.dict where there is one. The corpus
# grows from run to run. 4 kB reach every key; the ordinary tests have the long inputs. 10 s for one input: the answer is
# due within one, and the sanitizers are slow. 30 s for a result: a child that crashes on it tells the sanitizer first, and
# leaves an empty file where findings go.
fuzz_target() {
  local name=$1 corpus=build/fuzz/corpus/$1 words=() timeout=10
  shift
  if [[ $name == result ]]; then
    timeout=30
  fi
  if [[ -e tests/fuzz/$name.dict ]]; then
    words=("-dict=tests/fuzz/$name.dict")
  fi
  echo "test: fuzz $name" >&2
  mkdir -p "$corpus" build/fuzz/found
  if "build/fuzz/${name}_fuzz" -max_total_time=20 -max_len=4096 "-timeout=$timeout" "${words[@]}" \
    -artifact_prefix="build/fuzz/found/$name-" -print_final_stats=1 "$corpus" "$@" >"build/test-fuzz-$name.log" 2>&1; then
    find build/fuzz/found -name "$name-*" -empty -delete
    passed=$((passed + 1))
  else
    tail -n 60 "build/test-fuzz-$name.log" >&2
    echo "FAILED fuzz $name; the input is in build/fuzz/found/ and, once understood, goes to tests/fuzz/regressions/" >&2
    failed=$((failed + 1))
  fi
}

run_fuzz() {
  echo "test: fuzz" >&2
  if ! build_preset fuzz; then
    failed=$((failed + 1))
    return 0
  fi
  seed_expressions build/fuzz/seeds
  fuzz_target scenario scenarios tests/reject tests/fuzz/regressions
  fuzz_target expression build/fuzz/seeds tests/fuzz/regressions
  fuzz_target series scenarios/data tests/reject/parents tests/fuzz/regressions
  fuzz_target result tests/fuzz/regressions
}

# kill_runs NAME: the kills of tests/python/test_NAME.py, 300 of them.
kill_runs() {
  local name=$1
  echo "test: $name, 300 kills" >&2
  if REPOQUAKE_KILLS=300 REPOQUAKE_PROGRAM=$REPOQUAKE_ROOT/build/dev/repoquake REPOQUAKE_SOURCE_DIR=$REPOQUAKE_ROOT \
    timeout 1200 "$REPOQUAKE_PYTHON" -m unittest discover -s tests/python -p "test_$name.py" -k illed \
    >"build/test-kills-$name.log" 2>&1; then
    passed=$((passed + 1))
  else
    tail -n 60 "build/test-kills-$name.log" >&2
    echo "FAILED $name: see build/test-kills-$name.log" >&2
    failed=$((failed + 1))
  fi
}

# Every source is laid out as .clang-format has it.
check_layout() {
  find bench include src tests '(' -name '*.cpp' -o -name '*.hpp' ')' -print0 | xargs -0 clang-format --dry-run --Werror
}

# What is found without running the program, and how much of it the tests run.
run_checks() {
  echo "test: layout" >&2
  step layout check_layout
  echo "test: cppcheck" >&2
  step cppcheck build_preset cppcheck
  echo "test: clang-tidy" >&2
  step tidy build_preset tidy
  echo "test: coverage" >&2
  step coverage "$REPOQUAKE_PYTHON" scripts/coverage.py --check
}

run_preset dev 900
if ((full)); then
  kill_runs kill
  kill_runs resume
  kill_runs sweep
fi
if [[ ${REPOQUAKE_SKIP_DEMO:-0} != 1 ]]; then
  check_demo
  check_release
fi
if ((asan)); then
  run_preset asan 1200
fi
if ((full)); then
  run_preset tsan 1200 --label-regex '^(engine|study|replay)$'
  run_checks
  run_preset counts 600
  run_fuzz
  echo "test: aarch64" >&2
  step aarch64 scripts/test_aarch64.sh
fi

line="$passed passed, $failed failed"
if ((skipped > 0)); then
  line+=", $skipped skipped"
fi
echo "$line"
((failed == 0))
