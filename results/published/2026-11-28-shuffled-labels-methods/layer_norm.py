#!/usr/bin/env python3
"""The layer norm row of this table in PyTorch, with nothing of plasticity-bench in it: 1200 images of MNIST on [-1, 1]
drawn once a seed, 50 tasks of 30,000 steps with reshuffled labels, batch 16, MLP 784-100-100-10 with layer
normalisation before each relu, Adam at 1e-4. Prints every task's online accuracy and each seed's mean. About 12 minutes
a seed and core.

    layer_norm.py FOLDER SEEDS [whole]     FOLDER has MNIST's four files as published, plain or gzipped

An epoch has 74 batches, as in the code behind the figure, which leaves out an epoch's last batch; with `whole`, all 75."""

import random
import sys
from pathlib import Path

import torch
from torch.nn import LayerNorm, Linear, ReLU, Sequential
from torch.nn.functional import cross_entropy

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from mnist import labels, read  # noqa: E402

TASKS, STEPS, EXAMPLES, BATCH = 50, 30_000, 1200, 16


def network():
    first, second, last = Linear(784, 100), Linear(100, 100), Linear(100, 10)
    return Sequential(first, LayerNorm(100), ReLU(), second, LayerNorm(100), ReLU(), last)


def run(seed, images, classes, batches):
    draws = random.Random(seed)

    def shuffled(count):
        order = list(range(count))
        draws.shuffle(order)
        return torch.tensor(order)

    torch.manual_seed(seed)
    network()  # that code makes a network without normalisation first
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), 1e-4, fused=True)
    rows = shuffled(len(images))
    shuffled(10_000)  # and shuffles the test images
    images, classes = images[rows][:EXAMPLES], classes[rows][:EXAMPLES]
    classes = classes[shuffled(EXAMPLES)]
    targets, accuracies = classes, []
    for task in range(TASKS):
        inputs, hits = images, torch.zeros(())
        for step in range(STEPS):
            if step % batches == 0:
                rows = shuffled(EXAMPLES)
                inputs, targets = inputs[rows], targets[rows]
            at = slice(step % batches * BATCH, (step % batches + 1) * BATCH)
            logits = model(inputs[at])
            optimizer.zero_grad()
            cross_entropy(logits, targets[at]).backward()
            optimizer.step()
            hits += (logits.detach().argmax(1) == targets[at]).float().mean()
        accuracies.append(hits.item() / STEPS)
        print(f"seed {seed}, task {task}: {accuracies[-1]:.4f}", flush=True)
        targets = classes[shuffled(EXAMPLES)]
    print(f"seed {seed}: {sum(accuracies) / TASKS:.4f}", flush=True)


def main():
    folder, seeds = sys.argv[1], int(sys.argv[2])
    torch.set_num_threads(1)
    images = (torch.tensor(read(folder, "train-images").reshape(-1, 784)).float() / 255 - 0.5) / 0.5
    targets = labels(folder, "train-labels")
    for seed in range(seeds):
        run(seed, images, targets, 75 if "whole" in sys.argv[3:] else 74)


if __name__ == "__main__":
    main()
