"""Activations of a network: fixed functions, rationals, KAT's groups and prelu, at all places where it has one.

Each is a module that takes (x, place). Units are dimension 1 of x, whatever is behind it: (rows, units) or (images,
channels, height, width).
"""

from __future__ import annotations

from typing import Callable, Dict, List, Optional, Tuple

import torch
from torch.nn import functional as F

from .constraints import Free, constraint
from .curve import ratio

#: Draw of version D in training, on each coefficient of the numerator.
NOISE = (0.9, 1.1)


class Rational(torch.nn.Module):
    """P(x)/Q(x) of version A, B, C, D or N under a constraint; one set of coefficients, or several for runs of
    neighbouring units.

    In training mode version D multiplies the numerator's coefficients by draws of torch's generator.
    """

    def __init__(self, numerator: torch.Tensor, denominator: torch.Tensor, version: str, constraint: Free):
        """Numerator (m + 1) or (sets, m + 1); denominator (n) or (sets, n), one more in version C."""
        super().__init__()
        self.numerator = torch.nn.Parameter(numerator.clone())
        self.denominator = torch.nn.Parameter(denominator.clone())
        self.version, self.constraint = version, constraint

    def sets(self) -> Tuple[torch.Tensor, torch.Tensor]:
        """The trained coefficients, (sets, m + 1) and (sets, n)."""
        a, b = self.numerator, self.denominator
        return a.reshape(-1, a.shape[-1]), b.reshape(-1, b.shape[-1])

    def effective(self) -> Tuple[torch.Tensor, torch.Tensor]:
        """The coefficients that R is drawn with, (sets, m + 1) and (sets, n) in float64."""
        a, b = self.constraint.effective(*(t.double() for t in self.sets()))
        if self.training and self.version == "D":
            a = a * torch.empty_like(a).uniform_(*NOISE)
        gain = self.constraint.gain(a, b)
        return (a if gain is None else a * gain[:, None]), b

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a, b = (t.to(x.dtype) for t in self.effective())
        if len(a) == 1:
            a, b = a[0], b[0]
        else:
            # A set for each unit, and then dimensions for what is behind the units.
            own = torch.arange(x.shape[1], device=x.device) * len(a) // x.shape[1]
            a, b = (t[own].reshape(-1, *[1] * (x.dim() - 2), t.shape[-1]) for t in (a, b))
        return self.constraint.output(ratio(x, a, b, self.version))


class Kat(Rational):
    """Version A with one numerator (m + 1) and a denominator for each group, (groups · n)."""

    def __init__(self, numerator: torch.Tensor, denominator: torch.Tensor, degree: int):
        super().__init__(numerator, denominator, "A", Free())
        self.degree = degree

    def sets(self) -> Tuple[torch.Tensor, torch.Tensor]:
        b = self.denominator.reshape(-1, self.degree)
        return self.numerator.expand(len(b), -1), b


class Prelu(torch.nn.Module):
    """x for x > 0, a·x elsewhere: a is one number, or one for each unit."""

    def __init__(self, coefficients: torch.Tensor):
        super().__init__()
        self.coefficients = torch.nn.Parameter(coefficients.clone())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.prelu(x, self.coefficients.flatten())


class Same(torch.nn.Module):
    """One function without coefficients everywhere."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]):
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor, place: int) -> torch.Tensor:
        return self.function(x)


class Shared(Rational):
    """One set of coefficients for all places: its tensors are `activations.numerator` and `activations.denominator`."""

    def forward(self, x: torch.Tensor, place: int) -> torch.Tensor:
        return super().forward(x)


class Each(torch.nn.ModuleList):
    """A module for each place, or for the places that a map gives the same number."""

    def __init__(self, modules: List[torch.nn.Module], numbers: Optional[List[int]] = None):
        super().__init__(modules)
        self.numbers = numbers

    def forward(self, x: torch.Tensor, place: int) -> torch.Tensor:
        return self[place if self.numbers is None else self.numbers[place]](x)


def functions(choice: dict) -> Dict[str, Callable[[torch.Tensor], torch.Tensor]]:
    """What has no coefficients, by name, with the settings of a run.toml."""
    slope, alpha, beta = choice.get("slope", 0.01), choice.get("alpha", 1.0), choice.get("beta", 1.0)
    leak, steepness = choice.get("alpha", 0.1), choice.get("c", 5.0) / choice.get("p", 3.0)
    return {
        "relu": F.relu,
        "leaky_relu": lambda x: F.leaky_relu(x, slope),
        "elu": lambda x: F.elu(x, alpha),
        "celu": lambda x: F.celu(x, alpha),
        "selu": F.selu,
        "gelu": F.gelu,
        "swish": lambda x: F.silu(x) if beta == 1 else x * torch.sigmoid(beta * x),
        "mish": F.mish,
        "softplus": lambda x: F.softplus(x, beta),
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        "identity": lambda x: x,
        "crelu": lambda x: torch.cat([F.relu(x), F.relu(-x)], dim=1),
        "smooth-leaky": lambda x: x * (leak + (1 - leak) * torch.sigmoid(steepness * x)),
        "fourier": lambda x: torch.cat([torch.sin(x), torch.cos(x)], dim=1),
    }


def activations(choice: dict, tensors: Dict[str, torch.Tensor], start: Optional[float] = None) -> torch.nn.Module:
    """The activations of a network, from the section `activation` of a run.toml and the tensors of a checkpoint.

    `start` is the second moment at the start of the run, for the constraint unit-gain. Raises ValueError for what has
    no counterpart here.
    """
    name = choice["name"]
    function = functions(choice).get(name)
    if function is not None:
        return Same(function)
    if name not in ("rational", "kat", "prelu"):
        raise ValueError(f"the activation {name} has no counterpart here")
    version = choice.get("version", "A")
    held = constraint(choice.get("constraint", {"name": "none"}), version, start)

    def one(prefix):
        if name == "prelu":
            return Prelu(tensors[f"{prefix}.coefficients"])
        pair = tensors[f"{prefix}.numerator"], tensors[f"{prefix}.denominator"]
        return Kat(*pair, choice.get("degrees", [5, 4])[1]) if name == "kat" else Rational(*pair, version, held)

    if "activations.numerator" in tensors:
        return Shared(tensors["activations.numerator"], tensors["activations.denominator"], version, held)
    places = sorted({int(tensor.split(".")[1]) for tensor in tensors if tensor.startswith("activations.")})
    if not places and any(tensor.startswith("layers.1.") for tensor in tensors):
        raise ValueError(f"the network has no coefficients, and its activation is {name}")
    return Each([one(f"activations.{place}") for place in places], choice.get("map"))
