#!/usr/bin/env python3
"""Draws the fan of a variable: quantile bands, median, what was observed, a few of the paths, and the worst ones."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from repoquake_plots import (LINEAR_BELOW, MARK, MEDIAN, OBSERVED, PATH, USAGE, WORST_PATH, PlotError, Result,
                             band_colours, bands_of, label_days, mark_events, median_of, result_parser, run_script,
                             save, use_house_style, use_symlog, wrapped)

SPIKE = 8.0  # --scale auto: logarithmic where the highest day is this many times as high as the middle one
WORST_LOOK = {"linewidth": 0.9, "linestyle": (0, (4, 1.2, 1, 1.2))}
WORTH_CUTTING = 1.35  # the outermost band is cut where it would make everything else this much smaller


def main():
    parser = result_parser(__doc__, epilog="Several results are drawn side by side on one scale. Exit codes: 2 usage, "
                                           "65 not a result file, 74 a path that cannot be read or written.")
    parser.add_argument("--variable", default="spread", metavar="NAME", help="what to draw (default: spread)")
    parser.add_argument("--paths", type=int, default=5, metavar="N",
                        help="real paths to draw where the file has them (default: 5)")
    parser.add_argument("--worst", type=int, default=0, metavar="N",
                        help="up to N of the worst stored paths, the worst first; they are stored with output.paths "
                             "and are not a fair sample (default: 0)")
    parser.add_argument("--mean", action="store_true", help="draw the mean as well, dashed")
    parser.add_argument("--scale", choices=("auto", "linear", "symlog"), default="auto",
                        help=f"vertical axis; symlog: logarithmic beyond ±{LINEAR_BELOW:g}; auto: symlog where one "
                             "day, or the worst paths, would flatten all else (default: auto)")
    options = parser.parse_args()
    if options.paths < 0:
        parser.error("--paths: cannot be negative")
    if options.worst < 0:
        parser.error("--worst: cannot be negative")

    fans = []
    for path in options.results:
        with Result(path) as result:
            fans.append(read_fan(result, options))
    labels = {fan["label"] for fan in fans}
    if len(labels) > 1:
        raise PlotError(f"--variable {options.variable}: different units: {', '.join(sorted(labels))}", USAGE)

    use_house_style()
    rows = 2 if any(fan["worst"] is not None for fan in fans) else 1  # of the legend
    figure = plt.figure(figsize=(7.4 if len(fans) == 1 else 1.2 + 4.3 * len(fans), 4.6 + 0.2 * rows),
                        layout="constrained")
    grid = figure.add_gridspec(2, len(fans), height_ratios=(1, 0.09 + 0.05 * rows))
    panels = [figure.add_subplot(grid[0, 0])]
    panels += [figure.add_subplot(grid[0, i], sharey=panels[0]) for i in range(1, len(fans))]
    for panel, fan in zip(panels, fans):
        draw_fan(panel, fan, single=len(fans) == 1)
    for panel in panels[1:]:
        panel.tick_params(labelleft=False)
    logarithmic = options.scale == "symlog" or (options.scale == "auto" and any(has_spike(fan) for fan in fans))
    panels[0].set_ylabel(fans[0]["label"] + (f", logarithmic beyond ±{LINEAR_BELOW:g}" if logarithmic else ""))
    set_vertical_axis(panels, fans, logarithmic)
    for panel, fan in zip(panels, fans):
        mark_events(panel, fan["dates"])
    draw_legend(figure.add_subplot(grid[1, :]), fans, rows)
    save(figure, options)


def read_fan(result, options):
    """All that is drawn of one result, as plain arrays."""
    variable = options.variable
    result.require_variable(variable)
    dates = result.dates("stats")
    fan = {
        "dates": dates,
        "label": result.label(variable),
        "title": result.title(),
        "footnote": result.footnote(),
        "fractions": result.read("stats", "quantile"),
        "quantiles": result.read("stats", f"{variable}_quantile"),
        "mean": result.read("stats", f"{variable}_mean") if options.mean else None,
        "paths": None,
        "worst": result.worst(variable, options.worst) if options.worst > 0 else None,
        "observed": ([], []),
    }
    if not np.isfinite(fan["quantiles"]).any():
        raise PlotError(f"{result.path}: every value of '{variable}' is missing", USAGE)
    if options.paths > 0 and result.has("paths", variable) and result.sampled() > 0:
        fan["paths"] = result.read("paths", variable, rows=min(options.paths, result.sampled()))
    if result.has("observed", variable):
        row_of = {day: row for row, day in enumerate(dates)}
        values = result.read("observed", variable)
        seen = [(row_of[day], value) for day, value in zip(result.dates("observed"), values)
                if day in row_of and np.isfinite(value)]
        fan["observed"] = tuple(zip(*seen)) if seen else ([], [])
    return fan


def draw_fan(axes, fan, single):
    rows = np.arange(len(fan["dates"]))
    bands = bands_of(fan)
    for (_, _, lower, upper), colour in zip(bands, band_colours(len(bands))):
        axes.fill_between(rows, lower, upper, color=colour, linewidth=0)
    if fan["paths"] is not None:
        axes.plot(rows, fan["paths"].T, color=PATH, linewidth=0.6, alpha=0.75)
    if fan["worst"] is not None:
        axes.plot(rows, fan["worst"][0].T, color=WORST_PATH, **WORST_LOOK)
    median = median_of(fan)
    if median is not None:
        axes.plot(rows, median, color=MEDIAN, linewidth=1.8)
    if fan["mean"] is not None:
        axes.plot(rows, fan["mean"], color=MEDIAN, linewidth=1.2, linestyle=(0, (4, 2)))
    axes.plot(*fan["observed"], linestyle="none", marker="o", markersize=5.5, color=OBSERVED, markeredgecolor="white",
              markeredgewidth=0.8, zorder=5)
    axes.set_title(wrapped(fan["title"], 80 if single else 46), loc="left")
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.6)
    label_days(axes, fan["dates"], most=9 if single else 6)


def has_spike(fan):
    """Would a linear axis show one day, or the worst paths, and hide all else?"""
    highs = np.nanmax(np.abs(inner_quantiles(fan)), axis=0)
    summits = [highs] if fan["worst"] is None else [highs, np.abs(fan["worst"][0]).ravel()]
    return np.nanmax(np.concatenate(summits)) > SPIKE * max(np.nanmedian(highs), LINEAR_BELOW)


def inner_quantiles(fan):
    """The quantiles inside the widest band, or all of them where there is but one band."""
    bands = bands_of(fan)
    return np.array([edge for band in bands[1:] for edge in band[2:]]) if len(bands) > 1 else fan["quantiles"]


def set_vertical_axis(panels, fans, logarithmic):
    """One scale for all panels. On a linear axis the widest band may be cut at the top, and says where it ends."""
    middle = [inner_quantiles(fan) for fan in fans] + [np.array(fan["observed"][1]) for fan in fans]
    middle += [fan["mean"] for fan in fans if fan["mean"] is not None]
    middle += [fan["worst"][0] for fan in fans if fan["worst"] is not None]
    whole = middle + [fan["quantiles"] for fan in fans]
    top = max(np.nanmax(values) for values in middle if values.size)
    bottom = min(np.nanmin(values) for values in whole if values.size)
    summit = max(np.nanmax(values) for values in whole if values.size)
    axes = panels[0]
    if logarithmic:
        use_symlog(axes)
        axes.set_ylim(bottom - 0.1 * abs(bottom) - 1.0, max(summit, LINEAR_BELOW) * 1.25)
        return
    pad = 0.06 * (top - bottom) or 1.0
    cut = summit > bottom + WORTH_CUTTING * (top - bottom)
    axes.set_ylim(bottom - pad, (top if cut else summit) + 2.5 * pad)
    if cut:
        for panel, fan in zip(panels, fans):
            note_the_cut(panel, fan)


def note_the_cut(axes, fan):
    """An arrow at the day on which the widest band leaves the picture highest, with the value it reaches."""
    _, high, _, upper = bands_of(fan)[0]
    row = int(np.nanargmax(upper))
    ceiling = axes.get_ylim()[1]
    if upper[row] <= ceiling:
        return
    right = row < len(upper) / 2
    axes.annotate(f"{100 * high:g} % reaches {upper[row]:,.0f}", xy=(row, 0.995), xycoords=("data", "axes fraction"),
                  xytext=(26 if right else -26, -18), textcoords="offset points", ha="left" if right else "right",
                  va="center", fontsize=8, arrowprops={"arrowstyle": "->", "color": MARK, "linewidth": 0.8})


def draw_legend(axes, fans, rows):
    axes.axis("off")
    bands = bands_of(fans[0])
    handles = [Patch(color=colour, label=f"{100 * low:g}–{100 * high:g} %")
               for (low, high, _, _), colour in zip(bands, band_colours(len(bands)))]
    if any(median_of(fan) is not None for fan in fans):
        handles.append(Line2D([], [], color=MEDIAN, linewidth=1.8, label="median"))
    if any(fan["mean"] is not None for fan in fans):
        handles.append(Line2D([], [], color=MEDIAN, linewidth=1.2, linestyle=(0, (4, 2)), label="mean"))
    if any(len(fan["observed"][0]) for fan in fans):
        handles.append(Line2D([], [], color=OBSERVED, marker="o", markersize=5.5, linestyle="none", label="observed"))
    if any(fan["paths"] is not None for fan in fans):
        count = max(len(fan["paths"]) for fan in fans if fan["paths"] is not None)
        handles.append(Line2D([], [], color=PATH, linewidth=0.8,
                              label="one path" if count == 1 else f"{count} of the paths"))
    if any(fan["worst"] is not None for fan in fans):
        count = max(len(fan["worst"][0]) for fan in fans if fan["worst"] is not None)
        by = " or ".join(dict.fromkeys(fan["worst"][1] for fan in fans if fan["worst"] is not None))
        handles.append(Line2D([], [], color=WORST_PATH, **WORST_LOOK,
                              label=f"the {count} worst paths by {by}" if count > 1 else f"the worst path by {by}"))
    axes.legend(handles=handles, loc="upper center", ncols=-(-len(handles) // rows), handlelength=1.5,
                columnspacing=1.3)
    notes = dict.fromkeys(fan["footnote"] for fan in fans)
    axes.text(0.5, 0.0, "  |  ".join(notes), ha="center", va="bottom", fontsize=7, color="#555555",
              transform=axes.transAxes)


if __name__ == "__main__":
    run_script(main)
