"""The replays of whole networks: training steps from a run's checkpoint, how far the suite's own losses are from them,
and the file of losses. A replay says what names a run."""

import argparse
import csv
import pathlib
import tomllib
from types import SimpleNamespace

import torch
from torch.nn import functional as F

import pytorch_replay as plain
from pytorch_replay import pb


def loss_of(outputs, labels):
    """The mean over examples, and over the places of texts."""
    return F.cross_entropy(outputs.reshape(-1, outputs.shape[-1]), labels.reshape(-1))


def train(run, spec, export, dtype):
    """The mean loss of each batch of the exported task before its update, and that over all its examples after the last
    one, in evaluation mode."""
    own = spec["optimizer"]
    options = SimpleNamespace(
        optimizer=own["name"], learning_rate=own["learning_rate"], weight_decay=own.get("weight_decay", 0.0),
        momentum=own.get("momentum", 0.0), nesterov=own.get("nesterov", False),
        coefficient_learning_rate=spec["activation"].get("learning_rate"),
    )  # fmt: skip
    network, task = pb.network(run, task=0).to(dtype), pb.stream(export)[0]
    optimizer = plain.optimizer(options, network)
    losses = []
    for inputs, labels in task.batches():
        loss = loss_of(network(inputs.to(dtype)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    network.eval()
    with torch.no_grad():
        return losses, loss_of(network(task.inputs.to(dtype)), task.labels).item()


def largest(ours, theirs):
    return max(abs(a / b - 1) for a, b in zip(ours, theirs, strict=True))


def replay(run, export, kind, key):
    spec = tomllib.loads((run / "run.toml").read_text())
    form = [spec["network"][key]] if spec["network"]["kind"] == kind else []
    name = "-".join([spec["network"]["kind"], *form, spec["activation"]["name"]])
    single, single_end = train(run, spec, export, torch.float32)
    double, double_end = train(run, spec, export, torch.float64)
    ours = [float(row["loss"]) for row in csv.DictReader(open(run / "steps.csv", newline=""))]
    (task,) = csv.DictReader(open(run / "tasks.csv", newline=""))
    print(
        f"{name}: loss {double[0]:.4f} to {double[-1]:.4f}; the suite's from float32 {largest(ours, single):.1e}, "
        f"from float64 {largest(ours, double):.1e}; float32 from float64 {largest(single, double):.1e}; evaluation "
        f"after the last step {largest([float(task['train_loss'])], [double_end]):.1e}"
    )
    return name, double, double_end


def main(description, kind, key):
    """Replays runs. Their names say the network, of those of this `kind` its setting `key`, and the activation."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--export", type=pathlib.Path, required=True, help="folder of `tasks export`")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="CSV: run, step (or end), loss")
    parser.add_argument("runs", type=pathlib.Path, nargs="+", help="folders of runs, with checkpoints and steps")
    args = parser.parse_args()
    torch.set_num_threads(1)
    results = [replay(run, args.export, kind, key) for run in args.runs]
    with open(args.out, "w") as file:
        file.write("run,step,loss\n")
        for name, losses, end in sorted(results):
            file.writelines(f"{name},{step},{loss:.10}\n" for step, loss in enumerate(losses))
            file.write(f"{name},end,{end:.10}\n")
