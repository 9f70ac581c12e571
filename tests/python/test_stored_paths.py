"""output.paths: {sample, worst} and output.summary: which paths a result holds, and that they are the right ones."""

import os
import pathlib
import subprocess
import tempfile
import unittest

import h5py
import numpy



PROGRAM = os.environ["REPOQUAKE_PROGRAM"]
SCENARIOS = pathlib.Path(os.environ["REPOQUAKE_SOURCE_DIR"]) / "scenarios"
N_PATHS = 3500


class StoredPaths(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.all = cls.run_with("all", "output.paths=all")

    @classmethod
    def tearDownClass(cls):
        cls.all.close()
        cls.folder.cleanup()

    @classmethod
    def run_with(cls, name, *settings, paths=N_PATHS):
        file = pathlib.Path(cls.folder.name) / f"{name}.h5"
        command = [PROGRAM, "run", SCENARIOS / "sep_2019.yaml", "--quiet", "--output", file, "--paths", str(paths)]
        for setting in settings:
            command += ["--set", setting]
        subprocess.run(command, check=True, capture_output=True)
        return h5py.File(file)

    def check_rows(self, result):
        """Every stored row is the same path of the run that stores all."""
        index = result["paths/path"][:]
        self.assertTrue((numpy.diff(index) > 0).all())
        for name, values in result["paths"].items():
            if name in self.all["paths"] and name != "time":
                self.assertEqual(values[:].tobytes(), self.all["paths"][name][:][index].tobytes(), name)
        index = result["summary/path"][:]
        for name, values in result["summary"].items():
            if name not in ("threshold", "time"):
                self.assertEqual(values[:].tobytes(), self.all["summary"][name][:][index].tobytes(), name)
        for name, values in result["stats"].items():
            if name != "flag":  # texts
                self.assertEqual(values[()].tobytes(), self.all["stats"][name][()].tobytes(), name)

    def worst(self, values, count):
        """Indices of the largest values, the lower index first among equals; ascending."""
        return numpy.sort(numpy.argsort(-values, kind="stable")[:count])

    def test_a_sample_is_the_first_paths(self):
        for sample in (1, 1000, 1024, 2500, N_PATHS, 9 * N_PATHS):
            with self.subTest(sample=sample), self.run_with(f"s{sample}", f"output.paths={{sample: {sample}}}") as result:
                self.assertEqual(result["paths/path"][:].tolist(), list(range(min(sample, N_PATHS))))
                self.assertNotIn("selected_as", result["paths"])
                self.check_rows(result)

    def test_the_worst_are_the_paths_with_the_largest_values(self):
        peaks = self.all["summary/peak_spread"][:]
        for sample, count in ((0, 1), (0, 1500), (600, 200), (1024, 1024), (3000, N_PATHS)):
            with self.subTest(sample=sample, count=count):
                setting = f"output.paths={{sample: {sample}, worst: {{count: {count}, by: max(sofr - iorb)}}}}"
                with self.run_with(f"w{sample}-{count}", setting) as result:
                    index, why = result["paths/path"][:], result["paths/selected_as"][:]
                    self.assertEqual(index[why & 1 != 0].tolist(), list(range(sample)))
                    self.assertEqual(index[why & 2 != 0].tolist(), self.worst(peaks, count).tolist())
                    self.assertTrue((why != 0).all())
                    self.assertEqual(result["paths/selected_as"].attrs["flag_meanings"], "sample worst")
                    numpy.testing.assert_allclose(result["paths/worst_by"][:], peaks[index], atol=1e-9)
                    self.assertEqual(result["paths/worst_by"].attrs["expr"], "max(sofr - iorb)")
                    self.assertEqual(result["paths/worst_by"].attrs["units"], "bp")
                    self.check_rows(result)

    def test_the_other_end_is_a_minus_away(self):
        with self.run_with("low", "output.paths={worst: {count: 7, by: -min(reserves)}}") as result:
            trough = self.all["summary/trough_reserves"][:]
            self.assertEqual(result["paths/path"][:].tolist(), self.worst(-trough, 7).tolist())

    def test_summary_of_all_paths(self):
        for name, paths in (("none", "none"), ("some", "{sample: 10, worst: {count: 5, by: max(sofr - iorb)}}")):
            with self.run_with(name, f"output.paths={paths}", "output.summary=all") as result:
                self.assertEqual(result["summary/path"][:].tolist(), list(range(N_PATHS)))
                self.assertEqual("paths" in result, name == "some")
                index = slice(None)
                for feature in ("peak_spread", "days_above", "flags"):
                    self.assertEqual(
                        result["summary"][feature][:].tobytes(), self.all["summary"][feature][index].tobytes()
                    )

    def test_a_run_that_stops_early_is_cut(self):
        stop = "simulate.stop={metric: peak_spread, half_width: 12 bp, min_paths: 1}"
        paths = "output.paths={sample: 20000, worst: {count: 5, by: max(sofr - iorb)}}"
        with self.run_with("stopped", stop, paths, paths=20000) as result:
            n = result.attrs["n_paths"]
            self.assertEqual(result.attrs["stop_reason"], "settled")
            self.assertEqual(result.attrs["status"], "complete")
            self.assertLess(n, N_PATHS)
            self.assertEqual(result["paths/spread"].shape[0], n)
            self.assertEqual(result["summary/flags"].shape[0], n)
            self.assertEqual(result["convergence/n_paths"][-1], n)
            k = result["convergence/quantity"].asstr()[:].tolist().index("peak_spread")
            half = (result["convergence/ci_hi"][-1, k] - result["convergence/ci_lo"][-1, k]) / 2
            self.assertLessEqual(half, 12.0)
            self.assertEqual(result["convergence/value"][-1, k], result["metrics/value"][0])
            self.assertEqual(result["convergence"].attrs["stop_metric"], "peak_spread")


if __name__ == "__main__":
    unittest.main()
