"""The figures of the shipped September 2019 are consistent with each other, as scenarios/README.md says."""

import csv
import datetime
import os
import re
import unittest
from pathlib import Path

ROOT = Path(os.environ.get("REPOQUAKE_SOURCE_DIR", Path(__file__).resolve().parents[2]))
SCENARIOS = ROOT / "scenarios"


def amounts(text, section):
    """key -> number of the `key: NUMBER bn USD` lines of a section: enough of YAML for this file."""
    body = re.search(rf"^{section}:.*\n((?:[ ].*\n)+)", text, re.MULTILINE).group(1)
    return {key: float(number) for key, number in re.findall(r"^  (\w+): ([\d.]+) bn USD", body, re.MULTILINE)}


class September2019(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text = (SCENARIOS / "sep_2019.yaml").read_text()
        with open(SCENARIOS / "data" / "sep_2019.csv", newline="") as file:
            cls.rows = list(csv.DictReader(file))

    def column(self, name):
        return [float(row[name]) if row[name] else None for row in self.rows]

    def test_the_rows_are_the_business_days_of_the_window(self):
        days = [datetime.date(2019, 9, 11) + datetime.timedelta(days=n) for n in range(23)]
        expected = [str(day) for day in days if day.weekday() < 5]  # no holiday in between
        self.assertEqual([row["date"] for row in self.rows], expected)
        self.assertEqual(len(expected), 17)

    def test_the_opening_sheet_is_the_published_one(self):
        sheet = amounts(self.text, "fed_balance_sheet")
        liabilities = sum(value for key, value in sheet.items() if key != "securities")
        self.assertAlmostEqual(liabilities, 3769.673, places=6)  # H.4.1 total assets
        self.assertAlmostEqual(liabilities - sheet["securities"], 176.552, places=6)  # other assets
        first = self.rows[0]
        for key, name in (("tga", "tga_usd_bn"), ("reserves", "reserves_usd_bn"), ("on_rrp", "on_rrp_usd_bn")):
            self.assertEqual(sheet[key], float(first[name]), key)
        self.assertAlmostEqual(100.0 * (float(first["sofr_pct"]) - 2.10), 5.0)

    def test_observed_flows_lead_to_the_published_reserves(self):
        drains = ("tga_usd_bn", "on_rrp_usd_bn")
        repo, other = self.column("repo_operations_usd_bn"), self.column("other_factors_drain_usd_bn")
        reserves, met = float(self.rows[0]["reserves_usd_bn"]), []
        for day in range(1, len(self.rows)):
            reserves += repo[day] - repo[day - 1] - other[day]
            reserves -= sum(self.column(name)[day] - self.column(name)[day - 1] for name in drains)
            published = self.column("reserves_usd_bn")[day]
            if published is not None:
                # the residual is given to 0.001 a calendar day: half of that for each of at most 21 days
                self.assertAlmostEqual(reserves, published, delta=0.0005 * 21, msg=self.rows[day]["date"])
                met.append(self.rows[day]["date"])
        self.assertEqual(met, ["2019-09-18", "2019-09-25", "2019-10-02"])

    def test_percentiles_are_in_order(self):
        for row in self.rows:
            values = [float(row[f"sofr_{p}pct"]) for p in ("p1_", "p25_", "", "p75_", "p99_")]
            self.assertEqual(values, sorted(values), row["date"])

    def test_operations_do_not_exceed_what_was_offered(self):
        for row in self.rows:
            if row["date"] >= "2019-09-18":
                self.assertLessEqual(float(row["repo_operations_usd_bn"]), float(row["repo_operation_offered_usd_bn"]))
            elif row["date"] < "2019-09-17":
                self.assertEqual(float(row["repo_operations_usd_bn"]), 0.0)


if __name__ == "__main__":
    unittest.main()
