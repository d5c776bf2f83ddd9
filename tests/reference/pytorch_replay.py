"""Trains an MLP in PyTorch on an exported task from a checkpoint, and writes the loss of every step.

    plasticity-bench tasks export SPEC.toml --seed 0 --tasks 0..1 --out EXPORT
    python pytorch_replay.py --export EXPORT --checkpoint RUN/checkpoints/task-0000.safetensors \
        --optimizer adam --learning-rate 1e-3 --steps 200 --batch-size 16 --out losses.csv

The same images, labels, batches and start values as in the suite's own run, so the losses must agree:
to the rounding of float32 at first (a few 1e-7), and after that as far as training lets rounding grow,
which for rationals under Adam is to some per cent within 200 steps. `--against RUN/steps.csv` prints how
far they do; what rounding alone does is seen beside `--dtype float64`. The optimiser starts without a
history, so take the checkpoint before task 0, unless the optimiser is sgd with --momentum 0.

Written from the definitions and torch alone; needs torch, numpy and safetensors. Layers are read from
the checkpoint: `layers.N.weight` (out, in), `layers.N.bias`; for rationals `activations.N.numerator`
and `.denominator`, or `activations.numerator` where all layers share one set. Several sets a layer,
(sets, coefficients), go to equal runs of neighbouring units. `--activation kat`: one numerator, denominators of
degree 4 for each group of units.

Rational version A: R(x) = P(x) / Q(x), P = Σ a_i x^i, Q = 1 + Σ_{k≥1} |b_k| |x|^k, without a
constraint. Signs at 0: autograd's derivative of |b| at b = 0 is 0, so a denominator that starts at 0
would never train; the suite takes +1, and so does this script for |b| and |x| unless --sign-of-zero 0.
relu'(0) is torch's 0.
"""

import argparse
import csv
import pathlib

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch.nn import functional as F


class Magnitude(torch.autograd.Function):
    """|x| with the given derivative at 0."""

    @staticmethod
    def forward(ctx, x, at_zero):
        ctx.save_for_backward(x)
        ctx.at_zero = at_zero
        return x.abs()

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        sign = torch.where(x == 0, torch.full_like(x, ctx.at_zero), x.sign())
        return gradient * sign, None


def rational_a(x, numerator, denominator, at_zero):
    """x (batch, units); coefficients (sets, m + 1) and (sets, n)."""
    sets, units = numerator.shape[0], x.shape[1]
    of_unit = torch.arange(units) * sets // units
    a, b = numerator[of_unit], Magnitude.apply(denominator, at_zero)[of_unit]
    magnitude = Magnitude.apply(x, at_zero)
    p = a[:, -1].expand_as(x)
    for i in reversed(range(a.shape[1] - 1)):
        p = p * x + a[:, i]
    q = b[:, -1] * magnitude
    for k in reversed(range(b.shape[1] - 1)):
        q = (q + b[:, k]) * magnitude
    return p / (1 + q)


ACTIVATIONS = {
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


class Network:
    """Linear layers with an activation between them."""

    def __init__(self, checkpoint, activation, at_zero, dtype):
        tensors = load_file(checkpoint)
        self.values = {name: t.to(dtype).requires_grad_() for name, t in tensors.items()}
        self.layers = sum(name.startswith("layers.") and name.endswith(".weight") for name in tensors)
        self.activation, self.at_zero = activation, at_zero
        rational = any(name.endswith(".denominator") for name in tensors)
        if rational != (activation in ("rational", "kat")):
            raise SystemExit(f"{checkpoint} is {'' if rational else 'not '}of a rational network: see --activation")

    def coefficients(self, layer):
        if self.activation == "kat":
            # One numerator, and a denominator of degree 4 for each group.
            numerator, denominator = (self.values[f"activations.{layer}.{part}"] for part in ("numerator", "denominator"))
            denominator = denominator.reshape(-1, 4)
            return numerator.expand(len(denominator), -1), denominator

        name = f"activations.{layer}" if f"activations.{layer}.numerator" in self.values else "activations"
        pair = self.values[f"{name}.numerator"], self.values[f"{name}.denominator"]
        return [t.reshape(-1, t.shape[-1]) for t in pair]

    def __call__(self, x):
        for layer in range(self.layers):
            x = F.linear(x, self.values[f"layers.{layer}.weight"], self.values[f"layers.{layer}.bias"])
            if layer + 1 < self.layers:
                if self.activation in ("rational", "kat"):
                    x = rational_a(x, *self.coefficients(layer), self.at_zero)
                else:
                    x = ACTIVATIONS[self.activation](x)
        return x


def rows(path, task, *columns):
    """The named columns of one task's rows."""
    with open(path, newline="") as file:
        return [[int(row[c]) for c in columns] for row in csv.DictReader(file) if int(row["task"]) == task]


def read_task(folder, task, dtype):
    """Inputs (examples, features) and labels (examples,) of the task."""
    with safe_open(folder / "inputs.safetensors", "pt") as file:
        inputs = file.get_tensor("inputs").to(dtype)
    if (folder / "permutations.csv").exists():
        source = torch.empty(inputs.shape[2] * inputs.shape[3], dtype=torch.long)
        for position, pixel in rows(folder / "permutations.csv", task, "position", "source"):
            source[position] = pixel
        inputs = inputs.flatten(2)[:, :, source]
    labels = torch.full((len(inputs),), -1)
    for index, label in rows(folder / "labels.csv", task, "index", "label"):
        labels[index] = label
    return inputs.flatten(1), labels


def batches(folder, task, size):
    """Row numbers of each batch: an epoch is cut into runs of `size`, the last one maybe shorter."""
    epochs = {}
    for epoch, position, index in rows(folder / "order.csv", task, "epoch", "position", "index"):
        epochs.setdefault(epoch, []).append((position, index))
    for epoch in sorted(epochs):
        order = [index for _, index in sorted(epochs[epoch])]
        yield from (order[i : i + size] for i in range(0, len(order), size))


class MuonOfHidden:
    """torch.optim.Muon for the hidden matrices and AdamW for the rest, stepped together.

    torch's Newton-Schulz iterations multiply in bfloat16; the suite's in float32. So that the rest of torch's Muon is
    compared to rounding, what it finds as torch.bfloat16 while it steps is the parameters' own type.
    """

    def __init__(self, args, network):
        weights = [f"layers.{layer}.weight" for layer in range(network.layers)]
        hidden = [network.values[name] for name in weights[1:-1]]
        others = [t for t in network.values.values() if all(t is not other for other in hidden)]
        decay = dict(weight_decay=args.weight_decay)
        self.muon = torch.optim.Muon(hidden, lr=args.learning_rate, momentum=0.95, nesterov=True, **decay)
        self.adam = torch.optim.AdamW(
            others, lr=args.adam_learning_rate, betas=(0.9, 0.95), eps=1e-10, foreach=False, **decay
        )

    def zero_grad(self):
        self.muon.zero_grad()
        self.adam.zero_grad()

    def step(self):
        half, torch.bfloat16 = torch.bfloat16, self.muon.param_groups[0]["params"][0].dtype
        try:
            self.muon.step()
        finally:
            torch.bfloat16 = half
        self.adam.step()


def optimizer(args, network):
    if args.optimizer == "muon":
        return MuonOfHidden(args, network)
    own = args.coefficient_learning_rate
    coefficients = [t for name, t in network.values.items() if name.startswith("activations")]
    others = [t for name, t in network.values.items() if not name.startswith("activations")]
    groups = [{"params": others}]
    if coefficients:
        groups.append({"params": coefficients, "lr": args.learning_rate if own is None else own})
    settings = dict(lr=args.learning_rate, weight_decay=args.weight_decay, foreach=False)
    if args.optimizer == "sgd":
        return torch.optim.SGD(groups, momentum=args.momentum, nesterov=args.nesterov, **settings)
    return {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[args.optimizer](groups, **settings)


def train(args):
    """The mean loss of each batch before its update."""
    torch.set_num_threads(1)
    dtype = getattr(torch, args.dtype)
    network = Network(args.checkpoint, args.activation, args.sign_of_zero, dtype)
    inputs, labels = read_task(args.export, args.task, dtype)
    steps = optimizer(args, network)
    losses = []
    for _, batch in zip(range(args.steps), batches(args.export, args.task, args.batch_size)):
        loss = F.cross_entropy(network(inputs[batch]), labels[batch])
        steps.zero_grad()
        loss.backward()
        steps.step()
        losses.append(loss.detach().numpy()[()])
    if len(losses) < args.steps:
        raise SystemExit(f"the export has only {len(losses)} of {args.steps} steps of task {args.task}")
    return losses


def compare(losses, path, task):
    """Largest relative difference to a run's steps.csv, over the first steps and over all."""
    with open(path, newline="") as file:
        theirs = {int(r["step"]): float(r["loss"]) for r in csv.DictReader(file) if int(r["task"]) == task}
    relative = [abs(float(loss) / theirs[step] - 1) for step, loss in enumerate(losses)]
    for count in (1, 10, 50, 100, len(losses)):
        if count <= len(losses):
            print(f"first {count} steps: largest relative difference {max(relative[:count]):.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--export", type=pathlib.Path, required=True, help="folder of `tasks export`")
    parser.add_argument("--checkpoint", type=pathlib.Path, required=True, help="safetensors before the task")
    parser.add_argument("--task", type=int, default=0)
    parser.add_argument("--activation", choices=["rational", "kat", *ACTIVATIONS], default="rational")
    parser.add_argument("--sign-of-zero", type=float, choices=[0.0, 1.0], default=1.0)
    parser.add_argument("--optimizer", choices=["adam", "adamw", "sgd", "muon"], default="adam")
    parser.add_argument("--adam-learning-rate", type=float, default=3e-4, help="of what muon does not step")
    parser.add_argument("--learning-rate", type=float, default=None, help="1e-3; sgd: 1e-2")
    parser.add_argument("--coefficient-learning-rate", type=float, default=None)
    parser.add_argument("--weight-decay", type=float, default=0.0)
    parser.add_argument("--momentum", type=float, default=0.9, help="of sgd")
    parser.add_argument("--nesterov", action="store_true")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="CSV: step, loss")
    parser.add_argument("--against", type=pathlib.Path, help="steps.csv of the suite's run")
    args = parser.parse_args()
    if args.learning_rate is None:
        args.learning_rate = 1e-2 if args.optimizer == "sgd" else 1e-3
    losses = train(args)
    with open(args.out, "w") as file:
        file.write("step,loss\n")
        # str of a numpy float is the shortest decimal that reads back to it in its own precision.
        file.writelines(f"{step},{loss!s}\n" for step, loss in enumerate(losses))
    if args.against:
        compare(losses, args.against, args.task)


if __name__ == "__main__":
    main()
