//! UPGD: utility-based perturbed gradient descent, w ← (1 - lr·decay)·w - scale·lr·(g + ξ)·(1 - s) with s = σ(U/max U),
//! U the running mean of -g·w, and ξ ~ N(0, noise²) (Elsayed & Mahmood 2024, arXiv
//! 2404.00781). Useful weights are protected, others are moved and perturbed.
//!
//! It changes gradients, and SGD without momentum makes the step of them, weight decay included; other
//! optimisers are refused. `scale` is 1 in the code of the published experiments and 2 in its README and
//! its code for reinforcement learning. The maximum is over all parameters of the network. The mean's correction
//! for its start is the same factor for all and cancels (public code divides corrected ones by an uncorrected
//! maximum). Where no utility is positive, nothing is protected more than anything else: s = ½.

use candle_core::Result;

use super::hooks::{At, Method};
use super::registered::{Build, Registered};
use crate::kernels::element::vectorized;
use crate::kernels::fused_activation::Captured;
use crate::kernels::normals;
use crate::kernels::real::Real;
use crate::kernels::storage::with_slice;
use crate::nn::Network;
use crate::optimizers::max_grad_norm;
use crate::spec::{Choice, Entry, Kind, Parameter, Plan};
use crate::state::{StateDict, StateError, Values};

/// What the registry has of it.
pub(super) const METHOD: Registered =
    Registered { entry: ENTRY, build: Build::Weights(build), check, excludes: &[] };

const ENTRY: Entry = Entry {
    name: "upgd",
    summary: "gradients plus noise, times scale·(1 - σ(U/max U)) by the utility U = mean of -g·w; for SGD",
    source: "Elsayed & Mahmood 2024, arXiv 2404.00781",
    parameters: &[
        Parameter {
            name: "decay",
            summary: "β of the utilities' running mean",
            kind: Kind::Number { default: Some(0.999), min: 0.0, max: 0.999_999_999 },
        },
        Parameter {
            name: "noise",
            summary: "standard deviation of the noise on gradients",
            kind: Kind::Number { default: Some(1e-3), min: 0.0, max: 1e3 },
        },
        Parameter {
            name: "scale",
            summary: "factor on the learning rate: 1 in the published experiments, 2 in the README",
            kind: Kind::Number { default: Some(1.0), min: 0.0, max: 1e3 },
        },
    ],
};

/// Weights whose noise is drawn at once.
const BLOCK: usize = 2048;

struct Upgd {
    decay: f32,
    noise: f32,
    scale: f32,
    /// By parameter: its name, and the running mean of -g·w.
    utilities: Vec<(String, Vec<f32>)>,
}

#[allow(clippy::unnecessary_wraps, reason = "the form that every method has")]
fn build(choice: &Choice, network: &dyn Network) -> Result<Box<dyn Method>> {
    let zeros = network.parameters().iter().map(|p| (p.name.clone(), vec![0.0; p.values.elem_count()]));
    Ok(Box::new(Upgd {
        decay: choice.number("decay") as f32,
        noise: choice.number("noise") as f32,
        scale: choice.number("scale") as f32,
        utilities: zeros.collect(),
    }))
}

fn check(plan: &Plan, _: &Choice) -> std::result::Result<(), String> {
    let critic = plan.control().and_then(|control| control.critic.optimizer.as_ref());
    let plain = |choice: &Choice| {
        choice.name == "sgd"
            && choice.optional_number("momentum") == Some(0.0)
            && !choice.flag("nesterov")
            && max_grad_norm(choice).is_none()
    };
    if [Some(&plan.optimizer), critic].into_iter().flatten().all(plain) {
        return Ok(());
    }
    Err("method \"upgd\" is itself the rule of the step: set optimizer = \"sgd\" with momentum = 0 and no max_grad_norm"
        .into())
}

/// The largest number; -∞ of none.
fn largest_of(values: &[f32]) -> f32 {
    let (whole, rest) = values.as_chunks::<16>();
    let largest = vectorized(
        #[inline(always)]
        || {
            let mut largest = [f32::NEG_INFINITY; 16];
            for chunk in whole {
                for (largest, &x) in largest.iter_mut().zip(chunk) {
                    *largest = if x > *largest { x } else { *largest };
                }
            }
            largest
        },
    );
    largest.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max)
}

impl Method for Upgd {
    fn gradients(&mut self, at: &mut At<'_>, _: &[Captured]) -> Result<()> {
        let mut largest = f32::NEG_INFINITY;
        let (decay, rest) = (self.decay, 1.0 - self.decay);
        for (parameter, (_, utilities)) in at.network.parameters().iter().zip(&mut self.utilities) {
            let mut gradient = parameter.gradient.lock();
            let Some(gradient) = gradient.read::<f32>()? else { continue };
            let largest_here = with_slice::<f32, _>(&parameter.values, |values| {
                vectorized(
                    #[inline(always)]
                    || {
                        for ((utility, g), w) in utilities.iter_mut().zip(&*gradient).zip(values) {
                            *utility = decay * *utility - rest * g * w;
                        }
                    },
                );
                largest_of(utilities)
            })?;
            largest = largest.max(largest_here);
        }
        let share = if largest > 0.0 { 1.0 / largest } else { 0.0 };
        let mut draws = at.streams.of_step("upgd");
        let (scale, noise) = (self.scale, self.noise);
        for (parameter, (_, utilities)) in at.network.parameters().iter().zip(&self.utilities) {
            let mut gradient = parameter.gradient.lock();
            let Some(gradient) = gradient.read::<f32>()? else { continue };
            let mut normals = [0.0; BLOCK];
            for (gradient, utilities) in gradient.chunks_mut(BLOCK).zip(utilities.chunks(BLOCK)) {
                let normals = &mut normals[..gradient.len()];
                if noise > 0.0 {
                    normals::fill(&mut draws, normals);
                }
                vectorized(
                    #[inline(always)]
                    || {
                        for ((g, utility), normal) in gradient.iter_mut().zip(utilities).zip(&*normals) {
                            // 1 - σ(x) = 1/(1 + eˣ)
                            let open = 1.0 / (1.0 + Real::exp(utility * share));
                            *g = scale * (*g + noise * normal) * open;
                        }
                    },
                );
            }
        }
        Ok(())
    }

    fn save(&self, state: &mut StateDict) {
        for (name, utilities) in &self.utilities {
            state.insert(format!("utility.{name}"), Values::F32(utilities.clone()));
        }
    }

    fn load(&mut self, state: &StateDict) -> std::result::Result<(), StateError> {
        let mut lists = self.utilities.iter_mut();
        lists.try_for_each(|(name, utilities)| state.copy_f32s(&format!("utility.{name}"), utilities))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use crate::spec::Spec;

    #[test]
    fn only_plain_sgd_goes_with_it() {
        let said = |optimizer: &str| {
            let text = format!(
                "name = 'x'\ndata = {{ dataset = 'generated-digits' }}\noptimizer = {optimizer}\nactivation = 'relu'\n\
                 network = {{ kind = 'mlp', hidden = [6] }}\nmethod = 'upgd'\n\
                 stream = {{ family = 'shuffled-labels', tasks = 1, examples = 8, steps = 1, batch_size = 1 }}\n"
            );
            Spec::parse(&text, "x.toml", &[], &crate::catalogue::catalogue()).err().map(|e| e.to_string())
        };
        assert_eq!(said("'sgd'"), None);
        for other in ["'adam'", "{ name = 'sgd', momentum = 0.9 }", "{ name = 'sgd', max_grad_norm = 1.0 }"] {
            assert!(said(other).unwrap().contains("no max_grad_norm"), "{other}");
        }
    }

    /// Two steps by hand, in f64, without noise.
    #[test]
    fn gradients_are_gated_by_the_share_of_the_largest_utility() {
        let (network, mut optimizer) = fixture::mlp(&[1], 0);
        let mut method =
            fixture::method("upgd", &[("decay", 0.9), ("noise", 0.0), ("scale", 2.0)], &*network);
        let w = [0.5f32, -1.0, 2.0, 0.0];
        fixture::set(&*network, "layers.0.weight", &w);
        let gradients = [[-1.0f32, 0.5, 0.25, 3.0], [-0.5, -1.0, -0.5, 1.0]];
        let mut means = [0.0f64; 4];
        for (step, g) in gradients.into_iter().enumerate() {
            fixture::no_gradients(&*network);
            network.parameters()[0].gradient.lock().write::<f32>().unwrap().0.copy_from_slice(&g);
            method.gradients(&mut fixture::at(&*network, &mut optimizer, 0, step), &[]).unwrap();
            let correction = 1.0 / (1.0 - 0.9f64.powf(step as f64 + 1.0));
            for i in 0..4 {
                means[i] = 0.9 * means[i] - 0.1 * f64::from(g[i]) * f64::from(w[i]);
            }
            // Parameters without a gradient have the utility 0.
            let largest = means.iter().copied().fold(0.0, f64::max) * correction;
            let ours = fixture::gradient(&*network, "layers.0.weight");
            for i in 0..4 {
                let s = 1.0 / (1.0 + (-means[i] * correction / largest).exp());
                let expected = 2.0 * f64::from(g[i]) * (1.0 - s);
                assert!((f64::from(ours[i]) - expected).abs() < 1e-6, "{step} {i}: {} {expected}", ours[i]);
            }
        }
    }

    #[test]
    fn without_a_positive_utility_all_are_gated_alike() {
        let (network, mut optimizer) = fixture::mlp(&[1], 0);
        let mut method = fixture::method("upgd", &[("noise", 0.0)], &*network);
        fixture::set(&*network, "layers.0.weight", &[1.0, 1.0, 1.0, 1.0]);
        for parameter in network.parameters() {
            parameter.gradient.reset();
        }
        network.parameters()[0]
            .gradient
            .lock()
            .write::<f32>()
            .unwrap()
            .0
            .copy_from_slice(&[1.0, 2.0, 3.0, 4.0]);
        method.gradients(&mut fixture::at(&*network, &mut optimizer, 0, 0), &[]).unwrap();
        assert_eq!(fixture::gradient(&*network, "layers.0.weight"), [0.5, 1.0, 1.5, 2.0]);
    }
}
