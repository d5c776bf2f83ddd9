#!/usr/bin/env python3
"""The L2 Init row of this table in PyTorch, with nothing of plasticity-bench in it: 20 tasks of permuted MNIST, 10,000
images drawn once a seed, an epoch each at batch 16, MLP 784-100-100-10, Adam at 1e-3, loss + λ/2·|θ - θ₀|² with λ = 1e-3.
Prints mean and standard error over seeds of online accuracy, backward transfer and one-step backward transfer. About
50 seconds a seed and core.

    replica.py FOLDER [SEEDS]     FOLDER has MNIST's four files as published, plain or gzipped"""

import statistics
import sys
from pathlib import Path

import numpy
import torch
from torch.nn import Linear, ReLU, Sequential
from torch.nn.functional import cross_entropy

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from mnist import labels, read  # noqa: E402

TASKS, EXAMPLES, BATCH, STRENGTH = 20, 10_000, 16, 1e-3


def pixels(folder, name):
    return torch.tensor(read(folder, name).reshape(-1, 784) / 127.5 - 1, dtype=torch.float32)


def run(seed, train, test):
    torch.manual_seed(seed)
    network = Sequential(Linear(784, 100), ReLU(), Linear(100, 100), ReLU(), Linear(100, 10))
    start = [p.detach().clone() for p in network.parameters()]
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    rows = torch.randperm(len(train[0]))[:EXAMPLES]
    permutations = [torch.randperm(784) for _ in range(TASKS)]
    accuracy, hits = numpy.zeros((TASKS, TASKS)), 0
    for task, permutation in enumerate(permutations):
        inputs, targets = train[0][rows][:, permutation], train[1][rows]
        for batch in torch.randperm(EXAMPLES).split(BATCH):
            logits = network(inputs[batch])
            hits += (logits.argmax(1) == targets[batch]).sum().item()
            away = sum(((p - s) ** 2).sum() for p, s in zip(network.parameters(), start))
            optimizer.zero_grad()
            (cross_entropy(logits, targets[batch]) + STRENGTH / 2 * away).backward()
            optimizer.step()
        with torch.no_grad():
            for seen, permutation in enumerate(permutations[: task + 1]):
                right = network(test[0][:, permutation]).argmax(1) == test[1]
                accuracy[task, seen] = right.float().mean().item()
    after = numpy.diag(accuracy)[:-1]
    one_step = numpy.diag(accuracy, -1) - after
    return hits / (TASKS * EXAMPLES), (accuracy[-1, :-1] - after).mean(), one_step.mean()


def main():
    folder, seeds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    torch.set_num_threads(1)
    train = pixels(folder, "train-images"), labels(folder, "train-labels")
    test = pixels(folder, "t10k-images"), labels(folder, "t10k-labels")
    runs = zip(*(run(seed, train, test) for seed in range(seeds)))
    for name, values in zip(("online accuracy", "backward transfer", "one step"), runs):
        print(f"{name}: {statistics.mean(values):.4f} ± {statistics.stdev(values) / len(values) ** 0.5:.4f}")


if __name__ == "__main__":
    main()
