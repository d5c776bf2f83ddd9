"""Transformers of the kinds vit and gpt: pre-norm blocks under timm's names, with queries, keys and values as layers of
their own."""

from __future__ import annotations

from typing import Dict

import torch
from torch.nn import functional as F


def _linear(tensors: Dict[str, torch.Tensor], name: str) -> torch.nn.Linear:
    outputs, inputs = tensors[f"{name}.weight"].shape
    return torch.nn.Linear(inputs, outputs)


class Attention(torch.nn.Module):
    def __init__(self, tensors: Dict[str, torch.Tensor], name: str, heads: int, causal: bool):
        super().__init__()
        self.q, self.k, self.v, self.proj = (_linear(tensors, f"{name}.{part}") for part in ("q", "k", "v", "proj"))
        self.heads, self.causal = heads, causal

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = (layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for layer in (self.q, self.k, self.v))
        mixed = F.scaled_dot_product_attention(*parts, is_causal=self.causal)
        return self.proj(mixed.transpose(1, 2).flatten(2))


class Mlp(torch.nn.Module):
    def __init__(self, tensors: Dict[str, torch.Tensor], name: str):
        super().__init__()
        self.fc1, self.fc2 = _linear(tensors, f"{name}.fc1"), _linear(tensors, f"{name}.fc2")

    def forward(self, x: torch.Tensor, activations: torch.nn.Module, place: int) -> torch.Tensor:
        # Activations take units in dimension 1: every token is a row.
        hidden = activations(self.fc1(x).flatten(0, 1), place)
        return self.fc2(hidden.unflatten(0, x.shape[:2]))


class Block(torch.nn.Module):
    def __init__(self, tensors: Dict[str, torch.Tensor], name: str, heads: int, causal: bool):
        super().__init__()
        width = tensors[f"{name}.norm1.weight"].shape
        self.norm1, self.norm2 = torch.nn.LayerNorm(width), torch.nn.LayerNorm(width)
        self.attn = Attention(tensors, f"{name}.attn", heads, causal)
        self.mlp = Mlp(tensors, f"{name}.mlp")

    def forward(self, x: torch.Tensor, activations: torch.nn.Module, place: int) -> torch.Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x), activations, place)


class Transformer(torch.nn.Module):
    """What both kinds share: from embedded tokens (rows, tokens, width) to normalised ones."""

    def __init__(self, network: dict, tensors: Dict[str, torch.Tensor], activations: torch.nn.Module):
        super().__init__()
        names, causal = [f"blocks.{number}" for number in range(network["depth"])], network["kind"] == "gpt"
        self.blocks = torch.nn.ModuleList(Block(tensors, name, network["heads"], causal) for name in names)
        self.norm = torch.nn.LayerNorm(tensors["norm.weight"].shape)
        self.head = _linear(tensors, "head")
        self.activations = activations

    def through(self, x: torch.Tensor) -> torch.Tensor:
        for place, block in enumerate(self.blocks):
            x = block(x, self.activations, place)
        return self.norm(x)


class PatchEmbed(torch.nn.Module):
    def __init__(self, weight: torch.Tensor):
        super().__init__()
        width, channels, *side = weight.shape
        self.proj = torch.nn.Conv2d(channels, width, side, side)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.proj(x).flatten(2).transpose(1, 2)


class VisionTransformer(Transformer):
    """Takes images (rows, channels, height, width) and gives (rows, outputs), from the class token or from the mean of
    all."""

    def __init__(self, network: dict, tensors: Dict[str, torch.Tensor], activations: torch.nn.Module):
        super().__init__(network, tensors, activations)
        self.patch_embed = PatchEmbed(tensors["patch_embed.proj.weight"])
        self.pos_embed = torch.nn.Parameter(tensors["pos_embed"].clone())
        self.cls_token = torch.nn.Parameter(tensors["cls_token"].clone()) if network["pool"] == "class" else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patch_embed(x)
        if self.cls_token is not None:
            x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1)
        x = self.through(x + self.pos_embed)
        return self.head(x.mean(1) if self.cls_token is None else x[:, 0])


class Gpt(Transformer):
    """Takes characters by number, (rows, ..., length) of any type, and gives (rows, length, alphabet): at each place
    the scores of the character behind it."""

    def __init__(self, network: dict, tensors: Dict[str, torch.Tensor], activations: torch.nn.Module):
        super().__init__(network, tensors, activations)
        self.wte, self.wpe = (torch.nn.Embedding(*tensors[f"{name}.weight"].shape) for name in ("wte", "wpe"))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.through(self.wte(x.flatten(1).long()) + self.wpe.weight))
