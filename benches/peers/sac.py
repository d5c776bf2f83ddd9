#!/usr/bin/env python3
"""Updates of SAC in plasticity-bench, PyTorch (eager) and JAX (one scan), in turn on one core: observation
17, actions 6, two hidden layers of 256, batch 256; relu and rationals. See README.md."""

import argparse
import importlib.util
import os
import shutil
import statistics
import sys

from run import OURS, Contender, build, environment, table

PEERS = {"PyTorch eager": "torch_sac.py", "JAX scan": "jax_sac.py"}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--activations", default="relu,rational")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--examples", type=int, default=25_600, help="transitions per contender and round")
    parser.add_argument("--core", type=int, default=os.cpu_count() - 1, help="core that everything is pinned to")
    return parser.parse_args()


def measure(pin, bench, activation, options):
    """Updates a second of every round by contender, and the versions."""
    batch = str(options.batch)
    commands = {OURS: [bench, activation, "--batch", batch, "--serve"]}
    for label, script in PEERS.items():
        if importlib.util.find_spec(script.split("_")[0]):
            commands[label] = [sys.executable, script, activation, batch]
    contenders = {label: Contender(label, [*pin, *command]) for label, command in commands.items()}
    rates = {label: [] for label in contenders}
    # The first round warms up.
    for turn in range(options.rounds + 1):
        for label, contender in contenders.items():
            spent = contender.ask("time", options.examples // options.batch)["us_per_step"]
            if turn:
                rates[label].append(1e6 / spent)
    versions = {label: contender.version for label, contender in contenders.items()}
    for contender in contenders.values():
        contender.close()
    return rates, versions


def main():
    options = arguments()
    pin = ["taskset", "-c", str(options.core)] if shutil.which("taskset") else []
    bench = build("sac")
    rows, seen = [], {}
    for activation in options.activations.split(","):
        print(f"{activation} …", file=sys.stderr)
        rates, versions = measure(pin, bench, activation, options)
        for label, of_label in rates.items():
            ratios = [ours / theirs for ours, theirs in zip(rates[OURS], of_label)]
            ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
            rows.append([activation, label, f"{statistics.median(of_label):.0f}", ratio])
            print(*rows[-1], sep=", ", file=sys.stderr)
            seen.setdefault(label, []).append(versions[label])
    print(table(["activation", "contender", "updates per second of CPU time", "ours ÷ theirs"], rows))
    print("".join(f"- {line}\n" for line in environment(options)), end="")
    print("".join(f"- {label}: {'; '.join(dict.fromkeys(versions))}\n" for label, versions in seen.items()))


main()
