"""Single control steps of MuJoCo 3.17 for tests/environments.rs, as environments.csv.gz.

    pip install mujoco==3.17.0 dm_control==1.0.50 gymnasium==1.4.0
    python environments.py                  # the committed file
    python environments.py 1500 more.csv.gz # so many random states a contact model, other seeds

Warm start is off and the solver's tolerance is 0, so that a step is a function of state and action. Rows:
starts (qpos, qvel, target: observation) and steps (qpos, qvel, target, action: qpos1, qvel1, observation,
reward, terminated, contacts after it), along two episodes a task and from random states, for the most part
in deep contact, some with capsules that are exactly parallel, some in changed worlds (gravity, mass, gear,
damping and friction multiplied, or the friction given). Vectors are numbers with spaces between. A target is x, y, radius for reacher and swimmer,
x, y, z, radius for the finger.
"""

import os

os.environ["MUJOCO_GL"] = "disable"

import gzip
import sys
import warnings

import gymnasium
import mujoco
import numpy as np
from dm_control import suite
from dm_control.rl.control import PhysicsError

warnings.filterwarnings("ignore")

TASKS = """pendulum-swingup cartpole-balance cartpole-balance_sparse cartpole-swingup cartpole-swingup_sparse
cartpole-two_poles cartpole-three_poles acrobot-swingup acrobot-swingup_sparse point_mass-easy reacher-easy
reacher-hard ball_in_cup-catch cheetah-run hopper-stand hopper-hop walker-stand walker-walk walker-run
finger-spin finger-turn_easy finger-turn_hard swimmer-swimmer6 swimmer-swimmer15 lqr-lqr_2_1
lqr-lqr_6_2""".split()
# Contact models, one task each; the swimmer for its limits.
DEEP = "walker-walk cheetah-run hopper-hop ball_in_cup-catch finger-turn_hard swimmer-swimmer6".split()
GYMNASIUM = "HalfCheetah-v5 Hopper-v5 Walker2d-v5 InvertedPendulum-v5 InvertedDoublePendulum-v5".split()
# Bodies whose capsules are made parallel, and the joint that does it.
PARALLEL = {
    "hopper-hop": [("torso", "calf", "knee"), ("pelvis", "calf", "knee"), ("torso", "foot", "ankle")],
    "finger-turn_hard": [("distal", "spinner", "hinge")],
}
CHANGED = "walker-walk cheetah-run hopper-hop ball_in_cup-catch finger-turn_hard".split()
COLUMNS = "environment,kind,changes,qpos,qvel,target,action,qpos1,qvel1,observation,reward,terminated,contacts".split(",")


def text(x):
    return " ".join(repr(float(y)) for y in np.asarray(x, dtype=float).ravel())


def line(**cells):
    return ",".join(str(cells.get(column, "")) for column in COLUMNS)


def flat(observation):
    return np.concatenate([np.atleast_1d(x) for x in observation.values()])


def exact(model):
    model.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_WARMSTART)
    model.opt.tolerance = 0


class Suite:
    def __init__(self, name, seed):
        self.name = name
        # The springs of lqr follow from the seed: the models have those of seed 0.
        seed = 0 if name.startswith("lqr") else seed
        self.env = suite.load(*name.split("-", 1), task_kwargs={"random": seed})
        self.physics = self.env.physics
        self.model, self.data = self.physics.model.ptr, self.physics.data.ptr
        exact(self.model)

    def target(self):
        m = self.model
        if self.name.startswith(("reacher", "swimmer")):
            geom = mujoco.mj_name2id(m, mujoco.mjtObj.mjOBJ_GEOM, "target")
            return [*m.geom_pos[geom][:2], m.geom_size[geom][0]]
        if self.name.startswith("finger"):
            site = mujoco.mj_name2id(m, mujoco.mjtObj.mjOBJ_SITE, "target")
            return [*m.site_pos[site], m.site_size[site][0]]
        return []

    def state(self):
        return dict(qpos=text(self.data.qpos), qvel=text(self.data.qvel), target=text(self.target()))

    def step(self, before, action, observation, reward, terminated=0):
        return line(
            environment=self.name,
            kind="step",
            **before,
            action=text(action),
            qpos1=text(self.data.qpos),
            qvel1=text(self.data.qvel),
            observation=text(observation),
            reward=repr(float(reward)),
            terminated=terminated,
            contacts=self.data.ncon,
        )

    def episodes(self, rng, keep):
        for _ in range(2):
            time_step = self.env.reset()
            yield line(environment=self.name, kind="start", **self.state(), observation=text(flat(time_step.observation)))
            phase = rng.uniform(0, 6, self.model.nu)
            kept, t = 0, 0
            while kept < keep:
                action = np.clip(1.2 * np.sin(0.1 * t + phase) + rng.normal(0, 0.4, self.model.nu), -1, 1)
                before = self.state()
                time_step = self.env.step(action)
                t += 1
                if t % 6 == 0 or t < 3:
                    terminated = int(time_step.last() and time_step.discount == 0)
                    yield self.step(before, action, flat(time_step.observation), time_step.reward, terminated)
                    kept += 1

    def random(self, rng):
        m = self.model
        q = m.qpos0.copy()
        for j in range(m.njnt):
            axis = m.jnt_axis[j]
            if m.jnt_limited[j]:
                low, high = m.jnt_range[j]
                past = 0.01 if self.name.startswith("swimmer") else 0.05
                q[j] = rng.uniform(low - past * (high - low), high + past * (high - low))
            elif m.jnt_type[j] == mujoco.mjtJoint.mjJNT_HINGE:
                q[j] = rng.uniform(-np.pi, np.pi)
            elif self.name.startswith(("walker", "hopper", "cheetah")):
                low = -0.9 if self.name.startswith("cheetah") else -1.3
                q[j] = rng.uniform(low, 0.3) if axis[2] == 1 else rng.uniform(-3, 3)
        speed = 2.0
        if self.name.startswith("finger"):
            q[:2] = rng.uniform(-2, 2, 2)
        if self.name.startswith("ball"):
            speed = 1.0
            q[:2] = rng.uniform(-0.3, 0.3, 2)
            if rng.uniform() < 0.4:  # near the end of the string
                angle, radius = rng.uniform(-np.pi, np.pi), rng.uniform(0, 0.36)
                ball = [q[0] + radius * np.sin(angle), 0.492 + q[1] + radius * np.cos(angle)]
            else:  # in and around the cup
                ball = [q[0] + rng.uniform(-0.09, 0.09), 0.6 + q[1] + rng.uniform(-0.14, 0.05)]
            q[2:] = ball[0], ball[1] - 0.2
        if self.name.startswith("swimmer"):
            speed = 1.0
        return q, rng.normal(0, speed, m.nv)

    def align(self, first, second, joint):
        """Turns a joint until the last capsules of two bodies are parallel; whether they touch then."""
        m, d = self.model, self.data
        body = lambda name: mujoco.mj_name2id(m, mujoco.mjtObj.mjOBJ_BODY, name)
        geoms = [m.body_geomadr[body(name)] + m.body_geomnum[body(name)] - 1 for name in (first, second)]
        if first == "distal":
            geoms[1] -= 1  # not the ornament
        j = mujoco.mj_name2id(m, mujoco.mjtObj.mjOBJ_JOINT, joint)
        for _ in range(2):
            mujoco.mj_kinematics(m, d)
            axes = [d.geom_xmat[g].reshape(3, 3)[:, 2] for g in geoms]
            a, b = [np.arctan2(axis[0], axis[2]) for axis in axes]
            turn = (a - b + np.pi / 2) % np.pi - np.pi / 2
            d.qpos[m.jnt_qposadr[j]] += m.jnt_axis[j][1] * turn
        mujoco.mj_forward(m, d)
        return sum(set(d.contact[c].geom) == set(geoms) for c in range(d.ncon)) > 0

    def deep(self, rng, count, parallel=()):
        """Steps from random states, `count` of them with a contact (or a limit, for the swimmer)."""
        found = 0
        while found < count:
            with self.physics.reset_context():
                if not self.name.startswith("cheetah"):  # no time to settle
                    self.env.task.initialize_episode(self.physics)
            self.data.qpos[:], self.data.qvel[:] = self.random(rng)
            if parallel and not self.align(*parallel[rng.integers(len(parallel))]):
                continue
            mujoco.mj_forward(self.model, self.data)
            if self.data.nefc == 0 or (self.data.ncon == 0 and not self.name.startswith("swimmer")):
                if rng.uniform() > 0.1:
                    continue
            else:
                found += 1
            before = self.state()
            action = rng.uniform(-1.2, 1.2, self.model.nu)
            self.env.task.before_step(action, self.physics)
            try:
                self.physics.step(self.env._n_sub_steps)
            except PhysicsError:  # thrown too far for MuJoCo
                found -= 1
                self.physics.reset()
                continue
            self.env.task.after_step(self.physics)
            observation = flat(self.env.task.get_observation(self.physics))
            yield self.step(before, action, observation, self.env.task.get_reward(self.physics))


    def changed(self, rng, count):
        m = self.model
        # Sums of masses and inertias that MuJoCo keeps go with them; inverse weights stay.
        masses = ("body_mass", "body_inertia", "body_subtreemass", "dof_M0")
        names = ("opt.gravity", *masses, "actuator_gear", "dof_damping", "geom_friction")
        get = lambda name: m.opt.gravity if name.startswith("opt") else getattr(m, name)
        original = {name: get(name).copy() for name in names}
        for _ in range(count):
            gravity, mass, gear, damping, friction = np.exp(rng.uniform(-1, 1, 5))
            sliding = rng.uniform(0.02, 2) if rng.uniform() < 0.5 else None
            for name, factor in zip(names, (gravity, *[mass] * len(masses), gear, damping, 1)):
                get(name)[:] = original[name] * factor
            if sliding is not None:
                m.geom_friction[:, 0] = sliding
            m.geom_friction[:, 0] *= friction
            changes = [gravity, mass, gear, damping, friction] + ([] if sliding is None else [sliding])
            for row in self.deep(rng, 1):
                name, kind, _, rest = row.split(",", 3)
                yield ",".join([name, kind, text(changes), rest])


class Gymnasium:
    def __init__(self, name):
        self.name = name
        self.env = gymnasium.make(name)
        self.world = self.env.unwrapped
        exact(self.world.model)

    def rows(self, rng, count):
        m, d = self.world.model, self.world.data
        low, high = m.actuator_ctrlrange.T
        for number in range(count):
            self.env.reset(seed=int(rng.integers(1 << 30)))
            q, v = d.qpos.copy(), d.qvel.copy()
            if number % 4:  # most far from a start
                for j in range(m.njnt):
                    if m.jnt_limited[j]:
                        a, b = m.jnt_range[j]
                        q[j] = rng.uniform(a - 0.03 * (b - a), b + 0.03 * (b - a))
                    elif m.jnt_type[j] == mujoco.mjtJoint.mjJNT_HINGE:
                        q[j] = rng.uniform(-np.pi, np.pi)
                    elif m.jnt_axis[j][2] == 1:
                        q[j] += rng.uniform(-1, 0.3)
                v = rng.normal(0, 2, m.nv)
                if number % 4 == 1 and "Hopper" in self.name or "Walker" in self.name:
                    q[2] = rng.uniform(-0.3, 0.3)
            self.world.set_state(q, v)
            observation = self.world._get_obs()
            state = dict(qpos=text(q), qvel=text(v))
            if number < 2:
                yield line(environment=self.name, kind="start", **state, observation=text(observation))
            action = rng.uniform(1.1 * low, 1.1 * high)
            observation, reward, terminated, _, _ = self.world.step(action)
            yield line(
                environment=self.name,
                kind="step",
                **state,
                action=text(action),
                qpos1=text(d.qpos),
                qvel1=text(d.qvel),
                observation=text(observation),
                reward=repr(float(reward)),
                terminated=int(terminated),
            )


def rows(count, seed):
    for name in TASKS:
        yield from Suite(name, 7 + seed).episodes(np.random.default_rng(3 + seed), 12 if count < 100 else 20)
    for name in DEEP:
        yield from Suite(name, 7 + seed).deep(np.random.default_rng(5 + seed), count)
    for name, choices in PARALLEL.items():
        yield from Suite(name, 7 + seed).deep(np.random.default_rng(8 + seed), count // 3, choices)
    for name in CHANGED:
        yield from Suite(name, 7 + seed).changed(np.random.default_rng(9 + seed), count // 4)
    for name in GYMNASIUM:
        yield from Gymnasium(name).rows(np.random.default_rng(6 + seed), max(count, 40))


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    path = sys.argv[2] if len(sys.argv) > 2 else os.path.join(os.path.dirname(__file__), "environments.csv.gz")
    body = "\n".join([",".join(COLUMNS), *rows(count, 0 if len(sys.argv) < 3 else 100)]) + "\n"
    with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(body.encode())
    print(path, body.count("\n") - 1, "rows")
