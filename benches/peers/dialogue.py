"""The dialogue between run.py and a contender: a line "time STEPS" or "trace STEPS" comes in, a line of
JSON goes out. Every answer begins at the start values and the first batch."""

import json
import sys
import time


def serve(name, reset, run, seeds=1, warm=lambda steps: None):
    """`reset()` goes back to the start; `run(steps)` trains on, waits for the result and returns the losses
    before each step; `warm(steps)` compiles for that number of steps. One step of `run` trains `seeds`
    networks, and the times are for one."""
    say({"ready": name})
    for line in sys.stdin:
        command, steps = line.split()
        steps = int(steps)
        warm(steps)
        reset()
        if command == "trace":
            say({"losses": [float(x) for x in run(steps)]})
            continue
        run(steps // 10)
        wall, cpu = time.perf_counter(), time.process_time()
        run(steps)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        say({"us_per_step": cpu / steps / seeds * 1e6, "wall_us": wall / steps / seeds * 1e6})


def say(answer):
    print(json.dumps(answer), flush=True)
