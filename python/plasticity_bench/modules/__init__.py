"""Networks of the suite as torch modules, whose parameters have the names that checkpoints give them.

    curve          P(x)/Q(x) and its slope
    constraints    from trained coefficients to those that the curve is drawn with
    activations    what stands behind the layers
    feed_forward   networks of the kinds mlp, cnn and nature-cnn
    resnet         resnet18
    transformer    vit and gpt

All of it needs torch; the rest of the package imports it where it is used.
"""

from __future__ import annotations

from typing import Dict, Optional

import torch

from .activations import activations
from .feed_forward import FeedForward
from .resnet import ResNet
from .transformer import Gpt, VisionTransformer

__all__ = ["build"]

_KINDS = {
    "mlp": FeedForward,
    "cnn": FeedForward,
    "nature-cnn": FeedForward,
    "resnet18": ResNet,
    "vit": VisionTransformer,
    "gpt": Gpt,
}


def build(
    network: dict, activation: dict, tensors: Dict[str, torch.Tensor], start: Optional[float] = None
) -> torch.nn.Module:
    """The network of a checkpoint.

    `network` and `activation` are the sections of a run.toml: {"kind": ..., settings} and {"name": ..., settings};
    `tensors` are the checkpoint's; `start` is for the constraint unit-gain (see `activations`). Raises ValueError for
    what has no counterpart here, and where the tensors are not those of such a network.
    """
    kind = network["kind"]
    if kind not in _KINDS:
        raise ValueError(f"the network {kind} has no counterpart here")
    try:
        module = _KINDS[kind](network, tensors, activations(activation, tensors, start))
    except KeyError as error:
        raise ValueError(f"the checkpoint or the run.toml has no {error.args[0]}") from error
    missing, unread = module.load_state_dict(tensors, strict=False)
    if unread:
        raise ValueError(f"the network has parts without a counterpart here: {', '.join(sorted(unread))}")
    # torch's count of batches: with a momentum of 0.1 nothing depends on it.
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing:
        raise ValueError(f"the checkpoint has no {', '.join(missing)}")
    return module
