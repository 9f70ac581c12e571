#!/usr/bin/env python3
"""The numbers of a result in few lines, as JSON: for each dataset outside /provenance its dimensions, shape and unit, the
texts it holds, or its first and last value, their sum and how many are missing. Needs numpy and h5py only."""

import hashlib
import json
import math
import sys
from pathlib import Path

import h5py
import numpy as np


def texts(dataset):
    return [dataset.asstr()[()]] if dataset.ndim == 0 else dataset.asstr()[:].tolist()


def numbers(values, fill=None):
    """First, last, sum and number of missing values; a missing first or last is null."""
    values = np.asarray(values).astype(float).ravel()
    if fill is not None:
        values = np.where(values == fill, np.nan, values)
    first, last = (None if math.isnan(value) else value for value in values[[0, -1]].tolist())
    return {"first": first, "last": last, "sum": math.fsum(values[~np.isnan(values)]),
            "missing": int(np.isnan(values).sum())}


def describe_dataset(dataset):
    is_coordinate = h5py.h5ds.is_scale(dataset.id)
    about = {"dimensions": [] if is_coordinate else [Path(scale[0].name).name for scale in dataset.dims],
             "shape": list(dataset.shape), "units": dataset.attrs.get("units")}
    if dataset.dtype.kind == "O":
        return {**about, "texts": texts(dataset)}
    fill = dataset.attrs.get("_FillValue")
    return {**about, **numbers(dataset[()], None if fill is None else float(np.ravel(fill)[0]))}


def describe(path):
    datasets = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: datasets.update({name: describe_dataset(item)})
                        if isinstance(item, h5py.Dataset) and not name.startswith("provenance/") else None)
        attributes = {name: value.item() if isinstance(value, np.generic) else value for name, value in file.attrs.items()}
    return {"sha256": hashlib.sha256(Path(path).read_bytes()).hexdigest(), "attributes": attributes,
            "datasets": datasets}


def to_json(descriptions):
    """One line a dataset, so that it can be read."""
    files = []
    for name, about in descriptions.items():
        rows = ",\n".join(f"    {json.dumps(key)}: {json.dumps(value)}" for key, value in about["datasets"].items())
        files.append(f'  {json.dumps(name)}: {{\n   "sha256": "{about["sha256"]}",\n'
                     f'   "attributes": {json.dumps(about["attributes"])},\n   "datasets": {{\n{rows}\n   }}\n  }}')
    return "{\n" + ",\n".join(files) + "\n}\n"


if __name__ == "__main__":
    sys.stdout.write(to_json({Path(name).name: describe(name) for name in sys.argv[1:]}))
