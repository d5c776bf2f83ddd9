//! A task on a mechanism: what all environments that are physics have in common.

use std::sync::Arc;

use super::planar::model::Shape;
use super::planar::{Changes, Dynamics, Model, dynamics};
use super::{Action, ActionSpace, BuildError, Environment, EnvironmentError, Figure, Physics, Spaces, Step};
use crate::random::Stream;
use crate::state::{StateDict, StateError, Stateful, Values};

/// What is asked for on a mechanism.
pub(super) trait Task: Send + Sync {
    /// Writes the observation.
    fn observe(&self, world: &dyn Dynamics, target: &[f64], observation: &mut [f64]);

    /// Reward of a control step.
    fn reward(&self, passed: &Passed<'_>) -> f64;

    /// Whether the state after a control step is one after which nothing follows.
    fn terminated(&self, _: &Passed<'_>) -> bool {
        false
    }

    /// Draws a start: the state, and the target where there is one.
    fn start(&self, start: &mut Start<'_>, draws: &mut Stream);
}

/// A control step that has been made.
pub(super) struct Passed<'a> {
    /// The mechanism after it.
    pub world: &'a dyn Dynamics,
    /// What the task drew at the start.
    pub target: &'a [f64],
    /// The action as it was given.
    pub action: &'a [f64],
    /// First coordinate before it.
    pub before: f64,
    /// Its length in seconds.
    pub duration: f64,
}

/// A mechanism at its reference pose, at rest, before a start is drawn.
pub(super) struct Start<'a> {
    /// What it is made of.
    pub model: &'a Model,
    /// The mechanism.
    pub world: &'a mut dyn Dynamics,
    /// Positions to be changed.
    pub qpos: &'a mut [f64],
    /// Velocities to be changed.
    pub qvel: &'a mut [f64],
    /// Target to be changed.
    pub target: &'a mut [f64],
}

impl Start<'_> {
    /// Puts the mechanism into the positions and velocities.
    pub fn set(&mut self) {
        self.world.set(self.qpos, self.qvel);
    }

    /// Joints with a range anywhere in it; hinges without one at any angle.
    pub fn random_joints(&mut self, draws: &mut Stream) {
        use super::planar::model::Motion;
        for (joint, q) in self.model.joints.iter().zip(&mut *self.qpos) {
            match (joint.range, joint.motion) {
                (Some([low, high]), _) => *q = draws.uniform(low, high),
                (None, Motion::Hinge { .. }) => {
                    *q = draws.uniform(-std::f64::consts::PI, std::f64::consts::PI);
                }
                (None, Motion::Slide { .. }) => {}
            }
        }
    }
}

/// How a task is set up.
pub(super) struct Setup {
    /// Name of the environment.
    pub name: &'static str,
    /// Text of its model.
    pub model: &'static str,
    /// What is changed in the model for this task.
    pub prepare: fn(&mut Model),
    /// Steps of the integrator a control step.
    pub substeps: usize,
    /// Numbers in an observation.
    pub observation: usize,
    /// The target before one is drawn; its length is the task's.
    pub target: &'static [f64],
    /// Steps after which an episode is cut off, if ever.
    pub limit: Option<usize>,
    /// Bounds of an episode's sum of rewards, where they are known.
    pub returns: Option<(f64, f64)>,
    /// Largest reward of one step, where it is known.
    pub max_reward: Option<f64>,
    /// Mean return of uniformly drawn actions, by `environments random NAME`.
    pub random_return: Option<f64>,
    /// What is asked for.
    pub task: fn(&Model) -> Arc<dyn Task>,
}

impl Setup {
    /// An environment of this task in a changed world, before its first reset at the reference pose.
    pub fn build(&self, changes: &Changes) -> Result<Box<dyn Environment>, BuildError> {
        let wrong = |why| BuildError::Changes(self.name.to_owned(), why);
        let mut model = Model::parse(self.model).expect("a test builds every embedded model");
        (self.prepare)(&mut model);
        changes.apply(&mut model).map_err(wrong)?;
        let world = dynamics(&model).expect("a test builds every embedded model");
        let bounds = |range: Option<[f64; 2]>| {
            range.map_or((f64::NEG_INFINITY, f64::INFINITY), |[low, high]| (low, high))
        };
        let spaces = Spaces {
            observation: vec![self.observation],
            action: ActionSpace::Continuous(model.actuators.iter().map(|a| bounds(a.range)).collect()),
            returns: self.returns,
            max_reward: self.max_reward,
            step_limit: self.limit,
            // Measured in the unchanged world alone.
            random_return: self.random_return.filter(|_| *changes == Changes::default()),
        };
        let mut mechanism = Mechanism {
            name: self.name,
            spaces,
            substeps: self.substeps,
            duration: model.timestep * self.substeps as f64,
            task: (self.task)(&model),
            target: self.target.to_vec(),
            default_target: self.target,
            steps: 0,
            observation: vec![0.0; self.observation],
            qpos: model.joints.iter().map(|joint| joint.reference).collect(),
            qvel: vec![0.0; model.joints.len()],
            model: Arc::new(model),
            world,
        };
        mechanism.world.rest();
        mechanism.look();
        Ok(Box::new(mechanism))
    }
}

/// A mechanism with a task.
struct Mechanism {
    name: &'static str,
    spaces: Spaces,
    substeps: usize,
    duration: f64,
    model: Arc<Model>,
    task: Arc<dyn Task>,
    world: Box<dyn Dynamics>,
    target: Vec<f64>,
    default_target: &'static [f64],
    /// Control steps of this episode.
    steps: u64,
    /// Of the present state.
    observation: Vec<f64>,
    // Scratch of a reset.
    qpos: Vec<f64>,
    qvel: Vec<f64>,
}

impl Mechanism {
    /// Observes the state, and says whether it and the observation are numbers: of positions near the largest
    /// numbers there are, places and forces may be none.
    fn look(&mut self) -> bool {
        self.task.observe(&*self.world, &self.target, &mut self.observation);
        let state = self.world.qpos().iter().chain(self.world.qvel());
        state.chain(&self.observation).all(|x| x.is_finite())
    }
}

impl Environment for Mechanism {
    fn spaces(&self) -> &Spaces {
        &self.spaces
    }

    fn reset(&mut self, draws: &mut Stream) -> Result<(), EnvironmentError> {
        for (q, joint) in self.qpos.iter_mut().zip(&self.model.joints) {
            *q = joint.reference;
        }
        self.qvel.fill(0.0);
        self.target.copy_from_slice(self.default_target);
        self.world.set(&self.qpos, &self.qvel);
        let mut start = Start {
            model: &self.model,
            world: &mut *self.world,
            qpos: &mut self.qpos,
            qvel: &mut self.qvel,
            target: &mut self.target,
        };
        self.task.start(&mut start, draws);
        self.world.rest();
        self.steps = 0;
        if self.look() { Ok(()) } else { Err(EnvironmentError::NotFinite(self.name.to_owned())) }
    }

    fn step(&mut self, action: Action<'_>, _: &mut Stream) -> Result<Step, EnvironmentError> {
        let wanted = self.model.actuators.len();
        let action = match action {
            Action::Continuous(action) if action.len() == wanted => action,
            Action::Continuous(action) => {
                let numbers = action.len();
                let name = self.name;
                return Err(EnvironmentError::Action(format!(
                    "an action of {name} is {wanted} numbers, not {numbers}"
                )));
            }
            Action::Discrete(_) => {
                let name = self.name;
                return Err(EnvironmentError::Action(format!(
                    "an action of {name} is {wanted} numbers, not the number of an action"
                )));
            }
        };
        if action.iter().any(|x| x.is_nan()) {
            // The clip to a motor's range would make a strength of it.
            return Err(EnvironmentError::NotFinite(self.name.to_owned()));
        }
        let before = self.world.qpos()[0];
        self.world.step(action, self.substeps);
        self.steps += 1;
        let passed =
            Passed { world: &*self.world, target: &self.target, action, before, duration: self.duration };
        let reward = self.task.reward(&passed);
        let terminated = self.task.terminated(&passed);
        if !reward.is_finite() || !self.look() {
            return Err(EnvironmentError::NotFinite(self.name.to_owned()));
        }
        let truncated = self.spaces.step_limit.is_some_and(|limit| self.steps >= limit as u64);
        Ok(Step { reward, terminated, truncated, success: None })
    }

    fn observe(&self, observation: &mut [f64]) {
        observation.copy_from_slice(&self.observation);
    }

    fn duplicate(&self) -> Option<Box<dyn Environment>> {
        Some(Box::new(Self {
            name: self.name,
            spaces: self.spaces.clone(),
            substeps: self.substeps,
            duration: self.duration,
            model: Arc::clone(&self.model),
            task: Arc::clone(&self.task),
            world: self.world.duplicate(),
            target: self.target.clone(),
            default_target: self.default_target,
            steps: self.steps,
            observation: self.observation.clone(),
            qpos: self.qpos.clone(),
            qvel: self.qvel.clone(),
        }))
    }

    fn lift_limit(&mut self) {
        self.spaces.step_limit = None;
    }

    fn physics(&mut self) -> Option<&mut dyn Physics> {
        Some(self)
    }
}

impl Physics for Mechanism {
    fn qpos(&self) -> &[f64] {
        self.world.qpos()
    }

    fn qvel(&self) -> &[f64] {
        self.world.qvel()
    }

    fn target(&self) -> &[f64] {
        &self.target
    }

    fn contacts(&self) -> usize {
        self.world.contacts()
    }

    fn figures(&self) -> Vec<Figure> {
        let mut all = Vec::new();
        for geom in &self.model.geoms {
            match geom.shape {
                Shape::Plane { position } => all.insert(0, Figure::Ground { height: position[1] }),
                Shape::Capsule { position, direction, half_length, radius } => {
                    let end = |sign: f64| -> [f64; 2] {
                        let place = std::array::from_fn(|i| position[i] + sign * half_length * direction[i]);
                        self.model.body(&geom.body).map_or(place, |body| self.world.pose(body).place(place))
                    };
                    all.push(Figure::Capsule { from: end(-1.0), to: end(1.0), radius });
                }
            }
        }
        // A target's place comes first and its size last; one in space has its height third.
        match self.target[..] {
            [x, y, size] => all.push(Figure::Target { centre: [x, y], radius: size }),
            [x, _, z, size] => all.push(Figure::Target { centre: [x, z], radius: size }),
            _ => {}
        }
        all
    }

    fn set(&mut self, qpos: &[f64], qvel: &[f64], target: &[f64]) -> Result<(), EnvironmentError> {
        let joints = self.model.joints.len();
        for (what, given, wanted) in [
            ("positions", qpos.len(), joints),
            ("velocities", qvel.len(), joints),
            ("numbers of a target", target.len(), self.target.len()),
        ] {
            if given != wanted {
                let name = self.name;
                return Err(EnvironmentError::Action(format!(
                    "a state of {name} has {wanted} {what}, not {given}"
                )));
            }
        }
        self.target.copy_from_slice(target);
        self.world.set(qpos, qvel);
        self.world.rest();
        self.steps = 0;
        if self.look() { Ok(()) } else { Err(EnvironmentError::NotFinite(self.name.to_owned())) }
    }
}

impl Stateful for Mechanism {
    fn save(&self, state: &mut StateDict) {
        let sensors = self.world.sensors();
        state.insert("qpos", Values::F64(self.world.qpos().to_vec()));
        state.insert("qvel", Values::F64(self.world.qvel().to_vec()));
        state.insert("target", Values::F64(self.target.clone()));
        state.insert("touch", Values::F64(sensors.touch.clone()));
        state.insert("sites", Values::F64(sensors.sites.as_flattened().to_vec()));
        state.insert("constraint", Values::F64(sensors.constraint.clone()));
        state.insert_u64("steps", self.steps);
    }

    fn load(&mut self, state: &StateDict) -> Result<(), StateError> {
        state.copy_f64s("qpos", &mut self.qpos)?;
        state.copy_f64s("qvel", &mut self.qvel)?;
        state.copy_f64s("target", &mut self.target)?;
        let sensors = self.world.sensors_mut();
        state.copy_f64s("touch", &mut sensors.touch)?;
        state.copy_f64s("sites", sensors.sites.as_flattened_mut())?;
        state.copy_f64s("constraint", &mut sensors.constraint)?;
        self.steps = state.u64("steps")?;
        self.world.set(&self.qpos, &self.qvel);
        self.look();
        Ok(())
    }
}
