"""Writes muon.csv: six steps of Muon on matrices of several shapes, in float64.

The step is written out as published (Keller Jordan, https://kellerjordan.github.io/posts/muon, KellerJordan/Muon)
with its bfloat16 left out; on matrices every step is held against torch.optim.Muon, which multiplies in
bfloat16, within the 0.03 that this costs. The loss is ½‖W - T‖², so the gradient is W - T.

A row: shape, settings, step (from 0, the start), the values after the step in row-major order. Gradients follow
from the target, which is the row of step -1. Run here: python muon.py (torch 2.15)
"""

import pathlib

import torch

A, B, C = 3.4445, -4.7750, 2.0315
RUNS = [
    ((4, 6), dict(lr=0.05)),
    ((6, 3), dict(lr=0.05)),
    ((5, 5), dict(lr=0.1, momentum=0.5, nesterov=False, weight_decay=0.1)),
    ((3, 2, 3, 3), dict(lr=0.05)),
    ((4, 6), dict(lr=0.05, ns_steps=3)),
]


def orthogonalized(g, steps):
    x = g
    if x.size(0) > x.size(1):
        x = x.T
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = A * x + (B * gram + C * gram @ gram) @ x
    return x.T if g.size(0) > g.size(1) else x


def step(w, g, buffer, lr, momentum=0.95, nesterov=True, ns_steps=5, weight_decay=0.0):
    buffer.lerp_(g, 1 - momentum)
    update = g.lerp(buffer, momentum) if nesterov else buffer
    update = orthogonalized(update.reshape(len(update), -1), ns_steps)
    update = update * max(1, update.size(0) / update.size(1)) ** 0.5
    w.mul_(1 - lr * weight_decay).add_(update.reshape(w.shape), alpha=-lr)


def words(settings):
    return " ".join(f"{k}={str(v).lower()}" for k, v in settings.items())


def numbers(x):
    return " ".join(repr(v) for v in x.flatten().tolist())


torch.manual_seed(0)
with open(pathlib.Path(__file__).with_suffix(".csv"), "w") as file:
    file.write("# made by muon.py\nshape,settings,step,values\n")
    for shape, settings in RUNS:
        target, w = (torch.randn(shape, dtype=torch.float32).double() for _ in range(2))
        name = "x".join(map(str, shape))
        file.write(f"{name},{words(settings)},-1,{numbers(target)}\n")
        file.write(f"{name},{words(settings)},0,{numbers(w)}\n")
        buffer = torch.zeros_like(w)
        theirs = torch.nn.Parameter(w.float().clone())
        if len(shape) == 2:
            optimizer = torch.optim.Muon([theirs], **{"weight_decay": 0.0, **settings})
        for number in range(1, 7):
            step(w, w - target, buffer, **settings)
            if len(shape) == 2:
                theirs.grad = theirs.detach() - target.float()
                optimizer.step()
                distance = (theirs.detach() - w).abs().max().item()
                assert distance < 0.03, (shape, settings, number, distance)
            file.write(f"{name},{words(settings)},{number},{numbers(w)}\n")
