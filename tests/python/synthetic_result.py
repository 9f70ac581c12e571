"""A small result file in the shape of the program's, made with h5py: for tests of the readers."""

import datetime

import h5py
import numpy as np

DATES = [datetime.date(2019, 9, day) for day in (11, 12, 13, 16, 17, 18, 19, 20, 23, 24, 25, 26, 27, 30)] + [
    datetime.date(2019, 10, day) for day in (1, 2, 3)]
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
OBSERVED = (5, 10, 10, 33, 315, 45, 15, 6, 5, 16, 21, 5, 2, 55, 8, 5, 4)
MEDIANS = (5, 8, 9, 29, 188, 33, 18, 12, 9, 5, 4, 3, 4, 29, 7, 5, 4)
FILL = np.float32(9.96921e36)


def write_result(path, n_paths=2000, with_paths=True, conditional=1, peak=1.0, **attributes):
    """September 2019 as it might look: medians near MEDIANS (times `peak` on the 17th), a long right tail."""
    random = np.random.default_rng(20190917)
    medians = np.array(MEDIANS, float)
    medians[4] *= peak
    width = np.array([0] + [0.25] * 2 + [0.5, 0.9] + [0.6] * 12)
    spread = medians * np.exp(width * random.standard_normal((n_paths, len(DATES))))
    spread[:, 1:] -= 3.0 * random.random((n_paths, len(DATES) - 1))
    days = np.array([(day - DATES[0]).days for day in DATES], np.int32)

    with h5py.File(path, "w") as file:
        file.attrs.update({
            "Conventions": "CF-1.10", "format": "repoquake/result/1", "title": "September 2019 repo spike",
            "scenario_name": "sep-2019", "status": "complete", "conditional": np.int32(conditional),
            "n_paths": np.uint64(n_paths), "seed": np.uint64(20190917), "program_version": "0.1.0", **attributes})
        stats = add_group(file, "stats", days)
        add_coordinate(stats, "quantile", np.array(QUANTILES), "1")
        add(stats, "spread_quantile", np.quantile(spread, QUANTILES, axis=0), "bp", ("quantile", "time"))
        for name, values in (("mean", spread.mean(0)), ("mean_se", spread.std(0) / np.sqrt(n_paths)),
                             ("sd", spread.std(0)), ("min", spread.min(0)), ("max", spread.max(0))):
            add(stats, f"spread_{name}", values, "bp", ("time",))
        observed = add_group(file, "observed", days)
        values = np.array(OBSERVED, np.float32)
        values[1] = FILL  # a day without an observation
        add(observed, "spread", values, "bp", ("time",))
        if with_paths:
            paths = add_group(file, "paths", days)
            add_coordinate(paths, "path", np.arange(n_paths), "1")
            add(paths, "spread", spread.astype(np.float32), "bp", ("path", "time"))
            paths["spread"].attrs["long_name"] = "SOFR minus IORB"


def write_more(path):
    """Adds to a result of write_result() what only some scripts read: exceedances, the basis trade, scores."""
    random = np.random.default_rng(20200316)
    with h5py.File(path, "a") as file:
        spread = file["paths/spread"][:].astype(float)
        n_paths = len(spread)
        stats, paths = file["stats"], file["paths"]
        thresholds = np.array((10.0, 25.0, 50.0, 100.0, 200.0))
        add_coordinate(stats, "threshold", thresholds, "bp")
        above = np.array([(spread > threshold).mean(0) for threshold in thresholds])
        add(stats, "spread_exceed", above, "1", ("threshold", "time"))
        add(stats, "spread_exceed_se", np.sqrt(above * (1 - above) / n_paths), "1", ("threshold", "time"))

        features = file.create_group("features")
        thresholds = np.array((10.0, 25.0, 50.0, 75.0, 100.0, 200.0))
        add_coordinate(features, "threshold", thresholds, "bp")
        for name, values in (("peak_spread", spread), ("peak_sofr_over_effr", spread - 5.0)):
            above = np.array([(values.max(1) > threshold).mean() for threshold in thresholds])
            add(features, f"{name}_exceed", above, "1", ("threshold",))
            add(features, f"{name}_exceed_se", np.sqrt(above * (1 - above) / n_paths), "1", ("threshold",))

        sales = 5.0 * random.exponential(size=spread.shape) * (np.arange(len(DATES)) > 0)
        forced = sales * random.random(spread.shape)
        for name, values, units in (("basis_position", 550.0 - sales.cumsum(1), "1e9 USD"),
                                    ("basis_sales", sales, "1e9 USD"), ("basis_sales_forced", forced, "1e9 USD"),
                                    ("futures_basis", 0.1 * sales, "bp"), ("yield_impact", 0.2 * sales, "bp"),
                                    ("hf_return", -0.3 * sales.cumsum(1), "percent")):
            add(stats, f"{name}_quantile", np.quantile(values, QUANTILES, axis=0), units, ("quantile", "time"))
            add(paths, name, values.astype(np.float32), units, ("path", "time"))
            paths[name].attrs["long_name"] = name.replace("_", " ")
        quantile = stats["spread_quantile"][:]
        for end, sign in (("lo", -1.0), ("hi", 1.0)):
            add(stats, f"spread_quantile_{end}", quantile + sign * 0.49, "bp", ("quantile", "time"))

        scores = file.create_group("scores")
        text = h5py.string_dtype()
        scores["variable"] = np.array(["spread", "sofr", "reserves"], dtype=text)
        scores["window"] = np.array(["2019-09-12 to 2019-10-03", "2019-09-12 to 2019-09-23",
                                     "2019-09-24 to 2019-10-03"], dtype=text)
        scores["unit"] = np.array(["bp", "percent", "1e9 USD"], dtype=text)
        days = np.array([(16, 8, 8), (16, 8, 8), (3, 2, 1)])
        scores["n_days"] = days
        for name, first in (("crps", (8.0, 0.08, 40.0)), ("crps_se", (0.1, 0.001, 0.5)),
                            ("crps_persistence", (32.0, 0.4, np.nan)), ("crps_reversion", (16.0, np.nan, np.nan)),
                            ("pit_mean", (0.6, 0.7, 0.2)), ("coverage_50", (0.5, 0.25, 0.0)),
                            ("coverage_90", (0.9375, 0.6875, 1 / 3))):
            scores[name] = np.array(first)[:, None] * np.array((1.0, 0.9, 0.8))
            if name.startswith("coverage"):
                share = (scores[name][:] * days + 2) / (days + 4)
                scores[f"{name}_se"] = np.sqrt(share * (1 - share) / (days + 4))


def keep_worst(path, sample, count):
    """Leaves the sample and the worst paths by their peak, as the program stores them."""
    with h5py.File(path, "a") as file:
        paths = file["paths"]
        peaks = paths["spread"][:].max(1).astype(float)
        worst = np.argsort(-peaks, kind="stable")[:count]
        rows = np.array(sorted({*range(sample), *worst.tolist()}))
        why = np.where(rows < sample, 1, 0) + np.where(np.isin(rows, worst), 2, 0)
        for name in [name for name in paths if name not in ("path", "time")]:
            values, attributes = paths[name][:][rows], dict(paths[name].attrs)
            del paths[name]
            paths[name] = values
            paths[name].attrs.update({key: attributes[key] for key in ("units", "long_name")})
        del paths["path"]
        paths["path"] = rows
        paths["selected_as"] = why.astype(np.uint32)
        paths["worst_by"] = peaks[rows]
        paths["worst_by"].attrs["expr"] = "max(spread)"
        paths.attrs.update({"sample": np.int64(sample), "worst": np.int64(count)})


COUNTS = (1024, 2048, 4096, 8192, 10000)
QUANTITIES = {  # value, standard error after one path, unit; a metric that is a feature under another name
    "mean(peak_spread)": (240.0, 200.0, "bp"), "quantile(peak_spread, 95 %)": (600.0, 450.0, "bp"),
    "peak": (240.0, 200.0, "bp"), "p_above": (0.7, 0.45, "1"), "unwind": (13.0, 40.0, "1e9 USD")}


def write_convergence(path, counts=COUNTS, rule=None, shift=1.0):
    """Adds how QUANTITIES (times `shift`) settled: errors fall as 1/sqrt(n), values swing inside them. `rule` is
    (metric, half width, least paths)."""
    counts = np.array(counts, float)
    with h5py.File(path, "a") as file:
        group = file.create_group("convergence")
        text = h5py.string_dtype()
        add_coordinate(group, "n_paths", counts.astype(np.int64), "1")
        group["quantity"] = np.array(list(QUANTITIES), dtype=text)
        group["unit"] = np.array([unit for _, _, unit in QUANTITIES.values()], dtype=text)
        error = np.array([one for _, one, _ in QUANTITIES.values()]) / np.sqrt(counts)[:, None]
        value = shift * np.array([end for end, _, _ in QUANTITIES.values()]) + np.sin(counts)[:, None] * error
        value[:, 2] *= 1 + 1e-15  # the same but for rounding
        for name, values in (("value", value), ("se", error), ("ci_lo", value - 1.96 * error),
                             ("ci_hi", value + 1.96 * error)):
            group[name] = values
            group[name].attrs["_FillValue"] = np.nan
        if rule:
            group.attrs.update(zip(("stop_metric", "stop_half_width", "stop_min_paths"), rule))
        metrics = file.create_group("metrics")
        metrics["metric"] = np.array(["peak", "p_above", "unwind"], dtype=text)
        metrics["expr"] = np.array(["mean(max(spread))", "P(max(spread) > 75 bp)", "mean(sum(basis_sales))"],
                                   dtype=text)


def write_comparison(path, spreads=None, dates=DATES, paired=1, conditional=1, needs=None,
                     title="September 2019 repo spike", seed=20190917):
    """What `repoquake compare --output` writes, from the spreads (path, time) of scenarios; the first is the base."""
    if spreads is None:
        spreads = alike_spreads()
    names, (base, *others) = list(spreads), list(spreads.values())
    n_paths = len(base)
    text = h5py.string_dtype()

    def mean_and_error(values):
        return values.mean(0), values.std(0, ddof=1) / np.sqrt(n_paths)

    with h5py.File(path, "w") as file:
        file.attrs.update({
            "Conventions": "CF-1.10", "format": "repoquake/comparison/1", "title": title,
            "created": "2025-01-31T09:30:00Z", "n_paths": np.int64(n_paths), "seed": np.uint64(seed),
            "conditional": np.int32(conditional), "paired": np.int32(paired), "program_version": "0.1.0",
            "git_describe": "v0.1.0"})
        scenarios = file.create_group("scenarios")
        scenarios["scenario"] = np.array(names, dtype=text)
        scenarios["title"] = np.array([title] + [f"{title}, {name}" for name in names[1:]], dtype=text)
        scenarios["need"] = np.array([f"{need:.1f} bn USD, {origin}" for need, origin in zip(
            needs or [812.3] * len(names), ["inverted at the opening spread"] + ["held from the base"] * len(names))],
                                     dtype=text)
        scenarios["conditional"] = np.full(len(names), conditional, np.int32)

        days = file.create_group("days")
        days["scenario"] = np.array(names[1:], dtype=text)
        days["scenario"].make_scale("scenario")
        add_coordinate(days, "time", np.array([(day - dates[0]).days for day in dates], np.int32),
                       f"days since {dates[0]}")
        for variable, scale, unit, what in (("spread", 1.0, "bp", "SOFR minus IORB"),
                                            ("sofr", 0.01, "percent", "Secured Overnight Financing Rate")):
            paths = [scale * values for values in (base, *others)]
            differences = [mean_and_error(values - paths[0]) for values in paths[1:]]
            for name, values in (("base_mean", paths[0].mean(0)), ("base_median", np.median(paths[0], 0)),
                                 ("mean", np.array([values.mean(0) for values in paths[1:]])),
                                 ("median", np.array([np.median(values, 0) for values in paths[1:]])),
                                 ("difference", np.array([mean for mean, _ in differences])),
                                 ("difference_se", np.array([error for _, error in differences]))):
                dimensions = ("time",) if name.startswith("base") else ("scenario", "time")
                add(days, f"{variable}_{name}", values, unit, dimensions)
                days[f"{variable}_{name}"].attrs["long_name"] = f"{what}, mean over paths"

        window = file.create_group("window")
        quantities = {  # name: kind, unit, meaning, value of each path
            "peak_spread": ("feature", "bp", "largest SOFR minus IORB of the window", lambda spread: spread.max(1)),
            "mean_spread": ("feature", "bp", "", lambda spread: spread.mean(1)),
            "quantile(peak_spread, 95 %)": ("feature", "bp", "quantile over paths of the largest SOFR minus IORB",
                                            lambda spread: 2.0 * spread.max(1)),
            "on_rrp_peak": ("feature", "1e9 USD", "largest overnight reverse repo take-up",
                            lambda spread: np.full(len(spread), 24.0)),
            "p_above_50bp": ("metric", "1", "P(max(spread) > 50 bp)", lambda spread: 1.0 * (spread.max(1) > 50.0)),
            "peak": ("metric", "bp", "mean(max(spread))", lambda spread: spread.max(1) * (1 + 1e-15))}
        window["scenario"] = np.array(names[1:], dtype=text)
        window["quantity"] = np.array(list(quantities), dtype=text)
        for name, column in (("kind", 0), ("unit", 1), ("meaning", 2)):
            window[name] = np.array([about[column] for about in quantities.values()], dtype=text)
        columns = {name: np.empty((len(others), len(quantities))) for name in (
            "value", "value_se", "difference", "difference_se", "ci_lo", "ci_hi", "share_larger")}
        columns.update({name: np.empty(len(quantities)) for name in ("base", "base_se")})
        for k, (*_, of) in enumerate(quantities.values()):
            columns["base"][k], columns["base_se"][k] = mean_and_error(of(base))
            for i, other in enumerate(others):
                columns["value"][i, k], columns["value_se"][i, k] = mean_and_error(of(other))
                mean, error = mean_and_error(of(other) - of(base))
                columns["difference"][i, k], columns["difference_se"][i, k] = mean, error
                columns["ci_lo"][i, k], columns["ci_hi"][i, k] = mean - 1.96 * error, mean + 1.96 * error
                columns["share_larger"][i, k] = (of(other) > of(base)).mean()
        for name, values in columns.items():
            window[name] = values
            window[name].attrs["_FillValue"] = np.nan


def alike_spreads(count=1):
    """Spreads of a base and `count` others on the same draws: each other is milder from the 17th on."""
    random = np.random.default_rng(7)
    base = np.array(MEDIANS, float) * np.exp(0.4 * random.standard_normal((400, len(DATES))))
    spreads = {"base.yaml": base}
    for i in range(1, count + 1):
        spreads[f"milder_{i}.yaml"] = base.copy()
        spreads[f"milder_{i}.yaml"][:, 4:] *= 1.0 - 0.2 * i + 0.05 * random.standard_normal((400, len(DATES) - 4))
    return spreads


def add_group(file, name, days):
    group = file.create_group(name)
    add_coordinate(group, "time", days, f"days since {DATES[0]}")
    return group


def add_coordinate(group, name, values, units):
    group[name] = values
    group[name].attrs["units"] = units
    group[name].make_scale(name)


def add(group, name, values, units, dimensions):
    group[name] = values
    group[name].attrs["units"] = units
    if values.dtype == np.float32:
        group[name].attrs["_FillValue"] = FILL
    for axis, dimension in enumerate(dimensions):
        group[name].dims[axis].attach_scale(group[dimension])
