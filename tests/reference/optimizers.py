"""Writes optimizers.csv: ten steps of torch's optimisers on a small quadratic, in float32 and float64.

The loss is ½ Σ c_i (x_i - t_i)² with eight parameters, so the gradient is c_i (x_i - t_i), computed in
the column's own precision and read back by whoever replays the trace: a row holds the gradient that
the step saw and the value after it. Only torch is needed (made with torch 2.15, foreach off).

A row: optimizer, settings (its keyword arguments), dtype, step (from 1), the gradients, the values after
the step; lists are separated by spaces. Step 0 has the start and no gradients.
"""

import pathlib

import torch

CURVATURE = [1.0, 0.25, 4.0, 1e-3, 30.0, 2.0, 0.5, 1.0]
TARGET = [0.0, 1.0, -0.5, 2.0, 0.1, -3.0, 0.75, 1e-4]
START = [1.0, -2.0, 0.3, 0.0, 0.1, 5.0, -0.75, 1e-4]  # the fifth and the last start with a gradient of 0

RUNS = [
    ("adam", torch.optim.Adam, dict(lr=0.1)),
    ("adam", torch.optim.Adam, dict(lr=0.1, weight_decay=0.05)),
    ("adam", torch.optim.Adam, dict(lr=0.02, betas=(0.5, 0.9), eps=1e-3)),
    ("adam", torch.optim.Adam, dict(lr=0.02, betas=(0.5, 0.9), eps=1e-3, gnt=True)),
    ("adamw", torch.optim.AdamW, dict(lr=0.1)),
    ("adamw", torch.optim.AdamW, dict(lr=0.1, weight_decay=0.5)),
    ("sgd", torch.optim.SGD, dict(lr=0.05)),
    ("sgd", torch.optim.SGD, dict(lr=0.05, weight_decay=0.1)),
    ("sgd", torch.optim.SGD, dict(lr=0.03, momentum=0.9)),
    ("sgd", torch.optim.SGD, dict(lr=0.03, momentum=0.9, weight_decay=0.1)),
    ("sgd", torch.optim.SGD, dict(lr=0.03, momentum=0.9, weight_decay=0.1, nesterov=True)),
    ("rmsprop", torch.optim.RMSprop, dict(lr=0.01)),
    ("rmsprop", torch.optim.RMSprop, dict(lr=0.02, alpha=0.9, eps=1e-3)),
    ("rmsprop", torch.optim.RMSprop, dict(lr=0.01, momentum=0.9)),
    ("rmsprop", torch.optim.RMSprop, dict(lr=0.01, alpha=0.9, momentum=0.5, weight_decay=0.1)),
]


def words(settings):
    """lr=0.1 betas=0.5/0.9 …"""
    flat = {k: "/".join(map(str, v)) if isinstance(v, tuple) else str(v).lower() for k, v in settings.items()}
    return " ".join(f"{k}={v}" for k, v in flat.items())


def number(x, dtype):
    """Shortest decimal that reads back to the same bits in its own precision."""
    if dtype == torch.float64:
        return repr(x.item())
    return str(x.numpy())


def numbers(x, dtype):
    return " ".join(number(v, dtype) for v in x.detach())


def trace(make, settings, dtype):
    """With gnt, torch's learning rate and epsilon are set before every step to what comes to that form."""
    settings = dict(settings)
    gnt = settings.pop("gnt", False)
    c, t = (torch.tensor(v, dtype=dtype) for v in (CURVATURE, TARGET))
    x = torch.nn.Parameter(torch.tensor(START, dtype=dtype))
    optimizer = make([x], foreach=False, **settings)
    yield 0, "", numbers(x, dtype)
    for step in range(1, 11):
        x.grad = c * (x.detach() - t)
        gradient = numbers(x.grad, dtype)
        if gnt:
            corrections = [1 - beta**step for beta in settings["betas"]]
            group = optimizer.param_groups[0]
            group["lr"] = settings["lr"] * corrections[0] * corrections[1] ** 0.5
            group["eps"] = settings["eps"] / corrections[1] ** 0.5
        optimizer.step()
        yield step, gradient, numbers(x, dtype)


with open(pathlib.Path(__file__).with_suffix(".csv"), "w") as file:
    file.write("# made by optimizers.py\noptimizer,settings,dtype,step,gradients,values\n")
    for name, make, settings in RUNS:
        for dtype, label in ((torch.float32, "f32"), (torch.float64, "f64")):
            for row in trace(make, settings, dtype):
                file.write(",".join([name, words(settings), label, *map(str, row)]) + "\n")
