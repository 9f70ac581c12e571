#!/usr/bin/env python3
"""How much of the program its tests run through: lines and branches, floor by floor.

Builds the preset coverage (optimised a little, without contracts and traps, one instruction set), runs its tests, those of
Python on its program included, and lets gcovr count. Counted are our own lines in src/ and include/. Not counted are
branches that are taken by an exception only, and what the compiler made for lines without code. A child that tries an
untrusted file ends without a word, so what only it reads counts as not run.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys

from check_floors import FLOORS, floor_of

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "coverage"
PAGE, README = ROOT / "docs" / "reliability.md", ROOT / "README.md"
BEGIN, END = "<!-- coverage: begin -->", "<!-- coverage: end -->"
FIGURE = re.compile(r"Tests run through (\d+\.\d) % of lines and (\d+\.\d) % of branches")
ALLOWED_DROP = 1.0  # percentage points; a few branches hang on timing
# Tests that run nothing of the program, kill it, which may tear the counters, or hold an answer to a second.
LEFT_OUT = (r"^(house|install|fuzz:(deep nesting|long words)"
            r"|python: test_(controls|coverage|hardening|kill|plots|plot_\w+|scenario_data)$)")


class Counted:
    """Lines and branches, all of them and those that were run."""

    def __init__(self):
        self.lines = self.lines_run = self.branches = self.branches_run = 0

    def add(self, file):
        self.lines += file["line_total"]
        self.lines_run += file["line_covered"]
        self.branches += file["branch_total"]
        self.branches_run += file["branch_covered"]

    def shares(self):
        return tuple(round(100 * run / total, 1) if total else 100.0
                     for run, total in ((self.lines_run, self.lines), (self.branches_run, self.branches)))


def run_tests(jobs):
    """Builds, runs the tests; their number of failures is ctest's business, here it is an exit."""
    subprocess.run(["cmake", "--preset", "coverage"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", "--preset", "coverage", "--parallel", jobs], cwd=ROOT, check=True)
    for old in BUILD.rglob("*.gcda"):
        old.unlink()
    # The preset numbers functions (profile-func-internal-id): by name and place alone gcov takes local instances of one
    # template for each other, and drops the whole file.
    # A test that takes memory, descriptors or the disk from the program takes them from its counters too.
    quiet = {**os.environ, "GCOV_ERROR_FILE": os.devnull, "REPOQUAKE_KILLS": "2"}
    subprocess.run(["ctest", "--preset", "coverage", "--parallel", jobs, "--exclude-regex", LEFT_OUT, "--quiet",
                    "--output-log", BUILD / "tests.log"], cwd=ROOT, check=True, env=quiet)


def count(jobs):
    """What gcovr says of each file."""
    done = subprocess.run(
        ["gcovr", "--root", ROOT, "--filter", f"{ROOT}/src/", "--filter", f"{ROOT}/include/", "-j", jobs,
         "--exclude-throw-branches", "--exclude-unreachable-branches", "--json-summary", "-", BUILD], cwd=BUILD, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)["files"]


def by_floor(files):
    """The floors, and all of them together."""
    floors, total = {name: Counted() for name in FLOORS}, Counted()
    for file in files:
        floors[floor_of(pathlib.PurePosixPath(file["filename"]))].add(file)
        total.add(file)
    return floors, total


def table(floors, total):
    rows = ["| floor | lines | of | branches | of |", "|---|---|---|---|---|"]
    for name, counted in [*floors.items(), ("**all**", total)]:
        lines, branches = counted.shares()
        rows.append(f"| {name} | {lines:.1f} % | {counted.lines:,} | {branches:.1f} % | {counted.branches:,} |")
    return "\n".join(rows)


def write(text, total):
    page, readme = PAGE.read_text(encoding="utf-8"), README.read_text(encoding="utf-8")
    PAGE.write_text(page[:page.index(BEGIN) + len(BEGIN)] + "\n" + text + "\n" + page[page.index(END):], encoding="utf-8")
    lines, branches = total.shares()
    README.write_text(FIGURE.sub(f"Tests run through {lines} % of lines and {branches} % of branches", readme), encoding="utf-8")


def complaints(shares):
    """Where the pages promise more than these shares of lines and branches, or not the same."""
    stated = FIGURE.search(README.read_text(encoding="utf-8"))
    if not stated:
        return ["README.md states no coverage"]
    wrong = []
    said = re.search(r"^\| \*\*all\*\* \| (\S+) % .*? \| (\S+) % ", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    if not said or said.groups() != stated.groups():
        wrong.append("README.md and docs/reliability.md do not state the same coverage")
    for what, share, promise in zip(("lines", "branches"), shares, map(float, stated.groups())):
        if share < promise - ALLOWED_DROP:
            wrong.append(f"tests run through {share} % of {what}; README.md says {promise} %")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counted", action="store_true", help="do not build and test; count what the last time left")
    parser.add_argument("--files", action="store_true", help="print every file as well, the least covered first")
    parser.add_argument("--jobs", default=str(os.cpu_count()), help="how many to do at once; default: a job a processor")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="fail where a total is a point below what README.md says")
    what.add_argument("--write", action="store_true", help="write the figures into README.md and docs/reliability.md")
    chosen = parser.parse_args()
    if not chosen.counted:
        run_tests(chosen.jobs)
    files = count(chosen.jobs)
    floors, total = by_floor(files)
    if chosen.files:
        for file in sorted(files, key=lambda f: f["line_covered"] - f["line_total"]):
            print(f"{file['line_total'] - file['line_covered']:5} of {file['line_total']:5} lines, "
                  f"{file['branch_total'] - file['branch_covered']:5} of {file['branch_total']:5} branches not run: {file['filename']}")
    text = table(floors, total)
    print(text)
    if chosen.write:
        write(text, total)
    wrong = complaints(total.shares()) if chosen.check else []
    for complaint in wrong:
        print(complaint, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
