"""What baseline_numpy.py and baseline_numba.py share: the replay of September 2019 as numbers, taken from the program
itself; the numbers of its generator; and the comparison of what they find with what the program writes.

Equations, names and constants: docs/model.md. The baselines leave out what this replay has not: a standing repo facility,
policy rules, shocks, flows that are drawn.
"""

import argparse
import collections
import csv
import datetime
import hashlib
import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import h5py
import numpy

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/reference"))
import reference_model as calendar  # noqa: E402

VARIABLES = ("spread", "sofr", "sofr_p1", "sofr_p25", "sofr_p75", "sofr_p99", "tgcr", "reserves", "tga", "on_rrp",
             "standing_repo", "repo_operations", "repo_need", "bank_capacity", "basis_position", "basis_sales",
             "dealer_inventory", "futures_basis", "yield_impact", "hf_return")
FEATURES = {"peak_spread": ("spread", "max"), "trough_reserves": ("reserves", "min"), "trough_return": ("hf_return", "min"),
            "peak_futures_basis": ("futures_basis", "max"), "repo_operations_peak": ("repo_operations", "max")}
LARGEST_DIFFERENCE = 1e-6  # bp, bn or %, beyond the rounding of the file

# Pairs of streams of include/repoquake/random/stream.hpp: one Philox call gives the uniforms of both.
NEED, PULLBACK_AND_NOISE, TAIL_AND_SALES, CAPACITIES, FUNDS = range(5)

# Inverse normal distribution function: Wichura, "Algorithm AS 241", Applied Statistics 37 (1988); highest power first.
CENTRE = ((2.5090809287301226727e+3, 3.3430575583588128105e+4, 6.7265770927008700853e+4, 4.5921953931549871457e+4,
           1.3731693765509461125e+4, 1.9715909503065514427e+3, 1.3314166789178437745e+2, 3.3871328727963666080e+0),
          (5.2264952788528545610e+3, 2.8729085735721942674e+4, 3.9307895800092710610e+4, 2.1213794301586595867e+4,
           5.3941960214247511077e+3, 6.8718700749205790830e+2, 4.2313330701600911252e+1, 1.0))
TAIL = ((7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e+0,
         3.64784832476320460504e+0, 5.76949722146069140550e+0, 4.63033784615654529590e+0, 1.42343711074968357734e+0),
        (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
         6.89767334985100004550e-1, 1.67638483018380384940e+0, 2.05319162663775882187e+0, 1.0))
FAR_TAIL = ((2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2,
             2.96560571828504891230e-1, 1.78482653991729133580e+0, 5.46378491116411436990e+0, 6.65790464350110377720e+0),
            (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4,
             1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0))


def ratio(parts, x):
    above, below = parts
    a, b = above[0], below[0]
    for c in above[1:]:
        a = a * x + c
    for c in below[1:]:
        b = b * x + c
    return a / b


def read_keys(program):
    """Every key of the resolved scenario, defaults included, as the program tells it."""
    text = subprocess.run([program, "explain", "lib:sep_2019"], check=True, capture_output=True, text=True).stdout
    return dict(re.match(r"(\S+):\s+(.*?)\s+# \S+", line).groups() for line in text.splitlines() if "# " in line)


def number(text):
    return float(re.match(r"-?[\d.]+", text)[0])


def constants(keys):
    """Numbers of the keys under model, market, fed_balance_sheet and basis_trade; model.need.shock_sd is need_shock_sd."""
    found = {}
    for key, text in keys.items():
        group, _, rest = key.partition(".")
        if group in ("model", "market", "fed_balance_sheet", "basis_trade") and re.match(r"-?\d", text):
            found[(rest if group in ("model", "market") else key).replace(".", "_")] = number(text)
    found["fan"] = tuple(number(part) for part in keys["model.dispersion.fan"].strip("[]").split(", "))
    return collections.namedtuple("Constants", found)(**found)


def days_of(keys, p):
    """What is known of a day and is the same on every path: a column each, row 0 the opening day."""
    file = ROOT / "scenarios/data/sep_2019.csv"
    if hashlib.sha256(file.read_bytes()).hexdigest() != keys["series.sha256"]:
        sys.exit(f"{file} is not the series that the program has")
    with open(file, newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    dates = [datetime.date.fromisoformat(row["date"]) for row in rows]
    column = lambda name: numpy.array([float(row[name]) for row in rows])
    rates = []
    while (key := f"policy.administered_rates[{len(rates)}]") + ".from" in keys:
        rates.append([keys[f"{key}.from"], number(keys[f"{key}.iorb"]), number(keys[f"{key}.on_rrp"])])
    in_force = [calendar.in_force(rates, day) for day in dates]
    iorb = numpy.array([r[1] for r in in_force])
    ends = [("none", "month", "quarter", "year").index(calendar.period_end(day)) for day in dates]
    pick = lambda *values: numpy.array([values[e] for e in ends])
    gse = numpy.array([calendar.gse_window(day) for day in dates])
    emergency = keys["policy.repo_operations.emergency.date"]
    morning = datetime.date.fromisoformat(keys["policy.repo_operations.morning.from"])
    found = {"iorb": iorb, "floor": 100.0 * (numpy.array([r[2] for r in in_force]) - iorb),
             "iorb_change": 100.0 * numpy.diff(iorb, prepend=iorb[0]),
             "tga": numpy.diff(column("tga_usd_bn"), prepend=p.fed_balance_sheet_tga),
             "coupons": column("net_coupons_usd_bn"), "bills": column("net_bills_usd_bn"),
             "other": column("other_factors_drain_usd_bn"), "volatility": column("treasury_volatility_bp"),
             "offer": column("repo_operation_offered_usd_bn") * [day >= morning for day in dates],
             "emergency": number(keys["policy.repo_operations.emergency.size"]) * numpy.array([str(d) == emergency for d in dates]),
             "is_end": pick(False, True, True, True), "follows_end": numpy.array([False, *(e > 0 for e in ends[:-1])]),
             "half_saturation": p.banks_half_saturation * pick(1.0, 1.5, 1.85, 1.85),
             "pullback": pick(0.0, p.need_pullback_month, p.need_pullback_quarter, p.need_pullback_year),
             "markup": pick(0.0, p.dealers_period_end_markup_month, p.dealers_period_end_markup_quarter,
                            p.dealers_period_end_markup_year),
             "gse_cash": p.need_gse_window * p.repo_volume * (gse - gse[0]),
             "nights": numpy.array([float((calendar.next_business_day(day) - day).days) for day in dates])}
    return collections.namedtuple("Days", found)(**found)


def leverage_of(p):
    """Of the cohorts of a path in the middle."""
    n = int(p.basis_trade_cohorts)
    scores = [statistics.NormalDist().inv_cdf((c + 0.5) / n) for c in range(n)]
    return numpy.clip(p.basis_trade_leverage_median * numpy.exp(p.basis_trade_leverage_sd * numpy.array(scores)),
                      p.basis_trade_leverage_min, p.basis_trade_leverage_max)


class Replay:
    def __init__(self, program):
        keys = read_keys(program)
        if keys["policy.standing_repo.enabled"] != "false" or number(keys["shocks.tga-build.size"]) != 0.0:
            sys.exit("the baselines know no standing repo facility and no shocks")
        self.emergency_trigger = number(keys["policy.repo_operations.emergency.when"].split(">")[1].strip())
        self.constants = constants(keys)
        self.days = days_of(keys, self.constants)
        self.leverage = leverage_of(self.constants)
        self.seed = int(keys["simulate.seed"])
        self.n_days = len(self.days.iorb)


def run_program(program, paths, file):
    """Runs the replay on one thread, paths kept exactly; the CPU nanoseconds of a path and day."""
    words = [program, "run", "lib:sep_2019", "--paths", str(paths), "--threads", "1", "--quiet", "--force", "--output", file,
             "--set", "output.precision=exact", "--set", "output.compression=none"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(list(map(str, words)), check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def differences(file, found):
    """By variable: the largest difference from the program's file, beyond the rounding of its floats."""
    worst = {}
    with h5py.File(file) as f:
        for k, name in enumerate(VARIABLES):
            theirs = f["paths"][name][:]
            gap = numpy.abs(found[k] - theirs.astype(float)) - 0.5 * numpy.spacing(numpy.abs(theirs))
            worst[name] = max(float(gap.max()), 0.0) if numpy.isfinite(gap).all() else numpy.inf
        for feature, (name, extreme) in FEATURES.items():  # these are doubles
            ours = getattr(found[VARIABLES.index(name)], extreme)(axis=1)
            worst[feature] = float(numpy.abs(ours - f["summary"][feature][:]).max())
    return worst


def main(description, versions, simulate):
    """`simulate(replay, first_path, paths)` gives an array (variable, path, day)."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--paths", type=int, default=16384)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    program = pathlib.Path(asked.program).resolve()
    replay = Replay(program)
    path_days = asked.paths * replay.n_days
    simulate(replay, 0, min(asked.paths, 1024))  # compiles, where that is to be done
    own, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "sep_2019.h5"
        for _ in range(asked.rounds):
            theirs.append(run_program(program, asked.paths, file) / path_days * 1e9)
            start = time.process_time()
            found = simulate(replay, 0, asked.paths)
            own.append((time.process_time() - start) / path_days * 1e9)
        worst = differences(file, found)
    spread = lambda values, digits: f"{statistics.median(values):.{digits}f} [{min(values):.{digits}f} .. {max(values):.{digits}f}]"
    print(f"{versions}; September 2019, {asked.paths} paths x {replay.n_days} days, one thread, {asked.rounds} rounds; "
          f"REPOQUAKE_ISA {os.environ.get('REPOQUAKE_ISA', 'not set')}\n")
    print("| | ns per path-day | times the program |\n|---|---|---|")
    print(f"| this baseline | {spread(own, 0)} | {spread([a / b for a, b in zip(own, theirs)], 1)} |")
    print(f"| the program, all of a run | {spread(theirs, 0)} | 1 |\n")
    name = max(worst, key=worst.get)
    print(f"largest difference from the program's file: {worst[name]:.2g} ({name}); allowed {LARGEST_DIFFERENCE:g}")
    for name in (n for n in worst if not worst[n] <= LARGEST_DIFFERENCE):
        print(f"too large: {name}: {worst[name]:.3g}")
    return 0 if max(worst.values()) <= LARGEST_DIFFERENCE else 1
