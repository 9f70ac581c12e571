#!/usr/bin/env python3
"""Draws how the numbers of a run settled: value with 95 % limits, and standard error, against the number of paths."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from repoquake_plots import (BANDS, MEDIAN, OBSERVED, SERIES, UNITS, USAGE, WRONG_INPUT, PlotError, Result,
                             add_labels, labels_of, result_parser, run_script, save, use_house_style, wrapped)

MOST_PANELS = 6
TITLE_WIDTH = 50  # letters that fit over a panel
GUIDE = "#333333"
LINE = 0.19  # inches a line of the legend takes
END, HALF_WIDTH, LEAST, SLOPE = (  # looks of the lines that mark something
    {"linewidth": 0.7}, {"linewidth": 1.0, "linestyle": (0, (5, 3))}, {"linewidth": 1.0, "linestyle": (0, (1, 2))},
    {"linewidth": 0.8, "linestyle": (0, (2, 2)), "color": GUIDE})


def main():
    parser = result_parser(__doc__, epilog="Several results are overlaid. Of a rule to stop the half width is drawn "
                                           "around the value at the end, and the least number of paths. Exit codes: 2 "
                                           "usage, 65 not such a result file, 74 a path that cannot be read or "
                                           "written.")
    parser.add_argument("--quantity", action="append", metavar="NAME",
                        help="what to draw, a name in /convergence/quantity; may be repeated (default: mean and 95 %% "
                             f"quantile of peak_spread, then the metrics; {MOST_PANELS} panels at most)")
    add_labels(parser)
    options = parser.parse_args()
    if len(options.results) > len(SERIES):
        parser.error(f"at most {len(SERIES)} results can be told apart")
    if len(options.quantity or ()) > MOST_PANELS:
        parser.error(f"--quantity: at most {MOST_PANELS}")

    runs = []
    for path in options.results:
        with Result(path) as result:
            runs.append(read_run(result))
    labels = labels_of(runs, options)
    panels = chosen(runs, options.quantity) if options.quantity else by_default(runs)
    for panel in panels:
        require_one_unit(runs, panel[0])

    use_house_style()
    columns = 1 if len(panels) == 1 else 2 if len(panels) in (2, 4) else 3
    rows = -(-len(panels) // columns)
    keys, notes = keys_of(runs, labels, panels), notes_of(runs, panels)
    keys_in_a_row = 4 if columns > 1 else 3
    heights = [2.3, 1.3] * rows + [LINE * lines for lines in (
        sum(label.count("\n") + 1 for label in labels) + 0.5 if keys["runs"] else 0.1,
        -(-len(keys["lines"]) // keys_in_a_row) + 0.5, 0.8 * len(notes))]
    figure = plt.figure(figsize=(max(6.8, 1.0 + 3.6 * columns), 0.5 + sum(heights)), layout="constrained")
    grid = figure.add_gridspec(len(heights), columns, height_ratios=heights)
    for i, panel in enumerate(panels):
        row, column = 2 * (i // columns), i % columns
        values = figure.add_subplot(grid[row, column])
        errors = figure.add_subplot(grid[row + 1, column], sharex=values)
        draw_values(values, runs, panel)
        draw_errors(errors, runs, panel[0], last=i + columns >= len(panels))
        if column == 0:
            errors.set_ylabel("standard error")
    if len(runs) == 1:
        figure.suptitle(runs[0]["title"], x=0.01, ha="left", fontsize=10)
    whose, lines, foot = (figure.add_subplot(grid[2 * rows + i, :]) for i in range(3))
    for axes in (whose, lines, foot):
        axes.axis("off")
    if keys["runs"]:
        whose.legend(handles=keys["runs"], loc="center", handlelength=2.6)
    lines.legend(handles=keys["lines"], loc="center", ncols=min(keys_in_a_row, len(keys["lines"])), handlelength=2.6,
                 columnspacing=1.3)
    foot.text(0.5, 0.0, "\n".join(notes), ha="center", va="bottom", fontsize=7, color="#555555",
              transform=foot.transAxes)
    save(figure, options)


def read_run(result):
    """The record of /convergence by quantity, and the rule to stop where there was one."""
    counts, names = result.read("convergence", "n_paths"), result.texts("convergence", "quantity")
    if not len(counts):
        raise PlotError(f"{result.path}: /convergence is empty", WRONG_INPUT)
    columns = {name: result.read("convergence", name) for name in ("value", "se", "ci_lo", "ci_hi")}
    expressions = {}
    if result.has("metrics", "expr"):
        expressions = dict(zip(result.texts("metrics", "metric"), result.texts("metrics", "expr")))
    return {
        "path": result.path, "id": result.path.stem, "title": result.title(), "name": result.name(),
        "kind": result.kind(), "footnote": result.footnote(), "counts": counts, "expressions": expressions,
        "units": dict(zip(names, result.texts("convergence", "unit"))),
        "quantities": {quantity: {name: values[:, k] for name, values in columns.items()}
                       for k, quantity in enumerate(names)},
        "stop": stop_of(result), "settled": result.attribute("stop_reason") == "settled",
    }


def stop_of(result):
    metric, half_width, min_paths = (result.group_attribute("convergence", f"stop_{name}")
                                     for name in ("metric", "half_width", "min_paths"))
    if metric is None or half_width is None or min_paths is None:
        return None
    return {"metric": metric, "half_width": float(half_width), "min_paths": int(min_paths)}


def chosen(runs, names):
    """A panel for each --quantity. A panel is a list of names, of which the first is drawn."""
    for run in runs:
        for name in names:
            if name not in run["quantities"]:
                raise PlotError(f"--quantity '{name}': {run['path']} has {', '.join(run['quantities'])}", USAGE)
    return [[name] for name in dict.fromkeys(names)]


def by_default(runs):
    """What a rule to stop watches, then the first quantities that all runs have; those with the same numbers throughout
    share a panel."""
    panels = []
    watched = [run["stop"]["metric"] for run in runs if run["stop"]]
    for name in sorted(runs[0]["quantities"], key=lambda name: name not in watched):
        if not all(name in run["quantities"] for run in runs):
            continue
        twin = next((panel for panel in panels if all(same(run, panel[0], name) for run in runs)), None)
        if twin:
            twin.append(name)
        elif len(panels) < MOST_PANELS:
            panels.append([name])
    if not panels:
        raise PlotError("the results have no quantity in common", USAGE)
    return panels


def same(run, one, other):
    """A feature and a metric that are one thing differ by rounding."""
    return run["units"][one] == run["units"][other] and all(
        np.allclose(run["quantities"][one][key], run["quantities"][other][key], rtol=1e-9, atol=0.0, equal_nan=True)
        for key in ("value", "ci_lo", "ci_hi"))


def require_one_unit(runs, name):
    units = {run["units"][name] for run in runs}
    if len(units) > 1:
        raise PlotError(f"{name}: different units: {', '.join(sorted(units))}", USAGE)


def looks(runs):
    """(run, colour, marker, dashes, colour of its band)."""
    if len(runs) == 1:
        return [(runs[0], MEDIAN, "o", "-", BANDS[1])]
    return [(run, colour, marker, dashes, (*to_rgb(colour), 0.17))
            for run, (colour, marker, dashes) in zip(runs, SERIES)]


def draw_values(axes, runs, panel):
    """Value and limits after so many paths; of a single count the band is a bar."""
    name = panel[0]
    for run, colour, marker, dashes, shade in looks(runs):
        counts, drawn = run["counts"], run["quantities"][name]
        wide = np.outer((1 / 1.01, 1.01), counts).ravel() if len(counts) == 1 else counts
        axes.fill_between(wide, *(np.broadcast_to(drawn[end], wide.shape) for end in ("ci_lo", "ci_hi")), color=shade,
                          linewidth=0)
        axes.axhline(drawn["value"][-1], color=colour, **END)
        axes.plot(counts, drawn["value"], color=colour, marker=marker, markersize=3.5, linewidth=1.4, linestyle=dashes)
        if run["stop"] and run["stop"]["metric"] in panel:
            rule = OBSERVED if len(runs) == 1 else colour
            for sign in (-1, 1):
                axes.axhline(drawn["value"][-1] + sign * run["stop"]["half_width"], color=rule, **HALF_WIDTH)
            axes.axvline(run["stop"]["min_paths"], color=rule, **LEAST)
    axes.set_title(title_of(runs, panel), loc="left", fontsize=9)
    unit = runs[0]["units"][name]
    axes.set_ylabel(UNITS.get(unit, unit))
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.6)
    axes.tick_params(labelbottom=False)


def title_of(runs, panel):
    """The names of a panel, a metric with its expression where the runs agree on it."""
    def line(name):
        expressions = {run["expressions"].get(name) for run in runs}
        expression = expressions.pop() if len(expressions) == 1 else None
        return f"{name}: {expression}" if expression else name
    return wrapped("\n".join(line(name) for name in panel), TITLE_WIDTH)


def draw_errors(axes, runs, name, last):
    """Standard errors on two logarithmic axes, where those of independent paths fall with the slope of the guide."""
    for run, colour, marker, dashes, _ in looks(runs):
        axes.plot(run["counts"], run["quantities"][name]["se"], color=colour, marker=marker, markersize=3.0,
                  linewidth=1.2, linestyle=dashes)
    counts, errors = runs[0]["counts"], runs[0]["quantities"][name]["se"]
    if len(counts) > 1 and errors[-1] > 0:
        axes.plot(counts, errors[-1] * np.sqrt(counts[-1] / counts), **SLOPE)
    if any(np.any(run["quantities"][name]["se"] > 0) for run in runs):
        axes.set_yscale("log")
        use_plain_numbers(axes.yaxis, *axes.get_ylim())
    ends = [end for run in runs for end in (run["counts"][0], run["counts"][-1])]
    axes.set_xscale("log")
    axes.set_xlim(min(ends) / 1.12, max(ends) * 1.12)
    use_plain_numbers(axes.xaxis, *axes.get_xlim())
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.6)
    if last:
        axes.set_xlabel("number of paths (logarithmic)")


def use_plain_numbers(axis, low, high):
    """Round numbers, written out; the roundest of which there are two."""
    powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    for steps in ((1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 8), np.arange(1.0, 10.0, 0.5)):
        ticks = np.outer(powers, steps).ravel()
        ticks = ticks[(low <= ticks) & (ticks <= high)]
        if len(ticks) >= 2:
            break
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"))
    axis.set_minor_locator(NullLocator())


def ruled(runs, panels):
    """The runs of which the rule to stop is drawn."""
    names = [name for panel in panels for name in panel]
    return [run for run in runs if run["stop"] and run["stop"]["metric"] in names]


def keys_of(runs, labels, panels):
    """What stands in the legend: which run is which, and what the lines are."""
    several = len(runs) > 1
    colour, rule = ("#333333", "#333333") if several else (MEDIAN, OBSERVED)
    keys = {"runs": [], "lines": []}
    if several:
        keys["runs"] = [Line2D([], [], color=own, marker=marker, markersize=4, linestyle=dashes, label=label)
                        for (_, own, marker, dashes, _), label in zip(looks(runs), labels)]
    else:
        keys["lines"].append(Line2D([], [], color=colour, marker="o", markersize=4, label="after so many paths"))
    keys["lines"] += [Patch(color="#d5d5d5" if several else BANDS[1], label="95 % limits"),
                      Line2D([], [], color=colour, label="at the end", **END)]
    if len(runs[0]["counts"]) > 1:
        keys["lines"].append(Line2D([], [], label="slope of 1/√n", **SLOPE))
    if ruled(runs, panels):
        keys["lines"] += [Line2D([], [], color=rule, label="half width of the rule to stop", **HALF_WIDTH),
                          Line2D([], [], color=rule, label="its least number of paths", **LEAST)]
    return keys


def notes_of(runs, panels):
    return list(dict.fromkeys([run["footnote"] for run in runs] + [rule_in_words(run) for run in ruled(runs, panels)]))


def rule_in_words(run):
    stop = run["stop"]
    unit = run["units"][stop["metric"]]
    unit = "" if unit == "1" else f" {UNITS.get(unit, unit)}"
    return (f"rule to stop: {stop['metric']} within ±{stop['half_width']:g}{unit}, from {stop['min_paths']:,} paths "
            f"on; it {'ended' if run['settled'] else 'did not end'} the run")


if __name__ == "__main__":
    run_script(main)
