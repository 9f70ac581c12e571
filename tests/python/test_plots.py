"""The plot scripts draw real figures of a result, and refuse what is wrong in one line with the right exit code."""

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import h5py
import matplotlib.image
import matplotlib.pyplot as plt
import numpy as np

from synthetic_result import (COUNTS, DATES, MEDIANS, alike_spreads, keep_worst, write_comparison, write_convergence,
                              write_more, write_result)

ROOT = Path(os.environ.get("REPOQUAKE_SOURCE_DIR", Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(ROOT / "scripts"))
import plot_compare  # noqa: E402
import plot_convergence  # noqa: E402
import plot_exceedance  # noqa: E402
import plot_fan  # noqa: E402
import plot_ledger  # noqa: E402
import plot_scores  # noqa: E402
import plot_unwind  # noqa: E402
import repoquake_plots  # noqa: E402

BAND = np.array([0xA9, 0xCB, 0xE6]) / 255.0  # the 5-95 % band
OBSERVED = np.array([0xD5, 0x5E, 0x00]) / 255.0


class ScriptCase(unittest.TestCase):
    """A script, and a result to draw: `result` has what a fan needs, `full` everything."""

    script = plot_fan

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.here = Path(cls.directory.name)
        cls.result = cls.here / "result.h5"
        write_result(cls.result)
        cls.full = cls.here / "full.h5"
        write_result(cls.full)
        write_more(cls.full)

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def run_script(self, *arguments):
        """The script as a user starts it."""
        return subprocess.run([sys.executable, self.script.__file__, *map(str, arguments)], capture_output=True,
                              text=True, cwd=self.here, timeout=100)

    def call_script(self, *arguments):
        """The same in this process, which is much faster: nothing has to be imported again."""
        out, err, code = io.StringIO(), io.StringIO(), 0
        with mock.patch.object(sys, "argv", [self.script.__file__, *map(str, arguments)]), \
                contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                repoquake_plots.run_script(self.script.main)
            except SystemExit as end:
                code = end.code or 0
        return SimpleNamespace(returncode=code, stdout=out.getvalue(), stderr=err.getvalue())

    def draw(self, name, *arguments, run=None):
        figure = self.here / name
        done = (run or self.call_script)(*arguments, "-o", figure)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        return figure

    def drawn(self, *arguments):
        """The figure of matplotlib instead of a file."""
        with mock.patch.object(self.script, "save") as save:
            done = self.call_script(*arguments, "-o", self.here / "unwritten.png")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.addCleanup(plt.close, save.call_args[0][0])
        return save.call_args[0][0]

    def draw_all_kinds(self, *arguments):
        """A figure in the three formats, whole and not empty; the same input gives the same bytes."""
        begins = {"png": b"\x89PNG\r\n\x1a\n", "svg": b"<?xml", "pdf": b"%PDF-"}
        for kind, begin in begins.items():
            with self.subTest(kind):
                content = self.draw(f"once.{kind}", *arguments).read_bytes()
                self.assertTrue(content.startswith(begin))
                self.assertGreater(len(content), 5000)
                self.assertEqual(content, self.draw(f"again.{kind}", *arguments).read_bytes())
        picture = matplotlib.image.imread(self.here / "once.png")
        self.assertGreater(np.mean(picture[..., :3].min(axis=2) < 0.9), 0.01)

    def refuse(self, exit_code, pattern, *arguments, run=None):
        done = (run or self.call_script)(*arguments)
        self.assertEqual(done.returncode, exit_code, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertNotIn("Traceback", done.stderr)
        self.assertRegex(done.stderr.splitlines()[-1], pattern)
        return done.stderr

    def refuse_without(self, dataset, pattern, *arguments):
        """A result that lacks a dataset is a wrong file, and the message says what is missing."""
        lacking = self.here / "lacking.h5"
        shutil.copy(self.full, lacking)
        with h5py.File(lacking, "a") as file:
            del file[dataset]
        message = self.refuse(65, pattern, lacking, *arguments, "-o", self.here / "refused.png")
        self.assertEqual(len(message.splitlines()), 1)
        self.assertFalse((self.here / "refused.png").exists())

    def share_of(self, picture, colour):
        return np.mean(np.abs(picture[..., :3] - colour).max(axis=2) < 0.01)


class PlotFan(ScriptCase):
    def test_png_shows_bands_and_observations(self):
        figure = self.draw("fan.png", self.result, run=self.run_script)
        self.assertEqual(figure.read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
        picture = matplotlib.image.imread(figure)
        self.assertGreaterEqual(picture.shape[0], 600)
        self.assertGreaterEqual(picture.shape[1], 1000)
        colours = np.unique((picture[..., :3] * 255).astype(np.uint8).reshape(-1, 3), axis=0)
        self.assertGreater(len(colours), 50)
        self.assertGreater(self.share_of(picture, BAND), 0.01)
        self.assertGreater(self.share_of(picture, OBSERVED), 0.0005)

    def test_without_paths_and_observations(self):
        bare = self.here / "bare.h5"
        write_result(bare, with_paths=False)
        with h5py.File(bare, "a") as file:
            del file["observed"]
        picture = matplotlib.image.imread(self.draw("bare.png", bare))
        self.assertGreater(self.share_of(picture, BAND), 0.01)
        self.assertEqual(self.share_of(picture, OBSERVED), 0.0)

    def test_svg_holds_drawn_text_and_shapes(self):
        text = self.draw("fan.svg", self.result).read_text()
        self.assertIn("<svg", text)
        self.assertGreater(text.count("<path"), 50)
        self.assertIn("#d55e00", text)

    def test_pdf_is_whole(self):
        content = self.draw("fan.pdf", self.result).read_bytes()
        self.assertEqual(content[:5], b"%PDF-")
        self.assertEqual(content.rstrip()[-5:], b"%%EOF")
        self.assertGreater(len(content), 5000)

    def test_same_input_same_bytes(self):
        for kind in ("png", "svg", "pdf"):
            with self.subTest(kind):
                first = self.draw(f"once.{kind}", self.result).read_bytes()
                self.assertEqual(first, self.draw(f"again.{kind}", self.result).read_bytes())

    def test_options_change_the_figure(self):
        plain = self.draw("plain.png", self.result).read_bytes()
        for options in (["--mean"], ["--paths", "0"], ["--scale", "linear"]):
            with self.subTest(options):
                self.assertNotEqual(plain, self.draw("other.png", self.result, *options).read_bytes())
        self.assertEqual(plain, self.draw("other.png", self.result, "--scale", "symlog").read_bytes(),
                         "a spike of 200 among days of 5 bp is drawn on a logarithmic axis")

    def test_several_results_side_by_side(self):
        milder = self.here / "milder.h5"
        write_result(milder, peak=0.3, with_paths=False, title="Milder")
        one = matplotlib.image.imread(self.draw("one.png", self.result))
        two = matplotlib.image.imread(self.draw("two.png", self.result, milder))
        self.assertGreater(two.shape[1], one.shape[1] * 1.2)
        half = two.shape[1] // 2
        for side in (two[:, :half], two[:, half:]):
            self.assertGreater(self.share_of(side, BAND), 0.005)

    def test_help(self):
        done = self.run_script("--help")
        self.assertEqual(done.returncode, 0)
        for option in ("--variable", "--paths", "--mean", "--scale", "--output", "74"):
            self.assertIn(option, done.stdout)

    def worst(self, sample=6, count=4):
        path = self.here / f"worst-{sample}-{count}.h5"
        write_result(path)
        keep_worst(path, sample, count)
        return path

    def drawn_paths(self, figure, colour):
        return [line.get_ydata() for line in figure.axes[0].lines if line.get_color() == colour]

    def test_worst_paths_are_drawn_apart_from_the_sample(self):
        with h5py.File(self.result) as file:
            spread = file["paths/spread"][:].astype(float)
        order = np.argsort(-spread.max(1), kind="stable")
        self.assertGreater(order[:4].min(), 6, "the worst are not in the sample")
        self.assertFalse((np.diff(order[:4]) > 0).all(), "the order of the worst is not that of the file")
        figure = self.drawn(self.worst(), "--worst", "3", "--paths", "9")
        np.testing.assert_array_equal(self.drawn_paths(figure, repoquake_plots.WORST_PATH), spread[order[:3]])
        np.testing.assert_array_equal(self.drawn_paths(figure, repoquake_plots.PATH), spread[:6],
                                      "a fair sample has none of the worst")
        self.assertIn("the 3 worst paths by max(spread)", texts_of(figure))
        self.assertGreater(figure.axes[0].get_ylim()[1], spread.max(), "the worst are not cut off")

    def test_as_many_worst_paths_as_there_are(self):
        figure = self.drawn(self.worst(sample=0, count=2), "--worst", "7")
        self.assertEqual(len(self.drawn_paths(figure, repoquake_plots.WORST_PATH)), 2)
        self.assertEqual(self.drawn_paths(figure, repoquake_plots.PATH), [])
        self.assertIn("the 2 worst paths", texts_of(figure))
        figure = self.drawn(self.worst(sample=1500, count=2), "--worst", "7")
        self.assertEqual(len(self.drawn_paths(figure, repoquake_plots.WORST_PATH)), 2, "none that is only sampled")
        self.assertEqual(len(self.drawn_paths(figure, repoquake_plots.PATH)), 5)
        plain = self.drawn(self.worst())
        self.assertEqual(self.drawn_paths(plain, repoquake_plots.WORST_PATH), [])
        self.assertNotIn("worst", texts_of(plain))

    def test_worst_paths_that_are_missing(self):
        for lacking in (self.result, ROOT / "tests" / "data" / "result_format_1.h5"):
            self.refuse(65, r"has no worst paths; store some with --set 'output\.paths=", lacking, "--worst", "1", "-o",
                        self.here / "refused.png")
        self.refuse(2, "--worst: cannot be negative", self.result, "--worst", "-1", "-o", self.here / "refused.png")
        self.assertFalse((self.here / "refused.png").exists())

    def test_usage_errors(self):
        self.refuse(2, "required", self.result)
        self.refuse(2, r"fan\.gif.*\.png", self.result, "-o", self.here / "fan.gif")
        self.refuse(2, "cannot be negative", self.result, "-o", self.here / "refused.png", "--paths", "-1")
        message = self.refuse(2, r"result\.h5.*'sprad'.*spread", self.result, "-o", self.here / "refused.png",
                              "--variable", "sprad")
        self.assertEqual(len(message.splitlines()), 1)
        self.assertFalse((self.here / "fan.gif").exists())

    def test_paths_that_cannot_be_read_or_written(self):
        self.refuse(74, r"nowhere\.h5: No such file", self.here / "nowhere.h5", "-o", "refused.png",
                    run=self.run_script)
        self.refuse(74, r"Is a directory", self.here, "-o", self.here / "refused.png")
        self.refuse(74, r"no/such/fan\.png: No such file", self.result, "-o", self.here / "no/such/fan.png")

    def test_foreign_and_damaged_files(self):
        text = self.here / "text.h5"
        text.write_text("date,sofr_pct\n")
        self.refuse(65, r"text\.h5: not an HDF5 file", text, "-o", self.here / "refused.png")
        foreign = self.here / "foreign.h5"
        with h5py.File(foreign, "w") as file:
            file["x"] = [1, 2]
        self.refuse(65, r"foreign\.h5: not a result", foreign, "-o", self.here / "refused.png")
        cut = self.here / "cut.h5"
        cut.write_bytes(self.result.read_bytes()[: 20000])
        self.refuse(65, r"cut\.h5", cut, "-o", self.here / "refused.png")
        empty = self.here / "empty.h5"
        with h5py.File(empty, "w") as file:
            file.attrs["format"] = "repoquake/result/1"
        self.refuse(2, r"empty\.h5: has no statistics", empty, "-o", self.here / "refused.png")
        undated = self.here / "undated.h5"
        write_result(undated, with_paths=False)
        with h5py.File(undated, "a") as file:
            file["stats/time"].attrs["units"] = "fortnights"
        self.refuse(65, r"undated\.h5.*fortnights", undated, "-o", self.here / "refused.png")


def texts_of(figure):
    """All the words of a figure."""
    return "\n".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


class PlotExceedance(ScriptCase):
    script = plot_exceedance

    def test_formats(self):
        self.draw_all_kinds(self.full)

    def test_what_is_drawn_is_what_is_stored(self):
        days, peak, _ = self.drawn(self.full).axes
        with h5py.File(self.full) as file:
            exceed = 100 * file["stats/spread_exceed"][:]
            over_iorb = 100 * file["features/peak_spread_exceed"][:]
            over_effr = 100 * file["features/peak_sofr_over_effr_exceed"][:]
            errors = 100 * file["features/peak_spread_exceed_se"][:]
        self.assertEqual(len(days.containers), len(exceed))
        for drawn, stored in zip(days.containers, exceed):
            np.testing.assert_allclose(drawn[0].get_ydata(), stored)
        np.testing.assert_allclose(peak.containers[0][0].get_ydata(), over_iorb)
        np.testing.assert_allclose(peak.containers[1][0].get_ydata(), over_effr)
        bars = peak.containers[0][2][0].get_segments()
        np.testing.assert_allclose([bar[1][1] - bar[0][1] for bar in bars], 4 * errors)

    def test_several_results_at_one_threshold(self):
        other = self.here / "other.h5"
        write_result(other, peak=0.2, conditional=0, title="Milder", drawn="flows are drawn")
        write_more(other)
        figure = self.drawn(self.full, other)
        self.assertIn("above 50 bp", texts_of(figure))
        self.assertIn("September 2019 repo spike (conditional replay)", texts_of(figure))
        self.assertIn("Milder (free run)", texts_of(figure))
        self.assertEqual(len(figure.axes[0].containers), 2)
        with h5py.File(other) as file:
            np.testing.assert_allclose(figure.axes[0].containers[1][0].get_ydata(),
                                       100 * file["stats/spread_exceed"][2])
        named = texts_of(self.drawn(self.full, other, "--label", "as it was", "--label", "calm", "--threshold", "25"))
        self.assertIn("above 25 bp", named)
        self.assertIn("calm (free run)", named)

    def test_errors(self):
        self.refuse(2, r"--threshold 33: .*full\.h5 has 10, 25, 50, 100, 200 bp", self.full, "--threshold", "33", "-o",
                    self.here / "refused.png")
        self.refuse(2, "given 1 times for 2", self.full, self.full, "--label", "one", "-o", self.here / "refused.png")
        self.refuse(2, "at most 5", *[self.full] * 6, "-o", self.here / "refused.png")
        self.refuse_without("stats/spread_exceed", r"has no /stats/spread_exceed; .*--set")
        self.refuse_without("features", r"has no /features/threshold; run the scenario again")
        self.refuse(74, r"nowhere\.h5: No such file", "nowhere.h5", "-o", "refused.png", run=self.run_script)


class PlotUnwind(ScriptCase):
    script = plot_unwind

    def test_formats(self):
        self.draw_all_kinds(self.full)

    def medians(self, figure):
        """Title of each panel and its line."""
        return {axes.get_title(loc="left").splitlines()[-1]: axes.lines[0].get_ydata() for axes in figure.axes
                if axes.lines}

    def test_what_is_drawn_is_what_is_stored(self):
        medians = self.medians(self.drawn(self.full))
        self.assertEqual(list(medians), [title for _, title in plot_unwind.PANELS])
        with h5py.File(self.full) as file:
            for variable, title in plot_unwind.PANELS:
                with self.subTest(variable):
                    if variable == "voluntary":
                        paths = file["paths"]
                        stored = np.median(paths["basis_sales"][:].astype(float) - paths["basis_sales_forced"], axis=0)
                        self.assertGreater(stored[1], 0.0)
                    else:
                        stored = file[f"stats/{variable}_quantile"][3]
                    np.testing.assert_allclose(medians[title], stored, atol=1e-9)

    def test_sales_by_kind_only_where_they_are_stored(self):
        plain = self.here / "plain.h5"
        shutil.copy(self.full, plain)
        with h5py.File(plain, "a") as file:
            del file["paths/basis_sales_forced"]
            del file["stats/basis_sales_forced_quantile"]
        medians = self.medians(self.drawn(plain))
        self.assertIn("Sales of the day", medians)
        self.assertNotIn("Sales on margin calls", medians)
        self.assertNotIn("Voluntary sales", medians)
        both = self.drawn(plain, self.full)
        self.assertEqual(texts_of(both).count("not stored"), 2)
        left, right = both.axes[:2]
        self.assertEqual(left.get_ylim(), right.get_ylim())

    def test_voluntary_sales_of_a_sample_leave_the_worst_out(self):
        worst = self.here / "worst.h5"
        shutil.copy(self.full, worst)
        keep_worst(worst, 50, 30)
        with h5py.File(self.full) as file:
            sold, forced = (file[f"paths/{name}"][:50].astype(float) for name in ("basis_sales", "basis_sales_forced"))
        medians = self.medians(self.drawn(worst))
        np.testing.assert_allclose(medians["Voluntary sales, of 50 sampled paths"], np.median(sold - forced, axis=0),
                                   atol=1e-9)

    def test_errors(self):
        self.refuse_without("stats/futures_basis_quantile", "has no /stats/futures_basis_quantile; .*variables=all")
        self.refuse(2, "at most 4", *[self.full] * 5, "-o", self.here / "refused.png")
        self.refuse(65, "has no /stats/basis_position_quantile", self.result, "-o", self.here / "refused.png")


class PlotScores(ScriptCase):
    script = plot_scores

    def test_formats(self):
        self.draw_all_kinds(self.full)

    def test_what_is_drawn_is_what_is_stored(self):
        for column, window in enumerate(("whole", "first", "second")):
            with self.subTest(window), h5py.File(self.full) as file:
                scores = {name: file[f"scores/{name}"][:, column] for name in file["scores"] if name[0] in "cnp"}
                figure = self.drawn(self.full, "--window", window)
                coverage, pit, crps = figure.axes[:3]
                for level, container in zip((50, 90), coverage.containers):
                    np.testing.assert_allclose(container[0].get_xdata(), 100 * scores[f"coverage_{level}"])
                    for (left, right), share, error in zip(container[2][0].get_segments(),
                                                           scores[f"coverage_{level}"],
                                                           scores[f"coverage_{level}_se"]):
                        self.assertAlmostEqual(left[0], 100 * max(0.0, share - error))
                        self.assertAlmostEqual(right[0], 100 * min(1.0, share + error))
                np.testing.assert_allclose(pit.lines[-1].get_xdata(), scores["pit_mean"])
                known = np.isfinite(scores["crps_persistence"])
                np.testing.assert_allclose(crps.containers[0][0].get_xdata(),
                                           (scores["crps"] / scores["crps_persistence"])[known])
                self.assertEqual(len(crps.containers[1][0].get_xdata()), 1, "a reversion of the spread only")
                self.assertIn("conditional replay", texts_of(figure))

    def test_large_and_small_scores_are_legible(self):
        self.assertEqual([plot_scores.short(value) for value in (0.0312, 8.77, 99.6, 1234.5)],
                         ["0.031", "8.8", "100", "1,234"])

    def test_errors(self):
        self.refuse(65, "has no /scores/window; only runs of scenarios with observations", self.result, "-o",
                    self.here / "refused.png")
        self.refuse_without("scores/coverage_90_se", "has no /scores/coverage_90_se")
        self.refuse(2, "invalid choice", self.full, "--window", "third", "-o", self.here / "refused.png")
        self.refuse(2, "at most 3", *[self.full] * 4, "-o", self.here / "refused.png")


class PlotLedger(ScriptCase):
    script = plot_ledger
    FLOWS = {"tga": (-8_000_000_000_000, 3_000_000_000_000), "repo_operations": (5_000_000_000_000, 0),
             "currency": (0, 0), "a_new_entry": (0, -1_000_000_000_100)}

    def trace(self, name, conditional=True, **changes):
        """A trace of three days: as json, or as csv after the name."""
        days, reserves = [], 145_866_600_000_000
        for row, day in enumerate(DATES[2:5]):
            ledger = {entry: values[row - 1] for entry, values in self.FLOWS.items()} if row else {}
            before, reserves = reserves, reserves + sum(ledger.values())
            days.append({"date": str(day), "ledger_cents": ledger, "reserves_before_cents": before,
                         "reserves_after_cents": reserves})
        content = {"format": "repoquake/trace/1", "scenario": "sep-2019", "path": 7, "seed": 20190917,
                   "conditional": conditional, "days": days, **changes}
        path = self.here / name
        if path.suffix == ".json":
            path.write_text(json.dumps(content))
        else:
            lines = ["date,section,name,unit,value"]
            for day in days:
                lines.append(f"{day['date']},observed,reserves,1e9 USD,{day['reserves_after_cents'] / 1e11!r}")
                lines += [f"{day['date']},ledger,{entry},cents,{value}"
                          for entry, value in day["ledger_cents"].items()]
            path.write_text("\n".join(lines) + "\n")
        return path

    def test_formats(self):
        self.draw_all_kinds(self.trace("trace.json"))

    def test_bars_and_line_agree_with_the_trace(self):
        for name in ("trace.json", "trace.csv"):
            with self.subTest(name):
                figure = self.drawn(self.trace(name))
                flows, level = figure.axes[:2]
                moved = [entry for entry, values in self.FLOWS.items() if any(values)]
                self.assertEqual(len(flows.containers), len(moved), "an entry that never moves has no bars")
                for bars, entry in zip(flows.containers, moved):
                    np.testing.assert_allclose([bar.get_height() for bar in bars],
                                               [0.0, *np.array(self.FLOWS[entry]) / 1e11])
                sums = np.sum(list(self.FLOWS.values()), axis=0) / 1e11
                np.testing.assert_allclose(flows.lines[0].get_ydata(), sums, atol=1e-9)
                np.testing.assert_allclose(np.diff(level.lines[0].get_ydata()), sums, atol=1e-9)
                self.assertEqual(flows.containers[-1][2].get_y(), 0.0)
                self.assertIn("a new entry", texts_of(figure))

    def test_title(self):
        title = self.drawn(self.trace("trace.json")).axes[0].get_title(loc="left")
        self.assertEqual(title, "sep-2019, conditional replay\nledger of reserves, path 7")
        free = self.drawn(self.trace("trace.json", conditional=False))
        self.assertNotIn("conditional replay", texts_of(free))
        self.assertIn("not conditional on realised flows", texts_of(free))

    def test_errors(self):
        refused = ("-o", self.here / "refused.png")
        self.refuse(65, r"result\.h5: not a trace; `repoquake trace", self.result, *refused)
        text = self.here / "text.csv"
        for content in ("date,sofr_pct\n", "", "{", '{"format": "repoquake/trace/2"}',
                        '{"format": "repoquake/trace/1", "days": 3}', "[1, 2]"):
            with self.subTest(content):
                text.write_text(content)
                self.refuse(65, r"text\.csv: not a trace", text, *refused)
        self.refuse(2, "without a day", self.trace("empty.json", days=[]), *refused)
        torn = json.loads(self.trace("torn.json").read_text())
        torn["days"][2]["ledger_cents"]["tga"] += 100_000_000
        (self.here / "torn.json").write_text(json.dumps(torn))
        self.refuse(65, "ledger of 2019-09-17 does not sum", self.here / "torn.json", *refused)
        self.refuse(74, "No such file", self.here / "nowhere.json", *refused)
        self.refuse(2, r"ledger\.gif", self.trace("trace.json"), "-o", "ledger.gif")


class PlotCompare(ScriptCase):
    script = plot_compare

    def other(self, name="other.h5", **changes):
        path = self.here / name
        write_result(path, **{"peak": 0.5, "title": "Milder", **changes})
        write_more(path)
        return path

    def test_formats(self):
        self.draw_all_kinds(self.full, self.other())

    def test_what_is_drawn_is_what_is_stored(self):
        other = self.other()
        figure = self.drawn(self.full, other)
        upper, lower = figure.axes[:2]
        with h5py.File(self.full) as one, h5py.File(other) as two:
            first, second = one["stats/spread_quantile"][3], two["stats/spread_quantile"][3]
            edges = one["stats/spread_quantile"][1], one["stats/spread_quantile"][5]
        lines = [line.get_ydata() for line in upper.lines]
        for stored in (first, second, *edges):
            self.assertTrue(any(len(line) == len(stored) and np.allclose(line, stored) for line in lines))
        drawn = lower.containers[0]
        np.testing.assert_allclose(drawn[0].get_ydata(), second - first)
        for segment in drawn[2][0].get_segments():  # 95 % limits of ±0.49 each, as if independent
            self.assertAlmostEqual(segment[1][1] - segment[0][1], 2 * 0.49 * np.sqrt(2.0))
        self.assertIn("Medians, conditional replay", texts_of(figure))
        self.assertNotIn("not alike", texts_of(figure))
        self.assertIn("not paired, so too wide where the runs share random numbers", texts_of(figure))

    def test_it_says_when_runs_are_not_alike(self):
        for changes, words in (({"seed": np.uint64(7)}, "not alike: different seeds"),
                               ({"n_paths": 1000}, "not alike: different numbers of paths"),
                               ({"conditional": 0, "drawn": "settlements are drawn"},
                                "not alike: replay and free run"),
                               ({"status": "interrupted"}, "not alike: unfinished run")):
            with self.subTest(words):
                self.assertIn(words, texts_of(self.drawn(self.full, self.other(**changes))))

    def test_only_common_days_are_compared(self):
        late = self.other("late.h5")
        with h5py.File(late, "a") as file:
            file["stats/time"].attrs["units"] = "days since 2019-09-18"
        figure = self.drawn(self.full, late)
        self.assertIn("not alike: common days only", texts_of(figure))
        with h5py.File(self.full) as one, h5py.File(late) as two:
            days = one["stats/time"][:].tolist()
            shifted = (two["stats/time"][:] + 7).tolist()
            first, second = one["stats/spread_quantile"][3], two["stats/spread_quantile"][3]
        common = [day for day in days if day in shifted]
        self.assertLess(len(common), len(days))
        np.testing.assert_allclose(figure.axes[1].containers[0][0].get_ydata(),
                                   [second[shifted.index(day)] - first[days.index(day)] for day in common])
        with h5py.File(late, "a") as file:
            file["stats/time"].attrs["units"] = "days since 2029-09-18"
        self.refuse(2, "fewer than two days in common", self.full, late, "-o", self.here / "refused.png")

    def test_options(self):
        other = self.other()
        figure = self.drawn(self.full, other, "--band", "50", "--scale", "symlog", "--label", "a", "--label", "b")
        self.assertIn("shaded: 25–75 % of paths", texts_of(figure))
        self.assertEqual(figure.axes[0].get_yscale(), "symlog")
        self.assertLess(figure.axes[0].get_ylim()[1], 1000.0, "ticks do not stretch the axis")

    def test_errors(self):
        refused = ("-o", self.here / "refused.png")
        self.refuse(2, "two to 5", self.full, *refused)
        self.refuse(2, "--quantity: of a comparison only", self.full, self.full, "--quantity", "peak", *refused)
        self.refuse(2, r"'sprad'; it has .*spread", self.full, self.full, "--variable", "sprad", *refused)
        self.refuse(2, "--band: between", self.full, self.full, "--band", "100", *refused)
        self.refuse_without("stats/spread_quantile_lo", "has no /stats/spread_quantile_lo; .*--set", self.full)


class PlotComparison(ScriptCase):
    """The same script, of one file of `repoquake compare`."""

    script = plot_compare

    def comparison(self, count=1, **changes):
        path = self.here / "comparison.h5"
        write_comparison(path, alike_spreads(count), **changes)
        return path

    def test_formats(self):
        self.draw_all_kinds(self.comparison())

    def test_days_are_drawn_as_stored(self):
        for count in (1, 4):
            for variable in ("spread", "sofr"):
                with self.subTest(count=count, variable=variable):
                    path = self.comparison(count)
                    medians, differences = self.drawn(path, "--variable", variable).axes[:2]
                    with h5py.File(path) as file:
                        days = {name: file[f"days/{variable}_{name}"][:] for name in (
                            "base_median", "median", "difference", "difference_se")}
                    self.assertEqual(len(days["difference"]), count)
                    np.testing.assert_array_equal([line.get_ydata() for line in medians.lines[:count + 1]],
                                                  [days["base_median"], *days["median"]])
                    drawn = [line.get_ydata() for line in differences.lines if len(line.get_xdata()) > 2]
                    np.testing.assert_array_equal(drawn, days["difference"])
                    self.assertEqual(len(differences.collections), count)
                    for band, middle, error in zip(differences.collections, days["difference"],
                                                   days["difference_se"]):
                        corners = band.get_paths()[0].vertices
                        for row in range(len(DATES)):
                            at = corners[corners[:, 0] == row, 1]
                            np.testing.assert_allclose((at.min(), at.max()),
                                                       (middle[row] - 2 * error[row], middle[row] + 2 * error[row]))

    def test_table(self):
        path = self.comparison()
        with h5py.File(path, "a") as file:
            window = file["window"]
            names = window["quantity"].asstr()[:].tolist()
            k = names.index("mean_spread")
            for name, value in (("difference", -31.42), ("difference_se", 0.87), ("value", 1234.5), ("value_se", 20.0),
                                ("share_larger", 0.125)):
                window[name][0, k] = value
        words = texts_of(self.drawn(path)).splitlines()
        self.assertIn("−31.4 ± 0.9", words)
        self.assertIn("1,234 ± 20", words)
        self.assertIn("12.5 % of paths", words)
        self.assertIn("mean_spread, bp", words)
        quantities = [word for word in words if word.startswith(("p_above", "peak", "mean_", "on_rrp", "quantile"))]
        self.assertEqual(quantities, ["p_above_50bp: P(max(spread) > 50 bp)", "peak, bp: mean(max(spread))",
                                      "quantile(peak_spread, 95 %), bp", "mean_spread, bp"],
                         "metrics first, then the peak; no row twice, none that does not differ")
        chosen = texts_of(self.drawn(path, "--quantity", "on_rrp_peak", "--quantity", "peak_spread")).splitlines()
        self.assertIn("on_rrp_peak, USD bn", chosen, "no room for its meaning")
        self.assertIn("peak_spread, bp: largest SOFR minus IORB of the window", chosen)
        self.assertNotIn("mean_spread, bp", chosen)
        self.assertNotIn("more rows", "".join(words))
        with mock.patch.object(plot_compare, "MOST_ROWS", 1):
            few = texts_of(self.drawn(path))
        self.assertIn("; 3 more rows with --quantity", few)
        self.assertNotIn("mean_spread", few)

    def test_a_difference_within_its_error_is_pale(self):
        path = self.comparison()
        for difference, colour in ((1.9, plot_compare.PALE), (2.1, "black")):
            with h5py.File(path, "a") as file:
                file["window/difference"][0, 1], file["window/difference_se"][0, 1] = difference, 1.0
            figure = self.drawn(path, "--quantity", "mean_spread")
            text = next(text for text in figure.findobj(matplotlib.text.Text)
                        if text.get_text() == f"+{difference} ± 1.0")
            self.assertEqual(text.get_color(), colour)

    def test_numbers_have_the_digits_that_their_errors_leave(self):
        for value, error, signed, text in ((-31.42, 0.87, True, "−31.4 ± 0.9"), (31.42, 0.13, True, "+31.42 ± 0.13"),
                                           (240.44, 6.2, False, "240 ± 6"), (0.0, 1.0, True, "0.0 ± 1.0"),
                                           (1385.44, 2.2, False, "1,385.4 ± 2.2"), (5.0, 0.0, False, "5"),
                                           (0.125, np.nan, True, "+0.125"), (0.0, 0.0, True, "0"),
                                           (np.nan, 1.0, True, "–"), (123456.0, 4000.0, False, "123,456 ± 4,000")):
            with self.subTest(value=value, error=error):
                self.assertEqual(plot_compare.number(value, error, signed), text)

    def test_what_the_reader_must_know(self):
        words = texts_of(self.drawn(self.comparison(2)))
        for said in ("Medians, conditional replay", "Difference from the base, mean over paths", "errors are paired",
                     "base: September 2019 repo spike", "September 2019 repo spike, milder_2.yaml", "400 paths"):
            self.assertIn(said, words)
        for unsaid in ("not alike", "need 812.3"):
            self.assertNotIn(unsaid, words)
        free = texts_of(self.drawn(self.comparison(conditional=0, paired=0, needs=[812.3, 799.0])))
        for said in ("Medians, free run", "not alike: not the same draws", "errors are of independent runs",
                     "base: September 2019 repo spike, need 812.3 bn USD", "milder_1.yaml, need 799.0 bn USD"):
            self.assertIn(said, free)
        self.assertNotIn("errors are paired", free)
        mixed = self.comparison()
        with h5py.File(mixed, "a") as file:
            file["scenarios/conditional"][1] = 0
        words = texts_of(self.drawn(mixed, "--label", "one", "--label", "two", "--scale", "symlog"))
        for said in ("not alike: replay and free run", "base: one (conditional replay)", "two (free run)"):
            self.assertIn(said, words)

    def test_errors(self):
        refused = ("-o", self.here / "refused.png")
        path = self.comparison()
        self.refuse(2, "a comparison is drawn alone", path, self.full, *refused)
        self.refuse(2, "a comparison is drawn alone", path, path, *refused)
        self.refuse(2, "--band: a comparison has no bands", path, "--band", "90", *refused)
        self.refuse(2, r"'sprad'; it has sofr, spread$", path, "--variable", "sprad", *refused)
        self.refuse(2, r"'peek': .*comparison\.h5 has peak_spread, .*peak$", path, "--quantity", "peek", *refused)
        self.refuse(2, "given 1 times for 2", path, "--label", "one", *refused)
        self.refuse(2, "has 6 scenarios, of which 2 to 5 .*compare fewer", self.comparison(5), *refused)
        with h5py.File(path := self.comparison(), "a") as file:
            file["days/spread_base_median"][:] = file["days/spread_median"][:] = np.nan
        self.refuse(2, "every median of 'spread' is missing; 50 %", path, *refused)
        with h5py.File(path := self.comparison(), "a") as file:  # as the program does where the days differ
            del file["days/spread_median"]
        self.refuse(2, "no differences by day: its scenarios have not the same days", path, *refused)
        for lacking in ("window/difference_se", "days/spread_base_median", "scenarios/need"):
            path = self.comparison()
            with h5py.File(path, "a") as file:
                del file[lacking]
            message = self.refuse(65, rf"comparison\.h5: has no /{lacking}$", path, *refused)
            self.assertEqual(len(message.splitlines()), 1)
        with mock.patch.object(self, "script", plot_fan):
            self.refuse(65, "not a result of repoquake .*comparison/1", self.comparison(), *refused)
        self.assertFalse((self.here / "refused.png").exists())


class PlotConvergence(ScriptCase):
    script = plot_convergence

    def settling(self, name, rule=None, counts=COUNTS, shift=1.0, **attributes):
        path = self.here / name
        write_result(path, n_paths=10, **attributes)
        write_convergence(path, counts=counts, rule=rule, shift=shift)
        return path

    def panels(self, figure):
        """Axes of values by title, and of the errors below them."""
        values = {axes.get_title(loc="left"): axes for axes in figure.axes if axes.get_title(loc="left")}
        return values, [axes for axes in figure.axes if axes.get_yscale() == "log"]

    def levels(self, axes):
        """Heights of the horizontal lines, places of the vertical ones."""
        ends = [(np.asarray(line.get_xdata()), np.asarray(line.get_ydata())) for line in axes.lines]
        return ([y[0] for x, y in ends if list(x) == [0, 1]], [x[0] for x, y in ends if list(y) == [0, 1]])

    def test_formats(self):
        self.draw_all_kinds(self.settling("kinds.h5"), "--quantity", "p_above")

    def test_what_is_drawn_is_what_is_stored(self):
        result = self.settling("one.h5")
        figure = self.drawn(result)
        values, errors = self.panels(figure)
        self.assertEqual(list(values), ["mean(peak_spread)\npeak: mean(max(spread))", "quantile(peak_spread, 95 %)",
                                        "p_above: P(max(spread) > 75 bp)", "unwind: mean(sum(basis_sales))"],
                         "the metric that is the first feature again has no panel of its own")
        with h5py.File(result) as file:
            stored = {name: file["convergence"][name][:] for name in ("value", "se", "ci_lo", "ci_hi")}
        for column, above, below in zip((0, 1, 3, 4), values.values(), errors):
            self.assertEqual(above.get_xscale(), "log")
            self.assertEqual(self.levels(above), ([stored["value"][-1, column]], []))
            np.testing.assert_array_equal(above.lines[-1].get_xdata(), COUNTS)
            np.testing.assert_array_equal(above.lines[-1].get_ydata(), stored["value"][:, column])
            band = above.collections[0].get_paths()[0].vertices
            for count, low, high in zip(COUNTS, stored["ci_lo"][:, column], stored["ci_hi"][:, column]):
                at = band[band[:, 0] == count, 1]
                self.assertEqual((at.min(), at.max()), (low, high))
            np.testing.assert_array_equal(below.lines[0].get_ydata(), stored["se"][:, column])
            np.testing.assert_allclose(below.lines[1].get_ydata(), stored["se"][:, column],
                                       err_msg="the guide has the slope of 1/sqrt(n)")
        self.assertIn("conditional replay", texts_of(figure))
        self.assertNotIn("rule to stop", texts_of(figure))

    def test_rule_to_stop(self):
        for reason, words in (("settled", "it ended the run"), ("all_paths_done", "it did not end the run")):
            with self.subTest(reason):
                result = self.settling("ruled.h5", rule=("peak", 6.0, 2000), stop_reason=reason)
                figure = self.drawn(result)
                values, _ = self.panels(figure)
                ruled, *others = values.values()
                with h5py.File(result) as file:
                    end = file["convergence/value"][-1, 2]
                self.assertEqual(self.levels(ruled), ([end, end - 6.0, end + 6.0], [2000]))
                self.assertTrue(all(len(self.levels(axes)[0]) == 1 for axes in others))
                self.assertIn(f"rule to stop: peak within ±6 bp, from 2,000 paths on; {words}", texts_of(figure))
                self.assertNotIn("rule to stop", texts_of(self.drawn(result, "--quantity", "unwind")))

    def test_quantities_and_several_results(self):
        one = self.settling("one.h5")
        two = self.settling("two.h5", counts=COUNTS[:3], shift=1.1, conditional=0, drawn="flows", title="Milder")
        figure = self.drawn(one, two, "--quantity", "unwind", "--quantity", "peak")
        values, _ = self.panels(figure)
        self.assertEqual(list(values), ["unwind: mean(sum(basis_sales))", "peak: mean(max(spread))"])
        for axes, column in zip(values.values(), (4, 2)):
            for path, line in zip((one, two), [line for line in axes.lines if len(line.get_xdata()) > 2]):
                with h5py.File(path) as file:
                    np.testing.assert_array_equal(line.get_ydata(), file["convergence/value"][:, column])
        for words in ("Milder (free run)", "September 2019 repo spike (conditional replay)"):
            self.assertIn(words, texts_of(figure))

    def test_one_count_and_missing_errors(self):
        result = self.settling("short.h5", counts=(1,))
        with h5py.File(result, "a") as file:
            for name in ("se", "ci_lo", "ci_hi"):
                file[f"convergence/{name}"][:] = np.nan
        figure = self.drawn(result, "--quantity", "unwind")
        self.assertIn("number of paths", texts_of(figure))
        self.assertNotIn("slope", texts_of(figure))

    def test_errors(self):
        refused = ("-o", self.here / "refused.png")
        result = self.settling("one.h5")
        message = self.refuse(65, r"full\.h5: has no /convergence/n_paths; run the scenario again", self.full, *refused)
        self.assertEqual(len(message.splitlines()), 1)
        kept = ROOT / "tests" / "data" / "result_format_1.h5"
        self.refuse(65, r"result_format_1\.h5: has no /convergence/n_paths", kept, *refused)
        self.refuse(2, r"'peek': .*one\.h5 has mean\(peak_spread\), .*unwind$", result, "--quantity", "peek", *refused)
        self.refuse(2, "at most 6", result, *["--quantity", "peak"] * 7, *refused)
        self.refuse(2, "at most 5", *[result] * 6, *refused)
        other = self.settling("other.h5")
        with h5py.File(other, "a") as file:
            file["convergence/unit"][4] = "bp"
        self.refuse(2, "unwind: different units: 1e9 USD, bp", result, other, *refused)
        with h5py.File(other, "a") as file:
            file["convergence/quantity"][...] = [f"another {i}" for i in range(5)]
        self.refuse(2, "no quantity in common", result, other, *refused)
        empty = self.settling("empty.h5", counts=())
        self.refuse(65, r"empty\.h5: /convergence is empty", empty, *refused)
        self.assertFalse((self.here / "refused.png").exists())


class Gallery(unittest.TestCase):
    """The page shows the figures that its script draws, no more and no fewer."""

    def test_page_script_and_figures_agree(self):
        page = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
        shown = re.findall(r"^!\[[^]]+\]\(figures/(\w+)\.png\)$", page, re.MULTILINE)
        script = (ROOT / "scripts" / "make_gallery.sh").read_text(encoding="utf-8")
        drawn = re.findall(r"^draw (\w+) ", script, re.MULTILINE)
        self.assertEqual(sorted(shown), sorted(drawn))
        self.assertGreater(len(shown), 5)
        for name in shown:
            content = (ROOT / "docs" / "figures" / f"{name}.png").read_bytes()
            self.assertTrue(content.startswith(b"\x89PNG"))
            self.assertLess(len(content), 120_000, name)

    def test_every_script_is_listed_and_shown(self):
        pages = {name: (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("gallery.md", "result_file.md")}
        for script in (ROOT / "scripts").glob("plot_*.py"):
            for name, page in pages.items():
                self.assertIn(f"scripts/{script.name}", page, name)


class HelpOfEveryScript(unittest.TestCase):
    def test_help(self):
        for script in sorted((ROOT / "scripts").glob("plot_*.py")):
            with self.subTest(script.name):
                done = subprocess.run([sys.executable, script, "--help"], capture_output=True, text=True, timeout=100)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertIn("--output FIGURE", done.stdout)
                self.assertIn("Exit codes", done.stdout)


class ReadingResults(unittest.TestCase):
    """The shared module, on values that are known."""

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.path = Path(self.directory.name) / "result.h5"

    def test_dates_values_and_missing_values(self):
        write_result(self.path)
        with repoquake_plots.Result(self.path) as result:
            self.assertEqual(result.dates("stats"), DATES)
            self.assertEqual(result.variables(), ["spread"])
            observed = result.read("observed", "spread")
            self.assertTrue(np.isnan(observed[1]))
            self.assertEqual(observed[4], 315.0)
            self.assertEqual(result.read("paths", "spread", rows=3).shape, (3, len(DATES)))
            median = result.read("stats", "spread_quantile")[3]
            self.assertAlmostEqual(median[0], MEDIANS[0], places=6)
            self.assertEqual(result.label("spread"), "SOFR − IORB (bp)")
            self.assertIn("2,000 paths", result.footnote())

    def test_title_says_when_it_is_conditional_or_unfinished(self):
        for conditional, status, pattern in ((1, "complete", r"^September 2019.*\nconditional replay$"),
                                             (0, "complete", r"^September 2019 repo spike$"),
                                             (1, "interrupted", r"conditional replay\ninterrupted$")):
            with self.subTest(conditional=conditional, status=status):
                write_result(self.path, n_paths=10, conditional=conditional, status=status)
                with repoquake_plots.Result(self.path) as result:
                    self.assertTrue(re.search(pattern, result.title()), result.title())

    def test_title_of_a_free_run(self):
        write_result(self.path, n_paths=10, conditional=0, drawn="settlements are drawn")
        with repoquake_plots.Result(self.path) as result:
            self.assertEqual(result.title(), "September 2019 repo spike\nfree run")

    def test_label_without_paths(self):
        write_result(self.path, n_paths=10, with_paths=False)
        with h5py.File(self.path, "a") as file:
            file["stats/tga_mean"] = np.zeros(len(DATES))
            file["stats/tga_mean"].attrs.update({"units": "1e9 USD", "long_name": "Treasury account, mean over paths"})
        with repoquake_plots.Result(self.path) as result:
            self.assertEqual(result.label("tga"), "Treasury account (USD bn)")

    def test_layout_has_no_digits_that_could_differ(self):
        figure, axes = plt.subplots(3, layout="constrained")
        self.addCleanup(plt.close, figure)
        before = axes[1].get_position().bounds
        repoquake_plots.settle_layout(figure, 100)
        figure.draw_without_rendering()
        after = axes[1].get_position().bounds
        self.assertGreater(np.abs(np.subtract(before, after)).max(), 0.01, "the layout has been made")
        np.testing.assert_allclose(after, np.round(after, 9), rtol=0, atol=1e-15)

    def test_event_marks(self):
        self.assertEqual(repoquake_plots.event_marks(DATES), [(3, "tax date, 16 Sep"), (13, "quarter-end, 30 Sep")])


if __name__ == "__main__":
    unittest.main()
