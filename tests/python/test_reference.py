"""The program against the independent re-implementation in tests/reference, path by path on the draws that `trace` prints.

Both were written from docs/model.md's equations, by different hands; neither reads the other. Rates and spreads agree to 1e-8 bp,
amounts to 1e-6 bn. No path-day is left out: the paths are fixed, and none of them comes within rounding of a trigger.
"""
import copy
import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np

ROOT = pathlib.Path(os.environ.get("REPOQUAKE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
PROGRAM = os.environ.get("REPOQUAKE_PROGRAM", str(ROOT / "build/release/repoquake"))
sys.path.insert(0, str(ROOT / "tests/reference"))
import reference_model as reference  # noqa: E402

PATHS = [*range(0, 20), 255, 256, 1023, 1024, 4711, 99999]
DAY_DRAWS = ("need_shock", "late_shock", "pullback", "rate_noise", "tail_width", "other_sales")
PATH_DRAWS = ("bank_capacity", "dealer_capacity", "fund_leverage", "sales_scale")

# Where the program's state has another name than the reference's.
STATE = {"transitory_need": "z", "structural_need": "slow_need", "coupon_inventory": "coupon_inventory", "tga_cash": "nonbank_tga",
         "pullback": "pullback", "fund_need": "fund_need", "mmf_cash": "mmf_cash", "precaution": "hoarding",
         "funding_average": "funding_average", "margin_volatility": "move_e", "slow_volatility": "move_slow", "rate_noise": "noise"}
SESSION = {"am_clearing": "x_am", "pm_clearing": "x_pm", "late_capacity": "bank_capacity_pm"}
RATES = {"sofr", "sofr_p1", "sofr_p25", "sofr_p75", "sofr_p99", "tgcr", "effr", "iorb", "on_rrp_rate", "standing_repo_rate"}  # percent
SPREADS = {"spread", "am_spread", "pm_spread", "futures_basis", "yield_impact", "dealer_markup", "am_clearing", "pm_clearing",
           "rate_noise", "funding_average", "margin_volatility", "slow_volatility"}  # bp


def tolerance(name):
    return 1e-10 if name in RATES else 1e-8 if name in SPREADS else 1e-6


def series_of(file):
    """The series with every input column that the reference wants; those that a file leaves out are zero."""
    with open(file, newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(line for line in f if not line.startswith("#")))
    inputs = ("tga_usd_bn net_coupons_usd_bn net_bills_usd_bn other_factors_drain_usd_bn securities_change_usd_bn treasury_volatility_bp "
              "mmf_cash_change_usd_bn other_treasury_sales_usd_bn fed_purchases_usd_bn yield_change_bp repo_operation_offered_usd_bn").split()
    with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, ["date", *inputs])
        writer.writeheader()
        for row in rows:
            writer.writerow({"date": row["date"], **{name: row.get(name) or "0" for name in inputs}})
        out.flush()
        return reference.read_inputs(out.name)


def traced(scenario, path, *settings):
    command = [PROGRAM, "trace", str(ROOT / f"scenarios/{scenario}.yaml"), "--path", str(path), "--format", "json", "--quiet"]
    for setting in settings:
        command += ["--set", setting]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["days"]


@unittest.skipUnless(os.access(PROGRAM, os.X_OK), f"no program at {PROGRAM}: build it, or set REPOQUAKE_PROGRAM")
class Replay(unittest.TestCase):
    def differences(self, scenario, world, settings=(), alter=None):
        """Largest difference of each quantity over its tolerance, all paths and days; `alter` may spoil the program's side."""
        traces = [traced(scenario, path, *settings) for path in PATHS]
        n_days = len(traces[0])
        draws = {name: np.array([[day["draws"].get(name, 0.0) for day in trace] for trace in traces]) for name in DAY_DRAWS}
        draws |= {name: np.array([trace[0]["draws"][name] for trace in traces]) for name in PATH_DRAWS}
        out = reference.simulate(world, series_of(ROOT / f"scenarios/data/{scenario}.csv"), len(PATHS), draws=draws)
        worst = {}

        def compare(section, ours, theirs, first_day):
            mine = np.array([[day[section].get(ours, np.nan) for day in trace] for trace in traces])[:, first_day:]
            if alter:
                mine = alter(ours, mine)
            other = np.asarray(out[theirs], dtype=float)[:, first_day:]
            self.assertEqual(np.isnan(mine).tolist(), np.isnan(other).tolist(), ours)
            worst[ours] = np.nanmax(np.abs(mine - other), initial=0.0) / tolerance(ours)

        for name in traces[0][1]["observed"]:
            if name in ("repo_need", "bank_capacity"):
                compare("observed", name, name, 1)  # row 0 shows the representative path
            elif name not in ("securities", "volume_above_srf_rate"):  # the reference's sheet opens with other securities
                compare("observed", name, name, 0)
        for ours, theirs in STATE.items():
            compare("state", ours, theirs, 1)
        for ours, theirs in SESSION.items():
            compare("sessions", ours, theirs, 1)
        self.assertGreater(n_days * len(PATHS), 400)
        self.assertGreater(len(worst), 30)
        return worst

    def check(self, scenario, world, settings=()):
        worst = self.differences(scenario, world, settings)
        self.assertEqual({name: w for name, w in worst.items() if w > 1.0}, {})

    def test_september_2019(self):
        self.check("sep_2019", reference.REPLAY_2019)

    def test_march_2020(self):
        world = copy.deepcopy(reference.REPLAY_2020)
        world["sheet"] |= {"tga": 403.798, "on_rrp": 2.525}  # as published; the reference's own opening is rounded
        self.check("mar_2020", world)

    def test_autumn_2025(self):
        self.check("fall_2025", reference.REPLAY_2025)

    def test_september_2019_with_a_standing_repo_facility(self):
        world = copy.deepcopy(reference.REPLAY_2019)
        world["standing_repo"] = {"spread": 15.0, "cap": 40.0, "stigma": 15.0, "sessions": ("am", "pm")}
        self.check("sep_2019", world, ("policy.standing_repo={enabled: true, rate: iorb + 15 bp, cap: 40 bn USD, stigma: 15 bp}",))

    def test_the_comparison_can_fail(self):
        def spoil(name, values):
            return values + (1e-7 if name == "am_clearing" else 0.0)

        worst = self.differences("sep_2019", reference.REPLAY_2019, alter=spoil)
        self.assertEqual([name for name, w in worst.items() if w > 1.0], ["am_clearing"])

    def test_the_ledger_sums_to_the_change_of_reserves(self):
        for scenario in ("sep_2019", "mar_2020", "fall_2025"):
            for day in traced(scenario, 3)[1:]:
                self.assertEqual(sum(day["ledger_cents"].values()), day["reserves_after_cents"] - day["reserves_before_cents"])


if __name__ == "__main__":
    unittest.main()
