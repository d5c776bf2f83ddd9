//! The acceleration: the least of a half quadratic in the inertia and the costs of the constraints.
//!
//! The cost is convex and, but for crossed round cones, quadratic in pieces. Newton's method with an exact
//! line search ends on the piece of the minimum after a handful of steps, and a whole step on one piece is
//! exact.

use super::constraint::{CURVED, Constraints};
use super::linear::{Factored, Matrix, dot, product};

/// Most steps of Newton's method. Random states in deep contact take a dozen.
const MOST_STEPS: usize = 100;
/// Most steps of the search along a line.
const MOST_SEARCHES: usize = 60;
/// A step of so little beside the acceleration is rounding.
const ROUNDING: f64 = 1e-14;

/// Finds the acceleration from `x` on: the least of ½ xᵀMx − xᵀf and the costs of the constraints.
pub fn solve<const N: usize>(
    inertia: &Matrix<N>,
    force: &[f64; N],
    constraints: &mut Constraints<N>,
    factored: &mut Factored<N>,
    x: &mut [f64; N],
) {
    let Constraints { singles, pairs } = constraints;
    for single in singles.iter_mut() {
        single.residual = single.sign * x[single.joint] - single.reference;
    }
    for pair in pairs.iter_mut() {
        pair.residual = [dot(&pair.u, x) - pair.reference[0], dot(&pair.v, x) - pair.reference[1]];
    }
    for _ in 0..MOST_STEPS {
        let momentum = product(inertia, x);
        let smooth: [f64; N] = std::array::from_fn(|i| force[i] - momentum[i]);
        let mut step = smooth;
        let hessian = factored.load(inertia);
        for single in singles.iter() {
            let (force, curvature, _) = single.respond(single.residual);
            step[single.joint] += single.sign * force;
            hessian[single.joint][single.joint] += curvature;
        }
        for pair in pairs.iter() {
            let response = pair.respond(pair.residual);
            let [uu, uv, vv] = response.curvature;
            if response.piece == 0 {
                continue;
            }
            for i in 0..N {
                step[i] += response.force[0] * pair.u[i] + response.force[1] * pair.v[i];
                let (a, b) = (uu * pair.u[i] + uv * pair.v[i], uv * pair.u[i] + vv * pair.v[i]);
                if a != 0.0 || b != 0.0 {
                    for k in 0..=i {
                        hessian[i][k] += a * pair.u[k] + b * pair.v[k];
                    }
                }
            }
        }
        let descent = step;
        factored.factor();
        factored.solve(&mut step);

        let mut exact = true;
        for single in singles.iter_mut() {
            single.change = single.sign * step[single.joint];
            let (_, _, here) = single.respond(single.residual);
            let (_, _, there) = single.respond(single.residual + single.change);
            exact &= here == there;
        }
        for pair in pairs.iter_mut() {
            pair.change = [dot(&pair.u, &step), dot(&pair.v, &step)];
            let here = pair.respond(pair.residual).piece;
            let there = pair.respond(moved(pair.residual, pair.change, 1.0)).piece;
            exact &= here == there && here != CURVED;
        }
        let most = |x: &[f64; N]| x.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        let small = most(&step) <= ROUNDING * most(x);
        if exact || small {
            for i in 0..N {
                x[i] += step[i];
            }
            return;
        }

        // The slope along the step: minus what the forces do, from the inertia and each constraint.
        let bend = dot(&step, &product(inertia, &step));
        let start = -dot(&smooth, &step);
        let slope = |t: f64| {
            let (mut slope, mut curvature) = (start + t * bend, bend);
            for single in singles.iter() {
                let (force, bend, _) = single.respond(single.residual + t * single.change);
                slope -= force * single.change;
                curvature += bend * single.change * single.change;
            }
            for pair in pairs.iter() {
                let response = pair.respond(moved(pair.residual, pair.change, t));
                let ([a, b], [uu, uv, vv]) = (pair.change, response.curvature);
                slope -= response.force[0] * a + response.force[1] * b;
                curvature += uu * a * a + 2.0 * uv * a * b + vv * b * b;
            }
            (slope, curvature)
        };
        let t = search(slope, dot(&descent, &step));
        for i in 0..N {
            x[i] += t * step[i];
        }
        for single in singles.iter_mut() {
            single.residual += t * single.change;
        }
        for pair in pairs.iter_mut() {
            pair.residual = moved(pair.residual, pair.change, t);
        }
        if t.is_nan() || t <= 0.0 {
            return;
        }
    }
}

#[inline(always)]
fn moved(residual: [f64; 2], change: [f64; 2], t: f64) -> [f64; 2] {
    [residual[0] + t * change[0], residual[1] + t * change[1]]
}

/// Where an increasing slope is zero, from its value and derivative: Newton's method within a bracket. At 0
/// the slope is −`descent`.
fn search(slope: impl Fn(f64) -> (f64, f64), descent: f64) -> f64 {
    let (mut low, mut high) = (0.0, f64::INFINITY);
    let mut t = 1.0;
    for _ in 0..MOST_SEARCHES {
        let (value, derivative) = slope(t);
        if value.abs() <= 1e-14 * descent {
            break;
        }
        if value < 0.0 {
            low = t;
        } else {
            high = t;
        }
        let next = t - value / derivative;
        let inside = next > low && next < high;
        t = if inside {
            next
        } else if high.is_finite() {
            0.5 * (low + high)
        } else {
            2.0 * t
        };
    }
    t
}
