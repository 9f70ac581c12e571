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
