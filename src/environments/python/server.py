"""An environment of this interpreter's packages, driven over stdin and stdout by plasticity-bench.

A frame is its length (uint32), a letter and the rest, all little-endian. One request, one reply:

    R seed(uint32)              -> O   reset
    A numbers(float64 ...)      -> O   step; the number of a discrete action is one float64
    S                           -> B   the state, as bytes
    L bytes                     -> B   takes a state back; what was seen in it is kept on the other side
    P nq(uint32) nv(uint32) qpos qvel target
                                -> O   puts a mechanism into a state

    O reward(float64) terminated(uint8) truncated(uint8) success(uint8: 0 not said, 1 no, 2 yes)
      nq(uint32) nv(uint32) nt(uint32) qpos qvel target dtype(uint8: 0 float64, 1 float32, 2 uint8,
      which are taken as parts of 255) observation
    E text                      what went wrong, in words
    I                           the spaces, once at the start: see `introduce`
"""

import io
import os
import pickle
import signal
import struct
import sys
import warnings
import zlib

CURES = {
    "dm_control": "pip install dm_control==1.0.50 mujoco==3.17.0",
    "mujoco": "pip install dm_control==1.0.50 mujoco==3.17.0 or, for Gymnasium, pip install 'gymnasium[mujoco]'",
    "metaworld": "pip install metaworld==3.1.1 packaging, in an environment of its own: it pins mujoco",
    "gymnasium": "pip install 'gymnasium[mujoco]'",
    "ale_py": "pip install gymnasium ale-py opencv-python-headless",
    "cv2": "pip install gymnasium ale-py opencv-python-headless",
    "numpy": "pip install numpy",
}


# Tasks of dm_control that draw a place to be reached: what it is in the model, and its coordinates.
TARGETS = {"reacher": ("geom", 2), "swimmer": ("geom", 2), "finger": ("site", 3), "fish": ("geom", 3)}


class Refused(Exception):
    """What the user is told as it is."""


def plain(value):
    """An array in a layout that is sent: float64, float32 or uint8."""
    array = np.asarray(value)
    if array.dtype not in (np.float64, np.float32, np.uint8):
        array = array.astype(np.float64)
    return np.ascontiguousarray(array)


def hear_mujoco():
    """MuJoCo's warnings go to stderr: left alone, it writes a file into the folder that it is run in."""
    try:
        import mujoco
    except ImportError:
        return
    mujoco.set_mju_user_warning(lambda text: print(text, file=sys.stderr))


class DmControl:
    """A task of dm_control's suite."""

    def __init__(self, name):
        hear_mujoco()
        from dm_control import suite

        domain, _, task = name.partition("-")
        if (domain, task) not in suite.ALL_TASKS:
            names = ", ".join(sorted("-".join(pair) for pair in suite.ALL_TASKS if pair[0] == domain))
            raise Refused(f"dm_control has no task {name}" + (f"; of {domain} it has {names}" if names else ""))
        self.env = suite.load(domain, task, task_kwargs={"random": 0})
        self.domain = domain
        spec = self.env.action_spec()
        self.bounds = np.stack([np.broadcast_to(b, spec.shape).ravel() for b in (spec.minimum, spec.maximum)])
        self.shape, self.discrete = spec.shape, None
        # The suite's own rewards lie in [0, 1], but lqr's.
        self.max_reward = 1.0
        limit = self.env._step_limit
        self.limit = int(limit) if np.isfinite(limit) else 0

    def reset(self, seed):
        self.env.task.random.seed(seed)
        return self.seen(self.env.reset())

    def step(self, action):
        return self.seen(self.env.step(action))

    def seen(self, time):
        parts = [np.ravel(np.asarray(part, dtype=np.float64)) for part in time.observation.values()]
        terminated = bool(time.last() and time.discount == 0)
        truncated = bool(time.last() and not terminated)
        return np.concatenate(parts), time.reward or 0.0, terminated, truncated, None

    def mechanism(self):
        data = self.env.physics.data
        place, size = self.place()
        return data.qpos, data.qvel, np.concatenate([place, size])

    def place(self):
        """Views of the target's coordinates and radius in the model; empty where the task draws none."""
        if self.domain not in TARGETS:
            return np.empty(0), np.empty(0)
        kind, count = TARGETS[self.domain]
        model = self.env.physics.model
        number = model.name2id("target", kind)
        places, sizes = (getattr(model, f"{kind}_{what}") for what in ("pos", "size"))
        return places[number, :count], sizes[number, :1]

    def put(self, qpos, qvel, target):
        physics = self.env.physics
        with physics.reset_context():
            physics.data.qpos[:] = qpos
            physics.data.qvel[:] = qvel
            place, size = self.place()
            place[:], size[:] = target[: place.size], target[place.size :]
        self.env._reset_next_step = False
        self.env._step_count = 0
        observation = self.env.task.get_observation(physics)
        parts = [np.ravel(np.asarray(part, dtype=np.float64)) for part in observation.values()]
        return np.concatenate(parts), 0.0, False, False, None

    def save(self):
        return pickle.dumps(self.env)

    def load(self, state):
        self.env = pickle.loads(state)


def is_mujocos(value):
    """Whether it is a model or a state of MuJoCo, which own the numbers that arrays look at."""
    mujoco = sys.modules.get("mujoco")
    return mujoco is not None and isinstance(value, (mujoco.MjModel, mujoco.MjData))


def buffers(owner):
    """Name, address and bytes of each array of a model or a state."""
    arrays = ((name, getattr(owner, name, None)) for name in dir(owner) if not name.startswith("_"))
    whole = ((name, array) for name, array in arrays if isinstance(array, np.ndarray) and array.flags.c_contiguous)
    return [(name, array.ctypes.data, array.nbytes) for name, array in whole]


class Pickler(pickle.Pickler):
    """Pickles an array that looks at a model's or a state's numbers as where it looks: MetaWorld keeps such arrays,
    and copies of them would stand still where they move."""

    def __init__(self, file, owners):
        super().__init__(file)
        self.owners, self.buffers = owners, None

    def persistent_id(self, value):
        for number, owner in enumerate(self.owners):
            if value is owner:
                return number, None, 0, ()
        if isinstance(value, np.ndarray) and not value.flags.owndata and value.flags.c_contiguous:
            if self.buffers is None:
                self.buffers = [buffers(owner) for owner in self.owners]
            first, last = value.ctypes.data, value.ctypes.data + value.nbytes
            for number, known in enumerate(self.buffers):
                for name, start, size in known:
                    if start <= first and last <= start + size and value.size:
                        return number, name, (first - start) // value.itemsize, value.shape
        return None


class Unpickler(pickle.Unpickler):
    """The inverse of Pickler."""

    def __init__(self, file, owners):
        super().__init__(file)
        self.owners = owners

    def persistent_load(self, place):
        number, name, first, shape = place
        owner = self.owners[number]
        if name is None:
            return owner
        return getattr(owner, name).reshape(-1)[first : first + int(np.prod(shape))].reshape(shape)


def dumped(value, owners):
    file = io.BytesIO()
    pickle.dump(owners, file)
    Pickler(file, owners).dump(value)
    return file.getvalue()


def loaded(state):
    file = io.BytesIO(state)
    return Unpickler(file, pickle.load(file)).load()


class Gymnasium:
    """Anything that gymnasium.make takes."""

    def __init__(self, name, **settings):
        import gymnasium

        hear_mujoco()
        atari = name.startswith("ALE/")
        if atari:
            import ale_py

            gymnasium.register_envs(ale_py)
            # The wrapper below holds actions and takes the larger of two frames.
            settings["frameskip"] = 1
        try:
            env = gymnasium.make(name, **settings)
            if atari and env.observation_space.shape[2:] == (3,):
                env = frames(env)
        except gymnasium.error.DependencyNotInstalled as error:
            raise Refused(f"{error}; or {CURES['gymnasium']}") from error
        except gymnasium.error.Error as error:
            raise Refused(f"Gymnasium does not make {name}: {error}") from error
        self.wrap(env)
        self.limit = (env.spec.max_episode_steps or 0) if env.spec else 0

    def wrap(self, env):
        from gymnasium import spaces

        self.env, self.spaces, self.max_reward = env, spaces, None
        space = env.action_space
        self.discrete = self.bounds = None
        if isinstance(space, spaces.Discrete):
            self.discrete, self.first = int(space.n), int(space.start)
        elif isinstance(space, spaces.Box):
            self.shape, self.dtype = space.shape, space.dtype
            self.bounds = np.stack([space.low.ravel(), space.high.ravel()]).astype(np.float64)
        else:
            raise Refused(f"its actions are {space}: agents act by one vector or one number")

    def reset(self, seed):
        observation, _ = self.env.reset(seed=seed)
        return self.flat(observation), 0.0, False, False, None

    def step(self, action):
        if self.discrete is None:
            action = np.asarray(action, dtype=self.dtype).reshape(self.shape)
        else:
            action += self.first
        observation, reward, terminated, truncated, info = self.env.step(action)
        # MetaWorld's word for it and that of Gymnasium's robots.
        success = info.get("success", info.get("is_success"))
        success = None if success is None else bool(success)
        return self.flat(observation), float(reward), bool(terminated), bool(truncated), success

    def flat(self, observation):
        space = self.env.observation_space
        if not isinstance(space, self.spaces.Box):
            return self.spaces.flatten(space, observation)
        array = np.asarray(observation)
        # Images come rows first and channels last.
        image = array.ndim == 3 and array.shape[2] in (1, 3, 4)
        return array.transpose(2, 0, 1) if image else array

    def mechanism(self):
        world = self.env.unwrapped
        known = hasattr(world, "set_state") and hasattr(getattr(world, "data", None), "qpos")
        return (world.data.qpos, world.data.qvel, []) if known else None

    def put(self, qpos, qvel, _):
        self.env.reset(seed=0)
        world = self.env.unwrapped
        world.data.qacc_warmstart[:] = 0
        world.set_state(qpos, qvel)
        return self.flat(world._get_obs()), 0.0, False, False, None

    def layers(self):
        """The wrappers, the innermost environment last."""
        layer, found = self.env, [self.env]
        while layer is not layer.unwrapped:
            layer = layer.env
            found.append(layer)
        return found

    def save(self):
        states = []
        for layer in self.layers():
            parts = {}
            for key, value in vars(layer).items():
                if key in ("env", "mujoco_renderer", "spec"):
                    continue
                parts[key] = value
            states.append(parts)
        ale = getattr(self.env.unwrapped, "ale", None)
        if ale is not None:
            del states[-1]["ale"]
            states.append(self.env.unwrapped.clone_state(include_rng=True))
        return dumped(states, [part for part in vars(self.env.unwrapped).values() if is_mujocos(part)])

    def load(self, state):
        states = loaded(state)
        layers = self.layers()
        for layer, parts in zip(layers, states):
            vars(layer).update(parts)
        if len(states) > len(layers):
            self.env.unwrapped.restore_state(states[-1])


def frames(env):
    """DQN's view of Atari (Mnih et al. 2015): 84 by 84, grey, four steps an action, the last four frames."""
    import cv2  # noqa: F401  what the wrapper scales pictures with
    from gymnasium import wrappers

    env = wrappers.AtariPreprocessing(env, noop_max=30, frame_skip=4, screen_size=84, grayscale_obs=True)
    return wrappers.FrameStackObservation(env, 4)


class MetaWorld(Gymnasium):
    """A task of MetaWorld whose goal is seen."""

    def __init__(self, name):
        hear_mujoco()
        from metaworld.env_dict import ALL_V3_ENVIRONMENTS_GOAL_OBSERVABLE as tasks

        task = tasks.get(f"{name}-goal-observable")
        if task is None:
            names = ", ".join(sorted(key.removesuffix("-goal-observable") for key in tasks))
            raise Refused(f"MetaWorld has no task {name}; it has {names}")
        env = task(seed=0)
        # Every reset draws a goal, from the seed that it was given.
        env._freeze_rand_vec = False
        env.seeded_rand_vec = True
        self.wrap(env)
        self.limit = int(env.max_path_length)

    def reset(self, seed):
        self.env.seed(seed)
        return super().reset(seed)


def make(name):
    suite, _, rest = name.partition("/")
    if suite == "dm_control":
        return DmControl(rest)
    if suite == "metaworld":
        return MetaWorld(rest)
    return Gymnasium(rest if suite == "gymnasium" else name)


def saved(world):
    """Why the world cannot be saved in the middle of an episode; empty if a trial shows that it can."""
    draws = np.random.default_rng(0)
    if world.discrete is None:
        ends = np.clip(world.bounds, -1, 1)
        actions = draws.uniform(*ends, size=(20, ends.shape[1]))
    else:
        actions = draws.integers(world.discrete, size=20)

    def walk(steps):
        seen = []
        for action in actions[:steps]:
            observation, *rest = world.step(action.copy() if world.discrete is None else int(action))
            seen.append((plain(observation).tobytes(), rest))
            if rest[1] or rest[2]:
                world.reset(2)
        return seen

    try:
        world.reset(1)
        walk(3)
        state = world.save()
        straight = walk(20)
        walk(3)
        world.load(state)
        return "" if walk(20) == straight else "it goes on otherwise from a saved state"
    except Exception as error:  # whatever a package raises
        return f"{type(error).__name__}: {error}"


def introduce(world, observation):
    shape = observation.shape if observation.ndim == 3 else (observation.size,)
    why = saved(world)
    out = struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}I", *shape)
    if world.discrete is None:
        out += struct.pack("<BI", 0, world.bounds.shape[1]) + plain(world.bounds.T).tobytes()
    else:
        out += struct.pack("<BI", 1, world.discrete)
    known = world.max_reward is not None
    out += struct.pack("<QBd", world.limit, known, world.max_reward if known else 0.0)
    return b"I" + out + why.encode()


def answer(world, request):
    kind, rest = request[:1], request[1:]
    if kind == b"S":
        return b"B" + zlib.compress(world.save(), 1)
    if kind == b"R":
        step = world.reset(struct.unpack("<I", rest)[0])
    elif kind == b"A":
        numbers = np.frombuffer(rest, dtype="<f8")
        step = world.step(numbers.copy() if world.discrete is None else int(numbers[0]))
    elif kind == b"P":
        nq, nv = struct.unpack_from("<II", rest)
        numbers = np.frombuffer(rest, dtype="<f8", offset=8)
        step = world.put(*np.split(numbers, [nq, nq + nv]))
    elif kind == b"L":
        world.load(zlib.decompress(rest))
        return b"B"
    else:
        raise Refused(f"no request is named {kind!r}")
    observation, reward, terminated, truncated, success = step
    array = plain(observation)
    dtype = {np.dtype(np.float64): 0, np.dtype(np.float32): 1, np.dtype(np.uint8): 2}[array.dtype]
    parts = [np.asarray(part, dtype=np.float64) for part in (world.mechanism() or ([], [], []))]
    said = 0 if success is None else 1 + success
    return (
        b"O"
        + struct.pack("<dBBB3I", reward, terminated, truncated, said, *(part.size for part in parts))
        + b"".join(part.tobytes() for part in parts)
        + struct.pack("<B", dtype)
        + array.tobytes()
    )


def told(error, name):
    if isinstance(error, Refused):
        return str(error)
    if isinstance(error, ImportError):
        package = (error.name or "").split(".")[0]
        # What one of the suites brings along is missing: the suite's own line brings it.
        suite = name.partition("/")[0]
        cure = CURES.get(package) or CURES.get(suite) or CURES["gymnasium"]
        return f"this Python ({sys.executable}) cannot import {package or 'a package'} ({error}): {cure}"
    return f"{type(error).__name__}: {error}"


def main(name):
    global np
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What packages print goes to stderr: stdout carries frames alone.
    frames = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests = io.BufferedReader(io.FileIO(0))
    warnings.simplefilter("ignore")

    def send(payload):
        frames.write(struct.pack("<I", len(payload)) + payload)
        frames.flush()

    try:
        import numpy as np

        world = make(name)
        observation = plain(world.reset(0)[0])
        send(introduce(world, observation))
    except Exception as error:  # whatever a package raises
        send(b"E" + told(error, name).encode())
        return
    while len(head := requests.read(4)) == 4:
        request = requests.read(struct.unpack("<I", head)[0])
        try:
            reply = answer(world, request)
        except Exception as error:  # whatever a package raises
            reply = b"E" + told(error, name).encode()
        send(reply)


main(sys.argv[1])
