//! The group rational of KAT (Yang & Wang 2024, arXiv 2409.10594): version A with one numerator for the whole layer
//! and a denominator for each group of neighbouring units,
//!
//! ```text
//! R_g(x) = Σ_{i ≤ m} a_i x^i / (1 + Σ_{1 ≤ k ≤ n} |b_gk| |x|^k)
//! ```
//!
//! as its code has it (its text gives every group a numerator of its own: `rational` with `sharing = "groups"`).
//! Degrees (5, 4), eight groups; a layer with fewer units has one group a unit. It starts as the identity or as
//! swish, or as any other start of `rational`, by this suite's fits, or with the numbers that KAT publishes
//! (`published-swish`, `published-gelu`, `published-gelu-old`; its identity is ours). Its initialisation that keeps variances is the network's: `initialization = "variance-preserving"`.

use std::sync::Arc;

use super::rational::fit;
use super::rational::form::{Form, Version};
use super::rational::kernel::Rational;
use super::rational::rule::RationalRule;
use super::rational::shape::Shape;
use super::rational::sharing::Sharing;
use super::rational::target::Target;
use super::rational::unconstrained;
use super::{Activation, CoefficientRule, Coefficients, Curve, kat_published};
use crate::kernels::element::{ElementKernel, Gradients, Mode, Saved};
use crate::kernels::lanes::Lane;
use crate::spec::{Choice, Entry, Kind, Parameter};

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "kat",
    summary: "rational of version A with one numerator a layer and a denominator for each group of units",
    source: "KAT's code, Yang & Wang 2024, arXiv 2409.10594",
    parameters: &[
        Parameter {
            name: "degrees",
            summary: "degrees of P (1 to 9) and Q (1 to 8)",
            kind: Kind::Integers { default: &[5, 4], min: 1, max: 9, lengths: (2, 2) },
        },
        Parameter {
            name: "groups",
            summary: "denominators per layer, at most one a unit",
            kind: Kind::Integer { default: Some(8), min: 1, max: 1 << 20 },
        },
        Parameter {
            name: "start",
            summary: "function that the coefficients are fitted to on [-3, 3] at the start; published-: KAT's own numbers",
            kind: Kind::Text { default: Some("swish"), one_of: STARTS },
        },
        Parameter {
            name: "learning_rate",
            summary: "of the coefficients; the optimiser's if absent",
            kind: Kind::Number { default: None, min: 0.0, max: 1e6 },
        },
        Parameter {
            name: "weight_decay",
            summary: "of the coefficients; the optimiser's if absent",
            kind: Kind::Number { default: None, min: 0.0, max: 1e6 },
        },
    ],
};

/// This suite's fits, and KAT's numbers.
const STARTS: &[&str] = &[
    "relu",
    "leaky_relu",
    "swish",
    "gelu",
    "tanh",
    "sigmoid",
    "identity",
    "published-swish",
    "published-gelu",
    "published-gelu-old",
];

/// The coefficients of a start.
fn start(name: &str, shape: &Shape) -> Result<Vec<f64>, String> {
    if let Some(target) = Target::named(name, 0.01) {
        return Ok(fit::start(shape, target));
    }
    let known = kat_published::STARTS.iter().find(|(known, _)| *known == name);
    let (_, (numerator, denominator)) = known.expect("the catalogue lists the starts");
    if (shape.form.m, shape.form.n) != (5, 4) {
        return Err(format!(
            "start = \"{name}\" is of degrees [5, 4], not [{}, {}]: leave degrees out, or take a start without \
             published-",
            shape.form.m, shape.form.n
        ));
    }
    Ok([&numerator[..], denominator].concat())
}

/// A set of coefficients for each group, all with the same numerator.
struct Kat {
    groups: Rational,
}

impl Kat {
    fn form(&self) -> Form {
        self.groups.shape.form
    }

    /// `a, b_0, b_1, …` as (groups, a and b).
    fn expand<T: Copy>(form: Form, shared: &[T]) -> Vec<T> {
        let (numerator, denominators) = shared.split_at(form.m + 1);
        denominators.chunks_exact(form.n).flat_map(|own| [numerator, own].concat()).collect()
    }
}

impl<T: Lane> ElementKernel<T> for Kat {
    fn forward(
        &self,
        coefficients: &[T],
        inputs: usize,
        z: &[T],
        y: &mut [T],
        saved: &mut Vec<T>,
        mode: &mut Mode<'_>,
    ) {
        self.groups.forward(&Self::expand(self.form(), coefficients), inputs, z, y, saved, mode);
    }

    fn backward(
        &self,
        coefficients: &[T],
        inputs: usize,
        saved: Saved<'_, T>,
        dy: &[T],
        gradients: Gradients<'_, T>,
    ) {
        let (form, Gradients { dz, d_coefficients }) = (self.form(), gradients);
        let expanded = Self::expand(form, coefficients);
        let mut by_group = vec![T::ZERO; expanded.len()];
        self.groups.backward(&expanded, inputs, saved, dy, Gradients { dz, d_coefficients: &mut by_group });
        let (numerator, denominators) = d_coefficients.split_at_mut(form.m + 1);
        for (i, to) in numerator.iter_mut().enumerate() {
            // In f64: the sum over many groups is one number's gradient.
            *to += T::of(by_group.iter().skip(i).step_by(form.len()).map(|d| d.wide()).sum());
        }
        for (own, to) in by_group.chunks_exact(form.len()).zip(denominators.chunks_exact_mut(form.n)) {
            to.iter_mut().zip(&own[form.m + 1..]).for_each(|(to, &d)| *to += d);
        }
    }
}

/// The curves of the groups are described together.
struct KatRule {
    curves: RationalRule,
}

impl CoefficientRule for KatRule {
    /// The worst of the groups.
    fn describe(&self, values: &[f32], _: usize) -> Option<Curve> {
        let form = self.curves.shape.form;
        let expanded = Kat::expand(form, values);
        let groups = expanded.len() / form.len();
        (0..groups).filter_map(|group| self.curves.describe(&expanded, group)).reduce(|a, b| Curve {
            tail_slope: a.tail_slope.max(b.tail_slope),
            steepest: a.steepest.max(b.steepest),
            least_denominator: a.least_denominator.min(b.least_denominator),
        })
    }
}

/// Builds it for a layer of `units` units.
pub fn build(choice: &Choice, units: usize) -> Result<Activation, String> {
    let [m, n] = *choice.integers("degrees") else { panic!("the catalogue gives two degrees") };
    if n > 8 {
        return Err(format!("kat's degrees are numerator 1 to 9 and denominator 1 to 8, not [{m}, {n}]"));
    }
    let form = Form { version: Version::A, m: m as usize, n: n as usize };
    let shape = Shape { form, constraint: unconstrained(form) };
    let groups = usize::try_from(choice.integer("groups")).expect("the catalogue keeps groups from 1 up");
    let sets = Sharing::Groups(groups.min(units)).sets(units);
    let start = start(choice.text("start"), &shape)?;
    let (numerator, denominator) = start.split_at(form.m + 1);
    let names = (0..sets.count).flat_map(|group| (1..=form.n).map(move |k| format!("b{k}_{group}")));
    Ok(Activation {
        kernel: Arc::new(Kat { groups: Rational { shape: shape.clone(), sets } }),
        expansion: 1,
        coefficients: Some(Coefficients {
            start: [numerator, &denominator.repeat(sets.count)].concat(),
            names: (0..=form.m).map(|i| format!("a{i}")).chain(names).collect(),
            learning_rate: choice.optional_number("learning_rate"),
            weight_decay: choice.optional_number("weight_decay"),
            network_wide: false,
            map: Vec::new(),
            rule: Arc::new(KatRule { curves: RationalRule { shape } }),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(units: usize) -> Activation {
        let mut choice = Choice::of(&ENTRY);
        choice.parameters.insert("groups".into(), crate::spec::Value::Integer(2));
        build(&choice, units).unwrap()
    }

    #[test]
    fn a_layer_has_one_numerator_and_a_denominator_a_group() {
        let activation = built(6);
        let coefficients = activation.coefficients.unwrap();
        assert_eq!(coefficients.start.len(), 6 + 2 * 4);
        assert_eq!(coefficients.names[5..8], ["a5", "b1_0", "b2_0"]);
        assert_eq!(coefficients.names[10], "b1_1");
        assert_eq!(coefficients.start[6..10], coefficients.start[10..14]);
        assert_eq!(built(1).coefficients.unwrap().start.len(), 10, "no more groups than units");
    }

    /// By the formula: three units of group 0 and three of group 1.
    #[test]
    fn groups_differ_in_their_denominators_alone() {
        let activation = built(6);
        let coefficients: Vec<f64> =
            vec![0.1, 1.0, -0.5, 0.25, 0.0, 0.125, 0.5, 0.0, 0.25, 0.0, -1.0, 0.5, 0.0, 0.125];
        let z = [-2.0, 0.5, 3.0, -2.0, 0.5, 3.0];
        let by_hand = |x: f64, b: &[f64]| {
            let p: f64 = (0..6).map(|i| coefficients[i] * x.powi(i as i32)).sum();
            p / (1.0 + (0..4).map(|k| b[k].abs() * x.abs().powi(k as i32 + 1)).sum::<f64>())
        };
        let (mut y, mut saved) = ([0.0; 6], Vec::new());
        let kernel: &dyn ElementKernel<f64> = &*activation.kernel;
        kernel.forward(&coefficients, 6, &z, &mut y, &mut saved, &mut Mode::Evaluate);
        for (at, (&y, &x)) in y.iter().zip(&z).enumerate() {
            let expected = by_hand(x, &coefficients[6 + 4 * (at / 3)..][..4]);
            assert!((y - expected).abs() < 1e-12, "{at}: {y} {expected}");
        }
        assert_ne!(y[0], y[3]);
    }

    /// A layer of one unit at its start.
    fn value(start: &str, x: f64) -> f64 {
        let mut choice = Choice::of(&ENTRY);
        choice.parameters.insert("start".into(), crate::spec::Value::Text(start.into()));
        let activation = build(&choice, 1).unwrap();
        let (mut y, mut saved) = ([0.0], Vec::new());
        let kernel: &dyn ElementKernel<f64> = &*activation.kernel;
        let start = activation.coefficients.unwrap().start;
        kernel.forward(&start, 1, &[x], &mut y, &mut saved, &mut Mode::Evaluate);
        y[0]
    }

    /// Largest distance on the thousand points that KAT's fits are made on.
    fn distance(start: &str, target: impl Fn(f64) -> f64) -> f64 {
        let points = (0..1000).map(|i| -3.0 + 6.0 * f64::from(i) / 999.0);
        points.map(|x| (value(start, x) - target(x)).abs()).fold(0.0, f64::max)
    }

    /// numpy, by the formula of KAT's kernels on the published numbers: 1.20e-6 from swish, 4.14e-3 (`gelu_old`) and
    /// 1.46 (`gelu`) from GELU. Our own fits are as near to their functions as theirs.
    #[test]
    fn published_starts_are_as_far_from_their_functions_as_their_numbers() {
        let swish = |x: f64| x / (1.0 + libm::exp(-x));
        let gelu = |x: f64| 0.5 * x * (1.0 + libm::erf(x / std::f64::consts::SQRT_2));
        let theirs = distance("published-swish", swish);
        assert!((theirs - 1.20e-6).abs() < 5e-9, "{theirs:e}");
        assert!(distance("swish", swish) < 1.5 * theirs, "{:e}", distance("swish", swish));
        assert!((distance("published-gelu-old", gelu) - 4.14e-3).abs() < 1e-5);
        assert!((distance("published-gelu", gelu) - 1.46).abs() < 5e-3);
        assert!(distance("gelu", gelu) < 4.14e-3);
        let mut choice = Choice::of(&ENTRY);
        choice.parameters.insert("start".into(), crate::spec::Value::Text("identity".into()));
        let identity = build(&choice, 1).unwrap().coefficients.unwrap().start;
        assert_eq!(identity, [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], "as published");
        choice.parameters.insert("start".into(), crate::spec::Value::Text("published-swish".into()));
        choice.parameters.insert("degrees".into(), crate::spec::Value::Integers(vec![5, 3]));
        let sentence = build(&choice, 1).err().unwrap();
        assert!(sentence.contains("degrees [5, 4], not [5, 3]"), "{sentence}");
    }

    #[test]
    fn every_start_of_rational_is_one_of_kat() {
        let known = kat_published::STARTS.iter().map(|(name, _)| *name);
        assert_eq!(STARTS.to_vec(), Target::NAMES.iter().copied().chain(known).collect::<Vec<_>>());
    }

    #[test]
    fn the_start_is_swish_and_the_identity_is_exact() {
        for x in [-2.5, -0.3, 0.0, 1.1, 2.9] {
            assert!((value("swish", x) - x / (1.0 + libm::exp(-x))).abs() < 0.02, "{x}");
            assert!((value("identity", x) - x).abs() < 1e-9, "{x}");
        }
    }
}
