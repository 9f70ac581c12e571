"""One program for every machine: REPOQUAKE_ISA forces an instruction set, and a result has the same bytes on each."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import h5py

PROGRAM = os.environ["REPOQUAKE_PROGRAM"]
SCENARIOS = pathlib.Path(os.environ["REPOQUAKE_SOURCE_DIR"]) / "scenarios"


def run(*words, isa=None, **options):
    environment = {key: value for key, value in os.environ.items() if key != "REPOQUAKE_ISA"}
    if isa is not None:
        environment["REPOQUAKE_ISA"] = isa
    return subprocess.run([PROGRAM, *map(str, words)], env=environment, capture_output=True, text=True, check=False,
                          **options)


def instruction_sets():
    return re.search("processor have (.*)", run("version", isa="none").stderr)[1].split(", ")


def datasets(path):
    """Bytes of every dataset but the provenance, which says the instruction set; texts as they are."""
    found = {}

    def keep(name, item):
        if isinstance(item, h5py.Dataset) and not name.startswith("provenance/"):
            values = item[()]
            found[name] = list(values) if item.dtype.kind == "O" else values.tobytes()

    with h5py.File(path) as f:
        f.visititems(keep)
    return found


class InstructionSets(unittest.TestCase):
    def test_version_and_provenance_say_which(self):
        widest = instruction_sets()[-1]
        self.assertEqual(widest, json.loads(run("version").stdout)["instruction_set"])
        for isa in instruction_sets():
            self.assertEqual(isa, json.loads(run("version", isa=isa).stdout)["instruction_set"])
        with tempfile.TemporaryDirectory() as folder:
            run("run", SCENARIOS / "sep_2019.yaml", "--paths", 256, "--output", "a.h5", "--quiet",
                isa=instruction_sets()[0], cwd=folder)
            with h5py.File(pathlib.Path(folder) / "a.h5") as f:
                self.assertEqual(instruction_sets()[0], f["provenance"].attrs["instruction_set"])

    def test_an_unknown_one_is_an_error_that_names_those_there_are(self):
        done = run("version", isa="x86-64-v9")
        self.assertEqual((2, ""), (done.returncode, done.stdout))
        self.assertRegex(done.stderr, "^repoquake: REPOQUAKE_ISA: no instruction set 'x86-64-v9' here; .* have .+\n$")

    def test_results_are_the_same_bytes(self):
        with tempfile.TemporaryDirectory() as folder:
            for scenario in ("sep_2019", "mar_2020", "fall_2025", "baseline_2026"):
                made = {}
                for isa in instruction_sets():
                    done = run("run", SCENARIOS / f"{scenario}.yaml", "--paths", 1024, "--output", f"{isa}.h5", "--quiet",
                               "--force", isa=isa, cwd=folder)
                    self.assertEqual(0, done.returncode, done.stderr)
                    made[isa] = datasets(pathlib.Path(folder) / f"{isa}.h5")
                first = made[instruction_sets()[0]]
                self.assertGreater(len(first), 50)
                for isa, found in made.items():
                    self.assertEqual([], [name for name in first if found.get(name) != first[name]], (scenario, isa))

    def test_control_another_seed_is_seen(self):
        with tempfile.TemporaryDirectory() as folder:
            for seed in (1, 2):
                run("run", SCENARIOS / "sep_2019.yaml", "--paths", 256, "--seed", seed, "--output", f"{seed}.h5", "--quiet",
                    cwd=folder)
            one, two = (datasets(pathlib.Path(folder) / f"{seed}.h5") for seed in (1, 2))
            self.assertNotEqual(one["stats/spread_mean"], two["stats/spread_mean"])


if __name__ == "__main__":
    unittest.main()
