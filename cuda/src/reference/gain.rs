//! A factor on R that depends on its coefficients, as kernels/gain.h takes it.

use super::rational::{Curve, Gain, power, sign};
use crate::layout::{MAX_P, SUMS, THREADS};
use crate::shape::{Constraint, Settings};

/// R, R' and what its gradients are made of at one point.
struct Near {
    t: f64,
    w: f64,
    v: f64,
    r: f64,
    slope: f64,
}

/// Whether `here` takes the place of the greatest so far: NaN does, and stays.
fn exceeds(here: f64, most: f64) -> bool {
    (here > most || here.is_nan()) && !most.is_nan()
}

fn near(curve: &Curve, x: f64) -> Near {
    let t = if curve.even() { x.abs() } else { x };
    let horner = |degree: usize, c: &dyn Fn(usize) -> f64, x: f64| {
        (0..degree)
            .rev()
            .fold((c(degree), 0.0f64), |(value, slope), k| (value.mul_add(x, c(k)), slope.mul_add(x, value)))
    };
    let (p, dp) = horner(curve.m, &|i| curve.set[i], x);
    let (s, ds) = horner(curve.n, &|k| curve.q(k), t);
    let w = 1.0 / (curve.floor() + if curve.absolute() { s.abs() } else { s });
    let r = p * w;
    let v = if curve.absolute() && s < 0.0 { w * r } else { -(w * r) };
    let turned = if curve.even() && x < 0.0 { -ds } else { ds };
    Near { t, w, v, r, slope: v.mul_add(turned, w * dp) }
}

/// Number i of a set, as a coefficient of P or of Q's polynomial.
fn by_number(curve: &Curve, i: usize, p: impl Fn(usize) -> f64, q: impl Fn(usize) -> f64) -> f64 {
    if i <= curve.m {
        return p(i);
    }
    let by = q(i - curve.m - 1 + curve.first_b());
    if curve.even() { sign(curve.set[i]) * by } else { by }
}

/// Highest power whose coefficient is not 0.
fn degree(most: usize, c: impl Fn(usize) -> f64) -> usize {
    (0..=most).rfind(|&k| c(k) != 0.0).unwrap_or(0)
}

fn lipschitz(curve: &Curve, settings: &Settings, bound: f64) -> Gain {
    let (mut most, mut place) = (0.0, 0.0);
    for thread in 0..THREADS {
        for &x in settings.points.iter().skip(thread).step_by(THREADS) {
            let here = near(curve, x).slope.abs();
            if exceeds(here, most) {
                (most, place) = (here, x);
            }
        }
    }
    let (m, n) = (degree(curve.m, |i| curve.set[i]), degree(curve.n, |k| curve.q(k)));
    let lead = if n > 0 { curve.q(n) } else { curve.floor() + curve.q(0).abs() };
    let tail = match m.cmp(&(n + 1)) {
        std::cmp::Ordering::Less => 0.0,
        std::cmp::Ordering::Equal => (curve.set[m] / lead).abs(),
        std::cmp::Ordering::Greater => f64::INFINITY,
    };
    let steepest = if exceeds(tail, most) { tail } else { most };
    let still = |factor| Gain { factor, by: vec![0.0; curve.set.len()] };
    if steepest <= bound {
        return still(1.0);
    }
    if !steepest.is_finite() {
        return still(if steepest.is_nan() { steepest } else { 0.0 });
    }
    let factor = bound / steepest;
    let outer = -factor / steepest;
    let by = (0..curve.set.len()).map(|i| {
        if tail > most {
            let moves = |k: usize| if k > 0 { 1.0 } else { sign(curve.q(0)) };
            let of_p = |i| if i == m { outer * tail / curve.set[m] } else { 0.0 };
            let of_q = |k| if k == n { -(outer * tail / lead * moves(k)) } else { 0.0 };
            by_number(curve, i, of_p, of_q)
        } else {
            let weight = outer * sign(curve.far_slope(place));
            by_number(
                curve,
                i,
                |i| by_slope(curve, place, weight, i, true),
                |k| by_slope(curve, place, weight, k, false),
            )
        }
    });
    Gain { factor, by: by.collect() }
}

/// weight·∂R'(x)/∂ by a coefficient of P or of Q's polynomial.
fn by_slope(curve: &Curve, x: f64, weight: f64, k: usize, of_p: bool) -> f64 {
    let (q, r, slope) = (curve.denominator(x), curve.far_value(x), curve.far_slope(x));
    let (within, inner) = if curve.even() { (x.abs(), sign(x)) } else { (x, 1.0) };
    let (s, ds) = (0..=curve.n)
        .rev()
        .fold((0.0f64, 0.0f64), |(s, ds), k| (s.mul_add(within, curve.q(k)), ds.mul_add(within, s)));
    let sigma = if curve.absolute() { sign(s) } else { 1.0 };
    let dq = sigma * inner * ds;
    let base = if of_p { x } else { within };
    let f = power(base, k as i32);
    let df = if k == 0 { 0.0 } else { k as f64 * power(base, k as i32 - 1) };
    if of_p {
        weight * (df - f * dq / q) / q
    } else {
        -(weight * sigma * (inner * df * r + f * (slope - r * dq / q)) / q)
    }
}

fn unit_gain(curve: &Curve, settings: &Settings) -> Gain {
    let (nodes, weights) = settings.points.split_at(settings.points.len() / 2);
    let mut threads = vec![vec![0f64; SUMS + 1]; THREADS];
    for (node, (&x, &weight)) in nodes.iter().zip(weights).enumerate() {
        let by = &mut threads[node % THREADS];
        let at = near(curve, x);
        let up = 2.0 * weight * at.r;
        let mut raised = 1.0;
        for by in &mut by[..=curve.m] {
            *by = (up * at.w).mul_add(raised, *by);
            raised *= x;
        }
        raised = 1.0;
        for by in &mut by[MAX_P..=MAX_P + curve.n] {
            *by = (up * at.v).mul_add(raised, *by);
            raised *= at.t;
        }
        by[SUMS] = (weight * at.r).mul_add(at.r, by[SUMS]);
    }
    let sum = |i: usize| {
        let runs = threads.chunks_exact(THREADS / 8);
        runs.map(|run| run.iter().fold(0.0, |sum, by| sum + by[i])).fold(0.0, |sum, run| sum + run)
    };
    let moment = sum(SUMS);
    if moment == 0.0 {
        return Gain { factor: 1.0, by: vec![0.0; curve.set.len()] };
    }
    let factor = settings.unit / moment.sqrt();
    let outer = -0.5 * factor / moment;
    let by = |i| by_number(curve, i, |i| outer * sum(i), |k| outer * sum(MAX_P + k));
    Gain { factor, by: (0..curve.set.len()).map(by).collect() }
}

/// The gain of an effective set, where its constraint has one.
pub fn of(curve: &Curve, settings: &Settings) -> Option<Gain> {
    match settings.constraint {
        Constraint::Lipschitz { bound } => Some(lipschitz(curve, settings, bound)),
        Constraint::UnitGain => Some(unit_gain(curve, settings)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Activation;

    fn settings(constraint: Constraint) -> Settings {
        let grid: Vec<f64> = (-300..=300).map(|i| 0.013 + f64::from(i) * 0.05).collect();
        let points = match constraint {
            Constraint::UnitGain => {
                let weights = grid.iter().map(|x| 0.05 * (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt());
                grid.iter().copied().chain(weights).collect()
            }
            _ => grid,
        };
        Settings { constraint, points, unit: 0.7, ..Settings::default() }
    }

    /// By central differences in f64, where a slope on the grid or the tail decides, and of large coefficients. No point
    /// lies on a corner.
    #[test]
    fn a_gain_moves_as_its_gradient_says() {
        let sets: [&[f32]; 4] = [
            &[0.3, 0.9, -0.4, 0.25, 0.1, 0.5, 0.7, -0.6, 0.35],
            &[0.1, 0.2, 0.1, 0.02, 3.0, 0.1, 0.2, 0.3, 0.5],
            &[0.0, 0.1, 0.0, 0.0, 2e-4, 1e-5, 1e-5, 1e-4, 1e-4],
            &[3e35, 9e35, -4e35, 2e35, 1e35, 0.5, 0.7, 0.6, 0.35],
        ];
        let mut kinds = [0; 2];
        for version in 0..4u8 {
            for raw in sets {
                for constraint in [Constraint::Lipschitz { bound: 0.4 }, Constraint::UnitGain] {
                    let settings = settings(constraint);
                    let activation = Activation::Rational { version, p: 4, q: 3 };
                    let curve = Curve::effective(activation, constraint, raw, &[1.0; MAX_P]);
                    let gain = of(&curve, &settings).unwrap();
                    assert!(gain.factor.is_finite() && gain.factor > 0.0);
                    // The tail moves with two coefficients, a slope with all.
                    let moving = gain.by.iter().filter(|by| **by != 0.0).count();
                    kinds[usize::from(moving > 2)] +=
                        usize::from(constraint != Constraint::UnitGain && moving > 0);
                    for i in 0..curve.set.len() {
                        let factor = |by: f64| {
                            let mut moved = curve.clone();
                            moved.set[i] += by;
                            of(&moved, &settings).unwrap().factor
                        };
                        let h = 1e-6 * f64::from(raw[i]).abs().max(0.1);
                        let quotient = (factor(h) - factor(-h)) / (2.0 * h);
                        let scale = gain.factor / f64::from(raw[i]).abs().max(0.1);
                        assert!(
                            (quotient - gain.by[i]).abs() < 2e-5 * scale + 2e-6 * gain.by[i].abs(),
                            "{constraint:?}, version {version}, {i}: {quotient} {}",
                            gain.by[i]
                        );
                    }
                }
            }
        }
        assert!(kinds.iter().all(|&kind| kind >= 3), "{kinds:?}");
    }
}
