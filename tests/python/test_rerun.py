"""`run --from RESULT` runs a result's own scenario again: the same numbers, also from a result that was itself run so."""

import os
import pathlib
import subprocess
import tempfile
import unittest

import h5py
import numpy as np

ROOT = pathlib.Path(os.environ["REPOQUAKE_SOURCE_DIR"])
PROGRAM = os.environ["REPOQUAKE_PROGRAM"]


def run(*words, folder=ROOT):
    return subprocess.run([PROGRAM, "run", *map(str, words)], capture_output=True, text=True, cwd=folder, check=False)


def content(path):
    """Every dataset outside /provenance and every attribute but `created`."""
    found = {}
    with h5py.File(path) as file:
        found.update({f"@{name}": value for name, value in file.attrs.items() if name != "created"})
        file.visititems(lambda name, item: found.update({name: item[()]})
                        if isinstance(item, h5py.Dataset) and not name.startswith("provenance") else None)
    return found


class Rerun(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def same(self, a, b):
        first, second = content(a), content(b)
        self.assertEqual(first.keys(), second.keys())
        return [name for name in first if not np.array_equal(first[name], second[name], equal_nan=isinstance(
            first[name], np.ndarray) and first[name].dtype.kind == "f")]

    def test_a_result_runs_again(self):
        first, second, third = (self.folder / f"{name}.h5" for name in "abc")
        made = run("scenarios/sep_2019_standing_repo_15bp.yaml", "--paths", 300, "--seed", 5, "--quiet", "--output", first,
                   "--set", "shocks.tga-build.size=20 bn USD")
        self.assertEqual(0, made.returncode, made.stderr)
        for source, target in ((first, second), (second, third)):
            again = run("--from", source, "--quiet", "--output", target)
            self.assertEqual(0, again.returncode, again.stderr)
            self.assertEqual([], self.same(first, target))
        other = self.folder / "other.h5"
        self.assertEqual(0, run("--from", first, "--seed", 6, "--quiet", "--output", other).returncode)
        self.assertIn("stats/spread_mean", self.same(first, other))  # the comparison can fail

    def test_a_free_run_of_the_library_runs_again_anywhere(self):
        first, second = self.folder / "a.h5", self.folder / "b.h5"
        self.assertEqual(0, run("lib:quarter_end", "--paths", 300, "--quiet", "--output", first, folder=self.folder).returncode)
        self.assertEqual(0, run("--from", first, "--quiet", "--output", second, folder=self.folder).returncode)
        self.assertEqual([], self.same(first, second))

    def test_what_cannot_be_run_is_told(self):
        self.assertEqual(2, run().returncode)
        self.assertEqual(2, run("scenarios/sep_2019.yaml", "--from", "a.h5").returncode)
        self.assertEqual(74, run("--from", self.folder / "none.h5").returncode)
        foreign = self.folder / "foreign.h5"
        h5py.File(foreign, "w").close()
        self.assertEqual(65, run("--from", foreign).returncode)


if __name__ == "__main__":
    unittest.main()
