//! Outputs and gradients stay finite and right wherever the true value is a number.

use plasticity_bench::kernels::element::Mode;
use plasticity_bench::nn::activation::rational::form::{Form, Version};
use plasticity_bench::nn::activation::rational::ratio::Ratio;
use plasticity_bench::random::Stream;

use crate::choices::{With, constraint, rational as choice, word};
use crate::layers;

const SIZES: [f64; 9] = [0.0, 1e-30, 0.1, 3.0, 80.0, 5e3, 6e7, 1e15, 1e30];

/// P/Q by plain f64 arithmetic with exponents that f64 can hold: right for moderate x.
fn plain(ratio: &Ratio, x: f64) -> f64 {
    let version = ratio.form.version;
    let t = if version.even() { x.abs() } else { x };
    let sum =
        |coefficients: &[f64], x: f64| -> f64 { (0..).zip(coefficients).map(|(i, c)| c * x.powi(i)).sum() };
    let s = sum(&ratio.c, t);
    sum(&ratio.a, x) / (version.floor() + if version.absolute() { s.abs() } else { s })
}

#[test]
fn scaled_and_plain_evaluation_agree() {
    let mut stream = Stream::new(1, "test", 0);
    for version in [Version::A, Version::B, Version::C, Version::N] {
        for (m, n) in [(5, 4), (4, 4), (2, 5), (9, 8), (1, 1)] {
            let form = Form { version, m, n };
            for _ in 0..50 {
                let theta = layers::normals(&mut stream, form.len(), 1.0);
                let ratio = Ratio::new(form, &theta);
                for x in [-1e6, -300.0, -7.0, -1.5, -0.5, 0.0, 0.9, 1.1, 12.0, 4e5] {
                    let (found, known) = (ratio.value(x), plain(&ratio, x));
                    // Near a root of P or a pole rounding is amplified.
                    assert!(
                        (found - known).abs() <= 1e-9 * known.abs().max(1e-6),
                        "{version:?} {x}: {found} {known}"
                    );
                }
            }
        }
    }
}

#[test]
fn outputs_and_gradients_are_finite_where_the_true_ones_are() {
    // tail-slope: R grows like x, ∂R/∂a_i at most like x, so nothing true leaves f32 below 1e30.
    for (version, degrees) in [("A", [5, 4]), ("B", [5, 4]), ("C", [3, 2]), ("A", [9, 8]), ("B", [9, 8])] {
        for (name, degrees) in [("tail-slope", degrees), ("proper-degree", [degrees[1], degrees[1]])] {
            let (activation, coefficients) =
                layers::build(&choice(version, degrees, constraint(name, &[])), 1);
            let z: Vec<f64> = SIZES.iter().flat_map(|&x| [x, -x]).collect();
            let dy = vec![1.0; z.len()];
            let theta = &coefficients.start;
            let (y, dz, gradient) = layers::both(&activation, theta, 1, &z, &dy, &mut Mode::Evaluate);
            assert!(y.iter().chain(&dz).chain(&gradient).all(|x| x.is_finite()));
            let single = |values: &[f64]| -> Vec<f32> { values.iter().map(|&x| x as f32).collect() };
            let (y32, dz32, gradient32) =
                layers::both(&activation, &single(theta), 1, &single(&z), &single(&dy), &mut Mode::Evaluate);
            for (i, &x) in z.iter().enumerate() {
                let near =
                    |found: f32, known: f64| (f64::from(found) - known).abs() <= 2e-4 * known.abs() + 1e-6;
                assert!(near(y32[i], y[i]), "{version} {name} y({x}): {} {}", y32[i], y[i]);
                assert!(near(dz32[i], dz[i]), "{version} {name} y'({x}): {} {}", dz32[i], dz[i]);
            }
            assert!(gradient32.iter().all(|g| g.is_finite()), "{version} {name}: {gradient32:?}");
        }
    }
}

#[test]
fn a_far_lane_leaves_its_neighbours_alone() {
    let (activation, coefficients) = layers::build(&choice("A", [5, 4], constraint("none", &[])), 1);
    let theta: Vec<f32> = coefficients.start.iter().map(|&x| x as f32).collect();
    let mut stream = Stream::new(2, "test", 0);
    let z: Vec<f32> = layers::normals(&mut stream, 100, 1.0).iter().map(|&x| x as f32).collect();
    let dy = vec![1.0f32; 100];
    let quiet = layers::both(&activation, &theta, 1, &z, &dy, &mut Mode::Evaluate);
    let mut far = z.clone();
    far[37] = 1e12;
    let loud = layers::both(&activation, &theta, 1, &far, &dy, &mut Mode::Evaluate);
    for i in (0..100).filter(|&i| i != 37) {
        assert_eq!((quiet.0[i], quiet.1[i]), (loud.0[i], loud.1[i]));
    }
    // Out there R ≈ (a5/b4)·x.
    let tail = theta[5] / theta[9].abs();
    assert!((loud.0[37] / 1e12 / tail - 1.0).abs() < 1e-5 && (loud.1[37] / tail - 1.0).abs() < 1e-5);
}

#[test]
fn extreme_coefficients_give_finite_values() {
    let mut stream = Stream::new(3, "test", 0);
    for version in ["A", "B", "C"] {
        let (activation, _) = layers::build(&choice(version, [5, 4], constraint("none", &[])), 1);
        let len = if version == "C" { 11 } else { 10 };
        for _ in 0..300 {
            let mut theta: Vec<f64> =
                (0..len).map(|_| stream.normal().signum() * 10f64.powf(stream.uniform(-8.0, 8.0))).collect();
            if stream.unit() < 0.3 {
                theta[6..].fill(0.0);
            }
            let z: Vec<f64> = SIZES.iter().flat_map(|&x| [x, -x]).collect();
            // With b = 0 R is x^5: in f64 a number even for 1e30.
            let dy = vec![1.0; z.len()];
            let (y, dz, gradient) = layers::both(&activation, &theta, 1, &z, &dy, &mut Mode::Evaluate);
            assert!(y.iter().chain(&dz).chain(&gradient).all(|x| x.is_finite()), "{version} {theta:?}");
        }
    }
}

#[test]
fn nan_comes_out_as_nan() {
    for name in ["none", "output-bound", "lipschitz", "unit-gain"] {
        for sharing in ["layer", "unit"] {
            let choice = choice("B", [5, 4], constraint(name, &[])).with("sharing", word(sharing));
            let (activation, coefficients) = layers::build(&choice, 2);
            let theta: Vec<f32> = coefficients.start.iter().map(|&x| x as f32).collect();
            let z = [0.5f32, f32::NAN];
            let (y, dz, gradient) =
                layers::both(&activation, &theta, 2, &z, &[1.0, 1.0], &mut Mode::Evaluate);
            assert!(y[0].is_finite() && y[1].is_nan() && dz[0].is_finite() && dz[1].is_nan(), "{name}");
            assert!(gradient.iter().any(|g| g.is_nan()), "{name}");
            // A coefficient that is lost loses everything it draws.
            let mut lost = theta.clone();
            lost[0] = f32::NAN;
            let y = layers::values(&activation, &lost, 2, &[0.5f32, 1.0]);
            assert!(y[0].is_nan(), "{name}");
        }
    }
}
