//! Two links on a table: bring the finger to a disc.

use std::f64::consts::PI;
use std::sync::Arc;

use super::super::Registered;
use super::super::mechanism::{Passed, Setup, Start, Task};
use super::super::planar::Dynamics;
use super::tolerance::Tolerance;
use super::{LIMIT, MOST, RETURNS, SOURCE};
use crate::random::Stream;
use crate::spec::Entry;

pub const REGISTERED: &[Registered] = &[
    Registered {
        entry: Entry {
            name: "reacher-easy",
            summary: "bring the finger of two links to a large disc; 1 if it touches",
            source: SOURCE,
            parameters: &[],
        },
        build: |changes| SETUP.build(changes),
    },
    Registered {
        entry: Entry {
            name: "reacher-hard",
            summary: "bring the finger of two links to a small disc; 1 if it touches",
            source: SOURCE,
            parameters: &[],
        },
        build: |changes| {
            Setup { name: "reacher-hard", random_return: Some(6.66), target: &[0.0, 0.0, 0.015], ..SETUP }
                .build(changes)
        },
    },
];

const SETUP: Setup = Setup {
    name: "reacher-easy",
    model: include_str!("../models/reacher.toml"),
    prepare: |_| {},
    substeps: 1,
    observation: 6,
    // x, y, radius.
    target: &[0.0, 0.0, 0.05],
    limit: LIMIT,
    returns: RETURNS,
    max_reward: MOST,
    random_return: Some(42.54),
    task: |_| Arc::new(Reacher),
};

const FINGER: usize = 2;
const FINGER_RADIUS: f64 = 0.01;

struct Reacher;

fn to_target(world: &dyn Dynamics, target: &[f64]) -> [f64; 2] {
    let [x, y] = world.pose(FINGER).origin;
    [target[0] - x, target[1] - y]
}

impl Task for Reacher {
    fn observe(&self, world: &dyn Dynamics, target: &[f64], observation: &mut [f64]) {
        observation[..2].copy_from_slice(world.qpos());
        observation[2..4].copy_from_slice(&to_target(world, target));
        observation[4..].copy_from_slice(world.qvel());
    }

    fn reward(&self, passed: &Passed<'_>) -> f64 {
        let [x, y] = to_target(passed.world, passed.target);
        Tolerance::within(0.0, passed.target[2] + FINGER_RADIUS).of(libm::hypot(x, y))
    }

    fn start(&self, start: &mut Start<'_>, draws: &mut Stream) {
        start.random_joints(draws);
        start.set();
        let angle = draws.uniform(0.0, 2.0 * PI);
        let radius = draws.uniform(0.05, 0.2);
        start.target[0] = radius * libm::sin(angle);
        start.target[1] = radius * libm::cos(angle);
    }
}
