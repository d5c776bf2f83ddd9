//! `CartPole-v1`: a pole on a cart that is pushed to the left or to the right.

use super::super::Figure;
use super::Task;
use crate::random::Stream;
use crate::spec::Entry;

/// Barto, Sutton & Anderson 1983, as in Gymnasium's `CartPole-v1`: positions are the cart's place (m) and
/// the pole's angle from the upright (rad), one explicit Euler step of 0.02 s, reward 1 a step. The episode
/// ends when the cart leaves ±2.4 m or the pole ±12°.
#[derive(Clone, Debug)]
pub struct Rules;

const GRAVITY: f64 = 9.8;
const POLE: f64 = 0.1;
const TOTAL: f64 = 0.1 + 1.0;
/// Half the pole's length: where its mass is.
const LENGTH: f64 = 0.5;
const FORCE: f64 = 10.0;
const SECONDS: f64 = 0.02;
const PLACE_LIMIT: f64 = 2.4;
/// 12°.
const ANGLE_LIMIT: f64 = 12.0 * 2.0 * std::f64::consts::PI / 360.0;

impl Task for Rules {
    const ENTRY: Entry = Entry {
        name: "CartPole-v1",
        summary: "keep a pole upright on a cart that is pushed to either side; 1 a step",
        source: "Barto, Sutton & Anderson 1983; Gymnasium",
        parameters: &[],
    };
    const COORDINATES: usize = 2;
    const FEATURES: usize = 4;
    const ACTIONS: usize = 2;
    const STEP_LIMIT: usize = 500;
    const RETURNS: (f64, f64) = (1.0, 500.0);
    const MAX_REWARD: f64 = 1.0;
    const RANDOM_RETURN: f64 = 21.27;

    fn start(positions: &mut [f64], velocities: &mut [f64], draws: &mut Stream) {
        for (x, v) in positions.iter_mut().zip(velocities) {
            *x = draws.uniform(-0.05, 0.05);
            *v = draws.uniform(-0.05, 0.05);
        }
    }

    fn advance(positions: &mut [f64], velocities: &mut [f64], action: usize) -> (f64, bool) {
        let force = if action == 1 { FORCE } else { -FORCE };
        let (sin, cos) = (libm::sin(positions[1]), libm::cos(positions[1]));
        let speed = velocities[1];
        let push = (force + POLE * LENGTH * (speed * speed) * sin) / TOTAL;
        let angular = (GRAVITY * sin - cos * push) / (LENGTH * (4.0 / 3.0 - POLE * (cos * cos) / TOTAL));
        let linear = push - POLE * LENGTH * angular * cos / TOTAL;
        for ((x, v), acceleration) in positions.iter_mut().zip(velocities).zip([linear, angular]) {
            *x += SECONDS * *v;
            *v += SECONDS * acceleration;
        }
        (1.0, positions[0].abs() > PLACE_LIMIT || positions[1].abs() > ANGLE_LIMIT)
    }

    fn observe(positions: &[f64], velocities: &[f64], observation: &mut [f64]) {
        observation.copy_from_slice(&[positions[0], velocities[0], positions[1], velocities[1]]);
    }

    fn figures(positions: &[f64]) -> Vec<Figure> {
        let (place, angle) = (positions[0], positions[1]);
        let tip = [place + 2.0 * LENGTH * libm::sin(angle), 2.0 * LENGTH * libm::cos(angle)];
        vec![
            Figure::Ground { height: -0.15 },
            Figure::Capsule { from: [place - 0.2, 0.0], to: [place + 0.2, 0.0], radius: 0.1 },
            Figure::Capsule { from: [place, 0.0], to: tip, radius: 0.05 },
        ]
    }
}
