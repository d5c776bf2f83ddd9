//! The temperature α of SAC: the weight of entropy beside reward, fixed or learned so that the policy keeps
//! a target entropy (Haarnoja et al. 2018, arXiv 1812.05905, section 5).

use crate::kernels::optimizer_step::Adam;
use crate::state::{StateDict, StateError, Stateful, Values};

/// What the loss of a learned temperature is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemperatureLoss {
    /// α·(entropy − target): the paper's, `CleanRL`'s, jaxrl's.
    Exp,
    /// log α·(entropy − target): Stable-Baselines3's.
    Log,
}

/// log α and its optimiser.
#[derive(Clone, Debug)]
pub struct Temperature {
    log_alpha: f32,
    /// Adam, target entropy and loss of a learned temperature.
    learned: Option<(Adam, f64, TemperatureLoss)>,
    moments: [f32; 2],
    steps: u64,
}

impl Temperature {
    /// One that stays as it is; 0 for no entropy at all.
    #[must_use]
    pub fn fixed(alpha: f64) -> Self {
        Self { log_alpha: libm::log(alpha) as f32, learned: None, moments: [0.0; 2], steps: 0 }
    }

    /// One that is learned by Adam (β 0.9 and 0.999, ε 1e-8) towards `target` nats of entropy.
    #[must_use]
    pub fn learned(initial: f64, learning_rate: f64, target: f64, loss: TemperatureLoss) -> Self {
        Self { learned: Some((Adam::new(learning_rate), target, loss)), ..Self::fixed(initial) }
    }

    /// α
    #[must_use]
    pub fn alpha(&self) -> f64 {
        libm::exp(f64::from(self.log_alpha))
    }

    /// Whether it is learned.
    #[must_use]
    pub fn is_learned(&self) -> bool {
        self.learned.is_some()
    }

    /// One step on a policy of so much mean entropy, in nats. Gives the loss before it; 0 if it is fixed.
    pub fn update(&mut self, entropy: f64) -> f64 {
        let Some((adam, target, loss)) = self.learned else { return 0.0 };
        let excess = entropy - target;
        let (value, gradient) = match loss {
            TemperatureLoss::Exp => (self.alpha() * excess, self.alpha() * excess),
            TemperatureLoss::Log => (f64::from(self.log_alpha) * excess, excess),
        };
        self.steps += 1;
        let [first, second] = &mut self.moments;
        let place = std::slice::from_mut;
        adam.at(self.steps).apply(
            place(&mut self.log_alpha),
            &[gradient as f32],
            place(first),
            place(second),
        );
        value
    }
}

impl Stateful for Temperature {
    fn save(&self, state: &mut StateDict) {
        state.insert("log_alpha", Values::F32(vec![self.log_alpha]));
        state.insert("moments", Values::F32(self.moments.to_vec()));
        state.insert_u64("steps", self.steps);
    }

    fn load(&mut self, state: &StateDict) -> Result<(), StateError> {
        state.copy_f32s("log_alpha", std::slice::from_mut(&mut self.log_alpha))?;
        state.copy_f32s("moments", &mut self.moments)?;
        self.steps = state.u64("steps")?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Too much entropy lowers α, too little raises it; the first step of Adam is of the learning rate.
    #[test]
    fn it_moves_towards_the_target_entropy() {
        for (entropy, direction) in [(-1.0, -1.0), (-5.0, 1.0)] {
            for loss in [TemperatureLoss::Exp, TemperatureLoss::Log] {
                let mut temperature = Temperature::learned(0.5, 1e-3, -3.0, loss);
                let value = temperature.update(entropy);
                let by = if loss == TemperatureLoss::Exp { 0.5 } else { libm::log(0.5) };
                assert!((value - by * (entropy + 3.0)).abs() < 1e-6, "{value}");
                assert!((libm::log(temperature.alpha() / 0.5) - direction * 1e-3).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn a_fixed_one_stays() {
        let mut temperature = Temperature::fixed(0.0);
        temperature.update(3.0);
        assert_eq!(temperature.alpha(), 0.0);
        let mut temperature = Temperature::fixed(0.2);
        temperature.update(3.0);
        assert!((temperature.alpha() - 0.2).abs() < 1e-7);
    }
}
