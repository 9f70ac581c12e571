"""How much each parameter of a sweep matters: sensitivity indices, and the tornado."""

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from repoquake_plots import BANDS, MEDIAN, USAGE, WRONG_INPUT, PlotError
from repoquake_sweeps import DONE, article, chosen_rows, finish, number, panel_figure

INDICES = {"saltelli": ("S1", "ST"), "morris": ("mu_star", "sigma"), "lhs": ("prcc",)}
TORNADO = {"saltelli": "S1", "morris": "mu_star", "lhs": "prcc"}  # what the bars of a design are
LOW, HIGH = BANDS[1], BANDS[3]
BESIDE = ((5, 4), (5, -10), (-5, 4), (-5, -10))  # from a point to its name, in points
AWAY = tuple((side * across, up) for across in (16, 60, 110, 160) for side in (1, -1)
             for up in sorted(range(-128, 125, 11), key=abs))


def draw_indices(sweep, metric, fixed, options, names=None):
    if fixed or options.x or options.y:
        raise PlotError("--kind indices: belongs to the whole design; without --fix, --x and --y", USAGE)
    names = names or INDICES.get(sweep.design_kind)
    if names is None:
        raise PlotError(f"--kind indices: {article(sweep.design_kind)} has none; saltelli, morris and lhs have", USAGE)
    if not sweep.has("sweep/indices", names[0]):
        raise PlotError(f"{sweep.path}: has no indices; a part of a sweep has none before it is merged", WRONG_INPUT)
    found = {name: {end: sweep.read("sweep/indices", name + end)[:, metric["place"]] for end in ("", "_lo", "_hi")}
             for name in names}
    if not any(np.isfinite(found[name][""]).any() for name in names):
        raise PlotError(f"{sweep.path}: too few points for indices of {metric['id']}; enlarge design.samples",
                        WRONG_INPUT)
    is_plane = names == INDICES["morris"]
    height = 3.6 if is_plane else 0.7 + max(1.4, 0.3 * len(sweep.keys) * len(names))
    figure, (axes,), foot = panel_figure(1, 1, 7.2, height)
    handles = (draw_morris if is_plane else draw_bars)(axes, sweep, metric, found)
    left_out = int(sweep.read("sweep/indices", "left_out")[metric["place"]])
    notes = ["bars: 95 % limits"] + ([f"{left_out} left out because a point failed"] if left_out else [])
    finish(figure, foot, sweep, metric, fixed, handles, notes)
    if is_plane:
        name_points(figure, axes, sweep, found)
    return figure


def name_points(figure, axes, sweep, found):
    """A name beside each point, the most important first, where no other name and no point is in the way; further off where
    points are crowded, then with a line to its point."""
    figure.draw_without_rendering()  # the layout, and with it where points are in pixels
    points = np.column_stack([found["mu_star"][""], found["sigma"][""]])
    known = [k for k in np.argsort(-points[:, 0], kind="stable") if np.isfinite(points[k]).all()]
    around = 3 * figure.dpi / 72.0
    taken = [Bbox([at - around, at + around]) for at in axes.transData.transform(points[known])]
    frame = axes.get_window_extent()
    for k in known:
        label = axes.annotate(sweep.short(k), points[k], xytext=BESIDE[0], textcoords="offset points", fontsize=7.5,
                              arrowprops={"arrowstyle": "-", "color": "#999999", "linewidth": 0.6, "shrinkA": 1, "shrinkB": 3})
        label.set_in_layout(False)
        for place in (*BESIDE, *AWAY, BESIDE[0]):  # the last: crowded beyond help
            box = moved(label, place)
            if box.union([box, frame]).bounds == frame.bounds and not any(box.overlaps(other) for other in taken):
                break
        taken.append(box)


def moved(label, place):
    """Puts the name there; the box of it in pixels."""
    label.set_position(place)
    label.set_horizontalalignment("left" if place[0] > 0 else "right")
    label.arrow_patch.set_visible(place in AWAY)
    label.update_positions(label.figure.canvas.get_renderer())
    return Text.get_window_extent(label)  # without its line


def limits_of(index):
    """Lengths of the bars to the limits; 0 where there is none."""
    return np.nan_to_num(np.maximum(np.array([index[""] - index["_lo"], index["_hi"] - index[""]]), 0.0))


def draw_bars(axes, sweep, metric, found):
    """The most important parameter at the top. S1 and ST side by side, or partial rank correlations."""
    looks = {"S1": (BANDS[1], "", "S1: alone"), "ST": (BANDS[3], "///", "ST: with its interactions"),
             "prcc": (BANDS[2], "", ""), "mu_star": (BANDS[2], "", "")}
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
    unit = f"{metric['unit']}, " if metric["unit"] else ""
    of_variance = f"share of the variance of {metric['id']} over the design"
    axes.set_xlabel({"prcc": f"partial rank correlation with {metric['id']}",
                     "mu_star": f"mu*: mean size of the effect on {metric['id']} ({unit}over the range)"}.get(
                         next(iter(found)), of_variance if len(found) > 1 else f"S1, alone: {of_variance}"))
    return [] if len(found) < 2 else [Patch(facecolor=looks[name][0], hatch=looks[name][1], edgecolor="white",
                                            label=looks[name][2]) for name in found]


def draw_morris(axes, sweep, metric, found):
    mean, spread = found["mu_star"], found["sigma"]
    axes.errorbar(mean[""], spread[""], xerr=limits_of(mean), yerr=limits_of(spread), color=MEDIAN, ecolor=BANDS[2],
                  marker="o", markersize=4.5, linestyle="none", elinewidth=0.9, capsize=2)
    end = max(axes.get_xlim()[1], 1e-12)
    axes.plot([0, end], [0, end], color="#999999", linewidth=0.8, linestyle=(0, (4, 3)), scalex=False, scaley=False)
    axes.set_xlim(0, end)
    axes.set_ylim(0, max(1.08 * axes.get_ylim()[1], 1e-12))
    axes.grid(color="#e6e6e6", linewidth=0.6)
    unit = f"{metric['unit']}, " if metric["unit"] else ""
    axes.set_xlabel(f"mu*: mean size of the effect on {metric['id']} ({unit}over the range)")
    axes.set_ylabel("sigma: s.d. of the effect")
    return [Line2D([], [], color="#999999", linestyle=(0, (4, 3)), label="sigma = mu*: beyond it effects are uneven")]


def one_at_a_time(sweep, rows):
    """The row of the base, where every parameter has its most frequent value, and by parameter the rows that differ from it
    in this one alone."""
    written = sweep.written
    usual = []
    for k in range(len(sweep.keys)):
        words, counts = np.unique(written[rows, k].astype(str), return_counts=True)
        usual.append(words[np.argmax(counts)])
    differs = written.astype(str) != np.array(usual)
    base = np.flatnonzero(rows & ~differs.any(axis=1))
    alone = {k: np.flatnonzero(rows & differs[:, k] & (differs.sum(axis=1) == 1)) for k in range(len(sweep.keys))}
    return (int(base[0]) if len(base) else None), {k: found for k, found in alone.items() if len(found)}


def is_one_at_a_time(sweep):
    """Are all points of a list the base or one step from it?"""
    rows = np.ones(len(sweep.status), bool)
    base, alone = one_at_a_time(sweep, rows)
    return base is not None and len(alone) > 1 and 1 + sum(map(len, alone.values())) == len(sweep.status)


def draw_tornado(sweep, metric, fixed, options):
    if options.x or options.y:
        raise PlotError("--kind tornado: shows all parameters; without --x and --y", USAGE)
    if sweep.design_kind in TORNADO:
        return draw_indices(sweep, metric, fixed, options, [TORNADO[sweep.design_kind]])
    rows = chosen_rows(sweep, fixed) & (sweep.status == DONE) & np.isfinite(metric["value"])
    base, alone = one_at_a_time(sweep, rows)
    if base is None or not alone:
        raise PlotError(f"--kind tornado: no point differs in one parameter alone from one where each has its most frequent "
                        f"value; this is {article(sweep.design_kind)}", USAGE)
    figure, (axes,), foot = panel_figure(1, 1, 7.2, 0.9 + max(1.2, 0.36 * len(alone)))
    bars = [ends_of(sweep, metric, k, base, found) for k, found in alone.items()]
    bars.sort(key=lambda bar: max(abs(end["value"] - metric["value"][base]) for end in bar["ends"]))
    for place, bar in enumerate(bars):
        draw_bar(axes, place, bar, metric["value"][base])
    axes.axvline(metric["value"][base], color="black", linewidth=0.9)
    axes.set_yticks(range(len(bars)), [bar["name"] for bar in bars])
    axes.margins(x=0.24)  # the values stand outside the bars
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.6)
    axes.set_xlabel(metric["label"])
    handles = [Patch(facecolor=LOW, label="at the lowest value"),
               Patch(facecolor=HIGH, hatch="///", edgecolor="white", label="at the highest value"),
               Line2D([], [], color="black", label=f"base: {number(metric['value'][base])} {metric['unit']}")]
    return finish(figure, foot, sweep, metric, fixed, handles, ["bars: 95 % limits of the ends, by themselves"])


def ends_of(sweep, metric, k, base, found):
    """The lowest and the highest value of a parameter, the base's among them, and the metric there."""
    rows = [base, *found]
    if sweep.is_numeric(k):
        rows.sort(key=lambda row: sweep.settings[row, k])
    ends = [{"is_high": is_high, "value": metric["value"][row], "lo": metric["ci_lo"][row], "hi": metric["ci_hi"][row],
             "text": sweep.written[row, k]} for row, is_high in ((rows[0], False), (rows[-1], True)) if row != base]
    return {"name": sweep.short(k), "ends": ends}


def draw_bar(axes, place, bar, base):
    for end in bar["ends"]:
        axes.barh(place, end["value"] - base, 0.62, left=base, color=HIGH if end["is_high"] else LOW,
                  hatch="///" if end["is_high"] else "", edgecolor="white", linewidth=0.4)
        limits = np.nan_to_num(np.maximum([[end["value"] - end["lo"]], [end["hi"] - end["value"]]], 0.0))
        axes.errorbar(end["value"], place, xerr=limits, color="black", elinewidth=0.9, capsize=2, linestyle="none")
        is_right = end["value"] >= base
        edge = end["hi"] if is_right else end["lo"]
        axes.annotate(end["text"], (edge if np.isfinite(edge) else end["value"], place), xytext=(4 if is_right else -4, 0),
                      textcoords="offset points", va="center", ha="left" if is_right else "right", fontsize=7)
