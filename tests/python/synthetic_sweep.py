"""Results of sweeps as `repoquake sweep` writes them, with numbers that are known."""

import h5py
import numpy as np

TGA = ("shocks.tga-build.size", "1e9 USD", [f"{size} bn USD" for size in (0, 50, 100, 150)])
RESERVES = ("fed_balance_sheet.reserves", "1e9 USD", ["1300 bn USD", "1459 bn USD", "1600 bn USD"])
FACILITY = [("policy.standing_repo.enabled", "1", ["false", "true"]),
            ("policy.standing_repo.cap", "1e9 USD", ["0 bn USD", "500 bn USD"])]


def numbers_of(unit, texts):
    if set(texts) <= {"false", "true"}:
        return [float(text == "true") for text in texts]
    return [float(texts.index(text)) if unit == "index" else float(text.split()[0]) for text in texts]


def write_grid(path, axes=((TGA,), (RESERVES,), FACILITY), skipped=(), failed=(), missing=(), unknown=(), value=None,
               **about):
    """A grid; an axis is a list of (key, unit, texts) that move together. `skipped` and the others name points by their
    number in the design; `value` gives the first metric by a point's design."""
    shape = [len(axis[0][2]) for axis in axes]
    points = [k for k in range(int(np.prod(shape))) if k not in skipped]
    keys = [key for axis in axes for key in axis]
    places = np.array(np.unravel_index(points, shape)).reshape(len(shape), len(points))
    columns, words = [], []
    for axis, place in zip(axes, places):
        for _, unit, texts in axis:
            columns.append(np.array(numbers_of(unit, texts))[place])
            words.append([texts[level] for level in place])
    design = np.array(columns).T.reshape(len(points), len(keys))
    if value is None:
        def value(settings):
            return 50.0 + settings[0] * 5.0 + (1600.0 - settings[-1]) * 0.1
    values = np.array([value(settings) for settings in design], float)
    status = np.ones(len(points), np.int32)
    status[np.isin(points, failed)] = 2
    status[np.isin(points, missing)] = 0
    values[(status != 1) | np.isin(points, unknown)] = np.nan
    write_sweep(path, "grid", keys, points, design, np.array(words, object).T, values, status, shape=shape, **about)


def write_design(path, kind="lhs", count=40, indices=None, failed=(), further=0, **about):
    """Points of a design in two ranges, and of a flag and a word where it is a list; `further` shares beside them."""
    random = np.random.default_rng(5)
    keys = [("model.banks.lending_share", "1"), ("basis_trade.position", "1e9 USD")]
    design = np.column_stack((random.uniform(0.6, 0.9, count), random.uniform(200, 1000, count)))
    words = np.array([[f"{share:g}", f"{size:g} bn USD"] for share, size in design], object)
    if kind == "list":
        keys.append(("policy.standing_repo.enabled", "1"))
        flags = random.integers(0, 2, count)
        design = np.column_stack((design, flags))
        words = np.column_stack((words, np.array(["false", "true"], object)[flags]))
    for k in range(further):
        keys.append((f"model.need.share_{k}", "1"))
        design = np.column_stack((design, random.uniform(0.1, 0.2, count)))
        words = np.column_stack((words, np.array([f"{share:g}" for share in design[:, -1]], object)))
    status = np.ones(count, np.int32)
    status[list(failed)] = 2
    values = np.where(status == 1, 1000.0 * (1.0 - design[:, 0]) + 0.01 * design[:, 1], np.nan)
    write_sweep(path, kind, keys, range(count), design, words, values, status, indices=indices, **about)


def write_one_at_a_time(path, moved=(TGA, RESERVES, FACILITY[0]), usual=(0, 1, 0), **about):
    """A list: the base, where each key has its usual value, and every other value of each key by itself."""
    base = [texts[level] for (_, _, texts), level in zip(moved, usual)]
    words = [base] + [base[:k] + [text] + base[k + 1:] for k, (_, _, texts) in enumerate(moved) for text in texts
                      if text != base[k]]
    words = np.array(words, object)
    design = np.column_stack([numbers_of(unit, list(words[:, k])) for k, (_, unit, _) in enumerate(moved)])
    values = 200.0 + design @ np.array([1.0, -0.5, -30.0])
    write_sweep(path, "list", [(key, unit) for key, unit, _ in moved], range(len(words)), design, words, values,
                np.ones(len(words), np.int32), **about)


def write_sweep(path, kind, keys, points, design, words, values, status, shape=None, indices=None, base="",
                conditional=0, ended="complete", flagged=0.0):
    text = h5py.string_dtype()
    n = len(points)
    with h5py.File(path, "w") as file:
        file.attrs.update({"format": "repoquake/result/1", "title": "A sweep", "scenario_name": "a-sweep",
                           "status": ended, "conditional": np.int32(conditional), "seed": np.uint64(7),
                           "n_paths": np.int64(512 * n), "program_version": "0.1.0"})
        group = file.create_group("sweep")
        group.attrs.update({"kind": kind, "need": "held from sep-2019", "n_skipped": np.int64(0)})
        if shape:
            group.attrs["shape"] = np.array(shape, np.int64)
        group["point"] = np.array(points, np.int64)
        group["parameter"] = np.array([key[0] for key in keys], dtype=text)
        group["parameter_unit"] = np.array([key[1] for key in keys], dtype=text)
        group["design"] = design
        group.create_dataset("design_text", data=words.astype(object), dtype=text)
        group["metric"] = np.array(["p95_peak", "p_above"], dtype=text)
        group["metric_unit"] = np.array(["bp", "1"], dtype=text)
        group["expr"] = np.array(["quantile(max(sofr - iorb), 95 %)", "P(max(spread) > 75 bp)"], dtype=text)
        both = np.column_stack((values, 1 / (1 + np.exp(-values / 1000.0))))
        for name, offset in (("value", 0.0), ("ci_lo", -2.0), ("ci_hi", 2.0)):
            group[name] = both + offset * np.array([3.0, 0.01])
        group["se"] = np.where(np.isfinite(both), [3.0, 0.01], np.nan)
        group["status"] = status
        group["n_paths"] = np.where(status == 1, 512, 0)
        group["flagged"] = np.where(status == 1, flagged, np.nan)
        group["hash"] = np.array([f"{k:064x}" for k in points], dtype=text)
        group["message"] = np.array(["" for _ in points], dtype=text)
        if indices:
            found = group.create_group("indices")
            for name, column in indices.items():
                column = np.column_stack((column, column))
                found[name], found[f"{name}_se"] = column, np.full_like(column, 0.05)
                found[f"{name}_lo"], found[f"{name}_hi"] = column - 0.1, column + 0.1
            found["left_out"] = np.array([2, 0], np.int64)
        if base:
            file.create_group("provenance")["resolved_scenario"] = base
