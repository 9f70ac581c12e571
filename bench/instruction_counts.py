#!/usr/bin/env python3
"""How many instructions the kernels take for a path and day of September 2019, counted by valgrind, and whether that is still so.

    cmake --preset counts && cmake --build --preset counts && ctest --preset counts    # against bench/instruction_counts.json
    /usr/bin/python3 bench/instruction_counts.py [PROGRAM] [--check | --write]         # default: build/counts/repoquake

A loop that the compiler no longer vectorises takes several times as many; a time would not tell it from a busy machine. The AVX2
code is counted, which valgrind can run. Counts belong to a compiler: with another --check has nothing to say (exit code 77).
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import h5py

ROOT = pathlib.Path(__file__).resolve().parents[1]
STATED = ROOT / "bench" / "instruction_counts.json"
PATHS = 512
ALLOWED = 1.05
SKIPPED = 77
KERNELS = ("engine::compiled::simulate_day", "random::draw_uniform_pair", "random::normals_from_uniforms",
           "random::student_t_from_uniforms", "model::form_need", "model::lend_capacity", "model::clear_repo_market",
           "model::take_up_facilities", "model::settle", "model::spread_rates", "model::price_fed_funds", "model::trade_basis")


def run(words, **more):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def counts_of(program):
    """Instructions of each kernel, with all that it calls, for a path and day."""
    environment = dict(os.environ, REPOQUAKE_ISA="x86-64-v3")
    with tempfile.TemporaryDirectory() as name:
        profile, result = pathlib.Path(name) / "profile", pathlib.Path(name) / "run.h5"
        run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", program, "run", ROOT / "scenarios" / "sep_2019.yaml",
             "--paths", PATHS, "--threads", 1, "--quiet", "--set", "output.paths=none", "--output", result], env=environment)
        table = run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", profile])
        with h5py.File(result) as file:
            path_days = PATHS * (len(file["stats/time"]) - 1)  # the opening day is given
    counts = {}
    for kernel in KERNELS:
        found = re.search(r"^\s*([\d,]+)\s.*?:repoquake::" + re.escape(kernel) + r"\(", table, re.MULTILINE)
        if found:
            counts[kernel] = round(int(found.group(1).replace(",", "")) / path_days, 1)
    missing = [kernel for kernel in KERNELS if kernel not in counts]
    if missing:
        sys.exit(f"not in the profile, inlined or renamed: {', '.join(missing)}")
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?", type=pathlib.Path, default=ROOT / "build" / "counts" / "repoquake")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="fail where a kernel takes 5 %% more than is stated")
    what.add_argument("--write", action="store_true", help="state the counts found")
    asked = parser.parse_args()
    stated = json.loads(STATED.read_text()) if STATED.exists() else {"compiler": None, "counts": {}}
    compiler = json.loads(run([asked.program, "version"]))["compiler"]
    if asked.check and compiler != stated["compiler"]:
        print(f"counts are of {stated['compiler']}, this is {compiler}: nothing to compare")
        return SKIPPED
    counts = counts_of(asked.program)
    grown = []
    for kernel, count in counts.items():
        before = stated["counts"].get(kernel)
        print(f"{kernel:34} {count:8.1f}" + (f"  {count / before:6.3f} of the stated {before}" if before else ""))
        if before is None or count > ALLOWED * before:
            grown.append(kernel)
    if asked.write:
        STATED.write_text(json.dumps({"compiler": compiler, "counts": counts}, indent=2) + "\n")
    if asked.check and grown:
        print(f"more than 5 % above what is stated, or not stated: {', '.join(grown)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
