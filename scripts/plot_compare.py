#!/usr/bin/env python3
"""Draws one variable of two or more results on the same axes, and the difference of their medians."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from repoquake_plots import (LINEAR_BELOW, MARK, SERIES, USAGE, WRONG_INPUT, PlotError, Result, add_labels, bands_of,
                             label_days, labels_of, mark_events, median_of, result_parser, run_script, save,
                             use_house_style, use_symlog)

WARNING = "#b00000"
IN_ERRORS = 3.92  # quantile_lo to quantile_hi are 95 % limits: this many standard errors


def main():
    parser = result_parser(__doc__, epilog="Differences are from the first result. Exit codes: 2 usage, 65 not such a "
                                           "result file, 74 a path that cannot be read or written.")
    parser.add_argument("--variable", default="spread", metavar="NAME", help="what to compare (default: spread)")
    parser.add_argument("--band", type=float, default=90.0, metavar="PERCENT",
                        help="the central band to shade (default: 90, or the widest inside it that is stored)")
    parser.add_argument("--scale", choices=("linear", "symlog"), default="linear",
                        help=f"vertical axis of the medians; symlog: logarithmic beyond ±{LINEAR_BELOW:g} (default: "
                             "linear)")
    add_labels(parser)
    options = parser.parse_args()
    if not 2 <= len(options.results) <= len(SERIES):
        parser.error(f"two to {len(SERIES)} results, please")
    if not 0 < options.band < 100:
        parser.error("--band: between 0 and 100")

    runs = []
    for path in options.results:
        with Result(path) as result:
            runs.append(read_run(result, options))
    if len({run["label"] for run in runs}) > 1:
        raise PlotError(f"--variable {options.variable}: different units: "
                        f"{', '.join(sorted({run['label'] for run in runs}))}", USAGE)
    labels = labels_of(runs, options, width=100, kinds=len({run["kind"] for run in runs}) > 1)
    dates = [day for day in runs[0]["dates"] if all(day in run["dates"] for run in runs)]
    if len(dates) < 2:
        raise PlotError("the results have fewer than two days in common; they can be laid side by side by plot_fan.py",
                        USAGE)
    for run in runs:
        keep_days(run, dates)

    use_house_style()
    lines = sum(label.count("\n") + 1 for label in labels)
    warning = not_alike(runs)
    figure = plt.figure(figsize=(8.2, 6.3 + 0.17 * lines), layout="constrained")
    grid = figure.add_gridspec(3, 1, height_ratios=(1, 0.62, 0.2 + 0.05 * lines))
    medians = figure.add_subplot(grid[0])
    differences = figure.add_subplot(grid[1], sharex=medians)
    draw_medians(medians, runs)
    if options.scale == "symlog":
        use_symlog(medians)
        medians.set_ylabel(f"{runs[0]['label']}, log. beyond ±{LINEAR_BELOW:g}")
    draw_differences(differences, runs, dates)
    medians.set_title(title_of(runs), loc="left")
    if warning:
        medians.set_title(warning, loc="right", fontsize=8, color=WARNING)
    for axes in (medians, differences):
        mark_events(axes, dates, named=axes is medians)
    draw_legend(figure.add_subplot(grid[2]), runs, labels)
    save(figure, options)


def read_run(result, options):
    """Median with its standard error, and one band."""
    variable = options.variable
    result.require_variable(variable)
    fan = result.fan(variable)
    median = median_of(fan)
    if median is None:
        raise PlotError(f"{result.path}: has no median of '{variable}'; name 50 % under output.quantiles", WRONG_INPUT)
    if not np.isfinite(median).any():
        raise PlotError(f"{result.path}: every value of '{variable}' is missing", USAGE)
    middle = int(np.argmin(np.abs(fan["fractions"] - 0.5)))
    limits = [result.read("stats", f"{variable}_quantile_{end}")[middle] for end in ("lo", "hi")]
    inside = [band for band in bands_of(fan) if 100 * (band[1] - band[0]) <= options.band + 1e-6]
    return {
        "path": result.path, "name": result.name(), "kind": result.kind(), "footnote": result.footnote(),
        "label": fan["label"], "dates": fan["dates"], "median": median, "error": (limits[1] - limits[0]) / IN_ERRORS,
        "band": inside[0] if inside else None, "seed": int(result.attribute("seed", 0)),
        "n_paths": int(result.attribute("n_paths", 0)), "status": result.attribute("status", "complete"),
    }


def keep_days(run, dates):
    """Only the days that all results have."""
    rows = [run["dates"].index(day) for day in dates]
    run["median"], run["error"] = run["median"][rows], run["error"][rows]
    if run["band"]:
        low, high, lower, upper = run["band"]
        run["band"] = (low, high, lower[rows], upper[rows])
    run["outside"] = len(run["dates"]) - len(dates)


def not_alike(runs):
    """What a reader must know before taking a difference for an effect; empty where all is alike."""
    warnings = []
    if len({run["seed"] for run in runs}) > 1:
        warnings.append("different seeds")
    if len({run["n_paths"] for run in runs}) > 1:
        warnings.append("different numbers of paths")
    if len({run["kind"] for run in runs}) > 1:
        warnings.append("replay and free run")
    if any(run["outside"] for run in runs):
        warnings.append("common days only")
    if any(run["status"] != "complete" for run in runs):
        warnings.append("unfinished run")
    return "not alike: " + ", ".join(warnings) if warnings else ""


def title_of(runs):
    """The kind of the runs, where it is one; else the legend says it of each."""
    kinds = {run["kind"] for run in runs}
    return "Medians" + (f", {runs[0]['kind']}" if len(kinds) == 1 and runs[0]["kind"] else "")


def draw_medians(axes, runs):
    rows = np.arange(len(runs[0]["median"]))
    for (colour, _, dashes), run in zip(SERIES, runs):
        if run["band"]:
            _, _, lower, upper = run["band"]
            axes.fill_between(rows, lower, upper, color=(*to_rgb(colour), 0.17), linewidth=0)
            for edge in (lower, upper):
                axes.plot(rows, edge, color=colour, linewidth=0.6, linestyle=dashes, alpha=0.7)
    for (colour, marker, dashes), run in zip(SERIES, runs):
        axes.plot(rows, run["median"], color=colour, linewidth=1.8, linestyle=dashes, marker=marker, markersize=3.5)
    axes.set_ylabel(runs[0]["label"])
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.6)
    axes.tick_params(labelbottom=False)


def draw_differences(axes, runs, dates):
    """Bars: 95 % limits as if the runs were independent, which is too wide for runs on the same random numbers."""
    rows = np.arange(len(dates))
    axes.axhline(0, color=MARK, linewidth=0.9)
    for (colour, marker, dashes), run in list(zip(SERIES, runs))[1:]:
        error = np.hypot(run["error"], runs[0]["error"])
        axes.errorbar(rows, run["median"] - runs[0]["median"], yerr=IN_ERRORS / 2 * error, color=colour,
                      marker=marker, markersize=3.5, linewidth=1.3, linestyle=dashes, elinewidth=0.9, capsize=1.5)
    unit = runs[0]["label"].rpartition("(")[2].rstrip(")")
    axes.set_ylabel(f"difference ({unit})")
    axes.set_title("Median less that of the first", loc="left")
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.6)
    label_days(axes, dates)


def draw_legend(axes, runs, labels):
    axes.axis("off")
    handles = []
    for (colour, marker, dashes), run, label in zip(SERIES, runs, labels):
        line = Line2D([], [], color=colour, marker=marker, markersize=4, linestyle=dashes, linewidth=1.6)
        handles.append(((Patch(color=(*to_rgb(colour), 0.17)), line) if run["band"] else line, label))
    axes.legend(*zip(*handles), loc="upper left", handlelength=3.0)
    bands = {f"{100 * run['band'][0]:g}–{100 * run['band'][1]:g} %" for run in runs if run["band"]}
    alike = len({(run["seed"], run["n_paths"]) for run in runs}) == 1
    notes = [f"shaded: {' and '.join(sorted(bands))} of paths"] if bands else []
    notes.append("bars: 95 % limits of simulation as if the runs were independent"
                 + (", too wide where they share random numbers" if alike else ""))
    axes.text(0.5, 0.0, "  |  ".join(dict.fromkeys(run["footnote"] for run in runs)) + "\n" + "; ".join(notes),
              ha="center", va="bottom", fontsize=7, color="#555555", transform=axes.transAxes)


if __name__ == "__main__":
    run_script(main)
