"""Writes mixture_straight.csv: a straight-through mixture of four functions in PyTorch, in float64.

y = Σ w_k f_k(z) with w = torch.nn.functional.gumbel_softmax(logits, tau=1, hard=True) and its gradients by z and by
the logits for given dy. A row: logits, Gumbel noise (as gumbel_softmax drew it), z, dy, y, dz, dlogits.
Run here: python mixture_straight.py (torch 2.15)
"""

import pathlib

import torch
from torch.nn import functional as F

FUNCTIONS = [torch.tanh, F.silu, F.gelu, lambda x: x]


def numbers(x):
    return " ".join(repr(v) for v in x.tolist())


with open(pathlib.Path(__file__).with_suffix(".csv"), "w") as file:
    file.write("# made by mixture_straight.py\nlogits,noise,z,dy,y,dz,dlogits\n")
    for seed in range(4):
        torch.manual_seed(seed)
        logits, z, dy = torch.randn(4).double(), 2 * torch.randn(5).double(), torch.randn(5).double()
        logits.requires_grad_(), z.requires_grad_()
        torch.manual_seed(seed + 100)
        # Its noise, drawn as gumbel_softmax draws it.
        noise = -torch.empty_like(logits).exponential_().log()
        torch.manual_seed(seed + 100)
        weights = F.gumbel_softmax(logits, tau=1, hard=True)
        assert weights.argmax() == (logits + noise).argmax()
        y = sum(w * f(z) for w, f in zip(weights, FUNCTIONS))
        y.backward(dy)
        rows = (logits.detach(), noise.detach(), z.detach(), dy, y.detach(), z.grad, logits.grad)
        file.write(",".join(map(numbers, rows)) + "\n")
