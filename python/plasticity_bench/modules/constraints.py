"""Constraints on rationals as maps of the trained coefficients, one set in each row, and gradients through them.

A constraint has `effective(a, b)`, the coefficients that R is drawn with, `gain(a, b)`, a factor on R for each set or
None, and `output(y)`, what becomes of R. Constraints of coefficients are computed in float64, as in the suite.
"""

from __future__ import annotations

import functools
from typing import Optional, Tuple

import torch

from .curve import magnitude, ratio, slope, tail_slope

Pair = Tuple[torch.Tensor, torch.Tensor]


class Free:
    """No constraint, or one that is none of form: `frozen`, `freeze-after`, `coefficient-box`."""

    def effective(self, a: torch.Tensor, b: torch.Tensor) -> Pair:
        return a, b

    def gain(self, a: torch.Tensor, b: torch.Tensor) -> Optional[torch.Tensor]:
        return None

    def output(self, y: torch.Tensor) -> torch.Tensor:
        return y


class ProperDegree(Free):
    """|bₙ| + ε in place of bₙ; `projected-tail-slope` is the same between its projections."""

    def __init__(self, epsilon: float):
        self.epsilon = epsilon

    def effective(self, a: torch.Tensor, b: torch.Tensor) -> Pair:
        lead = magnitude(b[..., -1:]) + self.epsilon
        return a, torch.cat([b[..., :-1], lead], -1)


class TailSlope(ProperDegree):
    """|bₙ| + ε in place of bₙ, and s·(|bₙ| + ε)·tanh(ρ) in place of aₘ, where ρ is trained."""

    def __init__(self, bound: float, epsilon: float):
        super().__init__(epsilon)
        self.bound = bound

    def effective(self, a: torch.Tensor, b: torch.Tensor) -> Pair:
        a, b = super().effective(a, b)
        lead = self.bound * b[..., -1:] * torch.tanh(a[..., -1:])
        return torch.cat([a[..., :-1], lead], -1), b


class OutputBound(Free):
    """c·tanh(R/c)"""

    def __init__(self, bound: float):
        self.bound = bound

    def output(self, y: torch.Tensor) -> torch.Tensor:
        return self.bound * torch.tanh(y / self.bound)


class Lipschitz(Free):
    """R·min(1, L/sup|R'|), the supremum over the suite's grid and the tails; the gradient goes through the point where
    |R'| is largest."""

    def __init__(self, bound: float, edge: float, version: str):
        self.bound, self.version = bound, version
        self.grid = _grid(edge)

    def gain(self, a: torch.Tensor, b: torch.Tensor) -> Optional[torch.Tensor]:
        with torch.no_grad():
            grid = self.grid.to(a.device)
            at = grid[slope(grid[:, None], a, b, self.version).abs().argmax(0)]
        steepest = magnitude(slope(at, a, b, self.version))
        most = torch.maximum(steepest, tail_slope(a, b, self.version))
        return torch.where(most <= self.bound, torch.ones_like(most), self.bound / most)


class UnitGain(Free):
    """R·g₀/√E[R(z)²], z ~ N(0, 1), by 128 Gauss–Hermite nodes; g₀² is the expectation at the start of the run."""

    def __init__(self, start: float, version: str):
        self.start, self.version = start, version

    def gain(self, a: torch.Tensor, b: torch.Tensor) -> Optional[torch.Tensor]:
        moment = second_moment(a, b, self.version)
        # R ≡ 0 has no scale: a gain of 1 lets it grow one.
        known = torch.where(moment == 0, torch.full_like(moment, self.start), moment)
        return torch.sqrt(self.start / known)


def second_moment(a: torch.Tensor, b: torch.Tensor, version: str) -> torch.Tensor:
    """E[R(z)²], z ~ N(0, 1), of each set."""
    nodes, weights = (x.to(a.device) for x in _gauss_hermite(128))
    return (weights[:, None] * ratio(nodes[:, None], a, b, version) ** 2).sum(0)


@functools.lru_cache(maxsize=None)
def _gauss_hermite(count: int) -> Pair:
    """Nodes and weights of N(0, 1) from the Jacobi matrix of its orthogonal polynomials (Golub & Welsch 1969)."""
    beside = torch.arange(1, count, dtype=torch.float64).sqrt()
    nodes, vectors = torch.linalg.eigh(torch.diag(beside, 1) + torch.diag(beside, -1))
    return nodes, vectors[0] ** 2


def _grid(edge: float) -> torch.Tensor:
    """1024 equal steps of [-edge, edge], points that halve towards 0, and points beyond that grow by an eighth."""
    halves = (edge / 1024) * 0.5 ** torch.arange(32, dtype=torch.float64)
    beyond = edge * 1.125 ** torch.arange(1, 65, dtype=torch.float64)
    middle = edge * (2.0 * torch.arange(1025, dtype=torch.float64) / 1024 - 1.0)
    return torch.cat([middle, halves, -halves, beyond, -beyond])


def constraint(choice: dict, version: str, start: Optional[float]) -> Free:
    """The constraint of a run.toml, {"name": ..., its settings}. `unit-gain` needs `start`, the second moment at the
    start of the run."""
    name = choice["name"]
    if name in ("none", "frozen", "freeze-after", "coefficient-box"):
        return Free()
    if name in ("proper-degree", "projected-tail-slope"):
        return ProperDegree(choice.get("epsilon", 1e-3))
    if name == "tail-slope":
        return TailSlope(choice.get("bound", 1.0), choice.get("epsilon", 1e-3))
    if name == "output-bound":
        return OutputBound(choice.get("bound", 10.0))
    if name == "lipschitz":
        return Lipschitz(choice.get("bound", 1.0), choice.get("range", 10.0), version)
    if name == "unit-gain":
        if start is None:
            raise ValueError("the constraint unit-gain needs the coefficients at the run's start: coefficients.csv")
        return UnitGain(start, version)
    raise ValueError(f"the constraint {name} has no counterpart here")
