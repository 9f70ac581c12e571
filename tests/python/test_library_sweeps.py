"""The sweeps of the library are well formed, are listed on their page, and answer with the right signs."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(os.environ.get("REPOQUAKE_SOURCE_DIR", Path(__file__).resolve().parents[2]))
PROGRAM = os.environ.get("REPOQUAKE_PROGRAM")
SWEEPS = sorted((ROOT / "scenarios" / "sweeps").glob("*.yaml"))


@unittest.skipUnless(PROGRAM, "REPOQUAKE_PROGRAM is not set")
class LibrarySweeps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.here = Path(cls.directory.name)

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def start(self, *arguments):
        return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, cwd=ROOT,
                              timeout=100)

    def sweep(self, name, paths, *thinner):
        """The library sweep with fewer values on its axes: (text, its replacement), each found once."""
        text = (ROOT / "scenarios" / "sweeps" / f"{name}.yaml").read_text(encoding="utf-8")
        for old, new in (("base: ../", f"base: {ROOT / 'scenarios'}/"), *thinner):
            self.assertEqual(text.count(old), 1, old)
            text = text.replace(old, new)
        file, result = self.here / f"{name}.yaml", self.here / f"{name}-{paths}.h5"
        file.write_text(text, encoding="utf-8")
        done = self.start("sweep", file, "--paths", paths, "--quiet", "--output", result)
        self.assertEqual(done.returncode, 0, done.stderr)
        return result

    def column(self, result, metric, *shape):
        """Values of a metric by the axes of the grid, and their standard errors."""
        with h5py.File(result) as file:
            self.assertTrue((file["sweep/status"][:] == 1).all())
            place = file["sweep/metric"].asstr()[:].tolist().index(metric)
            return (file["sweep/value"][:, place].reshape(shape), file["sweep/se"][:, place].reshape(shape))

    def test_they_are_right(self):
        self.assertGreaterEqual(len(SWEEPS), 8)
        done = self.start("check", *SWEEPS)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count(": ok: "), len(SWEEPS))

    def test_titles_are_questions_and_the_page_lists_them(self):
        page = (ROOT / "scenarios" / "README.md").read_text(encoding="utf-8")
        for path in SWEEPS:
            with self.subTest(path.name):
                text = path.read_text(encoding="utf-8")
                self.assertRegex(text, r"(?m)^title: .*\?$")
                self.assertIn("Assumed:", text)
                self.assertIn(f"name: {path.stem.replace('_', '-')}\n", text)
                self.assertTrue(f"(sweeps/{path.name})" in page, "scenarios/README.md has no line of it")

    def test_builds_reserves_and_the_facility(self):
        thin = (("steps: 9", "steps: 3"),)
        result = self.sweep("tga_x_reserves", 64, *thin)
        with h5py.File(result) as file:
            self.assertEqual(file["sweep/value"].shape, (18, 4))
        result = self.sweep("tga_x_reserves", 512, *thin)
        peak, error = self.column(result, "median_peak", 3, 3, 2)  # build, reserves, facility
        slack = 4.0 * error.max()
        self.assertGreater((peak[-1] - peak[0]).min(), 0.0, "a build raises the peak at any reserves")
        self.assertTrue((np.diff(peak, axis=0) > 0).all())
        self.assertTrue((np.diff(peak, axis=1) < 0).all(), "reserves lower it")
        self.assertTrue((np.diff(peak, axis=2) < 0).all(), "and so does the facility")
        self.assertGreater(peak[-1, 0, 0] - peak[0, 0, 0], slack)
        use, _ = self.column(result, "peak_facility", 3, 3, 2)
        self.assertTrue((use[..., 0] == 0).all(), "nobody borrows from a facility that is not there")
        self.assertTrue((np.diff(use[..., 1], axis=0) > 0).all())
        self.assertTrue((np.diff(use[..., 1], axis=1) < 0).all())

    def test_rate_and_stigma_of_the_facility(self):
        thin = (("[5 bp, 15 bp, 30 bp, 45 bp, 65 bp, 90 bp, 120 bp]", "[5 bp, 45 bp, 120 bp]"),
                ("iorb + 5 bp, ", ""), ("iorb + 20 bp, ", ""))
        self.sweep("facility_rate_x_stigma", 64, *thin)
        result = self.sweep("facility_rate_x_stigma", 512, *thin)
        use, _ = self.column(result, "peak_facility", 3, 3)  # stigma, rate
        peak, _ = self.column(result, "median_peak", 3, 3)
        self.assertTrue((np.diff(use, axis=0) < 0).all(), "stigma keeps borrowers away")
        self.assertTrue((np.diff(use, axis=1) < 0).all(), "and so does a dear rate")
        self.assertTrue((np.diff(peak, axis=0) > 0).all())
        self.assertTrue((np.diff(peak, axis=1) > 0).all())


if __name__ == "__main__":
    unittest.main()
