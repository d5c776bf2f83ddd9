"""Trains convolutional networks in PyTorch on an exported task from the checkpoints of runs, and writes
the loss of every step, and the loss over the task's images in evaluation mode after the last one.

    plasticity-bench tasks export SPEC.toml --seed 0 --tasks 0..1 --out EXPORT
    plasticity-bench run SPEC.toml --out OUT --keep-checkpoints all --log-steps
    python pytorch_replay_conv.py --export EXPORT --out losses.csv OUT/NAME/*/

Every run is trained twice, in float32 and in float64. What is printed for it: how far its own losses
(steps.csv) are from the float32 ones, and these from the float64 ones, which is what rounding alone does.
The file holds the float64 losses.

Written from the definitions and torch alone, like pytorch_replay.py, whose rational, batches and optimiser
it takes. The network is read off the checkpoint: `layers.N.weight` with four dimensions are convolutions,
each followed by an activation and max-pooling over 2 × 2; `conv1.weight` begins a ResNet-18 with
torchvision's names, batch normalisation where there are running statistics, group normalisation or biases
elsewhere.
"""

import torch
from safetensors import safe_open
from torch.nn import functional as F

import pytorch_replay as plain
from pytorch_replay_steps import main, steps


class Network:
    def __init__(self, checkpoint, spec, dtype):
        tensors = plain.load_file(checkpoint)
        running = {name: t.to(dtype) for name, t in tensors.items() if "running_" in name}
        self.running = running
        trained = {name: t.to(dtype).requires_grad_() for name, t in tensors.items() if name not in running}
        self.values = trained
        self.network, self.activation = spec["network"], spec["activation"]["name"]
        self.trains = True

    def activate(self, x, site):
        if self.activation == "relu":
            return F.relu(x)
        assert self.activation == "rational", self.activation
        a, b = (self.values[f"activations.{site}.{what}"] for what in ("numerator", "denominator"))
        a, b = a.reshape(1, -1), b.reshape(1, -1)
        return plain.rational_a(x.flatten(1), a, b, 1.0).reshape(x.shape)

    def convolve(self, x, name, stride, padding):
        return F.conv2d(x, self.values[f"{name}.weight"], self.values.get(f"{name}.bias"), stride, padding)

    def normalize(self, x, name):
        scale, shift = self.values.get(f"{name}.weight"), self.values.get(f"{name}.bias")
        if f"{name}.running_mean" in self.running:
            mean, variance = self.running[f"{name}.running_mean"], self.running[f"{name}.running_var"]
            return F.batch_norm(x, mean, variance, scale, shift, training=self.trains)
        if self.network["norm"] == "group":
            return F.group_norm(x, self.network["groups"], scale, shift)
        return x

    def cnn(self, x):
        layers = sum(name.startswith("layers.") and name.endswith(".weight") for name in self.values)
        for layer in range(layers):
            weight, bias = self.values[f"layers.{layer}.weight"], self.values[f"layers.{layer}.bias"]
            if weight.dim() == 4:
                x = F.conv2d(x, weight, bias, padding=self.network["padding"])
                x = F.max_pool2d(self.activate(x, layer), 2)
            else:
                x = F.linear(x.flatten(1), weight, bias)
                x = self.activate(x, layer) if layer + 1 < layers else x
        return x

    def resnet(self, x):
        x = self.activate(self.normalize(self.convolve(x, "conv1", 1, 1), "bn1"), 0)
        site = 1
        for stage in range(1, 5):
            for block in range(2):
                name = f"layer{stage}.{block}"
                stride = 2 if stage > 1 and block == 0 else 1
                y = self.normalize(self.convolve(x, f"{name}.conv1", stride, 1), f"{name}.bn1")
                y = self.activate(y, site)
                y = self.normalize(self.convolve(y, f"{name}.conv2", 1, 1), f"{name}.bn2")
                if f"{name}.downsample.0.weight" in self.values:
                    x = self.convolve(x, f"{name}.downsample.0", stride, 0)
                    x = self.normalize(x, f"{name}.downsample.1")
                x = self.activate(x + y, site + 1)
                site += 2
        return F.linear(x.mean((2, 3)), self.values["fc.weight"], self.values["fc.bias"])

    def __call__(self, x):
        return self.cnn(x) if self.network["kind"] == "cnn" else self.resnet(x)


def train(run, spec, export, dtype):
    """The mean loss of each batch before its update, and that over all images after the last."""
    checkpoint = run / "checkpoints" / "task-0000.safetensors"
    network = Network(checkpoint, spec, dtype)
    inputs, labels = plain.read_task(export, 0, dtype)
    with safe_open(export / "inputs.safetensors", "pt") as file:
        shape = file.get_slice("inputs").get_shape()
    inputs = inputs.reshape(shape)
    losses = steps(network, spec, export, lambda batch: F.cross_entropy(network(inputs[batch]), labels[batch]))
    network.trains = False
    with torch.no_grad():
        return losses, F.cross_entropy(network(inputs), labels).item()


if __name__ == "__main__":
    main(__doc__.splitlines()[0], "resnet18", "norm", train)
