#!/usr/bin/env python3
"""Draws what `repoquake attribute --output` found: from the metric with every factor off to that with every factor on, a
step for the share of each factor, and beside it what each does alone and what it takes away when it alone is missing."""

import argparse
import difflib
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from repoquake_plots import (BANDS, MEDIAN, OBSERVED, UNITS, USAGE, WRONG_INPUT, File, PlotError, add_figure, run_script,
                             save, use_house_style, wrapped)

UP, DOWN, ENDS = BANDS[3], OBSERVED, "#8a8a8a"
LIMITS = 1.96  # standard errors
MOST_NAMED = 3  # interactions in words


class AttributionFile(File):
    """An open file of `repoquake attribute`."""

    format = "repoquake/attribution/1"

    def read_metric(self, name):
        """The numbers of a metric, shares in the order of the factors."""
        ids = self.texts("attribution", "metric")
        if name is not None and name not in ids:
            near = difflib.get_close_matches(name, ids, n=1, cutoff=0.5)
            guess = f"; did you mean {near[0]}?" if near else ""
            raise PlotError(f"--metric {name}: {self.path} has {', '.join(ids)}{guess}", USAGE)
        place = 0 if name is None else ids.index(name)
        unit = self.texts("attribution", "unit")[place]
        columns = {column + end: self.read("attribution", column + end)[place]
                   for column in ("none", "all", "effect", "shapley", "alone", "last", "interaction") for end in ("", "_se")}
        if not np.isfinite(columns["shapley"]).all() or not np.isfinite(columns["none"]):
            raise PlotError(f"{self.path}: {ids[place]} has no value in some of the worlds", WRONG_INPUT)
        return {"id": ids[place], "expr": self.texts("attribution", "expr")[place], "unit": UNITS.get(unit, unit),
                "factors": self.texts("attribution", "factor"), **columns}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="Exit codes: 2 usage, 65 not a file of repoquake attribute, 74 a path that cannot be "
                                    "read or written.")
    parser.add_argument("attribution", metavar="FILE", type=Path, help="a file of repoquake attribute --output")
    parser.add_argument("--metric", metavar="ID", help="the metric (default: the first)")
    parser.add_argument("--order", choices=("size", "file"), default="size",
                        help="the largest share first, or as in the file (default: size)")
    add_figure(parser)
    options = parser.parse_args()
    use_house_style()
    with AttributionFile(options.attribution) as file:
        save(draw(file, file.read_metric(options.metric), options.order), options)


def draw(file, metric, order):
    count = len(metric["factors"])
    rows = np.argsort(-np.abs(metric["shapley"]), kind="stable") if order == "size" else np.arange(count)
    height = 0.7 + 0.36 * (count + 2)
    figure = plt.figure(figsize=(8.2, height + 1.6), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=(1.6, 1), height_ratios=(height, 0.75))
    steps = figure.add_subplot(grid[0, 0])
    ends = figure.add_subplot(grid[0, 1], sharey=steps)
    draw_steps(steps, metric, rows)
    draw_ends(ends, metric, rows)
    figure.suptitle(wrapped(title_of(file), 80), fontsize=10.5)
    foot = figure.add_subplot(grid[1, :])
    foot.axis("off")
    handles = legend_of(metric)
    foot.legend(handles=handles, loc="upper left", bbox_to_anchor=(0.0, 1.02), ncol=len(handles), handlelength=1.3,
                columnspacing=1.4, borderaxespad=0.0)
    foot.text(0.0, 0.56, wrapped(footnote_of(file, metric), 138), transform=foot.transAxes, fontsize=7, color="#555555",
              va="top")
    return figure


def draw_steps(axes, metric, rows):
    """A waterfall, read downwards: each bar starts where the one above it ends."""
    count = len(rows)
    labels = ["all off", *(metric["factors"][j] for j in rows), "all on"]
    at_y = np.arange(count + 2)
    start = metric["none"]
    axes.barh(0, start, 0.6, color=ENDS)
    bar_of_error(axes, start, 0, metric["none_se"])
    reach = [0.0, start, metric["all"]]
    for place, j in enumerate(rows, start=1):
        share, error = metric["shapley"][j], metric["shapley_se"][j]
        axes.barh(place, share, 0.6, left=start, color=UP if share >= 0 else DOWN, hatch="" if share >= 0 else "///",
                  edgecolor="white", linewidth=0.4)
        bar_of_error(axes, start + share, place, error)
        axes.plot([start, start], [place - 0.7, place + 0.3], color="#555555", linewidth=0.7)
        start += share
        reach.append(start)
    axes.plot([start, start], [count + 0.3, count + 0.7], color="#555555", linewidth=0.7)
    axes.barh(count + 1, metric["all"], 0.6, color=ENDS)
    bar_of_error(axes, metric["all"], count + 1, metric["all_se"])
    low, high = min(reach), max(reach)
    room = (high - low) or 1.0
    texts = [with_error(metric["none"], metric["none_se"]),
             *(("+" if metric["shapley"][j] > 0 else "") + with_error(metric["shapley"][j], metric["shapley_se"][j])
               for j in rows), with_error(metric["all"], metric["all_se"])]
    for place, text in zip(at_y, texts):
        axes.text(0.99, place, text, transform=axes.get_yaxis_transform(), ha="right", va="center", fontsize=7.5)
    axes.set_xlim(low - (0.03 if low >= 0 else 0.08) * room, high + 0.42 * room)  # the numbers stand to the right
    axes.axvline(0.0, color="black", linewidth=0.8)
    axes.set_yticks(at_y, labels)
    axes.set_ylim(count + 1.6, -0.8)
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.6)
    axes.set_xlabel(f"{metric['id']} ({metric['unit']})")


def bar_of_error(axes, value, place, error):
    if np.isfinite(error) and error > 0:
        axes.errorbar(value, place, xerr=LIMITS * error, color="black", elinewidth=0.9, capsize=2)


def draw_ends(axes, metric, rows):
    """What a factor adds first, on average, and last: apart where factors need each other."""
    for place, j in enumerate(rows, start=1):
        values = [metric[name][j] for name in ("alone", "shapley", "last")]
        axes.plot([min(values), max(values)], [place, place], color=BANDS[1], linewidth=4, solid_capstyle="butt", zorder=1)
        for name, marker, face in (("alone", "o", "white"), ("shapley", "D", UP), ("last", "s", MEDIAN)):
            axes.errorbar(metric[name][j], place, xerr=LIMITS * np.nan_to_num(metric[name + "_se"][j]), marker=marker,
                          markersize=5, markerfacecolor=face, markeredgecolor=MEDIAN, ecolor="black", elinewidth=0.9,
                          capsize=2, linestyle="none")
    axes.axvline(0.0, color="black", linewidth=0.8)
    axes.margins(x=0.08)
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.6)
    axes.tick_params(axis="y", labelleft=False)
    axes.set_xlabel(f"what it adds ({metric['unit']})")


def legend_of(metric):
    handles = [Patch(facecolor=ENDS, label="all factors off, on"), Patch(facecolor=UP, label="share that raises")]
    if (metric["shapley"] < 0).any():
        handles.append(Patch(facecolor=DOWN, hatch="///", edgecolor="white", label="share that lowers"))
    for marker, face, label in (("o", "white", "alone"), ("D", UP, "share"), ("s", MEDIAN, "last")):
        handles.append(Line2D([], [], marker=marker, markerfacecolor=face, markeredgecolor=MEDIAN, linestyle="none",
                              markersize=5, label=label))
    return handles


def with_error(value, error):
    if not np.isfinite(error) or error <= 0:
        return f"{value:.4g}"
    decimals = int(np.clip(1 - np.floor(np.log10(error)), 1, 4)) if error < 1 else 1
    return f"{value:.{decimals}f} ± {error:.{decimals}f}"


def title_of(file):
    text = file.attribute("title") or file.attribute("scenario_name") or file.path.stem
    return text + ("\nconditional replay in every world" if int(file.attribute("conditional", 0)) == 1 else "")


def interactions_of(metric):
    """The largest, in words."""
    pairs = [(metric["interaction"][i, j], metric["interaction_se"][i, j], i, j)
             for j in range(len(metric["factors"])) for i in range(j) if np.isfinite(metric["interaction"][i, j])]
    pairs.sort(key=lambda pair: -abs(pair[0]))
    return ", ".join(f"{metric['factors'][i]} × {metric['factors'][j]} {with_error(value, error)}"
                     for value, error, i, j in pairs[:MOST_NAMED])


def footnote_of(file, metric):
    worlds, orders = (file.group_attribute("attribution", name) for name in ("n_worlds", "n_orders"))
    parts = [f"{metric['id']} = {metric['expr']}"]
    how = f"{int(worlds):,} worlds of " if worlds is not None else ""
    parts.append(f"{how}{int(file.attribute('n_paths', 0)):,} paths on the same draws, seed {file.attribute('seed', '?')}")
    if orders:
        parts.append(f"shares over a sample of {int(orders)} orders, errors of paths and orders together")
    parts.append("bars: 95 % limits")
    if interactions_of(metric):
        parts.append(f"interactions: {interactions_of(metric)}")
    program = file.attribute("program_version")
    return " · ".join([*parts, f"repoquake {program}" if program else "repoquake"])


if __name__ == "__main__":
    run_script(main)
