"""`repoquake reverse`: crossings and their intervals, the frontier, held need, what it refuses, and the file it writes."""

import json
import re
import subprocess
import sys
import unittest

import h5py
import numpy

from program_case import ROOT, SEPTEMBER, ProgramCase

YEAR_END = ROOT / "scenarios/year_end.yaml"
PEAK = "mean(max(sofr - iorb)) = 150 bp"
RESERVES = ("--along", "fed_balance_sheet.reserves", "--from", "1350 bn USD", "--to", "1700 bn USD")
FEW = ("--paths", "200", "--quiet")


class Reverse(ProgramCase):
    outside = ("run", "reverse", "compare")

    def search(self, *words, code=0):
        """What is printed, and the groups of the file."""
        done = self.tool("reverse", *words, "--force", "-o", "r.h5", code=code)
        return done, self.content("r.h5")

    def content(self, name):
        with h5py.File(self.folder / name) as file:
            found = {f"{group}/{name}": self.values(dataset) for group in file if group != "provenance"
                     for name, dataset in file[group].items()}
            about = {name: value for name, value in file.attrs.items() if name != "created"}
            return found | {"about": about | dict(file["reverse"].attrs)}

    @staticmethod
    def values(dataset):
        return dataset.asstr()[:] if dataset.dtype.kind == "O" else dataset[:]

    def test_a_crossing_is_where_run_says_so(self):
        done, found = self.search(SEPTEMBER, *RESERVES, "--target", PEAK, *FEW)
        self.assertEqual(1, len(found["crossings/at"]))
        at, low, high = (found[f"crossings/{name}"][0] for name in ("at", "ci_lo", "ci_hi"))
        self.assertEqual(-1, found["crossings/direction"][0])  # more reserves, lower peak
        self.assertTrue(1400 < low < at < high < 1600)
        self.assertLessEqual(found["crossings/bracket_hi"][0] - found["crossings/bracket_lo"][0], (high - low) / 20)
        # The same scenario with this value and the need of the base has the metric at its target, by `run`.
        (self.folder / "there.yaml").write_text(
            f"format: repoquake/scenario/1\nname: there\nextends: [{SEPTEMBER}]\nmarket: {{need: hold}}\n"
            f"fed_balance_sheet: {{reserves: {at:.6f} bn USD}}\n")
        self.tool("run", "there.yaml", *FEW, "-o", "there.h5", "--set", "output.paths=none")
        with h5py.File(self.folder / "there.h5") as file:
            metrics = file["metrics"]
            k = metrics["metric"].asstr()[:].tolist().index("peak_spread")
            self.assertAlmostEqual(150, metrics["value"][k], delta=0.1 * metrics["se"][k])
        # At the ends of the interval the limits of the metric meet the target.
        order = numpy.argsort(found["tried/at"])
        x = found["tried/at"][order]
        self.assertAlmostEqual(150, numpy.interp(low, x, found["tried/ci_lo"][order]), places=6)
        self.assertAlmostEqual(150, numpy.interp(high, x, found["tried/ci_hi"][order]), places=6)
        line = re.search(r"falls +([\d.]+) +([\d.]+) to ([\d.]+)", done.stdout)
        numpy.testing.assert_allclose([float(word) for word in line.groups()], [at, low, high], atol=0.051)
        self.assertIn("need held from sep-2019", done.stdout)

    def test_a_metric_of_the_scenario_by_its_id(self):
        _, by_id = self.search(SEPTEMBER, *RESERVES, "--target", "peak_spread = 150 bp", *FEW)
        _, by_expr = self.search(SEPTEMBER, *RESERVES, "--target", PEAK, *FEW)
        self.assertEqual(by_expr["crossings/at"][0], by_id["crossings/at"][0])

    def test_more_paths_a_narrower_interval(self):
        widths = []
        for paths in ("100", "1600"):
            _, found = self.search(SEPTEMBER, *RESERVES, "--target", PEAK, "--paths", paths, "--quiet")
            widths.append(found["crossings/ci_hi"][0] - found["crossings/ci_lo"][0])
        self.assertTrue(2.5 < widths[0] / widths[1] < 6.0, widths)  # sixteen times the paths, a quarter of the error

    def test_threads_leave_no_trace(self):
        words = (YEAR_END, "--along", "policy.tga.target", "--from", "450 bn USD", "--to", "1350 bn USD", "--target",
                 "P(max(sofr - iorb) > 75 bp) = 20 %", "--over", "policy.standing_repo.enabled", "--values", "false,true",
                 "--paths", "200", "--steps", "5", "--quiet")
        results = [self.search(*words, "--threads", n) for n in ("1", "2", "5")]
        for done, found in results[1:]:
            self.assertEqual(results[0][0].stdout, done.stdout)
            self.assertEqual(results[0][1].keys(), found.keys())
            for name, values in found.items():
                if name != "about":
                    numpy.testing.assert_array_equal(results[0][1][name], values, name)
        self.assertEqual(["false", "true"], results[0][1]["reverse/curve"].tolist())
        self.assertGreater(results[0][1]["crossings/at"][1], results[0][1]["crossings/at"][0])  # the facility helps

    def test_the_frontier_over_numbers(self):
        _, found = self.search(SEPTEMBER, *RESERVES, "--target", PEAK, "--paths", "100", "--quiet", "--over",
                               "market.mmf_cash", "--over-from", "10 bn USD", "--over-to", "50 bn USD", "--over-steps", "3")
        numpy.testing.assert_array_equal([10, 30, 50], found["reverse/over_value"])
        self.assertTrue((numpy.diff(found["crossings/at"]) < 0).all())  # cash of funds replaces reserves
        self.figure("frontier.png", "--kind", "frontier")
        self.figure("curves.svg", "--kind", "curves")

    def figure(self, name, *words, code=0):
        done = subprocess.run([sys.executable, ROOT / "scripts/plot_reverse.py", "r.h5", "-o", name, *words],
                              capture_output=True, text=True, check=False, cwd=self.folder)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        if code == 0:
            self.assertGreater((self.folder / name).stat().st_size, 10_000)
        return done.stderr

    def test_no_crossing_is_an_answer(self):
        done, found = self.search(SEPTEMBER, *RESERVES, "--target", "mean(max(sofr - iorb)) = 2000 bp", *FEW)
        self.assertIn("no crossing: below the target throughout; nearest at 1350 bn USD", done.stdout)
        self.assertEqual(0, found["reverse/n_crossings"][0])
        self.assertEqual(-1, found["reverse/side"][0])
        self.assertEqual(1350, found["reverse/nearest_at"][0])
        self.assertLess(found["reverse/nearest_ci_hi"][0], 2000)
        self.assertNotIn("crossings/at", found)
        self.figure("none.png")
        done, found = self.search(SEPTEMBER, *RESERVES, "--target", "mean(max(sofr - iorb)) = 1 bp", *FEW)
        self.assertIn("above the target throughout; nearest at 1700 bn USD", done.stdout)
        self.assertEqual(1, found["reverse/side"][0])

    def test_an_interval_that_leaves_the_range_is_open(self):
        done, found = self.search(SEPTEMBER, "--along", "fed_balance_sheet.reserves", "--from", "1484 bn USD", "--to",
                                  "1700 bn USD", "--target", PEAK, "--paths", "100", "--quiet")
        self.assertIn("beyond 1484.0 to", done.stdout)
        self.assertIn("search a wider range", done.stdout)
        self.assertEqual((1, 0), (found["intervals/low_is_open"][0], found["intervals/high_is_open"][0]))
        self.figure("open.png")

    def test_points_that_cannot_be_run_are_named_and_the_rest_goes_on(self):
        done, found = self.search(SEPTEMBER, "--along", "fed_balance_sheet.reserves", "--from", "-100 bn USD", "--to",
                                  "1800 bn USD", "--target", PEAK, *FEW, code=76)
        self.assertIn("could not be run at -100 bn USD: fed_balance_sheet.reserves: must be", done.stdout)
        self.assertEqual(1, len(found["crossings/at"]))
        self.assertEqual([2], found["tried/status"][numpy.isnan(found["tried/value"])].tolist())
        self.figure("failed.png")
        done = self.tool("reverse", SEPTEMBER, "--along", "fed_balance_sheet.reserves", "--from", "-300 bn USD", "--to",
                         "-100 bn USD", "--target", PEAK, *FEW, code=65)
        self.assertIn("can be run at no value of fed_balance_sheet.reserves", done.stderr)

    def test_a_metric_without_a_value_is_passed_over_and_said(self):
        # Divides by the position, of which there is none at 0.
        done, found = self.search(SEPTEMBER, "--along", "basis_trade.position", "--from", "0 bn USD", "--to", "900 bn USD",
                                  "--target", "mean(max(basis_sales) / max(basis_position)) = 0.02", "--paths", "100",
                                  "--quiet")
        self.assertIn("the metric has no value at 1 of", done.stdout)
        self.assertTrue(numpy.isnan(found["tried/value"][0]))
        self.assertEqual(1, found["tried/status"][0])

    def test_the_need_is_inverted_where_the_model_moves(self):
        words = ("reverse", SEPTEMBER, "--along", "model.banks.lending_share", "--from", "0.8", "--to", "1", "--target", PEAK,
                 "--paths", "100")
        done = self.tool(*words)
        self.assertIn("the funding need is inverted again at every point", done.stderr)
        self.assertIn("need inverted", done.stdout)
        held = self.tool("reverse", SEPTEMBER, *RESERVES, "--target", PEAK, "--paths", "100", "--set",
                         "market.need=invert")
        self.assertIn("need inverted", held.stdout)
        self.assertNotIn("inverted again", held.stderr)

    def test_all_that_is_wrong_comes_at_once(self):
        said = self.tool("reverse", SEPTEMBER, "--along", "fed_balance_sheet.resrves", "--from", "1 bn USD", "--to", "2 bn USD",
                         "--target", "P(max(sof) > 1 bp) = 10 %", "--over", "policy.standing_repo.enable", "--values",
                         "true", "--set", "market.repo_volume=3", code=65).stderr
        for text in ('--along:1:1: error: fed_balance_sheet.resrves: unknown key; did you mean "fed_balance_sheet.reserves"?',
                     '--target:1:7: error: target: no variable is called "sof"', "--over:1:1: error:", "3 has no unit",
                     "4 errors"):
            self.assertIn(text, said)

    def test_what_is_refused(self):
        def said(*words, code=65):
            return self.tool("reverse", SEPTEMBER, *words, "--paths", "20", "--quiet", code=code).stderr

        def of_reserves(low, high, target=PEAK, *more, code=65):
            return said("--along", "fed_balance_sheet.reserves", "--from", low, "--to", high, "--target", target, *more,
                        code=code)

        self.assertIn('--from:1:1: error: fed_balance_sheet.reserves: 1350 has no unit', of_reserves("1350", "1700 bn USD"))
        self.assertIn("too close to the other end", of_reserves("1350 bn USD", "1.35 tn USD"))
        for key in ("simulate.paths", "policy.standing_repo.enabled", "name"):
            self.assertIn("does not take amounts or rates that move evenly",
                          said("--along", key, "--from", "1", "--to", "9", "--target", PEAK))
        self.assertIn("cannot move while the need of the base is held",
                      said("--along", "market.opening_spread", "--from", "1 bp", "--to", "9 bp", "--target", PEAK))
        ends = ("1350 bn USD", "1700 bn USD")
        self.assertIn('a target is a metric, "=" and a value', of_reserves(*ends, "P(max(spread) > 1 bp)"))
        self.assertIn("must be a spread, as the metric is", of_reserves(*ends, "mean(max(spread)) = 3 bn USD"))
        self.assertIn("a probability is between 0 % and 100 %", of_reserves(*ends, "P(max(spread) > 1 bp) = 120 %"))
        self.assertIn('did you mean "peak_spread"?', of_reserves(*ends, "peak_spred = 10 bp"))
        self.assertIn('must be true or false, got "tru"',
                      of_reserves(*ends, PEAK, "--over", "policy.standing_repo.enabled", "--values", "false,tru"))
        self.assertIn("is given twice", of_reserves(*ends, PEAK, "--over", "market.mmf_cash", "--values", "5 bn USD,5 bn USD"))
        self.assertIn("so it cannot be set by --set too",
                      of_reserves(*ends, PEAK, "--set", "fed_balance_sheet.reserves=1400 bn USD"))
        self.assertIn("from 2 paths on",
                      self.tool("reverse", SEPTEMBER, *RESERVES, "--target", PEAK, "--paths", "1", code=65).stderr)
        for words in (("--values", "true"), ("--over", "market.mmf_cash"), ("--steps", "1"),
                      ("--over", "market.mmf_cash", "--over-from", "1 bn USD")):
            of_reserves(*ends, PEAK, *words, code=2)
        self.assertIn("--along: is empty", said("--along", "", "--from", "1", "--to", "9", "--target", PEAK, code=2))
        self.tool("reverse", "missing.yaml", *RESERVES, "--target", PEAK, code=74)
        (self.folder / "r.h5").write_text("precious")
        of_reserves(*ends, PEAK, "-o", "r.h5", code=74)
        self.assertEqual("precious", (self.folder / "r.h5").read_text())

    def test_many_values_of_the_second_key(self):
        """More of them than curves fit a figure: their crossings side by side. The range may be stated from above."""
        done, found = self.search(SEPTEMBER, "--along", "fed_balance_sheet.reserves", "--from", "1700 bn USD", "--to",
                                  "1350 bn USD", "--target", PEAK, "--paths", "20", "--quiet", "--over", "market.mmf_cash",
                                  "--values", "5 bn USD, 10 bn USD,15 bn USD,20 bn USD,25 bn USD,30 bn USD")
        self.assertEqual("10 bn USD", found["reverse/curve"][1])
        self.assertEqual((1350, 1700), (found["about"]["low"], found["about"]["high"]))
        self.figure("many.png")

    def test_too_many_days_without_clearing(self):
        done, _ = self.search(SEPTEMBER, "--along", "fed_balance_sheet.reserves", "--from", "1000 bn USD", "--to",
                              "1700 bn USD", "--target", PEAK, "--paths", "50", "--quiet", code=78)
        self.assertIn("(simulate.max_flagged)", done.stderr)
        self.assertIn("have no clearing below 3000 bp", done.stdout)

    def test_a_dry_run_writes_nothing(self):
        said = self.tool("reverse", SEPTEMBER, *RESERVES, "--target", PEAK, "--dry-run", "-o", "r.h5").stdout
        self.assertIn("1 curve of 9 points", said)
        self.assertFalse((self.folder / "r.h5").exists())

    def test_an_interruption_leaves_no_result(self):
        words = ("reverse", SEPTEMBER, *RESERVES, "--target", PEAK, "--paths", "200000", "--allow-outside", "-o", "r.h5")
        held = self.hold(*words)
        held.interrupt()
        said = held.let_go()
        self.assertEqual(75, held.returncode, said)
        self.assertRegex(said, "(?s)round 1.*interrupted")
        self.assertEqual([], list(self.folder.iterdir()))

    def test_info_and_export_know_the_file(self):
        done, found = self.search(SEPTEMBER, *RESERVES, "--target", PEAK, *FEW)
        self.assertIn(done.stdout.split("\nsearch in")[0], self.tool("info", "r.h5").stdout)
        rows = json.loads(self.tool("export", "r.h5", "crossings", "--format", "json").stdout)
        rows = rows["rows"] if isinstance(rows, dict) else rows
        self.assertEqual(found["crossings/at"][0], rows[0]["at"])
        lines = self.tool("export", "r.h5", "tried").stdout.splitlines()
        self.assertEqual(len(found["tried/at"]) + 1, len(lines))
        for table in ("reverse", "intervals"):
            self.assertEqual(2, len(self.tool("export", "r.h5", table).stdout.splitlines()))
        self.assertEqual("repoquake/result/1", found["about"]["format"])
        self.assertEqual("complete", found["about"]["status"])
        self.assertEqual(1458.666, found["about"]["base_value"])

    def test_the_figure_refuses_what_is_no_search(self):
        self.tool("run", SEPTEMBER, "--paths", "20", "--quiet", "-o", "r.h5", "--set", "output.paths=none")
        self.assertIn("is not the result of a search", self.figure("x.png", code=65))


if __name__ == "__main__":
    unittest.main()
