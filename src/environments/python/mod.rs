//! `python:NAME`: environments of the user's own Python, at the other end of a pipe. Nothing of theirs is
//! linked or copied here.
//!
//! - `python:dm_control/DOMAIN-TASK`: `pip install dm_control==1.0.50 mujoco==3.17.0`
//! - `python:metaworld/NAME`: `pip install metaworld==3.1.1 packaging`, in an environment of its own
//! - `python:gymnasium/ID`, `python:ID`: `pip install 'gymnasium[mujoco]'`; `pip install gymnasium ale-py opencv-python-headless`
//!
//! Every reset is seeded from the stream that is handed to it. A missing package, a crash or a hang of the
//! program is an [`EnvironmentError::Outside`] whose sentence names the cure.

mod child;
#[cfg(all(test, unix))]
pub(crate) mod fake;
mod frame;

use std::sync::{Mutex, PoisonError};

pub use child::Launch;

use super::{Action, ActionSpace, Environment, EnvironmentError, Physics, Spaces, Step};
use crate::random::Stream;
use crate::spec::Entry;
use crate::state::{StateDict, StateError, Stateful, Values};
use child::Child;
use frame::{Seen, introduction, numbers, seen};

/// How these environments' names begin.
pub const PREFIX: &str = "python:";

/// Catalogue entry, for all of them.
pub const ENTRY: Entry = Entry {
    name: PREFIX,
    summary: "an environment of the user's own Python, as in python:gymnasium/Ant-v5 or python:metaworld/reach-v3",
    source: "",
    parameters: &[],
};

/// The program at the other end.
const SERVER: &str = include_str!("server.py");

/// The environment of this name (without [`PREFIX`]), in the state of a reset with seed 0.
///
/// # Errors
/// If the interpreter or a package is missing, the name is not known to it, or it does not come up.
pub fn build(name: &str, launch: &Launch) -> Result<Box<dyn Environment>, EnvironmentError> {
    Ok(Box::new(Program::start(SERVER, name, launch)?))
}

fn no_answer(name: &str) -> EnvironmentError {
    EnvironmentError::Outside(format!("{name}: what its program wrote is no answer"))
}

/// An environment of a program outside.
struct Program {
    name: String,
    spaces: Spaces,
    child: Mutex<Child>,
    observation: Vec<f64>,
    qpos: Vec<f64>,
    qvel: Vec<f64>,
    target: Vec<f64>,
    /// Why it cannot be saved in the middle of an episode.
    unsaveable: Option<String>,
}

impl Program {
    fn start(script: &str, name: &str, launch: &Launch) -> Result<Self, EnvironmentError> {
        let (child, first) = Child::start(script, name, launch)?;
        let name = format!("{PREFIX}{name}");
        let (spaces, unsaveable) = introduction(&first).ok_or_else(|| no_answer(&name))?;
        let mut program = Self {
            observation: vec![0.0; spaces.features()],
            name,
            spaces,
            child: Mutex::new(child),
            qpos: Vec::new(),
            qvel: Vec::new(),
            target: Vec::new(),
            unsaveable,
        };
        program.ask(numbers(b'R', &0u32.to_le_bytes(), &[]))?;
        Ok(program)
    }

    /// Sends a request that is answered by what is seen, and keeps that.
    fn ask(&mut self, request: Vec<u8>) -> Result<Step, EnvironmentError> {
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Seen { step, qpos, qvel, target, observation } =
            seen(&child.ask(request)?).ok_or_else(|| no_answer(&self.name))?;
        if observation.len() != self.observation.len() {
            return Err(EnvironmentError::Outside(format!(
                "{}: its observations have {} numbers in place of {}",
                self.name,
                observation.len(),
                self.observation.len()
            )));
        }
        (self.observation, self.qpos, self.qvel, self.target) = (observation, qpos, qvel, target);
        if step.reward.is_finite() && self.observation.iter().all(|x| x.is_finite()) {
            Ok(step)
        } else {
            Err(EnvironmentError::NotFinite(self.name.clone()))
        }
    }

    /// The program's own state, or why there is none.
    fn state(&self) -> Result<Vec<u8>, String> {
        if let Some(why) = &self.unsaveable {
            return Err(why.clone());
        }
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let frame = child.ask(b"S".to_vec()).map_err(|error| error.to_string())?;
        frame.strip_prefix(b"B").map(<[u8]>::to_vec).ok_or_else(|| no_answer(&self.name).to_string())
    }
}

/// A program that cannot be saved says why when its state is asked for back; until then nothing is wrong.
impl Stateful for Program {
    fn save(&self, state: &mut StateDict) {
        match self.state() {
            Ok(bytes) => state.insert("world", Values::Bytes(bytes)),
            Err(why) => state.insert("unsaved", Values::Bytes(why.into_bytes())),
        }
        state.insert("observation", Values::F64(self.observation.clone()));
        state.insert("qpos", Values::F64(self.qpos.clone()));
        state.insert("qvel", Values::F64(self.qvel.clone()));
        state.insert("target", Values::F64(self.target.clone()));
    }

    fn load(&mut self, state: &StateDict) -> Result<(), StateError> {
        let failed = |why: String| StateError { entry: "world".to_owned(), why };
        if let Some(Values::Bytes(why)) = state.get("unsaved") {
            let why = String::from_utf8_lossy(why);
            return Err(failed(format!(
                "of {} was not saved, because the program cannot be saved in the middle of an episode ({why}): \
                 run it anew from the start",
                self.name
            )));
        }
        let mut request = b"L".to_vec();
        request.extend(state.bytes("world")?);
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        child.ask(request).map_err(|error| failed(format!("could not be taken back: {error}")))?;
        state.copy_f64s("observation", &mut self.observation)?;
        state.copy_f64s("qpos", &mut self.qpos)?;
        state.copy_f64s("qvel", &mut self.qvel)?;
        state.copy_f64s("target", &mut self.target)
    }
}

impl Environment for Program {
    fn spaces(&self) -> &Spaces {
        &self.spaces
    }

    fn reset(&mut self, draws: &mut Stream) -> Result<(), EnvironmentError> {
        let seed = (draws.bits() >> 32) as u32;
        self.ask(numbers(b'R', &seed.to_le_bytes(), &[])).map(|_| ())
    }

    fn step(&mut self, action: Action<'_>, _: &mut Stream) -> Result<Step, EnvironmentError> {
        let request = match (action, &self.spaces.action) {
            (Action::Continuous(given), _) if given.iter().any(|x| x.is_nan()) => {
                return Err(EnvironmentError::NotFinite(self.name.clone()));
            }
            (Action::Continuous(given), ActionSpace::Continuous(bounds)) if given.len() == bounds.len() => {
                let clipped: Vec<f64> =
                    given.iter().zip(bounds).map(|(x, (low, high))| x.max(*low).min(*high)).collect();
                numbers(b'A', &[], &[&clipped])
            }
            (Action::Discrete(given), ActionSpace::Discrete(count)) if given < *count => {
                numbers(b'A', &[], &[&[given as f64]])
            }
            (given, space) => {
                return Err(EnvironmentError::Action(format!(
                    "{} takes actions in {space:?}, not {given:?}",
                    self.name
                )));
            }
        };
        self.ask(request)
    }

    fn observe(&self, observation: &mut [f64]) {
        observation.copy_from_slice(&self.observation);
    }

    /// A program has one state.
    fn duplicate(&self) -> Option<Box<dyn Environment>> {
        None
    }

    fn physics(&mut self) -> Option<&mut dyn Physics> {
        (!self.qpos.is_empty()).then_some(self)
    }
}

impl Physics for Program {
    fn qpos(&self) -> &[f64] {
        &self.qpos
    }

    fn qvel(&self) -> &[f64] {
        &self.qvel
    }

    fn target(&self) -> &[f64] {
        &self.target
    }

    fn set(&mut self, qpos: &[f64], qvel: &[f64], target: &[f64]) -> Result<(), EnvironmentError> {
        let (given, own) = ([qpos, qvel, target], [&self.qpos, &self.qvel, &self.target]);
        let (given, own) = (given.map(<[f64]>::len), own.map(Vec::len));
        if given != own {
            return Err(EnvironmentError::Action(format!(
                "a state of {} has {} positions, {} velocities and {} numbers of a target, not {}, {} and {}",
                self.name, own[0], own[1], own[2], given[0], given[1], given[2]
            )));
        }
        let counts = [own[0] as u32, own[1] as u32].map(u32::to_le_bytes).concat();
        self.ask(numbers(b'P', &counts, &[qpos, qvel, target])).map(|_| ())
    }
}

#[cfg(test)]
mod tests;
