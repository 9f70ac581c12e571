#!/usr/bin/env python3
"""Draws the ledger of reserves of one path, as `repoquake trace --format json` or csv tells it."""

import argparse
import csv
import json
from datetime import date
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from repoquake_plots import (MEDIAN, NO_FILE, USAGE, WRONG_INPUT, PlotError, add_figure, label_days, mark_events,
                             run_script, save, use_house_style)

FORMAT = "repoquake/trace/1"
GET_ONE = "`repoquake trace SCENARIO --path N --format json` writes one"
CENTS_PER_BN = 1e11

# What moves reserves, in the order in which it is stacked. The hatches tell neighbours apart without colour.
ENTRIES = {
    "tga": ("Treasury's account", "#0072b2", ""),
    "repo_operations": ("Fed repo operations", "#e69f00", "///"),
    "standing_repo": ("standing repo", "#d55e00", "\\\\\\"),
    "securities": ("Fed securities", "#009e73", ""),
    "on_rrp": ("ON RRP", "#56b4e9", "..."),
    "foreign_rrp": ("foreign RRP", "#cc79a7", "xxx"),
    "currency": ("currency", "#f0e442", ""),
    "other_assets": ("other assets", "#999999", "///"),
    "other_liabilities": ("other liabilities", "#bbbbbb", ""),
}
OTHERS = ("#444444", "+++")  # an entry that a later program may add


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog=f"{GET_ONE}. Exit codes: 2 usage, 65 not a trace, 74 "
                                                                 "a path that cannot be read or written.")
    parser.add_argument("trace", metavar="TRACE", type=Path, help="a trace, json or csv")
    add_figure(parser)
    options = parser.parse_args()
    trace = read_trace(options.trace)

    use_house_style()
    figure = plt.figure(figsize=(8.6, 5.6), layout="constrained")
    grid = figure.add_gridspec(3, 1, height_ratios=(1, 0.42, 0.26))
    flows = figure.add_subplot(grid[0])
    level = figure.add_subplot(grid[1], sharex=flows)
    drawn = draw_flows(flows, trace)
    draw_level(level, trace)
    flows.set_title(trace["title"], loc="left")
    mark_events(flows, trace["dates"])
    draw_legend(figure.add_subplot(grid[2]), drawn, trace)
    save(figure, options)


def read_trace(path):
    """The days with their entries, in 1e9 USD; the opening day has none."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise PlotError(f"{path}: {error.strerror}", NO_FILE) from None
    except UnicodeDecodeError:
        raise PlotError(f"{path}: not a trace; {GET_ONE}", WRONG_INPUT) from None
    try:
        trace = from_json(json.loads(text)) if text.lstrip().startswith("{") else from_csv(text)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise PlotError(f"{path}: not a trace, or cut off; {GET_ONE}", WRONG_INPUT) from None
    if len(trace["dates"]) < 2 or not trace["entries"]:
        raise PlotError(f"{path}: a trace without a day after the opening", USAGE)
    wrong = np.abs(sum(trace["entries"].values()) - trace["change"]) > 1e-6
    if wrong.any():
        raise PlotError(f"{path}: the ledger of {trace['dates'][int(np.argmax(wrong))]} does not sum to the change of "
                        "reserves; the file is damaged", WRONG_INPUT)
    return trace


def from_json(content):
    if content.get("format") != FORMAT:
        raise ValueError
    days = content["days"]
    names = list(dict.fromkeys(name for day in days for name in day["ledger_cents"]))
    after = np.array([day["reserves_after_cents"] for day in days], float)
    before = np.array([day["reserves_before_cents"] for day in days], float)
    kind = ", conditional replay" if content["conditional"] else ""
    return {
        "title": f"{content['scenario']}{kind}\nledger of reserves, path {content['path']}",
        "footnote": f"path {content['path']} · seed {content['seed']}"
                    + (" · conditional" if content["conditional"] else " · not conditional") + " on realised flows",
        "dates": [date.fromisoformat(day["date"]) for day in days],
        "entries": {name: np.array([day["ledger_cents"].get(name, 0) for day in days]) / CENTS_PER_BN
                    for name in names},
        "change": (after - before) / CENTS_PER_BN,
        "level": after / CENTS_PER_BN,
    }


def from_csv(text):
    """The long table; it does not name the scenario, nor say whether the flows are realised ones."""
    table = csv.DictReader(text.splitlines())
    if table.fieldnames != ["date", "section", "name", "unit", "value"]:
        raise ValueError
    cents, level = {}, {}
    for row in table:
        if row["section"] == "ledger":
            cents.setdefault(row["name"], {})[row["date"]] = int(row["value"])
        elif (row["section"], row["name"]) == ("observed", "reserves"):
            level[row["date"]] = float(row["value"])
    days = list(level)
    return {
        "title": "Ledger of reserves of one path",
        "footnote": "from csv: names no scenario",
        "dates": [date.fromisoformat(day) for day in days],
        "entries": {name: np.array([values.get(day, 0) for day in days]) / CENTS_PER_BN
                    for name, values in cents.items()},
        "change": np.diff(list(level.values()), prepend=list(level.values())[:1]),
        "level": np.array(list(level.values())),
    }


def draw_flows(axes, trace):
    """Bars up for what adds to reserves, down for what takes them away; the line is their sum. Returns what moved."""
    rows = np.arange(len(trace["dates"]))
    up, down = np.zeros(len(rows)), np.zeros(len(rows))
    drawn = []
    order = [name for name in ENTRIES if name in trace["entries"]]
    order += [name for name in trace["entries"] if name not in ENTRIES]
    for name in order:
        values = trace["entries"][name]
        if not values.any():
            continue
        label, colour, hatch = ENTRIES.get(name, (name.replace("_", " "), *OTHERS))
        axes.bar(rows, values, bottom=np.where(values >= 0, up, down), width=0.74, color=colour, hatch=hatch,
                 edgecolor="white", linewidth=0.4)
        up += np.maximum(values, 0)
        down += np.minimum(values, 0)
        drawn.append((label, colour, hatch))
    axes.plot(rows[1:], trace["change"][1:], color="#000000", linewidth=1.4, marker="o", markersize=4,
              markeredgecolor="white", markeredgewidth=0.6)
    axes.axhline(0, color="#000000", linewidth=0.7)
    axes.set_ylabel("adds to reserves (USD bn a day)")
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.6)
    axes.tick_params(labelbottom=False)
    room = max(up.max() - down.min(), 1e-9)
    axes.set_ylim(down.min() - 0.05 * room, up.max() + 0.42 * room)
    return drawn


def draw_level(axes, trace):
    axes.plot(np.arange(len(trace["dates"])), trace["level"], color=MEDIAN, linewidth=1.6, marker="o", markersize=3)
    axes.set_ylabel("reserves (USD bn)")
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.6)
    axes.ticklabel_format(axis="y", useOffset=False)
    label_days(axes, trace["dates"])
    axes.set_xlim(-0.6, len(trace["dates"]) - 0.4)


def draw_legend(axes, drawn, trace):
    axes.axis("off")
    handles = [Line2D([], [], color="#000000", marker="o", markersize=4, label="change of reserves")]
    handles += [Patch(facecolor=colour, hatch=hatch, edgecolor="white", label=label) for label, colour, hatch in drawn]
    axes.legend(handles=handles, loc="upper center", ncols=5, handlelength=2.0, columnspacing=1.3)
    axes.text(0.5, 0.0, trace["footnote"], ha="center", va="bottom", fontsize=7, color="#555555",
              transform=axes.transAxes)


if __name__ == "__main__":
    run_script(main)
