//! `Acrobot-v1`: two links, a motor between them, and a height to be reached.

use std::f64::consts::PI;

use super::super::Figure;
use super::Task;
use crate::random::Stream;
use crate::spec::Entry;

/// Sutton 1996, as in Gymnasium's `Acrobot-v1` (the book's equations): positions are the first link's
/// angle from hanging down and the second's relative to the first (rad), torque −1, 0 or 1, one
/// Runge–Kutta step of 0.2 s, reward −1 a step and 0 for the last. The episode ends when the tip is more
/// than one link above the pivot.
#[derive(Clone, Debug)]
pub struct Rules;

const LENGTH: f64 = 1.0;
const MASS: f64 = 1.0;
const INERTIA: f64 = 1.0;
/// From a link's joint to its centre of mass.
const CENTRE: f64 = 0.5;
const GRAVITY: f64 = 9.8;
const SECONDS: f64 = 0.2;
const SPEED_LIMITS: [f64; 2] = [4.0 * PI, 9.0 * PI];

impl Task for Rules {
    const ENTRY: Entry = Entry {
        name: "Acrobot-v1",
        summary: "swing the tip of two links one link above the pivot; -1 a step",
        source: "Sutton 1996; Gymnasium",
        parameters: &[],
    };
    const COORDINATES: usize = 2;
    const FEATURES: usize = 6;
    const ACTIONS: usize = 3;
    const STEP_LIMIT: usize = 500;
    const RETURNS: (f64, f64) = (-500.0, 0.0);
    const MAX_REWARD: f64 = 0.0;
    const RANDOM_RETURN: f64 = -498.6;

    fn start(positions: &mut [f64], velocities: &mut [f64], draws: &mut Stream) {
        for x in positions.iter_mut().chain(velocities) {
            // Gymnasium keeps the first state in f32.
            *x = f64::from(draws.uniform(-0.1, 0.1) as f32);
        }
    }

    fn advance(positions: &mut [f64], velocities: &mut [f64], action: usize) -> (f64, bool) {
        let torque = action as f64 - 1.0;
        let y = [positions[0], positions[1], velocities[0], velocities[1]];
        let [a, b, c, d] = runge_kutta(y, torque);
        positions.copy_from_slice(&[wrap(a), wrap(b)]);
        for ((v, new), limit) in velocities.iter_mut().zip([c, d]).zip(SPEED_LIMITS) {
            // `clamp` keeps a NaN, which the episode then reports.
            *v = new.clamp(-limit, limit);
        }
        let height = -libm::cos(positions[0]) - libm::cos(positions[1] + positions[0]);
        let terminated = height > 1.0;
        (if terminated { 0.0 } else { -1.0 }, terminated)
    }

    fn observe(positions: &[f64], velocities: &[f64], observation: &mut [f64]) {
        for (pair, &angle) in observation.chunks_mut(2).zip(positions) {
            pair.copy_from_slice(&[libm::cos(angle), libm::sin(angle)]);
        }
        observation[4..].copy_from_slice(velocities);
    }

    fn figures(positions: &[f64]) -> Vec<Figure> {
        let (first, second) = (positions[0], positions[0] + positions[1]);
        let elbow = [LENGTH * libm::sin(first), -LENGTH * libm::cos(first)];
        let tip = [elbow[0] + LENGTH * libm::sin(second), elbow[1] - LENGTH * libm::cos(second)];
        vec![
            Figure::Capsule { from: [0.0, 0.0], to: elbow, radius: 0.1 },
            Figure::Capsule { from: elbow, to: tip, radius: 0.1 },
            // The height to be reached.
            Figure::Target { centre: [0.0, LENGTH], radius: 0.05 },
        ]
    }
}

/// The state after [`SECONDS`], by one step of fourth order.
fn runge_kutta(y: [f64; 4], torque: f64) -> [f64; 4] {
    let at = |h: f64, k: [f64; 4]| std::array::from_fn(|i| y[i] + h * k[i]);
    let k1 = derivative(y, torque);
    let k2 = derivative(at(SECONDS / 2.0, k1), torque);
    let k3 = derivative(at(SECONDS / 2.0, k2), torque);
    let k4 = derivative(at(SECONDS, k3), torque);
    std::array::from_fn(|i| y[i] + SECONDS / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]))
}

/// Velocities and accelerations. The names are those of Sutton & Barto's book.
fn derivative([theta1, theta2, speed1, speed2]: [f64; 4], torque: f64) -> [f64; 4] {
    let (sin2, cos2) = (libm::sin(theta2), libm::cos(theta2));
    let coupling = MASS * LENGTH * CENTRE;
    let own = MASS * CENTRE * CENTRE;
    let d1 =
        own + MASS * (LENGTH * LENGTH + CENTRE * CENTRE + 2.0 * LENGTH * CENTRE * cos2) + INERTIA + INERTIA;
    let d2 = MASS * (CENTRE * CENTRE + LENGTH * CENTRE * cos2) + INERTIA;
    let phi2 = MASS * CENTRE * GRAVITY * libm::cos(theta1 + theta2 - PI / 2.0);
    let phi1 = -coupling * (speed2 * speed2) * sin2 - 2.0 * coupling * speed2 * speed1 * sin2
        + (MASS * CENTRE + MASS * LENGTH) * GRAVITY * libm::cos(theta1 - PI / 2.0)
        + phi2;
    let acceleration2 = (torque + d2 / d1 * phi1 - coupling * (speed1 * speed1) * sin2 - phi2)
        / (own + INERTIA - d2 * d2 / d1);
    let acceleration1 = -(d2 * acceleration2 + phi1) / d1;
    [speed1, speed2, acceleration1, acceleration2]
}

/// The same angle within ±π.
fn wrap(mut angle: f64) -> f64 {
    // A step turns a link by less than three turns; what is further away was set from outside.
    if angle.abs() > 64.0 * PI {
        angle %= 2.0 * PI;
    }
    while angle > PI {
        angle -= 2.0 * PI;
    }
    while angle < -PI {
        angle += 2.0 * PI;
    }
    angle
}
