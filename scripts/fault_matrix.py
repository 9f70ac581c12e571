#!/usr/bin/env python3
"""The fault matrix: each fault of the system or of an input x run, sweep, export, with real faults.

In every cell an earlier file of the same name is there, and --force is given. A cell holds when the exit code is the one
promised, the message names the file and the cause, the earlier file keeps its bytes unless a whole one replaced it, and no
file that is left over passes for a result.
"""

import argparse
import functools
import hashlib
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- fault matrix: begin -->", "<!-- fault matrix: end -->"
VERBS = ("run", "sweep", "export")
OUTPUT = {"run": "run.h5", "sweep": "sweep.h5", "export": "table.csv"}
# Texts that are for us and not for a user.
INTERNAL = re.compile(r"terminate called|what\(\)|std::|HDF5-DIAG|#0\d\d:|\bH5[A-Z]+\w*\(|internal error|assert|Traceback")
SWEEP = """format: repoquake/sweep/1
name: faults
base: sep_2019.yaml
axes: [{set: shocks.tga-build.size, values: [0 bn USD, 50 bn USD]}]
override: {output: {paths: none}}
metrics: [{id: peak, expr: "mean(max(spread))", unit: bp}]
"""


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


class Cell:
    """A folder with inputs and an earlier output, and one run of the program under a fault."""

    def __init__(self, folder, bench, verb):
        self.folder, self.bench, self.verb = folder, bench, verb
        self.inputs, self.out = folder / "in", folder / "out"
        shutil.copytree(bench.inputs, self.inputs)
        shutil.copytree(bench.earlier, self.out)
        self.output = self.out / OUTPUT[verb]
        self.before = digest(self.output)
        self.result = self.inputs / "result.h5"
        self.environment, self.limits, self.paths, self.prefix = {}, [], 1100, []
        self.unprivileged = False

    def words(self):
        common = ["--threads", "2", "--paths", str(self.paths), "--quiet", "--force"]
        return {
            "run": ["run", self.inputs / "sep_2019.yaml", *common, "--output", self.output],
            "sweep": ["sweep", self.inputs / "sweep.yaml", *common, "--output", self.output],
            "export": ["export", self.result, "stats", "--force", "--output", self.output],
        }[self.verb]

    def command(self):
        return [*self.prefix, self.bench.program, *map(str, self.words())]

    def start(self, **more):
        def prepare():
            for kind, amount in self.limits:
                resource.setrlimit(kind, (amount, resource.getrlimit(kind)[1]))
            if self.unprivileged and os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
        return subprocess.Popen(self.command(), stdout=more.pop("stdout", subprocess.DEVNULL), stderr=subprocess.PIPE, text=True,
                                env={**os.environ, **self.environment}, preexec_fn=prepare, cwd=self.folder, **more)

    def shim(self, fault, part, after=0):
        self.environment = {"LD_PRELOAD": str(self.bench.shim), "REPOQUAKE_FAULT": fault, "REPOQUAKE_FAULT_PATH": part,
                            "REPOQUAKE_FAULT_AFTER": str(after)}

    def open_to_all(self):
        """So that an unprivileged user comes as far as the fault."""
        for path in (self.folder, *self.folder.rglob("*")):
            path.chmod(0o777 if path.is_dir() else 0o666)

    def leftovers(self):
        """What a run that is under way has begun to write."""
        return [path for path in self.out.rglob("*") if path.name.endswith((".partial", ".journal"))]


class Fault:
    """`cause`: what the message must say. `codes`: by verb, several where chance decides; None where the fault cannot be."""

    def __init__(self, name, how, codes, cause, inject=None, during=None, stdout=None):
        self.name, self.how, self.codes, self.cause = name, how, dict(zip(VERBS, codes)), cause
        self.inject, self.during, self.stdout = inject, during, stdout

    def promised(self, verb):
        codes = self.codes[verb]
        return codes if isinstance(codes, tuple) else (codes,)

    def text_of(self, verb):
        return " or ".join(map(str, self.promised(verb)))


def full_disk(cell):
    cell.shim("ENOSPC", "/out/", 2000)


def closed_folder(cell):
    cell.open_to_all()
    cell.unprivileged = True
    cell.out.chmod(0o555)


def gone_folder(cell):
    cell.before = None
    shutil.rmtree(cell.out)


def small_files(cell):
    cell.limits = [(resource.RLIMIT_FSIZE, 2000)]


def little_memory(cell):
    cell.limits = [(resource.RLIMIT_AS, cell.bench.least_memory(cell.verb))]
    cell.paths = 100_000


def few_descriptors(cell):
    cell.limits = [(resource.RLIMIT_NOFILE, 4)]


def locked_input(cell):
    cell.open_to_all()
    cell.unprivileged = True
    (cell.result if cell.verb == "export" else cell.inputs / "data" / "sep_2019.csv").chmod(0)


def broken_disk(cell):
    cell.shim("EIO", "result.h5" if cell.verb == "export" else "sep_2019.csv")


def changed_series(cell):
    with open(cell.inputs / "data" / "sep_2019.csv", "a") as file:
        file.write("# another byte\n")
    scenario = cell.inputs / "sep_2019.yaml"
    text = scenario.read_text()
    of_before = hashlib.sha256((cell.bench.inputs / "data" / "sep_2019.csv").read_bytes()).hexdigest()
    scenario.write_text(re.sub(r"^series:.*?(?=^\S)", f"series: {{file: data/sep_2019.csv, sha256: {of_before}}}\n", text,
                               flags=re.MULTILINE | re.DOTALL))


def torn_input(cell):
    if cell.verb == "export":
        os.truncate(cell.result, cell.result.stat().st_size // 2)
    else:
        series = cell.inputs / "data" / "sep_2019.csv"
        os.truncate(series, series.stat().st_size * 2 // 3)


def piped_input(cell):
    path = {"run": cell.inputs / "sep_2019.yaml", "sweep": cell.inputs / "sweep.yaml", "export": cell.result}[cell.verb]
    path.unlink()
    os.mkfifo(path)


def moving_clock(cell):
    cell.shim("CLOCK", "/")


def long_run(cell):
    cell.paths = 300_000


def await_partial(cell, process):
    deadline = time.monotonic() + 30
    while not cell.leftovers() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)


def remove_folder(cell, process):
    await_partial(cell, process)
    cell.out.rename(cell.folder / "elsewhere")


def kill(cell, process):
    if cell.verb != "export":
        await_partial(cell, process)
    process.kill()


def terminate(cell, process):
    await_partial(cell, process)
    process.send_signal(signal.SIGTERM)


def start_another(cell, process):
    """The first one goes on; what is judged is the second."""
    await_partial(cell, process)
    second = cell.start()
    said = second.communicate(timeout=60)[1]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    return second.returncode, said


FAULTS = [
    Fault("disk full", "library before the system's: ENOSPC after 2,000 bytes", (74, 74, 74), r"No space left", full_disk),
    Fault("standard output full", "`/dev/full`", (74, 74, None), r"standard output", stdout="/dev/full"),
    Fault("output folder read-only", "permissions, unprivileged user", (74, 74, 74), r"Permission denied", closed_folder),
    Fault("output folder gone before", "removed", (74, 74, 74), r"no folder", gone_folder),
    Fault("output folder gone meanwhile", "moved away", (74, 74, None), r"No such file|no folder", long_run, remove_folder),
    Fault("file-size limit", "`ulimit -f`", (74, 74, 74), r"File too large", small_files),
    Fault("out of memory", "`ulimit -v`", (70, (70, 76), None), r"out of memory", little_memory),
    Fault("no file descriptors", "`ulimit -n 4`", (74, 74, 74), r"Too many open files", few_descriptors),
    Fault("input unreadable", "permissions, unprivileged user", (65, 65, 74), r"Permission denied", locked_input),
    Fault("input fails while read", "library before the system's: EIO", (65, 65, 74), r"Input/output error", broken_disk),
    Fault("series changed", "a byte more, `sha256` stated", (65, 65, None), r"sha256", changed_series),
    Fault("input torn", "truncated", (65, 65, 65), r"", torn_input),
    Fault("input on a pipe", "`mkfifo`", (74, 74, 74), r"regular file", piped_input),
    Fault("clock goes backwards", "library before the system's: an hour at every look", (0, 0, 0), r"", moving_clock),
    Fault("terminated", "SIGTERM", (75, 75, None), r"interrupted", long_run, terminate),
    Fault("killed", "SIGKILL", (-9, -9, -9), r"", long_run, kill),
    Fault("two write one file", "the second of two", (74, 74, None), r"running", long_run, start_another),
]


class Bench:
    """What all cells start from: inputs, an earlier result of each verb, the shim."""

    def __init__(self, program, folder):
        self.program, self.folder = str(program), folder
        self.inputs, self.earlier, self.shim = folder / "inputs", folder / "earlier", folder / "shim.so"
        subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-o", self.shim, ROOT / "tests" / "fault_shim.c", "-ldl"],
                       check=True)
        shutil.copytree(ROOT / "scenarios", self.inputs)
        (self.inputs / "sweep.yaml").write_text(SWEEP)
        self.earlier.mkdir()
        self.call("run", self.inputs / "sep_2019.yaml", "--paths", "40", "--quiet", "--output", self.inputs / "result.h5")
        shutil.copy(self.inputs / "result.h5", self.earlier / "run.h5")
        self.call("sweep", self.inputs / "sweep.yaml", "--paths", "40", "--quiet", "--output", self.earlier / "sweep.h5")
        (self.earlier / "table.csv").write_text("an earlier table\n")

    def call(self, *words):
        subprocess.run([self.program, *map(str, words)], check=True, stdout=subprocess.DEVNULL)

    @functools.cache
    def least_memory(self, verb):
        """Address space that a verb reserves before it simulates, to a megabyte: `--dry-run` needs no more."""
        scenario = self.inputs / {"run": "sep_2019.yaml", "sweep": "sweep.yaml"}[verb]
        low, high = 1, 4096
        while low < high:
            middle = (low + high) // 2
            done = subprocess.run([self.program, verb, str(scenario), "--dry-run", "--threads", "2"],
                                  capture_output=True, check=False,
                                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (middle << 20, middle << 20)))
            low, high = (low, middle) if done.returncode == 0 else (middle + 1, high)
        return low << 20


def run_cell(bench, fault, verb):
    """(exit code, what is wrong: texts)."""
    with tempfile.TemporaryDirectory() as name:
        cell = Cell(pathlib.Path(name), bench, verb)
        if fault.inject:
            fault.inject(cell)
        stdout = open(fault.stdout, "w") if fault.stdout else subprocess.DEVNULL
        process = cell.start(stdout=stdout)
        told = fault.during(cell, process) if fault.during else None
        try:
            code, said = told or (None, process.communicate(timeout=120)[1])
        except subprocess.TimeoutExpired:
            process.kill()
            return None, ["hangs"]
        code = process.returncode if told is None else code
        wrong = judge(cell, fault, verb, code, said)
        for path in cell.folder.rglob("*"):  # so that it can be removed
            if path.is_dir():
                path.chmod(0o777)
        return code, wrong


def judge(cell, fault, verb, code, said):
    wrong = []
    if code not in fault.promised(verb):
        wrong.append(f"exit code {code}, not {fault.text_of(verb)}: {said.strip()}")
    if code > 0 and code != 76 and not re.search(fault.cause, said):
        wrong.append(f"does not name the cause: {said.strip()}")
    if code > 0 and fault.stdout is None and fault.name != "out of memory" and code != 76 and str(cell.folder) not in said:
        wrong.append(f"does not name the file: {said.strip()}")
    if INTERNAL.search(said):
        wrong.append(f"speaks of its inside: {said.strip()}")
    output = cell.output if cell.out.exists() else cell.folder / "elsewhere" / OUTPUT[verb]
    kept = digest(output) == cell.before
    if code not in (0, 76, 77, 78) and fault.stdout is None and not kept:
        wrong.append("the earlier file is not what it was")
    for partial in [path for path in cell.folder.rglob("*") if path.name.endswith(".partial")]:
        done = subprocess.run([cell.bench.program, "info", str(partial)], capture_output=True, text=True, check=False)
        if done.returncode == 0 and not re.search("interrupted|incomplete", done.stdout + done.stderr):
            wrong.append(f"{partial.name} passes for a result")
        if done.returncode not in (0, 65, 74):
            wrong.append(f"info of {partial.name} exits with {done.returncode}")
    return wrong


def table(rows):
    lines = ["| fault | by | run | sweep | export |", "|---|---|---|---|---|"]
    for fault, cells in rows:
        lines.append(f"| {fault.name} | {fault.how} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=ROOT / "build" / "release" / "repoquake", help="default: build/release/repoquake")
    parser.add_argument("--only", action="append", metavar="FAULT", help="these faults alone; may be repeated")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="also fail where docs/reliability.md says something else")
    what.add_argument("--write", action="store_true", help="write the table into docs/reliability.md")
    chosen = parser.parse_args()
    unknown = set(chosen.only or ()) - {fault.name for fault in FAULTS}
    if unknown or (chosen.only and chosen.write):
        parser.error(f"no such fault: {', '.join(sorted(unknown))}" if unknown else "--write takes all faults")
    rows, complaints = [], []
    with tempfile.TemporaryDirectory() as name:
        pathlib.Path(name).chmod(0o755)
        bench = Bench(pathlib.Path(chosen.program).resolve(), pathlib.Path(name))
        for fault in FAULTS:
            if chosen.only and fault.name not in chosen.only:
                continue
            cells = []
            for verb in VERBS:
                if fault.codes[verb] is None:
                    cells.append("–")
                    continue
                code, wrong = run_cell(bench, fault, verb)
                complaints += [f"{fault.name}, {verb}: {text}" for text in wrong]
                cells.append(f"**{code}**" if wrong else fault.text_of(verb))
            rows.append((fault, cells))
            print(f"{fault.name}: {', '.join(cells)}", flush=True)
    text = table(rows)
    page = PAGE.read_text() if PAGE.exists() else ""
    if chosen.write:
        PAGE.write_text(page[:page.index(BEGIN) + len(BEGIN)] + "\n" + text + "\n" + page[page.index(END):])
    if chosen.check:
        complaints += [f"{PAGE.name} does not have the row: {line}" for line in text.splitlines() if line not in page]
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
