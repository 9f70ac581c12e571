"""The plot scripts draw real figures of a result, and refuse what is wrong in one line with the right exit code."""

import contextlib
import io
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import h5py
import matplotlib.image
import numpy as np

from synthetic_result import DATES, MEDIANS, write_result

ROOT = Path(os.environ.get("REPOQUAKE_SOURCE_DIR", Path(__file__).resolve().parents[2]))
PLOT_FAN = ROOT / "scripts" / "plot_fan.py"
sys.path.insert(0, str(ROOT / "scripts"))
import plot_fan  # noqa: E402
import repoquake_plots  # noqa: E402

BAND = np.array([0xA9, 0xCB, 0xE6]) / 255.0  # the 5-95 % band
OBSERVED = np.array([0xD5, 0x5E, 0x00]) / 255.0


class PlotFan(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.here = Path(cls.directory.name)
        cls.result = cls.here / "result.h5"
        write_result(cls.result)

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def run_script(self, *arguments):
        """The script as a user starts it."""
        return subprocess.run([sys.executable, str(PLOT_FAN), *map(str, arguments)], capture_output=True, text=True,
                              cwd=self.here, timeout=100)

    def call_script(self, *arguments):
        """The same in this process, which is much faster: nothing has to be imported again."""
        out, err, code = io.StringIO(), io.StringIO(), 0
        with mock.patch.object(sys, "argv", [str(PLOT_FAN), *map(str, arguments)]), \
                contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                repoquake_plots.run_script(plot_fan.main)
            except SystemExit as end:
                code = end.code or 0
        return SimpleNamespace(returncode=code, stdout=out.getvalue(), stderr=err.getvalue())

    def draw(self, name, *arguments, run=None):
        figure = self.here / name
        done = (run or self.call_script)(*arguments, "-o", figure)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        return figure

    def refuse(self, exit_code, pattern, *arguments, run=None):
        done = (run or self.call_script)(*arguments)
        self.assertEqual(done.returncode, exit_code, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertNotIn("Traceback", done.stderr)
        self.assertRegex(done.stderr.splitlines()[-1], pattern)
        return done.stderr

    def share_of(self, picture, colour):
        return np.mean(np.abs(picture[..., :3] - colour).max(axis=2) < 0.01)

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

    def test_event_marks(self):
        self.assertEqual(repoquake_plots.event_marks(DATES), [(3, "tax date, 16 Sep"), (13, "quarter-end, 30 Sep")])


if __name__ == "__main__":
    unittest.main()
