//! Churn: how far outputs move on states that an update was not about (Schaul et al. 2022, arXiv 2206.00730;
//! Tang & Berseth 2024, "Improving deep reinforcement learning by reducing the chain effect of value and
//! policy churn", arXiv 2409.04792).
//!
//! On a fixed batch of replay states with their actions: mean |ΔQ| and mean ΔQ of every critic; for discrete
//! actions the share of states with another greedy action, for continuous ones the mean squared change of the
//! mode in the agent's scale of ±1.

use super::{ValueError, ValueMeasurement, mean};
use crate::agents::{Batch, Beliefs};
use crate::spec::Entry;
use crate::state::{StateDict, StateError, Stateful, Values};

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "churn",
    summary: "change of outputs on a fixed batch of replay states, over the updates of a task's last decision \
              (…_churn) and over the whole task (…_change): q_churn (mean |ΔQ|), q_churn_signed, policy_churn \
              (share of other greedy actions, or mean squared change of the mode)",
    source: "Schaul et al. 2022, arXiv 2206.00730; Tang & Berseth 2024, arXiv 2409.04792",
    parameters: &[],
};

/// Between which two moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// The updates of one decision.
    Update,
    /// A task.
    Task,
}

/// A batch and what was said of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reference {
    states: Vec<f32>,
    actions: Vec<f32>,
    /// (critics, rows)
    q: Vec<Vec<f32>>,
    /// (rows, actions): the policy's modes.
    modes: Vec<f32>,
}

impl Reference {
    /// What the agent says of a batch now.
    ///
    /// # Errors
    /// If candle refuses an operation; likewise below.
    pub fn new(agent: &dyn Beliefs, batch: &Batch) -> Result<Self, ValueError> {
        let (states, actions) = (batch.observations.clone(), batch.actions.clone());
        let (q, modes) = (agent.q(&states, &actions)?, agent.policy(&states, None)?.actions);
        Ok(Self { states, actions, q, modes })
    }

    /// How far it has moved since.
    pub fn changes(&self, agent: &dyn Beliefs, over: Over) -> Result<Vec<ValueMeasurement>, ValueError> {
        let (size, signed, policy) = match over {
            Over::Update => ("q_churn", "q_churn_signed", "policy_churn"),
            Over::Task => ("q_change", "q_change_signed", "policy_change"),
        };
        let samples = self.q.first().map_or(0, Vec::len);
        let mut rows = Vec::new();
        for (critic, (before, after)) in self.q.iter().zip(agent.q(&self.states, &self.actions)?).enumerate()
        {
            let moved = || before.iter().zip(&after).map(|(&a, &b)| f64::from(b) - f64::from(a));
            for (probe, value) in [(size, mean(moved().map(f64::abs))), (signed, mean(moved()))] {
                rows.push(ValueMeasurement { of: format!("critic{}", critic + 1), probe, value, samples });
            }
        }
        let modes = agent.policy(&self.states, None)?.actions;
        let moved = self.modes.iter().zip(&modes).map(|(&a, &b)| f64::from(b) - f64::from(a));
        let value = if agent.discrete().is_some() {
            mean(moved.map(|by| f64::from(u8::from(by != 0.0))))
        } else {
            // Summed over dimensions, averaged over states.
            moved.map(|by| by * by).sum::<f64>() / samples as f64
        };
        rows.push(ValueMeasurement { of: "policy".to_owned(), probe: policy, value, samples });
        Ok(rows)
    }
}

impl Stateful for Reference {
    fn save(&self, state: &mut StateDict) {
        state.insert("states", Values::F32(self.states.clone()));
        state.insert("actions", Values::F32(self.actions.clone()));
        state.insert_u64("critics", self.q.len() as u64);
        state.insert("q", Values::F32(self.q.concat()));
        state.insert("modes", Values::F32(self.modes.clone()));
    }

    fn load(&mut self, state: &StateDict) -> Result<(), StateError> {
        self.states = state.f32s("states")?.to_vec();
        self.actions = state.f32s("actions")?.to_vec();
        self.modes = state.f32s("modes")?.to_vec();
        let (q, critics) = (state.f32s("q")?, state.u64("critics")? as usize);
        self.q = q.chunks_exact((q.len() / critics.max(1)).max(1)).map(<[f32]>::to_vec).collect();
        Ok(())
    }
}
