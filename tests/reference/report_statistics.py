"""Reference values for src/report/statistics: numpy, scipy and rliable (pip install rliable).

Writes statistics.csv: quantity,value. The samples are fixed numbers that the Rust test repeats.
`exact_*` come from all 5^5 equally likely resamples of five values; `rliable_*` from 50,000 random ones,
so that ours, which draw others, agree to within the error of both.
"""

import csv
import itertools
import pathlib

import numpy as np
from rliable import library, metrics
from scipy import stats

# (seeds, benchmarks)
X = np.array([[(37 * i * i + 11 * i + 5 * j) % 101 / 101 for j in range(3)] for i in range(10)])
Y = np.array([[(53 * i * i + 7 * i + 13 * j) % 97 / 97 for j in range(3)] for i in range(10)])
FIVE = np.array([0.62, 0.48, 0.91, 0.55, 0.70])
TIED = [(0.1, 3.0), (0.2, 3.0), (0.2, 1.0), (0.5, -2.0), (9.0, -1.0), (0.3, 0.5)]

rows = []


def put(name, value):
    rows.append((name, repr(float(value))))


flat = X.ravel()
put("mean", flat.mean())
put("median", np.median(flat))
put("iqm", stats.trim_mean(flat, 0.25))
put("rliable_iqm", metrics.aggregate_iqm(X))
for share in (0.0, 0.025, 0.3, 0.975, 1.0):
    put(f"percentile_{share}", np.percentile(flat, 100 * share))
for n in range(1, 8):
    put(f"iqm_of_{n}", stats.trim_mean(flat[:n], 0.25))

put("improvement", metrics.probability_of_improvement(X, Y))
u = stats.mannwhitneyu([1, 2, 2, 3], [2, 0, 3], alternative="greater").statistic
put("improvement_with_ties", u / 12)
put("pearson", stats.pearsonr(*zip(*TIED)).statistic)
put("spearman", stats.spearmanr(*zip(*TIED)).statistic)
thresholds = np.array([0.0, 0.25, 0.5, 0.75])
for t in thresholds:
    put(f"profile_{t}", library.run_score_deviation(X, t))

resamples = np.array([FIVE[list(pick)] for pick in itertools.product(range(5), repeat=5)])
for name, drawn in (
    ("mean", resamples.mean(axis=1)),
    ("median", np.median(resamples, axis=1)),
    ("iqm", stats.trim_mean(resamples, 0.25, axis=1)),
):
    put(f"exact_{name}_low", np.percentile(drawn, 2.5))
    put(f"exact_{name}_high", np.percentile(drawn, 97.5))

state = np.random.RandomState(0)
_, intervals = library.get_interval_estimates(
    {"x": X}, lambda s: np.array([metrics.aggregate_mean(s), metrics.aggregate_iqm(s)]),
    reps=50_000, random_state=state)
for index, name in enumerate(("mean", "iqm")):
    put(f"rliable_{name}_low", intervals["x"][0, index])
    put(f"rliable_{name}_high", intervals["x"][1, index])
_, intervals = library.get_interval_estimates(
    {"xy": (X, Y)}, metrics.probability_of_improvement, reps=5_000, random_state=state)
put("rliable_improvement_low", np.ravel(intervals["xy"])[0])
put("rliable_improvement_high", np.ravel(intervals["xy"])[1])

# Pointwise bands of the performance profile.
_, intervals = library.get_interval_estimates(
    {"x": X}, lambda s: np.array([library.run_score_deviation(s, t) for t in thresholds]),
    reps=50_000, random_state=state)
for index, t in enumerate(thresholds):
    put(f"rliable_profile_{t}_low", intervals["x"][0, index])
    put(f"rliable_profile_{t}_high", intervals["x"][1, index])

# Differences over shared seeds.
OTHER = np.array([0.60, 0.50, 0.80, 0.40, 0.71])
for name, of in (("mean", np.mean), ("median", np.median)):
    put(f"paired_{name}", of(FIVE - OTHER))
    drawn = stats.bootstrap(
        (FIVE, OTHER), lambda a, b, axis=-1: of(a - b, axis=axis), paired=True, vectorized=True,
        n_resamples=50_000, method="percentile", random_state=0).confidence_interval
    put(f"paired_{name}_low", drawn.low)
    put(f"paired_{name}_high", drawn.high)

with open(pathlib.Path(__file__).with_name("statistics.csv"), "w", newline="") as file:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("quantity", "value"))
    writer.writerows(rows)
