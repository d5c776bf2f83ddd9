//! A fixed function of two parts, ours, as a control: relu within [-edge, edge] with a rational's tails, or a rational
//! there with relu's tails. It says whether a rational's middle or its tails make the difference to relu. The rational
//! is the start of `rational` (version A, degrees 5 and 4, fitted to relu on [-3, 3]), frozen.
//!
//! Tails are shifted so that the function is continuous.

use super::rational::fit;
use super::rational::form::{Form, Version};
use super::rational::shape::Shape;
use super::rational::target::Target;
use super::{Activation, pointwise, rational};
use crate::kernels::real::Real;
use crate::kernels::scalar::Scalar;
use crate::spec::{Choice, Entry, Kind, Parameter};

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "spliced",
    summary: "relu with the tails of a rational fitted to it, or that rational with relu's tails; nothing is trained",
    source: "the suite's own, a control",
    parameters: &[
        Parameter {
            name: "rational",
            summary: "which part is the rational's; the other is relu's",
            kind: Kind::Text { default: Some("tails"), one_of: &["tails", "middle"] },
        },
        Parameter {
            name: "edge",
            summary: "where the middle ends, on both sides",
            kind: Kind::Number { default: Some(3.0), min: 0.1, max: 100.0 },
        },
    ],
};

/// The rational's form: the default of `rational`.
const FORM: Form = Form { version: Version::A, m: 5, n: 4 };

/// relu within the edge, and the rational beyond.
#[derive(Clone, Copy)]
struct Tails {
    curve: Curve,
    edge: f64,
    /// What the rational has there less what relu has: at -edge and at edge.
    steps: [f64; 2],
}

/// The rational within the edge, and relu beyond.
#[derive(Clone, Copy)]
struct Middle {
    curve: Curve,
    edge: f64,
}

/// The rational of version A.
#[derive(Clone, Copy)]
struct Curve {
    a: [f64; FORM.m + 1],
    b: [f64; FORM.n],
}

impl Curve {
    /// R and R' at x. Powers of x overflow f32 beyond 10⁷ only.
    #[inline(always)]
    fn at<T: Real>(&self, x: T) -> (T, T) {
        let (t, side) = (x.abs(), if x < T::ZERO { -T::ONE } else { T::ONE });
        let (mut p, mut dp) = (T::ZERO, T::ZERO);
        for &a in self.a.iter().rev() {
            dp = dp.mul_add(x, p);
            p = p.mul_add(x, T::of(a));
        }
        let (mut s, mut ds) = (T::ZERO, T::ZERO);
        for &b in self.b.iter().rev() {
            ds = ds.mul_add(t, s);
            s = s.mul_add(t, T::of(b.abs()));
        }
        // s is Σ|b_k|t^(k-1): Q = 1 + ts, Q' = ±(s + ts').
        let q = t.mul_add(s, T::ONE);
        let dq = side * t.mul_add(ds, s);
        let y = p / q;
        (y, (dp - y * dq) / q)
    }
}

/// x within the edge; NaN stays NaN.
#[inline(always)]
fn clamp<T: Real>(x: T, edge: T) -> T {
    let low = if x < -edge { -edge } else { x };
    if low > edge { edge } else { low }
}

impl Scalar for Tails {
    #[inline(always)]
    fn value<T: Real>(self, x: T) -> T {
        let (edge, rational) = (T::of(self.edge), self.curve.at(x).0);
        let relu = if x > T::ZERO { x } else { x * T::ZERO };
        let step = if x < T::ZERO { T::of(self.steps[0]) } else { T::of(self.steps[1]) };
        if x.abs() > edge { rational - step } else { relu }
    }
    #[inline(always)]
    fn derivative<T: Real>(self, x: T, _: T) -> T {
        let rational = self.curve.at(x).1;
        let relu = if x > T::ZERO { T::ONE } else { T::ZERO };
        if x.abs() > T::of(self.edge) { rational } else { relu }
    }
}

impl Scalar for Middle {
    #[inline(always)]
    fn value<T: Real>(self, x: T) -> T {
        let edge = T::of(self.edge);
        let beyond = if x > edge { x - edge } else { T::ZERO };
        self.curve.at(clamp(x, edge)).0 + beyond
    }
    #[inline(always)]
    fn derivative<T: Real>(self, x: T, _: T) -> T {
        let (edge, rational) = (T::of(self.edge), self.curve.at(x).1);
        let relu = if x > T::ZERO { T::ONE } else { T::ZERO };
        if x.abs() > edge { relu } else { rational }
    }
}

/// The frozen rational's shape and coefficients.
fn start() -> (Shape, Vec<f64>) {
    let shape = Shape { form: FORM, constraint: rational::unconstrained(FORM) };
    let theta = fit::start(&shape, Target::Relu);
    (shape, theta)
}

fn parts(edge: f64) -> (Tails, Middle) {
    let (a, b) = {
        let theta = start().1;
        let (a, b) = theta.split_at(FORM.m + 1);
        (a.try_into().expect("m + 1 of them"), b.try_into().expect("n of them"))
    };
    let curve = Curve { a, b };
    let steps = [curve.at(-edge).0, curve.at(edge).0 - edge];
    (Tails { curve, edge, steps }, Middle { curve, edge })
}

/// Builds it.
pub fn build(choice: &Choice, _: usize) -> Activation {
    let (tails, middle) = parts(choice.number("edge"));
    if choice.text("rational") == "tails" { pointwise(tails) } else { pointwise(middle) }
}

#[cfg(test)]
mod tests {
    use super::super::rational::ratio::Ratio;
    use super::*;

    /// R and R' against the suite's own, which is written for any version and degree.
    #[test]
    fn the_curve_is_that_of_the_frozen_rational() {
        let curve = parts(3.0).0.curve;
        let ratio = Ratio::new(FORM, &start().1);
        for x in [-40.0, -3.0, -0.7, -0.0, 0.0, 1e-3, 0.7, 2.9, 17.0] {
            let (y, slope) = curve.at(x);
            assert!((y - ratio.value(x)).abs() <= 1e-12 * (1.0 + y.abs()), "{x}: {y}");
            assert!((slope - ratio.slope(x)).abs() <= 1e-9 * (1.0 + slope.abs()), "{x}: {slope}");
        }
    }

    #[test]
    fn each_has_its_middle_and_its_tails_and_no_step() {
        let (tails, middle) = parts(2.0);
        let curve = tails.curve;
        for x in [-1.9, -0.3, 0.0, 0.4, 1.9] {
            assert_eq!((tails.value(x), middle.value(x)), (f64::max(x, 0.0), curve.at(x).0));
        }
        for x in [-7.0, 9.0] {
            let end = f64::clamp(x, -2.0, 2.0);
            assert!((middle.value(x) - curve.at(end).0 - (x - end).max(0.0)).abs() < 1e-12);
            assert!((tails.value(x) - end.max(0.0) - (curve.at(x).0 - curve.at(end).0)).abs() < 1e-12);
            assert_eq!(tails.derivative(x, 0.0), curve.at(x).1);
            assert_eq!(middle.derivative(x, 0.0), if x > 0.0 { 1.0 } else { 0.0 });
        }
        for edge in [-2.0f64, 2.0] {
            let near = |f: &dyn Fn(f64) -> f64| (f(edge * (1.0 + 1e-9)) - f(edge)).abs();
            assert!(near(&|x| tails.value(x)) < 1e-7 && near(&|x| middle.value(x)) < 1e-7);
        }
        assert!(tails.value(f32::NAN).is_nan() && middle.value(f32::NAN).is_nan());
    }
}
