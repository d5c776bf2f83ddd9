//! One update of an actor with critics.

use candle_core::{Result, Tensor};

use super::ActorCritic;
use super::actor::Objective;
use crate::agents::buffer::Batch;
use crate::agents::settings::Order;
use crate::agents::tensors::{beside, evaluate, matrix, upstream, values};
use crate::agents::{AgentError, Losses, largest};
use crate::nn::Network;

impl ActorCritic {
    /// One update on a batch drawn for it.
    pub(super) fn update(&mut self) -> std::result::Result<Losses, AgentError> {
        let batch = self.buffer.sample(self.settings.batch_size, &mut self.replay);
        Ok(self.update_on(&batch)?)
    }

    /// Critics, actor, temperature and targets in the agent's order, each where it is due.
    pub(in crate::agents) fn update_on(&mut self, batch: &Batch) -> Result<Losses> {
        let mut losses = Losses::new();
        match self.settings.order {
            Order::CriticTargetActor => {
                self.update_critics(batch, &mut losses)?;
                self.update_targets()?;
                self.update_actor(batch, &mut losses)?;
            }
            Order::CriticActorTarget => {
                self.update_critics(batch, &mut losses)?;
                self.update_actor(batch, &mut losses)?;
                self.update_targets()?;
            }
            Order::ActorCriticTarget => {
                self.update_actor(batch, &mut losses)?;
                self.update_critics(batch, &mut losses)?;
                self.update_targets()?;
            }
        }
        Ok(losses)
    }

    /// y (rows): reward and what the targets say of the next state.
    fn targets(&mut self, batch: &Batch) -> Result<Vec<f32>> {
        let next = matrix(batch.next_observations.clone(), self.features)?;
        let outputs = match &self.networks.actor_target {
            Some(target) => target.evaluate(&next)?,
            None => evaluate(self.networks.actor.network(), &next)?,
        };
        let noise = Self::normals(&mut self.draws, batch.rows * self.actions);
        let mut sample = self.settings.policy.sample(&outputs, &noise, self.actions);
        let (spread, most) = self.settings.noise.target;
        if !self.settings.policy.draws() && spread > 0.0 {
            for (a, e) in sample.actions.iter_mut().zip(noise) {
                let moved = (spread as f32 * e).clamp(-most as f32, most as f32);
                *a = (*a + moved).clamp(-1.0, 1.0);
            }
        }
        let inputs = self.inputs(&batch.next_observations, &sample.actions)?;
        let asked = self.settings.target.asked(self.settings.critics, &mut self.draws);
        let q = asked
            .into_iter()
            .map(|i| self.networks.targets[i].evaluate(&inputs))
            .collect::<Result<Vec<_>>>()?;
        let (alpha, discount) = (self.networks.temperature.alpha() as f32, self.settings.discount);
        let value = self.settings.target.values(&q).into_iter().zip(&sample.log_probs);
        let value = value.map(|(q, log_prob)| q - alpha * log_prob);
        let ends = batch.rewards.iter().zip(&batch.continues);
        Ok(value.zip(ends).map(|(value, (reward, goes_on))| reward + discount * goes_on * value).collect())
    }

    fn update_critics(&mut self, batch: &Batch, losses: &mut Losses) -> Result<()> {
        let targets = self.targets(batch)?;
        let inputs = self.inputs(&batch.observations, &batch.actions)?;
        let (rows, critics) = (batch.rows as f64, self.settings.critics as f64);
        let mut forward = Vec::with_capacity(self.settings.critics);
        for critic in &self.networks.critics {
            let outputs = critic.forward(&inputs, critic.training())?;
            let q: Vec<f32> = values(&outputs)?;
            let errors: Vec<f32> = q.iter().zip(&targets).map(|(q, y)| q - y).collect();
            losses.critic += errors.iter().map(|&e| f64::from(e) * f64::from(e)).sum::<f64>() / rows;
            losses.q_mean += q.iter().map(|&q| f64::from(q)).sum::<f64>() / rows / critics;
            losses.q_largest = largest(losses.q_largest, &q);
            forward.push((outputs, errors));
        }
        if !losses.is_finite() {
            return Ok(());
        }
        for (critic, (outputs, errors)) in self.networks.critics.iter_mut().zip(forward) {
            let by_row = 2.0 / batch.rows as f32;
            let gradient: Vec<f32> = errors.into_iter().map(|e| by_row * e).collect();
            critic.update(&upstream(&outputs, gradient)?)?;
        }
        Ok(())
    }

    /// Actor and temperature, as often as this update's round says.
    fn update_actor(&mut self, batch: &Batch, losses: &mut Losses) -> Result<()> {
        if !self.updates.is_multiple_of(self.settings.policy_every) {
            return Ok(());
        }
        for _ in 0..self.settings.policy_updates {
            if !losses.is_finite() {
                break;
            }
            self.update_actor_once(batch, losses)?;
        }
        Ok(())
    }

    fn update_actor_once(&mut self, batch: &Batch, losses: &mut Losses) -> Result<()> {
        let states = matrix(batch.observations.clone(), self.features)?;
        let actor = &self.networks.actor;
        let outputs = actor.forward(&states, actor.training())?;
        let noise = Self::normals(&mut self.draws, batch.rows * self.actions);
        let objective = Objective {
            policy: self.settings.policy,
            combine: self.settings.objective,
            temperature: self.networks.temperature.alpha(),
        };
        let asked = objective.combine.asked(self.settings.critics, &mut self.draws);
        let critics: Vec<&dyn Network> =
            asked.into_iter().map(|i| self.networks.critics[i].network()).collect();
        let states_and_features = (&batch.observations[..], self.features);
        let actor = objective.loss(&critics, states_and_features, &values::<f32>(&outputs)?, &noise)?;
        losses.actor = Some(actor.loss);
        losses.entropy = self.settings.policy.draws().then_some(actor.entropy);
        if !losses.is_finite() {
            return Ok(());
        }
        self.networks.actor.update(&upstream(&outputs, actor.gradient)?)?;
        if self.networks.temperature.is_learned() {
            let entropy = if self.settings.fresh_entropy { self.entropy(&states)? } else { actor.entropy };
            losses.temperature = Some(self.networks.temperature.update(entropy));
        }
        Ok(())
    }

    /// Mean −log π of new draws.
    fn entropy(&mut self, states: &Tensor) -> Result<f64> {
        let outputs = evaluate(self.networks.actor.network(), states)?;
        let noise = Self::normals(&mut self.draws, states.dim(0)? * self.actions);
        let sample = self.settings.policy.sample(&outputs, &noise, self.actions);
        let sum: f64 = sample.log_probs.iter().map(|&x| f64::from(x)).sum();
        Ok(-sum / sample.log_probs.len() as f64)
    }

    fn update_targets(&mut self) -> Result<()> {
        if self.updates.is_multiple_of(self.settings.target_every) {
            self.networks.follow(self.settings.tau)?;
        }
        Ok(())
    }

    /// (rows, features + actions)
    pub(super) fn inputs(&self, states: &[f32], actions: &[f32]) -> Result<Tensor> {
        matrix(beside(states, self.features, actions, self.actions), self.features + self.actions)
    }
}
