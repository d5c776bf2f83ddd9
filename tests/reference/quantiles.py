"""Quantile regression of a truncated mixture by PyTorch's own Huber loss and autograd, as quantiles.csv.

    python tests/reference/quantiles.py        # needs torch and numpy

Each row: atoms of all critics (a critic after the other, with / between them), how many are dropped a critic,
reward, discount; then for the first critic the loss against reward + discount · what is left, and its
derivative by each atom. Numbers are f64.
"""

import os

import numpy as np
import torch


def row(rng, critics, atoms, dropped):
    said = torch.tensor(rng.normal(0, 2, (critics, atoms)), dtype=torch.float64, requires_grad=True)
    reward, discount = float(rng.normal()), float(rng.uniform(0.5, 1))
    pooled = torch.sort(said.detach().flatten()).values
    target = reward + discount * pooled[: critics * (atoms - dropped)]
    first = said[0]
    fraction = (2 * torch.arange(atoms, dtype=torch.float64) + 1) / (2 * atoms)
    wide = first[:, None].expand(atoms, len(target))
    huber = torch.nn.functional.huber_loss(wide, target[None, :].expand_as(wide), reduction="none", delta=1.0)
    below = (target[None, :] < first[:, None]).double()
    loss = ((fraction[:, None] - below).abs() * huber).mean()
    loss.backward()
    text = lambda x: " ".join(repr(float(y)) for y in x)
    mixture = "/".join(text(critic) for critic in said.detach())
    return f"{mixture},{dropped},{reward!r},{discount!r},{float(loss.detach())!r},{text(said.grad[0])}"


rng = np.random.default_rng(0)
rows = [row(rng, *shape) for shape in [(1, 1, 0), (1, 5, 2), (2, 5, 0), (2, 25, 2), (3, 7, 6), (5, 4, 1)]]
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "quantiles.csv")
with open(path, "w") as file:
    file.write("\n".join(["atoms,dropped,reward,discount,loss,gradient", *rows]) + "\n")
