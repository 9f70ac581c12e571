"""A result of the program as its readers see it: h5py, and xarray with both engines.

REPOQUAKE_PROGRAM names the program, REPOQUAKE_SOURCE_DIR the source tree.
"""

import csv
import datetime
import hashlib
import importlib.util
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import h5py
import numpy as np

from program_case import contents

PROGRAM = Path(os.environ.get("REPOQUAKE_PROGRAM") or "no-program")
ROOT = Path(os.environ.get("REPOQUAKE_SOURCE_DIR", Path(__file__).resolve().parents[2]))
SCENARIO = ROOT / "scenarios" / "sep_2019.yaml"
SERIES = ROOT / "scenarios" / "data" / "sep_2019.csv"
N_PATHS = 2000

UNIT_OF = {
    "spread": "bp", "sofr": "percent", "sofr_p1": "percent", "sofr_p25": "percent", "sofr_p75": "percent",
    "sofr_p99": "percent", "tgcr": "percent", "reserves": "1e9 USD", "tga": "1e9 USD", "on_rrp": "1e9 USD",
    "standing_repo": "1e9 USD", "repo_operations": "1e9 USD", "repo_need": "1e9 USD", "bank_capacity": "1e9 USD",
    "basis_position": "1e9 USD", "basis_sales": "1e9 USD", "dealer_inventory": "1e9 USD", "futures_basis": "bp",
    "yield_impact": "bp", "hf_return": "percent",
}
RATES = {"sofr", "sofr_p1", "sofr_p25", "sofr_p75", "sofr_p99", "tgcr"}
ROOT_ATTRIBUTES = {"Conventions", "format", "title", "created", "status", "conditional", "scenario_name",
                   "scenario_sha256", "seed", "rng", "n_paths", "stop_reason", "program_version", "git_describe"}
QUANTILES = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
THRESHOLDS = [10.0, 25.0, 50.0, 100.0, 200.0]

# What the file rounds stored values to, by the scenario's defaults: 0.01 bp, and 1 mn USD. Bit-rounding keeps the
# error below the step; float32 adds less than 1e-7 of the value.
STEP_BP = 0.01
STEP_BN = 0.001

# A quantile of /stats comes from a histogram whose bins are at most (|x| + 64) / 4096 wide, in bp and USD bn
# (stats/quantile.hpp); a rate in percent is binned in bp.
BIN_KNEE, BIN_SHARE = 64.0, 1.0 / 4096.0

directory = None
result = None


def run_program(output, *arguments):
    command = [str(PROGRAM), "run", str(SCENARIO), "--output", str(output), "--quiet", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=100)


def setUpModule():
    global directory, result
    if not PROGRAM.is_file():
        raise unittest.SkipTest(f"REPOQUAKE_PROGRAM names no program: {PROGRAM}")
    directory = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(directory.cleanup)
    result = Path(directory.name) / "x.h5"
    done = run_program(result, "--paths", N_PATHS)
    if done.returncode != 0:
        raise AssertionError(f"the run ended with {done.returncode}: {done.stderr}")


def text_of(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def series_rows():
    with open(SERIES, newline="") as file:
        return list(csv.DictReader(file))


def series_dates():
    return [datetime.date.fromisoformat(row["date"]) for row in series_rows()]


def canonical(variable, values):
    """In bp or USD bn: the unit in which a value is rounded and binned."""
    return values * 100.0 if variable in RATES else values


def rounding(variable, values):
    return (STEP_BN if UNIT_OF[variable] == "1e9 USD" else STEP_BP) + 1e-6 * np.abs(values)


def datasets(group):
    """name -> dataset, of the group and all below it."""
    found = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = item

    group.visititems(visit)
    return found


class Layout(unittest.TestCase):
    """Names, shapes, units and coordinates, read with h5py."""

    @classmethod
    def setUpClass(cls):
        cls.file = h5py.File(result)

    @classmethod
    def tearDownClass(cls):
        cls.file.close()

    def assert_dimensions(self, name, *expected):
        dataset = self.file[name]
        self.assertEqual(dataset.ndim, len(expected), name)
        group = dataset.parent.name
        for dimension, coordinate in zip(dataset.dims, expected):
            self.assertEqual([scale.name for scale in dimension.values()], [f"{group}/{coordinate}"], name)

    def test_root_attributes(self):
        attributes = self.file.attrs
        self.assertLessEqual(ROOT_ATTRIBUTES, set(attributes))
        for name, expected in (("format", "repoquake/result/1"), ("status", "complete"), ("scenario_name", "sep-2019"),
                               ("title", "September 2019 repo spike")):
            self.assertEqual(text_of(attributes[name]), expected, name)
        for name, expected in (("n_paths", N_PATHS), ("seed", 20190917), ("conditional", 1)):
            self.assertEqual(int(attributes[name]), expected, name)
        self.assertRegex(text_of(attributes["created"]), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)$")
        self.assertRegex(text_of(attributes["scenario_sha256"]), r"^[0-9a-f]{64}$")
        self.assertIn("CF-", text_of(attributes["Conventions"]))
        self.assertIn("philox", text_of(attributes["rng"]).lower())
        version = subprocess.run([str(PROGRAM), "version"], capture_output=True, text=True, timeout=60)
        if version.returncode == 0:
            self.assertIn(text_of(attributes["program_version"]), version.stdout)

    def test_every_group_has_the_days(self):
        expected = [(day - series_dates()[0]).days for day in series_dates()]
        for group in ("stats", "paths", "observed"):
            with self.subTest(group):
                time = self.file[group]["time"]
                self.assertEqual(time.dtype, np.int32)
                self.assertTrue(h5py.h5ds.is_scale(time.id))
                self.assertEqual(text_of(time.attrs["units"]), "days since 2019-09-11")
                self.assertEqual(text_of(time.attrs["calendar"]), "proleptic_gregorian")
                self.assertEqual(time[()].tolist(), expected)

    def test_coordinates(self):
        np.testing.assert_allclose(self.file["stats/quantile"][()], QUANTILES, rtol=1e-15)
        np.testing.assert_array_equal(self.file["stats/threshold"][()], THRESHOLDS)
        self.assertEqual(text_of(self.file["stats/threshold"].attrs["units"]), "bp")
        for group in ("paths", "summary"):
            np.testing.assert_array_equal(self.file[group]["path"][()], np.arange(N_PATHS))

    def test_paths(self):
        self.assertEqual({name for name in self.file["paths"] if name not in ("path", "time")}, set(UNIT_OF))
        for variable, unit in UNIT_OF.items():
            with self.subTest(variable):
                dataset = self.file["paths"][variable]
                self.assertEqual(dataset.dtype, np.float32)
                self.assertEqual(dataset.shape, (N_PATHS, len(series_dates())))
                self.assert_dimensions(dataset.name, "path", "time")
                self.assertEqual(text_of(dataset.attrs["units"]), unit)
                self.assertGreater(len(text_of(dataset.attrs["long_name"])), 3)
                fill = np.ravel(dataset.attrs["_FillValue"])[0]
                self.assertEqual(np.asarray(fill).dtype, np.float32)
                values = dataset[()]
                self.assertTrue(np.isfinite(values).all() and (values != fill).all())
                self.assertEqual(len(np.unique(values[:, 0])), 1, "the opening day is the same on every path")

    def test_stats(self):
        for variable, unit in UNIT_OF.items():
            with self.subTest(variable):
                for statistic in ("mean", "mean_se", "sd", "min", "max"):
                    self.assert_dimensions(f"/stats/{variable}_{statistic}", "time")
                    self.assertEqual(text_of(self.file[f"stats/{variable}_{statistic}"].attrs["units"]), unit)
                for statistic in ("quantile", "quantile_lo", "quantile_hi"):
                    self.assert_dimensions(f"/stats/{variable}_{statistic}", "quantile", "time")
                    self.assertEqual(text_of(self.file[f"stats/{variable}_{statistic}"].attrs["units"]), unit)
        for name in ("spread_exceed", "spread_exceed_se"):
            self.assert_dimensions(f"/stats/{name}", "threshold", "time")

    def test_summary(self):
        for name in ("peak_spread", "peak_day", "basis_sales_total", "standing_repo_peak", "trough_reserves", "flags"):
            self.assert_dimensions(f"/summary/{name}", "path")
        self.assert_dimensions("/summary/days_above", "path", "threshold")

    def test_observed_is_the_series(self):
        rows = series_rows()
        columns = {"sofr": "sofr_pct", "sofr_p1": "sofr_p1_pct", "sofr_p25": "sofr_p25_pct", "sofr_p75": "sofr_p75_pct",
                   "sofr_p99": "sofr_p99_pct", "tgcr": "tgcr_pct", "effr": "effr_pct", "on_rrp": "on_rrp_usd_bn",
                   "repo_operations": "repo_operations_usd_bn", "reserves": "reserves_usd_bn"}
        expected = {name: np.array([float(row[column] or "nan") for row in rows]) for name, column in columns.items()}
        iorb = np.where(np.array([row["date"] for row in rows]) < "2019-09-19", 2.10, 1.80)
        expected["spread"] = 100.0 * (expected["sofr"] - iorb)
        for name, values in expected.items():
            with self.subTest(name):
                dataset = self.file["observed"][name]
                self.assert_dimensions(dataset.name, "time")
                stored = dataset[()].astype(float)
                if "_FillValue" in dataset.attrs:
                    stored[dataset[()] == np.ravel(dataset.attrs["_FillValue"])[0]] = np.nan
                # 1e-6: two steps of float32 at 5.25 % and at 1,486 USD bn
                np.testing.assert_allclose(stored, values, rtol=1e-6, atol=1e-4 if name == "spread" else 0)
        self.assertNotIn("standing_repo", self.file["observed"], "there was nothing to observe")

    def test_provenance(self):
        texts = {name: [text_of(value) for value in np.ravel(dataset[()])]
                 for name, dataset in datasets(self.file["provenance"]).items()
                 if h5py.check_string_dtype(dataset.dtype) or dataset.dtype.kind == "S"}
        texts |= {f"@{name}": [text_of(value)] for name, value in self.file["provenance"].attrs.items()}
        every = [line for lines in texts.values() for line in lines]
        scenarios = [text for text in every if "format: repoquake/scenario/1" in text.replace('"', "")]
        self.assertTrue(scenarios, f"no resolved scenario in /provenance: {sorted(texts)}")
        for expected in ("sep-2019", "tga-build", "2019-09-16"):
            self.assertIn(expected, scenarios[0])
        self.assertRegex(scenarios[0], rf"paths: {N_PATHS}\b")
        for path in (SERIES, SCENARIO):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            self.assertTrue(any(digest in text for text in every), f"no SHA-256 of {path.name}")
        self.assertTrue(any("--paths" in text for text in every), "no command line")


class Numbers(unittest.TestCase):
    """Statistics and summaries agree with the stored paths."""

    @classmethod
    def setUpClass(cls):
        cls.file = h5py.File(result)

    @classmethod
    def tearDownClass(cls):
        cls.file.close()

    def path_values(self, variable):
        return canonical(variable, self.file["paths"][variable][()].astype(float))

    def stat_values(self, variable, statistic):
        return canonical(variable, self.file["stats"][f"{variable}_{statistic}"][()].astype(float))

    def test_quantiles(self):
        for variable in UNIT_OF:
            with self.subTest(variable):
                values = self.path_values(variable)
                exact = np.quantile(values, QUANTILES, axis=0)
                # The neighbouring order statistics may lie in different bins: the estimate errs by the wider of them.
                neighbours = np.maximum(np.abs(np.quantile(values, QUANTILES, axis=0, method="lower")),
                                        np.abs(np.quantile(values, QUANTILES, axis=0, method="higher")))
                allowed = (neighbours + BIN_KNEE) * BIN_SHARE + 2.0 * rounding(variable, neighbours)
                estimate = self.stat_values(variable, "quantile")
                self.assertLessEqual(np.max(np.abs(estimate - exact) / allowed), 1.0)
                self.assertTrue((self.stat_values(variable, "quantile_lo") <= estimate).all())
                self.assertTrue((self.stat_values(variable, "quantile_hi") >= estimate).all())

    def test_moments(self):
        for variable in UNIT_OF:
            with self.subTest(variable):
                values = self.path_values(variable)
                allowed = rounding(variable, np.abs(values).max(axis=0))
                for statistic, exact in (("mean", values.mean(axis=0)), ("sd", values.std(axis=0, ddof=1)),
                                         ("min", values.min(axis=0)), ("max", values.max(axis=0))):
                    difference = np.abs(self.stat_values(variable, statistic) - exact)
                    self.assertLessEqual(np.max(difference / allowed), 1.0, statistic)
                np.testing.assert_allclose(self.stat_values(variable, "mean_se"),
                                           self.stat_values(variable, "sd") / np.sqrt(N_PATHS), rtol=1e-12)

    def test_exceedances(self):
        spread = self.path_values("spread")
        for row, threshold in enumerate(THRESHOLDS):
            sure = (spread > threshold + 2 * STEP_BP).mean(axis=0)
            possible = (spread > threshold - 2 * STEP_BP).mean(axis=0)
            share = self.file["stats/spread_exceed"][row]
            self.assertTrue((sure - 1e-12 <= share).all() and (share <= possible + 1e-12).all(), threshold)

    def test_summary(self):
        summary = self.file["summary"]
        spread = self.path_values("spread")
        np.testing.assert_allclose(summary["peak_spread"][()], spread.max(axis=1), atol=2 * STEP_BP, rtol=1e-6)
        days = self.file["paths/time"][()].tolist()
        for path, day in enumerate(summary["peak_day"][()]):
            self.assertGreaterEqual(spread[path, days.index(int(day))], spread[path].max() - 2 * STEP_BP)
        np.testing.assert_allclose(summary["trough_reserves"][()], self.path_values("reserves").min(axis=1),
                                   atol=2 * STEP_BN, rtol=1e-6)
        np.testing.assert_allclose(summary["basis_sales_total"][()], self.path_values("basis_sales").sum(axis=1),
                                   atol=len(days) * STEP_BN, rtol=1e-6)
        above = summary["days_above"][()]
        for column, threshold in enumerate(THRESHOLDS):
            self.assertTrue((above[:, column] >= (spread > threshold + 2 * STEP_BP).sum(axis=1)).all())
            self.assertTrue((above[:, column] <= (spread > threshold - 2 * STEP_BP).sum(axis=1)).all())

    def test_the_treasury_account_is_the_realised_one(self):
        realised = np.array([float(row["tga_usd_bn"]) for row in series_rows()])
        np.testing.assert_allclose(self.path_values("tga") - realised, 0.0, atol=2 * STEP_BN)

    def test_nothing_is_lent_by_a_facility_that_does_not_exist(self):
        self.assertEqual(np.abs(self.path_values("standing_repo")).max(), 0.0)


class Metrics(unittest.TestCase):
    """The scenario's metrics, recomputed from the paths of the same file."""

    def setUp(self):
        with h5py.File(result) as file:
            group = file["metrics"]
            self.ids = list(group["metric"].asstr()[:])
            self.units = list(group["unit"].asstr()[:])
            self.expressions = list(group["expr"].asstr()[:])
            self.numbers = {name: group[name][:] for name in ("value", "se", "ci_lo", "ci_hi", "n")}
            self.paths = {name: file["paths"][name][:].astype(float) for name in ("spread", "basis_sales")}
            over_effr = file["summary/peak_sofr_over_effr"][:]
        self.per_path = {"peak_spread": self.paths["spread"].max(axis=1),
                         "p_above_75bp": (over_effr > 75.0).astype(float),
                         "unwind": self.paths["basis_sales"].sum(axis=1)}

    def test_what_they_are(self):
        self.assertEqual(self.ids, ["peak_spread", "p_above_75bp", "unwind"])
        self.assertEqual(self.units, ["bp", "1", "1e9 USD"])
        self.assertEqual(self.expressions[1], "P(max(sofr - effr) > 75 bp)")
        self.assertEqual(list(self.numbers["n"]), [N_PATHS] * 3)

    def test_values_and_errors_are_those_of_the_paths(self):
        tolerance = {"peak_spread": STEP_BP, "p_above_75bp": 1e-12, "unwind": 17 * STEP_BN}
        for k, name in enumerate(self.ids):
            with self.subTest(name):
                values = self.per_path[name]
                self.assertAlmostEqual(self.numbers["value"][k], values.mean(), delta=tolerance[name])
                error = values.std(ddof=1) / np.sqrt(values.size)
                self.assertAlmostEqual(self.numbers["se"][k], error, delta=0.01 * error)
                for limit, sign in (("ci_lo", -1), ("ci_hi", 1)):
                    expected = values.mean() + sign * 1.96 * error
                    self.assertAlmostEqual(self.numbers[limit][k], expected, delta=0.1 * error)


class Xarray(unittest.TestCase):
    """What `xarray.open_dataset(file, group=...)` shows, without help."""

    DIMENSIONS = {"stats": {"time": 17, "quantile": 7, "threshold": 5}, "paths": {"path": N_PATHS, "time": 17},
                  "summary": {"path": N_PATHS, "threshold": 5}, "observed": {"time": 17}, "metrics": {"metric": 3}}

    def check_engine(self, engine, module):
        for needed in ("xarray", module):
            if importlib.util.find_spec(needed) is None:
                self.skipTest(f"{needed} is not installed: results were not opened with the engine {engine}")
        import xarray

        for group, dimensions in self.DIMENSIONS.items():
            with self.subTest(group), xarray.open_dataset(result, group=group, engine=engine) as opened:
                self.assertLessEqual(dimensions.items(), dict(opened.sizes).items())
                self.assertEqual(set(opened.coords), set(opened.sizes), "each dimension has its coordinate")
                if "time" in dimensions:
                    days = [datetime.date.fromisoformat(str(day)[:10]) for day in opened["time"].values]
                    self.assertEqual(days, series_dates())
        with xarray.open_dataset(result, group="stats", engine=engine) as stats, \
                xarray.open_dataset(result, group="paths", engine=engine) as paths:
            spike = stats["spread_quantile"].sel(quantile=0.5, time="2019-09-17")
            self.assertEqual(spike.size, 1)
            exact = float(paths["spread"].sel(time="2019-09-17").median())
            self.assertAlmostEqual(float(spike), exact, delta=(exact + BIN_KNEE) * BIN_SHARE + 2 * STEP_BP)
            self.assertEqual(paths["spread"].dims, ("path", "time"))
            self.assertEqual(paths["spread"].attrs["units"], "bp")
            self.assertEqual(paths["spread"].dtype, np.float32)
        with xarray.open_dataset(result, group="metrics", engine=engine) as metrics:
            peak = metrics.sel(metric="peak_spread")
            self.assertEqual(str(peak["unit"].values), "bp")
            self.assertLess(float(peak["ci_lo"]), float(peak["value"]))
            self.assertLess(float(peak["value"]), float(peak["ci_hi"]))
        with xarray.open_dataset(result, group="observed", engine=engine) as observed:
            self.assertEqual(int(observed["reserves"].notnull().sum()), 4, "Wednesdays only")
            self.assertAlmostEqual(float(observed["sofr"].sel(time="2019-09-17")), 5.25, places=5)

    def test_h5netcdf(self):
        self.check_engine("h5netcdf", "h5netcdf")

    def test_netcdf4(self):
        self.check_engine("netcdf4", "netCDF4")


class Rules(unittest.TestCase):
    """A free run in which policy reacts, with the satellite."""

    SETTINGS = (
        "policy.repo_operations=[]", "policy.meetings=[2019-09-13, 2019-09-18]",
        "policy.rules={emergency_repo: {trigger: 30 bp}, administered_rates: {trigger: 3 bp}}",
        "policy.tga={follow: null, target: 300 bn USD, by: 2019-09-27}", "drivers={settlements: drawn}",
        "transmission={enabled: true, high_yield_spread: {coefficient: 0.4, range: [0.1, 0.8]}}")

    @classmethod
    def setUpClass(cls):
        cls.path = Path(directory.name) / "rules.h5"
        done = run_program(cls.path, "--paths", 300, *(word for text in cls.SETTINGS for word in ("--set", text)))
        if done.returncode != 0:
            raise AssertionError(f"the run ended with {done.returncode}: {done.stderr}")

    def test_events_are_the_flags_by_day(self):
        with h5py.File(self.path) as file:
            events = file["summary/events"]
            self.assertEqual(events.dtype, np.uint32)
            self.assertEqual(events.shape, (300, len(series_dates())))
            self.assertEqual([[scale.name for scale in dimension.values()] for dimension in events.dims],
                             [["/summary/path"], ["/summary/time"]])
            np.testing.assert_array_equal(np.bitwise_or.reduce(events[()], axis=1), file["summary/flags"][()])
            names = [text_of(name) for name in file["stats/flag"][()]]
            self.assertEqual(text_of(events.attrs["flag_meanings"]).split(), names)
            days = [int(((events[()] >> bit) & 1).sum()) for bit in range(len(names))]
            self.assertEqual(days, file["stats/flag_days"][()].tolist())
            for fired in ("emergency_repo_mornings", "rate_adjustment"):
                self.assertGreater(days[names.index(fired)], 0)
            self.assertEqual(text_of(file.attrs["drawn"]), "the Treasury's account and settlements are drawn")
        with h5py.File(result) as file:
            for name in ("summary/events", "summary/time", "transmission"):
                self.assertNotIn(name, file, "no rule, no satellite")

    def test_shares_of_peaks(self):
        for path, n_paths in ((self.path, 300), (result, N_PATHS)):
            with self.subTest(n_paths), h5py.File(path) as file:
                thresholds = file["features/threshold"][()]
                np.testing.assert_array_equal(thresholds, sorted([*THRESHOLDS, 75.0]))
                for feature in ("peak_spread", "peak_sofr_over_effr"):
                    peaks = file["summary"][feature][()]
                    expected = (peaks[:, None] > thresholds).mean(axis=0)
                    np.testing.assert_allclose(file["features"][f"{feature}_exceed"][()], expected, rtol=1e-12)
                    self.assertTrue((file["features"][f"{feature}_exceed_se"][()] > 0).all())

    def test_the_satellite_is_linear(self):
        with h5py.File(self.path) as file:
            response = file["transmission/response"][()]
            expected = 0.4 * (file["stats/spread_quantile"][()] - 5.0)
            np.testing.assert_allclose(response[0], expected, rtol=1e-12, atol=1e-12)

    def test_xarray_reads_them_with_time(self):
        for engine, module in (("h5netcdf", "h5netcdf"), ("netcdf4", "netCDF4")):
            if importlib.util.find_spec("xarray") is None or importlib.util.find_spec(module) is None:
                self.skipTest(f"xarray or {module} is not installed: events were not opened with {engine}")
            import xarray

            with self.subTest(engine), xarray.open_dataset(self.path, group="summary", engine=engine) as summary:
                self.assertEqual(summary["events"].dims, ("path", "time"))
                days = [datetime.date.fromisoformat(str(day)[:10]) for day in summary["time"].values]
                self.assertEqual(days, series_dates())
                self.assertEqual(int(summary["events"].sel(time="2019-09-11").sum()), 0, "nothing on day 0")
            with self.subTest(engine), xarray.open_dataset(self.path, group="transmission", engine=engine) as satellite:
                self.assertEqual(satellite["response"].dims, ("target", "quantile", "time"))


class Running(unittest.TestCase):
    """Files are not lost, and threads do not matter."""

    def setUp(self):
        self.output = Path(directory.name) / f"{self.id().rsplit('.', 1)[-1]}.h5"

    def run_ok(self, output, *arguments):
        done = run_program(output, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse(Path(f"{output}.partial").exists())

    def test_a_result_is_replaced_only_with_force(self):
        self.run_ok(self.output, "--paths", 300)
        before, inode = self.output.read_bytes(), self.output.stat().st_ino
        refused = run_program(self.output, "--paths", 400)
        self.assertEqual(refused.returncode, 74)
        self.assertIn(self.output.name, refused.stderr)
        self.assertIn("--force", refused.stderr)
        self.assertEqual(self.output.read_bytes(), before)
        self.assertEqual(self.output.stat().st_ino, inode)
        self.assertFalse(Path(f"{self.output}.partial").exists())
        self.run_ok(self.output, "--paths", 400, "--force")
        with h5py.File(self.output) as file:
            self.assertEqual(int(file.attrs["n_paths"]), 400)
            self.assertEqual(file["paths/spread"].shape[0], 400)

    def test_threads_do_not_change_a_byte(self):
        first = contents(result)
        for threads in (1, 2, 7):
            with self.subTest(threads=threads):
                self.run_ok(self.output, "--paths", N_PATHS, "--threads", threads, "--force")
                other = contents(self.output)
                self.assertEqual(set(first), set(other))
                self.assertEqual([name for name in first if first[name] != other[name]], [])

    def test_another_seed_changes_the_paths(self):
        """The comparison above can fail."""
        self.run_ok(self.output, "--paths", N_PATHS, "--seed", 1)
        first, other = contents(result), contents(self.output)
        self.assertNotEqual(first["paths/spread"], other["paths/spread"])
        self.assertEqual(first["paths/tga"], other["paths/tga"], "a realised flow has no seed")

    def test_fewer_paths_are_the_first_paths(self):
        self.run_ok(self.output, "--paths", 300)
        with h5py.File(result) as many, h5py.File(self.output) as few:
            np.testing.assert_array_equal(many["paths/spread"][:300], few["paths/spread"][()])


if __name__ == "__main__":
    unittest.main()
