#!/usr/bin/env python3
"""Draws what a sweep found: a heat map or lines of a metric over the axes of a grid, the metric against each parameter
of another design, the indices of how much each parameter matters, or a tornado: the metric at the ends of each parameter's
range, the widest at the top."""

import argparse
import textwrap
from pathlib import Path

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch, Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from repoquake_importance import INDICES, draw_indices, draw_tornado, is_one_at_a_time
from repoquake_plots import (BANDS, MEDIAN, SERIES, USAGE, PlotError, add_figure, run_script, save, use_house_style)
from repoquake_sweeps import (FAILED, Sweep, article, axis_of, chosen_rows, finish, free_axes, lead_with, number,
                              panel_figure, parse_fix)

MOST_PANELS = 4  # small multiples over a third axis
MOST_PRINTED = 80  # values in the cells of a figure
MOST_SCATTERED = 12  # panels
LOG_FROM = 20.0  # largest over smallest value from which colours are logarithmic
UNEVEN = 4.0  # widest over narrowest gap from which the cells of an axis are drawn equally wide
CONTOUR = "#c04a00"
COLOURS = LinearSegmentedColormap.from_list("repoquake", ("#f4f9fd", *BANDS, MEDIAN))
HATCHES = {"failed": "////", "no value": "xxxx", "skipped or missing": "...."}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="KEY is a key of the scenario or an ending of it that is no other's: reserves for "
                                    "fed_balance_sheet.reserves. Exit codes: 2 usage, 65 not the result of a sweep, 74 "
                                    "a path that cannot be read or written.")
    parser.add_argument("result", metavar="RESULT", type=Path, help="a result of repoquake sweep")
    parser.add_argument("--metric", metavar="ID", help="the metric (default: the first)")
    parser.add_argument("--x", metavar="KEY", help="the horizontal axis; of a scatter the only panel")
    parser.add_argument("--y", metavar="KEY", help="the vertical axis of a heat map; the lines of lines")
    parser.add_argument("--fix", metavar="KEY=VALUE", action="append", default=[],
                        help="only the points with this value, written as in the sweep; may be repeated")
    parser.add_argument("--level", metavar="VALUE", type=float,
                        help="of a heat map: only the contour line of this value of the metric, thick")
    parser.add_argument("--kind", choices=("auto", "heat", "lines", "scatter", "indices", "tornado"), default="auto",
                        help="auto: of a grid heat for two numeric axes and lines otherwise, of saltelli and morris "
                             "indices, of a list in which one parameter moves at a time tornado, of other designs scatter. "
                             "tornado of saltelli, morris and lhs: S1, mu* and partial rank correlations as bars "
                             "(default: auto)")
    add_figure(parser)
    options = parser.parse_args()

    use_house_style()
    with Sweep(options.result) as sweep:
        metric = sweep.metric_called(options.metric)
        fixed = [parse_fix(sweep, text) for text in options.fix]
        kind = options.kind if options.kind != "auto" else usual_kind(sweep, fixed)
        if options.level is not None and kind != "heat":
            parser.error("--level: of a heat map only")
        draw = {"heat": draw_heat, "lines": draw_lines, "scatter": draw_scatter, "indices": draw_indices,
                "tornado": draw_tornado}[kind]
        save(draw(sweep, metric, fixed, options), options)


def usual_kind(sweep, fixed):
    if sweep.design_kind in ("saltelli", "morris"):
        return "indices"
    if sweep.design_kind == "list" and not fixed and is_one_at_a_time(sweep):
        return "tornado"
    if sweep.design_kind != "grid":
        return "scatter"
    free = free_axes(sweep, fixed)
    numeric = sum(axis["is_numeric"] for axis in free)
    return "heat" if numeric >= 2 or (numeric == 0 and len(free) >= 2) else "lines"


def choose_axes(sweep, fixed, options, kind):
    """(x, y or None, panels or None) of a heat map or lines."""
    if sweep.design_kind != "grid":
        raise PlotError(f"--kind {kind}: of a grid only, and this is {article(sweep.design_kind)}; try scatter"
                        + (" or indices" if sweep.design_kind in INDICES else ""), USAGE)
    free = free_axes(sweep, fixed)
    chosen = {}
    for option, name in (("--x", options.x), ("--y", options.y)):
        if name is None:
            continue
        k = sweep.parameter(name, option)
        axis = axis_of(sweep, k)
        if any(axis is axis_of(sweep, fixed_key) for fixed_key, _ in fixed):
            raise PlotError(f"{option} {name}: is fixed by --fix", USAGE)
        if any(axis is other for other in chosen.values()):
            raise PlotError(f"{option} {name}: moves with that of --x; name a key of another axis", USAGE)
        lead_with(sweep, axis, k)
        chosen[option] = axis
    rest = [axis for axis in free if not any(axis is one for one in chosen.values())]
    rest.sort(key=lambda axis: not axis["is_numeric"])  # numbers first, otherwise in the order of the sweep
    x = chosen.get("--x") or (rest.pop(0) if rest else sweep.axes[0])
    y = chosen.get("--y") or (rest.pop(0) if rest else None)
    if y is None and kind == "heat":
        raise PlotError("--kind heat: needs two axes that move; try lines", USAGE)
    panels = rest.pop(0) if rest else None
    surplus = [*rest, panels] if panels is not None and (rest or len(panels["levels"]) > MOST_PANELS) else rest
    if surplus:
        fixes = " or ".join(f"--fix '{axis['name']}={axis['texts'][0]}'" for axis in surplus[::-1])
        raise PlotError(f"{'too many values for small multiples' if not rest else 'too many axes for one figure'}: "
                        f"choose a slice with {fixes}", USAGE)
    return x, y, panels


def cells_of(sweep, rows, x, y=None, panels=None, level=None):
    """The row of the point at each (y level, x level), -1 where there is none."""
    cells = np.full((1 if y is None else len(y["levels"]), len(x["levels"])), -1)
    for row in np.flatnonzero(rows):
        if panels is None or panels["place"][row] == level:
            i = 0 if y is None else int(np.searchsorted(y["levels"], y["place"][row]))
            cells[i, int(np.searchsorted(x["levels"], x["place"][row]))] = row
    return cells


def at(cells, column):
    return np.where(cells >= 0, column[cells], np.nan)


# ---------------------------------------------------------------- figures


def positions_of(axis):
    """Where the levels are drawn, and the edges of their cells: to scale unless they are words or very uneven."""
    values, count = axis["values"], len(axis["values"])
    order = np.argsort(values) if axis["is_numeric"] else np.arange(count)
    gaps = np.diff(values[order])
    if not axis["is_numeric"] or count < 2 or gaps.min() <= 0 or gaps.max() > UNEVEN * gaps.min():
        places = np.empty(count)
        places[order] = np.arange(count)
        return places, np.arange(count + 1) - 0.5, order
    sorted_values = values[order]
    inner = 0.5 * (sorted_values[1:] + sorted_values[:-1])
    edges = np.concatenate(([sorted_values[0] - 0.5 * gaps[0]], inner, [sorted_values[-1] + 0.5 * gaps[-1]]))
    return values, edges, order


def tick_texts(axis):
    return [f"{value:g}" if abs(value) < 1e5 else f"{value:,.0f}" for value in axis["values"]] \
        if axis["is_numeric"] else [textwrap.fill(text, 16) for text in axis["texts"]]


def label_axis(target, axis, places):
    """Ticks at the levels; where they stand close, at some of them."""
    step = -(-len(places) // 12)
    order = np.argsort(places)[::step]
    texts = tick_texts(axis)
    target.set_ticks([places[i] for i in order], [texts[i] for i in order])
    target.set_minor_locator(NullLocator())
    target.set_label_text(textwrap.fill(axis["label"], 34, break_long_words=False))


def draw_heat(sweep, metric, fixed, options):
    x, y, panels = choose_axes(sweep, fixed, options, "heat")
    rows = chosen_rows(sweep, fixed)
    levels = [None] if panels is None else list(panels["levels"])
    x_at, x_edges, x_order = positions_of(x)
    y_at, y_edges, y_order = positions_of(y)
    all_cells = [cells_of(sweep, rows, x, y, panels, level)[np.ix_(y_order, x_order)] for level in levels]
    shown = np.concatenate([at(cells, metric["value"]).ravel() for cells in all_cells])
    shown = shown[np.isfinite(shown)]
    if not len(shown):
        raise PlotError(f"no point of this slice has a value of {metric['id']}", USAGE)
    is_log = shown.min() > 0 and shown.max() >= LOG_FROM * shown.min()
    low, high = shown.min(), shown.max()
    if low == high:
        low, high = low - 0.5, high + 0.5
    norm = LogNorm(low, high) if is_log else Normalize(low, high)
    n_cells = sum(cells.size for cells in all_cells)

    columns = 1 if len(levels) == 1 else 2
    figure, grid, foot = panel_figure(len(levels), columns, 6.8 if columns == 1 else 9.6, 3.1, shares_x=True)
    seen, lines = set(), set()
    for i, axes in enumerate(grid):
        cells = all_cells[i]
        values = at(cells, metric["value"])
        drawn = axes.pcolormesh(x_edges, y_edges, np.ma.masked_invalid(values), norm=norm, cmap=COLOURS)
        prints = n_cells <= MOST_PRINTED
        if x["is_numeric"] and y["is_numeric"] and min(values.shape) >= 2:
            named = not prints and options.level is None
            lines.update(draw_contours(axes, x_at[x_order], y_at[y_order], values, norm, named, options.level))
        for (j, k), row in np.ndenumerate(cells):
            corner, size = (x_edges[k], y_edges[j]), (x_edges[k + 1] - x_edges[k], y_edges[j + 1] - y_edges[j])
            value = values[j, k]
            if np.isfinite(value):
                if prints:
                    is_dark = norm(value) > 0.55
                    axes.text(corner[0] + 0.5 * size[0], corner[1] + 0.5 * size[1], number(value), ha="center",
                              va="center", fontsize=7, color="white" if is_dark else "black", path_effects=[
                                  withStroke(linewidth=1.5, foreground=drawn.cmap(norm(value)))])
                continue
            why = ("skipped or missing" if row < 0 or sweep.status[row] == 0 else
                   "failed" if sweep.status[row] == FAILED else "no value")
            seen.add(why)
            axes.add_patch(Rectangle(corner, *size, facecolor="white", edgecolor="#666666", linewidth=0.0,
                                     hatch=HATCHES[why]))
        label_axis(axes.xaxis, x, x_at)
        label_axis(axes.yaxis, y, y_at)
        if i % columns:
            axes.set_ylabel("")
        if i + columns < len(levels):
            axes.set_xlabel("")
        if panels is not None:
            axes.set_title(panel_title(panels, i), loc="left", fontsize=9)
    bar = figure.colorbar(drawn, ax=grid, label=metric["label"] + (", logarithmic" if is_log else ""),
                          shrink=0.9, pad=0.02)
    bar.outline.set_visible(False)
    for level in lines:
        bar.ax.axhline(level, color=CONTOUR, linewidth=1.2)
    if is_log:
        bar.ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        bar.ax.yaxis.set_minor_locator(NullLocator())
        bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    handles = [Patch(facecolor="white", edgecolor="#666666", linewidth=0.5, hatch=hatch, label=why)
               for why, hatch in HATCHES.items() if why in seen]
    if options.level is not None:
        handles.append(Line2D([], [], color=CONTOUR, linewidth=2.2, label=f"{metric['id']} = {number(options.level)}"))
    return finish(figure, foot, sweep, metric, fixed, handles)


def panel_title(panels, i):
    return f"{panels['name']}: {panels['texts'][i]}"


def draw_contours(axes, x, y, values, norm, named, only):
    """Lines of equal values between the points: at round numbers, or at the one that was asked for. Returns them."""
    is_log = isinstance(norm, LogNorm)
    locator = LogLocator(subs=(1, 2, 5), numticks=30) if is_log else MaxNLocator(6, steps=(1, 2, 5, 10))
    levels = locator.tick_values(norm.vmin, norm.vmax) if only is None else [only]
    finite = values[np.isfinite(values)]
    levels = [level for level in levels if len(finite) and finite.min() < level < finite.max()]
    if not levels:
        return []
    lines = axes.contour(x, y, np.ma.masked_invalid(values), levels=levels, colors=CONTOUR,
                         linewidths=0.9 if only is None else 2.2)
    if named:
        axes.clabel(lines, fmt=number, fontsize=7)
    return levels


def draw_lines(sweep, metric, fixed, options):
    x, y, panels = choose_axes(sweep, fixed, options, "lines")
    if y is not None and len(y["levels"]) > len(SERIES):
        raise PlotError(f"--kind lines: {y['name']} has {len(y['levels'])} values and at most {len(SERIES)} lines can "
                        f"be told apart; choose one with --fix '{y['name']}={y['texts'][0]}', or --kind heat", USAGE)
    rows = chosen_rows(sweep, fixed)
    levels = [None] if panels is None else list(panels["levels"])
    places, _, order = positions_of(x)
    columns = min(len(levels), 2)
    figure, grid, foot = panel_figure(len(levels), columns, 6.8 if columns == 1 else 9.6, 3.0, shares_x=True,
                                      foot_height=1.0 if y is not None and len(y["levels"]) > 3 else 0.75)
    has_failed = False
    for i, axes in enumerate(grid):
        cells = cells_of(sweep, rows, x, y, panels, levels[i])[:, order]
        for line, colour_marker_dashes in zip(cells, SERIES):
            has_failed |= draw_line(axes, sweep, metric, line, places[order], x["is_numeric"], *colour_marker_dashes)
        label_axis(axes.xaxis, x, places)
        if not x["is_numeric"]:
            axes.set_xlim(-0.5, len(places) - 0.5)
        axes.set_ylabel("" if i % columns else metric["label"])
        if i + columns < len(levels):
            axes.set_xlabel("")
        axes.grid(axis="y", color="#e6e6e6", linewidth=0.6)
        if panels is not None:
            axes.set_title(panel_title(panels, i), loc="left", fontsize=9)
    handles = [] if y is None else [
        Line2D([], [], color=colour, marker=marker, linestyle=dashes if x["is_numeric"] else "none", markersize=4.5,
               label=f"{y['name']}: {text}")
        for (colour, marker, dashes), text in zip(SERIES, y["texts"])]
    if has_failed:
        handles.append(Line2D([], [], color="black", marker="x", linestyle="none", label="failed or without a value"))
    return finish(figure, foot, sweep, metric, fixed, handles,
                  ["bands: 95 % limits" if x["is_numeric"] else "bars: 95 % limits"])


def draw_line(axes, sweep, metric, cells, places, is_numeric, colour, marker, dashes):
    """True where a point of it has failed or has no value."""
    value, low, high = (at(cells, metric[name]) for name in ("value", "ci_lo", "ci_hi"))
    has_limits = np.isfinite(low) & np.isfinite(high)
    if is_numeric and has_limits.any():
        band = axes.fill_between(places, low, high, where=has_limits)
        band.remove()  # as patches: a collection is drawn up to a dot aside, and a thin band would lose a side
        for path in band.get_paths():
            axes.add_patch(PathPatch(path, facecolor=colour, alpha=0.25, linewidth=0))
    if is_numeric:
        axes.plot(places, value, color=colour, marker=marker, linestyle=dashes, markersize=4.5, linewidth=1.4)
    else:
        bars = np.nan_to_num(np.maximum(np.array([value - low, high - value]), 0.0))
        axes.errorbar(places, value, yerr=bars, color=colour, marker=marker, linestyle="none", markersize=5, capsize=3)
    lacking = (cells >= 0) & ~np.isfinite(value) & (sweep.status[cells] != 0)
    if lacking.any():
        axes.plot(places[lacking], np.full(lacking.sum(), 0.02), "x", color=colour, clip_on=False,
                  transform=axes.get_xaxis_transform())
    return bool(lacking.any())


def draw_scatter(sweep, metric, fixed, options):
    if options.y:
        raise PlotError("--y: a scatter has the metric on its vertical axis", USAGE)
    rows = chosen_rows(sweep, fixed) & np.isfinite(metric["value"])
    if not rows.any():
        raise PlotError(f"no point of this slice has a value of {metric['id']}", USAGE)
    held = {k for k, _ in fixed}
    shown = [sweep.parameter(options.x, "--x")] if options.x else [k for k in range(len(sweep.keys)) if k not in held]
    if not shown:
        raise PlotError("--fix: every parameter is fixed", USAGE)
    if len(shown) > MOST_SCATTERED:
        raise PlotError(f"{len(shown)} parameters, and a figure has at most {MOST_SCATTERED} panels; choose one with "
                        f"--x {sweep.short(shown[0])}", USAGE)
    columns = min(len(shown), 3)
    figure, grid, foot = panel_figure(len(shown), columns, max(6.6, 3.2 * columns), 2.7)
    value = metric["value"][rows]
    bars = np.nan_to_num(np.maximum(np.array([value - metric["ci_lo"][rows], metric["ci_hi"][rows] - value]), 0.0))
    for i, (axes, k) in enumerate(zip(grid, shown)):
        if sweep.is_numeric(k):
            at_x = sweep.settings[rows, k]
        else:
            words = list(dict.fromkeys(sweep.written[:, k]))
            at_x = np.array([words.index(text) for text in sweep.written[rows, k]], float)
            axes.set_xticks(range(len(words)), [textwrap.fill(word, 14) for word in words])
            axes.set_xlim(-0.5, len(words) - 0.5)
        axes.errorbar(at_x, value, yerr=bars, color=MEDIAN, ecolor=BANDS[2], marker="o", markersize=3.2,
                      linestyle="none", elinewidth=0.8)
        axes.set_xlabel(textwrap.fill(sweep.label_of(k), 34, break_long_words=False))
        axes.set_ylabel("" if i % columns else metric["label"])
        axes.grid(color="#e6e6e6", linewidth=0.6)
    lacking = int(len(metric["value"]) - np.isfinite(metric["value"]).sum())
    notes = ["bars: 95 % limits"] + ([f"{lacking} without a value"] if lacking else [])
    return finish(figure, foot, sweep, metric, fixed, (), notes)


if __name__ == "__main__":
    run_script(main)
