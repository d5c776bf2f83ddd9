#!/usr/bin/env python3
"""How many training steps a second one GPU makes: our own kernels and JAX (vmap over seeds, scan over steps), and the
processor cores of the same machine with one run of ours each. The cores and JAX learn the problem of problem.py from
the same start; their losses are printed side by side. Nothing is built.

gpu.py [OURS] [--cores N] [--device-binary DEVICE] [--seconds S]

OURS    the binary that `cargo bench --bench step --no-run` builds; without it the cores are left out
DEVICE  the binary that `cargo build --release -p plasticity-bench-cuda --example device` builds: our own kernels. Their
        bits are compared with cuda/tests/hashes.txt and compute-sanitizer looks at them, where it is installed; then
        they are timed at as many places as JAX has seeds. NVRTC is looked for among Python's packages and in
        /usr/local/cuda, beside LD_LIBRARY_PATH.

What matters most comes first. After S seconds nothing new is begun, the tables are printed, and what was left out is
named. The exit code is 1 where bits differ, the sanitizer finds something, or our kernels do not run."""

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
# What a step can have beside the usual, timed once: options of DEVICE's `rate`.
EXTRAS = [
    ("rational", "--constraint", "lipschitz"),
    ("rational", "--constraint", "unit-gain"),
    ("relu", "--perturb", "start"),
    ("relu", "--perturb", "normal"),
    ("relu", "--perturb", "fresh"),
]
# The largest problems take minutes under the sanitizer and have no kernel of their own.
UNSANITIZED = ("relu", "rational-b-tail-slope")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ours", type=Path, nargs="?")
    parser.add_argument("--device-binary", type=Path)
    parser.add_argument("--device", default="cuda", help="of our kernels: cuda, cuda:N; emulator tries this script out")
    parser.add_argument("--hashes", type=Path, default=Path(__file__).parents[2] / "cuda/tests/hashes.txt")
    parser.add_argument("--sizes", default="784,256,256,10;784,100,100,10", help="networks, with their inputs and classes")
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument("--seeds", default="16,64,256,1024")
    parser.add_argument("--batches", default="16,64")
    parser.add_argument("--activations", default="relu,rational")
    parser.add_argument("--steps", type=int, default=STEPS, help="steps of a round")
    parser.add_argument("--seconds", type=float, default=570, help="after which nothing new is begun")
    parser.add_argument("--out", type=Path, help="JSON with every figure")
    return parser.parse_args()


class Clock:
    """Time that is left; what there is none for is remembered."""

    def __init__(self, seconds):
        self.end = time.monotonic() + seconds
        self.left_out = []

    def left(self):
        return self.end - time.monotonic()

    def allows(self, what, least):
        if self.left() < least:
            self.left_out.append(what)
            return False
        return True


def with_nvrtc():
    """The environment, with the folders that NVRTC may be in."""
    folders = [str(path) for path in Path("/usr/local").glob("cuda*/lib64")]
    for site in sys.path:
        folders += [str(library.parent) for library in Path(site or ".").glob("nvidia/*/lib/libnvrtc.so*")]
    known = os.environ.get("LD_LIBRARY_PATH", "")
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(filter(None, [known, *dict.fromkeys(folders)]))}


def on_gpu(path, activation, batch, seeds, precision, steps):
    """Steps a second summed over the seeds (median of the rounds), and the first seed's losses."""
    import jax
    from jax_step import Contender

    with jax.default_matmul_precision(precision):
        contender = Contender("vmap", path, activation, batch, seeds)
        contender.reset()
        losses = [float(x) for x in contender.run(steps)]
        rates = []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            contender.run(steps)
            rates.append(steps * seeds / (time.perf_counter() - started))
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


def call(command, clock, most=300):
    """What a program of ours prints, or why it does not."""
    try:
        limit = max(5, min(most, clock.left()))
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=with_nvrtc(), timeout=limit)
    except subprocess.TimeoutExpired:
        return None, f"stopped after {limit:.0f} s"
    if done.returncode != 0:
        return None, (done.stdout[-2000:] + done.stderr[-1000:]).strip()
    return done.stdout, ""


def hashes_of(text):
    return dict(line.split() for line in text.splitlines())


def look_at_bits(options, clock):
    """Whether our kernels give on this GPU what they give on a processor."""
    made, why = call([options.device_binary, "hashes", options.device], clock)
    if made is None:
        print(f"FAILED: our kernels do not run here: {why}", flush=True)
        return False
    made, kept = hashes_of(made), hashes_of(options.hashes.read_text())
    differ = [name for name, value in kept.items() if made.get(name) != value]
    print(f"bits: {len(kept) - len(differ)} of {len(kept)} problems as on a processor", flush=True)
    for name in differ:
        print(f"FAILED: {name}: {made.get(name)}, not {kept[name]}", flush=True)
    return not differ


def sanitize(options, clock):
    """memcheck, racecheck and synccheck over the kernels; their findings end in an exit code."""
    if not shutil.which("compute-sanitizer"):
        print("SKIPPED: compute-sanitizer is not installed", flush=True)
        return True
    names = [name for name in hashes_of(options.hashes.read_text()) if name not in UNSANITIZED]
    clean = True
    for tool in ("memcheck", "racecheck", "synccheck"):
        if not clock.allows(f"compute-sanitizer {tool}", 30):
            continue
        command = ["compute-sanitizer", "--tool", tool, "--error-exitcode", "9", options.device_binary, "hashes"]
        made, why = call([*command, options.device, *names], clock, most=100)
        if made is None and why.startswith("stopped"):
            clock.left_out.append(f"compute-sanitizer {tool}: {why}")
        elif made is None:
            clean = False
            print(f"FAILED: {tool}: {why}", flush=True)
        else:
            print(f"{tool}: nothing found in {len(names)} problems", flush=True)
    return clean


def on_places(options, clock, sizes, activation, batch, places, *more):
    """Steps a second of our kernels summed over the places: median, least and most of the rounds."""
    command = [options.device_binary, "rate", options.device, "--sizes", sizes, "--batch", batch]
    command += ["--activation", activation, "--places", places, "--steps", options.steps, *more]
    told, why = call(command, clock)
    if told is None:
        print(f"FAILED: {' '.join(map(str, command[1:]))}: {why}", flush=True)
        return None
    told = json.loads(told)
    return told["steps_per_second"], told["least"], told["most"]


class Tables:
    """Figures by network, activation and batch."""

    def __init__(self):
        self.rows = {}

    def add(self, table, name, places, rate, note=""):
        self.rows.setdefault(table, []).append((name, places, rate, note))
        print(f"{', '.join(map(str, table))} | {name} | {places} | {rate:.0f} | {note}", flush=True)

    def show(self):
        for table, rows in self.rows.items():
            sizes, activation, batch = table
            best = max((rate for name, _, rate, _ in rows if name.startswith("JAX")), default=None)
            print(f"\n{sizes}, {activation}, batch {batch}: steps a second over all, and over JAX's best")
            print("| | runs | steps/s | ÷ JAX's best | |\n|---|---:|---:|---:|---|")
            for name, places, rate, note in rows:
                print(f"| {name} | {places} | {rate:.0f} | {f'{rate / best:.2f}' if best else '-'} | {note} |")


def time_ours(options, clock, tables, table):
    good = True
    for places in map(int, options.seeds.split(",")):
        if clock.allows(f"our kernels, {table}, {places} places", 20):
            told = on_places(options, clock, *table, places)
            good &= told is not None
            if told:
                tables.add(table, "our kernels", places, told[0], f"{told[1]:.0f} to {told[2]:.0f}")
    return good


def time_extras(options, clock, tables):
    """What constraints with a gain and perturbations at every step cost."""
    table, good = (options.sizes.split(";")[-1], int(options.batches.split(",")[0])), True
    places = min(256, max(map(int, options.seeds.split(","))))
    for activation, *more in EXTRAS:
        if clock.allows(f"our kernels with {more[1]}", 20):
            told = on_places(options, clock, table[0], activation, table[1], places, *more)
            good &= told is not None
            if told:
                name = f"our kernels, {' '.join(more)[2:]}"
                tables.add((table[0], activation, table[1]), name, places, told[0], f"{told[1]:.0f} to {told[2]:.0f}")
    return good


def time_others(options, clock, tables, table, folder):
    """JAX and, where there is a binary for it, the cores."""
    sizes, activation, batch = table
    problem.HIDDEN = tuple(map(int, sizes.split(",")))[1:-1]
    path = str(Path(folder) / f"{sizes}.safetensors")
    problem.write(path)
    losses_at = lambda losses: "loss before step 0, 20, 99: " + ", ".join(f"{losses[i]:.4f}" for i in (0, 20, 99))
    # The bench of the cores has one network.
    if options.ours and problem.HIDDEN == (256, 256) and clock.allows(f"the cores, {table}", 40):
        rate, losses = on_cores(options.ours, path, activation, batch, options.cores)
        tables.add(table, "our cores", options.cores, rate, losses_at(losses))
    for precision, name in (("highest", "JAX, f32"), ("default", "JAX, products in TF32")):
        for seeds in map(int, options.seeds.split(",")):
            if clock.allows(f"{name}, {table}, {seeds} seeds", 30):
                rate, losses = on_gpu(path, activation, batch, seeds, precision, options.steps)
                tables.add(table, name, seeds, rate, losses_at(losses))


def beside(options):
    """Whether JAX is here. It takes memory as it needs it, so that our kernels have room beside it."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    try:
        import jax
    except ImportError:
        print("SKIPPED: JAX is not installed", flush=True)
        return False
    device = jax.devices()[0]
    print(f"{device.device_kind} ({device.platform}), jax {jax.__version__}; {options.cores} cores", flush=True)
    return True


def main():
    options = arguments()
    clock, tables, good = Clock(options.seconds), Tables(), True
    options.steps = max(options.steps, 100)
    if options.device_binary:
        good &= look_at_bits(options, clock)
        good &= sanitize(options, clock)
    tables_of = lambda batch: [
        (sizes, activation, batch) for sizes in options.sizes.split(";") for activation in options.activations.split(",")
    ]
    first, *others = map(int, options.batches.split(","))
    # Our kernels have processes of their own, and JAX keeps what memory it once had: it gets the rest of the time.
    if options.device_binary:
        for table in tables_of(first):
            good &= time_ours(options, clock, tables, table)
        good &= time_extras(options, clock, tables)
    with tempfile.TemporaryDirectory() as folder:
        others_too = beside(options)
        for table in tables_of(first) if others_too else []:
            time_others(options, clock, tables, table, folder)
        for table in (table for batch in others for table in tables_of(batch)):
            if options.device_binary:
                good &= time_ours(options, clock, tables, table)
            if others_too:
                time_others(options, clock, tables, table, folder)
    tables.show()
    for what in clock.left_out:
        print(f"SKIPPED for want of time: {what}")
    if options.out:
        rows = [[*table, *row] for table, rows in tables.rows.items() for row in rows]
        options.out.write_text(json.dumps(rows, indent=1) + "\n")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
