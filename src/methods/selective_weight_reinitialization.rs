//! Selective weight reinitialisation: every `period` steps, the weights of least utility are put back to
//! their initial distribution, or to its mean (Hernandez-Garcia et al. 2025, arXiv 2508.00212).
//!
//! Utility is |w| ("magnitude") or |w·g| with the loss's gradient of this step ("gradient"). Of every tensor
//! of n values, "share" takes the n·factor of least utility (the fraction of one by a draw), "threshold" all
//! that have at most factor times the tensor's mean utility: the whole tensor where no value is of any use, as behind
//! a layer of silent units. The mean of the start is 0, and 1 for scales of normalisations, which
//! have no other start. Moments of what is put back become 0.
//!
//! The defaults are those of SWR in the paper's figures of permuted MNIST, as its code's analysis names them; with
//! "mean", the factor is 1e-3 there.
//!
//! Coefficients of activations and heads of `head = "multi"` are left alone.

use candle_core::Result;

use super::hooks::{At, Method, count};
use super::registered::{Build, Registered, anywhere};
use super::reset;
use crate::kernels::fused_activation::Captured;
use crate::kernels::inplace::update;
use crate::nn::{Network, Role};
use crate::random::Stream;
use crate::spec::{Choice, Entry, Kind, Parameter};

/// What the registry has of it.
pub(super) const METHOD: Registered =
    Registered { entry: ENTRY, build: Build::Weights(build), check: anywhere, excludes: &[] };

const ENTRY: Entry = Entry {
    name: "selective-weight-reinitialization",
    summary: "every period steps, the weights of least |w| or |w·g| are put back to their start",
    source: "Hernandez-Garcia et al. 2025, arXiv 2508.00212",
    parameters: &[
        Parameter {
            name: "period",
            summary: "steps from one to the next; 0 is never",
            kind: Kind::Integer { default: Some(2048), min: 0, max: 1_000_000_000 },
        },
        Parameter {
            name: "factor",
            summary: "share of each tensor, or threshold in units of its mean utility",
            kind: Kind::Number { default: Some(1e-5), min: 0.0, max: 1.0 },
        },
        Parameter {
            name: "utility",
            summary: "magnitude: |w|; gradient: |w·g|",
            kind: Kind::Text { default: Some("gradient"), one_of: &["magnitude", "gradient"] },
        },
        Parameter {
            name: "pruning",
            summary: "threshold: all up to factor·(mean utility); share: factor of all",
            kind: Kind::Text { default: Some("threshold"), one_of: &["threshold", "share"] },
        },
        Parameter {
            name: "start",
            summary: "mean: of the initial distribution; draw: from it",
            kind: Kind::Text { default: Some("draw"), one_of: &["mean", "draw"] },
        },
    ],
};

struct Reinitialization {
    period: u64,
    factor: f64,
    by_gradient: bool,
    share: bool,
    draw: bool,
    /// By parameter, the loss's gradient of this step; empty if it is not wanted.
    gradients: Vec<Vec<f32>>,
}

#[allow(clippy::unnecessary_wraps, reason = "the form that every method has")]
fn build(choice: &Choice, _: &dyn Network) -> Result<Box<dyn Method>> {
    Ok(Box::new(Reinitialization {
        period: count(choice, "period") as u64,
        factor: choice.number("factor"),
        by_gradient: choice.text("utility") == "gradient",
        share: choice.text("pruning") == "share",
        draw: choice.text("start") == "draw",
        gradients: Vec::new(),
    }))
}

impl Reinitialization {
    fn is_due(&self, steps: u64) -> bool {
        self.period > 0 && self.factor > 0.0 && (steps + 1).is_multiple_of(self.period)
    }

    /// Places of the values of least utility.
    fn least(&self, utilities: &[f32], draws: &mut Stream) -> Vec<usize> {
        let n = utilities.len();
        if !self.share {
            let mean = utilities.iter().map(|u| f64::from(*u)).sum::<f64>() / n as f64;
            return (0..n).filter(|&i| f64::from(utilities[i]) <= self.factor * mean).collect();
        }
        let wanted = self.factor * n as f64;
        let whole = wanted as usize + usize::from(draws.unit() < wanted.fract());
        let mut places: Vec<usize> = (0..n).collect();
        places.sort_by(|&a, &b| utilities[a].total_cmp(&utilities[b]));
        places.truncate(whole);
        places
    }
}

impl Method for Reinitialization {
    fn gradients(&mut self, at: &mut At<'_>, _: &[Captured]) -> Result<()> {
        if self.by_gradient && self.is_due(at.steps) {
            let parameters = at.network.parameters().iter();
            self.gradients = parameters.map(|p| p.gradient.to_f32()).collect::<Result<_>>()?;
        }
        Ok(())
    }

    fn updated(&mut self, at: &mut At<'_>, _: &[Captured]) -> Result<()> {
        if !self.is_due(at.steps) {
            return Ok(());
        }
        let mut draws = at.streams.of_step("selective-weight-reinitialization");
        let mut starts = reset::fresh(at.network, &mut draws);
        for (number, parameter) in at.network.parameters().iter().enumerate() {
            let state = &mut at.optimizer.states_mut()[number];
            if matches!(parameter.role, Role::Coefficients(_)) || state.separate_rows {
                continue;
            }
            if !self.draw && matches!(parameter.role, Role::Weight | Role::Bias | Role::Embedding) {
                starts[number].fill(0.0);
            }
            let values = parameter.to_vec()?;
            let gradient = self.gradients.get(number);
            let utility = |i: usize| (values[i] * gradient.map_or(1.0, |g| g[i])).abs();
            let utilities: Vec<f32> = (0..values.len()).map(utility).collect();
            let places = self.least(&utilities, &mut draws);
            update(&parameter.values, |values| {
                for &place in &places {
                    values[place] = starts[number][place];
                }
            })?;
            for moments in [&mut state.first, &mut state.second].into_iter().filter(|m| !m.is_empty()) {
                for &place in &places {
                    moments[place] = 0.0;
                }
            }
        }
        self.gradients.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use crate::spec::Value;

    #[test]
    fn weights_below_a_share_of_the_mean_go_to_zero_with_their_moments() {
        let (network, mut optimizer) = fixture::mlp(&[1], 0);
        let word = |word: &str| Value::Text(word.into());
        let settings = [
            ("period", Value::Number(2.0)),
            ("factor", Value::Number(0.5)),
            ("utility", word("magnitude")),
            ("start", word("mean")),
        ];
        let mut method = fixture::method_of("selective-weight-reinitialization", &settings, &*network);
        // Mean |w| is 1: those below 0.5 go.
        let w = [0.4, -0.6, 2.49, -0.51];
        fixture::set(&*network, "layers.0.weight", &w);
        optimizer.states_mut()[0].first.fill(1.0);
        method.updated(&mut fixture::at(&*network, &mut optimizer, 0, 0), &[]).unwrap();
        assert_eq!(fixture::get(&*network, "layers.0.weight"), w);
        method.updated(&mut fixture::at(&*network, &mut optimizer, 0, 1), &[]).unwrap();
        assert_eq!(fixture::get(&*network, "layers.0.weight"), [0.0, -0.6, 2.49, -0.51]);
        assert_eq!(optimizer.states()[0].first, [0.0, 1.0, 1.0, 1.0]);
    }

    /// Behind silent units every gradient is 0, and so is the mean utility: their weights go all the same.
    #[test]
    fn weights_without_any_use_are_drawn_anew() {
        let (network, mut optimizer) = fixture::mlp(&[1], 0);
        let settings = [("period", Value::Number(1.0))];
        let mut method = fixture::method_of("selective-weight-reinitialization", &settings, &*network);
        let w = [5.0, 6.0, 7.0, 8.0];
        fixture::set(&*network, "layers.0.weight", &w);
        fixture::no_gradients(&*network);
        let mut at = fixture::at(&*network, &mut optimizer, 0, 0);
        method.gradients(&mut at, &[]).unwrap();
        method.updated(&mut at, &[]).unwrap();
        assert!(fixture::get(&*network, "layers.0.weight").iter().all(|w| w.abs() <= 0.5));
    }

    #[test]
    fn a_share_goes_by_the_gradient_and_is_drawn_anew() {
        let (network, mut optimizer) = fixture::mlp(&[1], 0);
        let word = |word: &str| Value::Text(word.into());
        let settings =
            [("period", Value::Number(1.0)), ("factor", Value::Number(0.25)), ("pruning", word("share"))];
        let mut method = fixture::method_of("selective-weight-reinitialization", &settings, &*network);
        let w = [5.0, 6.0, 7.0, 8.0];
        fixture::set(&*network, "layers.0.weight", &w);
        fixture::no_gradients(&*network);
        let gradient = [1.0, -1.0, 0.1, 1.0];
        network.parameters()[0].gradient.lock().write::<f32>().unwrap().0.copy_from_slice(&gradient);
        let mut at = fixture::at(&*network, &mut optimizer, 0, 0);
        method.gradients(&mut at, &[]).unwrap();
        method.updated(&mut at, &[]).unwrap();
        let after = fixture::get(&*network, "layers.0.weight");
        assert_eq!([after[0], after[1], after[3]], [5.0, 6.0, 8.0]);
        assert!(after[2] != 7.0 && after[2].abs() <= 0.5, "{after:?}");
    }
}
