#!/usr/bin/env python3
"""Two builds of the program against each other: first that they write the same bits, then how long the first takes.

    /usr/bin/python3 bench/compare.py build/release/repoquake /other/repoquake [--scenario sep_2019] [--paths 20000]

The builds take turns in one run; what is told is the ratio of their CPU and wall times within a round, its median with the
least and the largest. Fails where a dataset outside /provenance differs. A word such as REPOQUAKE_ISA=x86-64-v3 before
a program, in one argument, is set for it: "REPOQUAKE_ISA=x86-64 build/release/repoquake".
"""

import argparse
import pathlib
import sys
import tempfile

import h5py
import numpy

from run_bench import Program, spread


def contents(file):
    """Every dataset outside /provenance as bytes."""
    found = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset) and not name.startswith("provenance"):
            value = item[()]
            plain = isinstance(value, numpy.ndarray) and value.dtype != object
            found[name] = (str(item.dtype), item.shape, value.tobytes() if plain else str(value))

    with h5py.File(file) as f:
        f.visititems(visit)
    return found


def differing(programs, scenario, paths, folder):
    """Names of the datasets that differ or that one of the files lacks."""
    files = []
    for k, program in enumerate(programs):
        files.append(pathlib.Path(folder) / f"{k}.h5")
        program.run(scenario, paths=paths, output=files[-1])
    first, second = map(contents, files)
    return sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name)), len(first)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs=2, metavar="program")
    parser.add_argument("--scenario", default="sep_2019")
    parser.add_argument("--paths", type=int, default=20000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="e.g. output.paths=none")
    asked = parser.parse_args()
    programs = [Program(words) for words in asked.programs]
    for program in programs:
        print(f"{program}: {program.facts()}")
    with tempfile.TemporaryDirectory() as folder:
        differ, count = differing(programs, asked.scenario, min(asked.paths, 4096), folder)
        for name in differ:
            print(f"differs: {name}")
        print("the same bits in" if not differ else "NOT the same bits:", f"{count - len(differ)} of {count} datasets\n")
        times = [[program.run(asked.scenario, paths=asked.paths, threads=asked.threads, settings=asked.set,
                              output=pathlib.Path(folder) / "timed.h5") for program in programs] for _ in range(asked.rounds)]
    print(f"| {asked.scenario}, {asked.paths} paths, {asked.threads} threads, {asked.rounds} rounds | first | second | first / second |")
    print("|---|---|---|---|")
    for name in ("cpu", "wall"):
        first, second = ([getattr(pair[k], name) for pair in times] for k in (0, 1))
        print(f"| {name}, s | {spread(first)} | {spread(second)} | {spread([a / b for a, b in zip(first, second)])} |")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
