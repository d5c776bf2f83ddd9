"""ResNet-18 for small images, under torchvision's names: a stem of 3 × 3 by steps of 1 without pooling, four stages of
two basic blocks."""

from __future__ import annotations

from typing import Dict

import torch


def _norm(network: dict, channels: int) -> torch.nn.Module:
    """Batch or group normalisation; without either the convolution in front has a bias."""
    if network["norm"] == "batch":
        return torch.nn.BatchNorm2d(channels)
    if network["norm"] == "group":
        return torch.nn.GroupNorm(network.get("groups", 32), channels)
    return torch.nn.Identity()


def _convolution(network: dict, weight: torch.Tensor, stride: int) -> torch.nn.Conv2d:
    outputs, inputs, kernel, _ = weight.shape
    return torch.nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=network["norm"] == "none")


class Block(torch.nn.Module):
    """Two convolutions and their sum with the input, or with a 1 × 1 convolution of it where the shape changes."""

    def __init__(self, network: dict, tensors: Dict[str, torch.Tensor], name: str, stride: int):
        super().__init__()
        first, second = tensors[f"{name}.conv1.weight"], tensors[f"{name}.conv2.weight"]
        self.conv1, self.bn1 = _convolution(network, first, stride), _norm(network, len(first))
        self.conv2, self.bn2 = _convolution(network, second, 1), _norm(network, len(second))
        self.downsample = torch.nn.Identity()
        shortcut = tensors.get(f"{name}.downsample.0.weight")
        if shortcut is not None:
            layer = _convolution(network, shortcut, stride)
            self.downsample = torch.nn.Sequential(layer, _norm(network, len(shortcut)))

    def forward(self, x: torch.Tensor, activations: torch.nn.Module, place: int) -> torch.Tensor:
        y = activations(self.bn1(self.conv1(x)), place)
        return activations(self.bn2(self.conv2(y)) + self.downsample(x), place + 1)


class ResNet(torch.nn.Module):
    """Takes images (rows, channels, height, width) and gives (rows, outputs)."""

    def __init__(self, network: dict, tensors: Dict[str, torch.Tensor], activations: torch.nn.Module):
        super().__init__()
        stem = tensors["conv1.weight"]
        self.conv1, self.bn1 = _convolution(network, stem, 1), _norm(network, len(stem))
        for stage in range(1, 5):
            names = [f"layer{stage}.{block}" for block in range(2)]
            steps = [1 if stage == 1 else 2, 1]
            blocks = [Block(network, tensors, name, step) for name, step in zip(names, steps)]
            self.add_module(f"layer{stage}", torch.nn.ModuleList(blocks))
        outputs, features = tensors["fc.weight"].shape
        self.fc = torch.nn.Linear(features, outputs)
        self.activations = activations

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.activations(self.bn1(self.conv1(x)), 0)
        blocks = [block for stage in range(1, 5) for block in getattr(self, f"layer{stage}")]
        for number, block in enumerate(blocks):
            x = block(x, self.activations, 1 + 2 * number)
        return self.fc(x.mean((2, 3)))
