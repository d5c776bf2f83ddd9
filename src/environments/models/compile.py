"""Writes the models of this folder: what MuJoCo compiles from the XML files of dm_control and Gymnasium,
as far as a planar engine needs it, in full doubles.

    pip install mujoco==3.17.0 dm_control==1.0.50 gymnasium==1.4.0
    python compile.py

Everything that the engine leaves out (a third dimension, other joints and actuators) is checked here:
a model that has it is refused.
"""

import os

os.environ["MUJOCO_GL"] = "disable"

from pathlib import Path

import gymnasium
import mujoco
import numpy as np
from dm_control import suite
from mujoco import mjtDisableBit, mjtGeom, mjtJoint, mjtObj

HERE = Path(__file__).parent
ASSETS = Path(gymnasium.__file__).parent / "envs/mujoco/assets"

# Model, and where it comes from: a task of dm_control, or a file of Gymnasium.
MODELS = {
    "pendulum": ("pendulum", "swingup"),
    "cartpole": ("cartpole", "balance"),
    "cartpole_two_poles": ("cartpole", "two_poles"),
    "cartpole_three_poles": ("cartpole", "three_poles"),
    "acrobot": ("acrobot", "swingup"),
    "point_mass": ("point_mass", "easy"),
    "reacher": ("reacher", "easy"),
    "ball_in_cup": ("ball_in_cup", "catch"),
    "cheetah": ("cheetah", "run"),
    "hopper": ("hopper", "stand"),
    "walker": ("walker", "walk"),
    "finger": ("finger", "spin"),
    "swimmer6": ("swimmer", "swimmer6"),
    "swimmer15": ("swimmer", "swimmer15"),
    "lqr_2_1": ("lqr", "lqr_2_1"),
    "lqr_6_2": ("lqr", "lqr_6_2"),
    "gymnasium_half_cheetah": "half_cheetah.xml",
    "gymnasium_hopper": "hopper.xml",
    "gymnasium_walker2d": "walker2d_v5.xml",
    "gymnasium_inverted_pendulum": "inverted_pendulum.xml",
    "gymnasium_inverted_double_pendulum": "inverted_double_pendulum.xml",
}

# What the engine does when two geoms of these kinds could touch is not written: they never do
# (the finger's ornaments at the two hinges are out of reach of all that moves).
ORNAMENTS = {"finger": ("proximal_decoration", "spinner_decoration")}

# Sites that sense touch, with the radius of their circle in the plane.
TOUCH = {"hopper": ("touch_toe", "touch_heel"), "finger": ("touchtop", "touchbottom")}


def load(source):
    if isinstance(source, str):
        return mujoco.MjModel.from_xml_path(str(ASSETS / source)), f"Gymnasium {gymnasium.__version__}, {source}"
    # The springs of lqr are drawn when it is loaded: these are those of seed 0.
    env = suite.load(*source, task_kwargs={"random": 0})
    return env.physics.model.ptr, f"dm_control 1.0.50, {source[0]}.xml ({source[1]})"


def value(x):
    if isinstance(x, bool):
        return "true" if x else "false"
    if isinstance(x, str):
        return f'"{x}"'
    if isinstance(x, (list, tuple, np.ndarray)):
        return "[" + ", ".join(value(y) for y in x) + "]"
    if isinstance(x, (int, np.integer)):
        return str(int(x))
    return repr(float(x) + 0.0)  # no negative zero


def table(kind, entries):
    return f"\n[[{kind}]]\n" + "".join(f"{k} = {value(v)}\n" for k, v in entries.items())


def matrix(quaternion):
    r = np.zeros(9)
    mujoco.mju_quat2Mat(r, quaternion)
    return r.reshape(3, 3)


def write(name, source):
    m, origin = load(source)
    axes = (0, 1) if name.split("_")[0] in ("reacher", "swimmer6", "swimmer15", "point") else (0, 2)
    if name.startswith("lqr"):
        axes = (1, 2)
    normal = ({0, 1, 2} - set(axes)).pop()
    # Angles are counter-clockwise in the plane: about -y for x and z, about +z for x and y.
    turn = {(0, 1): 1.0, (0, 2): -1.0, (1, 2): 1.0}[axes]
    called = lambda kind, i: mujoco.mj_id2name(m, kind, i) or ""
    flag = lambda bit: bool(m.opt.disableflags & int(bit))
    flat = lambda i: np.asarray(i).ravel()
    plane = lambda v: np.asarray(v)[list(axes)]

    def angle(r):
        """Of a rotation about the normal of the plane."""
        assert abs(r[normal, normal] - 1) < 1e-12, (name, r)
        return float(np.arctan2(r[axes[1], axes[0]], r[axes[0], axes[0]]))

    assert m.opt.integrator in (0, 1) and m.opt.impratio == 1 and m.neq == 0, name
    assert m.opt.viscosity == 0 and not m.opt.wind.any(), name
    no_limits = flag(mjtDisableBit.mjDSBL_CONSTRAINT) or flag(mjtDisableBit.mjDSBL_LIMIT)
    no_contacts = flag(mjtDisableBit.mjDSBL_CONSTRAINT) or flag(mjtDisableBit.mjDSBL_CONTACT)
    gravity = np.zeros(2) if flag(mjtDisableBit.mjDSBL_GRAVITY) else plane(m.opt.gravity)
    if axes == (0, 1):
        assert not gravity.any()

    text = f"# From {origin}; compiled by MuJoCo {mujoco.__version__}, written by compile.py, not by hand.\n"
    text += f"timestep = {value(m.opt.timestep)}\n"
    text += f"integrator = {value('rk4' if m.opt.integrator else 'euler')}\n"
    text += f"cone = {value('elliptic' if m.opt.cone else 'pyramidal')}\n"
    text += f"gravity = {value(gravity)}\ndensity = {value(m.opt.density)}\n"

    body_name = lambda b: called(mjtObj.mjOBJ_BODY, b)
    for b in range(1, m.nbody):
        r = matrix(m.body_iquat[b])
        inertia = (r @ np.diag(m.body_inertia[b]) @ r.T)[normal, normal]
        entry = dict(
            name=body_name(b),
            parent=body_name(m.body_parentid[b]),
            position=plane(m.body_pos[b]),
            angle=angle(matrix(m.body_quat[b])),
            mass=m.body_mass[b],
            com=plane(m.body_ipos[b]),
            inertia=inertia,
            invweight=m.body_invweight0[b, 0],
        )
        if m.opt.density:
            # Sides of the box of equal inertia, along the two axes of the plane and the normal.
            assert abs(angle(r)) < 1e-12
            i, mass = m.body_inertia[b], m.body_mass[b]
            side = lambda a: np.sqrt(max(1e-15, i.sum() - 2 * i[a]) / mass * 6)
            entry["box"] = [side(axes[0]), side(axes[1]), side(normal)]
        text += table("body", entry)

    for j in range(m.njnt):
        b, kind = m.jnt_bodyid[j], m.jnt_type[j]
        entry = dict(name=called(mjtObj.mjOBJ_JOINT, j), body=body_name(b))
        dof = m.jnt_dofadr[j]
        if kind == mjtJoint.mjJNT_SLIDE:
            assert abs(m.jnt_axis[j][normal]) < 1e-12
            entry |= dict(kind="slide", direction=plane(m.jnt_axis[j]))
        else:
            assert kind == mjtJoint.mjJNT_HINGE and abs(abs(m.jnt_axis[j][normal]) - 1) < 1e-12, name
            entry |= dict(kind="hinge", sign=turn * round(m.jnt_axis[j][normal]), anchor=plane(m.jnt_pos[j]))
        # Polynomial springs and dampers: only their first coefficient is written here.
        damping, stiffness = np.atleast_1d(m.dof_damping[dof]), np.atleast_1d(m.jnt_stiffness[j])
        assert not damping[1:].any() and not stiffness[1:].any(), name
        entry |= dict(
            reference=m.qpos0[j],
            spring=m.qpos_spring[j],
            stiffness=stiffness[0],
            damping=damping[0],
            armature=m.dof_armature[dof],
            invweight=m.dof_invweight0[dof],
        )
        if m.dof_frictionloss[dof] > 0:
            entry["frictionloss"] = m.dof_frictionloss[dof]
            entry |= dict(frictionloss_solref=m.dof_solref[dof], frictionloss_solimp=m.dof_solimp[dof])
        if m.jnt_limited[j]:
            entry["range"] = m.jnt_range[j]
            if not no_limits:
                entry |= dict(margin=m.jnt_margin[j], solref=m.jnt_solref[j], solimp=m.jnt_solimp[j])
        text += table("joint", entry)

    for g in range(m.ngeom):
        kind, b = m.geom_type[g], m.geom_bodyid[g]
        geom_name = called(mjtObj.mjOBJ_GEOM, g)
        contype, conaffinity = int(m.geom_contype[g]), int(m.geom_conaffinity[g])
        if no_contacts or geom_name in ORNAMENTS.get(name, ()):
            contype = conaffinity = 0
        r = matrix(m.geom_quat[g])
        axis, half = r[:, 2], 0.0
        entry = dict(name=geom_name, body=body_name(b))
        if kind == mjtGeom.mjGEOM_PLANE:
            if axes[1] != 2 or abs(axis[2] - 1) > 1e-12 or name.startswith("lqr"):
                continue  # scenery
            assert b == 0
            entry |= dict(kind="plane", position=plane(m.geom_pos[g]))
        elif kind == mjtGeom.mjGEOM_SPHERE:
            entry |= dict(kind="capsule", position=plane(m.geom_pos[g]), radius=m.geom_size[g][0])
        elif kind == mjtGeom.mjGEOM_CAPSULE and abs(axis[normal]) < 1e-12:
            direction = plane(axis)
            entry |= dict(kind="capsule", position=plane(m.geom_pos[g]), radius=m.geom_size[g][0])
            entry |= dict(direction=direction, half_length=m.geom_size[g][1])
        elif kind == mjtGeom.mjGEOM_CYLINDER and abs(abs(axis[normal]) - 1) < 1e-12:
            assert contype == conaffinity == 0
            entry |= dict(kind="capsule", position=plane(m.geom_pos[g]), radius=m.geom_size[g][0])
        else:
            assert contype == conaffinity == 0 or b == 0, (name, geom_name)
            continue  # scenery, and boxes that are there for their inertia
        if b == 0 and kind != mjtGeom.mjGEOM_PLANE:
            continue  # targets and marks on the floor
        entry |= dict(contype=contype, conaffinity=conaffinity)
        if contype or conaffinity:
            entry |= dict(
                condim=int(m.geom_condim[g]),
                friction=m.geom_friction[g][0],
                margin=m.geom_margin[g],
                solref=m.geom_solref[g],
                solimp=m.geom_solimp[g],
                solmix=m.geom_solmix[g],
            )
            assert m.geom_priority[g] == 0 and m.geom_gap[g] == 0, name
        text += table("geom", entry)

    for s in range(m.nsite):
        entry = dict(name=called(mjtObj.mjOBJ_SITE, s), body=body_name(m.site_bodyid[s]), position=plane(m.site_pos[s]))
        if m.site_bodyid[s] == 0:
            continue
        if entry["name"] in TOUCH.get(name, ()):
            size = plane(m.site_size[s]) if m.site_type[s] != mjtGeom.mjGEOM_SPHERE else m.site_size[s][[0, 0]]
            assert size[0] == size[1]
            entry["touch_radius"] = size[0]
        text += table("site", entry)

    for a in range(m.nu):
        assert m.actuator_gainprm[a][0] == 1 and not m.actuator_biasprm[a].any() and not m.actuator_dyntype[a], name
        target = m.actuator_trnid[a][0]
        gear = m.actuator_gear[a][0]
        if m.actuator_trntype[a] == mujoco.mjtTrn.mjTRN_TENDON:
            # A fixed tendon that pulls one joint is that joint.
            start, n = m.tendon_adr[target], m.tendon_num[target]
            pulls = [(m.wrap_objid[i], m.wrap_prm[i]) for i in range(start, start + n) if m.wrap_prm[i] != 0]
            assert len(pulls) == 1, name
            target, gear = pulls[0][0], gear * pulls[0][1]
        else:
            assert m.actuator_trntype[a] == mujoco.mjtTrn.mjTRN_JOINT, name
        entry = dict(joint=called(mjtObj.mjOBJ_JOINT, target), gear=gear)
        if m.actuator_ctrllimited[a]:
            entry["range"] = m.actuator_ctrlrange[a]
        assert not m.actuator_forcelimited[a], name
        text += table("actuator", entry)

    for t in range(m.ntendon):
        start = m.tendon_adr[t]
        if not m.tendon_limited[t] or no_limits:
            assert not flat(m.tendon_stiffness[t]).any() and not flat(m.tendon_damping[t]).any(), name
            continue
        assert m.tendon_num[t] == 2 and m.tendon_range[t][0] == 0, name
        site = lambda i: called(mjtObj.mjOBJ_SITE, m.wrap_objid[start + i])
        text += table(
            "tendon",
            dict(
                sites=[site(0), site(1)],
                max_length=m.tendon_range[t][1],
                margin=m.tendon_margin[t],
                solref=m.tendon_solref_lim[t],
                solimp=m.tendon_solimp_lim[t],
                invweight=m.tendon_invweight0[t],
            ),
        )
    (HERE / f"{name}.toml").write_text(text)


if __name__ == "__main__":
    for name, source in MODELS.items():
        write(name, source)
