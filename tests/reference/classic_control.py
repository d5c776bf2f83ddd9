"""Single steps of Gymnasium's classic control tasks, for tests/classic_control.rs.

    pip install gymnasium==1.4.0
    python tests/reference/classic_control.py > tests/reference/classic_control.csv

A row is one step from (positions, velocities): those of a rollout with random actions, and of states
drawn far and wide. Floats are written so that they read back to the same bits.
"""

import csv
import sys
import warnings

import gymnasium
import numpy as np

warnings.simplefilter("ignore")
ORDER = {"CartPole-v1": [0, 2, 1, 3], "Acrobot-v1": [0, 1, 2, 3], "MountainCar-v0": [0, 1]}
WIDE = {
    "CartPole-v1": [4.0, 0.4, 8.0, 8.0],
    "Acrobot-v1": [np.pi, np.pi, 4 * np.pi, 9 * np.pi],
    "MountainCar-v0": [1.3, 0.07],
}


def joined(values):
    return " ".join(repr(float(x)) for x in values)


def main():
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow("name,state,action,state1,observation,reward,terminated".split(","))
    draws = np.random.default_rng(14)
    for name, order in ORDER.items():
        inverse = np.argsort(order)
        env = gymnasium.make(name)
        world = env.unwrapped
        env.reset(seed=14)
        for row in range(80):
            if row >= 30:
                state = draws.uniform(-1, 1, len(order)) * WIDE[name]
                if name == "MountainCar-v0":
                    state[0] = np.clip(state[0] - 0.3, -1.2, 0.6)
                world.state = state[inverse]
                world.steps_beyond_terminated = None
            state = np.array(world.state, dtype=np.float64)[order]
            action = int(draws.integers(env.action_space.n))
            observation, reward, terminated, _, _ = world.step(action)
            after = np.array(world.state, dtype=np.float64)[order]
            out.writerow(
                [name, joined(state), action, joined(after), joined(observation), reward, int(terminated)]
            )
            if row < 30 and terminated:
                env.reset(seed=row)


main()
