//! Each constraint's bound, as its file proves it, over random and extreme coefficients and inputs.

use std::sync::Arc;

use plasticity_bench::kernels::element::Mode;
use plasticity_bench::nn::activation::rational::constraint::{
    CoefficientBox, Constraint, Lipschitz, OutputBound, ProjectedTailSlope, ProperDegree, TailSlope, UnitGain,
};
use plasticity_bench::nn::activation::rational::form::{Form, Version};
use plasticity_bench::nn::activation::rational::ratio::Ratio;
use plasticity_bench::nn::activation::rational::shape::Shape;
use proptest::prelude::*;

use crate::choices::{constraint, rational as choice};
use crate::layers;

/// 0, a normal-sized number, or anything from 1e-8 to 1e8, of either sign.
fn coefficient() -> impl Strategy<Value = f64> {
    prop_oneof![
        1 => Just(0.0),
        4 => -3.0..3.0,
        3 => (-8.0..8.0, any::<bool>()).prop_map(|(e, up): (f64, bool)| if up { 10f64.powf(e) } else { -10f64.powf(e) }),
    ]
}

fn input() -> impl Strategy<Value = f64> {
    prop_oneof![
        1 => Just(0.0),
        4 => -10.0..10.0,
        3 => (-10.0..30.0, any::<bool>()).prop_map(|(e, up): (f64, bool)| if up { 10f64.powf(e) } else { -10f64.powf(e) }),
    ]
}

fn version() -> impl Strategy<Value = Version> {
    prop_oneof![Just(Version::A), Just(Version::B), Just(Version::C), Just(Version::D)]
}

/// A form and coefficients for it.
fn curve(excess: usize) -> impl Strategy<Value = (Form, Vec<f64>)> {
    (version(), 1..=8usize).prop_flat_map(move |(version, n)| {
        let form = Form { version, m: n + excess, n };
        (Just(form), prop::collection::vec(coefficient(), form.len()))
    })
}

fn lowered(constraint: impl Constraint + 'static, form: Form, raw: &[f64]) -> (Shape, Ratio) {
    let shape = Shape { form, constraint: Arc::new(constraint) };
    let ratio = Ratio::new(form, &shape.lower(raw, None).theta);
    (shape, ratio)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn proper_degree_is_bounded((form, raw) in curve(0), xs in prop::collection::vec(input(), 20)) {
        let (_, ratio) = lowered(ProperDegree { epsilon: 1e-3 }, form, &raw);
        let theta: Vec<f64> = effective(&ProperDegree { epsilon: 1e-3 }, form, &raw);
        let bound = ProperDegree::bound(form, &theta);
        prop_assert!(bound.is_finite());
        for x in xs {
            let y = ratio.value(x);
            prop_assert!(y.abs() <= bound * (1.0 + 1e-9), "R({x}) = {y} beyond {bound}");
        }
        prop_assert_eq!(ratio.tail_slope(), 0.0);
    }

    #[test]
    fn tail_slope_is_bounded((form, raw) in curve(1), bound in 1e-3..1e3f64) {
        let (_, ratio) = lowered(TailSlope { bound, epsilon: 1e-3 }, form, &raw);
        prop_assert!(ratio.tail_slope() <= bound * (1.0 + 1e-12), "{}", ratio.tail_slope());
        // The limit itself, where the leading terms have long won: |x| beyond 1e6 times the ratio of
        // any coefficient to bₙ ≥ 1e-3.
        for x in [1e24, -1e24] {
            let slope = (ratio.value(x) / x).abs();
            prop_assert!(slope <= bound * (1.0 + 1e-9) + 1e-9, "R(x)/x = {slope} at {x}, bound {bound}");
        }
    }

    #[test]
    fn a_projected_tail_is_bounded((form, raw) in curve(1), bound in 1e-3..1e3f64) {
        let rule = ProjectedTailSlope { bound, epsilon: 1e-3 };
        let mut stored: Vec<f32> = raw.iter().map(|&x| x as f32).collect();
        let before = stored.clone();
        rule.project(form, &mut stored);
        let wide: Vec<f64> = stored.iter().map(|&x| f64::from(x)).collect();
        let (_, ratio) = lowered(rule, form, &wide);
        prop_assert!(ratio.tail_slope() <= bound * (1.0 + 1e-6), "{} beyond {bound}", ratio.tail_slope());
        // Nothing else is moved, and what lies within stays where it is.
        let lead = form.lead_a();
        let others = |values: &[f32]| [&values[..lead], &values[lead + 1..]].concat();
        prop_assert_eq!(others(&stored), others(&before));
        let most = bound * (f64::from(before[form.lead_b()]).abs() + 1e-3);
        if f64::from(before[lead]).abs() < most * (1.0 - 1e-6) {
            prop_assert_eq!(stored[lead], before[lead]);
        }
        let again = stored.clone();
        rule.project(form, &mut stored);
        prop_assert_eq!(stored, again);
    }

    #[test]
    fn output_is_bounded((form, raw) in curve(1), c in 1e-3..1e3f64, xs in prop::collection::vec(input(), 16)) {
        let (shape, ratio) = lowered(OutputBound { bound: c }, form, &raw);
        for &x in &xs {
            prop_assert!(shape.value(&ratio, x).abs() <= c);
        }
        let letter = format!("{:?}", form.version);
        let constrained = constraint("output-bound", &[("bound", c)]);
        let (activation, _) = layers::build(&choice(&letter, [form.m, form.n].map(|d| i64::try_from(d).unwrap()), constrained), 1);
        let y = layers::values(&activation, &raw, 1, &xs);
        prop_assert!(y.iter().all(|y| y.abs() <= c), "{y:?}");
        let single = |values: &[f64]| -> Vec<f32> { values.iter().map(|&x| x as f32).collect() };
        let y = layers::values(&activation, &single(&raw), 1, &single(&xs));
        prop_assert!(y.iter().all(|y| y.abs() <= c as f32), "{y:?}");
    }

    #[test]
    fn lipschitz_bounds_the_slope_on_its_grid((form, raw) in curve(1), bound in 1e-2..1e2f64) {
        let rule = Lipschitz::new(bound, 10.0);
        let grid = rule.grid().to_vec();
        let (_, ratio) = lowered(rule, form, &raw);
        for x in grid {
            let slope = ratio.slope(x).abs();
            prop_assert!(slope <= bound * (1.0 + 1e-6), "R'({x}) = {slope}, bound {bound}");
        }
        prop_assert!(ratio.tail_slope() <= bound * (1.0 + 1e-12));
    }

    #[test]
    fn unit_gain_keeps_the_second_moment((form, raw) in curve(1), start in prop::collection::vec(-3.0..3.0f64, 19)) {
        let mut rule = UnitGain::default();
        rule.remember_start(form, &start[..form.len()]);
        let expected = rule.start().unwrap().powi(2);
        let (_, ratio) = lowered(rule, form, &raw);
        // The bound is on the quadrature's sum: take it again, through the gain of a fresh rule.
        let mut again = UnitGain::default();
        let mut theta = ratio.a[..=form.m].to_vec();
        theta.extend(&ratio.c[form.version.first_b()..=form.n]);
        again.remember_start(form, &theta);
        let moment = again.start().unwrap().powi(2);
        let silent = raw[..=form.m].iter().all(|&a| a == 0.0);
        let known = if silent { 0.0 } else { expected };
        prop_assert!((moment - known).abs() <= 1e-9 * expected, "{moment} for {known}");
    }

    #[test]
    fn coefficient_box_holds(start in prop::collection::vec(coefficient(), 10), bound in 1e-3..10.0f64,
                             moved in prop::collection::vec(coefficient(), 20)) {
        let form = Form { version: Version::A, m: 5, n: 4 };
        let mut rule = CoefficientBox::new(bound);
        rule.remember_start(form, &start);
        let mut values: Vec<f32> = moved.iter().map(|&x| x as f32).collect();
        rule.project(form, &mut values);
        for (i, &value) in values.iter().enumerate() {
            let start = start[i % form.len()];
            let spacing = f64::from((start as f32).abs().next_up()) - f64::from((start as f32).abs());
            // Where f32 has no value inside the box, the start's own rounding.
            let slack = if spacing > bound { spacing } else { 0.0 };
            prop_assert!((f64::from(value) - start).abs() <= bound + slack);
        }
        let inside: Vec<f32> = values.clone();
        rule.project(form, &mut values);
        prop_assert_eq!(values, inside);
    }
}

fn effective(constraint: &dyn Constraint, form: Form, raw: &[f64]) -> Vec<f64> {
    let mut theta = raw.to_vec();
    constraint.effective(form, &mut theta);
    theta
}

#[test]
fn without_epsilon_both_tail_bounds_fail() {
    for version in [Version::A, Version::B, Version::C] {
        // bₙ = 0 and bₙ₋₁ tiny: the tail belongs to the coefficients below.
        let form = Form { version, m: 2, n: 2 };
        let mut raw = vec![0.0; form.len()];
        (raw[2], raw[form.lead_b() - 1]) = (1.0, 1e-9);
        let (_, without) = lowered(ProperDegree { epsilon: 0.0 }, form, &raw);
        let (_, with) = lowered(ProperDegree { epsilon: 1e-3 }, form, &raw);
        let bound = ProperDegree::bound(form, &effective(&ProperDegree { epsilon: 1e-3 }, form, &raw));
        assert!(without.value(1e12) > 1e15 && without.tail_slope() > 1e8, "{version:?}");
        assert!(with.value(1e12) <= bound && bound < 1e5, "{version:?}: {bound}");

        let form = Form { version, m: 3, n: 2 };
        let mut raw = vec![0.0; form.len()];
        (raw[2], raw[form.lead_b() - 1]) = (1.0, 1e-9);
        let (_, without) = lowered(TailSlope { bound: 1.0, epsilon: 0.0 }, form, &raw);
        let (_, with) = lowered(TailSlope { bound: 1.0, epsilon: 1e-3 }, form, &raw);
        assert!(without.tail_slope() > 1e8 && without.value(1e12) / 1e12 > 1e8, "{version:?}");
        assert!(with.tail_slope() <= 1.0 && with.value(1e12) / 1e12 <= 1.0, "{version:?}");
    }
}

#[test]
fn lipschitz_misses_little_between_grid_points_of_a_tame_curve() {
    let constrained = constraint("lipschitz", &[("bound", 0.9)]);
    for version in ["A", "B", "C"] {
        let (activation, coefficients) = layers::build(&choice(version, [5, 4], constrained.clone()), 1);
        let z: Vec<f64> = (-40_000..=40_000).map(|i| f64::from(i) * 2.5e-4).collect();
        let ones = vec![1.0; z.len()];
        let (_, dz, _) = layers::both(&activation, &coefficients.start, 1, &z, &ones, &mut Mode::Evaluate);
        let most = dz.iter().fold(0.0, |most: f64, d| most.max(d.abs()));
        // A grid in steps of 0.02 sees a smooth top to second order, a corner (C: where S turns) to first.
        let over = if version == "C" { 1.12 } else { 1.002 };
        assert!(most <= 0.9 * over && most > 0.85, "{version}: {most}");
    }
}

#[test]
fn unit_gain_is_near_the_true_second_moment() {
    for version in ["A", "B", "C"] {
        let (activation, mut coefficients) =
            layers::build(&choice(version, [5, 4], constraint("unit-gain", &[])), 1);
        let z: Vec<f64> = (-12_000..=12_000).map(|i| f64::from(i) * 1e-3).collect();
        let moment = |theta: &[f64]| {
            let y = layers::values(&activation, theta, 1, &z);
            let density = |x: f64| (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
            z.iter().zip(&y).map(|(&x, y)| 1e-3 * density(x) * y * y).sum::<f64>()
        };
        let before = moment(&coefficients.start);
        coefficients.start.iter_mut().enumerate().for_each(|(i, x)| *x *= 1.0 + 0.3 * (i as f64).sin());
        let after = moment(&coefficients.start);
        assert!((after / before - 1.0).abs() < 5e-3, "{version}: {before} {after}");
        // relu's own second moment is 1/2.
        assert!((before - 0.5).abs() < 0.02, "{version}: {before}");
    }
}

/// What is not a number ends a run as a divergence.
#[test]
fn a_projection_lets_nan_through() {
    let rule = ProjectedTailSlope { bound: 1.0, epsilon: 1e-3 };
    let form = Form { version: Version::A, m: 2, n: 1 };
    for place in [2, 3] {
        let mut values = [0.1f32, 0.2, 0.3, 0.4];
        values[place] = f32::NAN;
        rule.project(form, &mut values);
        assert!(values[place].is_nan());
        let mut wide = values.map(f64::from);
        rule.confine(form, &mut wide);
        assert!(wide[place].is_nan());
    }
}

/// Training may take bₙ through 0: the curve neither jumps there nor is pulled over a jump that its gradient does
/// not see.
#[test]
fn the_tail_bounds_leave_the_curve_continuous_where_the_leading_coefficient_changes_its_sign() {
    let xs: Vec<f64> = (-40..=40).map(|i| f64::from(i) * 0.25).collect();
    for version in ["A", "B", "C", "D"] {
        let tails = [("tail-slope", [5, 4]), ("projected-tail-slope", [5, 4]), ("proper-degree", [4, 4])];
        for (name, degrees) in tails {
            let (activation, coefficients) =
                layers::build(&choice(version, degrees, constraint(name, &[])), 1);
            let lead = coefficients.start.len() - 1;
            let at = |b: f64| {
                let mut theta = coefficients.start.clone();
                theta[lead] = b;
                theta
            };
            let values = |b: f64| layers::values(&activation, &at(b), 1, &xs);
            for ((x, left), right) in xs.iter().zip(values(-1e-12)).zip(values(1e-12)) {
                assert!((left - right).abs() < 1e-6, "{version} {name}: {left} and {right} at {x}");
            }
            let dy: Vec<f64> = (0..xs.len()).map(|i| (i as f64 * 0.7).sin()).collect();
            let loss = |b: f64| values(b).iter().zip(&dy).map(|(y, d)| y * d).sum::<f64>();
            for b in [-0.3, -1e-3, 1e-3, 0.3] {
                let (_, _, gradient) = layers::both(&activation, &at(b), 1, &xs, &dy, &mut Mode::Evaluate);
                let difference = (loss(b + 1e-7) - loss(b - 1e-7)) / 2e-7;
                let ours = gradient[lead];
                assert!(
                    (ours - difference).abs() < 1e-5 * (1.0 + difference.abs()),
                    "{version} {name} at {b}: {ours} for {difference}"
                );
            }
        }
    }
}
