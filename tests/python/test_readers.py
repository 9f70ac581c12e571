"""Readers in other languages give the numbers that h5py gives: R, Octave, and the dumps of netCDF and HDF5.

A reader that is not installed is skipped; with REPOQUAKE_ALL_READERS=1, as in `scripts/test.sh --full`, it fails.
"""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import h5py
import numpy as np

PROGRAM = os.environ["REPOQUAKE_PROGRAM"]
ROOT = Path(os.environ["REPOQUAKE_SOURCE_DIR"])
READERS = ROOT / "tests" / "readers"
KEPT = ROOT / "tests" / "data" / "result_format_1.h5"
VARIABLES = "output.variables=[spread, sofr, standing_repo_rate]"


def output_of(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=100, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{command[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def works(*command):
    return shutil.which(command[0]) and subprocess.run(command, capture_output=True, check=False).returncode == 0


def expected(path):
    """What a script of tests/readers prints, read with h5py."""
    with h5py.File(path) as file:
        quantile, spread = file["stats/spread_quantile"][:], file["paths/spread"][:]
        rate = file["paths/standing_repo_rate"]
        flags = file["stats/flag"].asstr()[:].tolist()
        return {
            "days": quantile.shape[1], "quantiles": quantile.shape[0], "paths": spread.shape[0],
            "peak_median": quantile[np.isclose(file["stats/quantile"][:], 0.5)].max(),
            "path_mean": spread.astype(float).mean(), "last_of_path_1": float(spread[1, -1]),
            "missing": int((rate[:] == rate.attrs["_FillValue"]).sum()),
            "emergency_paths": int(file["stats/flag_paths"][flags.index("emergency_operation")]),
            "flags": int(file["summary/flags"][:].astype(int).sum()),
            "days_above": int(file["summary/days_above"][:].astype(int).sum()),
            "feature": file["features/feature"].asstr()[1], "title": file.attrs["title"],
            "units": file["stats/spread_mean"].attrs["units"], "first_day": file["stats/time"].attrs["units"],
        }


def differences(text, path, texts=True):
    """The names whose printed value is not that of h5py."""
    printed = dict(line.rstrip().split(" ", 1) for line in text.splitlines())
    wrong = []
    for name, value in expected(path).items():
        if isinstance(value, str):
            same = not texts or printed.get(name) == value
        else:
            same = name in printed and np.isclose(float(printed[name]), value, rtol=1e-12, atol=0.0)
        if not same:
            wrong.append(name)
    return wrong


class Readers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        fresh = Path(folder.name) / "fresh.h5"
        output_of(PROGRAM, "run", ROOT / "scenarios" / "sep_2019.yaml", "--paths", 40, "--quiet", "--output", fresh,
                  "--set", VARIABLES)
        cls.results = (fresh, KEPT)  # what this program writes, and what an old one wrote

    def need(self, packages, *probe):
        if not works(*probe):
            message = f"needs the Debian packages {packages}; scripts/test.sh --full installs them"
            if os.environ.get("REPOQUAKE_ALL_READERS") == "1":
                self.fail(message)
            self.skipTest(message)

    def read(self, *command, texts=True):
        for path in self.results:
            with self.subTest(path.name):
                self.assertEqual([], differences(output_of(*command, path), path, texts))

    def test_r_with_ncdf4(self):
        self.need("r-base-core and r-cran-ncdf4", "Rscript", "-e", "library(ncdf4)")
        self.read("Rscript", READERS / "read_result.R")

    def test_r_with_rhdf5(self):
        self.need("r-base-core and r-bioc-rhdf5", "Rscript", "-e", "library(rhdf5)")
        self.read("Rscript", READERS / "read_result_rhdf5.R")

    def test_octave(self):
        self.need("octave and octave-netcdf", "octave-cli", "--norc", "--eval", "pkg load netcdf")
        self.read("octave-cli", "--norc", "--quiet", READERS / "read_result.m", texts=False)

    def test_ncdump(self):
        self.need("netcdf-bin", "ncdump", "-h", KEPT)
        for path in self.results:
            with self.subTest(path.name), h5py.File(path) as file:
                self.assertEqual("netCDF-4\n", output_of("ncdump", "-k", path))
                text = output_of("ncdump", "-p", "9,17", "-v", "/stats/time,/stats/spread_mean,/stats/flag", path)
                for name in ("time", "spread_mean"):
                    values = re.search(rf"\n +{name} = ([^;]*);", text)[1]
                    self.assertEqual(file[f"stats/{name}"][:].tolist(), [float(value) for value in values.split(",")])
                self.assertIn('"rate_adjustment" ;', text)
                self.assertIn('spread_mean:units = "bp" ;', text)

    def test_h5dump(self):
        self.need("hdf5-tools", "h5dump", "-H", KEPT)
        for path in self.results:
            with self.subTest(path.name), h5py.File(path) as file:
                self.assertIn('DATASET "resolved_scenario"', output_of("h5dump", path))  # the whole file, no error
                text = output_of("h5dump", "-y", "-w", "1", "-m", "%.17g", "-d", "/stats/spread_mean", path)
                values = re.search(r"DATA \{([^}]*)\}", text)[1]
                self.assertEqual(file["stats/spread_mean"][:].tolist(), [float(value) for value in values.split(",")])

    def test_control_a_wrong_number_is_found(self):
        right = "\n".join(f"{name} {value}" for name, value in expected(KEPT).items())
        self.assertEqual([], differences(right, KEPT))
        wrong = re.sub(r"(?m)^(days|title) .*$", r"\1 16", right)
        self.assertEqual(["days", "title"], differences(wrong, KEPT))
        self.assertEqual(["days"], differences(wrong, KEPT, texts=False))
        self.assertIn("flags", differences(right.replace("flags ", "flag "), KEPT))


if __name__ == "__main__":
    unittest.main()
