"""Trains an MLP in PyTorch on an exported task from a checkpoint, and writes the loss of every step.

    plasticity-bench tasks export SPEC.toml --seed 0 --tasks 0..1 --out EXPORT
    python pytorch_replay.py --export EXPORT --checkpoint RUN/checkpoints/task-0000.safetensors \
        --optimizer adam --learning-rate 1e-3 --steps 200 --batch-size 16 --out losses.csv

The same images, labels, batches and start values as in the suite's own run, so the losses must agree:
to the rounding of float32 at first (a few 1e-7), and after that as far as training lets rounding grow,
which for rationals under Adam is to some per cent within 200 steps. `--against RUN/steps.csv` prints how
far they do; what rounding alone does is seen beside `--dtype float64`. The optimiser starts without a
history, so take the checkpoint before task 0, unless the optimiser is sgd with --momentum 0.

The network, its rationals and the batches are those of the Python module plasticity_bench, which is written from the
definitions and torch alone; needs torch, numpy and safetensors. Rationals are of version A without a constraint;
`--activation kat`: one numerator, denominators of degree 4 for each group of units.

Signs at 0: autograd's derivative of |b| at b = 0 is 0, so a denominator that starts at 0 would never train; the suite
takes +1, and so does this script for |b| and |x| unless --sign-of-zero 0. relu'(0) is torch's 0.
"""

import argparse
import csv
import pathlib
import sys

import torch
from safetensors.torch import load_file
from torch.nn import functional as F

# The module of this clone.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))

import plasticity_bench as pb  # noqa: E402
from plasticity_bench import modules  # noqa: E402
from plasticity_bench.modules.activations import functions  # noqa: E402
from plasticity_bench.modules.curve import Magnitude  # noqa: E402


def network(checkpoint, activation, dtype):
    """The perceptron of a checkpoint."""
    try:
        return modules.build({"kind": "mlp"}, {"name": activation}, load_file(checkpoint)).to(dtype)
    except ValueError as error:
        raise SystemExit(f"{checkpoint}: {error}: see --activation")


class MuonOfHidden:
    """torch.optim.Muon for the hidden matrices and AdamW for the rest, stepped together.

    torch's Newton-Schulz iterations multiply in bfloat16; the suite's in float32. So that the rest of torch's Muon is
    compared to rounding, what it finds as torch.bfloat16 while it steps is the parameters' own type.
    """

    def __init__(self, args, network):
        hidden = [layer.weight for layer in network.layers[1:-1]]
        others = [t for t in network.parameters() if all(t is not other for other in hidden)]
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
    coefficients = [t for name, t in network.named_parameters() if name.startswith("activations")]
    others = [t for name, t in network.named_parameters() if not name.startswith("activations")]
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
    Magnitude.at_zero = args.sign_of_zero
    stream = pb.stream(args.export)
    if args.batch_size is not None:
        stream.batch_size = args.batch_size
    net = network(args.checkpoint, args.activation, dtype)
    steps = optimizer(args, net)
    losses = []
    for _, (inputs, labels) in zip(range(args.steps), stream[args.task].batches()):
        loss = F.cross_entropy(net(inputs.to(dtype)), labels)
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
    parser.add_argument("--activation", choices=["rational", "kat", *functions({})], default="rational")
    parser.add_argument("--sign-of-zero", type=float, choices=[0.0, 1.0], default=1.0)
    parser.add_argument("--optimizer", choices=["adam", "adamw", "sgd", "muon"], default="adam")
    parser.add_argument("--adam-learning-rate", type=float, default=3e-4, help="of what muon does not step")
    parser.add_argument("--learning-rate", type=float, default=None, help="1e-3; sgd: 1e-2")
    parser.add_argument("--coefficient-learning-rate", type=float, default=None)
    parser.add_argument("--weight-decay", type=float, default=0.0)
    parser.add_argument("--momentum", type=float, default=0.9, help="of sgd")
    parser.add_argument("--nesterov", action="store_true")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch-size", type=int, default=None, help="the export's if absent")
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
