"""`export` writes every table as CSV and JSON, with numbers that read back as those of the file."""

import csv
import io
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import h5py
import numpy as np

ROOT = pathlib.Path(os.environ["REPOQUAKE_SOURCE_DIR"])
PROGRAM = os.environ["REPOQUAKE_PROGRAM"]


def run(*words):
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, check=False)


class Export(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.result = pathlib.Path(cls.folder.name) / "a.h5"
        made = run("run", ROOT / "scenarios" / "sep_2019.yaml", "--paths", 300, "--quiet", "--output", cls.result,
                   "--set", "transmission={enabled: true, high_yield_spread: {coefficient: 0.4, range: [0.1, 0.8]}}")
        assert made.returncode == 0, made.stderr
        cls.file = h5py.File(cls.result)
        cls.addClassCleanup(cls.folder.cleanup)
        cls.addClassCleanup(cls.file.close)

    def rows(self, table, *words):
        done = run("export", self.result, table, *words)
        self.assertEqual(0, done.returncode, done.stderr)
        return list(csv.DictReader(io.StringIO(done.stdout)))

    def test_days(self):
        rows = self.rows("stats")
        self.assertEqual(("2019-09-11", "2019-10-03", 17), (rows[0]["time"], rows[-1]["time"], len(rows)))
        np.testing.assert_array_equal([float(row["spread_mean"]) for row in rows], self.file["stats/spread_mean"][:])
        np.testing.assert_array_equal([float(row["sofr_quantile[0.95]"]) for row in rows], self.file["stats/sofr_quantile"][5])
        np.testing.assert_array_equal([float(row["spread_exceed[50]"]) for row in rows], self.file["stats/spread_exceed"][2])
        observed = self.rows("observed")
        self.assertEqual("", observed[1]["reserves"])  # not published on that day
        self.assertEqual(2.15, float(observed[0]["sofr"]))

    def test_paths_and_their_summary(self):
        paths = self.rows("paths")
        self.assertEqual(300 * 17, len(paths))
        np.testing.assert_array_equal(np.array([float(row["reserves"]) for row in paths]).reshape(300, 17),
                                      self.file["paths/reserves"][:].astype(float))
        one = self.rows("paths", "--path", 277)
        self.assertEqual(paths[277 * 17:278 * 17], one)
        summary = self.rows("summary")
        np.testing.assert_array_equal([float(row["peak_spread"]) for row in summary], self.file["summary/peak_spread"][:])
        np.testing.assert_array_equal([int(row["days_above[25]"]) for row in summary], self.file["summary/days_above"][:, 1])
        self.assertEqual([summary[299]], self.rows("summary", "--path", 299))

    def test_the_other_tables(self):
        features = {row["feature"]: row for row in self.rows("features")}
        self.assertEqual("bp", features["peak_spread"]["unit"])
        self.assertEqual("", features["peak_volume_above_srf"]["mean"])  # no facility in 2019
        metrics = json.loads(run("export", self.result, "metrics", "--format", "json").stdout)
        self.assertEqual(["peak_spread", "p_above_75bp", "unwind"], [row["metric"] for row in metrics])
        np.testing.assert_array_equal([row["value"] for row in metrics], self.file["metrics/value"][:])
        self.assertEqual("mean(max(sofr - iorb))", metrics[0]["expr"])
        scores = self.rows("scores")
        self.assertEqual(self.file["scores/crps"].size, len(scores))
        self.assertEqual(self.file["scores/crps"][0, 1], float(scores[1]["crps"]))
        responses = self.rows("transmission")[0]
        self.assertEqual(self.file["transmission/response"][0, 3, 4], float(responses["response[0.5,2019-09-17]"]))
        limits = [self.file[f"stats/spread_quantile_{end}"][3, 4] for end in ("lo", "hi")]
        self.assertAlmostEqual(0.4 * (limits[1] - limits[0]) / 3.919928, float(responses["response_se[0.5,2019-09-17]"]), 5)

    def test_into_a_file_and_what_goes_wrong(self):
        target = pathlib.Path(self.folder.name) / "stats.csv"
        self.assertEqual(0, run("export", self.result, "stats", "-o", target).returncode)
        self.assertEqual(run("export", self.result, "stats").stdout, target.read_text())
        self.assertEqual(74, run("export", self.result, "stats", "-o", target).returncode)  # never replaced
        self.assertEqual(74, run("export", self.folder.name + "/none.h5", "stats").returncode)
        self.assertEqual(2, run("export", self.result, "statistics").returncode)
        self.assertEqual(2, run("export", self.result, "stats", "--path", 1).returncode)
        beyond = run("export", self.result, "paths", "--path", 300)
        self.assertEqual(65, beyond.returncode)
        self.assertIn("holds paths 0 to 299", beyond.stderr)


if __name__ == "__main__":
    unittest.main()
