#!/usr/bin/env python3
"""Long use: many paths and many points in constant memory and with constant open files, and time estimates that hold.

Prints what was measured, as lines of docs/reliability.md, and exits with 1 where memory or open files grow or an estimate is
off by more than its bound.
"""

import argparse
import dataclasses
import os
import pathlib
import pty
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
SCENARIO = ROOT / "scenarios" / "sep_2019.yaml"
SWEEP = """format: repoquake/sweep/1
name: long-use
base: {base}
axes: [{{set: shocks.tga-build.size, grid: {{from: 0 bn USD, to: 200 bn USD, steps: {points}}}}}]
override: {{output: {{paths: none}}, simulate: {{paths: {paths}, max_flagged: 100 %}}}}
metrics: [{{id: peak, expr: "mean(max(spread))", unit: bp}}]
"""
GROWTH = 1.2  # of memory
MOST_FILES = 16  # program, terminal, journal; at the end the result and the process that reads it
OFF, OFF_WITH_LOAD = 2.0, 3.0  # factors by which an estimate may be off, either way: other load comes and goes
UNITS = {"s": 1, "min": 60, "h": 3600}


@dataclasses.dataclass
class Ran:
    """A command that has ended: its seconds, its peak memory, its open files, and the ends that its bar foretold."""

    seconds: float
    megabytes: float
    files: list
    foretold: list  # seconds in all, each with the share that was done


def seconds_of(text):
    """"3.4 s", "2 min 05 s", "1.5 h"."""
    return sum(float(number) * UNITS[unit] for number, unit in re.findall(r"([\d.]+) (s|min|h)\b", text))


def run(words):
    """With a terminal for its standard error, where it shows a bar."""
    ours, theirs = pty.openpty()
    start = time.monotonic()
    process = subprocess.Popen(list(map(str, words)), stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    files, told, foretold = [], b"", []

    def count_files():
        while process.returncode is None:
            try:
                files.append(len(os.listdir(f"/proc/{process.pid}/fd")))
            except OSError:
                return
            time.sleep(0.05)

    watch = threading.Thread(target=count_files)
    watch.start()
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the terminal is gone with the program
            break
        told += piece
        for share, rest in re.findall(rb"(\d+) %.*?ETA ([^\r]*?)\s*(?:\r|$)", piece):
            if 10 <= int(share) < 100:
                foretold.append((time.monotonic() - start + seconds_of(rest.decode()), int(share) / 100))
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - start
    watch.join()
    os.close(ours)
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}: exit code {process.returncode}\n{told.decode()}")
    return Ran(seconds, usage.ru_maxrss / 1024, files, foretold)


class Busy:
    """So many processes that do nothing but compute."""

    def __init__(self, n):
        self.n, self.processes = n, []

    def __enter__(self):
        self.processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(self.n)]

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()


class LongUse:
    def __init__(self, program, folder):
        self.program, self.folder, self.wrong = program, folder, []

    def judge(self, holds, text):
        print(("" if holds else "WRONG: ") + text, flush=True)
        if not holds:
            self.wrong.append(text)

    def run_words(self, paths, *more):
        return [self.program, "run", SCENARIO, "--paths", paths, "--force", "--output", self.folder / "run.h5", *more]

    def sweep_words(self, points, paths, *more):
        file = self.folder / "sweep.yaml"
        file.write_text(SWEEP.format(base=SCENARIO, points=points, paths=paths))
        return [self.program, "sweep", file, "--allow-outside", "--force", "--output", self.folder / "sweep.h5", *more]

    def memory_of_paths(self, few, many):
        none = ("--set", "output.paths=none")
        small, large = run(self.run_words(few, *none)), run(self.run_words(many, *none))
        growth = large.megabytes / small.megabytes
        self.judge(growth <= GROWTH, f"a run without paths: {small.megabytes:.1f} MB for {few:,} paths, {large.megabytes:.1f} MB for "
                                     f"{many:,}, {growth:.2f} times as much; {large.seconds:.0f} s")
        return large

    def memory_of_points(self, few, many):
        small, large = run(self.sweep_words(few, 256)), run(self.sweep_words(many, 256))
        growth = large.megabytes / small.megabytes
        self.judge(growth <= GROWTH, f"a sweep: {small.megabytes:.1f} MB for {few:,} points, {large.megabytes:.1f} MB for {many:,}, "
                                     f"{growth:.2f} times as much; {large.seconds:.0f} s")
        half = len(large.files) // 2
        early, late = statistics.median(large.files[:half]), statistics.median(large.files[half:])
        self.judge(late <= early and max(large.files) <= MOST_FILES,
                   f"open files of a sweep of {many:,} points: {early:.0f} in its first half, {late:.0f} in its second, at most {max(large.files)}")

    def estimates(self, what, words, bound):
        """Of --dry-run, and those that the bar shows."""
        said = subprocess.run(list(map(str, [*words, "--dry-run"])), capture_output=True, text=True, check=True).stdout
        dry = seconds_of(re.search(r"time +about (.*?) on ", said)[1])
        ran = run(words)
        off = max((foretold / ran.seconds for foretold, _ in ran.foretold), key=lambda ratio: max(ratio, 1 / ratio), default=1.0)
        self.judge(1 / bound < dry / ran.seconds < bound and 1 / bound < off < bound,
                   f"{what}: {ran.seconds:.1f} s; estimated {dry:.1f} s by --dry-run ({dry / ran.seconds:.2f} times), "
                   f"and by the bar from 10 % on at worst {off:.2f} times")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=ROOT / "build" / "release" / "repoquake", help="default: build/release/repoquake")
    parser.add_argument("--paths", type=int, default=10_000_000, help="against 100,000; default: 10,000,000")
    parser.add_argument("--points", type=int, default=2000, help="of the sweep, against a tenth; default: 2,000")
    chosen = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as name:
        use = LongUse(chosen.program, pathlib.Path(name))
        use.memory_of_paths(100_000, chosen.paths)
        use.memory_of_points(chosen.points // 10, chosen.points)
        none = ("--set", "output.paths=none")
        for load, bound in ((0, OFF), (cores, OFF_WITH_LOAD)):
            with Busy(load):
                state = f"with {load} busy processes beside it" if load else "idle"
                # Some seconds each: of less, a tenth of a second at the end makes any forecast wrong.
                use.estimates(f"6,000,000 paths, none stored, {state}", use.run_words(6_000_000, *none), bound)
                use.estimates(f"600,000 paths, all stored, {state}", use.run_words(600_000), bound)
                use.estimates(f"{chosen.points:,} points of 3,072 paths, {state}", use.sweep_words(chosen.points, 3072), bound)
    return 1 if use.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
