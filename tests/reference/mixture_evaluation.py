"""Loss and accuracy of a mixture network in evaluation, by PyTorch from a checkpoint: see replay_zoo.sh.

In evaluation a layer draws the function of its largest logit. Coefficients of a layer: the logits of tanh, swish, gelu
and identity, the steps taken, and an unused place.
"""

import argparse
import pathlib

import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from pytorch_replay import pb

FUNCTIONS = [torch.tanh, F.silu, F.gelu, lambda x: x]

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
for name in ("export", "checkpoint", "out"):
    parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
args = parser.parse_args()
values = {name: tensor.double() for name, tensor in load_file(args.checkpoint).items()}
task = pb.stream(args.export)[0]
inputs, labels = task.inputs.double().flatten(1), task.labels
layers = sum(name.startswith("layers.") and name.endswith(".weight") for name in values)
x, picks = inputs, []
for layer in range(layers):
    x = F.linear(x, values[f"layers.{layer}.weight"], values[f"layers.{layer}.bias"])
    if layer + 1 < layers:
        picks.append(int(values[f"activations.{layer}.coefficients"][:4].argmax()))
        x = FUNCTIONS[picks[-1]](x)
loss, accuracy = F.cross_entropy(x, labels).item(), (x.argmax(1) == labels).double().mean().item()
rows = [("train_loss", loss), ("train_accuracy", accuracy), *((f"pick_{i}", p) for i, p in enumerate(picks))]
args.out.write_text("quantity,value\n" + "".join(f"{name},{value!r}\n" for name, value in rows))
