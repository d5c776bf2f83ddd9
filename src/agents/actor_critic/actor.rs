//! The actor's loss and its gradient by the actor's outputs, through critics that do not change.
//!
//! L = mean over states of α log π(a | s) − Q(s, a), a = the policy's draw by reparametrisation.

use candle_core::{Device, Result, Tensor, Var};

use crate::agents::combine::Combine;
use crate::agents::policy::Policy;
use crate::agents::tensors::{beside, upstream, values};
use crate::kernels::storage::Slices;
use crate::nn::{Network, Pass};

/// What the actor's loss is made of.
#[derive(Clone, Copy, Debug)]
pub struct Objective {
    /// The actor's head.
    pub policy: Policy,
    /// What the critics' values become.
    pub combine: Combine,
    /// α
    pub temperature: f64,
}

/// The loss at one batch, and its gradient.
pub struct ActorLoss<T> {
    /// L
    pub loss: f64,
    /// Mean −log π of the draws.
    pub entropy: f64,
    /// dL/doutputs (rows, outputs).
    pub gradient: Vec<T>,
}

impl Objective {
    /// The loss for the actor's `outputs` (rows, outputs) in states (rows, features) and standard normal
    /// `noise` (rows, actions).
    ///
    /// # Errors
    /// If candle refuses an operation.
    pub fn loss<T: Slices>(
        &self,
        critics: &[&dyn Network],
        states: (&[T], usize),
        outputs: &[T],
        noise: &[T],
    ) -> Result<ActorLoss<T>> {
        let rows = states.0.len() / states.1;
        let actions = outputs.len() / rows / self.policy.outputs(1);
        let sample = self.policy.sample(outputs, noise, actions);
        let through = Through::new(critics, states, (&sample.actions, actions))?;
        let by_critic = self.combine.gradient(&through.q, -1.0);
        let d_actions = through.by_actions(&by_critic)?;
        let d_log_prob = T::of(self.temperature / rows as f64);
        let gradient = self.policy.backward(&sample, outputs, noise, &d_actions, d_log_prob);
        let mean = |values: &[T]| values.iter().map(|x| x.wide()).sum::<f64>() / rows as f64;
        let log_prob = mean(&sample.log_probs);
        let value = mean(&self.combine.values(&through.q));
        Ok(ActorLoss { loss: self.temperature * log_prob - value, entropy: -log_prob, gradient })
    }
}

/// Critics at states and actions, recorded so that a gradient by the actions can be asked for.
pub struct Through<T> {
    inputs: Var,
    outputs: Vec<Tensor>,
    sizes: (usize, usize),
    /// Q (critics, rows).
    pub q: Vec<Vec<T>>,
}

impl<T: Slices> Through<T> {
    /// For states (rows, features) and actions (rows, actions), each with its columns.
    ///
    /// # Errors
    /// If candle refuses an operation; likewise below.
    pub fn new(
        critics: &[&dyn Network],
        (states, features): (&[T], usize),
        (actions, width): (&[T], usize),
    ) -> Result<Self> {
        let inputs = beside(states, features, actions, width);
        let rows = states.len() / features;
        let inputs = Var::from_vec(inputs, (rows, features + width), &Device::Cpu)?;
        let outputs = critics
            .iter()
            .map(|critic| critic.forward(inputs.as_tensor(), &Pass::Through))
            .collect::<Result<Vec<_>>>()?;
        let q = outputs.iter().map(values).collect::<Result<_>>()?;
        Ok(Self { inputs, outputs, sizes: (features, width), q })
    }

    /// dL/da (rows, actions) from dL/dQ (critics, rows).
    pub fn by_actions(&self, by_critic: &[Vec<T>]) -> Result<Vec<T>> {
        let (features, width) = self.sizes;
        let mut total: Option<Tensor> = None;
        for (q, gradient) in self.outputs.iter().zip(by_critic) {
            let loss = upstream(q, gradient.clone())?;
            total = Some(match total {
                Some(total) => (total + loss)?,
                None => loss,
            });
        }
        let total = total.expect("an agent has a critic");
        let gradients = total.backward()?;
        let gradient = gradients.get(self.inputs.as_tensor()).expect("the inputs are part of the graph");
        let gradient: Vec<T> = values(gradient)?;
        Ok(gradient.chunks_exact(features + width).flat_map(|row| row[features..].iter().copied()).collect())
    }
}
