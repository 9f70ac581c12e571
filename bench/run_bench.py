#!/usr/bin/env python3
"""Whole runs of the program: nanoseconds per path and day by scenario, by threads, by paths, by what is written.

    /usr/bin/python3 bench/run_bench.py build/release/repoquake [--tables scenarios,kernel,threads,paths,writing,start,cost]

ns are per path and day, the opening day counted: CPU (user and system, of all threads) or wall time of the process, less
that of a run of the first 256 paths, so without start-up. Seconds are of the whole process. Contenders take turns, every
one once a round: median [least .. largest] over rounds. REPOQUAKE_ISA is passed on; the program says what it makes of it.
The table `kernel` measures a day of the kernel with its output (kernel_bench of the same instruction set, where it is
built: simulate_day and output) in turn with runs of 400,000 paths that write none: what everything else costs. Memory is
the peak resident size; less than some 10 MB does not show, which is what the process has that starts the program.
"""

import argparse
import collections
import json
import os
import pathlib
import shlex
import statistics
import subprocess
import sys
import tempfile

import h5py
import numpy

SCENARIOS = ("sep_2019", "mar_2020", "fall_2025", "baseline_2026")
NOTHING = ("output.paths=none",)
ROOT = pathlib.Path(__file__).resolve().parent.parent
FIRST_PATHS = 256  # a block: what the shortest run simulates
Usage = collections.namedtuple("Usage", "cpu wall memory")


# A process begins with the peak resident size of the one that starts it, so a small one does.
STARTER = """
import os, subprocess, sys, time
start = time.monotonic()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, used = os.wait4(process.pid, 0)
process.returncode = os.waitstatus_to_exitcode(status)
print(process.returncode, used.ru_utime + used.ru_stime, time.monotonic() - start, used.ru_maxrss / 1024)
"""


def spread(values, digits=3):
    return f"{statistics.median(values):.{digits}g} [{min(values):.{digits}g} .. {max(values):.{digits}g}]"


class Program:
    """Words of the environment, then the program: "REPOQUAKE_ISA=x86-64 build/release/repoquake"."""

    def __init__(self, words):
        *settings, path = shlex.split(words)
        self.name = words
        self.path = str(pathlib.Path(path).resolve())
        self.environment = dict(os.environ, **dict(setting.split("=", 1) for setting in settings))

    def __str__(self):
        return self.name

    def known(self):
        """What it says of itself."""
        text = subprocess.run([self.path, "version"], check=True, capture_output=True, text=True, env=self.environment).stdout
        return json.loads(text)

    def facts(self):
        known = self.known()
        return ", ".join(f"{known[key]}" for key in ("git_describe", "compiler", "flags", "instruction_set") if key in known)

    def run(self, scenario, paths, output, threads=1, settings=()):
        """CPU and wall seconds, peak memory in MB, of a run."""
        words = [self.path, "run", f"lib:{scenario}", "--paths", paths, "--threads", threads, "--quiet", "--force", "--output", output]
        for setting in settings:
            words += ["--set", setting]
        told = subprocess.run([sys.executable, "-I", "-S", "-c", STARTER, *map(str, words)], check=True, stdout=subprocess.PIPE,
                              text=True, env=self.environment).stdout
        code, *usage = told.split()
        if code != "0":
            sys.exit(f"{self} run {scenario}: exit code {code}")
        return Usage(*map(float, usage))


class Bench:
    def __init__(self, program, rounds, folder):
        self.program, self.rounds, self.output = program, rounds, folder / "timed.h5"
        self.days = {}

    def days_of(self, scenario):
        """Rows of its window."""
        if scenario not in self.days:
            self.program.run(scenario, paths=256, output=self.output)
            with h5py.File(self.output) as f:
                self.days[scenario] = len(f["stats/time"] if "time" in f["stats"] else f["paths/time"])
        return self.days[scenario]

    def take_turns(self, contenders, rounds=None):
        """{name: arguments of a run} -> {name: usages}, those of the whole and those of its start in turn."""
        found = {name: [] for name in contenders}
        for _ in range(rounds or self.rounds):
            for name, arguments in contenders.items():
                start = self.program.run(output=self.output, **dict(arguments, paths=FIRST_PATHS))
                found[name].append((self.program.run(output=self.output, **arguments), start))
        return found

    def ns(self, usages, arguments, of="cpu"):
        path_days = (arguments["paths"] - FIRST_PATHS) * self.days_of(arguments["scenario"])
        return [(getattr(whole, of) - getattr(start, of)) / path_days * 1e9 for whole, start in usages]


def memory_of(usages):
    return f"{max(whole.memory for whole, _ in usages):.0f}"


def heading(*words):
    print("\n| " + " | ".join(words) + " |\n|" + "---|" * len(words))


def row(*words):
    print("| " + " | ".join(words) + " |", flush=True)


def by_scenario(bench, paths):
    contenders = {}
    for name in SCENARIOS:
        contenders[name, "no paths"] = dict(scenario=name, paths=paths, settings=NOTHING)
        contenders[name, "paths, compressed"] = dict(scenario=name, paths=paths)
    found = bench.take_turns(contenders)
    heading(f"{paths} paths, one thread", "written", "days", "ns of CPU", "of sep_2019", "MB at most")
    for (name, written), arguments in contenders.items():
        ns = bench.ns(found[name, written], arguments)
        base = bench.ns(found["sep_2019", written], contenders["sep_2019", written])
        row(name, written, str(bench.days_of(name)), spread(ns), spread([a / b for a, b in zip(ns, base)]), memory_of(found[name, written]))


def kernel_of(program):
    """kernel_bench for the program's instruction set."""
    end = {"x86-64-v3": "_v3", "x86-64-v4": "_v4"}.get(program.known().get("instruction_set"), "")
    return ROOT / "build" / "bench" / f"kernel_bench{end}"


def by_kernel(bench, _):
    """What a run costs beyond a day of the kernel with its output."""
    kernel = kernel_of(bench.program)
    if not kernel.exists():
        print(f"\nno table of the kernel: {kernel.relative_to(ROOT)} is not built (bench/README.md)")
        return
    contenders = {name: dict(scenario=name, paths=400_000, settings=NOTHING) for name in SCENARIOS}
    heading("400000 paths, one thread, none written", "ns of CPU", "ns of the kernel and its output", "ratio")
    for name, arguments in contenders.items():
        kernels, runs = [], []
        for _ in range(bench.rounds):
            kernels.append(kernel_ns(kernel, name))
            runs += bench.ns(bench.take_turns({name: arguments}, rounds=1)[name], arguments)
        row(name, spread(runs), spread(kernels), spread([a / b for a, b in zip(runs, kernels)]))


def kernel_ns(kernel, scenario):
    words = [kernel, ROOT / "scenarios" / f"{scenario}.yaml", "--benchmark_filter=^(simulate_day|output)/", "--benchmark_format=json"]
    told = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    return 1e9 * sum(part["per_path_day"] for part in json.loads(told)["benchmarks"])


def by_threads(bench, paths):
    contenders = {n: dict(scenario="sep_2019", paths=paths, threads=n, settings=NOTHING) for n in range(1, (os.cpu_count() or 1) + 1)}
    found = bench.take_turns(contenders)
    heading(f"threads; sep_2019, {paths} paths, none written", "ns of wall", "times as fast as one", "ns of CPU", "MB at most")
    for n, arguments in contenders.items():
        alone, ns = bench.ns(found[1], contenders[1], "wall"), bench.ns(found[n], arguments, "wall")
        row(str(n), spread(ns), spread([a / b for a, b in zip(alone, ns)]), spread(bench.ns(found[n], arguments)),
            memory_of(found[n]))


def by_paths(bench, largest):
    counts = [10**k for k in range(3, 8) if 10**k <= largest]
    contenders = {n: dict(scenario="sep_2019", paths=n, threads=os.cpu_count() or 1, settings=NOTHING) for n in counts}
    found = bench.take_turns(contenders)
    heading("paths; sep_2019, none written, all processors", "s of wall", "ns of CPU", "MB at most")
    for n, arguments in contenders.items():
        row(f"{n}", spread([whole.wall for whole, _ in found[n]]), spread(bench.ns(found[n], arguments)), memory_of(found[n]))


def by_writing(bench, paths):
    kinds = {"no paths": NOTHING, "paths, compressed": (), "paths, not compressed": ("output.compression=none",)}
    contenders = {name: dict(scenario="sep_2019", paths=paths, settings=settings) for name, settings in kinds.items()}
    found = bench.take_turns(contenders)
    heading(f"writing; sep_2019, {paths} paths, one thread", "ns of CPU", "share of writing", "MB of file")
    for name, arguments in contenders.items():
        ns = bench.ns(found[name], arguments)
        share = [1.0 - a / b for a, b in zip(bench.ns(found["no paths"], contenders["no paths"]), ns)]
        bench.program.run(output=bench.output, **arguments)
        row(name, spread(ns), spread(share, 2), f"{bench.output.stat().st_size / 1e6:.1f}")


def of_start(bench, _):
    """A run of the first paths is little but start-up and an almost empty file."""
    usages = [bench.program.run(scenario="sep_2019", paths=1, output=bench.output, settings=NOTHING) for _ in range(4 * bench.rounds)]
    heading("a run of one path, from the start of the process to its end: ms of wall", "ms of CPU", "MB at most")
    row(spread([usage.wall * 1e3 for usage in usages]), spread([usage.cpu * 1e3 for usage in usages]),
        f"{max(usage.memory for usage in usages):.0f}")


def of_cost(bench, paths):
    """ns = a + b cohorts + c variables, least squares over runs of one thread whose paths are written, not compressed."""
    names = ("[sofr]", "[sofr, reserves, tga, on_rrp, tgcr]", "default", "all")
    contenders = {}
    for cohorts in (8, 16, 24, 40, 64):
        for variables in names:
            settings = (f"model.basis_trade.cohorts={cohorts}", f"output.variables={variables}", "output.compression=none")
            contenders[cohorts, variables] = dict(scenario="sep_2019", paths=paths, settings=settings)
    found = bench.take_turns(contenders)
    counts = {}
    for variables in names:
        bench.program.run(output=bench.output, **contenders[8, variables])
        with h5py.File(bench.output) as f:
            counts[variables] = len(f["paths"]) - 2  # less the axes, path and time
    points = [(cohorts, counts[variables]) for cohorts, variables in contenders]
    ns = [statistics.median(bench.ns(found[key], arguments)) for key, arguments in contenders.items()]
    matrix = numpy.array([[1.0, *point] for point in points])
    fit, *_ = numpy.linalg.lstsq(matrix, numpy.array(ns), rcond=None)
    rest = numpy.array(ns) - matrix @ fit
    heading("cohorts", "variables", "ns of CPU", "less the fit")
    for point, value, residual in zip(points, ns, rest):
        row(*map(str, point), f"{value:.4g}", f"{residual:+.3g}")
    error = numpy.sqrt(rest @ rest / (len(ns) - 3) * numpy.diag(numpy.linalg.inv(matrix.T @ matrix)))
    print(f"\nns per path-day = {fit[0]:.4g} + {fit[1]:.3g} cohorts + {fit[2]:.3g} variables (standard errors {error[0]:.2g}, "
          f"{error[1]:.2g}, {error[2]:.2g}); residuals: s.d. {rest.std():.3g}, largest {abs(rest).max():.3g}")


def main():
    tables = {"scenarios": by_scenario, "kernel": by_kernel, "threads": by_threads, "paths": by_paths, "writing": by_writing,
              "start": of_start, "cost": of_cost}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--tables", default=",".join(tables), help="default: %(default)s")
    parser.add_argument("--paths", type=int, default=200_000)
    parser.add_argument("--largest", type=int, default=10_000_000, help="of the table by paths")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    wanted = asked.tables.split(",")
    if unknown := set(wanted) - set(tables):
        parser.error(f"no table {', '.join(sorted(unknown))}; there are {', '.join(tables)}")
    program = Program(asked.program)
    model = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8") if line.startswith("model name")]
    print(f"{program.facts()}; {os.cpu_count()} processors {model[0] if model else ''}; {asked.rounds} rounds")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(program, asked.rounds, pathlib.Path(folder))
        for name in wanted:
            tables[name](bench, asked.largest if name == "paths" else asked.paths)
    return 0


if __name__ == "__main__":
    sys.exit(main())
