"""Trains transformers in PyTorch on an exported task from the checkpoints of runs, and writes the loss of every step,
and the loss over the task's examples after the last one.

    plasticity-bench tasks export SPEC.toml --seed 0 --tasks 0..1 --out EXPORT
    plasticity-bench run SPEC.toml --out OUT --keep-checkpoints all --log-steps
    python pytorch_replay_transformers.py --export EXPORT --out losses.csv OUT/NAME/*/

Every run is trained twice, in float32 and in float64. What is printed for it: how far its own losses (steps.csv) are
from the float32 ones, and these from the float64 ones, which is what rounding alone does. The file holds the float64
losses.

Written from the definitions and torch alone (its conv2d, layer_norm, scaled_dot_product_attention, gelu), like
pytorch_replay.py, whose rational, batches and optimiser it takes. Of an exported text, alphabets.csv says as which
number each character is shown; every place of a text is asked for the character behind it, the last one for the label.
"""

import torch
from safetensors import safe_open
from torch.nn import functional as F

import pytorch_replay as plain
from pytorch_replay_steps import main, steps


class Network:
    def __init__(self, checkpoint, spec, shape, dtype):
        tensors = plain.load_file(checkpoint)
        self.values = {name: t.to(dtype).requires_grad_() for name, t in tensors.items()}
        self.network, self.activation = spec["network"], spec["activation"]["name"]
        self.shape = shape

    def activate(self, x, site):
        if self.activation == "gelu":
            return F.gelu(x)
        a, b = (self.values[f"activations.{site}.{what}"] for what in ("numerator", "denominator"))
        if self.activation == "kat":
            b = b.reshape(-1, 4)
            a = a.expand(len(b), -1)
        rows = plain.rational_a(x.flatten(0, 1), a.reshape(-1, a.shape[-1]), b.reshape(-1, b.shape[-1]), 1.0)
        return rows.reshape(x.shape)

    def linear(self, x, name):
        return F.linear(x, self.values[f"{name}.weight"], self.values[f"{name}.bias"])

    def norm(self, x, name):
        return F.layer_norm(x, x.shape[-1:], self.values[f"{name}.weight"], self.values[f"{name}.bias"])

    def block(self, x, number):
        name, heads = f"blocks.{number}", self.network["heads"]
        n = self.norm(x, f"{name}.norm1")
        parts = (self.linear(n, f"{name}.attn.{part}").unflatten(-1, (heads, -1)).transpose(1, 2) for part in "qkv")
        causal = self.network["kind"] == "gpt"
        mixed = F.scaled_dot_product_attention(*parts, is_causal=causal).transpose(1, 2).flatten(2)
        x = x + self.linear(mixed, f"{name}.attn.proj")
        hidden = self.activate(self.linear(self.norm(x, f"{name}.norm2"), f"{name}.mlp.fc1"), number)
        return x + self.linear(hidden, f"{name}.mlp.fc2")

    def embed(self, x):
        if self.network["kind"] == "gpt":
            return self.values["wte.weight"][x.long()] + self.values["wpe.weight"]
        weight, bias = self.values["patch_embed.proj.weight"], self.values["patch_embed.proj.bias"]
        x = F.conv2d(x.reshape(-1, *self.shape), weight, bias, stride=self.network["patch"]).flatten(2).transpose(1, 2)
        if self.network["pool"] == "class":
            x = torch.cat([self.values["cls_token"].expand(len(x), -1, -1), x], 1)
        return x + self.values["pos_embed"]

    def __call__(self, x):
        x = self.embed(x)
        for number in range(self.network["depth"]):
            x = self.block(x, number)
        x = self.norm(x, "norm")
        if self.network["kind"] == "vit":
            x = x[:, 0] if self.network["pool"] == "class" else x.mean(1)
        return self.linear(x, "head")


def read(export, kind, dtype):
    """Inputs (examples, features), targets (examples) or (examples, places), and the shape of an input."""
    with safe_open(export / "inputs.safetensors", "pt") as file:
        shape = file.get_slice("inputs").get_shape()[1:]
    inputs, labels = plain.read_task(export, 0, dtype)
    if kind == "vit":
        return inputs, labels, shape
    alphabet = torch.tensor([shown for _, shown in sorted(plain.rows(export / "alphabets.csv", 0, "character", "shown"))])
    inputs = alphabet[inputs.long()]
    return inputs, torch.cat([inputs[:, 1:], labels[:, None]], 1), shape


def loss_of(network, inputs, targets):
    outputs = network(inputs)
    return F.cross_entropy(outputs.reshape(-1, outputs.shape[-1]), targets.reshape(-1))


def train(run, spec, export, dtype):
    """The mean loss of each batch before its update, and that over all examples after the last."""
    inputs, targets, shape = read(export, spec["network"]["kind"], dtype)
    network = Network(run / "checkpoints" / "task-0000.safetensors", spec, shape, dtype)
    losses = steps(network, spec, export, lambda batch: loss_of(network, inputs[batch], targets[batch]))
    with torch.no_grad():
        return losses, loss_of(network, inputs, targets).item()


if __name__ == "__main__":
    main(__doc__.splitlines()[0], "vit", "pool", train)
