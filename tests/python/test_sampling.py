"""Runs whose paths depend on each other: antithetic pairs and scrambled nets, through every verb that states errors."""

import json
import math
import re
import unittest

import h5py
import numpy

from program_case import SCENARIOS, SEPTEMBER, ProgramCase

PAIRS = "simulate.antithetic=true"
NET = "simulate.sampler=sobol"


def error_by_batches(values, count, run):
    """The standard error of a mean, written anew from its definition."""
    batch = numpy.arange(len(values)) // run % count
    means = numpy.array([values[batch == b].mean() for b in range(count)])
    return means.std(ddof=1) / math.sqrt(count)


class Sampling(ProgramCase):
    def run_september(self, name, *settings, paths=2048):
        words = [word for setting in settings for word in ("--set", setting)]
        return self.tool("run", SEPTEMBER, "--paths", paths, "--output", name, "--quiet", *words)

    def test_a_result_says_how_its_paths_depend_and_its_errors_are_those_of_batches(self):
        for name, setting, sampling, count, run in (("pairs.h5", PAIRS, "antithetic pairs", 32, 2),
                                                    ("net.h5", NET, "16 scrambled Sobol nets", 16, 1)):
            shown = self.run_september(name, setting, "output.variables=all").stdout
            self.assertIn(f"Draws: {sampling}; errors from {count} independent batches.", shown)
            with h5py.File(self.folder / name) as f:
                self.assertEqual((sampling, count, run),
                                 (f.attrs["sampling"], f.attrs["batches"], f.attrs["batch_run"]))
                peaks = f["summary/peak_spread"][:]
                names = [text.decode() for text in f["features/feature"][:]]
                stated = f["features/mean_se"][names.index("peak_spread")]
                self.assertAlmostEqual(stated, error_by_batches(peaks, count, run), delta=1e-3 * stated)
                plain = peaks.std(ddof=1) / math.sqrt(len(peaks))
                self.assertLess(stated, 0.8 * plain)  # control: it is not the error of independent paths
                self.assertTrue(numpy.all(f["scores/crps_se"][:] >= 0.0))
                self.assertFalse(numpy.any(numpy.isnan(f["stats/spread_quantile_lo"][:])))
            self.assertIn(f"draws: {sampling}; errors from {count} independent batches", self.tool("info", name).stdout)

    def test_an_odd_path_mirrors_the_one_before_it_and_even_ones_are_ordinary(self):
        self.run_september("pairs.h5", PAIRS, paths=64)
        self.run_september("plain.h5", paths=64)
        with h5py.File(self.folder / "pairs.h5") as pairs, h5py.File(self.folder / "plain.h5") as plain:
            numpy.testing.assert_array_equal(pairs["paths/sofr"][::2], plain["paths/sofr"][::2])
            self.assertFalse(numpy.array_equal(pairs["paths/sofr"][1::2], plain["paths/sofr"][1::2]))
            self.assertNotIn("sampling", plain.attrs)
        traced = json.loads(self.tool("trace", SEPTEMBER, "--set", PAIRS, "--path", 7, "--format", "json").stdout)
        again = json.loads(self.tool("trace", SEPTEMBER, "--path", 7, "--format", "json").stdout)
        self.assertNotEqual(traced, again)

    def test_convergence_and_a_rule_to_stop_have_errors_from_the_first_chunk_on(self):
        stop = "simulate.stop={metric: peak_spread, half_width: 4 bp}"
        for setting in (PAIRS, NET):
            shown = self.run_september("stopped.h5", setting, stop, "output.paths=none", paths=60000).stdout
            self.assertIn("Stopped before 60000 paths", shown)
            with h5py.File(self.folder / "stopped.h5") as f:
                self.assertTrue(numpy.all(f["convergence/se"][:, 0] > 0.0))
                self.assertEqual(b"settled", numpy.bytes_(f.attrs["stop_reason"]))
            (self.folder / "stopped.h5").unlink()

    def test_differences_of_dependent_paths_have_errors_from_batches(self):
        other = self.folder / "tga.yaml"
        other.write_text(f"format: repoquake/scenario/1\nname: tga\nextends: [lib:sep_2019]\n"
                         "shocks: [{id: tga-build, size: 20 bn USD}]\n")
        for setting, count, run in ((PAIRS, 32, 2), (NET, 16, 1)):
            self.tool("compare", SEPTEMBER, other, "--paths", 1024, "--set", setting, "--quiet", "--force", "--output",
                      "c.h5")
            results = []
            for side in (SEPTEMBER, other):
                name = side.stem + ".h5"
                self.tool("run", side, "--paths", 1024, "--set", setting, "--set", "market.need=hold" if side == other
                          else "market.need=invert", "--quiet", "--force", "--output", name)
                with h5py.File(self.folder / name) as f:
                    results.append(f["summary/peak_spread"][:])
            with h5py.File(self.folder / "c.h5") as f:
                names = [text.decode() for text in f["window/quantity"][:]]
                stated = f["window/difference_se"][0, names.index("peak_spread")] if f[
                    "window/difference_se"].shape[0] == 1 else f["window/difference_se"][names.index("peak_spread"), 0]
            expected = error_by_batches(results[1] - results[0], count, run)
            self.assertAlmostEqual(stated, expected, delta=2e-2 * expected)
            stored = self.tool("compare", "sep_2019.h5", "tga.h5").stdout
            self.assertNotIn("as of independent runs", stored)

    def test_shares_of_dependent_paths_have_errors_from_batches(self):
        shown = {}
        for setting in ("simulate.antithetic=false", PAIRS, NET):
            text = self.tool("attribute", SCENARIOS / "joint_crisis.yaml", "--paths", 256, "--set", setting, "--quiet",
                             "--metric", "mean(max(sofr - iorb))").stdout
            shown[setting] = text
            self.assertNotIn("n/a", text)
        self.assertEqual(3, len(set(shown.values())))

    def test_a_sweep_takes_any_sampler(self):
        sweep = self.folder / "s.yaml"
        sweep.write_text(f"format: repoquake/sweep/1\nname: s\nbase: lib:sep_2019\n"
                         "axes: [{set: simulate.sampler, values: [philox, sobol]}]\n"
                         "override: {simulate: {paths: 2048}}\n"
                         "metrics: [{id: peak, expr: \"mean(max(sofr - iorb))\", unit: bp}]\n")
        self.tool("sweep", sweep, "--output", "s.h5", "--quiet")
        with h5py.File(self.folder / "s.h5") as f:
            plain, net = f["sweep/se"][:, 0]
            self.assertLess(net, 0.7 * plain)

    def test_pairs_of_a_net_are_refused_and_uneven_numbers_of_points_are_said(self):
        refused = self.tool("check", SEPTEMBER, "--set", PAIRS, "--set", NET, code=65)
        self.assertIn("does not go with sampler sobol", refused.stdout + refused.stderr)
        warned = self.tool("run", SEPTEMBER, "--paths", 20000, "--set", NET, "--dry-run")
        self.assertRegex(warned.stdout + warned.stderr, r"with 16384 or 32768 paths for 16 scrambles, got 20000")
        odd = self.tool("check", SEPTEMBER, "--set", "simulate.scrambles=12", code=65)
        self.assertIn("4, 8, 16, 32, 64 or 128", odd.stdout + odd.stderr)
        explained = self.tool("explain", SEPTEMBER, "simulate", "--set", NET).stdout
        self.assertTrue(re.search(r"sampler: +sobol", explained), explained)
        self.assertTrue(re.search(r"scrambles: +16", explained), explained)

    def test_rare_events_say_that_they_have_their_own_way(self):
        for setting in (PAIRS, NET):
            refused = self.tool("rare", SEPTEMBER, "--set", setting, "--event", "max(sofr - iorb) > 900 bp", code=2)
            self.assertIn("takes no antithetic pairs and no net", refused.stderr)


if __name__ == "__main__":
    unittest.main()
