"""`repoquake sweep` and `merge`: which points are run, what the table holds, and what survives interruptions, kills,
failed points and shards."""

import hashlib
import itertools
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import time
import unittest

import h5py
import numpy
import xarray

from program_case import INTERNAL, PROGRAM, SANITIZED, SCENARIOS, SEPTEMBER, ProgramCase, contents, datasets, wait_until

SEED = 20190917
KILLS = os.environ.get("REPOQUAKE_KILLS")
LENIENT = ("--set", "simulate.max_flagged=100 %")  # few paths, and of some points many without a clearing rate
N_PATHS = 64
MISSING, DONE, FAILED = 0, 1, 2

BUILD, RESERVES, FACILITY = "shocks.tga-build.size", "fed_balance_sheet.reserves", "policy.standing_repo"
PEAK = '{id: peak, expr: "mean(max(sofr - iorb))", unit: bp}'
USE = '{id: use, expr: "mean(max(standing_repo))", unit: bn USD}'

def axis(key, *values):
    return f"{{set: {key}, values: [{', '.join(map(str, values))}]}}"


def axes(*lines):
    return "axes: [" + ", ".join(lines) + "]"


def metrics(*lines):
    return "metrics: [" + ", ".join(lines) + "]"


def override(paths=N_PATHS, more=""):
    return f"override: {{simulate: {{paths: {paths}}}, output: {{paths: none}}{more}}}"


class Table:
    """/sweep of a result."""

    def __init__(self, path):
        with h5py.File(path) as file:
            self.root = dict(file.attrs)
            self.about = dict(file["sweep"].attrs)
            group = file["sweep"]
            self.data = {name: item.asstr()[()] if item.dtype.kind == "O" else item[()]
                         for name, item in group.items() if isinstance(item, h5py.Dataset)}
            self.indices = {name: item.asstr()[()] if item.dtype.kind == "O" else item[()]
                            for name, item in group["indices"].items()} if "indices" in group else {}

    def __getattr__(self, name):
        return self.data[name]

    def metric(self, name, what="value"):
        return self.data[what][:, self.data["metric"].tolist().index(name)]

    def parameter(self, name, what="design"):
        return self.data[what][:, self.data["parameter"].tolist().index(name)]

    def index(self, name, key, metric):
        return self.indices[name][self.indices["parameter"].tolist().index(key), self.indices["metric"].tolist().index(metric)]


class Case(ProgramCase):
    maxDiff = 3000
    outside = ("sweep", "check", "run", "explain", "trace", "compare")  # the scenarios are elsewhere

    def file(self, name, *lines):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")
        return path

    def sweep_file(self, name, *lines, base=SEPTEMBER, paths=N_PATHS):
        """With `override` for few paths and a metric, unless the lines have their own."""
        head = ["format: repoquake/sweep/1", f"name: {name}", f"base: {base}"]
        if not any(line.startswith("override:") for line in lines):
            head.append(override(paths))
        if not any(line.startswith("metrics:") for line in lines):
            head.append(metrics(PEAK))
        return self.file(f"{name}.yaml", *head, *lines)

    def sweep(self, file, output="X.h5", *words, code=0):
        return self.tool("sweep", file, "--quiet", "-o", output, *words, code=code)

    def table(self, file, output="X.h5", *words, code=0):
        self.sweep(file, output, *words, code=code)
        return Table(self.folder / output)

    def assert_same(self, one, two, what=contents):
        self.assert_same_contents(what(self.folder / one), what(self.folder / two))

    def left(self, *, partial, journal=False):
        self.assertEqual((partial, journal), tuple((self.folder / f"X.h5.{end}").exists() for end in ("partial", "journal")))


class Points(Case):
    def grid(self):
        return self.sweep_file(
            "grid",
            axes(f"{{set: {BUILD}, grid: {{from: 0 bn USD, to: 0.08 tn USD, steps: 3}}}}", axis(RESERVES, "1.4 tn USD", "1500 bn USD"),
                 f"{{zip: [{axis(FACILITY + '.enabled', 'false', 'true')}, {axis(FACILITY + '.cap', 'none', '0.4 tn USD')}]}}"),
            metrics(PEAK, USE, '{id: often, expr: "P(max(sofr - effr) > 75 bp)"}'))

    def test_a_grid_has_its_points_in_order_with_their_units(self):
        table = self.table(self.grid())
        self.assertEqual(list(range(12)), table.point.tolist())
        self.assertEqual([BUILD, RESERVES, FACILITY + ".enabled", FACILITY + ".cap"], table.data["parameter"].tolist())
        self.assertEqual(["1e9 USD", "1e9 USD", "1"], table.parameter_unit[:3].tolist())
        expected = [[build, reserves, zipped, zipped]
                    for build, reserves, zipped in itertools.product((0, 40, 80), (1400, 1500), (0, 1))]
        self.assertEqual(expected, table.design.tolist())
        self.assertEqual(["0 bn USD", "1400 bn USD", "false", "none"], table.design_text[0].tolist())
        self.assertEqual(["80 bn USD", "1500 bn USD", "true", "0.4 tn USD"], table.design_text[11].tolist())
        self.assertEqual(["bp", "1e9 USD", "1"], table.metric_unit.tolist())
        self.assertEqual([3, 2, 2], table.about["shape"].tolist())
        self.assertEqual(("grid", 0, "held from sep-2019"), tuple(table.about[key] for key in ("kind", "n_skipped", "need")))
        self.assertEqual(("grid", "complete", "all_points_done", SEED, 12 * N_PATHS),
                         tuple(table.root[key] for key in ("scenario_name", "status", "stop_reason", "seed", "n_paths")))
        self.assertEqual([DONE] * 12, table.status.tolist())
        self.assertEqual(12, len(set(table.hash)))
        self.assertEqual(1, len(set(table.need)), "the need of the base is held")
        self.left(partial=False)

    def test_a_point_is_the_run_of_its_scenario_to_the_last_bit(self):
        table = self.table(self.grid())
        child = self.file("child.yaml", "format: repoquake/scenario/1", "name: child", f"extends: [{SEPTEMBER}]",
                          "market: {need: hold}", f"simulate: {{paths: {N_PATHS}}}", "output: {paths: none}",
                          metrics(PEAK, USE, '{id: often, expr: "P(max(sofr - effr) > 75 bp)"}'))
        values = []
        for k in (0, 3, 6, 11):
            words = [word for key, text in zip(table.data["parameter"], table.design_text[k]) for word in ("--set", f"{key}={text}")]
            self.tool("run", child, "--quiet", "-o", f"{k}.h5", *words)
            with h5py.File(self.folder / f"{k}.h5") as run:
                ids = run["metrics/metric"].asstr()[()].tolist()  # a list of metrics is laid over that of the base
                places = [ids.index(metric) for metric in table.data["metric"]]
                for name in ("value", "se", "ci_lo", "ci_hi", "n"):
                    self.assertEqual(run["metrics"][name][()][places].tobytes(), table.data[name][k].tobytes(), (k, name))
            values.append(table.metric("peak")[k])
        self.assertEqual(4, len(set(values)), "runs that do not differ show nothing")

    def test_the_result_says_that_a_replay_is_conditional(self):
        self.sweep(self.grid())
        self.tool("run", SEPTEMBER, "--quiet", "--paths", "64", "-o", "run.h5")
        with h5py.File(self.folder / "X.h5") as sweep, h5py.File(self.folder / "run.h5") as run:
            self.assertEqual((1, 1), (run.attrs["conditional"], sweep.attrs["conditional"]))

    def test_metrics_are_monotone_on_common_random_numbers(self):
        table = self.table(self.grid())
        peak = table.metric("peak").reshape(3, 2, 2)
        self.assertTrue((numpy.diff(peak, axis=0) > 0).all(), "a build of the account makes funding dearer")
        self.assertTrue((numpy.diff(peak, axis=1) < 0).all(), "reserves make it cheaper")
        self.assertTrue((numpy.diff(peak, axis=2) < 0).all(), "and so does a facility")
        self.assertTrue((table.metric("use").reshape(3, 2, 2)[..., 0] == 0).all())
        stigma = self.sweep_file("stigma", axes(axis(FACILITY + ".stigma", *(f"{bp} bp" for bp in (5, 10, 20, 40)))),
                                 override(more=", policy: {standing_repo: {enabled: true, cap: none}}"), metrics(USE))
        use = self.table(stigma, "stigma.h5").metric("use")
        self.assertTrue((numpy.diff(use) < 0).all(), f"use falls in stigma: {use}")

    def test_steps_far_below_the_standard_error_are_seen(self):
        sizes = axis(BUILD, *(f"{10 * k} mn USD" for k in range(8)))
        table = self.table(self.sweep_file("fine", axes(sizes)))
        steps = numpy.diff(table.metric("peak"))
        self.assertTrue((steps > 0).all(), steps)
        self.assertLess(steps.sum(), 0.1 * table.metric("peak", "se")[0])

    def test_control_other_seeds_do_not_show_them(self):
        zipped = f"{{zip: [{axis(BUILD, *(f'{10 * k} mn USD' for k in range(8)))}, {axis('simulate.seed', *range(1, 9))}]}}"
        steps = numpy.diff(self.table(self.sweep_file("fine", axes(zipped))).metric("peak"))
        self.assertTrue((steps < 0).any(), steps)

    def test_points_are_left_out_on_a_condition(self):
        whole = self.table(self.grid(), "whole.h5")
        some = self.file("some.yaml", (self.folder / "grid.yaml").read_text(),
                         f"skip_if: {FACILITY}.enabled and {RESERVES} > 1450 bn USD")
        table = self.table(some)
        kept = [k for k in range(12) if k % 4 != 3]
        self.assertEqual(kept, table.point.tolist())
        self.assertEqual(3, table.about["n_skipped"])
        self.assertEqual([3, 2, 2], table.about["shape"].tolist())
        for name in ("design", "value", "hash"):
            self.assertEqual(whole.data[name][kept].tolist(), table.data[name].tolist())

    def test_a_list_gives_its_rows(self):
        self.file("points.csv", f"{BUILD} [bn USD],{FACILITY}.enabled,{RESERVES}", "0,false,1.4 tn USD", "50,false,1459 bn USD",
                  "50,true,1400 bn USD")
        table = self.table(self.sweep_file("rows", "design: {kind: list, file: points.csv}"))
        self.assertEqual([[0, 0, 1400], [50, 0, 1459], [50, 1, 1400]], table.design.tolist())
        self.assertEqual("list", table.about["kind"])
        self.assertNotIn("shape", table.about)
        peak = table.metric("peak")
        self.assertEqual(3, len(set(peak)))

    def test_flags_and_texts_are_numbers_in_the_design(self):
        table = self.table(self.sweep_file(
            "kinds", axes(axis(FACILITY + ".enabled", "true", "false"),
                          axis(FACILITY + ".cap", "none", "250 bn USD"), axis("simulate.seed", 7),
                          axis("model.banks.lending_share", 0.6, "70 %"))))
        with self.subTest("units"):
            self.assertEqual(["1", "index", "1", "1"], table.parameter_unit.tolist())
        self.assertEqual([[1, 0, 7, 0.6], [1, 0, 7, 0.7], [1, 1, 7, 0.6], [1, 1, 7, 0.7]], table.design[:4].tolist())
        self.assertEqual([0] * 4, table.parameter(FACILITY + ".enabled")[4:].tolist())
        self.assertEqual("true", table.design_text[0, 0])

    def test_units_are_turned_into_those_of_the_result(self):
        rate = "policy.administered_rates[0].iorb"
        table = self.table(self.sweep_file("units", axes(axis(BUILD, "500 mn USD", "1 bn USD", "0.0015 tn USD"),
                                                         axis(f"'{rate}'", "210 bp", "2.2 %"))))
        self.assertEqual(["1e9 USD", "percent"], table.parameter_unit.tolist())
        self.assertEqual([0.5, 0.5, 1, 1, 1.5, 1.5], table.parameter(BUILD).tolist())
        self.assertEqual([2.1, 2.2] * 3, table.parameter(rate).tolist())
        self.assertEqual(["0.5 bn USD", "1 bn USD", "1.5 bn USD"], table.parameter(BUILD, "design_text")[::2].tolist())
        same = self.table(self.sweep_file("same", axes(axis(BUILD, "1000 mn USD", "0.0005 tn USD"))), "same.h5")
        self.assertEqual(table.metric("peak")[2], same.metric("peak")[0])
        self.assertEqual("0.5 bn USD", same.parameter(BUILD, "design_text")[1])

    def test_a_belief_is_inverted_again_and_a_stated_need_is_kept(self):
        beliefs = self.table(self.sweep_file("beliefs", axes(axis("model.banks.lending_share", 0.7, 0.8))), "beliefs.h5")
        self.assertEqual(2, len(set(beliefs.need)))
        inverted = self.table(self.sweep_file("inverted", axes(axis(RESERVES, "1400 bn USD", "1500 bn USD")),
                                              override(more=", market: {need: invert}")), "inverted.h5")
        self.assertEqual(2, len(set(inverted.need)))
        self.assertIn("inverted", inverted.about["need"])

    def test_a_base_of_the_library_and_an_overlay(self):
        of_disk = self.table(self.sweep_file("disk", axes(axis(BUILD, "0 bn USD", "50 bn USD"))), "disk.h5")
        of_library = self.table(self.sweep_file("library", axes(axis(BUILD, "0 bn USD", "50 bn USD")), base="lib:sep_2019"))
        self.assertEqual(of_disk.value.tolist(), of_library.value.tolist())
        overlay = self.file("poor.yaml", "fed_balance_sheet: {reserves: 1300 bn USD}")
        laid = self.table(self.folder / "library.yaml", "laid.h5", "--with", overlay)
        self.assertTrue((laid.value > of_disk.value + 100).all())

    def test_a_sweep_of_nothing_is_refused(self):
        for lines in (["skip_if: simulate.paths > 0", axes(axis(BUILD, "0 bn USD"))], ["axes: []"],
                      [axes(f"{{set: {BUILD}, values: []}}")], []):
            with self.subTest(lines):
                self.assertIn("error", self.sweep(self.sweep_file("nothing", *lines), code=65).stderr)
                self.assertFalse((self.folder / "X.h5").exists())

    # ---- designs

    def design(self, kind, samples, *more, metric=None):
        self.factors = {RESERVES: (1300, 1600), FACILITY + ".cap": (10, 1000), BUILD: (0, 20)}
        return self.sweep_file(
            kind, f"design: {{kind: {kind}, samples: {samples}, seed: 3}}", "factors:",
            f"  - {{set: {RESERVES}, range: [1.3 tn USD, 1600 bn USD]}}",
            f"  - {{set: {FACILITY}.cap, range: [10 bn USD, 1 tn USD], scale: log}}",  # there is none: without effect
            f"  - {{set: {BUILD}, range: [0 bn USD, 20 bn USD]}}", *more)

    def shares(self, table):
        shares = []
        for key, (low, high) in self.factors.items():
            x = table.parameter(key)
            shares.append(numpy.log(x / low) / numpy.log(high / low) if key.endswith("cap") else (x - low) / (high - low))
        return numpy.array(shares)

    def test_a_latin_hypercube_has_one_point_in_every_layer(self):
        table = self.table(self.design("lhs", 12))
        for shares in self.shares(table):
            self.assertEqual(list(range(12)), sorted(numpy.floor(12 * shares).astype(int)))
        self.assertGreater(abs(table.index("prcc", RESERVES, "peak")), 0.9)
        self.assertLess(table.index("prcc", RESERVES, "peak"), 0)
        self.assertGreater(table.index("prcc", BUILD, "peak"), 0)
        self.assertEqual([0], table.indices["left_out"].tolist())

    def test_sobol_points_are_even_and_can_be_extended(self):
        table = self.table(self.design("sobol", 16))
        for shares in self.shares(table):
            self.assertEqual(list(range(16)), sorted(numpy.floor(16 * shares).astype(int)))
        self.assertEqual({}, table.indices)
        first = self.table(self.design("sobol", 8), "first.h5")
        self.assertEqual(table.hash[:8].tolist(), first.hash.tolist())
        self.assertEqual(table.value[:8].tolist(), first.value.tolist())

    def test_saltelli_gives_indices(self):
        table = self.table(self.design("saltelli", 16))
        self.assertEqual((16 * 5, 16, 3), (len(table.point), table.about["samples"], table.about["design_seed"]))
        self.assertEqual(set(table.indices), {"parameter", "metric", "left_out"} |
                         {name + end for name in ("S1", "ST") for end in ("", "_se", "_lo", "_hi")})
        self.assertEqual((0, 0), tuple(table.index(name, FACILITY + ".cap", "peak") for name in ("S1", "ST")))
        for name in ("S1", "ST"):
            with self.subTest(name):
                self.assertAlmostEqual(1, table.index(name, RESERVES, "peak"), delta=0.4)
                self.assertLess(table.index(name, BUILD, "peak"), 0.2)
                self.assertLess(table.index(name + "_lo", RESERVES, "peak"), table.index(name, RESERVES, "peak"))
        self.assertGreater(table.index("ST", BUILD, "peak"), 0)

    def test_morris_gives_effects(self):
        table = self.table(self.design("morris", 6))
        self.assertEqual(6 * 4, len(table.point))
        self.assertEqual(4, table.about["levels"])
        for shares in self.shares(table):
            numpy.testing.assert_allclose(shares * 3, numpy.round(shares * 3), atol=1e-9)
        moved = (numpy.abs(numpy.diff(table.design.reshape(6, 4, 3), axis=1)) > 0).sum(axis=2)
        self.assertTrue((moved == 1).all())
        self.assertEqual((0, 0), tuple(table.index(name, FACILITY + ".cap", "peak") for name in ("mu_star", "sigma")))
        self.assertGreater(table.index("mu_star", RESERVES, "peak"), 5 * table.index("mu_star", BUILD, "peak"))
        self.assertGreater(table.index("mu_star", BUILD, "peak"), 0)

    def test_failed_points_are_left_out_of_the_indices(self):
        file = self.file("some.yaml", self.design("saltelli", 32).read_text().replace("1 tn USD]", "60 tn USD]"))
        table = self.table(file, "X.h5", code=76)
        n_groups = (table.status.reshape(32, 5) == FAILED).any(axis=1).sum()
        self.assertGreater(n_groups, 0)
        self.assertEqual([n_groups], table.indices["left_out"].tolist())
        self.assertTrue(numpy.isfinite(table.index("ST", RESERVES, "peak")))

    # ---- the file

    def test_the_result_depends_on_threads_in_nothing(self):
        file = self.grid()
        for threads in (1, 2, 5):
            self.sweep(file, f"{threads}.h5", "--threads", threads)
        self.assert_same("1.h5", "2.h5")
        self.assert_same("1.h5", "5.h5")

    def test_control_another_seed_is_another_result(self):
        file = self.grid()
        self.sweep(file, "1.h5")
        self.sweep(file, "2.h5", "--seed", 4)
        with self.assertRaises(AssertionError):
            self.assert_same("1.h5", "2.h5", datasets)

    def test_the_result_depends_on_the_place_of_the_files_in_nothing(self):
        """Shards may be run in other folders, or on other machines."""
        values = axis(FACILITY + ".cap", "-5 bn USD", "none")  # a failed point, too, and its message
        for place in ("here", "there/deeper"):
            shutil.copytree(SCENARIOS, self.folder / place / "scenarios")
            file = self.sweep_file("somewhere", axes(values), base="scenarios/sep_2019.yaml")
            file = file.rename(self.folder / place / file.name)
            self.sweep(file, f"{place.split('/')[0]}.h5", code=76)
        self.tool("sweep", "somewhere.yaml", "--quiet", "-o", "../inside.h5", code=76, cwd=self.folder / "here")
        here, there, inside = (Table(self.folder / f"{name}.h5") for name in ("here", "there", "inside"))
        self.assertEqual(here.hash.tolist(), there.hash.tolist())
        self.assertEqual(here.hash.tolist(), inside.hash.tolist())
        for other in ("inside.h5", "there.h5"):
            with self.subTest(other):
                self.assert_same("here.h5", other)

    def test_readers_and_info_open_it(self):
        self.sweep(self.grid())
        said = self.tool("info", "X.h5").stdout
        with self.subTest("info"):
            self.assertRegex(said, r"\b12 points\b")
        for engine in ("netcdf4", "h5netcdf"):
            with xarray.open_dataset(self.folder / "X.h5", group="sweep", engine=engine) as sweep:
                self.assertEqual({"point": 12, "parameter": 4, "metric": 3}, dict(sweep.sizes))
                self.assertEqual(80, float(sweep.design.sel(point=11, parameter=BUILD)))
                self.assertGreater(float(sweep.value.sel(point=8, metric="peak")), float(sweep.value.sel(point=0, metric="peak")))
        self.sweep(self.design("morris", 2), "morris.h5")
        for engine in ("netcdf4", "h5netcdf"):
            with xarray.open_dataset(self.folder / "morris.h5", group="sweep/indices", engine=engine) as indices:
                self.assertIn("mu_star_hi", indices)

    def test_the_table_is_shown(self):
        said = self.tool("sweep", self.grid(), "-o", "X.h5")
        self.assertIn("12 points (grid), 12 done, 0 failed, 0 missing; 768 paths on common random numbers", said.stdout)
        self.assertTrue(said.stdout.endswith("\nresult in X.h5\n"))
        table = Table(self.folder / "X.h5")
        self.assertIn(f"{table.metric('peak')[11]:.1f} ± {table.metric('peak', 'se')[11]:.1f}", said.stdout)
        self.assertIn("12 of 12 points", said.stderr)
        self.assertEqual("", self.sweep(self.grid(), "Y.h5").stderr)

    def test_of_many_points_the_ends_are_shown(self):
        sizes = f"{{set: {BUILD}, grid: {{from: 0 bn USD, to: 10 bn USD, steps: 9}}}}"
        reserves = f"{{set: {RESERVES}, grid: {{from: 1500 bn USD, to: 1600 bn USD, steps: 10}}}}"
        said = self.sweep(self.sweep_file("many", axes(sizes, reserves), paths=8)).stdout
        table = Table(self.folder / "X.h5")
        self.assertEqual(90, len(table.point))
        self.assertLess(len(said.splitlines()), 15)
        peak = table.metric("peak")
        self.assertRegex(said, rf"peak, bp +{peak.min():.1f} ± [\d.]+ +{peak.argmin()} +{peak.max():.1f} ± [\d.]+ +{peak.argmax()}\n")

    def test_it_says_where_it_comes_from(self):
        file = self.grid()
        self.sweep(file, "X.h5", "--set", "market.repo_volume=1200 bn USD")
        with h5py.File(self.folder / "X.h5") as result:
            origin = result["provenance"]
            self.assertEqual(file.read_text(), origin["sweep_file"].asstr()[()])
            self.assertEqual(["repoquake", "sweep", str(file)], origin["command_line"].asstr()[:3].tolist())
            self.assertEqual(["sweep", "scenario", "series"], origin["input"].asstr()[:].tolist())
            self.assertEqual(hashlib.sha256(file.read_bytes()).hexdigest(), origin["input_sha256"].asstr()[0])
            resolved = origin["resolved_scenario"].asstr()[()]
            self.assertIn("repo_volume: 1200 bn USD", resolved)
            self.assertEqual(hashlib.sha256(resolved.encode()).hexdigest(), result.attrs["scenario_sha256"])
            self.assertGreaterEqual(origin.attrs["threads"], 1)

    def test_verbs_for_runs_say_what_they_were_given(self):
        self.sweep(self.grid())
        for words in (["compare", "X.h5", "X.h5"], ["export", "X.h5", "paths"]):
            with self.subTest(words):
                self.assertRegex(self.tool(*words, code=65).stderr, r"X\.h5: .*sweep")


class Options(Case):
    def small(self, *lines):
        return self.sweep_file("small", axes(axis(BUILD, "0 bn USD", "50 bn USD")), *lines)

    def test_settings_of_the_command_line_are_laid_over_the_base(self):
        usual = self.table(self.small(), "usual.h5")
        table = self.table(self.small(), "X.h5", "--set", f"{RESERVES}=1300 bn USD", "--paths", 32, "--seed", 4)
        self.assertEqual([32, 32], table.n_paths.tolist())
        self.assertEqual(4, table.root["seed"])
        self.assertTrue((table.metric("peak") > usual.metric("peak") + 100).all())
        self.assertIn("moves", self.sweep(self.small(), "Y.h5", "--set", f"{BUILD}=1 bn USD", code=65).stderr)

    def test_the_metrics_are_the_bases_where_the_sweep_names_none(self):
        file = self.file("small.yaml", *(line for line in self.small().read_text().splitlines() if "metrics:" not in line))
        table = self.table(file)
        self.assertEqual(["peak_spread", "p_above_75bp", "unwind"], table.data["metric"].tolist())
        self.assertEqual(["bp", "1", "1e9 USD"], table.metric_unit.tolist())
        named = self.table(self.small(), "named.h5")
        self.assertEqual(named.metric("peak").tolist(), table.metric("peak_spread").tolist())

    def test_without_output_it_is_named_after_the_sweep(self):
        said = self.tool("sweep", self.small(), "--quiet")
        self.assertTrue(said.stdout.endswith("result in output/small.h5\n"))
        self.assertTrue((self.folder / "output" / "small.h5").exists())
        self.assertIn("--force", self.tool("sweep", self.small(), "--quiet", code=74).stderr)

    def test_a_dry_run_writes_nothing(self):
        before = sorted(path.name for path in self.folder.iterdir())
        file = self.small()
        said = self.tool("sweep", file, "--dry-run", "-o", "X.h5").stdout
        self.assertRegex(said, r"\n  points +2, 0 skipped\n")
        self.assertIn("nothing is written", said)
        self.tool("sweep", file, "--dry-run")
        self.assertEqual([*before, "small.yaml"], sorted(path.name for path in self.folder.iterdir()))
        self.assertRegex(self.tool("sweep", file, "--dry-run", "--shard", "1/2").stdout, r"points +1, 0 skipped, shard 1/2\n")

    def test_mistakes_of_sweep_base_and_points_come_at_once(self):
        base = self.folder / "base.yaml"
        base.write_text(SEPTEMBER.read_text().replace("data/sep_2019.csv", str(SCENARIOS / "data" / "sep_2019.csv"))
                        .replace("  tga: 183.581", "  tgb: 183.581"))
        (self.folder / "wrong.yaml").write_text(
            "format: repoquake/sweep/1\nname: wrong\nbase: base.yaml\naxes:\n"
            "  - {set: policy.standing_repo.cap, values: [-3 bn USD, 5 bn USD]}\n"
            "metrics: [{id: a, expr: 'mean(max(sprad))'}]\ncolour: red\n")
        for verb in ("check", "sweep"):
            said = self.tool(verb, "wrong.yaml", code=65).stderr
            for complaint in ('wrong.yaml:5:46: error: policy.standing_repo.cap: must be 0 bn USD',
                              'wrong.yaml:6:35: error: metrics.a.expr: no variable is called "sprad"',
                              "wrong.yaml:7:1: error: colour: unknown key", "error: fed_balance_sheet.tga: is required",
                              'error: fed_balance_sheet.tgb: unknown key', "5 errors"):
                self.assertIn(complaint, said)
        # What may have been meant for the design is no ground to judge points by.
        text = (self.folder / "wrong.yaml").read_text().replace("colour: red", "skip_f: 'a > 3'")
        (self.folder / "wrong.yaml").write_text(text)
        self.assertNotIn("must be 0 bn USD", self.tool("check", "wrong.yaml", code=65).stderr)

    def test_metrics_do_not_move(self):
        for key, values in (("unit", "[bp, '%']"), ("expr", "[mean(max(spread)), mean(max(reserves))]"), ("id", "[a, b]")):
            (self.folder / "moving.yaml").write_text(
                f"format: repoquake/sweep/1\nname: moving\nbase: {SEPTEMBER}\naxes: [{{set: metrics.a.{key}, values: {values}}}]\n"
                "metrics: [{id: a, expr: mean(max(spread)), unit: bp}]\n")
            self.assertIn("metrics are the columns of the table", self.tool("sweep", "moving.yaml", code=65).stderr)

    def test_the_library_lists_and_prints_its_sweeps(self):
        listed = self.tool("scenarios").stdout
        for path in sorted((SCENARIOS / "sweeps").glob("*.yaml")):
            title = re.search("^title: (.*)$", path.read_text(), re.MULTILINE).group(1)
            self.assertRegex(listed, rf"\nsweeps/{path.stem} +{re.escape(title)}\n")
            for name in (path.stem, f"sweeps/{path.stem}", f"sweeps/{path.name}"):
                if not (SCENARIOS / f"{name}.yaml").exists() or "/" in name:
                    self.assertEqual(path.read_text(), self.tool("scenarios", name).stdout)
        self.assertIn('did you mean "tga_x_reserves"?', self.tool("scenarios", "tga_x_reserve", code=2).stderr)

    def test_a_sweep_is_conditional_where_all_its_points_are(self):
        (self.folder / "flows.yaml").write_text(
            f"format: repoquake/sweep/1\nname: flows\nbase: {SEPTEMBER}\n"
            "axes: [{set: drivers.volatility, values: [series, drawn]}]\noverride: {simulate: {paths: 20}}\n")
        self.tool("sweep", "flows.yaml", "-o", "flows.h5", "--quiet", *LENIENT)
        with h5py.File(self.folder / "flows.h5") as file:
            self.assertEqual(1, file.attrs["conditional"])  # settlements are realised at both

    def test_a_dry_run_states_the_whole_sweep(self):
        whole = self.tool("sweep", "lib:sweeps/tga_x_reserves", "--dry-run", "-o", "X.h5", "--paths", "5000").stdout
        self.assertRegex(whole, r"dry run of tga-x-reserves: nothing is written\n  points +54, 0 skipped\n"
                                r"  paths +270000 in all, of 17 days\n  memory +at most [\d.]+ MB\n"
                                r"  disk +about [\d.]+ kB, in X.h5\n  time +about [\d.]+ s on \d+ threads \(trial of 5 points")
        said = float(re.search(r"disk +about ([\d.]+) kB", whole).group(1))
        self.tool("sweep", "lib:sweeps/tga_x_reserves", "-o", "X.h5", "--paths", "20", "--quiet", *LENIENT)
        size = (self.folder / "X.h5").stat().st_size / 1e3
        self.assertLess(abs(said - size), 0.5 * size)
        known = self.tool("sweep", "lib:sweeps/tga_x_reserves", "--dry-run", "-o", "X.h5", "--paths", "20", "--resume", *LENIENT).stdout
        self.assertRegex(known, r"points +0, 0 skipped, 54 known\n  paths +0 in all")

    def test_an_existing_file_is_kept(self):
        (self.folder / "X.h5").write_text("precious")
        self.assertIn("X.h5: exists; --force replaces it", self.sweep(self.small(), code=74).stderr)
        self.assertEqual("precious", (self.folder / "X.h5").read_text())
        self.left(partial=False)
        self.sweep(self.small(), "X.h5", "--force")
        self.assertEqual(2, len(Table(self.folder / "X.h5").point))

    def test_a_file_of_something_else_is_not_resumed(self):
        self.tool("run", SEPTEMBER, "--quiet", "--paths", 64, "-o", "X.h5")
        before = (self.folder / "X.h5").read_bytes()
        self.assertIn("X.h5: is not the result of a sweep", self.sweep(self.small(), "X.h5", "--resume", code=65).stderr)
        self.assertEqual(before, (self.folder / "X.h5").read_bytes())

    def test_what_is_no_shard(self):
        for shard in ("4/3", "0/3", "a/b", "1/", "/3", "1/3/5", "-1/3", "1.5/3", "3", "1/0", "99999999/99999999", ""):
            with self.subTest(shard):
                said = self.sweep(self.small(), "X.h5", f"--shard={shard}", code=2)
                self.assertIn("--shard", said.stderr)
                self.assertFalse((self.folder / "X.h5").exists())

    def test_missing_files(self):
        self.assertIn("none.yaml", self.sweep("none.yaml", code=74).stderr)
        self.assertIn("none.yaml", self.sweep(self.small(), "X.h5", "--with", "none.yaml", code=74).stderr)
        self.assertIn("no folder", self.sweep(self.small(), "none/X.h5", code=74).stderr)
        self.assertIn("none.h5", self.tool("merge", "none.h5", "-o", "X.h5", code=74).stderr)
        based = self.sweep_file("based", axes(axis(BUILD, "0 bn USD")), base="none.yaml")
        self.assertRegex(self.sweep(based, code=65).stderr, r"based\.yaml:3:\d+: error: base: .*none\.yaml")
        listed = self.sweep_file("listed", "design: {kind: list, file: none.csv}")
        self.assertRegex(self.sweep(listed, code=65).stderr, r"listed\.yaml:6:\d+: error: design\.file: .*none\.csv")
        self.left(partial=False)

    def test_all_that_is_wrong_with_a_sweep_is_said_at_once(self):
        file = self.sweep_file("wrong", axes(axis("fed_balance_sheet.reservs", "1 tn USD"),
                                             f"{{set: {RESERVES}, grid: {{from: 1 tn USD, to: 2 tn USD, steps: 1}}}}"),
                               "on_error: explode", "skip_it: true")
        said = self.sweep(file, code=65).stderr
        for what in ("fed_balance_sheet.reserves", "steps", "explode", "skip_it"):
            self.assertIn(what, said)
        self.assertRegex(said, r"4 errors\n$")
        scenario = self.sweep(SEPTEMBER, code=65).stderr
        self.assertIn("repoquake/sweep/1", scenario)
        self.assertFalse((self.folder / "X.h5").exists())


class Resume(Case):
    def build(self, *sizes, name="sweep", paths=N_PATHS, more=()):
        return self.sweep_file(name, axes(axis(BUILD, *(f"{size} bn USD" for size in sizes)),
                                          axis(RESERVES, "1400 bn USD", "1500 bn USD")), *more, paths=paths)

    def mark(self, path, k, value):
        """A value that no run gives, to see which points were run again."""
        with h5py.File(self.folder / path, "r+") as file:
            file["sweep/value"][k, 0] = value

    def test_nothing_is_run_again(self):
        file = self.build(0, 50)
        self.sweep(file)
        shutil.copy(self.folder / "X.h5", self.folder / "before.h5")
        said = self.tool("sweep", file, "-o", "X.h5", "--resume")
        self.assertIn("4 of 4 points are known\n", said.stderr)
        self.assertNotIn("nothing to resume", said.stderr)
        self.left(partial=False)
        self.assert_same("before.h5", "X.h5", datasets)
        self.assert_same("before.h5", "X.h5")
        self.mark("X.h5", 2, 12345)
        self.sweep(file, "X.h5", "--resume")
        self.assertEqual(12345, Table(self.folder / "X.h5").value[2, 0], "it was run again")

    def test_what_is_told_of_the_sweep_stays_when_nothing_is_run(self):
        file = self.build(0, 50)
        first = self.sweep(file).stdout
        self.assertEqual(first, self.sweep(file, "X.h5", "--resume").stdout)

    def test_only_new_points_of_an_extended_sweep_are_run(self):
        self.sweep(self.build(0, 50))
        extended = self.build(0, 25, 50)
        self.sweep(extended, "fresh.h5")
        said = self.tool("sweep", extended, "-o", "X.h5", "--resume")
        self.assertIn("4 of 6 points are known\n", said.stderr)
        self.assert_same("fresh.h5", "X.h5")
        self.sweep(self.build(0, 50), "X.h5", "--force")
        self.mark("X.h5", 3, 12345)
        self.sweep(self.build(0, 25, 50), "X.h5", "--resume")
        value = Table(self.folder / "X.h5").value[:, 0]
        self.assertEqual(12345, value[5])
        self.assertEqual(Table(self.folder / "fresh.h5").value[:5, 0].tolist(), value[:5].tolist())

    def test_a_sweep_with_fewer_values_keeps_what_it_has(self):
        self.sweep(self.build(0, 25, 50))
        self.assertIn("4 of 4 points are known", self.tool("sweep", self.build(0, 50), "-o", "X.h5", "--resume").stderr)
        self.sweep(self.build(0, 50), "fresh.h5")
        self.assert_same("fresh.h5", "X.h5")

    def test_another_sweep_is_refused_and_told_apart(self):
        file = self.build(0, 50)
        self.sweep(file)
        before = (self.folder / "X.h5").read_bytes()
        said = self.sweep(file, "X.h5", "--resume", "--seed", 4, code=65).stderr
        self.assertRegex(said, r"X\.h5: none of its points .*seed: 20190917.*seed: 4\b")
        said = self.sweep(file, "X.h5", "--resume", "--set", "market.repo_volume=1200 bn USD", code=65).stderr
        self.assertRegex(said, r"X\.h5: .*1179 bn USD.*1200 bn USD")
        self.assertEqual(before, (self.folder / "X.h5").read_bytes())
        self.left(partial=False)

    def test_other_points_of_the_same_base_are_refused_without_a_false_reason(self):
        self.sweep(self.build(0, 50))
        said = self.sweep(self.build(10, 60), "X.h5", "--resume", code=65).stderr
        self.assertIn("none of its points", said)
        self.assertNotRegex(said, r"; *$|said \"\"")

    def test_points_of_another_model_version_are_refused_and_the_program_is_named(self):
        file = self.build(0, 50)
        self.sweep(file)
        with h5py.File(self.folder / "X.h5", "r+") as result:  # the version is part of the hash
            result["sweep/hash"][:] = [hash_[::-1] for hash_ in result["sweep/hash"].asstr()[:]]
            result.attrs["git_describe"] = "v0-earlier"
        said = self.sweep(file, "X.h5", "--resume", code=65).stderr
        self.assertRegex(said, r"the base is the same; made by repoquake \S+ \(v0-earlier\), this program is repoquake ")

    def test_a_journal_of_another_sweep_is_told_apart(self):
        file = self.build(0, 50)
        self.sweep(file)
        self.journal_of("X.h5")
        (self.folder / "X.h5").unlink()
        said = self.sweep(file, "X.h5", "--resume", "--seed", 4, code=65).stderr
        self.assertNotIn("nothing more", said)

    def journal_of(self, path):
        """What a killed sweep would have left of these points."""
        table = Table(self.folder / path)
        lines = []
        for k in range(len(table.point)):
            numbers = [float(table.data[name][k, 0]).hex() for name in ("value", "se", "ci_lo", "ci_hi")]
            line = "\t".join([table.hash[k], "1", str(table.n_paths[k]), float(table.flagged[k]).hex(), float(table.need[k]).hex(),
                              "1", *numbers, str(table.n[k, 0]), ""])
            lines.append(hashlib.sha256(line.encode()).hexdigest()[:16] + "\t" + line)
        journal = self.folder / f"{path}.journal"
        journal.write_text("\n".join(lines) + "\n")
        return journal

    def test_nothing_to_resume_is_said(self):
        said = self.tool("sweep", self.build(0, 50), "-o", "X.h5", "--resume")
        self.assertIn("nothing to resume: the sweep starts anew\n", said.stderr)
        self.sweep(self.build(0, 50), "fresh.h5")
        self.assert_same("fresh.h5", "X.h5")

    def test_lines_of_a_journal_that_are_torn_or_changed_are_run_again(self):
        file = self.build(0, 50)
        self.sweep(file, "fresh.h5")
        shutil.copy(self.folder / "fresh.h5", self.folder / "X.h5")
        journal = self.journal_of("X.h5")
        lines = journal.read_text().splitlines()
        (self.folder / "X.h5").unlink()
        self.assertIn("4 of 4", self.tool("sweep", file, "-o", "X.h5", "--resume").stderr)
        self.assert_same("fresh.h5", "X.h5")
        (self.folder / "X.h5").unlink()
        changed = lines[1].replace("0x1.", "0x2.", 1)
        self.assertNotEqual(lines[1], changed)
        journal.write_bytes("\n".join(["", lines[0], changed, "rubbish\t\t", "\x00\xff", lines[2], lines[3][:-20]]).encode("latin-1"))
        self.assertIn("2 of 4", self.tool("sweep", file, "-o", "X.h5", "--resume").stderr)
        self.assert_same("fresh.h5", "X.h5")
        self.left(partial=False)

    def test_torn_files(self):
        file = self.build(0, 50)
        self.sweep(file, "fresh.h5")
        half = (self.folder / "fresh.h5").read_bytes()[:9000]
        (self.folder / "X.h5.partial").write_bytes(half)
        self.assertIn("starts anew", self.tool("sweep", file, "-o", "X.h5", "--resume").stderr)
        self.assert_same("fresh.h5", "X.h5")
        for torn, why in ((half, "truncated"), (b"", "empty"), (b"rubbish", "not an HDF5 file")):
            with self.subTest(why):
                (self.folder / "X.h5").write_bytes(torn)
                self.assertRegex(self.sweep(file, "X.h5", "--resume", code=65).stderr, rf"X\.h5: .*{why}")
                self.assertEqual(torn, (self.folder / "X.h5").read_bytes())

    # ---- only what failed

    def forget(self, path, *points):
        """As if these points had failed for lack of memory."""
        with h5py.File(self.folder / path, "r+") as file:
            group = file["sweep"]
            for k in points:
                group["status"][k] = FAILED
                group["message"][k] = "out of memory"
                group["n_paths"][k] = 0
                for name in ("value", "se", "ci_lo", "ci_hi"):
                    group[name][k] = numpy.nan

    def test_only_failed_points_are_run_again(self):
        file = self.build(0, 50)
        self.sweep(file, "fresh.h5")
        shutil.copy(self.folder / "fresh.h5", self.folder / "X.h5")
        self.forget("X.h5", 1, 3)
        self.mark("X.h5", 2, 12345)
        self.assertEqual([1, 2, 1, 2], Table(self.folder / "X.h5").status.tolist())
        self.sweep(file, "X.h5", "--resume", code=76)
        self.assertEqual([1, 2, 1, 2], Table(self.folder / "X.h5").status.tolist(), "--resume alone keeps what failed")
        self.sweep(file, "X.h5", "--only-failed")
        fresh, table = Table(self.folder / "fresh.h5"), Table(self.folder / "X.h5")
        self.assertEqual(12345, table.value[2, 0])
        self.assertEqual(fresh.value[[0, 1, 3]].tolist(), table.value[[0, 1, 3]].tolist())
        self.mark("X.h5", 2, fresh.value[2, 0])
        self.assert_same("fresh.h5", "X.h5")

    def test_only_failed_runs_no_point_that_was_never_run(self):
        self.sweep(self.build(0, 50), "X.h5")
        self.forget("X.h5", 1)
        said = self.sweep(self.build(0, 25, 50), "X.h5", "--only-failed", code=75)
        table = Table(self.folder / "X.h5.partial")
        self.assertEqual([DONE, DONE, MISSING, MISSING, DONE, DONE], table.status.tolist())
        self.assertNotRegex(said.stderr, r"repoquake: interrupted")

    def test_only_failed_of_nothing(self):
        said = self.sweep(self.build(0, 50), "X.h5", "--only-failed", code=65)
        self.assertNotIn("anew", said.stderr)
        self.assertFalse((self.folder / "X.h5.partial").exists())


class Failures(Case):
    WRONG = "-5 bn USD"

    def failing(self, *lines, paths=N_PATHS):
        return self.sweep_file("failing", axes(axis(FACILITY + ".cap", "none", self.WRONG, "500 bn USD"),
                                               axis(BUILD, "0 bn USD", "50 bn USD")), *lines, paths=paths)

    def test_a_point_that_cannot_be_run_is_recorded_and_the_others_are_run(self):
        said = self.sweep(self.failing(), code=76)
        table = Table(self.folder / "X.h5")
        self.assertEqual([1, 1, 2, 2, 1, 1], table.status.tolist())
        self.assertEqual(["", ""], table.message[:2].tolist())
        for message in table.message[2:4]:
            self.assertIn(f"{FACILITY}.cap: must be 0 bn USD to 50000 bn USD, got -5 bn USD", message)
            self.assertIn(f"{message}\n", said.stdout)
        self.assertTrue(numpy.isnan(table.value[2:4]).all() and numpy.isnan(table.need[2:4]).all())
        self.assertTrue(numpy.isfinite(table.value[[0, 1, 4, 5]]).all())
        self.assertEqual([64, 64, 0, 0, 64, 64], table.n_paths.tolist())
        self.assertEqual("complete", table.root["status"])
        self.assertIn("6 points (grid), 4 done, 2 failed, 0 missing", said.stdout)
        self.left(partial=False)
        self.tool("info", "X.h5")

    def test_the_need_is_told_of_points_that_can_be_run(self):
        file = self.sweep_file("first", axes(axis(FACILITY + ".cap", self.WRONG, "none")))
        table = self.table(file, "X.h5", code=76)
        self.assertEqual("held from sep-2019", table.about["need"])

    def test_messages_name_the_value_and_not_the_place_of_the_file(self):
        self.sweep(self.failing(), code=76)
        self.assertNotIn(str(self.folder), Table(self.folder / "X.h5").message[2])

    def test_progress_counts_points_that_failed(self):
        file = self.sweep_file("last", axes(axis(FACILITY + ".cap", "none", self.WRONG)))
        self.assertIn("2 of 2 points", self.tool("sweep", file, "-o", "X.h5", code=76).stderr)

    def test_it_stops_at_a_failure_if_told_so(self):
        file = self.failing("on_error: stop")
        self.sweep(self.sweep_file("earlier", axes(axis(BUILD, "0 bn USD"))))
        before = (self.folder / "X.h5").read_bytes()
        said = self.sweep(file, "X.h5", "--force", "--threads", 5, code=76)
        self.assertEqual(before, (self.folder / "X.h5").read_bytes())
        self.left(partial=True)
        table = Table(self.folder / "X.h5.partial")
        self.assertEqual([1, 1, 2, 0, 0, 0], table.status.tolist())
        self.assertEqual("interrupted", table.root["status"])
        self.assertRegex(said.stderr, r"stopped at a failed point after 3 of 6 points; X\.h5\.partial holds them; go on with\n  repoquake sweep .* --resume\n")
        # and goes on with what is missing
        self.sweep(self.failing(), "fresh.h5", code=76)
        self.sweep(self.failing(), "X.h5", "--resume", code=76)
        self.assert_same("fresh.h5", "X.h5")
        self.left(partial=False)

    def test_what_failed_fails_again(self):
        self.sweep(self.failing(), "fresh.h5", code=76)
        shutil.copy(self.folder / "fresh.h5", self.folder / "X.h5")
        for word in ("--resume", "--only-failed"):
            self.sweep(self.failing(), "X.h5", word, code=76)
            self.assert_same("fresh.h5", "X.h5")

    def test_a_corrected_value_is_run(self):
        self.sweep(self.failing(), code=76)
        self.WRONG = "5 bn USD"
        self.assertIn("4 of 6 points are known", self.tool("sweep", self.failing(), "-o", "X.h5", "--resume").stderr)
        self.sweep(self.failing(), "fresh.h5")
        self.assert_same("fresh.h5", "X.h5")

    def test_all_points_fail(self):
        file = self.sweep_file("all", axes(axis(FACILITY + ".cap", self.WRONG)))
        self.assertEqual([FAILED], self.table(file, "X.h5", code=76).status.tolist())
        self.tool("sweep", file, "--dry-run")

    def test_points_without_clearing_are_told(self):
        file = self.sweep_file("scarce", axes(axis(RESERVES, "100 bn USD", "1500 bn USD")))
        said = self.sweep(file, code=78)
        self.assertRegex(said.stderr, r"1 point with more than 1\.00 % of path-days")
        table = Table(self.folder / "X.h5")
        self.assertGreater(table.flagged[0], 0.01)
        self.assertEqual(0, table.flagged[1])


class Shards(Case):
    def whole(self, *lines, values=("0 bn USD", "25 bn USD", "50 bn USD", "75 bn USD")):
        return self.sweep_file("sweep", axes(axis(BUILD, *values), axis(RESERVES, "1400 bn USD", "1500 bn USD")), *lines)

    def shards(self, file, n=3, code=0):
        names = [f"{i}.h5" for i in range(1, n + 1)]
        for i, name in enumerate(names, 1):
            self.sweep(file, name, "--shard", f"{i}/{n}", code=code)
        return names

    def test_shards_make_the_whole(self):
        file = self.whole()
        said = self.sweep(file, "whole.h5").stdout
        names = self.shards(file)
        for i, name in enumerate(names):
            table = Table(self.folder / name)
            self.assertEqual([DONE if k % 3 == i else MISSING for k in range(8)], table.status.tolist())
            self.assertEqual((f"{i + 1}/3", "complete", "shard_done"),
                             (table.about["shard"], table.root["status"], table.root["stop_reason"]))
        merged = self.tool("merge", *reversed(names), "-o", "X.h5").stdout
        self.assert_same("whole.h5", "X.h5", datasets)
        self.assert_same("whole.h5", "X.h5")
        self.assertEqual(said.replace("whole.h5", "X.h5"), merged)
        self.tool("info", "X.h5")

    def test_shards_of_a_design_have_its_indices_when_they_are_merged(self):
        file = self.sweep_file("morris", "design: {kind: morris, samples: 4}", "factors:",
                               f"  - {{set: {RESERVES}, range: [1400 bn USD, 1600 bn USD]}}", f"  - {{set: {BUILD}, range: [0 bn USD, 50 bn USD]}}",
                               metrics(PEAK, '{id: sold, expr: "mean(sum(basis_sales))", unit: bn USD}'))
        said = self.sweep(file, "whole.h5").stdout
        names = self.shards(file, 2)
        self.assertEqual({}, Table(self.folder / names[0]).indices)
        merged = self.tool("merge", *names, "-o", "X.h5").stdout
        self.assert_same("whole.h5", "X.h5")
        self.assertEqual(said.replace("whole.h5", "X.h5"), merged)

    def test_failed_and_skipped_points_are_merged(self):
        file = self.sweep_file("failing", axes(axis(FACILITY + ".cap", "none", "-5 bn USD"), axis(BUILD, "0 bn USD", "25 bn USD", "50 bn USD")),
                               f"skip_if: {BUILD} == 25 bn USD")
        self.sweep(file, "whole.h5", code=76)
        self.sweep(file, "1.h5", "--shard", "1/4")
        self.sweep(file, "2.h5", "--shard", "2/4")
        self.sweep(file, "3.h5", "--shard", "3/4", code=76)
        self.sweep(file, "4.h5", "--shard", "4/4", code=76)
        self.tool("merge", "1.h5", "2.h5", "3.h5", "4.h5", "-o", "X.h5", code=76)
        self.assert_same("whole.h5", "X.h5")

    def test_more_shards_than_points(self):
        file = self.sweep_file("two", axes(axis(BUILD, "0 bn USD", "50 bn USD")))
        names = self.shards(file)
        self.sweep(file, "whole.h5")
        self.tool("merge", *names, "-o", "X.h5")
        self.assert_same("whole.h5", "X.h5")

    def test_one_of_one_is_the_whole(self):
        file = self.whole()
        self.sweep(file, "whole.h5")
        self.sweep(file, "X.h5", "--shard", "1/1")
        self.assert_same("whole.h5", "X.h5", datasets)

    def test_a_shard_is_resumed(self):
        file = self.whole()
        self.sweep(file, "X.h5", "--shard", "2/3")
        shutil.copy(self.folder / "X.h5", self.folder / "before.h5")
        self.sweep(file, "X.h5", "--shard", "2/3", "--resume")
        self.assert_same("before.h5", "X.h5")
        self.sweep(file, "whole.h5")
        self.sweep(file, "X.h5", "--resume")
        self.assert_same("whole.h5", "X.h5")

    def test_progress_of_a_shard_counts_its_own_points(self):
        said = self.tool("sweep", self.whole(), "-o", "X.h5", "--shard", "1/4").stderr
        self.assertIn("2 of 2 points", said)

    def test_what_cannot_be_merged(self):
        file = self.whole()
        names = self.shards(file)
        said = self.tool("merge", *names[:2], "-o", "X.h5", code=65).stderr
        self.assertIn("2 of 8 points are in none of the files; give all the shards", said)
        self.sweep(file, "seed.h5", "--shard", "3/3", "--seed", 4)
        self.assertIn("seed.h5: is of another sweep than 1.h5", self.tool("merge", *names[:2], "seed.h5", "-o", "X.h5", code=65).stderr)
        other = self.whole(values=("0 bn USD", "25 bn USD", "50 bn USD"))
        self.sweep(other, "other.h5", "--shard", "3/3")
        self.assertIn("other.h5: is of another sweep", self.tool("merge", *names[:2], "other.h5", "-o", "X.h5", code=65).stderr)
        self.tool("run", SEPTEMBER, "--quiet", "--paths", 64, "-o", "run.h5")
        self.assertIn("run.h5: is not the result of a sweep", self.tool("merge", *names, "run.h5", "-o", "X.h5", code=65).stderr)
        self.assertIn("sweep.yaml", self.tool("merge", *names, "sweep.yaml", "-o", "X.h5", code=65).stderr)
        torn = (self.folder / "3.h5").read_bytes()
        (self.folder / "torn.h5").write_bytes(torn[: len(torn) // 2])
        self.assertIn("torn.h5", self.tool("merge", *names[:2], "torn.h5", "-o", "X.h5", code=65).stderr)
        self.assertFalse((self.folder / "X.h5").exists())
        self.left(partial=False)
        (self.folder / "X.h5").write_text("precious")
        self.assertIn("X.h5: exists; --force replaces it", self.tool("merge", *names, "-o", "X.h5", code=74).stderr)
        self.assertEqual("precious", (self.folder / "X.h5").read_text())
        self.tool("merge", *names, "-o", "X.h5", "--force")
        self.tool("merge", *names, code=2)
        self.tool("merge", "-o", "Y.h5", code=2)

    def test_points_without_clearing_are_told_of_the_whole_too(self):
        file = self.whole(values=("0 bn USD", "1000 bn USD"))
        told = r"2 points with more than 1\.00 % of path-days"
        self.assertRegex(self.sweep(file, "whole.h5", code=78).stderr, told)
        self.sweep(file, "1.h5", "--shard", "1/2", code=78)
        self.sweep(file, "2.h5", "--shard", "2/2", code=78)
        self.assertRegex(self.tool("merge", "1.h5", "2.h5", "-o", "X.h5", code=78).stderr, told)
        self.assert_same("whole.h5", "X.h5")

    def test_a_merge_over_one_of_its_shards_loses_nothing(self):
        file = self.whole()
        names = self.shards(file)
        self.sweep(file, "whole.h5")
        self.tool("merge", *names, "-o", names[0], "--force")
        self.assert_same("whole.h5", names[0])


class Interruptions(Case):
    """An earlier result X.h5, a sweep of a second or so over it, and what that is when nothing happens."""

    N_POINTS = 24

    made = None  # the fresh result, the earlier one, and how long the former takes: by the first test for all

    def setUp(self):
        super().setUp()
        self.file_ = self.sweep_file("long", axes(axis(BUILD, *(f"{size} bn USD" for size in range(12))),
                                                  axis(RESERVES, "1400 bn USD", "1500 bn USD")), paths=700)
        if Interruptions.made is None:
            self.sweep(self.sweep_file("earlier", axes(axis(BUILD, "0 bn USD"))))
            begin = time.monotonic()
            self.sweep(self.file_, "fresh.h5")
            duration = time.monotonic() - begin
            Interruptions.made = (self.folder / "fresh.h5").read_bytes(), (self.folder / "X.h5").read_bytes(), duration
        fresh, self.earlier, self.duration = Interruptions.made
        (self.folder / "fresh.h5").write_bytes(fresh)
        (self.folder / "X.h5").write_bytes(self.earlier)

    def lines(self):
        """Whole lines of the journal."""
        journal = self.folder / "X.h5.journal"
        if not journal.exists():
            return []
        return [line for line in journal.read_bytes().split(b"\n")
                if hashlib.sha256(line[17:]).hexdigest()[:16].encode() == line[:16]]

    def hold_it(self, *words):
        """Stands still at the first message of progress, a tenth further on: three points from the start."""
        return self.hold("sweep", self.file_, "--threads", 2, "-o", "X.h5", *words, room=60 if "--resume" in words else 0)

    def wait_for_points(self, held, n):
        wait_until(lambda: len(self.lines()) >= n, held)

    def run_within(self, limit, *words):
        """With a limit on the size of files; its exit code and what it says."""
        done = subprocess.run([PROGRAM, *self.words_of(["sweep", self.file_, "-o", "X.h5", "--quiet", *words])], cwd=self.folder,
                              capture_output=True, text=True, check=False, restore_signals=False,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        self.assertEqual(74, done.returncode, done.stdout + done.stderr)
        self.assertNotRegex(done.stdout + done.stderr, INTERNAL)
        return done.stderr

    def resume(self, code=0):
        said = self.tool("sweep", self.file_, "-o", "X.h5", "--resume", code=code).stderr
        known = re.search(r"^(\d+) of (\d+) points are known$", said, re.MULTILINE)
        if known is None:
            self.assertIn("nothing to resume", said)
            return 0
        self.assertEqual(self.N_POINTS, int(known[2]))
        return int(known[1])

    def interrupt(self, after, *words, number=signal.SIGINT):
        """When its journal has so many points; returns what it says."""
        held = self.hold_it(*words)
        self.wait_for_points(held, after)
        held.interrupt(number)
        said = held.let_go()
        self.assertEqual(75, held.returncode, said)
        self.assertNotRegex(said, INTERNAL)
        return said

    def test_an_interrupted_sweep_keeps_its_points_and_goes_on(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                (self.folder / "X.h5").write_bytes(self.earlier)
                complaint = self.interrupt(3, "--force", number=number)
                self.assertEqual(self.earlier, (self.folder / "X.h5").read_bytes())
                self.left(partial=True)
                table = Table(self.folder / "X.h5.partial")
                n_done = int((table.status == DONE).sum())
                self.assertGreaterEqual(n_done, 3)
                self.assertLess(n_done, self.N_POINTS)
                self.assertEqual(("interrupted", "interrupted"), (table.root["status"], table.root["stop_reason"]))
                self.assertIn(f"interrupted after {n_done} of {self.N_POINTS} points; X.h5.partial holds them; go on with\n  repoquake sweep ", complaint)
                self.assertNotIn("--force", complaint)
                fresh = Table(self.folder / "fresh.h5")
                done = table.status == DONE
                self.assertEqual(fresh.value[done].tolist(), table.value[done].tolist())
                self.assertTrue(numpy.isnan(table.value[~done]).all())
                self.assertEqual(n_done, self.resume())
                self.assert_same("fresh.h5", "X.h5")
                self.left(partial=False)

    def test_info_says_how_much_an_interrupted_sweep_holds(self):
        self.interrupt(3, "--force")
        done = int((Table(self.folder / "X.h5.partial").status == DONE).sum())
        said = self.tool("info", "X.h5.partial").stdout
        self.assertIn("interrupted", said)
        for what in (rf"\b{done} of {self.N_POINTS} points", "--resume"):
            with self.subTest(what):
                self.assertRegex(said, what)
        self.assertNotIn("run --from", said)

    def test_a_sweep_that_is_not_resumed_says_what_it_drops(self):
        self.interrupt(3, "--force")
        done = int((Table(self.folder / "X.h5.partial").status == DONE).sum())
        told = f"X.h5: {done} finished points of a sweep that did not end are dropped; --resume would have kept"
        self.assertIn(told, self.tool("sweep", self.file_, "-o", "X.h5", "--force").stderr)
        self.assertNotIn("dropped", self.tool("sweep", self.file_, "-o", "X.h5", "--force").stderr)
        self.assert_same("fresh.h5", "X.h5")

    def test_interrupted_again_and_again(self):
        self.interrupt(2, "--force")
        n = int((Table(self.folder / "X.h5.partial").status == DONE).sum())
        self.interrupt(n + 1, "--resume")  # the journal begins with the points of the first one
        again = int((Table(self.folder / "X.h5.partial").status == DONE).sum())
        self.assertGreater(again, n)
        self.assertEqual(again, self.resume())
        self.assert_same("fresh.h5", "X.h5")

    def test_interrupted_before_its_first_point_it_goes_on_as_it_says(self):
        self.sweep_file("long", axes(axis(BUILD, "0 bn USD", "50 bn USD")), paths=30_000_000)  # minutes
        for word in ("--force", "--resume"):
            held = self.hold_it(word)
            wait_until((self.folder / "X.h5.journal").exists, held)
            held.interrupt()
            said = held.let_go()
            self.assertEqual(75, held.returncode, said)
            self.assertIn("interrupted after 0 of 2 points", said)
            self.assertRegex(said, r"go on with\n  repoquake sweep .* --resume\n")

    def test_killed_at_any_moment_it_loses_no_finished_point(self):
        """Every second kill comes when there are points, the others at moments of chance."""
        chance = random.Random(SEED)
        n_kills = n_in_time = 0
        for k in range(8):
            with self.subTest(kill=k):
                for end in ("partial", "journal"):
                    (self.folder / f"X.h5.{end}").unlink(missing_ok=True)
                (self.folder / "X.h5").write_bytes(self.earlier)
                held = self.hold("sweep", self.file_, "--threads", 2, "-o", "X.h5", "--force", room=(100, 4096)[k % 2])
                if k % 2 == 0:
                    self.wait_for_points(held, 3)
                else:
                    time.sleep(self.duration * chance.uniform(*((0.1, 0.9), (0.9, 1.1))[k // 2 % 2]))
                held.kill()
                n_kills += 1
                if held.returncode == 0:
                    self.assert_same("fresh.h5", "X.h5")
                    continue
                n_in_time += 1
                if (self.folder / "X.h5").read_bytes() != self.earlier:  # killed between the new name and the end
                    self.assert_same("fresh.h5", "X.h5")
                known = len(self.lines())
                if known == 0 and (self.folder / "X.h5").read_bytes() == self.earlier:
                    self.sweep(self.file_, "X.h5", "--force")  # nothing was done, and X.h5 is of another sweep
                else:
                    self.assertGreaterEqual(self.resume(), known)
                self.assert_same("fresh.h5", "X.h5")
                self.left(partial=False)
        self.assertGreaterEqual(n_in_time, n_kills // 2)

    def test_killed_twice(self):
        known = 0
        for _ in range(3):
            held = self.hold_it("--resume" if known else "--force")
            self.wait_for_points(held, known + 1)
            held.kill()
            self.assertGreater(len(self.lines()), known)
            known = len(self.lines())
        self.assertEqual(known, self.resume())
        self.assert_same("fresh.h5", "X.h5")

    @unittest.skipIf(SANITIZED, "the library that kills must be loaded first, and so must the sanitizer's")
    def test_killed_at_its_changes_of_files(self):
        """Before a change, or in the middle of a write; every 15th of some 100, all of them with REPOQUAKE_KILLS=100."""
        step = max(1, 100 // int(KILLS)) if KILLS else 15
        n, n_kills, n_known = step // 2, 0, 0
        while True:
            for path in self.folder.glob("X.h5.*"):
                path.unlink()
            (self.folder / "X.h5").write_bytes(self.earlier)
            code, _ = self.kill_at_change(n, "X.h5", "sweep", self.file_, "-o", "X.h5", "--threads", 2, "--quiet", "--force")
            if code == 0:
                break
            with self.subTest(change=n):
                is_there = (self.folder / "X.h5").read_bytes() != self.earlier
                known = self.N_POINTS if is_there else len(self.lines())
                n_known += known > 0
                if known:
                    self.assertEqual(known, self.resume())
                else:
                    self.sweep(self.file_, "X.h5", "--force")  # nothing was done, and X.h5 is of another sweep
                self.assert_same("fresh.h5", "X.h5")
                self.left(partial=False)
            n, n_kills = n + step, n_kills + 1
        self.assertGreater(n, 60)
        self.assertGreater(n_known, n_kills // 4)
        if KILLS:
            print(f"a sweep: killed at {n_kills} of its {n} changes of files, {n_known} times with points to go on with")

    def test_killed_after_an_interruption_it_loses_neither(self):
        self.interrupt(3, "--force")
        table = Table(self.folder / "X.h5.partial")
        known = set(table.hash[table.status == DONE])
        held = self.hold_it("--resume")
        self.wait_for_points(held, len(known) + 1)  # the journal begins with the points of the interrupted run
        held.kill()
        known |= {line.split(b"\t")[1].decode() for line in self.lines()}
        self.assertEqual(len(known), self.resume())
        self.assert_same("fresh.h5", "X.h5")

    def test_a_full_disk_at_the_end_loses_nothing(self):
        """Points may be in the journal only, or in what an interruption left only."""
        self.interrupt(3, "--force")
        known = int((Table(self.folder / "X.h5.partial").status == DONE).sum())
        self.run_within(12_000, "--resume")  # enough for the journal, not for the result
        self.assertEqual(self.earlier, (self.folder / "X.h5").read_bytes())
        self.assertLess(known, self.N_POINTS)
        self.assertEqual(self.N_POINTS, self.resume())
        self.assert_same("fresh.h5", "X.h5")

    def test_a_disk_that_is_full_for_the_journal_stops_it(self):
        self.assertIn("X.h5.journal: cannot be written: File too large", self.run_within(1000, "--force"))
        self.assertEqual(self.earlier, (self.folder / "X.h5").read_bytes())
        known = len(self.lines())
        self.assertGreater(known, 0)
        self.assertEqual(known, self.resume())
        self.assert_same("fresh.h5", "X.h5")

    def test_two_sweeps_do_not_write_the_same_file(self):
        for word in ("--resume", "--force"):
            with self.subTest(word):
                (self.folder / "X.h5").write_bytes(self.earlier)
                held = self.hold_it("--force")
                self.wait_for_points(held, 2)
                second = self.tool("sweep", self.sweep_file("second", axes(axis(BUILD, "0 bn USD"))) if word == "--force" else self.file_,
                                   "--quiet", "-o", "X.h5", word, code=74)
                self.assertIn("another running sweep writes it", second.stderr)
                said = held.let_go()
                self.assertEqual(0, held.returncode, said)
                self.assert_same("fresh.h5", "X.h5")
                self.left(partial=False)


if __name__ == "__main__":
    unittest.main()
