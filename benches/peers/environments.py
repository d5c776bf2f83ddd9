#!/usr/bin/env python3
"""Control steps of environments here, in MuJoCo's own C loop (`mujoco.rollout`, which observes nothing) and in
dm_control, in turn on one core, under uniformly random actions.

    pip install mujoco==3.17.0 dm_control==1.0.50 safetensors==0.8.0
    python benches/peers/environments.py
"""

import argparse
import os
import shutil
import statistics
import sys

from dialogue import serve

TASKS = "cheetah-run,walker-walk,hopper-hop,finger-spin,ball_in_cup-catch,swimmer-swimmer6"
OURS, ROLLOUT, CONTROL = "plasticity-bench", "mujoco.rollout", "dm_control"
EPISODE = 1000


def peer(kind, name):
    """Answers for one of the others."""
    os.environ["MUJOCO_GL"] = "disable"
    import mujoco
    import numpy as np
    from dm_control import suite
    from mujoco import rollout

    env = suite.load(*name.split("-", 1), task_kwargs={"random": 0})
    model, data = env.physics.model.ptr, env.physics.data.ptr
    rng = np.random.default_rng(0)
    actions = rng.uniform(-1, 1, (EPISODE, model.nu))
    repeated = np.repeat(actions, env._n_sub_steps, axis=0)[None]
    full = mujoco.mjtState.mjSTATE_FULLPHYSICS
    start = np.zeros((1, mujoco.mj_stateSize(model, full)))
    scratch = mujoco.MjData(model)

    def in_c(steps):
        for _ in range(0, steps, EPISODE):
            env.reset()
            mujoco.mj_getState(model, data, start[0], full)
            rollout.rollout(model, scratch, start, repeated[:, : min(steps, EPISODE) * env._n_sub_steps])

    def in_python(steps):
        for number in range(steps):
            if number % EPISODE == 0:
                env.reset()
            env.step(actions[number % EPISODE])

    version = f"MuJoCo {mujoco.__version__}"
    serve(version, lambda: None, in_c if kind == ROLLOUT else in_python)


def main():
    from run import Contender, build, table

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", default=TASKS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--core", type=int, default=os.cpu_count() - 1, help="core that everything is pinned to")
    parser.add_argument("--bench", help="path of our bench, if it is built")
    options = parser.parse_args()
    pin = ["taskset", "-c", str(options.core)] if shutil.which("taskset") else []
    bench = options.bench or build("environments")
    rows = []
    for name in options.tasks.split(","):
        me = [sys.executable, os.path.abspath(__file__), "--peer"]
        contenders = {OURS: Contender(OURS, [*pin, bench, "--serve", name])}
        for kind in (ROLLOUT, CONTROL):
            contenders[kind] = Contender(kind, [*pin, *me, kind, name])
        times = {label: [] for label in contenders}
        # The first round warms up.
        for turn in range(options.rounds + 1):
            for label, contender in contenders.items():
                spent = contender.ask("time", EPISODE)["us_per_step"]
                if turn:
                    times[label].append(spent)
        cells = [f"{1e6 / statistics.median(times[OURS]):.0f}"]
        for kind in (ROLLOUT, CONTROL):
            ratios = [theirs / ours for theirs, ours in zip(times[kind], times[OURS])]
            speed = 1e6 / statistics.median(times[kind])
            cells.append(f"{speed:.0f} ({statistics.median(ratios):.1f}, {min(ratios):.1f} to {max(ratios):.1f})")
        rows.append([name, *cells])
        for contender in contenders.values():
            contender.close()
    print(table(["control steps/s of CPU time (ours ÷ theirs)", OURS, ROLLOUT, CONTROL], rows))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peer"]:
        peer(*sys.argv[2:])
    else:
        main()
