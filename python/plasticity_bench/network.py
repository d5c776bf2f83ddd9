"""Checkpoints of runs as torch modules."""

from __future__ import annotations

import csv
import os
import pathlib
import re
from typing import TYPE_CHECKING, Optional, Tuple, Union

from .settings import section

if TYPE_CHECKING:
    import torch


def network(
    run: Union[str, os.PathLike], task: Optional[int] = None, part: Optional[str] = None
) -> "torch.nn.Module":
    """The network of a run before task number `task` (after the last one, where it is the number of tasks), as
    a torch module whose parameters can be trained on. Without `task`: the newest checkpoint between two tasks.

    Perceptrons take inputs (rows, ...), networks of images (rows, channels, height, width), and both give (rows,
    outputs); a gpt takes characters by number (rows, ..., length) and gives (rows, length, alphabet). The module is in
    training mode: `eval()` makes it the network that the program evaluates.

    Its parameters have the checkpoint's names and shapes. Coefficients that the run does not train from this task on
    (constraints frozen and freeze-after) need no gradient. What happens between steps is not the module's: the
    projections of coefficient-box and projected-tail-slope, a method's resets.

    An agent has several networks, of which `part` names one: `actor` gives what its last layer gives (mean and
    log standard deviation of the Gaussian before the tanh, for SAC), `critic1` takes observations with actions
    behind them, both as the environment has them.

    Raises FileNotFoundError where there is no such checkpoint, and ValueError, which says why, for a network or an
    activation without a counterpart here and for a part that the run does not have.
    """
    from safetensors.torch import load_file

    from . import modules

    run = pathlib.Path(run)
    file, task = _checkpoint(run / "checkpoints", task)
    tensors = _of_part(load_file(file), part, agent=".agent." in file.name)
    text = (run / "run.toml").read_text()
    kind, activation = section(text, "network"), section(text, "activation")
    if part is not None and part.startswith("critic"):
        # Critics have the actor's where the spec gives them none of their own.
        kind = section(text, "critic.network") or kind
        activation = section(text, "critic.activation") or activation
    constraint = activation.get("constraint", {"name": "none"})
    if isinstance(constraint, str):
        constraint = {"name": constraint}
    activation["constraint"] = constraint
    start = _start(run, part, activation) if constraint["name"] == "unit-gain" else None
    module = modules.build(kind, activation, tensors, start)
    if constraint["name"] == "frozen" or task >= constraint.get("tasks", task + 1):
        module.activations.requires_grad_(False)
    return module


def _checkpoint(folder: pathlib.Path, task: Optional[int]) -> Tuple[pathlib.Path, int]:
    """The file of a checkpoint between two tasks, and the number of the task behind it."""
    found = {}
    for path in folder.glob("task-*.safetensors"):
        match = re.fullmatch(r"task-(\d+)(\.agent)?\.safetensors", path.name)
        if match:
            found[int(match.group(1))] = path
    newest = max(found, default=None) if task is None else task
    if newest not in found:
        which = "no checkpoint" if task is None else f"no checkpoint before task {task}"
        raise FileNotFoundError(f"{folder} holds {which}: run with --keep-checkpoints all")
    return found[newest], newest


def _of_part(tensors: dict, part: Optional[str], agent: bool) -> dict:
    """The tensors of one network, under the names that they have in a run of one network."""
    if not agent and part is None:
        return tensors
    own = {} if part is None else {n[len(part) + 1 :]: t for n, t in tensors.items() if n.startswith(f"{part}.")}
    if not agent or not own:
        parts = sorted({name.split(".")[0] for name in tensors}) if agent else []
        has = f"has the networks {', '.join(parts)}: name one as `part`" if parts else "has one network, without parts"
        raise ValueError(f"the run {has}")
    return own


def _start(run: pathlib.Path, part: Optional[str], activation: dict) -> Optional[float]:
    """The second moment of the rationals at the start of the run, which unit-gain keeps; all sets start alike.

    It is told from coefficients.csv, whose values have the gain in them: the curve of any row has this moment.
    """
    import torch

    from .modules.constraints import second_moment

    path = run / "coefficients.csv"
    if not path.is_file():
        return None
    prefix = "activations" if part is None else f"{part}.activations"
    values, first = {}, None
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            place = row["task"], row["phase"], row["layer"], row["set"]
            if row["layer"].startswith(prefix) and place == (first or place):
                first = place
                values[row["coefficient"]] = float(row["value"])
    if not values:
        return None
    a, b = ([values[key] for key in sorted(values) if key[0] == letter] for letter in "ab")
    a, b = (torch.tensor([x], dtype=torch.float64) for x in (a, b))
    return second_moment(a, b, activation.get("version", "A")).item()
