#!/usr/bin/env python3
"""How many training steps a second one GPU makes under JAX (vmap over seeds, scan over steps), and how many
the processor cores of the same machine make with plasticity-bench, one run a core. Both learn the problem of
problem.py from the same start; their losses are printed side by side.

gpu.py [OURS] [--cores N] [--device-binary DEVICE]

OURS    the binary that `cargo bench --bench step --no-run` builds; without it the cores are left out
DEVICE  the binary that `cargo build --release -p plasticity-bench-cuda --example device` builds: our own kernels on
        the same GPU. Their bits are compared with cuda/tests/hashes.txt, compute-sanitizer looks at them where it is
        installed, and they are timed at as many places as JAX has seeds. NVRTC has to be found (LD_LIBRARY_PATH)."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import problem

STEPS, ROUNDS = 512, 3


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ours", type=Path, nargs="?")
    parser.add_argument("--device-binary", type=Path)
    parser.add_argument("--hashes", type=Path, default=Path(__file__).parents[2] / "cuda/tests/hashes.txt")
    parser.add_argument("--sizes", default="784,256,256,10;784,100,100,10", help="networks, with their inputs and classes")
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument("--seeds", default="1,16,64,256,1024")
    parser.add_argument("--batches", default="16,64")
    parser.add_argument("--activations", default="relu,rational")
    return parser.parse_args()


def on_gpu(path, activation, batch, seeds, precision):
    """Steps a second summed over the seeds (median of the rounds), and the first seed's losses."""
    import jax
    from jax_step import Contender

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


def look_at_bits(binary, hashes):
    """Whether our kernels give on this GPU what they give on a processor."""
    made = subprocess.run([str(binary), "hashes", "cuda"], capture_output=True, text=True)
    if made.returncode != 0:
        print(f"our kernels do not run here: {made.stderr.strip()}")
        return False
    pairs = [dict(line.split() for line in text.splitlines()) for text in (made.stdout, hashes.read_text())]
    differ = [name for name, value in pairs[1].items() if pairs[0].get(name) != value]
    print(f"bits: {len(pairs[1]) - len(differ)} of {len(pairs[1])} problems as on a processor")
    for name in differ:
        print(f"  {name}: {pairs[0].get(name)}, not {pairs[1][name]}")
    return not differ


def sanitize(binary):
    """memcheck and racecheck over all kernels; their findings end in an exit code."""
    if not shutil.which("compute-sanitizer"):
        print("SKIPPED: compute-sanitizer is not installed")
        return True
    clean = True
    for tool in ("memcheck", "racecheck", "synccheck"):
        command = ["compute-sanitizer", "--tool", tool, "--error-exitcode", "9", str(binary), "hashes", "cuda"]
        done = subprocess.run(command, capture_output=True, text=True)
        clean &= done.returncode == 0
        print(f"{tool}: {'nothing found' if done.returncode == 0 else done.stdout[-3000:] + done.stderr[-1000:]}")
    return clean


def on_places(binary, sizes, activation, batch, places):
    """Steps a second of our kernels summed over the places, with the least and most of their rounds."""
    command = [str(binary), "rate", "cuda", "--sizes", sizes, "--batch", str(batch)]
    command += ["--activation", activation, "--places", str(places)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        return f"failed: {done.stderr.strip()[-300:]}"
    told = json.loads(done.stdout)
    return f"{told['steps_per_second']:.0f} ({told['least']:.0f} to {told['most']:.0f})"


def our_kernels(options):
    """Bits first: a quick kernel that is wrong is none."""
    good = look_at_bits(options.device_binary, options.hashes)
    good &= sanitize(options.device_binary)
    for sizes in options.sizes.split(";"):
        for activation in options.activations.split(","):
            for batch in map(int, options.batches.split(",")):
                print(f"\nour kernels, {sizes}, {activation}, batch {batch}: steps a second over all places")
                for places in map(int, options.seeds.split(",")):
                    rate = on_places(options.device_binary, sizes, activation, batch, places)
                    print(f"| {places} places | {rate} |", flush=True)
    return good


def beside_jax(options, path, what, activation, batch):
    rows = []
    # The bench of the cores has one network.
    if options.ours and problem.HIDDEN == (256, 256):
        rate, losses = on_cores(options.ours, path, activation, batch, options.cores)
        rows.append((f"ours, {options.cores} cores", rate, losses))
    for precision in ("highest", "default"):
        for seeds in map(int, options.seeds.split(",")):
            rate, losses = on_gpu(path, activation, batch, seeds, precision)
            rows.append((f"JAX, precision {precision}, {seeds} seeds", rate, losses))
    print(f"\n{what}: steps a second over all seeds; loss before step 0, 20, 99")
    for name, rate, losses in rows:
        at = ", ".join(f"{losses[i]:.4f}" for i in (0, 20, 99))
        print(f"| {name} | {rate:.0f} | {rate / rows[0][1]:.2f} | {at} |", flush=True)


def main():
    options = arguments()
    good = our_kernels(options) if options.device_binary else True
    try:
        import jax
    except ImportError:
        print("SKIPPED: JAX is not installed")
        sys.exit(0 if good else 1)
    device = jax.devices()[0]
    print(f"{device.device_kind} ({device.platform}), jax {jax.__version__}; {options.cores} cores of the same machine")
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "problem.safetensors")
        for sizes in options.sizes.split(";"):
            problem.HIDDEN = tuple(map(int, sizes.split(",")))[1:-1]
            problem.write(path)
            for activation in options.activations.split(","):
                for batch in map(int, options.batches.split(",")):
                    beside_jax(options, path, f"{sizes}, {activation}, batch {batch}", activation, batch)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
