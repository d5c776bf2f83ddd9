#!/usr/bin/env python3
"""MetaWorld's tasks through the pipe, against MetaWorld itself: its scripted policy plays an episode of each task
here, its actions are played again by the program, and observations, rewards and successes are compared.

    python tests/reference/pipe_metaworld.py target/release/plasticity-bench [TASK…]

Run it with a Python that has `metaworld==3.1.1` and `packaging`. It prints a line a task and ends with 1 if any
differs. A scripted policy does not solve every start: what counts is that both sides say the same."""

import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import metaworld.policies as policies
import numpy as np
from metaworld.env_dict import ALL_V3_ENVIRONMENTS_GOAL_OBSERVABLE as TASKS

# What the program's `--seed 0` seeds a reset with: the first number of that stream.
RESET = 0x66B56A1F
STEPS = 500


def policy(task):
    words = task.removesuffix("-v3").split("-")
    name = "Sawyer" + "".join(word.capitalize() for word in words) + "V3Policy"
    # Two policies are named in another order than their task.
    other = {"SawyerPegInsertSideV3Policy": "SawyerPegInsertionSideV3Policy"}
    return getattr(policies, other.get(name, name))()


def played(task):
    """Actions, and what MetaWorld says after each."""
    env = TASKS[f"{task}-goal-observable"](seed=0)
    env._freeze_rand_vec = False
    env.seeded_rand_vec = True
    env.seed(RESET)
    observation, _ = env.reset(seed=RESET)
    first, rows = observation, []
    actor = policy(task)
    for _ in range(STEPS):
        # Its action space is of float32, which is what the program's server hands it too.
        # The policies of doors move what they are shown.
        action = np.clip(actor.get_action(observation.copy()), -1, 1).astype(np.float32)
        observation, reward, _, truncated, info = env.step(action)
        rows.append((action, observation, reward, bool(info["success"])))
        if truncated:
            break
    return first, rows


def through(program, task, rows, folder):
    actions, out = folder / "actions.csv", folder / "out.csv"
    with actions.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([f"action_{i}" for i in range(len(rows[0][0]))])
        writer.writerows([repr(float(x)) for x in row[0]] for row in rows)
    command = [program, "environments", "rollout", f"python:metaworld/{task}", "--policy", actions]
    environment = os.environ | {"PLASTICITY_PYTHON": sys.executable}
    command += ["--steps", str(len(rows)), "--out", out]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    with out.open() as file:
        return list(csv.DictReader(file))


def main():
    program, tasks = sys.argv[1], sys.argv[2:]
    differ, solved = 0, 0
    tasks = tasks or sorted(name.removesuffix("-goal-observable") for name in TASKS)
    with tempfile.TemporaryDirectory() as folder:
        for task in tasks:
            first, rows = played(task)
            ours = through(program, task, rows, Path(folder))
            wanted = [first, *(row[1] for row in rows)]
            observed = [[float(row[f"observation_{i}"]) for i in range(first.size)] for row in ours]
            far = float(np.abs(np.array(observed) - np.array(wanted)[: len(observed)]).max())
            rewards = all(float(row["reward"]) == reward for row, (_, _, reward, _) in zip(ours[1:], rows))
            said = [row["success"] for row in ours[1:]] == [str(row[3]).lower() for row in rows]
            same = len(ours) == len(rows) + 1 and far == 0.0 and rewards and said
            success = sum(row[3] for row in rows)
            differ, solved = differ + (not same), solved + (success > 0)
            verdict = "the same" if same else f"DIFFERS: observations by {far:.1e}, rewards {rewards}, success {said}"
            print(f"{task}: {len(rows)} steps, {success} of them a success; {verdict}", flush=True)
    print(f"{len(tasks)} tasks, {solved} solved, {differ} differ")
    sys.exit(differ > 0)


if __name__ == "__main__":
    main()
