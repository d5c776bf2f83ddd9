"""R(x) = P(x)/Q(x) and its slope, for any number of sets of coefficients at once.

Coefficients of a set lie in the last dimension: `a` (..., m + 1), `b` (..., n), or (..., n + 1) in version C, whose sum
begins at k = 0. What is before it goes with `x` by torch's rules of broadcasting.
"""

from __future__ import annotations

from typing import Tuple

import torch

#: What Q is without its polynomial.
FLOOR = {"A": 1.0, "B": 1.0, "C": 0.1, "D": 1.0, "N": 1.0}


def sign(x: torch.Tensor) -> torch.Tensor:
    """-1 or +1, and +1 at 0 as in the suite."""
    return torch.where(x < 0, -torch.ones_like(x), torch.ones_like(x))


class Magnitude(torch.autograd.Function):
    """|x|, whose derivative at 0 is +1 as in the suite. torch's own is 0 there, and a denominator that starts at 0
    would never be trained."""

    #: The derivative at 0; torch's is 0.
    at_zero = 1.0

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.abs()

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * torch.where(x == 0, torch.full_like(x, Magnitude.at_zero), x.sign())


magnitude = Magnitude.apply


def horner(coefficients: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Σ cᵢ xⁱ"""
    value = coefficients[..., -1].expand(torch.broadcast_shapes(coefficients.shape[:-1], x.shape))
    for i in reversed(range(coefficients.shape[-1] - 1)):
        value = value * x + coefficients[..., i]
    return value


def derivative(coefficients: torch.Tensor) -> torch.Tensor:
    """The coefficients of the derivative of Σ cᵢ xⁱ."""
    powers = torch.arange(1, coefficients.shape[-1], dtype=coefficients.dtype, device=coefficients.device)
    return coefficients[..., 1:] * powers


def _inner(x: torch.Tensor, b: torch.Tensor, version: str) -> Tuple[torch.Tensor, torch.Tensor]:
    """The coefficients of the polynomial in Q from their lowest power on, and what it is a polynomial in."""
    return (magnitude(b), magnitude(x)) if version == "A" else (b, x)


def ratio(x: torch.Tensor, a: torch.Tensor, b: torch.Tensor, version: str) -> torch.Tensor:
    """R(x)"""
    c, within = _inner(x, b, version)
    s = horner(c, within)
    if version != "C":
        s = s * within
    return horner(a, x) / (FLOOR[version] + (s if version in "AN" else magnitude(s)))


def slope(x: torch.Tensor, a: torch.Tensor, b: torch.Tensor, version: str) -> torch.Tensor:
    """R'(x)"""
    c, within = _inner(x, b, version)
    if version != "C":
        c = torch.cat([torch.zeros_like(c[..., :1]), c], -1)
    s, ds = horner(c, within), horner(derivative(c), within)
    if version == "A":
        ds = ds * sign(x)
    elif version != "N":
        ds = ds * sign(s.detach())
        s = magnitude(s)
    p, dp, q = horner(a, x), horner(derivative(a), x), FLOOR[version] + s
    return (dp * q - p * ds) / (q * q)


def tail_slope(a: torch.Tensor, b: torch.Tensor, version: str) -> torch.Tensor:
    """lim |R(x)/x|, by the highest powers whose coefficients are not 0: infinite where R grows faster than x."""
    if version != "C":
        b = torch.cat([torch.zeros_like(b[..., :1]), b], -1)

    def highest(coefficients):
        powers = torch.arange(coefficients.shape[-1], device=coefficients.device)
        power = torch.where(coefficients != 0, powers, 0).amax(-1)
        return power, coefficients.gather(-1, power.unsqueeze(-1)).squeeze(-1)

    (m, top), (n, bottom) = highest(a), highest(b)
    # Where no power of the denominator is left, Q is a number.
    constant = FLOOR[version] + magnitude(b[..., 0])
    quotient = magnitude(top / torch.where(n == 0, constant, bottom))
    infinite = torch.full_like(quotient, float("inf"))
    return torch.where(m == n + 1, quotient, torch.where(m > n + 1, infinite, torch.zeros_like(quotient)))
