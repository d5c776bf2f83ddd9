"""Curves of critics beside the bias of their values: for every run with rationals and every task's end, the steepest tail
of the critics' first layer and the bias of Q; Spearman correlations across runs with bootstrap intervals over runs.

    python critics.py RESULTS [RESULTS ...] > critics.csv

RESULTS are folders of runs. The correlations go to standard error. Needs numpy and scipy.
"""

import csv
import pathlib
import sys

import numpy as np
from scipy.stats import spearmanr


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def of_run(folder):
    """(environment, constraint, seed), and the status and per task the tail slope, q_bias, its normalised form and
    q_impossible; None of a run that has no task yet or no rationals."""
    tasks = rows(folder / "tasks.csv")
    if not tasks or not tasks[0]["activation"].startswith("rational"):
        return None
    constraint = tasks[0]["constraint"].split()[0]
    tails = {}
    for row in rows(folder / "probes.csv"):
        critic = row["layer"].startswith("critic") and row["layer"].endswith(".layers.0")
        if critic and row["probe"] == "output_scale_tail_slope" and row["phase"] == "end":
            task = int(row["task"])
            tails[task] = max(tails.get(task, 0.0), float(row["value"]))
    looks = {int(row["task"]): row for row in rows(folder / "evaluations.csv")}
    key = tasks[0]["environment"], constraint, int(tasks[0]["seed"])
    table = [
        (task, tail, *(float(looks[task][name]) for name in ("q_bias", "q_bias_normalized", "q_impossible")))
        for task, tail in sorted(tails.items())
        if task in looks
    ]
    return key, (tasks[-1]["status"], table)


def correlation(pairs, draws=10_000):
    pairs = np.array(pairs)
    rng = np.random.default_rng(0)
    value = spearmanr(*pairs.T).statistic
    some = [spearmanr(*pairs[rng.integers(0, len(pairs), len(pairs))].T).statistic for _ in range(draws)]
    low, high = np.nanquantile(some, [0.025, 0.975])
    return f"{value:.2f} [{low:.2f}, {high:.2f}], {len(pairs)} runs"


def main(folders):
    paths = [path for folder in folders for path in sorted(pathlib.Path(folder).rglob("probes.csv"))]
    runs = dict(filter(None, (of_run(path.parent) for path in paths)))
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["environment", "constraint", "seed", "task", "tail_slope", "q_bias", "q_bias_normalized", "q_impossible", "status"])
    for key, (status, table) in sorted(runs.items()):
        for task, tail, *bias in table:
            out.writerow([*key, task, f"{tail:.4g}", *(f"{x:.4g}" for x in bias), status if task == table[-1][0] else ""])
    for constraint in ("none", "tail-slope"):
        own = [table for (_, own, _), (_, table) in runs.items() if own == constraint]
        for name, column in (("q_bias", 2), ("q_bias_normalized", 3)):
            pairs = [(max(r[1] for r in table), max(r[column] for r in table if r[0] > 0)) for table in own]
            print(f"{constraint}: steepest tail and largest {name} of a run: {correlation(pairs)}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
