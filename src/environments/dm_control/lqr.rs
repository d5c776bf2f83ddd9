//! Masses in a row, each on a spring to the one before, the first ones pushed: bring all to rest. The
//! linear system with quadratic cost whose value is known.

use std::sync::Arc;

use super::super::Registered;
use super::super::mechanism::{Passed, Setup, Start, Task};
use super::super::planar::Dynamics;
use super::SOURCE;
use crate::random::Stream;
use crate::spec::Entry;

pub const REGISTERED: &[Registered] = &[
    Registered {
        entry: Entry {
            name: "lqr-lqr_2_1",
            summary: "two masses on springs, one pushed: come to rest; quadratic cost, no time limit",
            source: SOURCE,
            parameters: &[],
        },
        build: |changes| SETUP.build(changes),
    },
    Registered {
        entry: Entry {
            name: "lqr-lqr_6_2",
            summary: "six masses on springs, two pushed: come to rest; quadratic cost, no time limit",
            source: SOURCE,
            parameters: &[],
        },
        build: |changes| {
            Setup {
                name: "lqr-lqr_6_2",
                model: include_str!("../models/lqr_6_2.toml"),
                observation: 12,
                ..SETUP
            }
            .build(changes)
        },
    },
];

const SETUP: Setup = Setup {
    name: "lqr-lqr_2_1",
    // dm_control draws the springs anew from the seed of an environment; these are those of seed 0.
    model: include_str!("../models/lqr_2_1.toml"),
    prepare: |_| {},
    substeps: 1,
    observation: 4,
    target: &[],
    limit: None,
    returns: None,
    max_reward: Some(1.0),
    random_return: None,
    task: |_| Arc::new(Regulate),
};

/// Cost of control beside that of distance.
const CONTROL: f64 = 0.1;
/// Norm of the state at which the episode is over.
const AT_REST: f64 = 1e-6;

struct Regulate;

fn square(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum()
}

impl Task for Regulate {
    fn observe(&self, world: &dyn Dynamics, _: &[f64], observation: &mut [f64]) {
        let (positions, velocities) = observation.split_at_mut(world.qpos().len());
        positions.copy_from_slice(world.qpos());
        velocities.copy_from_slice(world.qvel());
    }

    fn reward(&self, passed: &Passed<'_>) -> f64 {
        1.0 - (0.5 * square(passed.world.qpos()) + 0.5 * square(passed.action) * CONTROL)
    }

    fn terminated(&self, passed: &Passed<'_>) -> bool {
        (square(passed.world.qpos()) + square(passed.world.qvel())).sqrt() < AT_REST
    }

    fn start(&self, start: &mut Start<'_>, draws: &mut Stream) {
        start.qpos.fill_with(|| draws.normal());
        let scale = (2.0 / square(start.qpos)).sqrt();
        start.qpos.iter_mut().for_each(|q| *q *= scale);
        start.set();
    }
}
