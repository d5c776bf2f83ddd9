"""Networks of layers one after the other with an activation between them: the kinds mlp, cnn and nature-cnn."""

from __future__ import annotations

from typing import Dict

import torch
from torch.nn import functional as F


class FeedForward(torch.nn.Module):
    """Convolutions, where there are any, and linear layers, each but the last with an activation behind it.

    In a cnn max-pooling over 2 × 2 follows the activation of a convolution; a perceptron can have layer normalisation
    in front of its activations. Takes images (rows, channels, height, width), or (rows, ...) where the first layer is
    linear, and gives (rows, outputs).
    """

    def __init__(self, network: dict, tensors: Dict[str, torch.Tensor], activations: torch.nn.Module):
        super().__init__()
        self.pools = network["kind"] == "cnn"
        self.layers, self.norms = torch.nn.ModuleList(), torch.nn.ModuleList()
        while f"layers.{len(self.layers)}.weight" in tensors:
            place = len(self.layers)
            outputs, inputs, *kernel = tensors[f"layers.{place}.weight"].shape
            if kernel:
                steps = {"stride": network["strides"][place] if "strides" in network else 1}
                self.layers.append(torch.nn.Conv2d(inputs, outputs, kernel, padding=network.get("padding", 0), **steps))
            else:
                self.layers.append(torch.nn.Linear(inputs, outputs))
        while f"norms.{len(self.norms)}.weight" in tensors:
            self.norms.append(torch.nn.LayerNorm(tensors[f"norms.{len(self.norms)}.weight"].shape))
        self.activations = activations

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for place, layer in enumerate(self.layers):
            convolution = isinstance(layer, torch.nn.Conv2d)
            x = layer(x if convolution else x.flatten(1))
            if place + 1 == len(self.layers):
                return x
            x = self.norms[place](x) if len(self.norms) else x
            x = self.activations(x, place)
            if convolution and self.pools:
                x = F.max_pool2d(x, 2)
        return x
