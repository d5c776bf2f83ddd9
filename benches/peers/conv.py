#!/usr/bin/env python3
"""The training step of convolutional networks in plasticity-bench and PyTorch (channels_last), in turn on
one core: a small CNN, batch 64, ResNet-18, batch 16, relu and rationals; a vision transformer (four blocks of DeiT's
smallest, patches of 4), batch 32, and a decoder of characters (nanoGPT's for a small computer: four blocks of 128
features, 64 characters), batch 12, gelu and rationals. See README.md."""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from run import OURS, Contender, build, environment, table

CASES = {"cnn": 64, "resnet18": 16, "vit": 32, "gpt": 12}
TRANSFORMERS = ("vit", "gpt")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", default=",".join(CASES))
    parser.add_argument("--activations", default="relu,rational")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--examples", type=int, default=640, help="images per contender and round")
    parser.add_argument("--core", type=int, default=os.cpu_count() - 1, help="core that everything is pinned to")
    return parser.parse_args()


def measure(pin, bench, network, activation, options):
    """Milliseconds of every round, the first losses and the versions, each by contender."""
    batch = CASES[network]
    ours = [bench, activation, "--network", network, "--batch", str(batch)]
    with tempfile.TemporaryDirectory() as folder:
        data = str(Path(folder) / "problem.safetensors")
        subprocess.run([*ours, "--write", data], check=True)
        theirs = [sys.executable, "torch_conv.py", data, network, activation]
        contenders = {
            label: Contender(label, [*pin, *command])
            for label, command in ((OURS, [*ours, "--serve"]), ("PyTorch", theirs))
        }
        losses = {label: contender.ask("trace", 6)["losses"] for label, contender in contenders.items()}
        times = {label: [] for label in contenders}
        # The first round warms up.
        for turn in range(options.rounds + 1):
            for label, contender in contenders.items():
                spent = contender.ask("time", max(options.examples // batch, 3))["us_per_step"]
                if turn:
                    times[label].append(spent / 1e3)
        versions = {label: contender.version for label, contender in contenders.items()}
        for contender in contenders.values():
            contender.close()
    return times, losses, versions


def main():
    options = arguments()
    pin = ["taskset", "-c", str(options.core)] if shutil.which("taskset") else []
    bench = build("cnn")
    rows, traces, seen = [], [], {}
    for network in options.networks.split(","):
        for activation in options.activations.split(","):
            # A transformer's own beside a rational.
            activation = "gelu" if network in TRANSFORMERS and activation == "relu" else activation
            case = f"{network}, batch {CASES[network]}, {activation}"
            print(f"{case} …", file=sys.stderr)
            times, losses, versions = measure(pin, bench, network, activation, options)
            ratios = [theirs / ours for ours, theirs in zip(times[OURS], times["PyTorch"])]
            middle = [f"{statistics.median(times[label]):.1f}" for label in (OURS, "PyTorch")]
            spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
            rows.append([case, *middle, f"{statistics.median(ratios):.2f} ({spread})"])
            print(*rows[-1], sep=", ", file=sys.stderr)
            traces.append([case] + [", ".join(f"{x:.4f}" for x in losses[label]) for label in (OURS, "PyTorch")])
            for label, version in versions.items():
                seen.setdefault(label, []).append(version)
    print(table(["ms of CPU time per step", OURS, "PyTorch channels_last", "speed ÷ PyTorch's"], rows))
    print("\nLosses of the first steps, from the same start values on the same batch:\n")
    print(table(["", OURS, "PyTorch"], traces))
    print("".join(f"- {line}\n" for line in environment(options)), end="")
    print("".join(f"- {label}: {'; '.join(dict.fromkeys(versions))}\n" for label, versions in seen.items()))


main()
