//! Activations, one file each; [`registry`] is the list that specs, `list` and the docs read.

mod aid;
mod celu;
mod crelu;
mod elu;
mod fourier;
mod gelu;
mod identity;
mod kat;
mod kat_published;
mod leaky_relu;
mod mish;
mod mixture;
mod prelu;
mod randomized_smooth_leaky;
pub mod rational;
mod relu;
mod rrelu;
mod selu;
mod sigmoid;
mod slopes;
mod smooth_leaky;
mod softplus;
mod spliced;
mod swish;
mod tanh;

use std::sync::Arc;

use crate::kernels::element::{ElementKernel, Kernel, Mode};
use crate::kernels::scalar::{Pointwise, Scalar};
use crate::spec::{Choice, Entry};

/// An activation at one place in a network.
#[derive(Clone)]
pub struct Activation {
    /// The two passes.
    pub kernel: Arc<dyn Kernel>,
    /// Features per pre-activation: 1, or 2 for those that double the width.
    pub expansion: usize,
    /// What is trained, if anything is.
    pub coefficients: Option<Coefficients>,
}

/// The trained coefficients of an activation layer.
#[derive(Clone)]
pub struct Coefficients {
    /// Start values, (sets, names) row-major.
    pub start: Vec<f64>,
    /// Names within a set, as in coefficients.csv: a0 … am, b1 … bn.
    pub names: Vec<String>,
    /// Learning rate of their own; the optimiser's where absent.
    pub learning_rate: Option<f64>,
    /// Weight decay of their own; the optimiser's where absent.
    pub weight_decay: Option<f64>,
    /// Whether other activation layers of the network train the same coefficients.
    pub network_wide: bool,
    /// Where only some do: the set of every activation layer, in forward order; empty otherwise.
    pub map: Vec<usize>,
    /// What a constraint does to them between steps, and how they are described.
    pub rule: Arc<dyn CoefficientRule>,
}

/// What happens to coefficients outside the two passes.
pub trait CoefficientRule: Send + Sync {
    /// Whether they are trained during the network's task number `task` (0 is the first that it learns).
    fn trained_in(&self, task: usize) -> bool {
        let _ = task;
        true
    }
    /// Called on the values after every optimiser step (a projection); most rules do nothing.
    fn project(&self, values: &mut [f32]) {
        let _ = values;
    }
    /// Called on averages of values that each obey the rule, where the average may not (a target network).
    fn confine_average(&self, values: &mut [f32]) {
        let _ = values;
    }
    /// Facts about the curve that set number `set` of `values` draws, where the activation has them.
    fn describe(&self, values: &[f32], set: usize) -> Option<Curve> {
        let _ = (values, set);
        None
    }
    /// The values to write to coefficients.csv (effective ones, after the constraint's form).
    fn effective(&self, values: &[f32]) -> Vec<f64> {
        values.iter().map(|&v| f64::from(v)).collect()
    }
}

/// The quantities that constraints bound (docs/definitions.md, probe `output_scale`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curve {
    /// lim |y(x) / x| for |x| → ∞ (infinite where the curve grows faster), the larger of both sides.
    pub tail_slope: f64,
    /// Largest |y'(x)| on [-r, r], as far as a grid and a search about its highest points find it.
    pub steepest: f64,
    /// Smallest denominator there, found in the same way.
    pub least_denominator: f64,
}

/// A registered activation: its catalogue entry, and what builds it for a layer of so many units.
#[derive(Clone, Copy)]
pub struct Registered {
    /// Name, summary, source, parameters.
    pub entry: Entry,
    /// From a checked choice and the number of units of the layer; the error is a sentence.
    pub build: fn(&Choice, usize) -> Result<Activation, String>,
}

/// Every activation. A new one is a file and a line here.
#[must_use]
pub fn registry() -> Vec<Registered> {
    macro_rules! fixed {
        ($($file:ident),*) => { [$(Registered { entry: $file::ENTRY, build: |c, u| Ok($file::build(c, u)) }),*] };
    }
    let mut all = fixed![
        relu,
        leaky_relu,
        prelu,
        elu,
        celu,
        selu,
        gelu,
        swish,
        mish,
        softplus,
        tanh,
        sigmoid,
        identity,
        crelu,
        fourier,
        aid,
        smooth_leaky,
        spliced,
        mixture
    ]
    .to_vec();
    all.push(Registered { entry: randomized_smooth_leaky::ENTRY, build: randomized_smooth_leaky::build });
    all.push(Registered { entry: rrelu::ENTRY, build: rrelu::build });
    all.push(Registered { entry: kat::ENTRY, build: kat::build });
    all.push(Registered {
        entry: rational::entry(),
        build: |choice, units| rational::build(choice, units).map_err(|e| e.to_string()),
    });
    all
}

/// Builds the activation that `choice` names for a layer of `units` units.
pub fn build(choice: &Choice, units: usize) -> Result<Activation, String> {
    let known = registry().into_iter().find(|r| r.entry.name == choice.name);
    let known = known.ok_or_else(|| format!("there is no activation named {}", choice.name))?;
    (known.build)(choice, units)
}

/// E φ(z)² for z ~ N(0, 1), φ as it starts and as it is evaluated; the mean over features where it makes several.
#[must_use]
pub fn second_moment(activation: &Activation) -> f64 {
    // The trapezoidal rule on a smooth density that ends below 1e-14 is exact to rounding but for corners.
    let points: Vec<f64> = (0..=3200).map(|i| f64::from(i) / 200.0 - 8.0).collect();
    let coefficients = activation.coefficients.as_ref().map_or(&[][..], |c| &c.start);
    let (mut y, mut extra) = (vec![0.0; points.len() * activation.expansion], Vec::new());
    let kernel: &dyn ElementKernel<f64> = &*activation.kernel;
    kernel.forward(coefficients, 1, &points, &mut y, &mut extra, &mut Mode::Evaluate);
    let density = |z: f64| libm::exp(-0.5 * z * z);
    let total: f64 = points.iter().map(|&z| density(z)).sum();
    let squares = points.iter().zip(y.chunks_exact(activation.expansion));
    squares.map(|(&z, y)| density(z) * y.iter().map(|y| y * y).sum::<f64>()).sum::<f64>()
        / total
        / activation.expansion as f64
}

/// An activation without coefficients from its scalar function.
fn pointwise(function: impl Scalar + 'static) -> Activation {
    Activation { kernel: Arc::new(Pointwise(function)), expansion: 1, coefficients: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E relu² = 1/2, E z² = 1, and of a pair that splits z between them 1/2 a feature.
    #[test]
    fn second_moments_are_those_of_a_normal_variable() {
        let of = |name: &str| {
            let known = registry().into_iter().find(|r| r.entry.name == name).unwrap();
            second_moment(&(known.build)(&Choice::of(&known.entry), 1).unwrap())
        };
        for (name, moment) in [("relu", 0.5), ("identity", 1.0), ("crelu", 0.5), ("fourier", 0.5)] {
            assert!((of(name) - moment).abs() < 1e-6, "{name}: {}", of(name));
        }
        // scipy.integrate.quad of swish² and tanh² against the normal density.
        assert!(
            (of("swish") - SWISH).abs() < 1e-9 && (of("tanh") - TANH).abs() < 1e-9,
            "{} {}",
            of("swish"),
            of("tanh")
        );
    }

    const SWISH: f64 = 0.355_775_519_817_352_17;
    const TANH: f64 = 0.394_294_490_397_841_26;
}
