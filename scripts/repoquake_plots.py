"""What the plot scripts share: reading a result file, the look of a figure, errors and exit codes.

A result is the HDF5 file of docs/result_file.md. Needs numpy, h5py and matplotlib only.
"""

import argparse
import sys
import textwrap
from datetime import date, datetime, timedelta
from pathlib import Path

import h5py
import matplotlib

matplotlib.use("Agg")  # figures go to files; no display is needed
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
from matplotlib.ticker import FuncFormatter, NullLocator  # noqa: E402

USAGE, WRONG_INPUT, NO_FILE = 2, 65, 74  # exit codes, those of the program
FORMAT = "repoquake/result/1"
COMPARISON = "repoquake/comparison/1"  # what `repoquake compare --output` writes
WORST = 2  # the bit of /paths/selected_as
FIGURE_KINDS = {".png", ".svg", ".pdf"}

# Okabe and Ito: told apart with every kind of colour vision. The bands of a fan are one hue, light to dark, so that
# they stay in order in black and white; the observed is the one warm colour.
BANDS = ("#dbe9f4", "#a9cbe6", "#62a0d0", "#2f78b3")
MEDIAN = "#08306b"
OBSERVED = "#d55e00"
PATH = "#555555"
WORST_PATH = "#8e2a73"
MARK = "#777777"
LINEAR_BELOW = 10.0  # a logarithmic axis is linear between -10 and 10
# One look for each of several results laid over each other; the dashes and markers tell them apart without colour.
SERIES = (("#0072b2", "o", "-"), ("#d55e00", "s", (0, (5, 1.5))), ("#009e73", "^", (0, (5, 1.5, 1, 1.5))),
          ("#cc79a7", "D", (0, (3, 1, 1, 1, 1, 1))), ("#000000", "v", (0, (8, 3))))

# How to get what a result lacks.
HINTS = {
    "stats": "store it with --set output.variables=all, and name quantiles and thresholds under output",
    "paths": "store the paths with --set output.paths=all",
    "worst": "store some with --set 'output.paths={sample: 200, worst: {count: 20, by: max(sofr - iorb)}}'",
    "features": "run the scenario again with this version of the program",
    "convergence": "run the scenario again with this version of the program",
    "scores": "only runs of scenarios with observations have scores: scenarios/sep_2019.yaml, for one",
}

UNITS = {"1e9 USD": "USD bn", "percent": "%", "1": "fraction"}


class PlotError(Exception):
    """One line for the user, and the exit code that goes with it."""

    def __init__(self, message, exit_code):
        super().__init__(message)
        self.exit_code = exit_code


def run_script(main):
    """Runs main() and exits: a PlotError becomes one line on stderr and its exit code."""
    try:
        main()
    except PlotError as error:
        print(f"{Path(sys.argv[0]).name}: error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def result_parser(description, epilog=None):
    """A parser with the arguments that every plot script has: RESULT… -o FIGURE."""
    parser = argparse.ArgumentParser(description=description, epilog=epilog)
    parser.add_argument("results", metavar="RESULT", nargs="+", type=Path, help="a result file of repoquake")
    add_figure(parser)
    return parser


def add_figure(parser):
    """-o FIGURE and --dpi, which every plot script has."""
    parser.add_argument("-o", "--output", metavar="FIGURE", type=figure_path, required=True,
                        help="the figure: .png, .svg or .pdf")
    parser.add_argument("--dpi", type=resolution, default=200, metavar="N",
                        help="dots per inch of a .png (default: 200)")


def add_labels(parser):
    """--label, for the scripts that lay results over each other."""
    parser.add_argument("--label", action="append", default=[], metavar="TEXT",
                        help="the name of a result in the legend; once for each, in their order (default: their "
                             "titles)")


def labels_of(runs, options, width=76, kinds=True):
    """What results are called in a legend: --label, or their titles, with the file where titles are alike; and the
    kind of each unless the title says it. A run is a dict with "name", "id" and "kind"."""
    if options.label and len(options.label) != len(runs):
        raise PlotError(f"--label: given {len(options.label)} times for {len(runs)} results", USAGE)
    names = [run["name"] for run in runs]
    unlike = [name if names.count(name) == 1 else f"{name}, {run['id']}" for name, run in zip(names, runs)]
    return [textwrap.fill(name + (f" ({run['kind']})" if kinds and run["kind"] else ""), width)
            for name, run in zip(options.label or unlike, runs)]


def resolution(text):
    if not text.isdecimal() or not 20 <= int(text) <= 1200:
        raise argparse.ArgumentTypeError(f"{text}: a number from 20 to 1200")
    return int(text)


def figure_path(text):
    path = Path(text)
    if path.suffix.lower() not in FIGURE_KINDS:
        raise argparse.ArgumentTypeError(f"{text}: a figure is named .png, .svg or .pdf")
    return path


def wrapped(text, width):
    """The lines of a title, none longer than `width` letters."""
    return "\n".join(textwrap.fill(line, width) for line in text.splitlines())


def text_of(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def is_comparison(path):
    """Whatever cannot be opened is none; Result says why it cannot."""
    try:
        with h5py.File(path, "r") as file:
            return text_of(file.attrs.get("format", "none")) == COMPARISON
    except OSError:
        return False


class File:
    """An open file of one of the formats, and how to read from it."""

    format = FORMAT
    hints = {}

    def __init__(self, path):
        self.path = path
        try:
            with open(path, "rb"):  # h5py blames its own library for a missing file; the system says it better
                pass
        except OSError as error:
            raise PlotError(f"{path}: {error.strerror}", NO_FILE) from None
        try:
            self._file = h5py.File(path, "r")
        except OSError:
            raise PlotError(f"{path}: not an HDF5 file, or damaged", WRONG_INPUT) from None
        found = text_of(self._file.attrs.get("format", "none"))
        if found != self.format:
            self.close()
            raise PlotError(f"{path}: not a result of repoquake (format is {found}, not {self.format})", WRONG_INPUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._file.close()

    def attribute(self, name, default=""):
        """A root attribute: text as str, numbers as they are."""
        value = self._file.attrs.get(name, default)
        return text_of(value) if isinstance(value, (bytes, str)) else np.ravel(value)[0]

    def group_attribute(self, group, name):
        """An attribute of a group as attribute() gives those of the root, or None."""
        value = self._file[group].attrs.get(name) if group in self._file else None
        return value if value is None else text_of(value) if isinstance(value, (bytes, str)) else np.ravel(value)[0]

    def has(self, group, name):
        return group in self._file and name in self._file[group]

    def _dataset(self, group, name):
        if not self.has(group, name):
            hint = f"; {self.hints[group]}" if group in self.hints else ""
            raise PlotError(f"{self.path}: has no /{group}/{name}{hint}", WRONG_INPUT)
        return self._file[group][name]

    def _stored(self, dataset, rows=None):
        try:
            return dataset[:rows] if rows is not None else dataset[()]
        except OSError:
            raise PlotError(f"{self.path}: {dataset.name} cannot be read; the file is damaged", WRONG_INPUT) from None

    def read(self, group, name, rows=None):
        """A dataset as float64 with its fill value as NaN; `rows`: only the first ones."""
        dataset = self._dataset(group, name)
        stored = self._stored(dataset, rows)
        values = stored.astype(float)
        if "_FillValue" in dataset.attrs:
            values[stored == np.ravel(dataset.attrs["_FillValue"])[0]] = np.nan
        return values

    def texts(self, group, name):
        return [text_of(value) for value in self._stored(self._dataset(group, name))]

    def dates(self, group):
        """The days of a group, from `units: days since YYYY-MM-DD`."""
        time = self._dataset(group, "time")
        units = text_of(time.attrs.get("units", ""))
        try:
            first = datetime.strptime(units, "days since %Y-%m-%d").date()
        except ValueError:
            raise PlotError(f"{self.path}: /{group}/time has the units '{units}', not 'days since YYYY-MM-DD'",
                            WRONG_INPUT) from None
        return [first + timedelta(days=int(day)) for day in self._stored(time)]

    def require_variable(self, variable):
        if variable not in self.variables():
            raise PlotError(f"{self.path}: has no statistics of '{variable}'; it has "
                            f"{', '.join(self.variables()) or 'none at all'}", USAGE)

    def label(self, variable):
        """The label of an axis: what it is, and its unit."""
        for group, name in (("paths", variable), ("stats", f"{variable}_mean"), ("stats", f"{variable}_quantile"),
                            ("days", f"{variable}_base_mean")):
            if self.has(group, name) and "units" in self._file[group][name].attrs:
                attributes = self._file[group][name].attrs
                unit = text_of(attributes["units"])
                what = text_of(attributes.get("long_name", variable))
                for statistic in (", mean over paths", ", quantile over paths"):
                    what = what.partition(statistic)[0]
                if variable == "spread":
                    what = "SOFR − IORB"
                return f"{what[0].upper()}{what[1:]} ({UNITS.get(unit, unit)})"
        return variable

    def footnote(self):
        """How the numbers came about."""
        program = self.attribute("program_version")
        parts = [f"{int(self.attribute('n_paths', 0)):,} paths", f"seed {self.attribute('seed', '?')}",
                 f"repoquake {program}" if program else "repoquake"]
        if int(self.attribute("conditional", 0)) == 1:
            parts.append("conditional on realised flows")
        return " · ".join(parts)


class Result(File):
    """An open result file. Days are rows; row 0 is the opening day."""

    hints = HINTS

    def sampled(self):
        """How many of the stored paths, the first ones, are a fair sample: the worst stand behind them."""
        path = self._dataset("paths", "path")
        return min(int(path.parent.attrs.get("sample", len(path))), len(path))

    def worst(self, variable, count):
        """Up to `count` of the worst stored paths, the worst first, and by which expression they are the worst."""
        if not self.has("paths", "worst_by"):
            raise PlotError(f"{self.path}: has no worst paths; {HINTS['worst']}", WRONG_INPUT)
        by, why = self.read("paths", "worst_by"), self._stored(self._dataset("paths", "selected_as"))
        rows = np.flatnonzero(why & WORST)
        rows = rows[np.argsort(-by[rows], kind="stable")][:count]
        return self.read("paths", variable)[rows], text_of(self._file["paths/worst_by"].attrs.get("expr", "?"))

    def fan(self, variable):
        """The quantiles of a variable by day: what bands_of() and median_of() take."""
        return {"dates": self.dates("stats"), "fractions": self.read("stats", "quantile"),
                "quantiles": self.read("stats", f"{variable}_quantile"), "label": self.label(variable)}

    def variables(self):
        """The variables with statistics, in alphabetical order."""
        names = self._file["stats"].keys() if "stats" in self._file else ()
        return sorted(name[: -len("_quantile")] for name in names if name.endswith("_quantile"))

    def name(self):
        return self.attribute("title") or self.attribute("scenario_name") or self.path.stem

    def kind(self):
        """A replay on realised flows and a run on drawn ones say what they are."""
        if int(self.attribute("conditional", 0)) == 1:
            return "conditional replay"
        return "free run" if self.attribute("drawn") else ""

    def title(self):
        """The scenario's title and its kind."""
        title = self.name() + (f"\n{self.kind()}" if self.kind() else "")
        if self.attribute("status", "complete") != "complete":
            title += f"\n{self.attribute('status')}"
        return title


class Comparison(File):
    """An open comparison: a base, and others with their differences from it. Days are rows."""

    format = COMPARISON

    def variables(self):
        """The variables with differences by day, in alphabetical order."""
        names = self._file["days"].keys() if "days" in self._file else ()
        return sorted(name[: -len("_difference")] for name in names if name.endswith("_difference"))


def event_marks(dates):
    """(row, text) of the days on which funding is known to be dear: period ends and corporate tax dates."""
    def mark(row, day, text):
        marks.append((row, f"{text}, {day.day} {day:%b}"))

    marks = []
    for row, day in enumerate(dates):
        following = dates[row + 1] if row + 1 < len(dates) else next_weekday(day)
        if following.month != day.month:
            mark(row, day, "year-end" if day.month == 12 else "quarter-end" if day.month % 3 == 0 else "month-end")
        due = date(day.year, day.month, 15)
        earlier = dates[row - 1] if row > 0 else day
        if day.month in (4, 6, 9, 12) and (day == due or earlier < due < day):
            mark(row, day, "tax date")
    return marks


def next_weekday(day):
    return day + timedelta(days=(1, 1, 1, 1, 3, 2, 1)[day.weekday()])


def mark_events(axes, dates, named=True):
    for row, text in event_marks(dates):
        axes.axvline(row, color=MARK, linewidth=0.8, linestyle=(0, (1, 2)), zorder=0.9)
        if not named:
            continue
        axes.annotate(text, xy=(row, 0.99), xycoords=("data", "axes fraction"), xytext=(-3, 0),
                      textcoords="offset points", rotation=90, ha="right", va="top", fontsize=7.5, color="#444444")


def bands_of(fan):
    """(low, high, lower, upper) of each nested band, the widest first: the outer quantiles pairwise. A fan is a dict
    with "fractions" and "quantiles"."""
    fractions, quantiles = fan["fractions"], fan["quantiles"]
    order = np.argsort(fractions)
    return [(fractions[low], fractions[high], quantiles[low], quantiles[high])
            for low, high in zip(order, order[::-1]) if fractions[low] < 0.5 < fractions[high]]


def median_of(fan):
    return next((values for fraction, values in zip(fan["fractions"], fan["quantiles"]) if abs(fraction - 0.5) < 1e-9),
                None)


def band_colours(count):
    """From the lightest, the widest band, inwards."""
    return [BANDS[min(i, len(BANDS) - 1)] for i in range(count)]


def label_days(axes, dates, most=9):
    """Rows as dates on the horizontal axis: every day, or evenly fewer."""
    step = -(-len(dates) // most)
    rows = range(0, len(dates), step)
    axes.set_xticks(list(rows), [f"{dates[row].day} {dates[row]:%b}" for row in rows])
    axes.set_xlim(-0.3, len(dates) - 0.7)
    axes.set_xlabel(f"business day, {dates[0]:%Y}" if dates[0].year == dates[-1].year
                    else f"business day, {dates[0]:%Y}–{dates[-1]:%Y}")


def use_symlog(axes):
    """A vertical axis that is linear near 0 and logarithmic beyond ±LINEAR_BELOW."""
    low, high = axes.dataLim.intervaly
    axes.set_yscale("symlog", linthresh=LINEAR_BELOW, linscale=0.7)
    axes.set_yticks([sign * step * 10**power for power in range(0, 7) for step in (1, 2, 5) for sign in (-1, 1)
                     if step * 10**power >= LINEAR_BELOW] + [-5, 0, 5])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_ylim(low - 0.1 * abs(low) - 1.0, max(high, LINEAR_BELOW) * 1.25)


def use_house_style():
    plt.rcParams.update({
        "font.family": "sans-serif", "font.size": 9, "axes.titlesize": 10, "axes.labelsize": 9,
        "xtick.labelsize": 8, "ytick.labelsize": 8, "legend.fontsize": 8, "legend.frameon": False,
        "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True, "lines.solid_capstyle": "round",
        "figure.dpi": 100, "savefig.dpi": 200, "pdf.fonttype": 42, "svg.fonttype": "path", "svg.hashsalt": "repoquake",
    })


def settle_layout(figure, dpi):
    """Places the axes for good. The solver's last digits differ from time to time, and SVG names clips after them."""
    figure.set_dpi(dpi)
    figure.get_layout_engine().execute(figure)
    figure.set_layout_engine("none")
    for axes in figure.axes:
        axes.set_position(np.round(axes.get_position(original=True).bounds, 9))


def save(figure, options):
    """Writes the figure to --output; the same input gives the same bytes."""
    path = options.output
    settle_layout(figure, options.dpi)
    undated = {".png": None, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    try:
        figure.savefig(path, dpi=options.dpi, metadata=undated[path.suffix.lower()])
    except OSError as error:
        raise PlotError(f"{path}: {error.strerror or error}", NO_FILE) from None
    finally:
        plt.close(figure)
