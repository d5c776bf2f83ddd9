"""What tells the loss of plasticity beforehand: Spearman's rank correlation across runs between a probe at the end of
a task and the online accuracy so many tasks later, with a bootstrap interval over runs.

    python predictors.py DIR [MORE]     DIR/RUN/{run.toml,tasks.csv,probes.csv}

Runs are those whose coefficients are trained, under one learning rate of the network. A probe of several layers is
the largest (steepest, tail_slope, rms, norms, curvature) or the least (srank) of them. MORE has the same runs, cut short
and with other probes: its rows are added to those of DIR, if its accuracies are the same to the digit.
`curvature_of_next` is that of the next task's loss, before its first step. Needs numpy and scipy.
"""

import csv
import pathlib
import sys
import tomllib

import numpy as np
from scipy import stats

LARGEST = ["output_scale_steepest", "output_scale_tail_slope", "output_scale_rms", "weight_norm", "gradient_norm"]
CURVATURE, NEXT = "curvature", "curvature_of_next"
LEAST = ["srank"]
AFTER, LEADS, RESAMPLES = [1, 3, 5, 10], [1, 5, 10, 20], 2000


def read_probes(run):
    probes = {}
    with open(run / "probes.csv", newline="") as file:
        for row in csv.DictReader(file):
            name, task = row["probe"], int(row["task"])
            if name == CURVATURE and row["phase"] == "start":
                name, task = NEXT, task - 1
            elif row["phase"] != "end" or name not in [*LARGEST, *LEAST, CURVATURE] or row["layer"] == "layers.2":
                continue
            value = float(row["value"])
            pick = min if name in LEAST else max
            probes[name, task] = pick(probes.get((name, task), value), value)
    return probes


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
        rate = spec["activation"].get("learning_rate", spec["optimizer"]["learning_rate"])
        probes = read_probes(run) | {("online_accuracy", task): value for task, value in enumerate(accuracy)}
        yield (rate, constraint, *spec["grid"]["seeds"]), accuracy, probes


def gathered(folders):
    """Accuracies and probes of each run of the first folder, with the other folders' probes."""
    first, *others = [{name: (a, p) for name, a, p in runs(folder)} for folder in folders]
    for name, (accuracy, probes) in first.items():
        for more in others:
            again, extra = more[name]
            if again != accuracy[: len(again)]:
                sys.exit(f"{name} is another run there")
            probes.update(extra)
        if len(accuracy) >= 50:
            yield accuracy, probes


def correlation(x, y, draws):
    rho = stats.spearmanr(x, y).statistic
    n = len(x)
    again = [stats.spearmanr(x[i], y[i]).statistic for i in draws.integers(0, n, (RESAMPLES, n))]
    return rho, *np.nanpercentile(again, [2.5, 97.5])


def main():
    all_runs = list(gathered(sys.argv[1:]))
    draws = np.random.default_rng(0)
    print(f"{len(all_runs)} runs")
    print("predictor,after_task,lead,runs,spearman,low,high")
    for predictor in ["online_accuracy", *LARGEST, *LEAST, CURVATURE, NEXT]:
        for after in AFTER:
            where = (predictor, after - 1)
            if any(where not in probes for _, probes in all_runs):
                continue
            x = np.array([p[where] for _, p in all_runs])
            for lead in LEADS:
                y = np.array([a[after - 1 + lead] for a, _ in all_runs])
                rho, low, high = correlation(x, y, draws)
                print(f"{predictor},{after},{lead},{len(x)},{rho:.2f},{low:.2f},{high:.2f}")


if __name__ == "__main__":
    main()
