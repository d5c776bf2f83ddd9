//! Start coefficients: our own least-squares fits on [-3, 3].
//!
//! First R alone: linearised starts (Sanathanan & Koerner 1963: minimise Σ((P - fQ)/Q₋₁)², Q₋₁ the last
//! round's denominator) and a ladder of fixed denominators, each followed by Levenberg–Marquardt on
//! the true residual; the best is polished. Then, where a constraint changes the curve, the same
//! Levenberg–Marquardt through the constraint, over what is trained. All of it is deterministic, and
//! remembered for the process, since every layer of every run asks for the same few fits.
//!
//! A fit holds on [-3, 3] only: what the curve does beyond is whatever its degrees make of it.

#![allow(clippy::cast_possible_wrap, reason = "powers are at most 9")]

mod least_squares;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use self::least_squares::Matrix;
use super::constraint::Unconstrained;
use super::form::{Form, MAX_A, MAX_C, Version, sign};
use super::ratio::{Ratio, integer_power};
use super::shape::{EffectiveCoefficients, Shape};
use super::target::Target;
use crate::nn::dot::dot;

/// Fits cover [-REACH, REACH].
pub const REACH: f64 = 3.0;
/// Points of a fit: 0 is one of them, where relu has its corner.
const POINTS: usize = 601;

fn points() -> impl Iterator<Item = f64> {
    (0..POINTS).map(|i| REACH * (2.0 * i as f64 / (POINTS - 1) as f64 - 1.0))
}

/// The trained coefficients of `shape` whose curve is nearest `target`.
#[must_use]
pub fn start(shape: &Shape, target: Target) -> Vec<f64> {
    static FITS: Mutex<BTreeMap<String, Vec<f64>>> = Mutex::new(BTreeMap::new());
    let key = format!("{shape:?} {target:?}");
    if let Some(known) = FITS.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return known.clone();
    }
    let plain = Shape { form: shape.form, constraint: Arc::new(Unconstrained) };
    let plain_key = format!("{plain:?} {target:?}");
    let start = if key == plain_key { fit(shape.form, target) } else { constrained(shape, &plain, target) };
    FITS.lock().unwrap_or_else(PoisonError::into_inner).insert(key, start.clone());
    start
}

/// The start under a constraint: the plain fit where the constraint leaves its curve as it is, else
/// the best refit from it and from the constraint's own gentler start.
fn constrained(shape: &Shape, plain: &Shape, target: Target) -> Vec<f64> {
    let free = start(plain, target);
    let mut raw = free.clone();
    shape.constraint.invert(shape.form, &mut raw);
    shape.constraint.confine(shape.form, &mut raw);
    let curve = |shape: &Shape, raw: &[f64]| -> Vec<f64> {
        let ratio = Ratio::new(shape.form, &shape.lower(raw, None).theta);
        points().map(|x| shape.value(&ratio, x)).collect()
    };
    let (before, after) = (curve(plain, &free), curve(shape, &raw));
    if before.iter().zip(&after).all(|(x, y)| (x - y).abs() < 1e-10) {
        return raw;
    }
    let wanted: Vec<f64> = points().map(|x| target.value(x)).collect();
    // Where ε is added to |bₙ| the curve has a kink at bₙ = 0, and a descent from there may be stuck.
    let nudged = |by: f64| {
        let mut raw = raw.clone();
        raw[shape.form.lead_b()] += by;
        shape.constraint.confine(shape.form, &mut raw);
        raw
    };
    let mut tries = vec![nudged(0.0), nudged(0.01), nudged(-0.01)];
    // A constraint's gentler start must itself suit the form.
    if let Some(gentler) = shape.constraint.gentler().filter(|c| c.check(shape.form).is_ok()) {
        let gentler = Shape { form: shape.form, constraint: Arc::from(gentler) };
        let mut theta = start(&gentler, target);
        gentler.constraint.effective(shape.form, &mut theta);
        tries.push(theta);
    }
    best(tries.into_iter().map(|raw| descend(shape, raw, &wanted, 200)))
}

/// The attempt with the least squared error.
fn best(attempts: impl Iterator<Item = (Vec<f64>, f64)>) -> Vec<f64> {
    attempts.min_by(|x, y| x.1.total_cmp(&y.1)).expect("at least one start is tried").0
}

/// The unconstrained fit.
fn fit(form: Form, target: Target) -> Vec<f64> {
    if target == Target::Identity {
        // Exact: P = x and Q = 1.
        let mut theta = vec![0.0; form.len()];
        theta[1] = 1.0;
        if form.version == Version::C {
            theta[form.m + 1] = 1.0 - form.version.floor();
        }
        return theta;
    }
    let shape = Shape { form, constraint: Arc::new(Unconstrained) };
    let wanted: Vec<f64> = points().map(|x| target.value(x)).collect();
    let mut tries: Vec<(Vec<f64>, f64)> = denominators(form, &wanted)
        .into_iter()
        .map(|c| with_numerator(form, &c, &wanted))
        .map(|theta| descend(&shape, theta, &wanted, 20))
        .filter(|(theta, _)| without_pole(form, theta))
        .collect();
    tries.sort_by(|x, y| x.1.total_cmp(&y.1));
    best(tries.into_iter().take(3).map(|(theta, _)| descend(&shape, theta, &wanted, 400)))
}

/// Whether Q stays positive on the fitted interval (version N may cross 0).
fn without_pole(form: Form, theta: &[f64]) -> bool {
    let ratio = Ratio::new(form, theta);
    points().all(|x| ratio.denominator(x) > 0.01)
}

/// Start values for the denominator's polynomial, constant first (Q = 1 + c₁t + … in every version).
fn denominators(form: Form, wanted: &[f64]) -> Vec<Vec<f64>> {
    let n = form.n;
    let mut all = Vec::new();
    for even_only in [false, true] {
        let linear = sanathanan_koerner(form, wanted, even_only);
        all.push(linear.iter().map(|c| c.max(0.0)).collect());
        all.push(linear);
    }
    for pace in [0.3, 1.0, 3.0] {
        let mut c = 1.0;
        let ladder: Vec<f64> = (1..=n)
            .map(|k| {
                c *= pace / k as f64;
                c
            })
            .collect();
        let even = (1..=n).map(|k| if k % 2 == 0 { ladder[k - 1] } else { 0.0 }).collect();
        all.extend([ladder, even]);
    }
    all
}

/// The powers c₁…cₙ multiply: |x|ᵏ in version A, else xᵏ.
fn within(form: Form, x: f64) -> f64 {
    if form.version.even() { x.abs() } else { x }
}

/// Linearised fits of P and Q = 1 + Σcₖtᵏ; gives c₁…cₙ.
fn sanathanan_koerner(form: Form, wanted: &[f64], even_only: bool) -> Vec<f64> {
    let powers: Vec<usize> = (1..=form.n).filter(|k| !even_only || k % 2 == 0).collect();
    let mut c = vec![0.0; form.n];
    for _ in 0..8 {
        let weights: Vec<f64> = points()
            .map(|x| {
                let t = within(form, x);
                let s = c.iter().rev().fold(0.0, |sum: f64, c| (sum + c) * t);
                1.0 / (1.0 + s).abs().max(0.05)
            })
            .collect();
        let mut matrix = Matrix::zeros(POINTS, form.m + 1 + powers.len());
        for (row, x) in points().enumerate() {
            for i in 0..=form.m {
                matrix.column_mut(i)[row] = weights[row] * integer_power(x, i as i32);
            }
            for (at, &k) in powers.iter().enumerate() {
                matrix.column_mut(form.m + 1 + at)[row] =
                    -weights[row] * wanted[row] * integer_power(within(form, x), k as i32);
            }
        }
        let solution = matrix.solve(wanted.iter().zip(&weights).map(|(f, w)| f * w).collect());
        for (&k, &value) in powers.iter().zip(&solution[form.m + 1..]) {
            c[k - 1] = value;
        }
    }
    c
}

/// All coefficients with the denominator's given and the numerator fitted to it.
fn with_numerator(form: Form, c: &[f64], wanted: &[f64]) -> Vec<f64> {
    let mut theta = vec![0.0; form.len()];
    let first = form.version.first_b();
    if first == 0 {
        theta[form.m + 1] = 1.0 - form.version.floor();
    }
    theta[form.m + 2 - first..].copy_from_slice(c);
    let ratio = Ratio::new(form, &theta);
    let mut matrix = Matrix::zeros(POINTS, form.m + 1);
    for (row, x) in points().enumerate() {
        let q = ratio.denominator(x);
        for i in 0..=form.m {
            matrix.column_mut(i)[row] = integer_power(x, i as i32) / q;
        }
    }
    let solution = matrix.solve(wanted.to_vec());
    theta[..=form.m].copy_from_slice(&solution);
    theta
}

/// Levenberg–Marquardt (Moré 1978) over what is trained; gives the coefficients and the squared error.
fn descend(shape: &Shape, start: Vec<f64>, wanted: &[f64], rounds: usize) -> (Vec<f64>, f64) {
    let len = start.len();
    let (mut theta, mut damping, mut idle) = (start, 1e-3, 0);
    let mut error = squared_error(shape, &theta, wanted);
    let mut widths = vec![0.0f64; len];
    for _ in 0..rounds {
        let (mut jacobian, mut residual) = linearize(shape, &theta, wanted);
        for (j, width) in widths.iter_mut().enumerate() {
            *width = width.max(dot(jacobian.column(j), jacobian.column(j)).sqrt());
        }
        jacobian.triangularize(&mut residual);
        let before = error;
        while damping < 1e12 {
            // The damped problem in the triangle's terms: [R; √λ·W]·step ≈ [Qᵀr; 0].
            let mut damped = Matrix::zeros(2 * len, len);
            for (j, width) in widths.iter().enumerate() {
                let column = damped.column_mut(j);
                column[..len].copy_from_slice(&jacobian.column(j)[..len]);
                column[len + j] = f64::sqrt(damping) * width;
            }
            let mut rhs = vec![0.0; 2 * len];
            rhs[..len].copy_from_slice(&residual[..len]);
            let step = damped.solve(rhs);
            let mut moved: Vec<f64> = theta.iter().zip(&step).map(|(x, d)| x - d).collect();
            shape.constraint.confine(shape.form, &mut moved);
            let there = squared_error(shape, &moved, wanted);
            if there < error {
                (theta, error) = (moved, there);
                damping = (damping * 0.2).max(1e-15);
                break;
            }
            damping *= 4.0;
        }
        idle = if error < before * (1.0 - 1e-7) { 0 } else { idle + 1 };
        if idle == 3 || damping >= 1e12 || error == 0.0 {
            break;
        }
    }
    (theta, error)
}

/// y at every point, and R and 1/Q there. Direct Horner: nothing overflows within [-3, 3].
fn evaluate(shape: &Shape, theta: &[f64]) -> Vec<Evaluated> {
    let ratio = Ratio::new(shape.form, theta);
    let version = shape.form.version;
    points()
        .map(|x| {
            let t = within(shape.form, x);
            let p = ratio.a[..=shape.form.m].iter().rev().fold(0.0, |sum: f64, a| sum * x + a);
            let s = ratio.c[..=shape.form.n].iter().rev().fold(0.0, |sum: f64, c| sum * t + c);
            let sigma = if version.absolute() { sign(s) } else { 1.0 };
            let w = 1.0 / (version.floor() + sigma * s);
            let (y, flatter) = shape.constraint.ceiling().map_or((p * w, 1.0), |c| {
                let t = libm::tanh(p * w / c);
                (c * t, (1.0 - t) * (1.0 + t))
            });
            Evaluated { x, t, y, by_p: flatter * w, by_s: -flatter * sigma * p * w * w }
        })
        .collect()
}

/// y at a point, and its derivatives by P and by the polynomial in Q.
struct Evaluated {
    x: f64,
    t: f64,
    y: f64,
    by_p: f64,
    by_s: f64,
}

/// Σ(y - f)²; infinite where y is not finite.
fn squared_error(shape: &Shape, theta: &[f64], wanted: &[f64]) -> f64 {
    let at = evaluate(shape, &shape.lower(theta, None).theta);
    let sum: f64 = at.iter().zip(wanted).map(|(at, f)| (at.y - f) * (at.y - f)).sum();
    if sum.is_finite() { sum } else { f64::INFINITY }
}

/// ∂y/∂θ at every point, and y - f.
fn linearize(shape: &Shape, theta: &[f64], wanted: &[f64]) -> (Matrix, Vec<f64>) {
    let (form, len) = (shape.form, theta.len());
    let low = shape.lower(theta, None);
    let at = evaluate(shape, &low.theta);
    // ∂y/∂aᵢ = xⁱ·∂y/∂P and ∂y/∂bₖ = ±tᵏ·∂y/∂S, the signs those of version A's |bₖ|.
    let mut signs = vec![0.0; len];
    form.flatten(&low.theta, &[1.0; MAX_A], &[1.0; MAX_C], &mut signs);
    let mut effective = Matrix::zeros(POINTS, len);
    let mut column = 0;
    for power in 0..=form.m {
        let to = effective.column_mut(column).iter_mut();
        to.zip(&at).for_each(|(to, at)| *to = at.by_p * integer_power(at.x, power as i32));
        column += 1;
    }
    for power in form.version.first_b()..=form.n {
        let factor = signs[column];
        let to = effective.column_mut(column).iter_mut();
        to.zip(&at).for_each(|(to, at)| *to = factor * at.by_s * integer_power(at.t, power as i32));
        column += 1;
    }
    // The pull-back is linear in the gradient: the row of each effective coefficient, one by one.
    let mut jacobian = Matrix::zeros(POINTS, len);
    for (from, row) in (0..len).map(|j| (j, pulled_back(shape, theta, &low, j))) {
        for (to, &factor) in row.iter().enumerate().filter(|(_, factor)| **factor != 0.0) {
            let source = effective.column(from);
            jacobian.column_mut(to).iter_mut().zip(source).for_each(|(to, x)| *to += factor * x);
        }
    }
    (jacobian, at.iter().zip(wanted).map(|(at, f)| at.y - f).collect())
}

/// ∂(effective coefficient number `index`)/∂θ
fn pulled_back(shape: &Shape, theta: &[f64], low: &EffectiveCoefficients, index: usize) -> Vec<f64> {
    let mut unit = vec![0.0; theta.len()];
    unit[index] = 1.0;
    shape.pull_back(theta, low, &mut unit);
    unit
}
