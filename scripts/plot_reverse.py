#!/usr/bin/env python3
"""Draws what `repoquake reverse` found: the metric along the key with its band, the target, and where they meet with the
interval of that; over a second key with numbers, the frontier with its band."""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.transforms import ScaledTranslation

from repoquake_plots import (MARK, SERIES, UNITS, USAGE, WRONG_INPUT, File, PlotError, add_figure, run_script, save,
                             use_house_style, wrapped)

BAND = 0.18  # how strongly bands are painted
OPEN = ("◄", "►")  # where an interval goes on, and nothing is known
SIDES = {-1: "below throughout", 1: "above throughout", 0: "no crossing found"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog="Exit codes: 2 usage, 65 not the result of a search, 74 "
                                                                 "a path that cannot be read or written.")
    parser.add_argument("result", metavar="RESULT", type=Path, help="what repoquake reverse --output wrote")
    parser.add_argument("--kind", choices=("auto", "curves", "frontier"), default="auto",
                        help="curves: the metric along the key; frontier: the crossings over the second key (default: the "
                             "frontier where the second key has three numbers or more, or too many values for curves)")
    add_figure(parser)
    options = parser.parse_args()
    use_house_style()
    with Search(options.result) as search:
        kind = options.kind
        if kind == "auto":
            is_frontier = search.is_numeric and len(search.curves) >= 3
            kind = "frontier" if is_frontier or len(search.curves) > len(SERIES) else "curves"
        if kind == "frontier" and not search.over:
            raise PlotError(f"--kind frontier: {options.result} has no second key", USAGE)
        if kind == "curves" and len(search.curves) > len(SERIES):
            raise PlotError(f"--kind curves: {len(search.curves)} curves are too many to draw, {len(SERIES)} at most",
                            USAGE)
        save((draw_frontier if kind == "frontier" else draw_curves)(search), options)


class Search(File):
    """An open result of a search."""

    def __init__(self, path):
        super().__init__(path)
        if not self.has("reverse", "curve") or not self.has("tried", "at"):
            raise PlotError(f"{path}: is not the result of a search; make one with repoquake reverse --output",
                            WRONG_INPUT)

        def said(name):
            return self.group_attribute("reverse", name)

        self.key, self.over, self.expr = said("key"), said("over"), said("expr")
        self.target, self.low, self.high = float(said("target")), float(said("low")), float(said("high"))
        self.base = said("base_value")
        self.key_unit, self.unit = (UNITS.get(said(name), said(name)) for name in ("key_unit", "unit"))
        self.over_unit = UNITS.get(said("over_unit"), said("over_unit"))
        self.curves = self.texts("reverse", "curve")
        self.sides = self.read("reverse", "side").astype(int)
        self.numbers = self.read("reverse", "over_value") if self.has("reverse", "over_value") else None
        self.is_numeric = bool(self.over) and said("over_unit") != "index" and not set(self.curves) & {"true", "false"}
        self.tried = {name: self.read("tried", name) for name in ("curve", "at", "value", "ci_lo", "ci_hi", "status")}
        self.crossings = []
        if self.has("crossings", "at"):
            names = ("curve", "at", "ci_lo", "ci_hi", "lo_is_open", "hi_is_open", "direction")
            columns = [self.read("crossings", name) for name in names]
            self.crossings = [dict(zip(names, row)) for row in zip(*columns)]

    def of_curve(self, k):
        """The points of a curve, without a value where they have none."""
        rows = self.tried["curve"] == k
        return {name: values[rows] for name, values in self.tried.items()}

    def crossings_of(self, k):
        return [crossing for crossing in self.crossings if crossing["curve"] == k]

    def name(self, k):
        """What a curve is called in a legend."""
        if not self.over:
            return "metric"
        return f"{short(self.over)} {self.curves[k]}"

    def title(self):
        text = self.attribute("title") or self.attribute("scenario_name") or self.path.stem
        return text + ("\nconditional replay at every point" if int(self.attribute("conditional", 0)) == 1 else "")

    def footnote(self, width):
        program = self.attribute("program_version")
        failed = int((self.tried["status"] == 2).sum())
        parts = [f"target: {self.expr} = {with_unit(self.target, self.unit)}",
                 f"{len(self.tried['at'])} points of {int(self.attribute('n_paths', 0)):,} paths on the same draws, "
                 f"seed {self.attribute('seed', '?')}", f"need {self.group_attribute('reverse', 'need')}",
                 "bands and bars: 95 % limits"]
        parts += [f"{failed} points could not be run"] if failed else []
        return wrapped(" · ".join([*parts, f"repoquake {program}" if program else "repoquake"]), width)

    def axis_label(self):
        return labelled(self.key, self.key_unit)


def short(key):
    """As much of a key as tells what it is."""
    return ".".join(key.split(".")[-2:])


def labelled(key, unit):
    return short(key) if unit in ("1", "fraction", "index", "") else f"{short(key)} ({unit})"


def number(value, width=0.0):
    """So many decimals that a twentieth of the width shows."""
    digit = abs(width) / 20 if width else max(abs(value), 1e-9) / 1000
    return f"{value:.{max(0, int(np.ceil(-np.log10(digit))))}f}" if 1e-4 < digit < 1e9 else f"{value:.4g}"


def with_unit(value, unit):
    text = f"{value:g}"
    return text if unit in ("fraction", "1") else f"{text} {unit}"


def crossing_text(crossing, unit):
    width = crossing["ci_hi"] - crossing["ci_lo"]
    low = ("beyond " if crossing["lo_is_open"] else "") + number(crossing["ci_lo"], width)
    high = ("beyond " if crossing["hi_is_open"] else "") + number(crossing["ci_hi"], width)
    return f"{number(crossing['at'], width)} {unit if unit not in ('fraction', '1') else ''} ({low} to {high})"


def draw_curves(search):
    """The metric along the key. Each curve has its band; crossings stand on the target line with their intervals."""
    figure, axes = plt.subplots(figsize=(7.2, 4.6), layout="constrained")
    handles = []
    for k in range(len(search.curves)):
        points = search.of_curve(k)
        colour, marker, dashes = SERIES[k % len(SERIES)]
        # A gap where a point has no value: nothing is said across it.
        axes.fill_between(points["at"], points["ci_lo"], points["ci_hi"], color=colour, alpha=BAND, linewidth=0)
        axes.plot(points["at"], points["value"], color=colour, linestyle=dashes, linewidth=1.4, marker=marker,
                  markersize=2.4)
        crossings = search.crossings_of(k)
        texts = [crossing_text(crossing, search.key_unit) for crossing in crossings] or [SIDES[int(search.sides[k])]]
        handles.append(Line2D([], [], color=colour, linestyle=dashes, marker=marker, markersize=3.5,
                              label=f"{search.name(k)}: {'; '.join(texts)}"))
        without = points["at"][np.isnan(points["value"])]
        if len(without):
            axes.plot(without, np.full(len(without), 0.012), color=colour, marker="x", linestyle="none", markersize=5,
                      transform=axes.get_xaxis_transform(), clip_on=False)
        for crossing in crossings:
            draw_bar(axes, crossing, search.target, colour, marker)
    axes.axhline(search.target, color="black", linewidth=0.9, zorder=1.5)
    axes.annotate(f"target {with_unit(search.target, search.unit)}", (1.0, search.target),
                  xycoords=("axes fraction", "data"), xytext=(-2, 3), textcoords="offset points", ha="right",
                  va="bottom", fontsize=8, zorder=5, path_effects=[withStroke(linewidth=2.5, foreground="white")])
    mark_base(axes.axvline, search, handles)
    if np.isnan(search.tried["value"]).any():
        handles.append(Line2D([], [], color=MARK, marker="x", linestyle="none", label="no value there"))
    axes.set_xlim(search.low, search.high)
    axes.set_xlabel(search.axis_label())
    axes.set_ylabel(wrapped(search.expr, 46) + ("" if search.unit in ("fraction", "1") else f" ({search.unit})"))
    finish(figure, search, handles)
    return figure


def draw_bar(axes, crossing, height, colour, marker):
    """A crossing on the target line; arrowheads where its interval is open."""
    axes.plot([crossing["ci_lo"], crossing["ci_hi"]], [height, height], color=colour, linewidth=4.5, alpha=0.75,
              solid_capstyle="butt", zorder=3)
    axes.plot(crossing["at"], height, color=colour, marker=marker, markersize=7, markeredgecolor="white", zorder=4)
    axes.plot([crossing["at"]] * 2, [0, height], color=colour, linewidth=0.7, linestyle=(0, (1, 2)), zorder=1.2)
    for end, is_open, sign in (("ci_lo", "lo_is_open", OPEN[0]), ("ci_hi", "hi_is_open", OPEN[1])):
        if crossing[is_open]:
            axes.annotate(sign, (crossing[end], height), color=colour, ha="center", va="center", fontsize=8, zorder=5)


def mark_base(line, search, handles):
    """What the scenario has, where that is in the range."""
    if search.base is None or not search.low <= float(search.base) <= search.high:
        return
    line(float(search.base), color=MARK, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0.9)
    handles.append(Line2D([], [], color=MARK, linewidth=0.8, linestyle=(0, (4, 3)),
                          label=f"what the scenario has: {with_unit(float(search.base), search.key_unit)}"))


def draw_frontier(search):
    """The crossings over the second key. A line joins them where each curve has one, in one direction."""
    figure, axes = plt.subplots(figsize=(7.2, 4.6), layout="constrained")
    handles = []
    places = search.numbers if search.is_numeric else np.arange(len(search.curves), dtype=float)
    reach = float(np.ptp(places)) or 1.0
    for sign, text, look in ((1, "rises through the target", SERIES[0]), (-1, "falls through the target", SERIES[1])):
        found = [(places[int(c["curve"])], c) for c in search.crossings if c["direction"] == sign]
        if not found:
            continue
        found.sort(key=lambda pair: pair[0])
        x = np.array([place for place, _ in found])
        columns = {name: np.array([c[name] for _, c in found]) for name in ("at", "ci_lo", "ci_hi")}
        colour, marker, dashes = look
        is_line = search.is_numeric and len(set(x)) == len(x) > 1
        if is_line:
            for first, last in runs_of(places, x):  # not across a value without a crossing
                rows = slice(first, last)
                axes.fill_between(x[rows], columns["ci_lo"][rows], columns["ci_hi"][rows], color=colour, alpha=BAND,
                                  linewidth=0)
                axes.plot(x[rows], columns["at"][rows], color=colour, linestyle=dashes, linewidth=1.4)
        axes.errorbar(x, columns["at"], yerr=[columns["at"] - columns["ci_lo"], columns["ci_hi"] - columns["at"]],
                      color=colour, marker=marker, markersize=5, linestyle="none", capsize=3, linewidth=1)
        for place, crossing in found:
            for end, is_open, arrow in (("ci_lo", "lo_is_open", "▼"), ("ci_hi", "hi_is_open", "▲")):
                if crossing[is_open]:
                    axes.annotate(arrow, (place, crossing[end]), color=colour, ha="center", va="center", fontsize=7)
        handles.append(Line2D([], [], color=colour, marker=marker, markersize=5, linestyle=dashes if is_line else "none",
                              label=f"the metric {text}"))
        if is_line:
            handles.append(Patch(color=colour, alpha=BAND, label="95 % limits of the crossing"))
    for k, place in enumerate(places):
        if not search.crossings_of(k):
            axes.annotate(SIDES[int(search.sides[k])], (place, 0.02), xycoords=("data", "axes fraction"), rotation=90,
                          ha="center", va="bottom", fontsize=7, color="#444444", zorder=4,
                          path_effects=[withStroke(linewidth=3, foreground="white")])
    mark_base(axes.axhline, search, handles)
    axes.set_xlim(places.min() - 0.05 * reach, places.max() + 0.05 * reach)
    if not search.is_numeric:
        axes.set_xticks(places, search.curves)
    if not search.crossings:
        axes.set_ylim(search.low, search.high)
    axes.set_xlabel(labelled(search.over, search.over_unit) if search.is_numeric else short(search.over))
    axes.set_ylabel(search.axis_label())
    finish(figure, search, handles)
    return figure


def runs_of(places, x):
    """(first, last) of the stretches of x that leave out none of the places in between."""
    order = {place: k for k, place in enumerate(sorted(places))}
    starts = [0, *[i for i in range(1, len(x)) if order[x[i]] != order[x[i - 1]] + 1], len(x)]
    return list(zip(starts, starts[1:]))


def finish(figure, search, handles):
    figure.suptitle(wrapped(search.title(), 92), fontsize=10)
    axes = figure.axes[0]
    below = axes.transAxes + ScaledTranslation(0.0, -0.45, figure.dpi_scale_trans)  # inches: under the axis' label
    axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(0.0, 0.0), bbox_transform=below, borderaxespad=0.0)
    figure.supxlabel(search.footnote(140), fontsize=7, color="#444444", x=0.01, ha="left")


if __name__ == "__main__":
    run_script(main)
