#!/usr/bin/env python3
"""The same training step in plasticity-bench, PyTorch and JAX, side by side on one core. See README.md."""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import problem

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OURS = "plasticity-bench"
# Name in the tables, script, kind.
PEERS = {
    "torch-eager": ("PyTorch eager, fused Adam", "torch_step.py", "eager"),
    "torch-compile": ("PyTorch torch.compile, fused Adam", "torch_step.py", "compile"),
    "jax-jit": ("JAX jitted step", "jax_step.py", "jit"),
    "jax-scan": ("JAX jitted lax.scan over steps", "jax_step.py", "scan"),
    "jax-vmap": ("JAX vmap over 8 seeds and scan, per seed", "jax_step.py", "vmap"),
}
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JAX_PLATFORMS": "cpu",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "CUDA_VISIBLE_DEVICES": "",
    "PYTHONDONTWRITEBYTECODE": "1",
    # glibc would give every tensor above 128 KiB back to the system and take it again, zeroed.
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "MALLOC_TOP_PAD_": str(64 << 20),
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--activations", default="relu,rational")
    parser.add_argument("--batches", default="16,64")
    parser.add_argument("--contenders", default=",".join(PEERS), help="beside ours: " + ", ".join(PEERS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--examples", type=int, default=12800, help="examples per contender and round")
    parser.add_argument("--core", type=int, default=os.cpu_count() - 1, help="core that everything is pinned to")
    parser.add_argument("--out", type=Path, help="folder for peers.md and rounds.json")
    return parser.parse_args()


def build(bench):
    """Builds one of our benches and gives the path of its binary."""
    command = ["cargo", "bench", "--bench", bench, "--no-run", "--message-format", "json"]
    lines = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    # A bench builds the program too, and cargo names the two in either order.
    made = [message for line in lines if (message := json.loads(line)).get("executable")]
    return next(message["executable"] for message in made if message["target"]["name"] == bench)


class Contender:
    """A process that waits for its turn."""

    def __init__(self, label, command):
        self.label = label
        environment = {**os.environ, **ENVIRONMENT}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=HERE
        )
        self.version = self.answer()["ready"]

    def answer(self):
        # Libraries may say something of their own on stdout.
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        sys.exit(f"{self.label} ended early: see its message above.")

    def ask(self, command, steps):
        self.process.stdin.write(f"{command} {steps}\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def measure(pin, step, floor, data, chosen, activation, batch, options):
    """Rounds of one case: a dictionary of lists of microseconds, and everybody's losses."""
    contenders = {
        OURS: Contender(OURS, [*pin, step, activation, "--batch", batch, "--serve", "--problem", data])
    }
    for name in chosen:
        label, script, kind = PEERS[name]
        contenders[label] = Contender(label, [*pin, sys.executable, script, kind, data, activation, batch])
    steps = max(options.examples // int(batch), 10)
    losses = {label: contender.ask("trace", 100)["losses"] for label, contender in contenders.items()}
    times = {label: [] for label in contenders} | {"floor": [], "peak": []}
    for turn in range(options.rounds + 1):
        for label, contender in contenders.items():
            spent = contender.ask("time", steps)["us_per_step"]
            # The first round warms caches up and compiles what is still to compile.
            if turn:
                times[label].append(spent)
        if turn:
            command = [*pin, floor, "--batch", batch, "--gigaflop", "10"]
            lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
            peak, products = map(json.loads, lines)
            times["floor"].append(products["floor_us"])
            times["peak"].append(products["megaflop"] / peak["peak_gflops"] * 1e3)
    versions = {label: contender.version for label, contender in contenders.items()}
    for contender in contenders.values():
        contender.close()
    return times, losses, versions


def ratio(times, label):
    """Median of the rounds' ratios to ours, and their range."""
    ratios = [theirs / ours for theirs, ours in zip(times[label], times[OURS])]
    return statistics.median(ratios), min(ratios), max(ratios)


def row(cells):
    return "| " + " | ".join(cells) + " |\n"


def table(header, rows):
    return row(header) + row(["---"] + ["---:"] * (len(header) - 1)) + "".join(map(row, rows))


def report(results, environment):
    cases = list(results)
    first = results[cases[0]][0]
    labels = [label for label in first if label not in ("floor", "peak")]
    header = ["µs of CPU time per step (÷ ours, least to most)"] + [f"{a}, batch {b}" for a, b in cases]

    def cell(case, label):
        times = results[case][0]
        middle = statistics.median(times[label])
        if label == OURS:
            return f"{middle:.0f}"
        median, least, most = ratio(times, label)
        return f"{middle:.0f} ({median:.2f}, {least:.2f} to {most:.2f})"

    rows = [[label] + [cell(case, label) for case in cases] for label in labels]
    rows.append(["our matrix products alone"] + [cell(case, "floor") for case in cases])
    rows.append(["its multiply-adds at the core's peak"] + [cell(case, "peak") for case in cases])
    share = [f"{100 * ratio(results[case][0], 'peak')[0]:.0f} %" for case in cases]
    rows.append(["our share of the core's peak"] + share)
    text = table(header, rows)

    text += "\nLoss before step 0, 20 and 99, from the same start values on the same batches:\n\n"
    at = lambda losses: ", ".join(f"{losses[i]:.4f}" for i in (0, 20, 99))
    rows = [[label] + [at(results[case][1][label]) for case in cases] for label in labels]
    text += table(["contender"] + header[1:], rows)

    text += "\n" + "".join(f"- {line}\n" for line in environment)
    for label in labels:
        seen = sorted({results[case][2][label] for case in cases})
        text += f"- {label}: {'; '.join(seen)}\n"
    return text


def environment(options):
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    fields = dict(map(str.strip, line.split(":", 1)) for line in info.splitlines() if ":" in line)
    said = lambda *command: subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout.strip()
    family = f"family {fields.get('cpu family')}, model {fields.get('model')}"
    return [
        f"processor: {fields.get('model name', platform.processor())} ({family}), {os.cpu_count()} cores, "
        f"all pinned to core {options.core}; load {os.getloadavg()[0]:.1f} at the end",
        f"system: {platform.system()} {platform.release()}; Python {platform.python_version()}; "
        f"{said('rustc', '--version')}; commit {said('git', 'rev-parse', '--short', 'HEAD')}",
        f"{options.rounds} rounds of {options.examples} examples per contender, round-robin",
    ]


def main():
    options = arguments()
    chosen = [name for name in options.contenders.split(",") if name]
    if unknown := set(chosen) - set(PEERS):
        sys.exit(f"--contenders: {', '.join(sorted(unknown))} is not known: take {', '.join(PEERS)}.")
    pin = ["taskset", "-c", str(options.core)] if shutil.which("taskset") else []
    step, floor = build("step"), build("floor")
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        data = str(Path(folder) / "problem.safetensors")
        problem.write(data)
        for activation in options.activations.split(","):
            for batch in options.batches.split(","):
                print(f"{activation}, batch {batch} …", file=sys.stderr)
                results[activation, batch] = measure(
                    pin, step, floor, data, chosen, activation, batch, options
                )
    text = report(results, environment(options))
    print(text)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "peers.md").write_text(text)
        rounds = [{"activation": a, "batch": int(b), "us": r[0], "losses": r[1]} for (a, b), r in results.items()]
        (options.out / "rounds.json").write_text(json.dumps(rounds, indent=1))


if __name__ == "__main__":
    main()
