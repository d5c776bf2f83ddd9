"""What tells the loss of plasticity beforehand: Spearman's rank correlation across runs between a probe at the end of
a task and the online accuracy so many tasks later, with a bootstrap interval over runs.

    python predictors.py DIR [--bench NAME]     DIR/RUN/{run.toml,tasks.csv,probes.csv}

Runs are those whose coefficients are trained, under one learning rate of the network. A probe of several layers is
the largest (steepest, tail_slope, rms, norms) or the least (srank) of them. Needs numpy and scipy.
"""

import csv
import pathlib
import sys
import tomllib

import numpy as np
from scipy import stats

LARGEST = ["output_scale_steepest", "output_scale_tail_slope", "output_scale_rms", "weight_norm", "gradient_norm"]
LEAST = ["srank"]
AFTER, LEADS, RESAMPLES = [1, 3, 5, 10], [1, 5, 10, 20], 2000


def runs(folder):
    for run in sorted(pathlib.Path(folder).iterdir()):
        if not (run / "probes.csv").exists():
            continue
        spec = tomllib.loads((run / "run.toml").read_text())
        constraint = spec["activation"].get("constraint", {})
        constraint = constraint if isinstance(constraint, str) else constraint.get("name", "none")
        if constraint == "frozen" or spec["optimizer"]["learning_rate"] != 1e-3:
            continue
        with open(run / "tasks.csv", newline="") as file:
            accuracy = [float(row["online_accuracy"]) for row in csv.DictReader(file) if row["status"] == "done"]
        if len(accuracy) < 50:
            continue
        probes = {}
        with open(run / "probes.csv", newline="") as file:
            for row in csv.DictReader(file):
                if row["phase"] != "end" or row["probe"] not in LARGEST + LEAST or row["layer"] == "layers.2":
                    continue
                key, value = (row["probe"], int(row["task"])), float(row["value"])
                pick = min if row["probe"] in LEAST else max
                probes[key] = pick(probes.get(key, value), value)
        rate = spec["activation"].get("learning_rate", spec["optimizer"]["learning_rate"])
        yield (rate, constraint), accuracy, probes


def correlation(x, y, draws):
    rho = stats.spearmanr(x, y).statistic
    n = len(x)
    again = [stats.spearmanr(x[i], y[i]).statistic for i in draws.integers(0, n, (RESAMPLES, n))]
    return rho, *np.nanpercentile(again, [2.5, 97.5])


def main():
    all_runs = list(runs(sys.argv[1]))
    draws = np.random.default_rng(0)
    print(f"{len(all_runs)} runs")
    print("predictor,after_task,lead,runs,spearman,low,high")
    for predictor in ["online_accuracy", *LARGEST, *LEAST]:
        for after in AFTER:
            for lead in LEADS:
                of = (lambda a, p: a[after - 1]) if predictor == "online_accuracy" else (lambda a, p: p[predictor, after - 1])
                x = np.array([of(a, p) for _, a, p in all_runs])
                y = np.array([a[after - 1 + lead] for _, a, _ in all_runs])
                rho, low, high = correlation(x, y, draws)
                print(f"{predictor},{after},{lead},{len(x)},{rho:.2f},{low:.2f},{high:.2f}")


if __name__ == "__main__":
    main()
