"""`repoquake compare`: what it pairs, whose need it holds, what it refuses, and the file it writes."""

import re
import unittest

import h5py
import numpy
import xarray

from program_case import SEPTEMBER, ProgramCase

N_PATHS = "1500"

FACILITY = "policy: {standing_repo: {enabled: true, rate: iorb + 15 bp, cap: 500 bn USD, stigma: 15 bp}}"
SHOCK = "shocks: [{id: tga-build, size: 20 bn USD}]"


class Compare(ProgramCase):
    outside = ("run", "compare", "attribute", "explain")

    def child(self, name, *lines, extends=SEPTEMBER):
        file = self.folder / f"{name}.yaml"
        head = ["format: repoquake/scenario/1", f"name: {name}", f"extends: [{extends}]"]
        file.write_text("\n".join([*head, *lines]) + "\n")
        return file

    def compare(self, *sides, code=0):
        return self.tool("compare", *sides, *(["--paths", N_PATHS] if code == 0 else []), "--quiet", code=code)

    def result(self, name, scenario, *words):
        self.tool("run", scenario, "--quiet", "--paths", N_PATHS, "-o", f"{name}.h5", *words)
        return self.folder / f"{name}.h5"

    def needs(self, said):
        return re.findall(r"need ([\d.]+) bn USD, (.*)", said)

    # ---- the need

    def test_scenarios_of_one_base_hold_its_need(self):
        said = self.compare(SEPTEMBER, self.child("facility", FACILITY), self.child("poor", "fed_balance_sheet: {reserves: 1400 bn USD}"))
        needs = self.needs(said.stdout)
        self.assertEqual(3, len(needs))
        self.assertEqual(1, len({need for need, _ in needs}), needs)
        self.assertEqual(["inverted at the opening spread", "held from sep-2019", "held from sep-2019"],
                         [origin for _, origin in needs])
        self.assertIn("what they ask for differs from the opening day on", said.stdout)

    def test_told_to_invert_a_scenario_does(self):
        said = self.compare(SEPTEMBER, self.child("poor", "fed_balance_sheet: {reserves: 1400 bn USD}", "market: {need: invert}"))
        needs = self.needs(said.stdout)
        self.assertNotEqual(needs[0][0], needs[1][0])
        self.assertEqual("inverted at the opening spread", needs[1][1])

    def test_another_model_matches_the_opening_again(self):
        said = self.compare(SEPTEMBER, self.child("belief", "model: {banks: {scarcity_ratio: 0.065}}"))
        self.assertEqual("inverted at the opening spread", self.needs(said.stdout)[1][1])

    def test_siblings_hold_the_need_of_their_parent(self):
        one, two = self.child("facility", FACILITY), self.child("poor", "fed_balance_sheet: {reserves: 1400 bn USD}")
        needs = self.needs(self.compare(one, two).stdout)
        self.assertEqual(["held from sep-2019"] * 2, [origin for _, origin in needs])

    def test_worlds_without_a_common_base_are_compared_as_they_stand(self):
        said = self.compare("lib:quarter_end", SEPTEMBER)
        self.assertEqual(["inverted at the opening spread"] * 2, [origin for _, origin in self.needs(said.stdout)])
        self.assertIn("do not share their draws or days", said.stdout)

    def test_the_opening_spread_under_a_held_need_is_refused(self):
        said = self.compare(SEPTEMBER, self.child("dear", "market: {opening_spread: 9 bp}"), code=65)
        self.assertRegex(said.stderr, r"dear\.yaml:4:\d+: error: market\.opening_spread: .*need: invert")
        self.assertEqual("", said.stdout)

    # ---- what is paired

    def test_paths_are_equal_before_the_shock(self):
        said = self.compare(SEPTEMBER, self.child("shock", SHOCK)).stdout
        self.assertIn("what they ask for differs from 2019-09-16 on; before it all paths are equal to the bit", said)
        self.assertIn("3 days without any difference", said)
        self.assertNotRegex(said, r"2019-09-13 ")
        peak = re.search(r"peak SOFR - IORB, bp .* ([\d.]+) ± ([\d.]+) +[\d.]+ %", said)
        self.assertGreater(float(peak[1]), 50 * float(peak[2]))

    def test_a_scenario_against_itself(self):
        said = self.compare(SEPTEMBER, SEPTEMBER).stdout
        self.assertIn("both ask for the same: all paths are equal to the bit", said)
        self.assertIn("17 days without any difference", said)
        rows = [line for line in said.split("Over the window")[1].splitlines() if "±" in line]
        self.assertGreater(len(rows), 20)
        for row in rows:
            self.assertRegex(row, r" none( +0\.0 %)?$")

    def test_results_are_paired_where_their_draws_are(self):
        base, shock = self.result("base", SEPTEMBER), self.result("shock", self.child("shock", SHOCK))
        said = self.tool("compare", base, shock).stdout
        self.assertIn(f"{N_PATHS} pairs of paths", said)
        self.assertIn("stored paths are equal to the bit before 2019-09-16", said)
        alive = self.compare(SEPTEMBER, self.folder / "shock.yaml").stdout
        peak = r"peak SOFR - IORB, bp .*"
        self.assertEqual(re.search(peak, alive)[0], re.search(peak, said)[0])  # /summary is not rounded
        other = self.result("seed", SEPTEMBER, "--seed", "4")
        self.assertIn("do not share their draws", self.tool("compare", base, other).stdout)
        bare = self.result("bare", SEPTEMBER, "--set", "output.paths=none")
        self.assertIn("do not share their draws", self.tool("compare", base, bare).stdout)
        all_alike = self.tool("compare", base, base).stdout
        self.assertIn("all stored paths are equal to the bit", all_alike)

    # ---- the file

    def test_the_file_holds_what_the_table_says(self):
        shock, facility = self.child("shock", SHOCK), self.child("facility", FACILITY)
        said = self.tool("compare", SEPTEMBER, shock, facility, "--quiet", "--paths", N_PATHS, "-o", "c.h5").stdout
        self.assertTrue(said.endswith("\ncomparison in c.h5\n"))
        with h5py.File(self.folder / "c.h5") as file:
            self.assertEqual(("repoquake/comparison/1", 1, 1500),
                             (file.attrs["format"], file.attrs["paired"], file.attrs["n_paths"]))
            self.assertEqual(["sep-2019", "shock", "facility"], file["scenarios/scenario"].asstr()[:].tolist())
            quantity = file["window/quantity"].asstr()[:].tolist()
            k = quantity.index("peak_spread")
            value, error = file["window/difference"][0, k], file["window/difference_se"][0, k]
            self.assertIn(f"{value:.1f} ± {error:.1f}", said)
            self.assertAlmostEqual(value, file["window/value"][0, k] - file["window/base"][k], places=6)
            self.assertAlmostEqual(file["window/ci_hi"][0, k], value + 1.959964 * error, places=6)
            self.assertEqual("metric", file["window/kind"].asstr()[quantity.index("peak_spread", k + 1)])
            self.assertTrue((file["days/spread_difference"][0, :3] == 0).all())
            self.assertTrue((file["days/spread_difference"][0, 3:] > 0).all())
        for engine in ("netcdf4", "h5netcdf"):
            with xarray.open_dataset(self.folder / "c.h5", group="days", engine=engine) as days:
                self.assertEqual({"scenario": 2, "time": 17}, dict(days.sizes))
                self.assertGreater(float(days.spread_difference.sel(scenario="shock", time="2019-09-17")), 100)
            with xarray.open_dataset(self.folder / "c.h5", group="window", engine=engine) as window:
                self.assertIn("difference_se", window)

    def test_the_file_does_not_depend_on_threads(self):
        shock = self.child("shock", SHOCK)
        tables = []
        for threads in (1, 2, 5):
            self.tool("compare", SEPTEMBER, shock, "--quiet", "--paths", "3000", "--threads", threads, "-o", f"{threads}.h5")
            with h5py.File(self.folder / f"{threads}.h5") as file:
                tables.append([file[f"{group}/{name}"][()] for group in ("days", "window") for name in sorted(file[group])
                               if file[f"{group}/{name}"].dtype.kind == "f"])
        for other in tables[1:]:
            for one, two in zip(tables[0], other):
                numpy.testing.assert_array_equal(one, two)

    def test_an_existing_file_is_kept(self):
        (self.folder / "c.h5").write_text("precious")
        said = self.tool("compare", SEPTEMBER, SEPTEMBER, "--paths", "300", "-o", "c.h5", code=74)
        self.assertIn("c.h5: exists; --force replaces it", said.stderr)
        self.assertEqual("precious", (self.folder / "c.h5").read_text())

    # ---- what is refused

    def test_what_cannot_be_compared(self):
        base = self.result("base", SEPTEMBER)
        self.assertIn("not both", self.tool("compare", SEPTEMBER, base, code=2).stderr)
        self.assertIn("as they stand", self.tool("compare", base, base, "--paths", "5", code=2).stderr)
        self.tool("compare", SEPTEMBER, code=2)
        self.assertIn("missing.yaml", self.tool("compare", SEPTEMBER, "missing.yaml", code=74).stderr)
        wrong = self.child("wrong", "market: {repo_volume: 5}")
        worse = self.child("worse", "markt: {}")
        said = self.compare(SEPTEMBER, wrong, worse, code=65).stderr
        self.assertIn("wrong.yaml:4:", said)
        self.assertIn("worse.yaml:4:", said)
        text = base.read_bytes()
        (self.folder / "torn.h5").write_bytes(text[: len(text) // 2])
        self.assertIn("truncated", self.tool("compare", base, "torn.h5", code=65).stderr)

    def test_a_dry_run_writes_nothing(self):
        said = self.tool("compare", SEPTEMBER, SEPTEMBER, "--paths", "50000", "--dry-run", "-o", "c.h5").stdout
        self.assertIn("dry run of sep-2019 and 1 more", said)
        self.assertFalse((self.folder / "c.h5").exists())

    def test_settings_are_laid_over_all_sides(self):
        said = self.compare(SEPTEMBER, self.child("shock", SHOCK), code=0)
        low = self.tool("compare", SEPTEMBER, self.folder / "shock.yaml", "--quiet", "--paths", N_PATHS,
                        "--set", "fed_balance_sheet.reserves=1800 bn USD")
        self.assertEqual(["held from sep-2019"] * 2, [origin for _, origin in self.needs(low.stdout)])
        self.assertNotEqual(said.stdout, low.stdout)


if __name__ == "__main__":
    unittest.main()
