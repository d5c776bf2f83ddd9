"""Writes best_of.csv: mean and percentiles of the best of n of a few scores, drawn with replacement.

numpy alone; every row is checked against a million draws before it is written. Run here: python best_of.py
"""

import numpy as np

CASES = [
    [0.31, 0.84, 0.52, 0.77, 0.12, 0.805, 0.79, 0.4],
    [1.0, 1.0, -2.0, 0.5],
    [-0.3, -0.1, -0.2],
    [0.7],
]

rng = np.random.default_rng(0)
rows = []
for scores in CASES:
    s = np.sort(np.array(scores))
    N = len(s)
    for n in (1, 2, 3, 8):
        cdf = (np.arange(N + 1) / N) ** n
        mean = float(np.sum(s * np.diff(cdf)))
        low, high = (float(s[np.argmax(cdf[1:] >= q)]) for q in (0.025, 0.975))
        draws = rng.choice(s, size=(1_000_000, n)).max(axis=1)
        assert abs(draws.mean() - mean) < 5e-3, (scores, n, draws.mean(), mean)
        for q, value in ((0.025, low), (0.975, high)):
            assert (draws < value).mean() <= q + 1e-3 and (draws <= value).mean() >= q - 1e-3
        rows.append((" ".join(map(repr, scores)), n, repr(mean), repr(low), repr(high)))

with open("best_of.csv", "w") as out:
    out.write(f"# numpy {np.__version__}, tests/reference/best_of.py\n")
    out.write("scores,n,mean,low,high\n")
    out.writelines(",".join(map(str, row)) + "\n" for row in rows)
