"""The figures of a sweep show what is stored; what is wrong is refused in one line with the right exit code."""

import unittest

import h5py
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.text import Text

import test_plots
from synthetic_sweep import FACILITY, RESERVES, TGA, write_design, write_grid, write_one_at_a_time
from test_plots import texts_of

import plot_sweep  # noqa: E402  test_plots knows where the scripts are

FLAG = (FACILITY[0],)


class PlotSweep(test_plots.ScriptCase):
    script = plot_sweep

    def grid(self, name, *arguments, **about):
        path = self.here / f"{name}.h5"
        write_grid(path, **about)
        return self.drawn(path, *arguments)

    def panels(self, figure):
        """The axes with data: neither the foot nor the scale of colours."""
        return [axes for axes in figure.axes if axes.axison and axes.get_label() != "<colorbar>"]

    def refused(self, code, pattern, path, *arguments):
        message = self.refuse(code, pattern, path, *arguments, "-o", self.here / "refused.png")
        self.assertEqual(len(message.splitlines()), 1, message)
        self.assertFalse((self.here / "refused.png").exists())

    def mesh(self, axes):
        return axes.collections[0].get_array().filled(np.nan).reshape(-1)

    # ------------------------------------------------------------ heat maps

    def test_heat_map_by_panels_of_the_third_axis(self):
        figure = self.grid("heat")
        panels = self.panels(figure)
        self.assertEqual([axes.get_title("left") for axes in panels],
                         ["standing_repo.enabled: false", "standing_repo.enabled: true"])
        self.assertEqual(panels[0].get_xlabel(), "tga-build.size (USD bn)")
        self.assertEqual(panels[0].get_ylabel(), "reserves (USD bn)")
        for axes, cap in zip(panels, (0.0, 500.0)):
            expected = [50 + 5 * tga + (1600 - cap) * 0.1 for _ in range(3) for tga in (0, 50, 100, 150)]
            np.testing.assert_allclose(self.mesh(axes), expected)
        words = texts_of(figure)
        self.assertIn("quantile(max(sofr - iorb), 95 %)", words)
        self.assertIn("need held from sep-2019", words)
        self.assertIn("960", words, "the values are printed in the cells")

    def test_order_of_values_does_not_matter(self):
        upside_down = (RESERVES[0], RESERVES[1], RESERVES[2][::-1])
        figure = self.grid("order", axes=((TGA,), (upside_down,)), value=lambda at: at[0] + at[1])
        np.testing.assert_allclose(self.mesh(self.panels(figure)[0]),
                                   [tga + reserves for reserves in (1300, 1459, 1600) for tga in (0, 50, 100, 150)])

    def test_chosen_axes_and_slice(self):
        figure = self.grid("chosen", "--x", "reserves", "--y", "shocks.tga-build.size", "--fix", "cap=500bn USD",
                           "--metric", "p_above")
        (axes,) = self.panels(figure)
        self.assertEqual((axes.get_xlabel(), axes.get_ylabel()), ("reserves (USD bn)", "tga-build.size (USD bn)"))
        self.assertEqual(len(self.mesh(axes)), 12)
        self.assertIn("at standing_repo.cap 500 bn USD", texts_of(figure))
        self.assertIn("p_above (fraction)", texts_of(figure))

    def test_failed_missing_and_unknown_points_are_hatched(self):
        figure = self.grid("holes", axes=((TGA,), (RESERVES,)), failed=(0, 1), missing=(4,), unknown=(7,),
                           skipped=(10,))
        (axes,) = self.panels(figure)
        hatches = [patch.get_hatch() for patch in axes.patches if isinstance(patch, Rectangle)]
        self.assertEqual(sorted(hatches), ["....", "....", "////", "////", "xxxx"])
        words = texts_of(figure)
        for word in ("failed", "skipped or missing", "no value", "2 failed"):
            self.assertIn(word, words)
        self.assertEqual(np.isnan(self.mesh(axes)).sum(), 5)

    def test_contours_where_both_axes_are_numbers(self):
        axes = self.panels(self.grid("contours", axes=((TGA,), (RESERVES,))))[0]
        self.assertGreater(len(axes.collections), 1)
        words = ("drivers.kind", "index", ["mild", "wild"])
        axes = self.panels(self.grid("words", "--kind", "heat", axes=((TGA,), (words,)),
                                     value=lambda at: at[0] + at[1]))[0]
        self.assertEqual(len(axes.collections), 1, "none between words")
        self.assertEqual([tick.get_text() for tick in axes.get_yticklabels()], ["mild", "wild"])

    def test_only_flags_are_a_heat_map_of_words(self):
        other = ("shocks.tax.enabled", "1", ["false", "true"])
        axes = self.panels(self.grid("flags", axes=(FLAG, (other,)), value=lambda at: 1 + at[0] + 2 * at[1]))[0]
        self.assertEqual([tick.get_text() for tick in axes.get_xticklabels()], ["false", "true"])
        np.testing.assert_allclose(self.mesh(axes), [1, 2, 3, 4])

    def test_one_value_everywhere(self):
        figure = self.grid("flat", axes=((TGA,), (RESERVES,)), value=lambda _: 12.0)
        np.testing.assert_allclose(self.mesh(self.panels(figure)[0]), 12.0)

    def test_many_points_are_not_printed(self):
        wide = ("shocks.tga-build.size", "1e9 USD", [f"{size} bn USD" for size in range(30)])
        figure = self.grid("many", axes=((wide,), (RESERVES,)))
        self.assertNotIn("80", [text.get_text() for text in self.panels(figure)[0].texts])
        self.assertLessEqual(len(self.panels(figure)[0].get_xticks()), 12)

    # ------------------------------------------------------------ lines

    def test_line_with_its_limits(self):
        (axes,) = self.panels(self.grid("line", axes=((TGA,),), value=lambda at: 10 + at[0]))
        np.testing.assert_allclose(axes.lines[0].get_xydata(), [(0, 10), (50, 60), (100, 110), (150, 160)])
        band = axes.patches[0].get_path().vertices
        self.assertAlmostEqual(band[:, 1].min(), 4.0)
        self.assertAlmostEqual(band[:, 1].max(), 166.0)

    def test_lines_of_a_second_axis_and_failed_points(self):
        figure = self.grid("lines", axes=((TGA,), FLAG), failed=(2,), value=lambda at: 10 + at[0] + 100 * at[1])
        (axes,) = self.panels(figure)
        np.testing.assert_allclose(axes.lines[0].get_ydata(), [10, np.nan, 110, 160])
        self.assertEqual(axes.lines[1].get_xdata().tolist(), [50.0], "the failed point is marked")
        words = texts_of(figure)
        for word in ("standing_repo.enabled: false", "standing_repo.enabled: true", "failed or without a value"):
            self.assertIn(word, words)

    def test_words_on_the_axis_are_not_joined(self):
        (axes,) = self.panels(self.grid("bars", axes=(FLAG,), value=lambda at: 10 + at[0]))
        self.assertEqual([tick.get_text() for tick in axes.get_xticklabels()], ["false", "true"])
        self.assertEqual(axes.lines[0].get_linestyle(), "None")

    def test_one_point(self):
        (axes,) = self.panels(self.grid("one", axes=(((TGA[0], TGA[1], TGA[2][:1]),),)))
        self.assertEqual(len(axes.lines[0].get_xdata()), 1)

    def test_slice_of_one_point_and_zip_named_by_either_key(self):
        (axes,) = self.panels(self.grid("zip", "--x", "cap", "--fix", "size=50", "--fix", "reserves=1300 bn USD"))
        np.testing.assert_allclose(axes.lines[0].get_xdata(), [0, 500])
        self.assertEqual(axes.get_xlabel(), "standing_repo.cap (USD bn), with\nstanding_repo.enabled")

    # ------------------------------------------------------------ scatters and indices

    def test_scatter_against_each_parameter(self):
        path = self.here / "list.h5"
        write_design(path, "list", failed=(3, 4))
        figure = self.drawn(path)
        panels = self.panels(figure)
        self.assertEqual([axes.get_xlabel() for axes in panels],
                         ["banks.lending_share", "position (USD bn)", "standing_repo.enabled"])
        with h5py.File(path) as file:
            done = file["sweep/status"][:] == 1
            for k, axes in enumerate(panels):
                points = axes.containers[0][0].get_xydata()
                np.testing.assert_allclose(points[:, 1], file["sweep/value"][:, 0][done])
                if k < 2:
                    np.testing.assert_allclose(points[:, 0], file["sweep/design"][:, k][done])
        self.assertIn("2 without a value", texts_of(figure))
        self.assertEqual(len(self.panels(self.drawn(path, "--x", "position"))), 1)

    def test_bars_of_indices(self):
        path = self.here / "saltelli.h5"
        write_design(path, "saltelli", indices={"S1": np.array([0.3, 0.5]), "ST": np.array([0.4, np.nan])})
        figure = self.drawn(path)
        (axes,) = self.panels(figure)
        self.assertEqual([tick.get_text() for tick in axes.get_yticklabels()], ["position", "banks.lending_share"])
        self.assertEqual([round(bar.get_width(), 9) for bar in axes.patches], [0.5, 0.3, 0.0, 0.4])
        for words in ("not known", "S1: alone", "2 left out because a point failed"):
            self.assertIn(words, texts_of(figure))

    def test_morris_and_rank_correlations(self):
        path = self.here / "morris.h5"
        write_design(path, "morris", indices={"mu_star": np.array([3.0, 0.2]), "sigma": np.array([1.0, 0.4])})
        (axes,) = self.panels(self.drawn(path))
        np.testing.assert_allclose(axes.containers[0][0].get_xydata(), [(3.0, 1.0), (0.2, 0.4)])
        path = self.here / "lhs.h5"
        write_design(path, "lhs", indices={"prcc": np.array([-0.9, 0.2])})
        self.assertEqual(len(self.panels(self.drawn(path))), 2, "a scatter unless asked otherwise")
        (axes,) = self.panels(self.drawn(path, "--kind", "indices"))
        self.assertEqual([bar.get_width() for bar in axes.patches], [0.2, -0.9])

    def test_names_of_crowded_parameters_do_not_overlap(self):
        path = self.here / "crowded.h5"
        for apart in (1e-3, 10.0):
            write_design(path, "morris", further=10,
                         indices={"mu_star": 3.0 + apart * np.arange(12), "sigma": 2.0 + apart * np.arange(12)})
            figure = self.drawn(path)
            (axes,) = self.panels(figure)
            renderer = figure.canvas.get_renderer()
            names = [text for text in axes.texts if text.get_text()]
            self.assertEqual(len({name.get_text() for name in names}), 12)
            boxes = [Text.get_window_extent(name, renderer) for name in names]
            self.assertEqual([], [(a, b) for k, a in enumerate(boxes) for b in boxes[:k] if a.overlaps(b)])
            has_lines = any(name.arrow_patch.get_visible() for name in names)
            self.assertEqual(has_lines, apart < 1.0, "a line leads to a point from afar, and only from afar")

    def test_tornado_of_a_list_that_moves_one_parameter_at_a_time(self):
        path = self.here / "list.h5"
        write_one_at_a_time(path)
        figure = self.drawn(path)  # without being asked
        (axes,) = self.panels(figure)
        self.assertEqual([tick.get_text() for tick in axes.get_yticklabels()],
                         ["standing_repo.enabled", "reserves", "tga-build.size"])
        base = 200.0 - 0.5 * 1459
        bars = [(bar.get_y() + 0.31, bar.get_x(), bar.get_width()) for bar in axes.patches]
        np.testing.assert_allclose(bars, [(0, base, -30), (1, base, 79.5), (1, base, -70.5), (2, base, 150)])
        for words in ("1300 bn USD", "1600 bn USD", "150 bn USD", "true"):
            self.assertIn(words, texts_of(figure))
        self.assertEqual(len(self.panels(self.drawn(path, "--kind", "scatter"))), 3)

    def test_tornado_of_designs(self):
        for kind, name, indices in (("saltelli", "S1", ("S1", "ST")), ("morris", "mu_star", ("mu_star", "sigma")),
                                    ("lhs", "prcc", ("prcc",))):
            path = self.here / f"{kind}.h5"
            write_design(path, kind, indices={index: np.array([0.7, 0.1 if index == name else 0.9]) for index in indices})
            (axes,) = self.panels(self.drawn(path, "--kind", "tornado"))
            self.assertEqual([bar.get_width() for bar in axes.patches], [0.1, 0.7])
            self.assertEqual(axes.get_yticklabels()[-1].get_text(), "banks.lending_share")
        write_design(path, "list")
        self.refused(2, "no point differs in one parameter alone", path, "--kind", "tornado")
        self.refused(2, "shows all parameters", path, "--kind", "tornado", "--x", "position")

    # ------------------------------------------------------------ what a title says

    def test_a_replay_says_so(self):
        for name, about in (("by attribute", {"conditional": 1}),
                            ("by its base", {"base": "format: repoquake/scenario/1\nseries:\n  file: a.csv\n"})):
            with self.subTest(name):
                self.assertIn("conditional replay", texts_of(self.grid("replay", **about)))
        free = "format: repoquake/scenario/1\ndrivers: {volatility: drawn}\n"
        self.assertNotIn("conditional", texts_of(self.grid("free", base=free)))
        self.assertIn("up to 2.5 % of path-days", texts_of(self.grid("high", flagged=0.025)))
        self.assertIn("interrupted", texts_of(self.grid("broken", ended="interrupted")))

    # ------------------------------------------------------------ files and complaints

    def test_formats(self):
        path = self.here / "formats.h5"
        write_grid(path)
        self.draw_all_kinds(path)

    def test_as_a_user_starts_it(self):
        path = self.here / "user.h5"
        write_grid(path)
        self.draw("user.png", path, run=self.run_script)

    def test_what_is_no_sweep(self):
        self.refused(65, "is not the result of a sweep", self.result)
        self.refused(74, r"nowhere\.h5: No such file", self.here / "nowhere.h5")
        (self.here / "text.h5").write_text("a,b\n")
        self.refused(65, "not an HDF5 file", self.here / "text.h5")

    def test_unknown_names(self):
        path = self.here / "names.h5"
        write_grid(path)
        self.refused(2, r"--metric p95_pek: .* has p95_peak, p_above; did you mean p95_peak\?", path, "--metric",
                     "p95_pek")
        self.refused(2, r"--x reservs: .*did you mean reserves\?", path, "--x", "reservs")
        self.refused(2, r"--fix reserves=7: fed_balance_sheet.reserves takes 1300 bn USD, ", path, "--fix",
                     "reserves=7")
        self.refused(2, r"--fix reserves: written KEY=VALUE", path, "--fix", "reserves")
        self.refused(2, r"--fix: no point has all these values", path, "--fix", "enabled=false", "--fix", "cap=500")
        self.refused(2, r"--y cap: is fixed", path, "--y", "cap", "--fix", "enabled=false")
        self.refused(2, r"--y cap: moves with that of --x", path, "--x", "enabled", "--y", "cap")
        other = ("shocks.other.size", "1e9 USD", ["0 bn USD", "1 bn USD"])
        write_grid(path, axes=((TGA,), (other,)))
        self.refused(2, r"--x size: could be shocks.tga-build.size or shocks.other.size", path, "--x", "size")

    def test_too_much_for_one_figure(self):
        path = self.here / "large.h5"
        many = ("policy.standing_repo.stigma", "bp", [f"{size} bp" for size in range(1, 7)])
        write_grid(path, axes=((TGA,), (RESERVES,), (many,)))
        self.refused(2, r"too many values for small multiples: choose a slice with --fix 'standing_repo.stigma=1 bp'",
                     path)
        write_grid(path, axes=((TGA,), (RESERVES,), (many,), FLAG))
        self.refused(2, r"too many axes for one figure: choose a slice with --fix ", path)
        write_grid(path, axes=((TGA,), (many,)))
        self.refused(2, r"standing_repo.stigma has 6 values and at most 5 lines", path, "--kind", "lines")

    def test_kinds_that_do_not_fit(self):
        path = self.here / "kinds.h5"
        write_grid(path, axes=((TGA,),))
        self.refused(2, "heat: needs two axes", path, "--kind", "heat")
        self.refused(2, "a grid design has none; saltelli", path, "--kind", "indices")
        write_design(path, "lhs")
        self.refused(2, r"heat: of a grid only, and this is an lhs design; try scatter or indices", path, "--kind",
                     "heat")
        self.refused(65, "a part of a sweep has none before it is merged", path, "--kind", "indices")
        self.refused(2, "--y: a scatter", path, "--y", "position")
        nothing = np.full(2, np.nan)
        write_design(path, "saltelli", indices={"S1": nothing, "ST": nothing})
        self.refused(65, "too few points for indices of p95_peak; enlarge design.samples", path)

    def test_no_values(self):
        path = self.here / "nothing.h5"
        write_grid(path, axes=((TGA,),), failed=(0, 1, 2, 3))
        self.refused(65, "no point has a value of p95_peak", path)
        write_grid(path, axes=((TGA,), (RESERVES,), FLAG), failed=range(0, 24, 2), value=lambda _: 1.0)
        self.refused(2, "no point of this slice has a value", path, "--fix", "enabled=false")

    def test_torn_files(self):
        path = self.here / "torn.h5"
        for name, pattern in (("value", "has no /sweep/value"), ("design_text", "has no /sweep/design_text")):
            write_grid(path)
            with h5py.File(path, "a") as file:
                del file["sweep"][name]
            self.refused(65, pattern, path)
        write_grid(path)
        with h5py.File(path, "a") as file:
            file["sweep"].attrs["shape"] = np.array([2, 2], np.int64)
        self.refused(65, "the shape of /sweep is not that of its points", path)


def load_tests(loader, standard, _):
    """Without the cases of test_plots, which this file borrows from."""
    return loader.loadTestsFromTestCase(PlotSweep)


if __name__ == "__main__":
    unittest.main()
