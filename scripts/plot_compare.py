#!/usr/bin/env python3
"""Draws one variable of two or more results on the same axes, and the difference of their medians; or what
`repoquake compare` found: medians, paired differences by day, and the differences of the window as a table."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from repoquake_plots import (LINEAR_BELOW, MARK, SERIES, UNITS, USAGE, WRONG_INPUT, Comparison, PlotError, Result,
                             add_labels, bands_of, is_comparison, label_days, labels_of, mark_events, median_of,
                             result_parser, run_script, save, use_house_style, use_symlog)

WARNING = "#b00000"
BAND = 90.0  # percent
MOST_ROWS = 12  # of the table
WITHIN = 2.0  # standard errors: bands of paired differences, and what counts as no difference
PALE, HEAD = "#8a8a8a", "#444444"
IN_ERRORS = 3.92  # quantile_lo to quantile_hi are 95 % limits: this many standard errors


def main():
    parser = result_parser(__doc__, epilog="RESULT is a result of `repoquake run`, two to five of them, or one file of "
                                           "`repoquake compare --output`. Differences are from the first. Exit codes: "
                                           "2 usage, 65 not such a file, 74 a path that cannot be read or written.")
    parser.add_argument("--variable", default="spread", metavar="NAME", help="what to compare (default: spread)")
    parser.add_argument("--band", type=float, metavar="PERCENT",
                        help="the central band to shade, of results only (default: 90, or the widest inside it that "
                             "is stored)")
    parser.add_argument("--quantity", action="append", metavar="NAME",
                        help="a row of the table, of a comparison only; may be repeated (default: the metrics, then "
                             f"the features that differ, {MOST_ROWS} rows)")
    parser.add_argument("--scale", choices=("linear", "symlog"), default="linear",
                        help=f"vertical axis of the medians; symlog: logarithmic beyond ±{LINEAR_BELOW:g} (default: "
                             "linear)")
    add_labels(parser)
    options = parser.parse_args()
    comparisons = sum(is_comparison(path) for path in options.results)
    if comparisons and len(options.results) > 1:
        parser.error("a comparison is drawn alone")
    if comparisons and options.band is not None:
        parser.error("--band: a comparison has no bands")
    if not comparisons and options.quantity:
        parser.error("--quantity: of a comparison only")
    if not comparisons and not 2 <= len(options.results) <= len(SERIES):
        parser.error(f"two to {len(SERIES)} results, or one comparison, please")
    if options.band is None:
        options.band = BAND
    if not 0 < options.band < 100:
        parser.error("--band: between 0 and 100")

    use_house_style()
    save(draw_comparison(options) if comparisons else draw_results(options), options)


def draw_results(options):
    """Medians and their differences, with errors as if the runs had nothing in common."""
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

    lines = sum(label.count("\n") + 1 for label in labels)
    warning = not_alike(runs)
    figure = plt.figure(figsize=(8.2, 6.3 + 0.17 * lines), layout="constrained")
    grid = figure.add_gridspec(3, 1, height_ratios=(1, 0.62, 0.2 + 0.05 * lines))
    medians = figure.add_subplot(grid[0])
    differences = figure.add_subplot(grid[1], sharex=medians)
    draw_medians(medians, runs, options.scale)
    draw_differences(differences, runs, dates)
    medians.set_title(title_of(runs), loc="left")
    if warning:
        medians.set_title(warning, loc="right", fontsize=8, color=WARNING)
    for axes in (medians, differences):
        mark_events(axes, dates, named=axes is medians)
    draw_legend(figure.add_subplot(grid[2]), runs, labels)
    return figure


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
        "id": result.path.stem, "name": result.name(), "kind": result.kind(), "footnote": result.footnote(),
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


def draw_medians(axes, runs, scale):
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
    if scale == "symlog":
        use_symlog(axes)
        axes.set_ylabel(f"{runs[0]['label']}, log. beyond ±{LINEAR_BELOW:g}")


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
    notes.append("bars: 95 % limits of simulation, not paired"
                 + (", so too wide where the runs share random numbers" if alike else ""))
    axes.text(0.5, 0.0, "  |  ".join(dict.fromkeys(run["footnote"] for run in runs)) + "\n" + "; ".join(notes),
              ha="center", va="bottom", fontsize=7, color="#555555", transform=axes.transAxes)


def draw_comparison(options):
    """Medians, paired differences with bands of two standard errors, and a table of the window's differences."""
    with Comparison(options.results[0]) as comparison:
        runs, days = read_scenarios(comparison, options.variable), comparison.dates("days")
        paired = int(comparison.attribute("paired", 0)) == 1
        footnote = comparison.footnote()
        table, left_out = read_table(comparison, options.quantity)
    labels = labels_of(runs, options, width=100, kinds=len({run["kind"] for run in runs}) > 1)
    labels[0] = f"base: {labels[0]}"
    if len({run["need"] for run in runs}) > 1:
        labels = [f"{label}, need {run['need']}" for label, run in zip(labels, runs)]

    lines = sum(label.count("\n") + 1 for label in labels)
    heights = (2.7, 1.9, 0.1 + 0.19 * lines, 0.21 * (len(table) + 1), 0.45)
    figure = plt.figure(figsize=(8.2, 0.7 + sum(heights)), layout="constrained")
    grid = figure.add_gridspec(5, 1, height_ratios=heights)
    medians = figure.add_subplot(grid[0])
    differences = figure.add_subplot(grid[1], sharex=medians)
    legend, rows, foot = (figure.add_subplot(grid[i]) for i in (2, 3, 4))
    draw_medians(medians, runs, options.scale)
    medians.set_title(title_of(runs), loc="left")
    warnings = ([] if paired else ["not the same draws"]) + (
        ["replay and free run"] if len({run["kind"] for run in runs}) > 1 else [])
    if warnings:
        medians.set_title("not alike: " + ", ".join(warnings), loc="right", fontsize=8, color=WARNING)
    draw_paired_differences(differences, runs, days)
    for axes in (medians, differences):
        mark_events(axes, days, named=axes is medians)
    for axes in (legend, rows, foot):
        axes.axis("off")
    legend.legend(handles=[Line2D([], [], color=colour, marker=marker, markersize=4, linestyle=dashes, linewidth=1.6,
                                  label=label) for (colour, marker, dashes), label in zip(SERIES, labels)],
                  loc="upper left", handlelength=3.0)
    draw_table(rows, table, len(runs) - 1)
    notes = [footnote, ("errors are paired, path by path: same draws" if paired else "errors are of independent runs")
             + f"; bands: ±{WITHIN:g} standard errors; table: ± one standard error, pale: within {WITHIN:g} "
             "of 0" + (f"; {left_out} more rows with --quantity" if left_out else "")]
    foot.text(0.5, 0.0, "\n".join(notes), ha="center", va="bottom", fontsize=7, color="#555555",
              transform=foot.transAxes)
    return figure


def read_scenarios(comparison, variable):
    """The base and the others by day; the others with their difference from it and its error."""
    comparison.require_variable(variable)
    names, titles = comparison.texts("scenarios", "scenario"), comparison.texts("scenarios", "title")
    needs = comparison.texts("scenarios", "need")  # an amount, and after a comma where it comes from
    if not 2 <= len(names) <= len(SERIES):
        raise PlotError(f"{comparison.path}: has {len(names)} scenarios, of which 2 to {len(SERIES)} can be told "
                        "apart; compare fewer at a time", USAGE)
    if not comparison.has("days", f"{variable}_median"):
        raise PlotError(f"{comparison.path}: has no differences by day: its scenarios have not the same days", USAGE)
    base, others, differences, errors = (comparison.read("days", f"{variable}_{name}") for name in (
        "base_median", "median", "difference", "difference_se"))
    runs = []
    for i, conditional in enumerate(comparison.read("scenarios", "conditional")):
        runs.append({"id": names[i], "name": titles[i] or names[i], "need": needs[i].partition(",")[0],
                     "kind": "conditional replay" if conditional else "free run", "band": None,
                     "label": comparison.label(variable), "median": others[i - 1] if i else base,
                     "difference": differences[i - 1] if i else None, "error": errors[i - 1] if i else None})
    if not any(np.isfinite(run["median"]).any() for run in runs):
        raise PlotError(f"{comparison.path}: every median of '{variable}' is missing; 50 % is to be among "
                        "output.quantiles", USAGE)
    return runs


def draw_paired_differences(axes, runs, days):
    rows = np.arange(len(days))
    axes.axhline(0, color=MARK, linewidth=0.9)
    for (colour, marker, dashes), run in list(zip(SERIES, runs))[1:]:
        reach = WITHIN * run["error"]
        axes.fill_between(rows, run["difference"] - reach, run["difference"] + reach, color=(*to_rgb(colour), 0.3),
                          linewidth=0)
        axes.plot(rows, run["difference"], color=colour, marker=marker, markersize=3, linewidth=1.2, linestyle=dashes)
    axes.set_ylabel(f"difference ({runs[0]['label'].rpartition('(')[2].rstrip(')')})")
    axes.set_title("Difference from the base, mean over paths", loc="left")
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.6)
    label_days(axes, days)


def read_table(comparison, wanted):
    """The rows of the window: those wanted, or the metrics and then the features that differ, the peak before the
    others; and how many there was no room for."""
    columns = {name: comparison.texts("window", name) for name in ("quantity", "unit", "meaning", "kind")}
    columns.update({name: comparison.read("window", name) for name in ("base", "base_se")})
    columns.update({name: comparison.read("window", name).T for name in (
        "value", "value_se", "difference", "difference_se", "share_larger")})
    rows = [dict(zip(columns, values)) for values in zip(*columns.values())]
    for name in wanted or ():
        if name not in columns["quantity"]:
            raise PlotError(f"--quantity '{name}': {comparison.path} has {', '.join(columns['quantity'])}", USAGE)
    if wanted:
        return [row for name in dict.fromkeys(wanted) for row in rows if row["quantity"] == name], 0
    chosen = [row for row in rows if row["kind"] == "metric"]
    for row in sorted(rows, key=lambda row: "peak_spread" not in row["quantity"]):
        if row["kind"] != "metric" and np.any(np.abs(row["difference"]) > 0) and not any(
                same_numbers(row, other) for other in chosen):
            chosen.append(row)
    return chosen[:MOST_ROWS], max(0, len(chosen) - MOST_ROWS)


def same_numbers(one, other):
    """A metric that is a feature under another name differs from it by rounding."""
    return one["unit"] == other["unit"] and np.isclose(one["base"], other["base"], rtol=1e-9) and np.allclose(
        one["difference"], other["difference"], rtol=1e-9, equal_nan=True)


def draw_table(axes, table, others):
    """One line a quantity. One other has columns of its own; of several only the differences fit."""
    places = {"base": 0.565, "other": 0.705, "differences": [0.865]} if others == 1 else {
        "base": 0.45, "differences": list(np.linspace(0.45, 1.0, others + 1)[1:])}
    heights = 1 - (np.arange(len(table) + 1) + 0.5) / (len(table) + 1)

    def write(x, y, text, colour="black", right=True):
        axes.text(x, y, text, ha="right" if right else "left", va="center", fontsize=7.5, color=colour,
                  transform=axes.transAxes)

    def head(x, text, colour, marker):
        write(x, heights[0], text, HEAD)
        axes.plot([x - 0.1], [heights[0]], color=colour, marker=marker, markersize=4, transform=axes.transAxes,
                  clip_on=False)

    write(0.0, heights[0], "Over the window", HEAD, right=False)
    head(places["base"], "base", *SERIES[0][:2])
    if others == 1:
        head(places["other"], "other", *SERIES[1][:2])
        write(1.0, heights[0], "other larger on", HEAD)
    for place, (colour, marker, _) in zip(places["differences"], SERIES[1:]):
        head(place, "difference", colour, marker)
    axes.axhline(1 - 1 / len(heights), color=MARK, linewidth=0.6)
    for height, row in zip(heights[1:], table):
        write(0.0, height, what_of(row, 56 if others == 1 else 40), right=False)
        write(places["base"], height, number(row["base"], row["base_se"]))
        if others == 1:
            write(places["other"], height, number(row["value"][0], row["value_se"][0]))
            share = row["share_larger"][0]
            write(1.0, height, f"{100 * share:.1f} % of paths" if np.isfinite(share) else "–")
        for place, difference, error in zip(places["differences"], row["difference"], row["difference_se"]):
            write(place, height, number(difference, error, signed=True),
                  PALE if abs(difference) <= WITHIN * error else "black")
    axes.set(xlim=(0, 1), ylim=(0, 1))


def what_of(row, width):
    """Name and unit, with the meaning where there is room for all of it."""
    unit = UNITS.get(row["unit"], row["unit"])
    name = row["quantity"] + (f", {unit}" if row["unit"] != "1" else "")
    whole = f"{name}: {row['meaning']}"
    return whole if row["meaning"] and len(whole) <= width else name


def number(value, error, signed=False):
    """As many digits as the error leaves: two of it below 3.55, else one."""
    if not np.isfinite(value):
        return "–"
    sign = "+" if signed and value != 0 else ""
    if not error > 0:
        return f"{value:{sign},.4g}".replace("-", "−")
    power = int(np.floor(np.log10(error)))
    digits = max(0, (1 if error / 10.0**power < 3.55 else 0) - power)
    return f"{value:{sign},.{digits}f} ± {error:,.{digits}f}".replace("-", "−")


if __name__ == "__main__":
    run_script(main)
