//! What the probes of a whole network cost, from a plan alone: the others are a part of a task's evaluation.

use super::needs::Takes;
use super::registry::{Measure, REGISTRY};
use crate::nn::LayerWork;
use crate::spec::Plan;

/// Vectors of all parameters that a copy in f64 holds: its values twice, gradients, and those of the moment.
const COPY: f64 = 6.0;

/// Of one look at a network.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Multiply-adds in f64.
    pub wide: f64,
    /// Multiply-adds in f32.
    pub single: f64,
    /// Times that a number of a vector of all parameters is written.
    pub written: f64,
    /// Bytes at a time.
    pub bytes: f64,
}

/// The plan's probes at one look, on a network of these layers with so many outputs, inputs of so many `features`
/// and so many `examples` a task.
#[must_use]
pub fn cost(plan: &Plan, layers: &[LayerWork], (features, outputs): (usize, usize), examples: f64) -> Cost {
    let sum = |of: fn(&LayerWork) -> f64| layers.iter().map(of).sum::<f64>();
    let weights = sum(|layer| layer.weights);
    // Forward, by the weights and by the inputs.
    let gradient = 3.0 * sum(|layer| layer.multiply_adds);
    let samples = (plan.probes.samples as f64).min(examples);
    let mut cost = Cost::default();
    let named = REGISTRY.iter().filter(|r| plan.probes.names.iter().any(|name| name == r.entry.name));
    for probe in named {
        let Measure::Network(_, keeps, takes) = probe.measure else { continue };
        let (mut kept, mut copies) = (keeps.vectors(plan) as f64, COPY);
        match takes {
            Takes::Gradients { times, of, further } => {
                let times = times as f64;
                cost.wide += gradient * (times * samples.min(of as f64) + further as f64);
                // Each new vector is held against all before it.
                cost.written += weights * (times + kept * kept);
            }
            Takes::Kernel { of } => {
                let (rows, outputs) = (samples.min(of as f64), outputs as f64);
                cost.wide += rows * outputs * (gradient + rows * weights);
                cost.written += 3.0 * rows * outputs * weights;
                // Gathered row by row.
                kept *= 2.0;
            }
            Takes::Batches(count) => {
                let batch = (plan.stream().batch_size as f64).min(samples);
                cost.single += gradient * (count as f64 * batch + 4.0 * samples);
                cost.written += weights * count as f64;
                copies /= 2.0;
            }
        }
        // Of a pass, in f64: what layers put out, what that was made of, and both gradients, of 256 rows at most.
        let rows = samples.min(256.0);
        let pass = rows * 4.0 * (features as f64 + sum(|layer| layer.outputs));
        cost.bytes = cost.bytes.max(8.0 * (weights * (copies + kept) + pass + samples * features as f64));
    }
    cost
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::test_plans;

    fn of(names: &[&str]) -> Cost {
        let mut plan = test_plans::plan("relu", 0);
        plan.probes.names = names.iter().map(ToString::to_string).collect();
        plan.probes.samples = 1000;
        cost(&plan, &[LayerWork::dense(784, 100), LayerWork::dense(100, 10)], (784, 10), 1200.0)
    }

    /// 79,400 weights; a gradient is 238,200 multiply-adds an example.
    #[test]
    fn the_probes_of_a_network_are_counted_and_no_other() {
        assert_eq!(of(&["srank", "update_norm"]), Cost::default());
        assert_eq!(of(&["curvature"]).wide, 238_200.0 * 40.0 * 512.0);
        assert_eq!(of(&["hessian_rank"]).wide, 238_200.0 * 240.0 * 256.0);
        assert_eq!(of(&["ntk_rank"]).wide, 1280.0 * (238_200.0 + 128.0 * 79_400.0));
        assert_eq!(of(&["optimization_readiness"]).wide, 238_200.0 * (2.0 * 1000.0 + 1024.0));
        assert_eq!(of(&["refit_plasticity"]).single, 238_200.0 * (400.0 * 16.0 + 4000.0));
        let both = of(&["curvature", "ntk_rank"]);
        assert_eq!(both.wide, of(&["curvature"]).wide + of(&["ntk_rank"]).wide);
        assert_eq!(both.bytes, of(&["ntk_rank"]).bytes, "one after the other");
        assert!(both.bytes > 8.0 * 256.0 * 79_400.0);
    }
}
