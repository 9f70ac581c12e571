#!/usr/bin/env python3
"""Draws what a sweep found: a heat map or lines of a metric over the axes of a grid, the metric against each parameter
of another design, or the indices of how much each parameter matters."""

import argparse
import difflib
import re
import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch, Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from repoquake_plots import (BANDS, MEDIAN, SERIES, UNITS, USAGE, WRONG_INPUT, File, PlotError, add_figure, run_script,
                             save, text_of, use_house_style, wrapped)

DONE, FAILED = 1, 2  # /sweep/status; 0 is missing
MOST_PANELS = 4  # small multiples over a third axis
MOST_PRINTED = 80  # values in the cells of a figure
MOST_SCATTERED = 12  # panels
LOG_FROM = 20.0  # largest over smallest value from which colours are logarithmic
UNEVEN = 4.0  # widest over narrowest gap from which the cells of an axis are drawn equally wide
CONTOUR = "#c04a00"
COLOURS = LinearSegmentedColormap.from_list("repoquake", ("#f4f9fd", *BANDS, MEDIAN))
HATCHES = {"failed": "////", "no value": "xxxx", "skipped or missing": "...."}
INDICES = {"saltelli": ("S1", "ST"), "morris": ("mu_star", "sigma"), "lhs": ("prcc",)}


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
    parser.add_argument("--kind", choices=("auto", "heat", "lines", "scatter", "indices"), default="auto",
                        help="auto: of a grid heat for two numeric axes and lines otherwise, of saltelli and morris "
                             "indices, of other designs scatter (default: auto)")
    add_figure(parser)
    options = parser.parse_args()

    use_house_style()
    with Sweep(options.result) as sweep:
        metric = sweep.metric_called(options.metric)
        fixed = [parse_fix(sweep, text) for text in options.fix]
        kind = options.kind if options.kind != "auto" else usual_kind(sweep, fixed)
        if options.level is not None and kind != "heat":
            parser.error("--level: of a heat map only")
        draw = {"heat": draw_heat, "lines": draw_lines, "scatter": draw_scatter, "indices": draw_indices}[kind]
        save(draw(sweep, metric, fixed, options), options)


class Sweep(File):
    """An open result of a sweep: a row a point."""

    def __init__(self, path):
        super().__init__(path)
        if not self.has("sweep", "hash"):
            raise PlotError(f"{path}: is not the result of a sweep; make one with repoquake sweep", WRONG_INPUT)
        self.design_kind = self.group_attribute("sweep", "kind")
        self.keys, self.units = self.texts("sweep", "parameter"), self.texts("sweep", "parameter_unit")
        self.settings = self.read("sweep", "design")
        rows = self._stored(self._dataset("sweep", "design_text"))
        self.written = np.array([[text_of(text) for text in row] for row in rows], object).reshape(self.settings.shape)
        self.status = self.read("sweep", "status")
        self.metrics = self.texts("sweep", "metric") if self.has("sweep", "metric") else []
        shape = self._file["sweep"].attrs.get("shape")
        self.shape = () if shape is None else tuple(int(size) for size in np.ravel(shape))
        self.axes = grid_axes(self) if self.design_kind == "grid" else []

    def metric_called(self, name):
        """Its place, what it is called on an axis, and its values with limits."""
        if name is None and not self.metrics:
            raise PlotError(f"{self.path}: has no metrics; name some in the sweep", WRONG_INPUT)
        if name is not None and name not in self.metrics:
            near = difflib.get_close_matches(name, self.metrics, n=1, cutoff=0.5)
            guess = f"; did you mean {near[0]}?" if near else ""
            raise PlotError(f"--metric {name}: {self.path} has {', '.join(self.metrics) or 'none'}{guess}", USAGE)
        place = 0 if name is None else self.metrics.index(name)
        unit = self.texts("sweep", "metric_unit")[place]
        done = self.status == DONE
        columns = {column: np.where(done, self.read("sweep", column)[:, place], np.nan)
                   for column in ("value", "se", "ci_lo", "ci_hi")}
        if not np.isfinite(columns["value"]).any():
            raise PlotError(f"{self.path}: no point has a value of {self.metrics[place]}", WRONG_INPUT)
        return {"place": place, "id": self.metrics[place], "expr": self.texts("sweep", "expr")[place],
                "unit": UNITS.get(unit, unit), "label": f"{self.metrics[place]} ({UNITS.get(unit, unit)})", **columns}

    def parameter(self, name, option):
        """The place of the key that is this one, or alone ends like it."""
        if name in self.keys:
            return self.keys.index(name)
        found = [k for k, key in enumerate(self.keys) if key.endswith("." + name)]
        if len(found) == 1:
            return found[0]
        if found:
            raise PlotError(f"{option} {name}: could be {' or '.join(self.keys[k] for k in found)}", USAGE)
        endings = {self.short(k): key for k, key in enumerate(self.keys)}
        near = difflib.get_close_matches(name, [*self.keys, *endings], n=1, cutoff=0.5)
        guess = f"; did you mean {near[0]}?" if near else ""
        raise PlotError(f"{option} {name}: {self.path} moves {', '.join(self.keys)}{guess}", USAGE)

    def short(self, k):
        """As much of a key as tells what it is."""
        def ending(key):
            return ".".join(key.split(".")[1:][-2:]) or key

        names = [ending(key) for key in self.keys]
        return names[k] if names.count(names[k]) == 1 else self.keys[k]

    def label_of(self, k):
        unit = UNITS.get(self.units[k], self.units[k])
        return self.short(k) if self.units[k] == "1" or not self.is_numeric(k) else f"{self.short(k)} ({unit})"

    def is_numeric(self, k):
        """Booleans and words are not, although they are counted in the file."""
        return self.units[k] != "index" and all(re.match(r"\s*[-+.\d]", text) for text in self.written[:, k])

    def is_replay(self):
        """The base's own word for it is the series that it runs on."""
        if int(self.attribute("conditional", 0)) == 1:
            return True
        if not self.has("provenance", "resolved_scenario"):
            return False
        return re.search("^series:", text_of(self._file["provenance/resolved_scenario"][()]), re.MULTILINE) is not None

    def title(self):
        text = self.attribute("title") or self.attribute("scenario_name") or self.path.stem
        text += "\nconditional replay at every point" if self.is_replay() else ""
        if self.attribute("status", "complete") != "complete":
            text += f"\n{self.attribute('status')}"
        return text

    def footnote(self, metric, width, notes=()):
        """What the metric is and how the numbers came about."""
        paths = self.read("sweep", "n_paths")[self.status == DONE]
        each = f"{int(paths.min()):,}" + (f" to {int(paths.max()):,}" if paths.min() != paths.max() else "")
        errors = metric["se"][np.isfinite(metric["se"])]
        parts = [f"{metric['id']} = {metric['expr']}",
                 f"{len(paths)} {'points' if len(paths) != 1 else 'point'} ({self.design_kind}) of {each} paths each, "
                 f"seed {self.attribute('seed', '?')}"]
        if len(errors):
            parts.append(f"standard errors up to {number(errors.max())} {metric['unit']}")
        need = self.group_attribute("sweep", "need")
        parts += [f"need {need}"] if need else []
        flagged = self.read("sweep", "flagged")[self.status == DONE].max()
        if flagged >= 0.001:
            parts.append(f"up to {100 * flagged:.1f} % of path-days without a clearing rate below 3000 bp")
        failed = int((self.status == FAILED).sum())
        parts += [f"{failed} failed"] if failed else []
        program = self.attribute("program_version")
        parts += [*notes, f"repoquake {program}" if program else "repoquake"]
        return wrapped(" · ".join(parts), width)


# ---------------------------------------------------------------- axes of a grid


def grid_axes(sweep):
    """Each axis of a grid: which parameters move on it, and their rows by its levels, those that no point shows left
    out. A point's number in the design says where it stands, the last axis fastest."""
    numbers = sweep.read("sweep", "point").astype(int)
    if not sweep.shape or (len(numbers) and numbers.max() >= np.prod(sweep.shape)):
        raise PlotError(f"{sweep.path}: the shape of /sweep is not that of its points", WRONG_INPUT)
    places = np.array(np.unravel_index(numbers, sweep.shape)).reshape(len(sweep.shape), len(numbers))
    axes = [{"parameters": [], "place": place, "levels": np.unique(place)} for place in places]

    def follows(k, axis):
        return all(len(set(sweep.written[axis["place"] == level, k])) == 1 for level in axis["levels"])

    first = 0
    for k in range(len(sweep.keys)):  # keys are in the order of the axes; those of a zip share one
        own = [a for a in range(first, len(axes)) if follows(k, axes[a])]
        moves = len(set(sweep.written[:, k])) > 1
        unused = [a for a in own if not axes[a]["parameters"]]
        first = own[0] if moves and own else unused[0] if unused else first
        axes[first]["parameters"].append(k)
    axes = [axis for axis in axes if axis["parameters"]]
    for axis in axes:
        lead_with(sweep, axis, axis["parameters"][0])
    return axes


def lead_with(sweep, axis, k):
    """The parameter by which an axis is named and measured; where its values repeat, all that move with it tell."""
    rows = [int(np.flatnonzero(axis["place"] == level)[0]) for level in axis["levels"]]
    texts = [sweep.written[row, k] for row in rows]
    is_own = len(set(texts)) == len(texts)
    axis["lead"] = k
    axis["is_numeric"] = sweep.is_numeric(k) and is_own
    axis["values"] = np.array([sweep.settings[row, k] for row in rows])
    axis["texts"] = texts if is_own else [", ".join(sweep.written[row, axis["parameters"]]) for row in rows]
    others = [sweep.short(other) for other in axis["parameters"] if other != k]
    axis["label"] = sweep.label_of(k) + (f", with {', '.join(others)}" if others else "")
    axis["name"] = sweep.short(k)


def axis_of(sweep, k):
    return next(axis for axis in sweep.axes if k in axis["parameters"])


def parse_fix(sweep, text):
    """(parameter, rows with this value)."""
    name, equals, value = text.partition("=")
    if not equals:
        raise PlotError(f"--fix {text}: written KEY=VALUE", USAGE)
    k = sweep.parameter(name.strip(), "--fix")

    def plain(words):
        return re.sub(r"\s+", "", words).lower()

    rows = np.array([plain(words) == plain(value) for words in sweep.written[:, k]], bool)
    if not rows.any() and re.fullmatch(r"\s*[-+]?[\d.]+(e[-+]?\d+)?\s*", value):
        rows = np.isclose(sweep.settings[:, k], float(value))
    if not rows.any():
        known = list(dict.fromkeys(sweep.written[:, k]))
        shown = ", ".join(known[:8]) + (", …" if len(known) > 8 else "")
        raise PlotError(f"--fix {text}: {sweep.keys[k]} takes {shown}", USAGE)
    return k, rows


def chosen_rows(sweep, fixed):
    rows = np.ones(len(sweep.status), bool)
    for _, mask in fixed:
        rows &= mask
    if not rows.any():
        raise PlotError("--fix: no point has all these values", USAGE)
    return rows


def free_axes(sweep, fixed):
    """Those that are not fixed and move."""
    held = [axis_of(sweep, k) for k, _ in fixed]
    rows = chosen_rows(sweep, fixed)
    return [axis for axis in sweep.axes
            if not any(axis is one for one in held) and len(np.unique(axis["place"][rows])) > 1]


def usual_kind(sweep, fixed):
    if sweep.design_kind in ("saltelli", "morris"):
        return "indices"
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


def number(value):
    """Three digits, of thousands all."""
    if not np.isfinite(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def article(kind):
    return f"{'an' if kind[:1] in 'aeioul' else 'a'} {kind} design" if kind != "list" else "a list"


def fixed_text(sweep, fixed):
    return ", ".join(f"{sweep.short(k)} {sweep.written[np.flatnonzero(mask)[0], k]}" for k, mask in fixed)


def panel_figure(count, columns, width, height, shares_x=False, foot_height=0.75):
    """A figure, `count` panels of this height in inches that share their vertical axis, and its foot."""
    lines = -(-count // columns)
    figure = plt.figure(figsize=(width, height * lines + foot_height + 0.5), layout="constrained")
    spec = figure.add_gridspec(lines + 1, columns, height_ratios=[height] * lines + [foot_height])
    panels = []
    for i in range(count):
        first = panels[0] if panels else None
        panels.append(figure.add_subplot(spec[i // columns, i % columns], sharey=first,
                                         sharex=first if shares_x else None))
    foot = figure.add_subplot(spec[lines, :])
    foot.axis("off")
    return figure, panels, foot


def finish(figure, foot, sweep, metric, fixed, handles=(), notes=()):
    title = sweep.title() + (f"\nat {fixed_text(sweep, fixed)}" if fixed else "")
    figure.suptitle(wrapped(title, int(11 * figure.get_size_inches()[0])), x=0.01, ha="left", fontsize=10)
    if handles:
        longest = 9 + max(len(handle.get_label()) for handle in handles)  # letters, with the handle
        columns = max(1, min(len(handles), 3, int(12.5 * figure.get_size_inches()[0] / longest)))
        legend = foot.legend(handles=handles, loc="upper left", ncols=columns, handlelength=2.6,
                             bbox_to_anchor=(0.0, 1.0), borderaxespad=0.0)
        legend.set_in_layout(False)
    width = int(18 * figure.get_size_inches()[0])
    figure.text(0.01, 0.06 / figure.get_size_inches()[1], sweep.footnote(metric, width, notes), va="bottom",
                fontsize=7, color="#555555")
    return figure


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


def draw_indices(sweep, metric, fixed, options):
    if fixed or options.x or options.y:
        raise PlotError("--kind indices: belongs to the whole design; without --fix, --x and --y", USAGE)
    names = INDICES.get(sweep.design_kind)
    if names is None:
        raise PlotError(f"--kind indices: {article(sweep.design_kind)} has none; saltelli, morris and lhs have", USAGE)
    if not sweep.has("sweep/indices", names[0]):
        raise PlotError(f"{sweep.path}: has no indices; a part of a sweep has none before it is merged", WRONG_INPUT)
    found = {name: {end: sweep.read("sweep/indices", name + end)[:, metric["place"]] for end in ("", "_lo", "_hi")}
             for name in names}
    if not any(np.isfinite(found[name][""]).any() for name in names):
        raise PlotError(f"{sweep.path}: too few points for indices of {metric['id']}; enlarge design.samples",
                        WRONG_INPUT)
    height = 3.6 if sweep.design_kind == "morris" else 0.7 + max(1.4, 0.3 * len(sweep.keys) * len(names))
    figure, (axes,), foot = panel_figure(1, 1, 7.2, height)
    handles = (draw_morris if sweep.design_kind == "morris" else draw_bars)(axes, sweep, metric, found)
    left_out = int(sweep.read("sweep/indices", "left_out")[metric["place"]])
    notes = ["bars: 95 % limits"] + ([f"{left_out} left out because a point failed"] if left_out else [])
    return finish(figure, foot, sweep, metric, fixed, handles, notes)


def limits_of(index):
    """Lengths of the bars to the limits; 0 where there is none."""
    return np.nan_to_num(np.maximum(np.array([index[""] - index["_lo"], index["_hi"] - index[""]]), 0.0))


def draw_bars(axes, sweep, metric, found):
    """The most important parameter at the top. S1 and ST side by side, or partial rank correlations."""
    looks = {"S1": (BANDS[1], "", "S1: alone"), "ST": (BANDS[3], "///", "ST: with its interactions"),
             "prcc": (BANDS[2], "", "")}
    order = np.argsort(np.nan_to_num(np.abs(found[list(found)[-1]][""]), nan=-1.0), kind="stable")
    height = 0.8 / len(found)
    for i, (name, index) in enumerate(found.items()):
        colour, hatch, _ = looks[name]
        at_y = np.arange(len(order)) + (0.5 * (len(found) - 1) - i) * height
        values = index[""][order]
        axes.barh(at_y, np.nan_to_num(values), height, color=colour, hatch=hatch, edgecolor="white", linewidth=0.4)
        axes.errorbar(values, at_y, xerr=limits_of(index)[:, order], color="black", linestyle="none", elinewidth=0.9,
                      capsize=2)
        for y in at_y[~np.isfinite(values)]:
            axes.text(0.01, y, "not known", va="center", fontsize=7, color="#555555")
    axes.axvline(0.0, color="black", linewidth=0.8)
    axes.set_yticks(range(len(order)), [sweep.short(k) for k in order])
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.6)
    is_prcc = "prcc" in found
    axes.set_xlabel(f"partial rank correlation with {metric['id']}" if is_prcc
                    else f"share of the variance of {metric['id']} over the design")
    return [] if is_prcc else [Patch(facecolor=looks[name][0], hatch=looks[name][1], edgecolor="white",
                                     label=looks[name][2]) for name in found]


def draw_morris(axes, sweep, metric, found):
    mean, spread = found["mu_star"], found["sigma"]
    axes.errorbar(mean[""], spread[""], xerr=limits_of(mean), yerr=limits_of(spread), color=MEDIAN, ecolor=BANDS[2],
                  marker="o", markersize=4.5, linestyle="none", elinewidth=0.9, capsize=2)
    for k in range(len(sweep.keys)):
        if np.isfinite(mean[""][k]) and np.isfinite(spread[""][k]):
            axes.annotate(sweep.short(k), (mean[""][k], spread[""][k]), xytext=(5, 4), textcoords="offset points",
                          fontsize=7.5)
    end = max(axes.get_xlim()[1], 1e-12)
    axes.plot([0, end], [0, end], color="#999999", linewidth=0.8, linestyle=(0, (4, 3)), scalex=False, scaley=False)
    axes.set_xlim(0, end)
    axes.set_ylim(0, max(1.08 * axes.get_ylim()[1], 1e-12))
    axes.grid(color="#e6e6e6", linewidth=0.6)
    unit = f"{metric['unit']}, " if metric["unit"] else ""
    axes.set_xlabel(f"mu*: mean size of the effect on {metric['id']} ({unit}over the range)")
    axes.set_ylabel("sigma: s.d. of the effect")
    return [Line2D([], [], color="#999999", linestyle=(0, (4, 3)), label="sigma = mu*: beyond it effects are uneven")]


if __name__ == "__main__":
    run_script(main)
