//! Our start fits against the published ones, and the published ones in our forms.

use std::sync::Arc;

use plasticity_bench::nn::activation::rational::constraint::Unconstrained;
use plasticity_bench::nn::activation::rational::fit;
use plasticity_bench::nn::activation::rational::form::{Form, Version};
use plasticity_bench::nn::activation::rational::ratio::Ratio;
use plasticity_bench::nn::activation::rational::shape::Shape;
use plasticity_bench::nn::activation::rational::target::Target;
use plasticity_bench::spec::Value;

use crate::choices::{With, constraint, rational as choice, word};
use crate::layers;

struct Published {
    version: Version,
    name: String,
    target: Target,
    theta: Vec<f64>,
}

fn published() -> Vec<Published> {
    include_str!("../reference/rational_fits.csv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            let target = match cells[1] {
                "leaky_relu_0.1" => Target::LeakyRelu { slope: 0.1 },
                name => Target::named(name, 0.01).unwrap(),
            };
            Published {
                version: Version::named(cells[0]).unwrap(),
                name: cells[1].to_owned(),
                target,
                theta: cells[2..].iter().map(|cell| cell.parse().unwrap()).collect(),
            }
        })
        .collect()
}

fn known(version: Version, name: &str) -> Vec<f64> {
    published().into_iter().find(|p| p.version == version && p.name == name).unwrap().theta
}

fn form(version: Version) -> Form {
    Form { version, m: 5, n: 4 }
}

/// Largest error on [-3, 3].
fn worst(ratio: &Ratio, target: Target) -> f64 {
    let points = (-3000..=3000).map(|i| f64::from(i) * 1e-3);
    points.map(|x| (ratio.value(x) - target.value(x)).abs()).fold(0.0, f64::max)
}

#[test]
fn own_fits_are_as_near_as_the_published_ones() {
    let all = published();
    assert_eq!(all.len(), 16);
    for one in all {
        let shape = Shape { form: form(one.version), constraint: Arc::new(Unconstrained) };
        let own = Ratio::new(shape.form, &fit::start(&shape, one.target));
        let theirs = Ratio::new(shape.form, &one.theta);
        let (own, theirs) = (worst(&own, one.target), worst(&theirs, one.target));
        assert!(own <= 1.1 * theirs, "{:?} {}: own {own:e}, published {theirs:e}", one.version, one.name);
    }
}

#[test]
fn identity_is_exact_in_every_version() {
    for version in [Version::A, Version::B, Version::C, Version::D, Version::N] {
        for (m, n) in [(1, 1), (5, 4), (9, 8)] {
            let shape = Shape { form: Form { version, m, n }, constraint: Arc::new(Unconstrained) };
            let ratio = Ratio::new(shape.form, &fit::start(&shape, Target::Identity));
            assert!(worst(&ratio, Target::Identity) < 1e-15, "{version:?} ({m}, {n})");
        }
    }
}

#[test]
fn every_version_and_degree_finds_a_fit() {
    let relu = Target::Relu;
    for version in [Version::A, Version::B, Version::C, Version::N] {
        // relu by a ratio: the more coefficients, the nearer.
        for (m, n, enough) in
            [(2, 1, 0.3), (3, 2, 0.13), (4, 4, 0.06), (5, 4, 0.04), (7, 6, 0.03), (9, 8, 0.03)]
        {
            let shape = Shape { form: Form { version, m, n }, constraint: Arc::new(Unconstrained) };
            let error = worst(&Ratio::new(shape.form, &fit::start(&shape, relu)), relu);
            assert!(error < enough, "{version:?} ({m}, {n}): {error}");
        }
    }
}

#[test]
fn published_relu_has_the_stated_tail() {
    let ratio = Ratio::new(form(Version::A), &known(Version::A, "relu"));
    let near = |x: f64, stated: f64, slack: f64| {
        assert!((ratio.value(x) - stated).abs() < slack, "R({x}) = {}", ratio.value(x));
    };
    near(-10.0, -2.65, 0.005);
    near(-100.0, -66.0, 0.5);
    near(100.0, 75.0, 0.5);
    assert!((worst(&ratio, Target::Relu) - 0.030).abs() < 1e-4);
    assert!((ratio.tail_slope() - 0.72).abs() < 0.005);
    let b = Ratio::new(form(Version::B), &known(Version::B, "relu"));
    assert!((b.tail_slope() - 0.50).abs() < 0.005);
    // A-gelu has b4 ≈ 0 and grows quadratically where it matters.
    assert!(Ratio::new(form(Version::A), &known(Version::A, "gelu")).tail_slope() > 1e6);
}

#[test]
fn the_tables_of_two_versions_are_not_interchangeable() {
    let mixed = Ratio::new(form(Version::B), &known(Version::A, "relu"));
    assert!((worst(&mixed, Target::Relu) - 0.44).abs() < 0.005);
}

#[test]
fn constrained_starts_stay_near_their_target() {
    // Largest error on [-3, 3] that each constraint may cost.
    for (name, degrees, start, enough) in [
        ("tail-slope", [5, 4], "relu", 0.0345),
        ("tail-slope", [5, 4], "identity", 0.01),
        ("tail-slope", [5, 4], "gelu", 0.01),
        ("projected-tail-slope", [5, 4], "relu", 0.0345),
        ("projected-tail-slope", [5, 4], "gelu", 0.01),
        ("proper-degree", [4, 4], "relu", 0.06),
        ("proper-degree", [4, 4], "tanh", 1e-3),
        ("output-bound", [5, 4], "relu", 0.04),
        ("unit-gain", [5, 4], "relu", 0.0345),
        ("lipschitz", [5, 4], "relu", 0.08),
        ("lipschitz", [5, 4], "gelu", 0.2),
        ("coefficient-box", [5, 4], "relu", 0.0345),
    ] {
        for version in ["A", "B", "C"] {
            let choice = choice(version, degrees, constraint(name, &[])).with("start", word(start));
            let (activation, coefficients) = layers::build(&choice, 1);
            let z: Vec<f64> = (-300..=300).map(|i| f64::from(i) * 1e-2).collect();
            let y = layers::values(&activation, &coefficients.start, 1, &z);
            let target = Target::named(start, 0.01).unwrap();
            let error = z.iter().zip(&y).map(|(&x, y)| (y - target.value(x)).abs()).fold(0.0, f64::max);
            assert!(error < enough, "{name} {version} {start}: {error}");
        }
    }
}

/// The free fit to relu has a tail of 0.72.
#[test]
fn a_start_obeys_a_bound_that_its_target_is_beyond() {
    for (name, bound) in [("tail-slope", 0.3), ("projected-tail-slope", 0.3), ("projected-tail-slope", 0.01)]
    {
        for version in ["A", "B", "C"] {
            let (_, coefficients) =
                layers::build(&choice(version, [5, 4], constraint(name, &[("bound", bound)])), 1);
            let start: Vec<f32> = coefficients.start.iter().map(|&x| x as f32).collect();
            let tail = coefficients.rule.describe(&start, 0).unwrap().tail_slope;
            assert!(tail <= bound * (1.0 + 1e-6), "{version} {name} {bound}: {tail}");
            let mut projected = start.clone();
            coefficients.rule.project(&mut projected);
            assert!(
                projected.iter().zip(&start).all(|(a, b)| (a - b).abs() <= 1e-6 * b.abs()),
                "{version} {name} {bound}: {projected:?} {start:?}"
            );
        }
    }
}

#[test]
fn leaky_relu_takes_its_slope() {
    let choice = choice("A", [5, 4], constraint("none", &[]))
        .with("start", word("leaky_relu"))
        .with("start_slope", Value::Number(0.3));
    let (activation, coefficients) = layers::build(&choice, 1);
    let y = layers::values(&activation, &coefficients.start, 1, &[-2.0f64]);
    assert!((y[0] + 0.6).abs() < 0.01, "{y:?}");
}
