#!/usr/bin/env python3
"""The layer norm row of this table in PyTorch, with nothing of plasticity-bench in it: 1200 images of MNIST on [-1, 1]
drawn once a seed, 50 tasks of 30,000 steps with reshuffled labels, batch 16, MLP 784-100-100-10 with layer
normalisation before each relu, Adam at 1e-4. Prints every task's online accuracy and each seed's mean. About 12 minutes
a seed and core.

    layer_norm.py FOLDER SEEDS [whole]     FOLDER has MNIST's four files as published, plain or gzipped

An epoch has 74 batches, as in the code behind the figure, which leaves out an epoch's last batch; with `whole`, all 75."""

import gzip
import random
import sys
from pathlib import Path

import numpy
import torch
from torch.nn import LayerNorm, Linear, ReLU, Sequential
from torch.nn.functional import cross_entropy

TASKS, STEPS, EXAMPLES, BATCH = 50, 30_000, 1200, 16


def read(folder, name):
    path = next(Path(folder).rglob(name + "*"))
    content = gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes()
    axes = content[3]
    shape = [int.from_bytes(content[4 + 4 * i : 8 + 4 * i], "big") for i in range(axes)]
    return numpy.frombuffer(content, numpy.uint8, offset=4 + 4 * axes).reshape(shape)


def network():
    first, second, last = Linear(784, 100), Linear(100, 100), Linear(100, 10)
    return Sequential(first, LayerNorm(100), ReLU(), second, LayerNorm(100), ReLU(), last)


def run(seed, images, labels, batches):
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
    images, labels = images[rows][:EXAMPLES], labels[rows][:EXAMPLES]
    labels = labels[shuffled(EXAMPLES)]
    targets, accuracies = labels, []
    for task in range(TASKS):
        inputs, hits = images, torch.zeros(())
        for step in range(STEPS):
            if step == STEPS - 1:
                later = labels[shuffled(EXAMPLES)]
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
        targets = later
    print(f"seed {seed}: {sum(accuracies) / TASKS:.4f}", flush=True)


def main():
    folder, seeds = sys.argv[1], int(sys.argv[2])
    torch.set_num_threads(1)
    images = (torch.tensor(read(folder, "train-images").reshape(-1, 784)).float() / 255 - 0.5) / 0.5
    labels = torch.tensor(read(folder, "train-labels").astype(numpy.int64))
    for seed in range(seeds):
        run(seed, images, labels, 75 if "whole" in sys.argv[3:] else 74)


if __name__ == "__main__":
    main()
