"""Multilayer perceptrons: layers one after the other, with an activation between them."""

from __future__ import annotations

from typing import Dict

import torch


class FeedForward(torch.nn.Module):
    """Linear layers, each but the last with layer normalisation, where there is one, and an activation behind it.

    Takes inputs (rows, ...), which are flattened, and gives (rows, outputs).
    """

    def __init__(self, tensors: Dict[str, torch.Tensor], activations: torch.nn.Module):
        super().__init__()
        self.layers, self.norms = torch.nn.ModuleList(), torch.nn.ModuleList()
        while f"layers.{len(self.layers)}.weight" in tensors:
            outputs, inputs = tensors[f"layers.{len(self.layers)}.weight"].shape
            self.layers.append(torch.nn.Linear(inputs, outputs))
        while f"norms.{len(self.norms)}.weight" in tensors:
            self.norms.append(torch.nn.LayerNorm(tensors[f"norms.{len(self.norms)}.weight"].shape))
        self.activations = activations

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.flatten(1)
        for place, layer in enumerate(self.layers[:-1]):
            x = layer(x)
            if len(self.norms):
                x = self.norms[place](x)
            x = self.activations(x, place)
        return self.layers[-1](x)
