#!/usr/bin/env python3
"""How many training steps a second one GPU makes under JAX (vmap over seeds, scan over steps), and how many
the processor cores of the same machine make with plasticity-bench, one run a core. Both learn the problem of
problem.py from the same start; their losses are printed side by side.

gpu.py OURS [--cores N]   OURS: the binary that `cargo bench --bench step --no-run` builds"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import jax

import problem
from jax_step import Contender

STEPS, ROUNDS = 512, 3


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ours", type=Path)
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument("--seeds", default="1,16,256,1024")
    parser.add_argument("--batches", default="16,64")
    parser.add_argument("--activations", default="relu,rational")
    return parser.parse_args()


def on_gpu(path, activation, batch, seeds, precision):
    """Steps a second summed over the seeds (median of the rounds), and the first seed's losses."""
    with jax.default_matmul_precision(precision):
        contender = Contender("vmap", path, activation, batch, seeds)
        contender.reset()
        losses = [float(x) for x in contender.run(STEPS)]
        rates = []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            contender.run(STEPS)
            rates.append(STEPS * seeds / (time.perf_counter() - started))
    return statistics.median(rates), losses


def on_cores(binary, path, activation, batch, cores):
    """The same for one process a core, all at once."""
    command = [str(binary), activation, "--batch", str(batch), "--serve", "--problem", path]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    workers = [subprocess.Popen(command, **pipes) for _ in range(cores)]

    def answers():
        return [next(json.loads(line) for line in w.stdout if line.startswith("{")) for w in workers]

    def ask(words):
        for worker in workers:
            worker.stdin.write(words + "\n")
            worker.stdin.flush()
        return answers()

    answers()
    losses = ask("trace 100")[0]["losses"]
    rates, steps = [], 400_000 // batch
    for _ in range(ROUNDS):
        started = time.perf_counter()
        ask(f"time {steps}")
        # A tenth as many steps come first, to warm up; the slowest worker ends the round.
        rates.append(cores * (steps + steps // 10) / (time.perf_counter() - started))
    for worker in workers:
        worker.stdin.close()
        worker.wait()
    return statistics.median(rates), losses


def main():
    options = arguments()
    device = jax.devices()[0]
    print(f"{device.device_kind} ({device.platform}), jax {jax.__version__}; {options.cores} cores of the same machine")
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "problem.safetensors")
        problem.write(path)
        for activation in options.activations.split(","):
            for batch in map(int, options.batches.split(",")):
                rows = []
                rate, losses = on_cores(options.ours, path, activation, batch, options.cores)
                rows.append((f"ours, {options.cores} cores", rate, losses))
                for precision in ("highest", "default"):
                    for seeds in map(int, options.seeds.split(",")):
                        rate, losses = on_gpu(path, activation, batch, seeds, precision)
                        rows.append((f"GPU, precision {precision}, {seeds} seeds", rate, losses))
                print(f"\n{activation}, batch {batch}: steps a second over all seeds; loss before step 0, 20, 99")
                for name, rate, losses in rows:
                    at = ", ".join(f"{losses[i]:.4f}" for i in (0, 20, 99))
                    print(f"| {name} | {rate:.0f} | {rate / rows[0][1]:.2f} | {at} |", flush=True)


if __name__ == "__main__":
    main()
