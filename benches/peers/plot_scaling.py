"""Draws what `cargo bench --bench scaling -- --csv DIR` wrote: python plot_scaling.py DIR OUT.svg"""

import csv
import pathlib
import sys

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "scaling"
import matplotlib.pyplot as plt


def column(rows, name):
    return [float(row[name]) for row in rows]


folder, out = pathlib.Path(sys.argv[1]), sys.argv[2]
rows = {name: list(csv.DictReader(open(folder / f"{name}.csv"))) for name in ("threads", "batch", "width", "memory")}
figure, axes = plt.subplots(1, 4, figsize=(13, 3), layout="constrained")
for (name, x, y, title), axis in zip(
    [
        ("threads", "threads", "100-100 b16", "steps per second, 100-100 b16"),
        ("batch", "batch", "µs per step", "µs per step by batch, 256-256"),
        ("width", "width", "µs per step", "µs per step by width, batch 16"),
        ("memory", "runs", "MB above none", "MB above none by runs"),
    ],
    axes,
):
    axis.plot(column(rows[name], x), column(rows[name], y), "o-", color="#0072B2")
    axis.set(title=title, xlabel=x)
    if name in ("batch", "width"):
        axis.set(xscale="log", yscale="log")
    else:
        axis.set(ylim=(0, None))
figure.savefig(out, metadata={"Date": None})
