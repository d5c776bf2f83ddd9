"""Writes probes.csv: every probe on hard feature matrices, from numpy's full SVD in float64.

The matrices are recipes of integers and IEEE operations in a fixed order, so that src/probes/tests.rs
builds the same float32 to the last bit and no matrix needs to be stored. Only numpy is needed; made
with numpy 2.4. Nothing here goes by way of a Gram matrix.
"""

import pathlib

import numpy as np

EPSILON = float(np.finfo(np.float32).eps)


def mix(seed, rows, columns):
    """(rows, columns) of 64 mixed bits: splitmix64's finaliser on a counter."""
    i, j = np.meshgrid(np.arange(rows, dtype=np.uint64), np.arange(columns, dtype=np.uint64), indexing="ij")
    with np.errstate(over="ignore"):
        z = (np.uint64(seed) << np.uint64(48)) + (i << np.uint64(24)) + j
        z = z * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def uniform(seed, rows, columns, bits=24):
    """Multiples of 2^(1 - bits) in [-1, 1)."""
    half = 1 << (bits - 1)
    return ((mix(seed, rows, columns) >> np.uint64(64 - bits)).astype(np.int64) - half) / half


def low_rank(seed, rows, columns, rank, halving):
    """Sum of `rank` outer products of 12-bit numbers, product k scaled by 2^-(k·halving // 8); exact."""
    a, b = uniform(seed, rows, rank, 12), uniform(seed + 1, rank, columns, 12)
    scales = [2.0 ** -(k * halving // 8) for k in range(rank)]
    return (a * scales) @ b


def graded(seed, rows, side, octaves):
    """Singular values falling over so many octaves, spread over all columns by a Hadamard matrix."""
    scales = [2.0 ** -(k * octaves // (side - 1)) for k in range(side)]
    signs = [[(-1.0) ** (k & j).bit_count() for j in range(side)] for k in range(side)]
    return (uniform(seed, rows, side, 8) * scales) @ np.array(signs)


def unequal(seed, rows, columns):
    """Units of falling size, every second one far from 0: dormant and constant ones differ."""
    j = np.arange(columns)
    return uniform(seed, rows, columns) * 2.0 ** -(j // 4).astype(float) + 0.5 * (j % 2)


def dead(features):
    features = np.maximum(features, 0.0)
    features[:, 1::3] = 0.0
    return features


CASES = {
    "uniform": uniform(1, 200, 30),
    "wide": uniform(2, 30, 100),
    "wide_low_rank": low_rank(3, 40, 90, 6, 0),
    "relu": np.maximum(low_rank(5, 2000, 100, 20, 4), 0.0),
    "dead": dead(low_rank(7, 500, 60, 40, 2)),
    "rank_5": low_rank(9, 300, 40, 5, 0),
    "rank_5_rounded": low_rank(9, 300, 40, 5, 0) * 0.1,
    "graded_1e-6": graded(11, 256, 64, 20),
    "graded_1e-12": graded(11, 256, 64, 40),
    "constant": np.repeat(uniform(13, 1, 25), 150, axis=0),
    "nearly_constant": 1000.0 + 0.01 * uniform(15, 400, 20),
    "offset": 7.0 + low_rank(17, 400, 50, 30, 4),
    "zeros": np.zeros((50, 10)),
    "huge": uniform(19, 100, 20) * 2.0**100,
    "tiny": uniform(21, 100, 20) * 2.0**-120,
    "one_sample": uniform(23, 1, 12),
    "one_unit": uniform(25, 50, 1),
    "unequal": unequal(29, 300, 40),
    "square": uniform(27, 64, 64),
}


def ratio(a, b):
    return a / b if b else 0.0


def probes(features):
    n, d = features.shape
    s = np.linalg.svd(features, compute_uv=False)
    c = np.linalg.svd(features - features.mean(axis=0), compute_uv=False)
    p = s[s > 0] / s.sum() if s.sum() else np.zeros(0)
    held = np.cumsum(s)
    yield "srank", int(np.argmax(held >= 0.99 * held[-1])) + 1 if s.sum() else 0
    yield "effective_rank", float(np.exp(-(p * np.log(p)).sum())) if len(p) else 0.0
    yield "numerical_rank", int((s > EPSILON * s[0] * max(n, d)).sum())
    yield "feature_rank", int((s / np.sqrt(n) > 0.01).sum())
    yield "stable_rank", ratio(np.linalg.norm(features) ** 2, s[0] ** 2)
    constant = (features == features[0]).all()  # its mean may be rounded, what is left of it is no signal
    yield "participation_ratio", 0.0 if constant else (c**2).sum() ** 2 / (c**4).sum()
    yield "dead_units", (features == 0).all(axis=0).mean()
    magnitude, deviation = np.abs(features).mean(axis=0), features.std(axis=0)
    deviation[(features == features[0]).all(axis=0)] = 0.0
    for tau in (0.025, 0.1):
        yield f"dormant_units_{tau}", (magnitude <= tau * magnitude.mean()).mean()
        if n > 1:
            yield f"constant_units_{tau}", (deviation <= tau * deviation.mean()).mean()
    yield "output_scale_rms", np.sqrt((features**2).mean())
    yield "output_scale_max_abs", np.abs(features).max()


# Why numerical_rank has a threshold: in float32 no singular value of a rounded rank-5 matrix is 0.
assert (np.linalg.svd(CASES["rank_5_rounded"].astype(np.float32), compute_uv=False) != 0).sum() == 40

with open(pathlib.Path(__file__).with_suffix(".csv"), "w") as file:
    file.write("# made by probes.py\ncase,samples,units,probe,value\n")
    for case, features in CASES.items():
        features = features.astype(np.float32).astype(np.float64)
        n, d = features.shape
        for probe, value in probes(features):
            file.write(f"{case},{n},{d},{probe},{float(value)!r}\n")
        if case.startswith(("graded", "rank")):
            for i, value in enumerate(np.linalg.svd(features, compute_uv=False)):
                file.write(f"{case},{n},{d},singular_value_{i},{float(value)!r}\n")
