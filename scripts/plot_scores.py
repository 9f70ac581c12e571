#!/usr/bin/env python3
"""Draws the scorecard of a replay, variable by variable: coverage, probability integral transform, CRPS."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from repoquake_plots import (BANDS, MARK, SERIES, USAGE, PlotError, Result, result_parser, run_script, save,
                             use_house_style, wrapped)

WINDOWS = ("whole", "first", "second")
COVERAGES = ((50, SERIES[0][0], "o"), (90, SERIES[1][0], "s"))
BENCHMARKS = (("crps_persistence", "the opening, held", SERIES[0][0], "o"),
              ("crps_reversion", "reversion to the median", SERIES[1][0], "s"))
UNITS = {"1e9 USD": "bn USD", "percent": "%", "1": ""}
MOST_RESULTS = 3


def main():
    parser = result_parser(__doc__, epilog="Several results are drawn one below the other. Exit codes: 2 usage, 65 not "
                                           "such a result file, 74 a path that cannot be read or written.")
    parser.add_argument("--window", choices=WINDOWS, default="whole",
                        help="the whole window, or its first or second half (default: whole)")
    options = parser.parse_args()
    if len(options.results) > MOST_RESULTS:
        parser.error(f"at most {MOST_RESULTS} results")

    cards = []
    for path in options.results:
        with Result(path) as result:
            cards.append(read_card(result, options))

    use_house_style()
    heights = [1.1 + 0.32 * len(card["variable"]) for card in cards]
    figure = plt.figure(figsize=(9.6, sum(heights) + 1.6), layout="constrained")
    grid = figure.add_gridspec(len(cards) + 1, 3, height_ratios=[*heights, 1.0], width_ratios=(1.15, 0.8, 1.15))
    for i, card in enumerate(cards):
        coverage = figure.add_subplot(grid[i, 0])
        pit = figure.add_subplot(grid[i, 1], sharey=coverage)
        crps = figure.add_subplot(grid[i, 2], sharey=coverage)
        draw_coverage(coverage, card)
        draw_pit(pit, card)
        draw_crps(crps, card)
        for axes in (pit, crps):
            axes.tick_params(labelleft=False)
        title = wrapped(card["title"].replace("\n", ", "), 100)
        coverage.set_title(f"{title}\n{card['window']}\n\nInside the central band", loc="left")
    draw_legend(figure, grid, cards)
    save(figure, options)


def read_card(result, options):
    """One column of /scores: the window that is asked for."""
    windows = result.texts("scores", "window")
    column = WINDOWS.index(options.window)
    if column >= len(windows):
        raise PlotError(f"{result.path}: --window {options.window}: the scores are of the whole window only, which is "
                        "too short for halves", USAGE)
    card = {"title": result.title(), "footnote": result.footnote(), "window": windows[column],
            "variable": result.texts("scores", "variable"), "unit": result.texts("scores", "unit")}
    for name in ("n_days", "crps", "crps_se", "crps_persistence", "crps_reversion", "pit_mean", "coverage_50",
                 "coverage_50_se", "coverage_90", "coverage_90_se"):
        card[name] = result.read("scores", name)[:, column]
    return card


def rows_of(card):
    return np.arange(len(card["variable"]))[::-1]  # the first variable at the top


def prepare(axes, card):
    rows = rows_of(card)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_yticks(rows, [f"{variable} ({int(days)} days)" if np.isfinite(days) else variable
                           for variable, days in zip(card["variable"], card["n_days"])])
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.6)
    for row in rows[1:]:
        axes.axhline(row + 0.5, color="#f0f0f0", linewidth=0.6, zorder=0.5)
    axes.tick_params(axis="y", length=0)


def draw_coverage(axes, card):
    prepare(axes, card)
    for (level, colour, marker), shift in zip(COVERAGES, (0.14, -0.14)):
        axes.axvline(level, color=colour, linewidth=0.9, linestyle=(0, (4, 2)))
        share, error = 100 * card[f"coverage_{level}"], 100 * card[f"coverage_{level}_se"]
        axes.errorbar(share, rows_of(card) + shift, xerr=(np.minimum(error, share), np.minimum(error, 100 - share)),
                      color=colour, marker=marker, markersize=5, linestyle="none", elinewidth=1.1, capsize=2)
    axes.set_xlim(-4, 109)
    axes.set_xticks(range(0, 101, 25))
    axes.set_xlabel("share of the observed days (%)")


def draw_pit(axes, card):
    """The mean rank of the observations; around 1/2 what a right model would show on independent days."""
    prepare(axes, card)
    rows, days = rows_of(card), np.maximum(card["n_days"], 1)
    axes.barh(rows, 4 / np.sqrt(12 * days), left=0.5 - 2 / np.sqrt(12 * days), height=0.62, color=BANDS[0])
    axes.axvline(0.5, color=MARK, linewidth=0.9)
    axes.plot(card["pit_mean"], rows, linestyle="none", marker="D", markersize=4.5, color="#000000")
    axes.set_xlim(-0.03, 1.03)
    axes.set_xticks((0, 0.25, 0.5, 0.75, 1), ("0", "¼", "½", "¾", "1"))
    axes.set_xlabel("0: observed lower, 1: higher")
    axes.set_title("Mean PIT", loc="left")


def draw_crps(axes, card):
    """As a multiple of each benchmark's, so that variables of different units share the axis."""
    prepare(axes, card)
    rows, drawn = rows_of(card), [1.0]
    for (name, _, colour, marker), shift in zip(BENCHMARKS, (0.14, -0.14)):
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio, error = card["crps"] / card[name], card["crps_se"] / card[name]
        fine = np.isfinite(ratio) & (ratio > 0)
        drawn += list(ratio[fine])
        axes.errorbar(ratio[fine], rows[fine] + shift, xerr=error[fine], color=colour, marker=marker, markersize=5,
                      linestyle="none", elinewidth=1.1, capsize=2)
    axes.axvline(1.0, color=MARK, linewidth=0.9)
    axes.set_xscale("log")
    low, high = min(drawn) / 1.35, max(drawn) * 1.35
    ticks = [tick for tick in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if low <= tick <= high]
    axes.set_xlim(low, high)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("CRPS over the benchmark's (logarithmic)")
    axes.set_title("CRPS, left of 1 is better", loc="left")
    for row, score, unit in zip(rows, card["crps"], card["unit"]):
        text = f"{short(score)} {UNITS.get(unit, unit)}".rstrip() if np.isfinite(score) else "no value"
        axes.annotate(text, xy=(1.01, row), xycoords=("axes fraction", "data"), fontsize=7.5, va="center",
                      color="#333333")
    axes.annotate("CRPS", xy=(1.01, rows[0] + 0.62), xycoords=("axes fraction", "data"), fontsize=7.5, va="bottom",
                  color="#333333")


def short(value):
    """Two figures, or all before the point."""
    return f"{value:,.0f}" if abs(value) >= 99.5 else f"{value:.2g}"


def draw_legend(figure, grid, cards):
    """One key below each column, and the notes."""
    def key(colour, marker, label):
        return Line2D([], [], color=colour, marker=marker, markersize=5, linestyle="none", label=label)

    columns = ([key(colour, marker, f"central {level} % band; dashed: {level} %")
                for level, colour, marker in COVERAGES],
               [key("#000000", "D", "observations"), Patch(color=BANDS[0], label="true model, ± 2 errors")],
               [key(colour, marker, f"against {label}") for _, label, colour, marker in BENCHMARKS])
    for column, handles in enumerate(columns):
        axes = figure.add_subplot(grid[len(cards), column])
        axes.axis("off")
        axes.legend(handles=handles, loc="upper left", handlelength=1.2, borderaxespad=0.0)
    axes = figure.add_subplot(grid[len(cards), :])
    axes.axis("off")
    notes = dict.fromkeys(card["footnote"] for card in cards)
    axes.text(0.5, 0.0, "  |  ".join(notes) + "\nbars: one binomial error, two hits and two misses added (coverage); "
              "one error of simulation (CRPS); days are taken as independent", ha="center",
              va="bottom", fontsize=7, color="#555555", transform=axes.transAxes)


if __name__ == "__main__":
    run_script(main)
