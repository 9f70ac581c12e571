#!/usr/bin/env python3
"""Draws how often SOFR is far above IORB: by day, and at the peak of the window over IORB and over EFFR."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D

from repoquake_plots import (MEDIAN, SERIES, USAGE, PlotError, Result, add_labels, label_days, labels_of, mark_events,
                             result_parser, run_script, save, use_house_style)

# Thresholds of a single result: light to dark, in order in black and white too.
STEPS = (("#9ec3e0", "o"), ("#62a0d0", "s"), ("#2f78b3", "^"), ("#08519c", "D"), (MEDIAN, "v"), ("#000000", "P"))
PREFERRED = 50.0  # bp, the threshold of several results where they all have it
TWO_ERRORS = 2.0  # bars are this many standard errors long each way


def main():
    parser = result_parser(__doc__, epilog="One result is drawn at all its thresholds, several at one. Exit codes: "
                                           "2 usage, 65 not such a result file, 74 a path that cannot be read or "
                                           "written.")
    parser.add_argument("--threshold", type=float, action="append", metavar="BP",
                        help="a threshold of the days, in bp; may be repeated for one result (default: all of one "
                             "result; of several 50 bp, or the middle one that they share)")
    add_labels(parser)
    options = parser.parse_args()
    if len(options.results) > len(SERIES):
        parser.error(f"at most {len(SERIES)} results can be told apart")

    runs = []
    for path in options.results:
        with Result(path) as result:
            runs.append(read_run(result))
    labels = labels_of(runs, options)
    thresholds = thresholds_to_draw(runs, options)

    use_house_style()
    lines = sum(label.count("\n") + 1 for label in labels) if len(runs) > 1 else 1
    figure = plt.figure(figsize=(9.6, 4.9 + 0.17 * max(0, lines - 2)), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=(1.45, 1), height_ratios=(1, 0.16 + 0.045 * lines))
    days, peak = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1])
    draw_days(days, runs, thresholds)
    draw_peak(peak, runs)
    peak.set_ylim(0, 103)
    days.set_ylim(0, None)
    days.set_ylim(0, min(103, max(4, 1.12 * days.get_ylim()[1])))
    if all(run["dates"] == runs[0]["dates"] for run in runs):
        mark_events(days, runs[0]["dates"])
    if len(runs) == 1:
        figure.suptitle(runs[0]["title"], x=0.01, ha="left", fontsize=10)
    draw_legend(figure.add_subplot(grid[1, :]), runs, labels, thresholds)
    save(figure, options)


def read_run(result):
    """All that is drawn of one result; probabilities in percent."""
    days = result.read("stats", "spread_exceed")
    run = {
        "path": result.path,
        "id": result.path.stem,
        "title": result.title(),
        "name": result.name(),
        "kind": result.kind(),
        "footnote": result.footnote(),
        "dates": result.dates("stats"),
        "thresholds": result.read("stats", "threshold"),
        "days": 100 * days,
        "days_se": 100 * result.read("stats", "spread_exceed_se"),
        "peak_thresholds": result.read("features", "threshold"),
    }
    for name in ("peak_spread", "peak_sofr_over_effr"):
        run[name] = 100 * result.read("features", f"{name}_exceed")
        run[f"{name}_se"] = 100 * result.read("features", f"{name}_exceed_se")
    return run


def thresholds_to_draw(runs, options):
    """In bp, in rising order; of several results one."""
    shared = sorted(set.intersection(*(set(run["thresholds"].tolist()) for run in runs)))
    for wanted in options.threshold or ():
        for run in runs:
            if wanted not in run["thresholds"]:
                raise PlotError(f"--threshold {wanted:g}: {run['path']} has "
                                f"{', '.join(f'{t:g}' for t in run['thresholds'])} bp; others are named in the "
                                "scenario, output.thresholds", USAGE)
    if options.threshold and len(runs) > 1 and len(options.threshold) > 1:
        raise PlotError("--threshold: one for several results", USAGE)
    if options.threshold:
        return sorted(set(options.threshold))
    if len(runs) == 1:
        return shared[-len(STEPS):]
    if not shared:
        raise PlotError("the results have no threshold in common; name them in the scenarios, output.thresholds", USAGE)
    return [PREFERRED if PREFERRED in shared else shared[len(shared) // 2]]


def draw_days(axes, runs, thresholds):
    for i, run in enumerate(runs):
        for j, threshold in enumerate(thresholds):
            row = run["thresholds"].tolist().index(threshold)
            colour, marker, dashes = SERIES[i] if len(runs) > 1 else (*STEPS[j], "-")
            axes.errorbar(np.arange(len(run["dates"])), run["days"][row], yerr=TWO_ERRORS * run["days_se"][row],
                          color=colour, marker=marker, markersize=3.5, linewidth=1.3, linestyle=dashes,
                          elinewidth=0.9, capsize=1.5)
    of = f" above {thresholds[0]:g} bp" if len(thresholds) == 1 else " above a threshold"
    axes.set_title(f"SOFR − IORB{of}, by day", loc="left")
    axes.set_ylabel("share of paths (%)")
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.6)
    if all(run["dates"] == runs[0]["dates"] for run in runs):
        label_days(axes, runs[0]["dates"], most=8)
    else:
        axes.set_xlim(-0.3, max(len(run["dates"]) for run in runs) - 0.7)
        axes.set_xlabel("business day of the window; 0 is the opening")


def draw_peak(axes, runs):
    """By threshold: the peak over IORB filled and joined, over EFFR hollow and dotted."""
    for i, run in enumerate(runs):
        colour, marker, dashes = SERIES[i] if len(runs) > 1 else (MEDIAN, "o", "-")
        for name, filled in (("peak_spread", True), ("peak_sofr_over_effr", False)):
            axes.errorbar(run["peak_thresholds"], run[name], yerr=TWO_ERRORS * run[f"{name}_se"], color=colour,
                          marker=marker, markersize=5, linewidth=1.3 if filled else 0.9,
                          linestyle=dashes if filled else (0, (1, 2)), elinewidth=0.9, capsize=2,
                          markerfacecolor=colour if filled else "white")
    ticks = sorted(set.union(*(set(run["peak_thresholds"].tolist()) for run in runs)))
    positive = min(ticks) > 0
    if positive:
        axes.set_xscale("log")
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axes.minorticks_off()
    axes.set_xlabel("threshold (bp" + (", logarithmic)" if positive else ")"))
    axes.set_ylabel("share of paths (%)")
    axes.set_title("Peak of the window above a threshold", loc="left")
    axes.grid(color="#e6e6e6", linewidth=0.6)


def draw_legend(axes, runs, labels, thresholds):
    axes.axis("off")
    if len(runs) == 1:
        handles = [Line2D([], [], color=colour, marker=marker, markersize=4, label=f"> {threshold:g} bp")
                   for (colour, marker), threshold in zip(STEPS, thresholds)]
        columns = len(handles)
    else:
        handles = [Line2D([], [], color=colour, marker=marker, markersize=4, linestyle=dashes,
                          label=label)
                   for (colour, marker, dashes), label in zip(SERIES, labels)]
        columns = 1
    first = axes.legend(handles=handles, loc="upper left", ncols=columns, handlelength=2.6, columnspacing=1.3,
                        bbox_to_anchor=(0.0, 1.05))
    axes.add_artist(first)
    colour = MEDIAN if len(runs) == 1 else "#333333"
    axes.legend(handles=[Line2D([], [], color=colour, marker="o", label="SOFR − IORB"),
                         Line2D([], [], color=colour, marker="o", markerfacecolor="white", linestyle=(0, (1, 2)),
                                label="SOFR − EFFR")], loc="upper right", ncols=2, bbox_to_anchor=(1.0, 1.05))
    notes = dict.fromkeys(run["footnote"] for run in runs)
    axes.text(0.5, 0.0, "  |  ".join(notes) + "\nbars: two standard errors each way", ha="center", va="bottom",
              fontsize=7, color="#555555", transform=axes.transAxes)


if __name__ == "__main__":
    run_script(main)
