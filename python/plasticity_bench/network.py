"""Checkpoints of multilayer perceptrons, and of agents made of them, as torch modules."""

from __future__ import annotations

import os
import pathlib
import re
from typing import TYPE_CHECKING, Optional, Union

if TYPE_CHECKING:
    import torch


def _module():
    import torch
    from torch.nn import functional as F

    class Magnitude(torch.autograd.Function):
        """|x|, whose derivative at 0 is +1 as in the suite."""

        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.abs()

        @staticmethod
        def backward(ctx, gradient):
            (x,) = ctx.saved_tensors
            return gradient * torch.where(x == 0, torch.ones_like(x), x.sign())

    class Rational(torch.nn.Module):
        """P(x)/Q(x) of version A, B, C or N; one set of coefficients, or several for runs of units."""

        def __init__(self, numerator, denominator, version):
            super().__init__()
            self.numerator, self.denominator = numerator, denominator
            self.version = version

        def forward(self, x):
            a, b = (t.reshape(-1, t.shape[-1]) for t in (self.numerator, self.denominator))
            units = torch.arange(x.shape[1], device=x.device) * a.shape[0] // x.shape[1]
            a, b = a[units], b[units]
            p = a[:, -1].expand_as(x)
            for i in reversed(range(a.shape[1] - 1)):
                p = p * x + a[:, i]
            base = Magnitude.apply(x) if self.version == "A" else x
            if self.version == "A":
                b = Magnitude.apply(b)
            s = b[:, -1].expand_as(x)
            for k in reversed(range(b.shape[1] - 1)):
                s = s * base + b[:, k]
            if self.version != "C":
                s = s * base
            q = {"A": 1 + s, "N": 1 + s}.get(self.version)
            if q is None:
                q = (0.1 if self.version == "C" else 1.0) + Magnitude.apply(s)
            return p / q

    class Perceptron(torch.nn.Module):
        """Linear layers with an activation between them; inputs of any shape are flattened."""

        def __init__(self, tensors, activation, version):
            super().__init__()
            count = sum(re.fullmatch(r"layers\.\d+\.weight", name) is not None for name in tensors)
            self.layers = torch.nn.ModuleList()
            for i in range(count):
                weight = tensors[f"layers.{i}.weight"]
                layer = torch.nn.Linear(weight.shape[1], weight.shape[0])
                layer.weight = torch.nn.Parameter(weight)
                layer.bias = torch.nn.Parameter(tensors[f"layers.{i}.bias"])
                self.layers.append(layer)
            self.function = _functions(F, torch).get(activation)
            self.activations = torch.nn.ModuleList()
            if activation == "rational":
                shared = None
                for i in range(count - 1):
                    name = f"activations.{i}" if f"activations.{i}.numerator" in tensors else "activations"
                    if name != "activations" or shared is None:
                        pair = (torch.nn.Parameter(tensors[f"{name}.{part}"]) for part in ("numerator", "denominator"))
                        shared = Rational(*pair, version)
                    self.activations.append(shared)
            elif self.function is None:
                raise ValueError(f"the activation {activation} has no counterpart here")
            read = {f"layers.{i}.{part}" for i in range(count) for part in ("weight", "bias")}
            if activation == "rational":
                read |= {name for name in tensors if re.fullmatch(r"activations(\.\d+)?\.(numerator|denominator)", name)}
            if unread := sorted(set(tensors) - read):
                raise ValueError(f"the network has parts without a counterpart here: {', '.join(unread)}")

        def forward(self, x):
            x = x.flatten(1)
            for i, layer in enumerate(self.layers):
                x = layer(x)
                if i + 1 < len(self.layers):
                    x = self.activations[i](x) if len(self.activations) else self.function(x)
            return x

    return Perceptron


def _functions(F, torch):
    return {
        "relu": F.relu,
        "leaky_relu": lambda x: F.leaky_relu(x, 0.01),
        "elu": F.elu,
        "gelu": F.gelu,
        "swish": F.silu,
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        "identity": lambda x: x,
        "crelu": lambda x: torch.cat([F.relu(x), F.relu(-x)], dim=1),
    }


#: Settings with which the functions above are the suite's.
_DEFAULTS = {"slope": 0.01, "alpha": 1.0, "beta": 1.0}


def _activation(text: str, header: str) -> dict:
    """The keys of the section `header` of a run.toml, whose writer is known: one key a line."""
    section = re.search(rf"^\[{re.escape(header)}\]\n(.*?)(?=^\[|\Z)", text, re.M | re.S)
    keys = re.findall(r"^(\w+) = (.*)$", section.group(1) if section else "", re.M)
    return {key: value.strip('"') for key, value in keys}


def network(
    run: Union[str, os.PathLike], task: Optional[int] = None, part: Optional[str] = None
) -> "torch.nn.Module":
    """The network of a run before task number `task` (after the last one, where it is the number of tasks), as
    a torch module whose parameters can be trained on. Without `task`: the newest checkpoint between two tasks.

    An agent has several networks, of which `part` names one: `actor` gives what its last layer gives (mean and
    log standard deviation of the Gaussian before the tanh, for SAC), `critic1` takes observations with actions
    behind them, both as the environment has them.

    For multilayer perceptrons with rationals that have no constraint in their form, or with fixed activations.
    """
    from safetensors.torch import load_file

    run = pathlib.Path(run)
    folder = run / "checkpoints"
    pattern = re.compile(r"task-\d+(\.agent)?\.safetensors")
    files = sorted(p for p in folder.glob("task-*.safetensors") if pattern.fullmatch(p.name))
    if task is not None:
        files = [p for p in files if int(re.split(r"[-.]", p.name)[1]) == task]
    if not files:
        which = "no checkpoint" if task is None else f"no checkpoint before task {task}"
        raise FileNotFoundError(f"{folder} holds {which}: run with --keep-checkpoints all")
    tensors = _of_part(load_file(files[-1]), part)
    text = (run / "run.toml").read_text()
    activation = _activation(text, "activation")
    if part is not None and part.startswith("critic"):
        # Critics have the actor's activation where the spec gives them none of their own.
        activation = _activation(text, "critic.activation") or activation
    constraint = re.search(r'name = "([^"]+)"', activation.get("constraint", ""))
    constraint = constraint.group(1) if constraint else activation.get("constraint", "none")
    if constraint not in ("none", "frozen", "freeze-after", "coefficient-box"):
        raise ValueError(f"the constraint {constraint} changes the curve's form, which this module does not have")
    for key, usual in _DEFAULTS.items():
        if key in activation and float(activation[key]) != usual:
            raise ValueError(f"{activation['name']} with {key} = {activation[key]} has no counterpart here")
    return _module()(tensors, activation["name"], activation.get("version", "A"))


def _of_part(tensors: dict, part: Optional[str]) -> dict:
    """The tensors of one network, under the names that they have in a run of one network."""
    alone = any(name.startswith("layers.") for name in tensors)
    if alone and part is None:
        return tensors
    own = {} if part is None else {n[len(part) + 1 :]: t for n, t in tensors.items() if n.startswith(f"{part}.")}
    if alone or not own:
        parts = [] if alone else sorted({name.split(".")[0] for name in tensors})
        has = f"has the networks {', '.join(parts)}: name one as `part`" if parts else "has one network, without parts"
        raise ValueError(f"the run {has}")
    return own
