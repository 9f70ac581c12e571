"""The figures of the shipped replays are consistent with each other, as scenarios/README.md says."""

import csv
import datetime
import os
import re
import unittest
from pathlib import Path

ROOT = Path(os.environ.get("REPOQUAKE_SOURCE_DIR", Path(__file__).resolve().parents[2]))
SCENARIOS = ROOT / "scenarios"


def amounts(text, section):
    """key -> number of the `key: NUMBER bn USD` lines of a section: enough of YAML for these files."""
    body = re.search(rf"^{section}:.*\n((?:[ ].*\n)+)", text, re.MULTILINE).group(1)
    return {key: float(number) for key, number in re.findall(r"^  (\w+): ([\d.]+) bn USD", body, re.MULTILINE)}


def administered_rates(text):
    """(from, iorb, on_rrp, target low, target high) of each dated entry, in percent."""
    entry = r"\{from: ([\d-]+), iorb: ([\d.]+) %, on_rrp: ([\d.]+) %, target: \[([\d.]+) %, ([\d.]+) %\]\}"
    return [(day, *map(float, rates)) for day, *rates in re.findall(entry, text)]


def rows_of(name):
    """The rows of a series; lines that start with # precede the header."""
    with open(SCENARIOS / "data" / f"{name}.csv", newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def remarks_of(name):
    text = (SCENARIOS / "data" / f"{name}.csv").read_text()
    return "".join(line for line in text.splitlines() if line.startswith("#"))


def weekdays(first, last, holidays=()):
    """The ISO dates of a period without weekends and the holidays named."""
    day, days = datetime.date.fromisoformat(first), []
    while str(day) <= last:
        if day.weekday() < 5 and str(day) not in holidays:
            days.append(str(day))
        day += datetime.timedelta(days=1)
    return days


class Replay:
    """What holds for each of them; a subclass is a TestCase and has a NAME."""

    NAME = None

    @classmethod
    def setUpClass(cls):
        cls.text = (SCENARIOS / f"{cls.NAME}.yaml").read_text()
        cls.rows = rows_of(cls.NAME)

    def column(self, name):
        return [float(row[name]) if row[name] else None for row in self.rows]

    def reserves_on_observed_flows(self, opening, drains, sources):
        """(date, reserves that the flows lead to, reserves published) for each day with a published level."""
        levels = {name: self.column(name) for name in drains + sources}
        other, published = self.column("other_factors_drain_usd_bn"), self.column("reserves_usd_bn")
        securities = self.column("securities_change_usd_bn") if "securities_change_usd_bn" in self.rows[0] else None
        reserves, met = opening, []
        for day in range(1, len(self.rows)):
            reserves -= other[day] - (securities[day] if securities else 0.0)
            reserves -= sum(levels[name][day] - levels[name][day - 1] for name in drains)
            reserves += sum(levels[name][day] - levels[name][day - 1] for name in sources)
            if published[day] is not None:
                met.append((self.rows[day]["date"], reserves, published[day]))
        return met

    def test_percentiles_are_in_order(self):
        for row in self.rows:
            values = [float(row[f"sofr_{p}pct"]) for p in ("p1_", "p25_", "", "p75_", "p99_")]
            self.assertEqual(values, sorted(values), row["date"])

    def test_the_window_is_that_of_the_rows(self):
        start, end = re.search(r"^window: \{start: ([\d-]+), end: ([\d-]+)\}", self.text, re.MULTILINE).groups()
        self.assertEqual((start, end), (self.rows[0]["date"], self.rows[-1]["date"]))

    def test_it_says_that_it_is_conditional(self):
        self.assertIn("A conditional replay.", self.text)
        self.assertIn("output: {paths: all, variables: default}", self.text)


class September2019(Replay, unittest.TestCase):
    NAME = "sep_2019"

    def test_the_rows_are_the_business_days_of_the_window(self):
        expected = weekdays("2019-09-11", "2019-10-03")  # no holiday in between
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
        met = self.reserves_on_observed_flows(float(self.rows[0]["reserves_usd_bn"]), ["tga_usd_bn", "on_rrp_usd_bn"],
                                              ["repo_operations_usd_bn"])
        for date, reserves, published in met:
            # the residual is given to 0.001 a calendar day: half of that for each of at most 21 days
            self.assertAlmostEqual(reserves, published, delta=0.0005 * 21, msg=date)
        self.assertEqual([date for date, _, _ in met], ["2019-09-18", "2019-09-25", "2019-10-02"])

    def test_operations_do_not_exceed_what_was_offered(self):
        for row in self.rows:
            if row["date"] >= "2019-09-18":
                self.assertLessEqual(float(row["repo_operations_usd_bn"]), float(row["repo_operation_offered_usd_bn"]))
            elif row["date"] < "2019-09-17":
                self.assertEqual(float(row["repo_operations_usd_bn"]), 0.0)


class March2020(Replay, unittest.TestCase):
    NAME = "mar_2020"

    def test_the_rows_are_the_business_days_of_the_window(self):
        expected = weekdays("2020-03-02", "2020-03-31")  # no holiday in between
        self.assertEqual([row["date"] for row in self.rows], expected)
        self.assertEqual(len(expected), 22)

    def test_the_opening_sheet_closes_at_the_published_total(self):
        sheet = amounts(self.text, "fed_balance_sheet")
        assets = sheet["securities"] + sheet["repo_operations"]
        liabilities = sum(value for key, value in sheet.items() if key not in ("securities", "repo_operations"))
        self.assertAlmostEqual(liabilities, 4241.507, places=6)  # H.4.1 total assets of 4 March
        self.assertAlmostEqual(liabilities - assets, 214.690, places=6)  # other assets
        self.assertAlmostEqual(sheet["securities"], 2502.624 + 1371.846 + 2.347, places=6)
        first = self.rows[0]
        for key, name in (("tga", "tga_usd_bn"), ("on_rrp", "on_rrp_usd_bn")):
            self.assertEqual(sheet[key], float(first[name]), key)
        self.assertAlmostEqual(100.0 * (float(first["sofr_pct"]) - 1.60), -1.0)

    def test_flows_and_the_assumed_fed_repo_lead_to_the_published_reserves(self):
        fed_repo = {"2020-03-04": 150.0, "2020-03-11": 199.0, "2020-03-18": 442.0, "2020-03-25": 352.0}  # README.md
        met = self.reserves_on_observed_flows(1700.34, ["tga_usd_bn", "on_rrp_usd_bn"], [])
        for date, reserves, published in met:
            # the residual is given to 0.001 a calendar day, the opening reserves to 0.01
            self.assertAlmostEqual(reserves + fed_repo[date] - 150.0, published, delta=0.0005 * 23 + 0.005, msg=date)
        self.assertEqual([date for date, _, _ in met], list(fed_repo))

    def test_the_corridor_in_force_is_that_of_the_effective_rate(self):
        dated = administered_rates(self.text)
        self.assertEqual([rates[0] for rates in dated], ["2020-01-30", "2020-03-04", "2020-03-16"])
        for row in self.rows:
            low, high = [rates[3:] for rates in dated if rates[0] <= row["date"]][-1]
            self.assertTrue(low <= float(row["effr_pct"]) <= high, row["date"])

    def test_assumed_paths_are_called_so(self):
        remarks = remarks_of(self.NAME)
        self.assertIn("assumed:", remarks)
        for column in ("securities_change", "mmf_cash_change", "other_treasury_sales", "fed_purchases", "yield_change",
                       "repo_operation_offered"):
            self.assertIn(column, remarks)
            self.assertTrue(any(value for value in self.column(next(c for c in self.rows[0] if c.startswith(column)))))

    def test_assumed_paths_are_those_of_the_readme(self):
        for row in self.rows:
            self.assertEqual(float(row["mmf_cash_change_usd_bn"]), 34.0 if row["date"] >= "2020-03-16" else 0.0)
            if row["date"] < "2020-03-13":
                self.assertEqual(float(row["fed_purchases_usd_bn"]), 0.0)
        self.assertEqual(sum(self.column("other_treasury_sales_usd_bn")), 533.0)

    def test_operations_do_not_exceed_what_was_offered_but_on_the_day_named(self):
        above = [row["date"] for row in self.rows
                 if row["repo_operations_usd_bn"]
                 and float(row["repo_operations_usd_bn"]) > float(row["repo_operation_offered_usd_bn"])]
        self.assertEqual(above, ["2020-03-04"])  # README.md: the assumed path is known to be rough


class Autumn2025(Replay, unittest.TestCase):
    NAME = "fall_2025"

    def test_the_rows_are_the_business_days_of_the_window(self):
        expected = weekdays("2025-10-17", "2025-11-20", holidays=("2025-11-11",))  # Veterans Day
        self.assertEqual([row["date"] for row in self.rows], expected)
        self.assertEqual(len(expected), 24)

    def test_the_opening_sheet_closes_at_the_published_total(self):
        sheet = amounts(self.text, "fed_balance_sheet")
        liabilities = sum(value for key, value in sheet.items() if key != "securities")
        self.assertAlmostEqual(liabilities, 6596.454 - 6.750, places=6)  # H.4.1, 15 October, less standing repo
        self.assertAlmostEqual(liabilities - sheet["securities"], 305.091, places=6)  # other assets
        self.assertAlmostEqual(sheet["securities"], 4196.270 + 2085.996 + 2.347, places=6)
        first = self.rows[0]
        for key, name in (("tga", "tga_usd_bn"), ("on_rrp", "on_rrp_usd_bn")):
            self.assertEqual(sheet[key], float(first[name]), key)
        self.assertEqual(float(first["standing_repo_usd_bn"]), 0.0)
        self.assertAlmostEqual(100.0 * (float(first["sofr_pct"]) - 4.15), 3.0)

    def test_observed_flows_lead_to_the_published_reserves(self):
        met = self.reserves_on_observed_flows(2929.34, ["tga_usd_bn", "on_rrp_usd_bn"], ["standing_repo_usd_bn"])
        for date, reserves, published in met:
            self.assertAlmostEqual(reserves, published, delta=0.0005 * 33 + 0.005, msg=date)
        self.assertEqual([date for date, _, _ in met],
                         ["2025-10-22", "2025-10-29", "2025-11-05", "2025-11-12", "2025-11-19"])

    def test_the_corridor_in_force_is_that_of_the_effective_rate(self):
        dated = administered_rates(self.text)
        self.assertEqual([rates[0] for rates in dated], ["2025-09-18", "2025-10-30"])
        for row in self.rows:
            low, high = [rates[3:] for rates in dated if rates[0] <= row["date"]][-1]
            self.assertTrue(low <= float(row["effr_pct"]) <= high, row["date"])
        for (_, iorb, _, _, high), standing_repo_rate in zip(dated, (4.25, 4.00)):
            self.assertAlmostEqual(100.0 * (standing_repo_rate - iorb), 10.0)
            self.assertEqual(high, standing_repo_rate)  # the facility stood at the top of the target range

    def test_the_treasury_account_fell_on_the_last_day_of_october(self):
        tga = {row["date"]: float(row["tga_usd_bn"]) for row in self.rows}
        self.assertEqual(max(tga, key=tga.get), "2025-10-30")
        self.assertAlmostEqual(tga["2025-10-31"] - tga["2025-10-30"], -74.304, places=6)


class Counterfactuals(unittest.TestCase):
    BASES = {
        "sep_2019_standing_repo_90bp": "sep_2019", "sep_2019_standing_repo_15bp": "sep_2019",
        "sep_2019_no_fed_repo": "sep_2019", "fall_2025_no_facility": "fall_2025", "fall_2025_tga_150": "fall_2025",
        "fall_2025_tga_300": "fall_2025", "fall_2025_tga_600": "fall_2025", "mar_2020_basis_1tn": "mar_2020",
        "mar_2020_basis_1_8tn": "mar_2020",
    }

    def test_each_changes_one_thing_and_holds_the_need(self):
        for name, base in self.BASES.items():
            with self.subTest(name):
                text = (SCENARIOS / f"{name}.yaml").read_text()
                self.assertIn(f"\nextends: [{base}.yaml]\n", text)
                self.assertIn("\nmarket: {need: hold}\n", text)
                self.assertRegex(text, r"\ntitle: What if .*\?\n")
                self.assertLessEqual(sum(not line.startswith("#") for line in text.splitlines()), 8)

    def test_the_page_asks_the_question_of_each(self):
        page = (SCENARIOS / "README.md").read_text()
        for name in self.BASES:
            self.assertIn(f"({name}.yaml)", page)

    def test_no_fed_repo_keeps_a_day_on_which_nothing_was_offered(self):
        text = (SCENARIOS / "sep_2019_no_fed_repo.yaml").read_text()
        day = re.search(r"- \{id: morning, date: ([\d-]+), size: series\}", text).group(1)
        offered = {row["date"]: float(row["repo_operation_offered_usd_bn"]) for row in rows_of("sep_2019")}
        self.assertEqual(offered[day], 0.0)


if __name__ == "__main__":
    unittest.main()
