"""`repoquake attribute`: shares that sum, held need, switches, what it refuses, and the file it writes."""

import csv
import re
import unittest

import h5py
import numpy

from program_case import SCENARIOS, SEPTEMBER, ProgramCase

CRISIS = SCENARIOS / "joint_crisis.yaml"
PEAK = "mean(max(sofr - iorb))"


class Attribute(ProgramCase):
    outside = ("run", "check", "compare", "attribute", "explain")

    def shares(self, *words):
        self.said = self.tool("attribute", *words, "--quiet", "--force", "-o", "a.h5").stdout
        with h5py.File(self.folder / "a.h5") as file:
            group = file["attribution"]
            return {name: group[name].asstr()[:] if group[name].dtype.kind == "O" else group[name][:] for name in group}

    def metric_of(self, name, *settings):
        """The mean peak as `run` says it."""
        words = [word for setting in settings for word in ("--set", setting)]
        self.tool("run", CRISIS, "--quiet", "--paths", "600", "-o", f"{name}.h5", "--set", "output.paths=none",
                  "--set", f"metrics=[{{id: peak, expr: {PEAK}}}]", *words)
        with h5py.File(self.folder / f"{name}.h5") as file:
            return file["metrics/value"][0]

    def test_shares_sum_and_the_ends_are_runs(self):
        a = self.shares(CRISIS, "--paths", "600", "--metric", PEAK, "--metric", "quantile(max(spread), 95 %)")
        self.assertEqual(["tga-build", "volatility", "other-sales"], a["factor"].tolist())
        numpy.testing.assert_allclose(a["shapley"].sum(axis=1), a["effect"], rtol=1e-12)
        numpy.testing.assert_allclose(a["effect"], a["all"] - a["none"], rtol=1e-12)
        self.assertTrue((a["shapley_se"] > 0).all())
        self.assertTrue((a["effect_se"][0] < numpy.hypot(a["all_se"][0], a["none_se"][0])).all())  # the draws are shared
        # The world holds its parents' need in any case, so the ends are plain runs.
        off = [f"shocks.{name}.enabled=false" for name in a["factor"]]
        self.assertEqual(self.metric_of("all"), a["all"][0])
        self.assertEqual(self.metric_of("none", *off), a["none"][0])
        self.assertAlmostEqual(self.metric_of("one", *off[1:]) - a["none"][0], a["alone"][0, 0], places=9)
        self.assertAlmostEqual(a["all"][0] - self.metric_of("last", off[0]), a["last"][0, 0], places=9)
        numpy.testing.assert_array_equal(a["interaction"][0], a["interaction"][0].T)
        self.assertTrue(numpy.isnan(numpy.diag(a["interaction"][0])).all())

    def test_threads_leave_no_trace(self):
        one, many = (self.shares(CRISIS, "--paths", "1500", "--metric", PEAK, "--threads", n) for n in ("1", "5"))
        for name, values in one.items():
            if values.dtype.kind == "f":
                numpy.testing.assert_array_equal(values, many[name])

    def test_switches_hold_the_need_of_the_whole(self):
        words = [SEPTEMBER, "--paths", "600", "--metric", "peak_spread",
                 "--switch", "low-reserves: fed_balance_sheet.reserves=1700 bn USD",
                 "--switch", "fed: policy.repo_operations=[]"]
        a = self.shares(*words)
        self.assertEqual(["low-reserves", "fed"], a["factor"].tolist())
        self.assertGreater(a["alone"][0, 0], 100)   # scarce reserves make the peak
        self.assertLess(a["shapley"][0, 1], -100)   # the Fed's operations take it down
        again = self.shares(*words, "--switch", "low-reserves: market.need=invert")
        self.assertNotEqual(a["none"][0], again["none"][0])

    def test_september_2019_is_a_confluence(self):
        a = self.shares(SCENARIOS / "sep_2019_confluence.yaml", "--paths", "2000")
        self.assertEqual(["tga-and-tax", "coupon-settlement", "low-reserves"], a["factor"].tolist())
        peak = a["metric"].tolist().index("peak_spread")
        # With everything on it is the replay: flows differ by less than 1e-7 bn, the mean peak by less than 1e-4 bp.
        self.tool("run", SEPTEMBER, "--quiet", "--paths", "2000", "--set", "output.paths=none", "-o", "replay.h5")
        with h5py.File(self.folder / "replay.h5") as file:
            replay = dict(zip(file["metrics/metric"].asstr()[:], file["metrics/value"][:]))
        self.assertAlmostEqual(replay["peak_spread"], a["all"][peak], delta=1e-4)
        self.assertAlmostEqual(replay["unwind"], a["all"][a["metric"].tolist().index("unwind")], delta=1e-4)
        # Each alone is little, each is indispensable, and pairs do more together than apart.
        self.assertLess((a["alone"][peak] + 3 * a["alone_se"][peak]).max(), 15)
        self.assertGreater((a["last"][peak] - 3 * a["last_se"][peak]).min(), 0.6 * a["effect"][peak])
        self.assertGreater((a["shapley"][peak] - 3 * a["shapley_se"][peak]).min(), 0.2 * a["effect"][peak])
        pairs = numpy.triu_indices(3, 1)
        self.assertGreater((a["interaction"][peak] - 3 * a["interaction_se"][peak])[pairs].min(), 0.0)

    def test_switches_of_a_scenario(self):
        world = self.folder / "world.yaml"
        world.write_text(f"format: repoquake/scenario/1\nname: world\nextends: ['{SEPTEMBER}']\n"
                         "switches: [{id: low-reserves, without: [fed_balance_sheet.reserves=1700 bn USD]}]\n")
        words = ["--paths", "300", "--metric", "peak_spread"]
        own = self.shares(world, *words)
        asked = self.shares(SEPTEMBER, *words, "--switch", "low-reserves: fed_balance_sheet.reserves=1700 bn USD")
        self.assertEqual(["low-reserves"], own["factor"].tolist())
        numpy.testing.assert_array_equal(own["shapley"], asked["shapley"])
        world.write_text(world.read_text().replace("1700 bn USD", "1700").replace("reserves=", "reservs="))
        for verb in ("check", "attribute"):
            said = self.tool(verb, world, code=65).stderr
            self.assertIn("world.yaml:4:", said)
            self.assertIn('switches.low-reserves.without: fed_balance_sheet.reservs: unknown key; did you mean "reserves"?', said)

    def test_what_is_printed_is_what_is_written(self):
        a = self.shares(CRISIS, "--paths", "600", "--metric", PEAK)
        said = self.tool("attribute", CRISIS, "--paths", "600", "--metric", PEAK, "--quiet").stdout
        for j, name in enumerate(a["factor"]):
            value, error = map(float, re.search(rf"{name} +(-?[\d.]+) ± ([\d.]+)", said).groups())
            self.assertAlmostEqual(value, a["shapley"][0, j], delta=0.051)
            self.assertAlmostEqual(error, a["shapley_se"][0, j], delta=0.051)
        self.assertIn("8 worlds of 600 paths", said)

    def test_info_and_export_know_the_file(self):
        words = [CRISIS, "--paths", "300", "--metric", PEAK, "--metric", "P(max(spread) > 100 bp)"]
        a = self.shares(*words)
        table = self.said[self.said.index("\nmetric_1"):self.said.index("\nattribution in")]
        self.assertIn(table.rstrip(), self.tool("info", "a.h5").stdout)  # as it was printed
        rows = list(csv.DictReader(self.tool("export", "a.h5", "attribution").stdout.splitlines()))
        self.assertEqual(6, len(rows))
        self.assertEqual(a["factor"].tolist() * 2, [row["factor"] for row in rows])
        numpy.testing.assert_array_equal(a["shapley"].ravel(), [float(row["shapley"]) for row in rows])
        numpy.testing.assert_array_equal(numpy.repeat(a["effect"], 3), [float(row["effect"]) for row in rows])
        self.assertEqual("", rows[0]["interaction[tga-build]"])
        self.assertEqual(a["interaction"][1, 2, 0], float(rows[5]["interaction[tga-build]"]))
        self.assertIn("tables: attribution", self.tool("export", "a.h5", "stats", code=65).stderr)
        self.assertIn("is an attribution", self.tool("compare", "a.h5", "a.h5", code=65).stderr)
        self.shares(*words, "--orders", "8")
        self.assertIn("interactions are told over all subsets only", self.tool("info", "a.h5").stdout)

    def test_what_is_refused(self):
        self.assertIn("has no shock that does anything", self.tool("attribute", SEPTEMBER, code=65).stderr)
        self.assertIn('no variable is called "sof"', self.tool("attribute", CRISIS, "--metric", "mean(max(sof))", code=2).stderr)
        self.assertIn("must be NAME: KEY=VALUE", self.tool("attribute", CRISIS, "--switch", "policy", code=2).stderr)
        self.assertIn("unknown key", self.tool("attribute", CRISIS, "--switch", "x: polcy.tga=1", code=65).stderr)
        many = [word for k in range(64) for word in ("--switch", f"s{k}: simulate.seed={k}")]
        self.assertIn("at most 63", self.tool("attribute", SEPTEMBER, *many, code=2).stderr)
        for orders, reason in (("5", "must be even"), ("2", "not in range"), ("x", "orders")):
            self.assertIn(reason, self.tool("attribute", CRISIS, "--orders", orders, code=2).stderr)
        self.assertIn("too much memory", self.tool("attribute", CRISIS, "--paths", "1000000000", code=2).stderr)
        self.assertIn("missing.yaml", self.tool("attribute", "missing.yaml", code=74).stderr)
        (self.folder / "a.h5").write_text("precious")
        self.tool("attribute", CRISIS, "--paths", "10", "-o", "a.h5", code=74)
        self.assertEqual("precious", (self.folder / "a.h5").read_text())

    def test_a_sample_of_orders_agrees_with_all_subsets(self):
        words = [CRISIS, "--paths", "600", "--metric", PEAK]
        exact, sample = self.shares(*words), self.shares(*words, "--orders", "12")
        self.assertIn("12 orders, 6 drawn and their reverses", self.said)
        with h5py.File(self.folder / "a.h5") as file:
            self.assertEqual(("sample of orders", 12, 8), tuple(file["attribution"].attrs[name] for name in
                                                                 ("method", "n_orders", "n_worlds")))
        for name in ("effect", "effect_se", "alone", "last", "none_se"):
            numpy.testing.assert_allclose(sample[name], exact[name], rtol=1e-12)
        numpy.testing.assert_allclose(sample["shapley"].sum(axis=1), sample["effect"], rtol=1e-12)
        # The paths are the same ones: shares differ by the sample of orders only.
        self.assertTrue((sample["shapley_se_orders"] > 0).all())
        self.assertTrue((numpy.abs(sample["shapley"] - exact["shapley"]) < 4 * sample["shapley_se_orders"]).all())
        self.assertTrue((sample["shapley_se"] > sample["shapley_se_orders"]).all())
        self.assertTrue((exact["shapley_se_orders"] == 0).all())
        self.assertTrue(numpy.isnan(sample["interaction"]).all())

    def test_many_factors_are_sampled_without_being_asked(self):
        shocks = ", ".join(f"{{id: s{k}, target: tga, date: 2026-02-0{2 + k % 5}, size: {10 * k + 10} bn USD}}" for k in range(11))
        a = self.shares(CRISIS, "--paths", "50", "--metric", PEAK, "--set", f"shocks=[{shocks}]", "--orders", "4",
                        "--switch", "facility: policy.standing_repo.enabled=false",
                        "--switch", "purchases: policy.securities.reserve_management_purchases=0 bn USD per month")
        self.assertEqual(13, len(a["factor"]))
        numpy.testing.assert_allclose(a["shapley"].sum(axis=1), a["effect"], rtol=1e-9)
        said = self.tool("attribute", CRISIS, "--paths", "50", "--set", f"shocks=[{shocks}]", "--dry-run",
                         "--switch", "facility: policy.standing_repo.enabled=false",
                         "--switch", "purchases: policy.securities.reserve_management_purchases=0 bn USD per month").stdout
        self.assertIn("of 13 factors in 64 orders", said)

    def test_a_dry_run_writes_nothing(self):
        said = self.tool("attribute", CRISIS, "--dry-run", "-o", "a.h5").stdout
        self.assertRegex(said, r"worlds +8, of 3 factors\n +paths +160000 in all, of 43 days\n +memory .*\n +disk .*a.h5\n +time +about")
        self.assertFalse((self.folder / "a.h5").exists())


if __name__ == "__main__":
    unittest.main()
