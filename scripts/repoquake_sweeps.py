"""What the figures of sweeps share: reading the result of a sweep, its axes, and the frame of a figure."""

import difflib
import re

import matplotlib.pyplot as plt
import numpy as np

from repoquake_plots import UNITS, USAGE, WRONG_INPUT, File, PlotError, text_of, wrapped

DONE, FAILED = 1, 2  # /sweep/status; 0 is missing



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
