"""plot_attribution.py on synthetic files of `attribute`: good, bad and edge input."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(os.environ.get("REPOQUAKE_SOURCE_DIR", Path(__file__).resolve().parents[2]))
SCRIPT = ROOT / "scripts" / "plot_attribution.py"


def write_attribution(path, shares=((60.0, 40.0, -20.0),), metrics=("peak",), unit="bp", orders=0, **about):
    """Shares (metric, factor) from a metric of 10 with every factor off."""
    shares = np.array(shares, float)
    count = shares.shape[1]
    columns = {"none": np.full(len(shares), 10.0), "effect": shares.sum(axis=1), "shapley": shares, "alone": 0.2 * shares,
               "last": 1.8 * shares, "interaction": np.full((len(shares), count, count), np.nan if orders else 3.0)}
    columns["all"] = columns["none"] + columns["effect"]
    text = h5py.string_dtype()
    with h5py.File(path, "w") as file:
        file.attrs.update({"format": "repoquake/attribution/1", "title": "A confluence", "conditional": 1, "n_paths": 500,
                           "seed": 7, "program_version": "0.1.0"} | about)
        group = file.create_group("attribution")
        group.attrs.update({"n_worlds": 2**count, "n_orders": orders})
        for name, values in columns.items():
            group[name] = values
            group[name + "_se"] = np.full(values.shape, 1.5)
        group["metric"] = np.array(metrics, text)
        group["factor"] = np.array([f"factor-{k}" for k in range(count)], text)
        group["unit"] = np.array([unit] * len(metrics), text)
        group["expr"] = np.array(["mean(max(spread))"] * len(metrics), text)


class PlotAttribution(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.here = Path(folder.name)

    def draw(self, *words, code=0):
        done = subprocess.run([sys.executable, str(SCRIPT), *map(str, words)], capture_output=True, text=True, cwd=self.here)
        self.assertEqual(code, done.returncode, done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        return done.stderr

    def svg(self, **content):
        write_attribution(self.here / "a.h5", **content)
        self.draw("a.h5", "-o", "a.svg")
        return (self.here / "a.svg").read_text()

    def test_it_draws_and_draws_the_same_again(self):
        first = self.svg()
        self.assertEqual(first, self.svg())
        self.assertNotEqual(first, self.svg(shares=((60.0, 40.0, 20.0),)))
        self.assertNotEqual(first, self.svg(orders=8))

    def test_other_shapes(self):
        for shares in (((5.0,),), ((0.0, 0.0),), (tuple(range(-7, 8)),), ((-4.0, -3.0),)):
            with self.subTest(shares=shares):
                self.svg(shares=shares)

    def test_the_metric_is_chosen(self):
        write_attribution(self.here / "a.h5", shares=((1.0, 2.0), (3.0, 4.0)), metrics=("peak", "unwind"), unit="1e9 USD")
        self.draw("a.h5", "--metric", "unwind", "--order", "file", "-o", "a.png", "--dpi", "40")
        self.assertIn("did you mean unwind?", self.draw("a.h5", "--metric", "unwnd", "-o", "a.png", code=2))

    def test_what_is_refused(self):
        self.draw("missing.h5", "-o", "a.png", code=74)
        write_attribution(self.here / "a.h5", format="repoquake/result/1")
        self.assertIn("repoquake/attribution/1", self.draw("a.h5", "-o", "a.png", code=65))
        write_attribution(self.here / "a.h5", shares=((np.nan, 1.0),))
        self.assertIn("has no value", self.draw("a.h5", "-o", "a.png", code=65))
        (self.here / "a.h5").write_text("no HDF5")
        self.draw("a.h5", "-o", "a.png", code=65)
        self.draw("a.h5", "-o", "a.txt", code=2)


if __name__ == "__main__":
    unittest.main()
