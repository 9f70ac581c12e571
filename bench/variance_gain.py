#!/usr/bin/env python3
"""What antithetic pairs and scrambled nets gain: the ratio of variances at equal cost, metric by metric.

    python3 bench/variance_gain.py build/release/repoquake [--paths 4096] [--seeds 64] [--rounds 4] [SCENARIO...]

gain = (variance over seeds x time) of independent paths / (the same of the sampler): how many times longer independent
paths must be run for the same error. Samplers take turns, round by round, a part of the seeds in each; the time of a
sampler is the median over rounds of its wall time against that of independent paths. The interval is a bootstrap over
seeds. `stated` is the root mean square of the stated standard errors over the standard deviation over seeds: 1 where error
bars are right; with 64 seeds it is known to about 9 %.
"""

import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import h5py
import numpy

SAMPLERS = {"independent": {}, "pairs": {"simulate.antithetic": "true"}, "net": {"simulate.sampler": "sobol"}}
METRICS = {"mean peak": "mean(max(sofr - iorb))",
           "median peak": "quantile(max(sofr - iorb), 50 %)",
           "95 % peak": "quantile(max(sofr - iorb), 95 %)",
           "99 % peak": "quantile(max(sofr - iorb), 99 %)",
           "es 95 % peak": "es(max(sofr - iorb), 95 %)",
           "sd of peak": "sd(max(sofr - iorb))",
           "P(peak > 25 bp)": "P(max(sofr - iorb) > 25 bp)",
           "P(peak > 100 bp)": "P(max(sofr - iorb) > 100 bp)",
           "mean of mean spread": "mean(mean(sofr - iorb))",
           "mean trough of reserves": "mean(min(reserves))",
           "mean basis sales": "mean(sum(basis_sales))"}


def sweep(program, folder, scenario, sampler, seeds, paths):
    """(seed, metric): values and standard errors, and the wall time."""
    metrics = ", ".join(f'{{id: m{k}, expr: "{expr}"}}' for k, expr in enumerate(METRICS.values()))
    file = folder / "seeds.yaml"
    file.write_text(f"format: repoquake/sweep/1\nname: seeds\nbase: lib:{scenario}\n"
                    f"axes: [{{set: simulate.seed, values: [{', '.join(map(str, seeds))}]}}]\n"
                    f"override: {{simulate: {{paths: {paths}}}, output: {{paths: none}}}}\n"
                    f"metrics: [{metrics}]\n")
    words = [program, "sweep", file, "--quiet", "--force", "--output", folder / "seeds.h5"]
    for key, value in SAMPLERS[sampler].items():
        words += ["--set", f"{key}={value}"]
    start = time.monotonic()
    subprocess.run(list(map(str, words)), check=True, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - start
    with h5py.File(folder / "seeds.h5") as f:
        return f["sweep/value"][:], f["sweep/se"][:], seconds


def measure(program, scenario, seeds, rounds, paths):
    values, errors, seconds = ({name: [] for name in SAMPLERS} for _ in range(3))
    with tempfile.TemporaryDirectory() as name:
        for part in numpy.array_split(numpy.arange(1, seeds + 1), rounds):
            for sampler in SAMPLERS:
                value, error, took = sweep(program, pathlib.Path(name), scenario, sampler, part, paths)
                values[sampler].append(value)
                errors[sampler].append(error)
                seconds[sampler].append(took)
    times = {s: statistics.median(a / b for a, b in zip(seconds[s], seconds["independent"])) for s in SAMPLERS}
    return ({s: numpy.concatenate(v) for s, v in values.items()}, {s: numpy.concatenate(e) for s, e in errors.items()},
            times)


def gain(plain, sampled, cost, rng):
    """The gain with its 95 % interval."""
    pick = lambda x: x[rng.integers(0, len(x), (2000, len(x)))].var(axis=1, ddof=1)
    ratios = pick(plain) / numpy.maximum(pick(sampled), 1e-300) / cost
    return plain.var(ddof=1) / sampled.var(ddof=1) / cost, *numpy.quantile(ratios, [0.025, 0.975])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("scenarios", nargs="*", default=["sep_2019", "fall_2025", "baseline_2026"])
    parser.add_argument("--paths", type=int, default=4096)
    parser.add_argument("--seeds", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=4)
    asked = parser.parse_args()
    program = pathlib.Path(asked.program).resolve()
    rng = numpy.random.default_rng(1)
    for name in asked.scenarios:
        values, errors, times = measure(program, name, asked.seeds, asked.rounds, asked.paths)
        print(f"\n{name}, {asked.paths} paths, {asked.seeds} seeds; time of pairs {times['pairs']:.2f}, "
              f"of a net {times['net']:.2f} of independent paths\n")
        print("| metric | pairs: gain | stated | net: gain | stated | independent: stated |")
        print("|---|---|---|---|---|---|")
        for k, metric in enumerate(METRICS):
            plain = values["independent"][:, k]
            if not plain.std() > 0.0:
                continue
            row = [metric]
            stated = {s: numpy.sqrt(numpy.mean(errors[s][:, k] ** 2)) / values[s][:, k].std(ddof=1) for s in SAMPLERS}
            for sampler in ("pairs", "net"):
                middle, low, high = gain(plain, values[sampler][:, k], times[sampler], rng)
                row += [f"{middle:.2g} [{low:.2g} .. {high:.2g}]", f"{stated[sampler]:.2f}"]
            print("| " + " | ".join([*row, f"{stated['independent']:.2f}"]) + " |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
