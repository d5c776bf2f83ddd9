"""PyTorch: eager and torch.compile, both with fused Adam. torch_step.py KIND PROBLEM ACTIVATION BATCH"""

import sys
import time

import torch
import torch._dynamo
from torch import nn
from torch.nn.functional import cross_entropy, relu

import dialogue
import problem


# The rational as users write it: Horner, a sum of powers, or powers in a matrix times the
# coefficients. Whichever is quickest here is taken.
def horner(x, c):
    a, b, z = c[:6], c[6:].abs(), x.abs()
    top = ((((a[5] * x + a[4]) * x + a[3]) * x + a[2]) * x + a[1]) * x + a[0]
    return top / ((((b[3] * z + b[2]) * z + b[1]) * z + b[0]) * z + 1)


def powers(x, c):
    b, z = c[6:].abs(), x.abs()
    x2 = x * x
    x3, x4 = x2 * x, x2 * x2
    top = c[0] + c[1] * x + c[2] * x2 + c[3] * x3 + c[4] * x4 + c[5] * (x4 * x)
    return top / (1 + b[0] * z + b[1] * x2 + b[2] * (x2 * z) + b[3] * x4)


def fused_multiply_adds(x, c):
    a, b, z = c[:6].unbind(), c[6:].abs().unbind(), x.abs()
    top = torch.addcmul(a[4], a[5], x)
    for k in (3, 2, 1, 0):
        top = torch.addcmul(a[k], top, x)
    bottom = torch.addcmul(b[2], b[3], z)
    for k in (1, 0):
        bottom = torch.addcmul(b[k], bottom, z)
    return top / torch.addcmul(torch.ones(()), bottom, z)


def stacked(x, c):
    xs = torch.stack([x**k for k in range(1, 6)], dim=-1)
    return (xs @ c[1:6] + c[0]) / (1 + xs[..., :4].abs() @ c[6:].abs())


RATIONALS = (horner, powers, fused_multiply_adds, stacked)


class Network(nn.Module):
    def __init__(self, start, rational):
        super().__init__()
        widths = (problem.PIXELS, *problem.HIDDEN, problem.CLASSES)
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in zip(widths, widths[1:]))
        self.rational = rational
        if rational:
            self.coefficients = nn.ParameterList(nn.Parameter(torch.zeros(10)) for _ in problem.HIDDEN)
        self.start = start

    def reset(self):
        with torch.no_grad():
            for i, layer in enumerate(self.layers):
                layer.weight.copy_(torch.from_numpy(self.start[f"layers.{i}.weight"]))
                layer.bias.copy_(torch.from_numpy(self.start[f"layers.{i}.bias"]))
            for i, c in enumerate(self.coefficients if self.rational else ()):
                c.copy_(torch.from_numpy(self.start[f"activations.{i}.coefficients"][0]))

    def forward(self, x):
        for i, layer in enumerate(self.layers[:-1]):
            x = layer(x)
            x = self.rational(x, self.coefficients[i]) if self.rational else relu(x)
        return self.layers[-1](x)


class Contender:
    def __init__(self, kind, path, rational, batch):
        inputs, labels, start = problem.read(path)
        self.inputs, self.labels, self.batch = torch.from_numpy(inputs), torch.from_numpy(labels), batch
        self.network = Network(start, rational)
        self.adam = torch.optim.Adam(
            self.network.parameters(), lr=problem.LEARNING_RATE, betas=problem.BETAS, eps=problem.EPSILON, fused=True
        )
        self.loss = self.forward if kind == "eager" else torch.compile(self.forward, dynamic=False)
        self.at = 0

    def forward(self, x, labels):
        return cross_entropy(self.network(x), labels)

    def reset(self):
        self.network.reset()
        for state in self.adam.state.values():
            for value in state.values():
                value.zero_()
        self.at = 0

    def run(self, steps):
        losses = []
        for _ in range(steps):
            at, self.at = self.at, (self.at + self.batch) % problem.EXAMPLES
            loss = self.loss(self.inputs[at : at + self.batch], self.labels[at : at + self.batch])
            self.adam.zero_grad()
            loss.backward()
            self.adam.step()
            losses.append(loss.detach())
        return losses


def quickest(contenders, steps=100):
    """The contender that needs least time for so many steps, best of three."""
    best = {}
    for turn in range(4):
        for contender in contenders:
            contender.reset()
            started = time.process_time()
            contender.run(steps)
            if turn:
                spent = time.process_time() - started
                best[contender] = min(spent, best.get(contender, spent))
    return min(best, key=best.get)


def main():
    kind, path, activation, batch = sys.argv[1:]
    torch.set_num_threads(1)
    # Past the limit torch.compile would go on in eager mode without a word in the figures.
    torch._dynamo.config.recompile_limit = 64
    torch._dynamo.config.fail_on_recompile_limit_hit = True
    rationals = (None,) if activation == "relu" else RATIONALS
    contender = quickest([Contender(kind, path, rational, int(batch)) for rational in rationals])
    rational = contender.network.rational
    form = f", rational as {rational.__name__}" if rational else ""
    vectors = torch.backends.cpu.get_cpu_capability()
    dialogue.serve(f"torch {torch.__version__} ({vectors}){form}", contender.reset, contender.run)


if __name__ == "__main__":
    main()
