"""Results of format 1, written once and kept in tests/data, stay readable: by the program, the plot scripts and xarray."""

import csv
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
from unittest import mock

import h5py
import matplotlib.pyplot as plt
import numpy as np
import xarray
import yaml

from result_numbers import describe, numbers

PROGRAM = os.environ["REPOQUAKE_PROGRAM"]
ROOT = Path(os.environ["REPOQUAKE_SOURCE_DIR"])
DATA = ROOT / "tests" / "data"
KEPT = json.loads((DATA / "result_format_1.json").read_text(encoding="utf-8"))
REPLAY, FREE = DATA / "result_format_1.h5", DATA / "result_format_1_free.h5"
sys.path.insert(0, str(ROOT / "scripts"))
import plot_compare  # noqa: E402
import plot_exceedance  # noqa: E402
import plot_fan  # noqa: E402
import plot_scores  # noqa: E402
import repoquake_plots  # noqa: E402

# What no table of `export` has: coordinates, which stand in the columns' names, and these.
NOT_EXPORTED = {"features": {"quantile", "threshold", "peak_spread_exceed", "peak_spread_exceed_se",
                             "peak_sofr_over_effr_exceed", "peak_sofr_over_effr_exceed_se"},
                "stats": {"quantile", "threshold", "flag", "flag_days", "flag_paths"}, "scores": {"unit"},
                "summary": {"threshold", "time"}, "transmission": {"quantile", "time"}}

COORDINATES = ("time", "path", "window", "variable")  # repeated from row to row where a table has two of them


def program(*words):
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, cwd=ROOT, check=False)


def datasets_of(name, group):
    return {key.split("/")[1]: about for key, about in KEPT[name]["datasets"].items() if key.startswith(f"{group}/")}


def groups_of(name):
    return sorted({key.split("/")[0] for key in KEPT[name]["datasets"]})


def differences(found, kept):
    """The keys whose numbers are not the kept ones; sums may be added up in another order."""
    def same(a, b):
        if isinstance(b, float) and isinstance(a, (int, float)):
            return abs(a - b) <= 1e-12 * max(1.0, abs(b))
        return a == b
    return [key for key, about in kept.items()
            if key not in found or any(not same(found[key].get(item), value) for item, value in about.items())]


def reduced(about, *items):
    return {key: value for key, value in about.items() if key in items}


def table_numbers(rows):
    """Numbers, or texts, by dataset of an exported table: the columns `name[0.5]`, `name[0.95]` are one dataset."""
    columns = {}
    for column in rows[0]:
        columns.setdefault(column.split("[")[0], []).append([row[column] for row in rows])
    found = {}
    for name, values in columns.items():
        try:
            cells = [[float("nan") if cell in ("", None) else float(cell) for cell in column] for column in values]
            found[name] = numbers(cells)
        except ValueError:
            found[name] = {"texts": values[0]}
    return found


def wrong_corners(rows, kept):
    """The coordinates that are not the kept ones in the first and the last row."""
    wrong = []
    for key in set(COORDINATES) & set(rows[0]):
        if key == "time":
            days = [kept["time"]["first"], kept["time"]["last"]]
            expected = [str(np.datetime64(kept["time"]["units"].split()[-1]) + int(day)) for day in days]
        elif key == "path":
            expected = [str(int(kept["path"]["first"])), str(int(kept["path"]["last"]))]
        else:
            expected = [kept[key]["texts"][0], kept[key]["texts"][-1]]
        if [str(rows[0][key]), str(rows[-1][key])] != expected:
            wrong.append(key)
    return wrong


class TheKeptFiles(unittest.TestCase):
    def test_nobody_made_them_again(self):
        self.assertEqual({REPLAY.name, FREE.name}, set(KEPT))
        for name, kept in KEPT.items():
            found = describe(DATA / name)
            self.assertEqual(kept["sha256"], found["sha256"], "tests/data/README.md: these files are never made again")
            self.assertEqual(kept["attributes"], found["attributes"])
            self.assertEqual([], differences(found["datasets"], kept["datasets"]))

    def test_control_one_changed_number_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            changed = Path(folder) / "a.h5"
            shutil.copy(REPLAY, changed)
            with h5py.File(changed, "a") as file:
                file["stats/spread_mean"][4] += 1e-6
                file["summary/flags"][39] += 1
            kept = KEPT[REPLAY.name]
            self.assertEqual(["stats/spread_mean", "summary/flags"],
                             differences(describe(changed)["datasets"], kept["datasets"]))
            self.assertNotEqual(kept["sha256"], describe(changed)["sha256"])


class Program(unittest.TestCase):
    def test_info(self):
        for name, kept in KEPT.items():
            done = program("info", DATA / name)
            self.assertEqual((0, ""), (done.returncode, done.stderr))
            attributes = kept["attributes"]
            for words in (attributes["title"], "repoquake/result/1, complete", f"{attributes['n_paths']} paths, seed "
                          f"{attributes['seed']}, created {attributes['created']}"):
                self.assertIn(words, done.stdout)
            for key, about in kept["datasets"].items():
                line = re.search(rf"^/{key.split('/')[0]}\n(?:  .*\n)*?  {key.split('/')[1]} *\((.*?) *\) (.*)$",
                                 done.stdout, re.MULTILINE)
                self.assertIsNotNone(line, key)
                shape = [int(part.split()[-1]) for part in line[1].split(", ")]
                self.assertEqual(about["shape"], shape, key)
                self.assertTrue(line[2].startswith(about["units"] or ""), key)
        mean = datasets_of(REPLAY.name, "features")["mean"]["first"]
        self.assertRegex(program("info", REPLAY).stdout, rf"\n  peak_spread +{mean:.2f} ± ")

    def test_export_of_every_table(self):
        for name in KEPT:
            for group in groups_of(name):
                kept = {key: reduced(about, "first", "last", "sum", "missing", "texts")
                        for key, about in datasets_of(name, group).items()
                        if key not in NOT_EXPORTED.get(group, ()) and key not in COORDINATES}
                with self.subTest(file=name, table=group):
                    as_csv = program("export", DATA / name, group)
                    self.assertEqual((0, ""), (as_csv.returncode, as_csv.stderr))
                    as_json = program("export", DATA / name, group, "--format", "json")
                    self.assertEqual((0, ""), (as_json.returncode, as_json.stderr))
                    rows = list(csv.DictReader(io.StringIO(as_csv.stdout)))
                    for table in (rows, json.loads(as_json.stdout)):
                        self.assertEqual([], differences(table_numbers(table), kept))
                        self.assertEqual([], wrong_corners(table, datasets_of(name, group)))

    def test_export_of_one_path(self):
        for name in KEPT:
            last = KEPT[name]["attributes"]["n_paths"] - 1
            for group in ("paths", "summary"):
                rows = list(csv.DictReader(io.StringIO(program("export", DATA / name, group, "--path", last).stdout)))
                self.assertEqual({str(last)}, {row["path"] for row in rows})
                found = {key: about for key, about in table_numbers(rows).items() if key not in ("path", "time")}
                kept = {key: reduced(datasets_of(name, group)[key], "last") for key in found}
                self.assertEqual([], differences(found, kept))
                self.assertGreaterEqual(len(kept), 1)

    def test_it_runs_again(self):
        """Later programs may have other values and more keys; those of the kept scenario stay what they are."""
        def contained(old, new):
            if isinstance(old, dict):
                return isinstance(new, dict) and all(key in new and contained(value, new[key]) for key, value in old.items())
            if isinstance(old, list) and isinstance(new, list):
                return len(old) == len(new) and all(map(contained, old, new))
            return old == new

        for name in KEPT:
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                again = Path(folder) / "again.h5"
                done = program("run", "--from", DATA / name, "--quiet", "--output", again)
                self.assertEqual((0, ""), (done.returncode, done.stderr))
                with h5py.File(DATA / name) as old, h5py.File(again) as new:
                    scenarios = [yaml.safe_load(file["provenance/resolved_scenario"][()]) for file in (old, new)]
                    self.assertTrue(contained(*scenarios))
                    if old["provenance/resolved_scenario"][()] == new["provenance/resolved_scenario"][()]:
                        self.assertEqual(old.attrs["scenario_sha256"], new.attrs["scenario_sha256"])
                    for attribute in ("title", "seed", "n_paths", "conditional", "rng", "status"):
                        self.assertEqual(old.attrs[attribute], new.attrs[attribute])
                found = describe(again)["datasets"]
                for key, about in KEPT[name]["datasets"].items():
                    if key.split("/")[0] in ("stats", "paths", "metrics", "observed", "transmission") and "flag" not in key:
                        items = ("dimensions", "shape", "units")
                        self.assertEqual(reduced(about, *items), reduced(found[key], *items), key)
                scenarios[1]["simulate"]["paths"] += 1  # the comparison can fail
                self.assertFalse(contained(*scenarios))


class Refusals(unittest.TestCase):
    """Copies that are no results of this format: every verb and every plot script says why, in one line."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.copy = Path(folder.name) / "copy.h5"
        shutil.copy(REPLAY, self.copy)

    def refused(self, pattern):
        for words in (("info", self.copy), ("export", self.copy, "stats"),
                      ("run", "--from", self.copy, "--output", self.copy.with_name("out.h5"))):
            done = program(*words)
            self.assertEqual((65, ""), (done.returncode, done.stdout), words)
            self.assertRegex(done.stderr, rf"^repoquake: \S*/copy\.h5: {pattern}\n$")

    def refused_by_a_figure(self, pattern):
        done = subprocess.run([sys.executable, plot_fan.__file__, self.copy, "-o", self.copy.with_name("fan.png")],
                              capture_output=True, text=True, check=False)
        self.assertEqual(65, done.returncode)
        self.assertRegex(done.stderr, pattern)

    def test_a_newer_format(self):
        with h5py.File(self.copy, "a") as file:
            file.attrs["format"] = "repoquake/result/2"
        self.refused("made by a newer repoquake: repoquake/result/2, this program reads up to repoquake/result/1")
        self.refused_by_a_figure("repoquake/result/2")

    def test_foreign(self):
        with h5py.File(self.copy, "a") as file:
            del file.attrs["format"]
        self.refused("not a repoquake result: an HDF5 file without the attribute \"format\"")
        self.refused_by_a_figure("not a result of repoquake")

    def test_truncated(self):
        whole = REPLAY.read_bytes()
        for size in (len(whole) // 2, len(whole) - 1):
            self.copy.write_bytes(whole[:size])
            self.refused(f"truncated: the file ends at {size} bytes, before its content does")
        self.refused_by_a_figure("not an HDF5 file, or damaged")


class Figures(unittest.TestCase):
    """What the scripts draw of the kept results is what h5py reads in them."""

    def drawn(self, script, *arguments):
        words = [script.__file__, *map(str, arguments), "-o", "unwritten.png"]
        with mock.patch.object(script, "save") as save, mock.patch.object(sys, "argv", words):
            repoquake_plots.run_script(script.main)
        figure = save.call_args[0][0]
        self.addCleanup(plt.close, figure)
        return [np.asarray(line.get_ydata(), float) for axes in figure.axes for line in axes.lines]

    def assert_drawn(self, values, lines):
        self.assertTrue(any(len(line) == len(values) and np.allclose(line, values, rtol=1e-6) for line in lines))

    def test_figures(self):
        with h5py.File(REPLAY) as replay, h5py.File(FREE) as free:
            medians = replay["stats/spread_quantile"][1], free["stats/spread_quantile"][0]
            above = 100 * replay["stats/spread_exceed"][0]
            observed = replay["observed/spread"][:]
        fan = self.drawn(plot_fan, REPLAY)
        self.assert_drawn(medians[0], fan)
        self.assert_drawn(observed, fan)
        self.assert_drawn(medians[1], self.drawn(plot_fan, FREE))
        self.assert_drawn(medians[0], self.drawn(plot_compare, REPLAY, REPLAY))
        lines = self.drawn(plot_exceedance, REPLAY)
        self.assertTrue(any(len(line) == len(above) and (np.allclose(line, above) or np.allclose(line, above / 100))
                            for line in lines))
        self.assertTrue(self.drawn(plot_scores, REPLAY))
        with self.assertRaises(AssertionError):  # the comparison can fail
            self.assert_drawn(medians[0] + 0.01, fan)


class Xarray(unittest.TestCase):
    def test_both_engines(self):
        for name in KEPT:
            for group in groups_of(name):
                for engine in ("netcdf4", "h5netcdf"):
                    with self.subTest(file=name, group=group, engine=engine), \
                            xarray.open_dataset(DATA / name, group=group, engine=engine) as data:
                        kept = datasets_of(name, group)
                        self.assertEqual(set(kept), set(data.variables))
                        found = {}
                        for key, values in data.variables.items():
                            if values.dtype.kind == "M":  # dates, of the kept days since a day
                                first = np.datetime64(kept[key]["units"].split()[-1])
                                values = ((values.values - first) / np.timedelta64(1, "D")).astype(float)
                            found[key] = {"shape": list(values.shape)}
                            if values.dtype.kind == "O":
                                found[key]["texts"] = values.values.tolist()
                            else:
                                found[key].update(numbers(values))
                        items = ("shape", "texts", "first", "last", "sum", "missing")
                        expected = {key: reduced(about, *items) for key, about in kept.items()}
                        self.assertEqual([], differences(found, expected))
                        time = data.get("time")
                        if time is not None:
                            self.assertEqual("M", time.dtype.kind)


if __name__ == "__main__":
    unittest.main()
