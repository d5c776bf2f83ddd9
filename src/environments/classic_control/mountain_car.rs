//! `MountainCar-v0`: a car too weak for its hill.

use super::super::Figure;
use super::Task;
use crate::random::Stream;
use crate::spec::Entry;

/// Moore 1990, as in Gymnasium's `MountainCar-v0`: the position is the car's place, actions push it to the
/// left, not at all or to the right, reward −1 a step. The episode ends at the flag, at 0.5.
#[derive(Clone, Debug)]
pub struct Rules;

const LEFT: f64 = -1.2;
const RIGHT: f64 = 0.6;
const GOAL: f64 = 0.5;
const SPEED_LIMIT: f64 = 0.07;
const FORCE: f64 = 0.001;
const GRAVITY: f64 = 0.0025;

impl Task for Rules {
    const ENTRY: Entry = Entry {
        name: "MountainCar-v0",
        summary: "drive a weak car up a hill; -1 a step",
        source: "Moore 1990; Gymnasium",
        parameters: &[],
    };
    const COORDINATES: usize = 1;
    const FEATURES: usize = 2;
    const ACTIONS: usize = 3;
    const STEP_LIMIT: usize = 200;
    const RETURNS: (f64, f64) = (-200.0, -1.0);
    const MAX_REWARD: f64 = -1.0;
    const RANDOM_RETURN: f64 = -200.0;

    fn start(positions: &mut [f64], _: &mut [f64], draws: &mut Stream) {
        positions[0] = draws.uniform(-0.6, -0.4);
    }

    fn advance(positions: &mut [f64], velocities: &mut [f64], action: usize) -> (f64, bool) {
        let push = (action as f64 - 1.0) * FORCE + libm::cos(3.0 * positions[0]) * -GRAVITY;
        let mut speed = (velocities[0] + push).clamp(-SPEED_LIMIT, SPEED_LIMIT);
        let place = (positions[0] + speed).clamp(LEFT, RIGHT);
        if place == LEFT && speed < 0.0 {
            speed = 0.0;
        }
        (positions[0], velocities[0]) = (place, speed);
        (-1.0, place >= GOAL && speed >= 0.0)
    }

    fn observe(positions: &[f64], velocities: &[f64], observation: &mut [f64]) {
        observation.copy_from_slice(&[positions[0], velocities[0]]);
    }

    fn figures(positions: &[f64]) -> Vec<Figure> {
        let hill = |x: f64| [x, 0.45 * libm::sin(3.0 * x) + 0.55];
        let place = |i: u32| LEFT + (RIGHT - LEFT) * f64::from(i) / 40.0;
        let mut all: Vec<Figure> = (0..40)
            .map(|i| Figure::Capsule { from: hill(place(i)), to: hill(place(i + 1)), radius: 0.005 })
            .collect();
        all.push(Figure::Target { centre: hill(GOAL), radius: 0.04 });
        let [x, y] = hill(positions[0]);
        all.push(Figure::Capsule { from: [x - 0.03, y + 0.05], to: [x + 0.03, y + 0.05], radius: 0.04 });
        all
    }
}
