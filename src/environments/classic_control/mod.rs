//! Gymnasium's classic control tasks with discrete actions: what their episodes have in common.
//!
//! States are f64, as Gymnasium keeps them; observations are rounded to f32, as it hands them out.

mod acrobot;
mod cartpole;
mod mountain_car;

use super::{
    Action, ActionSpace, BuildError, Changes, Environment, EnvironmentError, Figure, Physics, Registered,
    Spaces, Step,
};
use crate::random::Stream;
use crate::spec::Entry;
use crate::state::{StateDict, StateError, Stateful, Values};

/// All tasks.
pub fn registry() -> Vec<Registered> {
    vec![registered::<cartpole::Rules>(), registered::<acrobot::Rules>(), registered::<mountain_car::Rules>()]
}

fn registered<T: Task>() -> Registered {
    Registered { entry: T::ENTRY, build: Classic::<T>::build }
}

/// What sets one task apart from the others.
trait Task: Clone + Send + 'static {
    /// Gymnasium's id, and what the task is.
    const ENTRY: Entry;
    /// Positions, and velocities, in the state.
    const COORDINATES: usize;
    /// Numbers in an observation.
    const FEATURES: usize;
    /// Actions.
    const ACTIONS: usize;
    /// Steps after which an episode is cut off.
    const STEP_LIMIT: usize;
    /// The smallest and the largest sum of rewards of an episode.
    const RETURNS: (f64, f64);
    /// Largest reward of one step.
    const MAX_REWARD: f64;
    /// Mean return of uniformly drawn actions, by `environments random NAME`.
    const RANDOM_RETURN: f64;

    /// Draws the state that an episode begins in; both slices are 0.
    fn start(positions: &mut [f64], velocities: &mut [f64], draws: &mut Stream);

    /// One step; gives the reward, and whether the state after it is terminal.
    fn advance(positions: &mut [f64], velocities: &mut [f64], action: usize) -> (f64, bool);

    /// The observation of a state, before it is rounded to f32.
    fn observe(positions: &[f64], velocities: &[f64], observation: &mut [f64]);

    /// What it looks like.
    fn figures(positions: &[f64]) -> Vec<Figure>;
}

/// An episode of a task. The time limit truncates; a step that both ends the task and reaches the limit
/// is terminated and not truncated, because nothing follows it. (Gymnasium sets both flags there.)
#[derive(Clone, Debug)]
struct Classic<T: Task> {
    spaces: Spaces,
    positions: Vec<f64>,
    velocities: Vec<f64>,
    steps: usize,
    task: std::marker::PhantomData<T>,
}

impl<T: Task> Classic<T> {
    /// At rest at the origin: [`Environment::reset`] begins the first episode.
    fn build(changes: &Changes) -> Result<Box<dyn Environment>, BuildError> {
        if *changes != Changes::default() {
            let why = "its equations have no contacts, motors and damping to change".to_owned();
            return Err(BuildError::Changes(T::ENTRY.name.to_owned(), why));
        }
        Ok(Box::new(Self {
            spaces: Spaces {
                observation: vec![T::FEATURES],
                action: ActionSpace::Discrete(T::ACTIONS),
                returns: Some(T::RETURNS),
                max_reward: Some(T::MAX_REWARD),
                step_limit: Some(T::STEP_LIMIT),
                random_return: Some(T::RANDOM_RETURN),
            },
            positions: vec![0.0; T::COORDINATES],
            velocities: vec![0.0; T::COORDINATES],
            steps: 0,
            task: std::marker::PhantomData,
        }))
    }
}

impl<T: Task> Stateful for Classic<T> {
    fn save(&self, state: &mut StateDict) {
        state.insert("positions", Values::F64(self.positions.clone()));
        state.insert("velocities", Values::F64(self.velocities.clone()));
        state.insert_u64("steps", self.steps as u64);
    }

    fn load(&mut self, state: &StateDict) -> Result<(), StateError> {
        state.copy_f64s("positions", &mut self.positions)?;
        state.copy_f64s("velocities", &mut self.velocities)?;
        self.steps = state.u64("steps")? as usize;
        Ok(())
    }
}

impl<T: Task> Environment for Classic<T> {
    fn spaces(&self) -> &Spaces {
        &self.spaces
    }

    fn reset(&mut self, draws: &mut Stream) -> Result<(), EnvironmentError> {
        self.positions.fill(0.0);
        self.velocities.fill(0.0);
        self.steps = 0;
        T::start(&mut self.positions, &mut self.velocities, draws);
        Ok(())
    }

    fn step(&mut self, action: Action<'_>, _: &mut Stream) -> Result<Step, EnvironmentError> {
        let action = match action {
            Action::Discrete(action) if action < T::ACTIONS => action,
            other => {
                let (name, last) = (T::ENTRY.name, T::ACTIONS - 1);
                return Err(EnvironmentError::Action(format!(
                    "{name} takes one discrete action, 0 to {last}, in place of {other:?}"
                )));
            }
        };
        let (reward, terminated) = T::advance(&mut self.positions, &mut self.velocities, action);
        if !self.positions.iter().chain(&self.velocities).all(|x| x.is_finite()) {
            return Err(EnvironmentError::NotFinite(T::ENTRY.name.into()));
        }
        self.steps += 1;
        let late = self.spaces.step_limit.is_some_and(|limit| self.steps >= limit);
        Ok(Step { reward, terminated, truncated: !terminated && late, success: None })
    }

    fn observe(&self, observation: &mut [f64]) {
        T::observe(&self.positions, &self.velocities, observation);
        for value in observation {
            *value = f64::from(*value as f32);
        }
    }

    fn duplicate(&self) -> Option<Box<dyn Environment>> {
        Some(Box::new(self.clone()))
    }

    fn lift_limit(&mut self) {
        self.spaces.step_limit = None;
    }

    fn physics(&mut self) -> Option<&mut dyn Physics> {
        Some(self)
    }
}

impl<T: Task> Physics for Classic<T> {
    fn qpos(&self) -> &[f64] {
        &self.positions
    }

    fn qvel(&self) -> &[f64] {
        &self.velocities
    }

    fn target(&self) -> &[f64] {
        &[]
    }

    fn figures(&self) -> Vec<Figure> {
        T::figures(&self.positions)
    }

    fn set(&mut self, qpos: &[f64], qvel: &[f64], target: &[f64]) -> Result<(), EnvironmentError> {
        let (name, n) = (T::ENTRY.name, T::COORDINATES);
        if (qpos.len(), qvel.len(), target.len()) != (n, n, 0) {
            return Err(EnvironmentError::Action(format!(
                "a state of {name} has {n} positions, {n} velocities and no target, not {}, {} and {}",
                qpos.len(),
                qvel.len(),
                target.len()
            )));
        }
        self.positions.copy_from_slice(qpos);
        self.velocities.copy_from_slice(qvel);
        self.steps = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
