#!/usr/bin/env python3
"""Writes the golden summary of scenarios: what a small run of each gives, one CSV a scenario.

A golden file is reviewed like code: where it changes, CHANGELOG says which economics or which arithmetic changed.
"""

import argparse
import csv
import pathlib
import subprocess
import sys
import tempfile

import h5py

PATHS = 1024
LEVELS = (0.05, 0.5, 0.95)


def number(value):
    return "" if value != value else f"{value:.6g}"


def summary_rows(result):
    """Rows (quantity, unit, mean, 5 %, median, 95 %): features of the window, then SOFR - IORB and reserves by day."""
    with h5py.File(result) as file:
        features = file["features"]
        names, units = features["feature"].asstr()[:], features["unit"].asstr()[:]
        levels = [list(features["quantile"][:].round(6)).index(level) for level in LEVELS]
        for k, name in enumerate(names):
            yield [name, units[k], number(features["mean"][k]),
                   *(number(features["value_quantile"][q, k]) for q in levels)]
        for name in ("peak_spread_exceed", "peak_sofr_over_effr_exceed"):
            for k, threshold in enumerate(features["threshold"][:]):
                yield [f"{name} {threshold:g} bp", "1", number(features[name][k]), "", "", ""]
        stats = file["stats"]
        for k, flag in enumerate(stats["flag"].asstr()[:]):
            yield [f"flag {flag}", "paths", number(float(stats["flag_paths"][k])), "", "", ""]
        for name in ("spread", "reserves"):
            for day, offset in enumerate(stats["time"][:]):
                yield [f"{name} day {offset}", stats[f"{name}_mean"].attrs["units"], number(stats[f"{name}_mean"][day]),
                       *(number(stats[f"{name}_quantile"][q, day]) for q in levels)]


def write_summary(program, scenario, target):
    with tempfile.TemporaryDirectory() as folder:
        result = pathlib.Path(folder) / "result.h5"
        command = [program, "run", scenario, "--output", result, "--quiet", "--paths", str(PATHS), "--set", "output.paths=none"]
        run = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        if run.returncode not in (0, 78):
            raise RuntimeError(f"{scenario}: exit {run.returncode}\n{run.stderr}")
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["quantity", "unit", "mean", "p5", "median", "p95"])
            writer.writerows(summary_rows(result))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True, help="repoquake to run")
    parser.add_argument("--output", required=True, type=pathlib.Path, help="folder for NAME/summary.csv")
    parser.add_argument("scenario", nargs="+", type=pathlib.Path, help="scenario files")
    options = parser.parse_args()
    for scenario in options.scenario:
        write_summary(options.program, scenario, options.output / scenario.stem / "summary.csv")


if __name__ == "__main__":
    sys.exit(main())
