"""`run --from RESULT` runs a result's own scenario again: the same numbers, also from a result that was itself run so."""

import subprocess
import unittest

import h5py

from program_case import PROGRAM, ROOT, ProgramCase, contents


def run(*words, folder=ROOT):
    return subprocess.run([PROGRAM, "run", *map(str, words)], capture_output=True, text=True, cwd=folder, check=False)


class Rerun(ProgramCase):
    def same(self, a, b):
        first, second = contents(a), contents(b)
        self.assertEqual(first.keys(), second.keys())
        return [name for name in first if first[name] != second[name]]

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
