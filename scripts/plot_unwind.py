#!/usr/bin/env python3
"""Draws the unwinding of the basis trade: position, sales, futures basis, 10-year impact and the funds' return."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from repoquake_plots import (MEDIAN, UNITS, USAGE, PlotError, Result, band_colours, bands_of, label_days, mark_events,
                             median_of, result_parser, run_script, save, use_house_style, wrapped)

MOST_COLUMNS = 4
TITLE_WIDTH = 48  # letters that fit over a column
# Variable and title of each panel; the sales on and without margin calls are read only where they are stored.
PANELS = (("basis_position", "Basis position"), ("basis_sales", "Sales of the day"),
          ("basis_sales_forced", "Sales on margin calls"), ("voluntary", "Voluntary sales"),
          ("futures_basis", "Futures basis"), ("yield_impact", "10-year yield impact"),
          ("hf_return", "Funds' return since the opening"))


def main():
    parser = result_parser(__doc__, epilog="Several results are drawn in columns, each row on one scale. Sales on "
                                           "margin calls need --set output.variables=all, voluntary ones the stored "
                                           "paths as well. Exit codes: 2 usage, 65 not such a result file, 74 a path "
                                           "that cannot be read or written.")
    options = parser.parse_args()
    if len(options.results) > MOST_COLUMNS:
        parser.error(f"at most {MOST_COLUMNS} results")

    runs = []
    for path in options.results:
        with Result(path) as result:
            runs.append(read_run(result))
    variables = [variable for variable, _ in PANELS if any(variable in run["panels"] for run in runs)]

    use_house_style()
    figure = draw_one(runs[0], variables) if len(runs) == 1 else draw_columns(runs, variables)
    save(figure, options)


def read_run(result):
    """The fan of each panel."""
    run = {"title": result.title(), "footnote": result.footnote(), "dates": result.dates("stats"), "panels": {}}
    for variable, _ in PANELS:
        if variable == "voluntary":
            fan = voluntary_sales(result)
        elif variable == "basis_sales_forced" and not result.has("stats", f"{variable}_quantile"):
            fan = None
        else:
            fan = result.fan(variable)
        if fan is not None:
            run["panels"][variable] = fan
    if not np.isfinite(run["panels"]["basis_position"]["quantiles"]).any():
        raise PlotError(f"{result.path}: every value of 'basis_position' is missing", USAGE)
    return run


def voluntary_sales(result):
    """What is sold without a margin call: no variable of its own, so from the paths, where both are stored."""
    if not (result.has("paths", "basis_sales") and result.has("paths", "basis_sales_forced")):
        return None
    if result.sampled() == 0:
        return None
    sold, forced = (result.read("paths", name, rows=result.sampled()) for name in ("basis_sales", "basis_sales_forced"))
    sales = np.maximum(sold - forced, 0.0)
    fractions = result.read("stats", "quantile")
    fan = {"fractions": fractions, "quantiles": np.quantile(sales, fractions, axis=0), "unit": UNITS["1e9 USD"]}
    if len(sales) < int(result.attribute("n_paths", 0)):
        fan["of"] = f", of {len(sales):,} sampled paths"
    return fan


def unit_of(fan):
    return fan["unit"] if "unit" in fan else fan["label"].rpartition("(")[2].rstrip(")")


def draw_one(run, variables):
    """The panels of one result, two in a row."""
    rows = -(-len(variables) // 2)
    figure = plt.figure(figsize=(8.6, 1.1 + 2.15 * rows), layout="constrained")
    grid = figure.add_gridspec(rows + 1, 2, height_ratios=[1] * rows + [0.3])
    first = None
    for i, variable in enumerate(variables):
        axes = first = figure.add_subplot(grid[i // 2, i % 2], sharex=first)
        draw_panel(axes, run, variable, last=i + 2 >= len(variables), most=7)
    figure.suptitle(run["title"], x=0.01, ha="left", fontsize=10)
    draw_legend(figure.add_subplot(grid[rows, :]), [run])
    return figure


def draw_columns(runs, variables):
    """A column for each result, a row for each variable; a row has one scale."""
    figure = plt.figure(figsize=(1.0 + 3.9 * len(runs), 1.2 + 1.8 * len(variables)), layout="constrained")
    grid = figure.add_gridspec(len(variables) + 1, len(runs), height_ratios=[1] * len(variables) + [0.35])
    for row, variable in enumerate(variables):
        left = None
        for column, run in enumerate(runs):
            axes = figure.add_subplot(grid[row, column], sharey=left)
            left = left or axes
            if variable in run["panels"]:
                draw_panel(axes, run, variable, last=row + 1 == len(variables), most=5)
            else:
                axes.text(0.5, 0.5, "not stored", ha="center", transform=axes.transAxes, color="#555555")
                axes.set_xticks([])
            axes.tick_params(labelleft=column == 0)
            if column > 0:
                axes.set_ylabel("")
            if row == 0:
                title = wrapped(run["title"], TITLE_WIDTH)
                axes.set_title(f"{title}\n\n{axes.get_title(loc='left')}", loc="left", fontsize=9)
        low, high = zip(*(limits(run["panels"][variable]) for run in runs if variable in run["panels"]))
        left.set_ylim(min(low), max(high))
    draw_legend(figure.add_subplot(grid[len(variables), :]), runs)
    return figure


def limits(fan):
    """Room for all bands. A variable that does not move is drawn as such, not as noise."""
    low, high = np.nanmin(fan["quantiles"]), np.nanmax(fan["quantiles"])
    pad = 0.06 * (high - low) if high - low > 1e-6 * max(1.0, abs(high)) else 0.05 * max(1.0, abs(high))
    return low - pad, high + pad


def draw_panel(axes, run, variable, last, most):
    fan = run["panels"][variable]
    rows = np.arange(len(run["dates"]))
    bands = bands_of(fan)
    for (_, _, lower, upper), colour in zip(bands, band_colours(len(bands))):
        axes.fill_between(rows, lower, upper, color=colour, linewidth=0)
    if median_of(fan) is not None:
        axes.plot(rows, median_of(fan), color=MEDIAN, linewidth=1.6)
    axes.set_ylim(*limits(fan))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set_title(dict(PANELS)[variable] + fan.get("of", ""), loc="left", fontsize=9)
    axes.set_ylabel(unit_of(fan))
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.6)
    label_days(axes, run["dates"], most=most)
    if not last:
        axes.set_xlabel("")
    mark_events(axes, run["dates"], named=False)


def draw_legend(axes, runs):
    axes.axis("off")
    bands = bands_of(runs[0]["panels"]["basis_position"])
    handles = [Patch(color=colour, label=f"{100 * low:g}–{100 * high:g} % of paths")
               for (low, high, _, _), colour in zip(bands, band_colours(len(bands)))]
    handles.append(Line2D([], [], color=MEDIAN, linewidth=1.6, label="median"))
    axes.legend(handles=handles, loc="upper center", ncols=len(handles), handlelength=1.5, columnspacing=1.3)
    notes = dict.fromkeys(run["footnote"] for run in runs)
    axes.text(0.5, 0.0, "  |  ".join(notes), ha="center", va="bottom", fontsize=7, color="#555555",
              transform=axes.transAxes)


if __name__ == "__main__":
    run_script(main)
